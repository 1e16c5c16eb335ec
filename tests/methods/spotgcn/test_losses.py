"""Focal and contrastive losses against loops in float64, their gradients against finite differences."""

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.methods.spotgcn.config import SpotgcnConfig  # noqa: E402
from facespot.methods.spotgcn.losses import (  # noqa: E402
    Targets,
    focal_loss,
    supervised_contrastive_loss,
    three_way_focal_loss,
    total_loss,
)
from facespot.methods.spotgcn.network import Stages  # noqa: E402


def sigmoid_focal_by_loop(logits, targets, alpha, gamma, smoothing):
    total = 0.0
    for logit, target in zip(logits, targets, strict=True):
        p = 1 / (1 + math.exp(-logit))
        y = target * (1 - smoothing) + smoothing / 2
        total -= alpha * y * (1 - p) ** gamma * math.log(p)
        total -= (1 - alpha) * (1 - y) * p**gamma * math.log(1 - p)
    return total / len(logits)


def three_way_by_loop(logits, classes, alpha, gamma):
    total = 0.0
    for row, true in zip(logits, classes, strict=True):
        shares = [math.exp(one) for one in row]
        p = shares[true] / sum(shares)
        total -= (1 - alpha if true == 2 else alpha) * (1 - p) ** gamma * math.log(p)
    return total / len(logits)


def contrast_by_loop(z, classes, temperature, normalised):
    if normalised:
        z = [row / math.sqrt(sum(row**2)) for row in z]
    terms = []
    for i in range(len(z)):
        others = [e for e in range(len(z)) if e != i]
        same = [q for q in others if classes[q] == classes[i]]
        if not same:
            continue
        whole = sum(math.exp(float(z[i] @ z[e]) / temperature) for e in others)
        terms.append(-sum(math.log(math.exp(float(z[i] @ z[q]) / temperature) / whole) for q in same) / len(same))
    return sum(terms) / len(terms) if terms else 0.0


def assert_gradient(function, at):
    """The gradient at a float64 array, against central differences."""
    point = torch.from_numpy(at.copy()).requires_grad_()
    function(point).backward()
    step = 1e-6
    for index in np.ndindex(at.shape):
        moved = [at.copy(), at.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        above, below = (function(torch.from_numpy(one)).item() for one in moved)
        assert point.grad[index].item() == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8), index


@pytest.mark.parametrize("smoothing", [0.0, 0.16])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_the_focal_loss_of_a_sigmoid_is_equation_4(alpha, gamma, smoothing):
    rng = np.random.default_rng(0)
    logits, targets = 2 * rng.standard_normal(9), rng.random(9)
    targets[:4] = [0, 1, 0, 1]

    def loss(at):
        return focal_loss(at, torch.from_numpy(targets), alpha, gamma, smoothing)

    expected = sigmoid_focal_by_loop(logits, targets, alpha, gamma, smoothing)
    assert loss(torch.from_numpy(logits)).item() == pytest.approx(expected, rel=1e-12)
    assert_gradient(loss, logits)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_the_focal_loss_of_onset_and_offset_is_equation_4(alpha, gamma):
    rng = np.random.default_rng(1)
    logits, classes = 2 * rng.standard_normal((8, 3)), np.array([0, 1, 2, 2, 0, 1, 2, 2])

    def loss(at):
        return three_way_focal_loss(at, torch.from_numpy(classes), alpha, gamma)

    expected = three_way_by_loop(logits, classes, alpha, gamma)
    assert loss(torch.from_numpy(logits)).item() == pytest.approx(expected, rel=1e-12)
    assert_gradient(loss, logits)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [30.0, 1000.0])
def test_large_logits_have_a_finite_loss_and_gradient(size, gamma):
    logits = torch.tensor([size, -size, size, -size], requires_grad=True)
    focal_loss(logits, torch.tensor([0.0, 0.0, 1.0, 1.0]), 0.9, gamma).backward()
    rows = torch.tensor([[size, 0.0, -size], [-size, 0.0, size], [size, 0.0, 0.0]], requires_grad=True)
    loss = three_way_focal_loss(rows, torch.tensor([0, 0, 2]), 0.9, gamma)
    loss.backward()
    assert loss.item() > 1
    for gradient in (logits.grad, rows.grad):
        assert torch.isfinite(gradient).all()
        assert gradient.any()


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
# The last frame of the first list is alone of its class: it is no anchor, but stays among the others.
@pytest.mark.parametrize("classes", [[0, 0, 0, 1, 1, 0, 2], [2, 2, 2, 2, 2, 2, 2], [0, 1, 1, 2, 2, 0, 1]])
def test_the_contrastive_loss_is_equation_5_as_a_mean(classes, temperature, normalised):
    z = np.random.default_rng(2).standard_normal((7, 4))
    labels = torch.tensor(classes)

    def loss(at):
        return supervised_contrastive_loss(at, labels, temperature, normalised=normalised)

    expected = contrast_by_loop(z, classes, temperature, normalised)
    assert loss(torch.from_numpy(z)).item() == pytest.approx(expected, rel=1e-12)
    assert_gradient(loss, z)


def test_the_contrastive_loss_does_not_grow_with_the_batch():
    z, classes = np.random.default_rng(3).standard_normal((200, 8)), np.arange(200) % 3
    few, many = (
        supervised_contrastive_loss(torch.from_numpy(z[:n]), torch.from_numpy(classes[:n]), 0.5).item()
        for n in (100, 200)
    )
    # Only the sum in the logarithm grows: by log 2.
    assert many - few == pytest.approx(math.log(2), abs=0.1)


@pytest.mark.parametrize("classes", [[], [1], [0, 1, 2]])
def test_without_a_second_frame_of_a_class_there_is_no_contrast(classes):
    z = torch.randn(len(classes), 4, requires_grad=True)
    loss = supervised_contrastive_loss(z, torch.tensor(classes, dtype=torch.int64), 0.5)
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


def test_frames_with_equal_or_zero_representations_have_a_finite_gradient():
    z = torch.zeros(4, 8, requires_grad=True)
    supervised_contrastive_loss(z, torch.tensor([0, 0, 1, 1]), 0.5).backward()
    assert torch.isfinite(z.grad).all()


# The sum of equation 6.


def batch(n=12, seed=0):
    rng = np.random.default_rng(seed)
    logits, z = rng.standard_normal((n, 10)), rng.standard_normal((n, 64))
    targets = Targets(
        torch.from_numpy(rng.integers(0, 3, (n, 2))),
        torch.from_numpy(rng.random((n, 2))),
        torch.from_numpy(rng.integers(0, 2, (n, 2)).astype(np.float64)),
        torch.from_numpy(rng.integers(0, 3, n)),
        torch.from_numpy(rng.random((n, 2)) < 0.7),
    )
    return logits, z, targets


def loss_of(logits, z, targets, config):
    nothing = torch.empty(0)
    stages = Stages(nothing, nothing, nothing, torch.as_tensor(z), torch.as_tensor(logits))
    return total_loss(stages, targets, config)


CONFIG = SpotgcnConfig(macro_weight=0.7, contrastive_weight=0.05, gamma=2.0)


def expected_loss(logits, z, targets, config):
    total = 0.0
    # Type, its column in the targets, factor, logits of boundary, apex and action.
    for column, factor, first, apex, action in ((1, 1.0, 0, 6, 8), (0, config.macro_weight, 3, 7, 9)):
        rows = np.flatnonzero(targets.counts[:, column].numpy())
        if len(rows) == 0:
            continue
        boundary = three_way_by_loop(
            logits[rows, first : first + 3], targets.boundary[rows, column].tolist(), config.boundary_alpha, 2.0
        )
        apexes = sigmoid_focal_by_loop(logits[rows, apex], targets.apex[rows, column].tolist(), 0.9, 2.0, 0.16)
        actions = sigmoid_focal_by_loop(logits[rows, action], targets.action[rows, column].tolist(), 0.8, 2.0, 0.16)
        total += factor * (1.8 * apexes + 1.0 * boundary + 0.1 * actions)
    known = np.flatnonzero(targets.counts.any(dim=1).numpy())
    return total + config.contrastive_weight * contrast_by_loop(z[known], targets.frame_type[known].tolist(), 0.5, True)


@pytest.mark.parametrize("only", [None, 0, 1])
def test_the_whole_loss_is_the_weighted_sum_over_the_types_that_count(only):
    logits, z, targets = batch()
    if only is not None:
        targets.counts[:, 1 - only] = False
    assert loss_of(logits, z, targets, CONFIG).item() == pytest.approx(expected_loss(logits, z, targets, CONFIG))


def test_a_frame_that_does_not_count_moves_nothing_of_its_type():
    logits, z, targets = batch()
    at = torch.from_numpy(logits).requires_grad_()
    loss_of(at, z, targets, CONFIG).backward()
    moved = at.grad != 0
    macro, micro = targets.counts.unbind(dim=1)
    for of_type, columns in ((micro, [0, 1, 2, 6, 8]), (macro, [3, 4, 5, 7, 9])):
        assert 0 < of_type.sum() < len(of_type)
        assert torch.equal(moved[:, columns], of_type[:, None].expand(-1, len(columns)))


def test_where_nothing_counts_the_loss_is_0():
    logits, z, targets = batch()
    targets.counts[:] = False
    at = torch.from_numpy(logits).requires_grad_()
    loss = loss_of(at, z, targets, CONFIG)
    loss.backward()
    assert loss.item() == 0
    assert not at.grad.any()


def test_lambda_0_leaves_the_representation_alone():
    logits, z, targets = batch()
    point = torch.from_numpy(z).requires_grad_()
    at = torch.from_numpy(logits).requires_grad_()
    loss_of(at, point, targets, replace(CONFIG, contrastive_weight=0.0)).backward()
    assert point.grad is None
    loss_of(at, point, targets, CONFIG).backward()
    assert point.grad.any()
