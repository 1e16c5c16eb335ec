"""Targets of rows against plain loops; what is not learned, what was not annotated, frames and rows."""

import numpy as np
import pytest

from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS
from facespot.methods.regiontcn.targets import MAPS, NONE, TrueExpression, row_targets, true_expressions
from facespot.values import KINDS, Expression, Timebase, Track

ANGER, HAPPINESS = EMOTIONS.index("anger"), EMOTIONS.index("happiness")
MACRO = TrueExpression(1, 10.2, 22.0, 39.7, HAPPINESS, (4, 8), True)
MICRO = TrueExpression(2, 50.0, 53.0, 58.0, ANGER, (2,), True)
INSIDE = TrueExpression(2, 20.0, 23.0, 27.0, NONE, (), True)


def by_loop(expressions, start, n_rows, speed, rate, bell):
    """The same row by row: the shortest expression that holds a row decides, the maps know of all."""
    made = []
    for number in range(n_rows):
        at = start + number * speed
        row = {"kind": 0, "distances_s": (0, 0), "distance_weight": 0, "maps": [0] * 4, "emotion": NONE}
        row |= {"emotion_weight": 0, "action_unit_weight": 0, "action_units": [0] * len(ACTION_UNITS)}
        for one in expressions:
            length = (one.offset - one.onset + 1) / speed
            places = ((one.onset + one.offset) / 2, one.apex, one.onset, one.offset)
            widths = (max(1, 0.12 * length), max(1, 0.06 * length), 1.2, 1.5)
            near = [bell((at - place) / speed / width) for place, width in zip(places, widths, strict=True)]
            row["maps"] = [max(pair) for pair in zip(row["maps"], near, strict=True)]
        holding = [one for one in expressions if one.onset - 0.5 <= at <= one.offset + 0.5]
        if holding:
            one = min(holding, key=lambda one: one.offset - one.onset)
            length = (one.offset - one.onset + 1) / speed
            row["kind"], row["emotion"] = one.kind, one.emotion
            row["distances_s"] = max(at - one.onset, 0) / speed / rate, max(one.offset - at, 0) / speed / rate
            row["distance_weight"] = 1 / max(length, 4)
            seen = [start + other * speed for other in range(n_rows)]
            seen = [other for other in seen if one.onset - 0.5 <= other <= one.offset + 0.5]
            total = sum(bell((other - one.apex) / speed / (length / 4)) for other in seen)
            share = bell((at - one.apex) / speed / (length / 4)) / total
            row["emotion_weight"] = share if one.emotion != NONE else 0
            row["action_unit_weight"] = share if one.action_units else 0
            row["action_units"] = [int(unit in one.action_units) for unit in range(len(ACTION_UNITS))]
        made.append(row)
    return made


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("expressions", [(), (MACRO, MICRO), (INSIDE, MACRO)], ids=["none", "apart", "one inside"])
def test_targets_are_those_of_a_loop(expressions, speed, bell):
    found = row_targets(expressions, -3.3, 64, speed, 25.0)
    assert found.counted.all()
    for number, row in enumerate(by_loop(expressions, -3.3, 64, speed, 25.0, bell)):
        for name, value in row.items():
            np.testing.assert_allclose(getattr(found, name)[number], value, atol=1e-6, err_msg=f"{name} {number}")


def test_an_expression_that_is_not_learned_is_neither_there_nor_not():
    unlearned = TrueExpression(2, 20.0, 23.0, 27.0, ANGER, (2,), False)
    with_it = row_targets((MACRO, unlearned), 0, 64, 1.0, 30.0)
    without = row_targets((MACRO,), 0, 64, 1.0, 30.0)
    assert np.flatnonzero(~with_it.counted).tolist() == list(range(20, 28))
    assert not with_it.kind[20:28].any()
    assert not with_it.distance_weight[20:28].any()
    assert not with_it.emotion_weight[20:28].any()
    np.testing.assert_array_equal(with_it.maps, without.maps)
    for name in ("kind", "distances_s", "distance_weight", "emotion", "emotion_weight", "action_units"):
        kept = np.r_[0:20, 28:64]
        np.testing.assert_array_equal(getattr(with_it, name)[kept], getattr(without, name)[kept])


def test_an_expression_weighs_one_in_the_emotions_and_about_one_in_the_distances():
    found = row_targets((MACRO, MICRO), 0, 80, 1.0, 30.0)
    assert found.emotion_weight.sum() == pytest.approx(2, abs=1e-5)
    assert found.action_unit_weight.sum() == pytest.approx(2, abs=1e-5)
    assert found.distance_weight.sum() == pytest.approx(2, abs=0.1)
    assert found.maps.shape[1] == len(MAPS)


def test_frames_become_rows_and_names_places():
    truth = Track("a", Timebase(200.0, 400), (
        Expression(14, 21, 70, "macro", "happiness", ("6", "R12", "99")),
        Expression(100, None, 111, "micro", "gloom", ("L4A",)),
        Expression(380, 385, 390, "micro", None, ("left",)),
    ))  # fmt: skip
    frames = 7 * np.arange(50)
    macro, micro, late = true_expressions(truth, frames, ("macro",))
    assert (macro.kind, macro.onset, macro.apex, macro.offset) == (1, 2.0, 3.0, 10.0)
    assert [ACTION_UNITS[unit] for unit in macro.action_units] == [6, 12]
    assert (macro.learned, micro.learned) == (True, False)
    assert EMOTIONS[macro.emotion] == "happiness"
    assert micro.apex == pytest.approx(105.5 / 7)
    assert (micro.emotion, [ACTION_UNITS[unit] for unit in micro.action_units]) == (NONE, [4])
    # Beyond the last row they go on at its step.
    assert late.onset == pytest.approx(49 + (380 - 343) / 7)
    assert (late.emotion, late.action_units) == (NONE, ())


def test_unevenly_picked_frames_are_counted_as_rows():
    truth = Track("a", Timebase(30.0, 40), (Expression(3, 4, 10, "macro"),))
    (one,) = true_expressions(truth, np.array([0, 2, 4, 5, 9, 11]), KINDS)
    assert (one.onset, one.apex, one.offset) == (1.5, 2.0, 4.5)
    (one,) = true_expressions(truth, np.array([6]), KINDS)
    assert (one.onset, one.offset) == (-3.0, 4.0)
