"""Kinds of mistakes and missed expressions, each case by hand."""

import pytest

from facespot.metrics import evaluate
from facespot.metrics.errors_by_type import (
    classify_false_positives,
    count_errors,
    duration_s,
    false_alarms_per_minute,
    missed_by_duration,
    missed_by_kind,
    missed_by_subject,
)
from facespot.values import Expression, Timebase, Track

BASE = Timebase(30.0, 1000)


def span(onset, offset, kind="macro"):
    return Expression(onset, None, offset, kind)


@pytest.mark.parametrize(
    ("predicted", "error", "iou"),
    [
        (span(500, 519), "background", 0.0),
        (span(119, 190), "background", 1 / 91),
        (span(2, 21), "double detection", 18 / 22),
        (span(203, 209, "macro"), "wrong type", 0.7),
        (span(115, 134), "poor localisation", 5 / 35),
        (span(207, 215, "macro"), "poor localisation", 3 / 16),
    ],
)
def test_each_kind_of_mistake(predicted, error, iou):
    truth = [Track("a", BASE, (span(0, 19), span(100, 119), span(200, 209, "micro")))]
    guesses = [Track("a", BASE, (span(0, 19), predicted))]
    (found,) = classify_false_positives(truth, guesses, evaluate(truth, guesses))
    assert (found.predicted, found.error) == (predicted, error)
    assert found.iou == pytest.approx(iou)
    counts = count_errors([found])
    assert (counts[error], sum(counts.values())) == (1, 1)
    assert sum(count_errors([found], "micro").values()) == (0 if predicted.kind == "macro" else 1)


def test_every_false_positive_has_one_kind_of_mistake():
    truth = [Track("a", BASE, tuple(span(on, on + 15) for on in range(0, 900, 60)))]
    guesses = [
        Track("a", BASE, tuple(span(on, on + 20, kind) for on in range(0, 900, 23) for kind in ("macro", "micro")))
    ]
    result = evaluate(truth, guesses)
    counts = count_errors(classify_false_positives(truth, guesses, result))
    assert sum(counts.values()) == result.fp
    assert min(counts["background"], counts["wrong type"], counts["poor localisation"]) > 0


def test_what_was_missed():
    truth = [
        Track("a", BASE, (span(0, 5), span(100, 114, "micro"), span(200, 229))),
        Track("b", BASE, (span(0, 299),)),
    ]
    guesses = [Track("a", BASE, (span(200, 229),))]
    result = evaluate(truth, guesses)
    groups = {one.group: (one.true, one.missed) for one in missed_by_kind(truth, result)}
    assert groups == {"macro": (3, 2), "micro": (1, 1)}
    groups = {one.group: (one.true, one.missed) for one in missed_by_subject(truth, result, {"a": "ann", "b": "ben"})}
    assert groups == {"ann": (3, 2), "ben": (1, 1)}
    found = missed_by_duration(truth, result)
    assert {one.group: (one.true, one.missed) for one in found if one.true} == {
        "up to 0.2 s": (1, 1),
        "0.2 to 0.5 s": (1, 1),
        "0.5 to 1 s": (1, 0),
        "over 4 s": (1, 1),
    }
    assert found[0].share == 1.0


def test_durations_and_rates():
    assert duration_s(BASE, span(0, 29)) == pytest.approx(1.0)
    assert false_alarms_per_minute(3, 30.0) == 6.0
    with pytest.raises(ValueError, match="longer than 0"):
        false_alarms_per_minute(3, 0.0)
    with pytest.raises(ValueError, match="background"):
        classify_false_positives([], [], evaluate([], []), background=0.0)
