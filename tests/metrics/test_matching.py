"""Matching against brute force, and counts by hand."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.metrics import Evaluation, evaluate, match
from facespot.values import Expression, Timebase, Track

BASE = Timebase(30.0, 1000)


def expressions(kind="macro"):
    spans = st.tuples(st.integers(0, 30), st.integers(0, 12))
    return st.lists(spans.map(lambda span: Expression(span[0], None, sum(span), kind)), max_size=5)


def brute_force(truth, predicted, allowed):
    """Best (number of matches, total IoU) over all one-to-one assignments."""
    if len(truth) > len(predicted):
        return brute_force(predicted, truth, lambda a, b: allowed(b, a))
    best = (0, 0.0)
    for order in permutations(range(len(predicted)), len(truth)):
        hits = [truth[i].iou(predicted[j]) for i, j in enumerate(order) if allowed(truth[i], predicted[j])]
        best = max(best, (len(hits), sum(hits)))
    return best


@settings(deadline=None)
@given(expressions(), expressions(), st.sampled_from([0.1, 0.3, 0.5]), st.booleans())
def test_optimal_matching_equals_brute_force(truth, predicted, iou, strict):
    def allowed(a, b):
        return a.iou(b) > iou if strict else a.iou(b) >= iou

    pairs = match(truth, predicted, iou=iou, strict=strict)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(allowed(truth[row], predicted[column]) for row, column in pairs)
    count, total = brute_force(truth, predicted, allowed)
    assert len(pairs) == count
    assert sum(truth[row].iou(predicted[column]) for row, column in pairs) == pytest.approx(total)


@settings(deadline=None)
@given(expressions(), expressions())
def test_greedy_never_finds_more_than_optimal(truth, predicted):
    greedy, optimal = (match(truth, predicted, iou=0.3, matching=rule) for rule in ("greedy", "optimal"))
    assert len({row for row, _ in greedy}) == len(greedy) <= len(optimal)


def test_greedy_looks_only_at_the_best_truth():
    truth = [Expression(0, None, 9, "macro"), Expression(4, None, 15, "macro")]
    predicted = [Expression(0, None, 9, "macro"), Expression(1, None, 11, "macro")]
    assert match(truth, predicted, matching="greedy") == [(0, 0)]
    assert match(truth, predicted, matching="optimal") == [(0, 0), (1, 1)]


def test_the_rule_decides_at_exactly_one_half():
    truth, predicted = [Expression(0, None, 9, "micro")], [Expression(5, None, 9, "micro")]
    assert truth[0].iou(predicted[0]) == 0.5
    assert match(truth, predicted) == [(0, 0)]
    assert match(truth, predicted, strict=True) == []


def test_counts_by_type_and_overall():
    truth = [
        Track("a", BASE, (Expression(10, None, 19, "micro"), Expression(50, None, 99, "macro"))),
        Track("b", BASE, (Expression(10, None, 19, "micro"),)),
    ]
    predicted = [Track("a", BASE, (Expression(10, None, 18, "micro"), Expression(50, None, 99, "micro")))]
    result = evaluate(truth, predicted)
    assert (result.tp, result.fp, result.fn) == (1, 1, 2)
    micro, macro = result.of_kind("micro"), result.of_kind("macro")
    assert (micro.tp, micro.fp, micro.fn) == (1, 1, 1)
    assert (macro.tp, macro.fp, macro.fn) == (0, 0, 1)
    assert result.matches[0].iou == pytest.approx(0.9)


def test_a_silent_video_costs_nothing_unless_the_dummy_is_asked_for():
    truth = [Track("a", BASE, ()), Track("b", BASE, (Expression(0, None, 9, "micro"),))]
    assert evaluate(truth, []).fp == 0
    assert evaluate(truth, [], count_dummy=True).of_kind("micro").fp == 2


def test_unknown_and_doubled_videos_are_refused():
    with pytest.raises(ValueError, match="without truth: x"):
        evaluate([Track("a", BASE)], [Track("x", BASE)])
    with pytest.raises(ValueError, match="twice"):
        evaluate([Track("a", BASE), Track("a", BASE)], [])


def test_figures_of_nothing_are_zero():
    nothing = Evaluation(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)
