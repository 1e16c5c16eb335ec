"""Equations 3 to 5 against loops in float64, gradients against finite differences, singular points."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.methods.fesnet.config import FesnetConfig  # noqa: E402
from facespot.methods.fesnet.losses import (  # noqa: E402
    class_weights,
    lsdm_loss,
    smooth_loss,
    total_loss,
    weighted_cross_entropy,
)
from facespot.methods.fesnet.network import Stages  # noqa: E402

FORMS = ["stable", "printed"]


def deviations_by_loop(x_motion):
    """The root of the summed squares of each frame."""
    found = []
    for frame in x_motion.reshape(-1, *x_motion.shape[-3:]):
        mean = sum(frame.flat) / frame.size
        found.append(math.sqrt(sum((value - mean) ** 2 for value in frame.flat)))
    return found


def lsdm_by_loop(x_motion, form):
    return sum(-1 / math.log(d + (math.e if form == "stable" else 0)) for d in deviations_by_loop(x_motion)) / (
        np.prod(x_motion.shape[:-3])
    )


def frames_of(deviation, shape=(2, 2, 3, 2, 2), seed=0, dtype=torch.float64):
    """Frames with exactly this root of summed squares."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    drawn = drawn - drawn.mean(dim=(-3, -2, -1), keepdim=True)
    drawn = drawn / drawn.square().sum(dim=(-3, -2, -1), keepdim=True).sqrt() * deviation + 5.0
    return drawn.to(dtype)


# LSDM loss, equation 3.


@pytest.mark.parametrize("size", [0.05, 0.2, 4.0, 30.0])
@pytest.mark.parametrize("form", FORMS)
def test_the_lsdm_loss_is_equation_3_of_each_frame(form, size):
    x_motion = size * torch.rand(2, 3, 4, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x_motion = x_motion * torch.tensor([0.3, 1.0, 2.0]).view(1, 3, 1, 1, 1)
    deviation = np.array(deviations_by_loop(x_motion.numpy()))
    assert (np.abs(np.log(deviation)) > 0.1).all(), "no frame at the pole"
    assert lsdm_loss(x_motion, form).item() == pytest.approx(lsdm_by_loop(x_motion.numpy(), form), rel=1e-12)
    assert torch.autograd.gradcheck(lambda x: lsdm_loss(x, form), x_motion.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("deviation", [0.0, 1e-30, 1e-6, 1e-3, 0.9, 1 - 1e-7, 1.0, 1 + 1e-7, 1.1, 1e6])
@pytest.mark.parametrize("form", FORMS)
def test_the_lsdm_loss_is_finite_everywhere(form, deviation, dtype):
    x_motion = frames_of(deviation, dtype=dtype).requires_grad_()
    loss = lsdm_loss(x_motion, form)
    loss.backward()
    assert -1 <= loss.item() < 0 if form == "stable" else 0 < abs(loss.item()) < 10.001
    assert x_motion.grad.abs().max() < 200


@pytest.mark.parametrize("form", FORMS)
def test_constant_features_have_no_gradient(form):
    # The mean of equal numbers is rounded, so the difference from it is 0 for the first value alone.
    for value, dtype in ((0.0, torch.float32), (0.3, torch.float32), (0.3, torch.float64)):
        x_motion = torch.full((2, 3, 4, 7, 7), value, dtype=dtype, requires_grad=True)
        lsdm_loss(x_motion, form).backward()
        assert x_motion.grad.abs().max() < 1e-6


def test_the_printed_form_is_held_at_its_pole():
    for deviation, expected in (
        (1.0 - 1e-6, 10.0),
        (1.0 + 1e-6, -10.0),
        (math.exp(0.3), -1 / 0.3),
        (math.exp(-0.3), 1 / 0.3),
        (1e-9, -1 / math.log(1e-3)),
    ):
        x_motion = frames_of(deviation).requires_grad_()
        loss = lsdm_loss(x_motion, "printed")
        loss.backward()
        assert loss.item() == pytest.approx(expected, rel=1e-9)
        assert x_motion.grad.any() == (abs(expected) == pytest.approx(1 / 0.3))
    assert lsdm_loss(frames_of(1.01), "printed", guard=0.5).item() == pytest.approx(-2.0)


@pytest.mark.parametrize(("form", "deviation"), [("stable", 0.01), ("stable", 1.0), ("stable", 40.0),
                                                 ("printed", 0.5), ("printed", 1.5), ("printed", 40.0)])  # fmt: skip
def test_both_forms_reward_less_deviation(form, deviation):
    less, more = (lsdm_loss(frames_of(factor * deviation), form).item() for factor in (0.99, 1.01))
    assert less < more
    x_motion = frames_of(deviation).requires_grad_()
    lsdm_loss(x_motion, form).backward()
    stepped = x_motion.detach() - 1e-3 * x_motion.grad / x_motion.grad.norm()
    assert max(deviations_by_loop(stepped.numpy())) < deviation


# Cross-entropy and smooth loss, equation 4.


def softmax_by_loop(row):
    exponentials = [math.exp(value) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def smooth_by_loop(refined):
    total = 0.0
    for block in refined:
        for proposals in block:
            n_clips, n_frames, n_classes = proposals.shape
            of_layer = 0.0
            for clip in proposals:
                for before, after in pairwise(clip):
                    pairs = zip(softmax_by_loop(before), softmax_by_loop(after), strict=True)
                    of_layer += sum((q - p) ** 2 for p, q in pairs)
            total += of_layer / (n_clips * (n_frames - 1) * n_classes)
    return total / len(refined)


def cross_entropy_by_loop(logits, labels, weights, counts=None):
    total = n = 0
    for place in np.ndindex(labels.shape):
        if counts is None or counts[place]:
            total -= weights[labels[place]] * math.log(softmax_by_loop(logits[place])[labels[place]])
            n += 1
    return total / max(n, 1)


def proposals_of(n_blocks, n_layers, shape=(2, 4, 3), seed=0):
    rng = np.random.default_rng(seed)
    return [[2 * rng.standard_normal(shape) for _ in range(n_layers)] for _ in range(n_blocks)]


@pytest.mark.parametrize(("n_blocks", "n_layers"), [(2, 3), (1, 5), (3, 1)])
def test_the_smooth_loss_is_equation_4(n_blocks, n_layers):
    refined = proposals_of(n_blocks, n_layers, shape=(2, 3, 3))
    flat = [torch.from_numpy(one).requires_grad_() for block in refined for one in block]

    def loss(*proposals):
        return smooth_loss([proposals[i : i + n_layers] for i in range(0, len(proposals), n_layers)])

    assert loss(*flat).item() == pytest.approx(smooth_by_loop(refined), rel=1e-12)
    assert torch.autograd.gradcheck(loss, flat)


def test_equal_probabilities_are_smooth_and_order_matters():
    steady = torch.randn(2, 1, 3, generator=torch.Generator().manual_seed(0)).expand(2, 6, 3)
    # One number on all logits of a frame changes no probability.
    shifted = steady + torch.arange(6.0)[:, None]
    assert smooth_loss([[steady, shifted]]).item() == pytest.approx(0.0, abs=1e-12)
    step, flicker = (torch.tensor(one)[None, :, None] * torch.tensor([4.0, 0.0, 0.0])
                     for one in ([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]))  # fmt: skip
    assert smooth_loss([[flicker]]).item() == pytest.approx(3 * smooth_loss([[step]]).item())


@pytest.mark.parametrize("masked", [False, True])
def test_the_cross_entropy_is_that_of_equation_4_as_a_mean(masked):
    rng = np.random.default_rng(3)
    logits, labels = 2 * rng.standard_normal((3, 5, 3)), rng.integers(0, 3, (3, 5))
    weights = np.array([0.4, 2.5, 7.0])
    counts = rng.random((3, 5)) < 0.6 if masked else None

    def loss(at):
        mask = None if counts is None else torch.from_numpy(counts)
        return weighted_cross_entropy(at, torch.from_numpy(labels), torch.from_numpy(weights), mask)

    at = torch.from_numpy(logits).requires_grad_()
    assert loss(at).item() == pytest.approx(cross_entropy_by_loop(logits, labels, weights, counts), rel=1e-12)
    assert torch.autograd.gradcheck(loss, at)
    loss(at).backward()
    assert np.array_equal(at.grad.numpy().any(axis=2), np.ones((3, 5), bool) if counts is None else counts)


def test_where_no_frame_counts_the_cross_entropy_is_0():
    logits = torch.randn(2, 3, 3, requires_grad=True)
    nowhere = torch.zeros(2, 3, dtype=torch.bool)
    loss = weighted_cross_entropy(logits, torch.ones(2, 3, dtype=torch.int64), torch.ones(3), nowhere)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("label_counts", [[900, 80, 20], [7, 7, 7], [500, 3, 0], [0, 0, 4], [10**7, 1, 2]])
@pytest.mark.parametrize("kind", ["inverse", "root", "none"])
def test_class_weights_average_1_over_the_frames(kind, label_counts):
    weights = class_weights(np.array(label_counts), kind)
    assert weights.dtype == torch.float32
    assert (weights.double().numpy() * label_counts).sum() == pytest.approx(sum(label_counts), rel=1e-6)
    assert ((weights > 0).numpy() == (np.array(label_counts) > 0)).all()
    present = [label for label, n in enumerate(label_counts) if n]
    power = {"inverse": 1.0, "root": 0.5, "none": 0.0}[kind]
    for one in present:
        for other in present:
            ratio = (label_counts[other] / label_counts[one]) ** power
            assert (weights[one] / weights[other]).item() == pytest.approx(ratio, rel=1e-5)


def test_with_inverse_weights_each_class_has_the_same_share_of_the_loss():
    labels = torch.tensor([[0] * 12 + [1] * 6 + [2] * 2])
    weights = class_weights(torch.bincount(labels.flatten()).numpy(), "inverse")
    logits = torch.zeros(1, 20, 3)
    shares = [weighted_cross_entropy(logits, labels, weights, labels == label) * (labels == label).sum() / 20
              for label in range(3)]  # fmt: skip
    assert torch.stack(shares).tolist() == pytest.approx([math.log(3) / 3] * 3, rel=1e-6)


# The sum, equation 5.


def stages_of(with_mtam=True, seed=5):
    rng = np.random.default_rng(seed)
    spatial, temporal = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 3))
    refined = proposals_of(2, 5, seed=seed + 1) if with_mtam else []
    x_motion = 3 * rng.random((2, 4, 3, 2, 2))
    nothing = torch.empty(0)
    tensors = tuple(tuple(torch.from_numpy(one).requires_grad_() for one in block) for block in refined)
    spatial_tensor = torch.from_numpy(spatial).requires_grad_()
    stages = Stages(
        nothing,
        nothing,
        nothing,
        nothing,
        torch.from_numpy(x_motion).requires_grad_(),
        nothing,
        spatial_tensor,
        torch.from_numpy(temporal).requires_grad_() if with_mtam else None,
        tensors,
        tensors[-1][-1] if with_mtam else spatial_tensor,
    )
    return stages, spatial, temporal, refined, x_motion


LABELS = np.array([[0, 0, 1, 1], [2, 0, 0, 1]])
WEIGHTS = np.array([0.5, 1.5, 4.0])
COUNTS = np.array([[True, True, True, False], [True, False, True, True]])


def loss_of(stages, config, counts=None):
    mask = None if counts is None else torch.from_numpy(counts)
    return total_loss(stages, torch.from_numpy(LABELS), torch.from_numpy(WEIGHTS), config, mask)


@pytest.mark.parametrize("counts", [None, COUNTS])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("gamma", "lsdm_weight"), [(0.15, 1.0), (0.0, 0.5), (0.3, 0.0)])
@pytest.mark.parametrize("supervision", ["all", "final"])
def test_the_whole_loss_is_equation_5(supervision, gamma, lsdm_weight, form, counts):
    stages, spatial, temporal, refined, x_motion = stages_of()
    config = FesnetConfig(supervision=supervision, gamma=gamma, lsdm_weight=lsdm_weight, lsdm_form=form)
    seen = [spatial, temporal, refined[0][4], refined[1][4]] if supervision == "all" else [refined[1][4]]
    expected = sum(cross_entropy_by_loop(one, LABELS, WEIGHTS, counts) for one in seen) / len(seen)
    expected += gamma * smooth_by_loop(refined) + lsdm_weight * lsdm_by_loop(x_motion, form) / LABELS.shape[1]
    assert loss_of(stages, config, counts).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("supervision", ["all", "final"])
def test_without_the_mtam_there_are_spatial_proposals_and_the_lsdm_loss_alone(supervision):
    stages, spatial, _, _, x_motion = stages_of(with_mtam=False)
    config = FesnetConfig(use_mtam=False, supervision=supervision)
    expected = cross_entropy_by_loop(spatial, LABELS, WEIGHTS) + lsdm_by_loop(x_motion, "stable") / LABELS.shape[1]
    assert loss_of(stages, config).item() == pytest.approx(expected, rel=1e-12)


def test_what_each_setting_leaves_out_gets_no_gradient():
    config = FesnetConfig(supervision="final", gamma=0.0, lsdm_weight=0.0)
    for changed, reached in (
        (config, {"final"}),
        (replace(config, supervision="all"), {"final", "spatial", "temporal", "block"}),
        (replace(config, gamma=0.1), {"final", "block", "layer"}),
        (replace(config, lsdm_weight=0.1), {"final", "x_motion"}),
    ):
        stages = stages_of()[0]
        loss_of(stages, changed).backward()
        leaves = {
            "final": stages.final,
            "spatial": stages.spatial,
            "temporal": stages.temporal,
            "x_motion": stages.x_motion,
            "block": stages.refined[0][4],
            "layer": stages.refined[1][2],
        }
        assert {name for name, leaf in leaves.items() if leaf.grad is not None and leaf.grad.any()} == reached
