"""Each loss against loops in float64, and that rows which do not count teach nothing."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.methods.regiontcn.config import RegiontcnConfig  # noqa: E402
from facespot.methods.regiontcn.losses import (  # noqa: E402
    Targets,
    action_unit_loss,
    emotion_loss,
    iou_loss,
    map_loss,
    total_loss,
    type_loss,
)
from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS, N_OUTPUTS, SLICES  # noqa: E402
from facespot.methods.regiontcn.targets import MAPS, NONE, TrueExpression, row_targets  # noqa: E402

WINDOWS = (
    (TrueExpression(1, 5.3, 14.0, 25.0, 3, (1, 4), True), TrueExpression(2, 30.0, 33.0, 38.4, NONE, (), True)),
    (TrueExpression(2, -4.0, 2.0, 6.0, 0, (2,), True), TrueExpression(1, 12.0, 20.0, 34.0, 5, (), False)),
)
WEIGHTS = {"type": 3.0, "iou": 1.0, "maps": 0.15, "emotion": 0.3, "action_unit": 0.1}


def case(seed=0, uncounted=()):
    """Outputs and targets of two windows of 40 rows."""
    made = [row_targets(expressions, 0, 40, 1.0, 30.0) for expressions in WINDOWS]
    arrays = [np.stack(one) for one in zip(*(one.arrays() for one in made), strict=True)]
    arrays[0][:, list(uncounted)] = False
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(2, 40, N_OUTPUTS, generator=generator, dtype=torch.float64)
    return outputs, Targets(*map(torch.from_numpy, arrays))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softmax(values):
    return [math.exp(one) / sum(map(math.exp, values)) for one in values]


def rows_of(outputs, targets):
    """Each row that counts: its outputs by name, its targets by name."""
    for window, row in np.ndindex(2, 40):
        if targets.counted[window, row]:
            found = {name: outputs[window, row, place].tolist() for name, place in SLICES.items()}
            yield found, {name: getattr(targets, name)[window, row].tolist() for name in Targets._fields}


def weighted(pairs):
    pairs = list(pairs)
    return sum(loss * weight for loss, weight in pairs) / max(1, sum(weight for _, weight in pairs))


def type_by_loop(outputs, targets, micro_weight=2.0, gamma=1.0):
    def one(found, wanted):
        p = softmax(found["type"])[wanted["kind"]]
        return (micro_weight if wanted["kind"] == 2 else 1) * -math.log(p) * (1 - p) ** gamma

    return weighted((one(*row), 1) for row in rows_of(outputs, targets))


def iou_by_loop(outputs, targets):
    def one(found, wanted):
        proposed = [math.log1p(math.exp(value)) / 4 for value in found["distance"]]
        true = wanted["distances_s"]
        shared = sum(map(min, proposed, true)) + 1 / 30
        return 1 - shared / (sum(map(max, proposed, true)) + 1 / 30)

    return weighted((one(*row), row[1]["distance_weight"]) for row in rows_of(outputs, targets))


def maps_by_loop(outputs, targets):
    total = 0
    for column, name in enumerate(MAPS):
        loss, marks = 0, 1
        for found, wanted in rows_of(outputs, targets):
            p, y = sigmoid(found[name][0]), wanted["maps"][column]
            marks += y > 0.9
            loss -= (1 - y) ** 4 * p**2 * math.log(1 - p)
            loss -= y * (1 - p) ** 2 * math.log(p) if y > 0.5 else 0
        total += loss / marks
    return total


def emotion_by_loop(outputs, targets):
    def one(found, wanted):
        logs = [math.log(p) for p in softmax(found["emotion"])]
        return -0.95 * logs[wanted["emotion"]] - 0.05 * sum(logs) / len(EMOTIONS)

    named = [row for row in rows_of(outputs, targets) if row[1]["emotion"] != NONE]
    return weighted((one(*row), row[1]["emotion_weight"]) for row in named)


def action_units_by_loop(outputs, targets):
    def one(found, wanted):
        pairs = zip(map(sigmoid, found["action_unit"]), wanted["action_units"], strict=True)
        return -sum(math.log(p if there else 1 - p) for p, there in pairs)

    return weighted((one(*row), row[1]["action_unit_weight"]) for row in rows_of(outputs, targets))


LOSSES = {
    "type": (lambda *one: type_loss(*one, micro_weight=2.0, gamma=1.0), type_by_loop),
    "iou": (iou_loss, iou_by_loop),
    "maps": (map_loss, maps_by_loop),
    "emotion": (emotion_loss, emotion_by_loop),
    "action_unit": (action_unit_loss, action_units_by_loop),
}


@pytest.mark.parametrize("uncounted", [(), (2, 3, 13, 14, 39)], ids=["all counted", "some not"])
@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_that_of_a_loop(name, uncounted):
    outputs, targets = case(uncounted=uncounted)
    of_torch, by_loop = LOSSES[name]
    assert (~targets.counted).sum() == 23 + 2 * len(uncounted) - sum(12 <= row <= 34 for row in uncounted)
    assert of_torch(outputs, targets).item() == pytest.approx(by_loop(outputs, targets), rel=1e-6)


def test_the_total_is_the_weighted_sum():
    outputs, targets = case(1)
    expected = sum(WEIGHTS[name] * by_loop(outputs, targets) for name, (_, by_loop) in LOSSES.items())
    config = RegiontcnConfig(micro_weight=2.0, **{f"{name.rstrip('s')}_weight": one for name, one in WEIGHTS.items()})
    assert total_loss(outputs, targets, config).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("gamma", "micro_weight"), [(0.0, 1.0), (2.0, 3.0)])
def test_focus_and_weight_of_the_type(gamma, micro_weight):
    outputs, targets = case(2)
    found = type_loss(outputs, targets, micro_weight=micro_weight, gamma=gamma).item()
    assert found == pytest.approx(type_by_loop(outputs, targets, micro_weight, gamma), rel=1e-6)


def test_rows_that_do_not_count_have_no_gradient():
    outputs, targets = case(3)
    outputs.requires_grad_()
    total_loss(outputs, targets, RegiontcnConfig()).backward()
    assert not outputs.grad[~targets.counted].any()
    assert outputs.grad[targets.counted].abs().max(dim=-1).values.min() > 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_without_any_expression_is_finite(name):
    targets = row_targets((), 0, 40, 1.0, 30.0)
    batch = Targets(*(torch.from_numpy(one[np.newaxis].copy()) for one in targets.arrays()))
    outputs = torch.zeros(1, 40, N_OUTPUTS, requires_grad=True)
    loss = LOSSES[name][0](outputs, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()
    assert (loss.item() == 0) == (name in ("iou", "emotion", "action_unit"))


def test_the_right_answer_costs_least():
    _, targets = case()
    answer = torch.full((2, 40, N_OUTPUTS), -9.0, dtype=torch.float64)
    answer[..., SLICES["type"]] = 20 * torch.nn.functional.one_hot(targets.kind, 3).double()
    distances = targets.distances_s.double().clamp(min=1e-3) * 4
    answer[..., SLICES["distance"]] = torch.log(torch.expm1(distances))
    for column, name in enumerate(MAPS):
        answer[..., SLICES[name]] = torch.logit(targets.maps[..., column : column + 1].double().clamp(1e-6, 1 - 1e-6))
    answer[..., SLICES["emotion"]] = 6.0 * torch.nn.functional.one_hot(targets.emotion.clamp(min=0), len(EMOTIONS))
    answer[..., SLICES["action_unit"]] = 40 * targets.action_units.double() - 20
    assert len(ACTION_UNITS) == 17
    outputs, _ = case()
    for name, (loss, _) in LOSSES.items():
        assert loss(answer, targets) < 0.3 * loss(outputs, targets), name
