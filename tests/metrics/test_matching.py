"""Matching against brute force, and counts by hand."""

import time
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from facespot.metrics import Evaluation, assignment, evaluate, match, overlaps
from facespot.metrics.matching import by_subject, false_negatives, false_positives
from facespot.metrics.overlaps import overlapping_pairs
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


def dense(truth, predicted, iou):
    """One assignment over the whole matrix of overlaps."""
    overlap = np.array([[a.iou(b) for b in predicted] for a in truth])
    allowed = (overlap >= iou) & (overlap > 0)
    gain = np.where(allowed, 1 + overlap / (min(overlap.shape) + 1), 0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return sorted((c, r) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if allowed[r, c])


def random_expressions(generator, n, span=3000, longest=60):
    onsets, lengths = generator.integers(0, span, n), generator.integers(1, longest, n)
    return [
        Expression(on, None, on + length, "macro") for on, length in zip(onsets.tolist(), lengths.tolist(), strict=True)
    ]


@pytest.mark.parametrize("largest_matrix", [250_000, 0], ids=["matrix", "sparse"])
@pytest.mark.parametrize("iou", [0.0, 0.2, 0.5])
def test_components_give_what_one_assignment_over_everything_gives(monkeypatch, iou, largest_matrix):
    monkeypatch.setattr(assignment, "LARGEST_MATRIX", largest_matrix)
    generator = np.random.default_rng(7)
    truth, predicted = random_expressions(generator, 120), random_expressions(generator, 400)
    pairs = match(truth, predicted, iou=iou)
    reference = [(row, column) for column, row in dense(truth, predicted, iou)]
    assert len(pairs) == len(reference) > 20
    assert sum(truth[a].iou(predicted[b]) for a, b in pairs) == pytest.approx(
        sum(truth[a].iou(predicted[b]) for a, b in reference), abs=1e-9
    )
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_distinct_overlaps_give_the_very_same_pairs():
    truth = [Expression(on, None, on + 90 + index, "macro") for index, on in enumerate(range(0, 4000, 97))]
    predicted = [
        Expression(on, None, on + 80 + 3 * (index % 11), "macro") for index, on in enumerate(range(5, 4000, 31))
    ]
    assert [(c, r) for r, c in match(truth, predicted, iou=0.3)] == dense(truth, predicted, 0.3)


@pytest.mark.parametrize("rows_at_once", [1, 50, 2_000_000])
@pytest.mark.parametrize(("iou", "strict"), [(0.0, False), (0.25, False), (0.5, True), (1.0, False)])
def test_the_sweep_finds_exactly_the_pairs_that_overlap(monkeypatch, rows_at_once, iou, strict):
    monkeypatch.setattr(overlaps, "CANDIDATES_AT_ONCE", rows_at_once)
    generator = np.random.default_rng(3)
    truth = [*random_expressions(generator, 40, 300), Expression(0, None, 299, "macro")]
    predicted = [*random_expressions(generator, 60, 300), truth[3], Expression(5, None, 290, "macro")]
    found = overlapping_pairs(truth, predicted, iou=iou, strict=strict)
    wanted = {
        (i, j): a.iou(b)
        for i, a in enumerate(truth)
        for j, b in enumerate(predicted)
        if a.overlaps(b) and (a.iou(b) > iou if strict else a.iou(b) >= iou)
    }
    keys = list(zip(found.truth.tolist(), found.predicted.tolist(), strict=True))
    assert keys == sorted(wanted, key=lambda key: (key[1], key[0]))
    assert found.iou.tolist() == [wanted[key] for key in keys]


def test_the_greedy_order_of_the_published_evaluators():
    truth, predicted = (random_expressions(np.random.default_rng(seed), 80, 600) for seed in (1, 2))
    taken, wanted = set(), []
    for j, guess in enumerate(predicted):
        ious = [true.iou(guess) for true in truth]
        best = ious.index(max(ious))
        if ious[best] >= 0.4 and best not in taken:
            taken.add(best)
            wanted.append((best, j))
    assert match(truth, predicted, iou=0.4, matching="greedy") == wanted


def test_one_long_video_with_many_proposals_takes_seconds():
    generator = np.random.default_rng(0)
    truth, predicted = random_expressions(generator, 2000, 20_000), random_expressions(generator, 20_000, 20_000)
    start = time.perf_counter()
    pairs = match(truth, predicted)
    assert time.perf_counter() - start < 20
    assert len(pairs) > 1500


def test_videos_without_the_type_can_be_left_out():
    truth = [Track("a", BASE, (Expression(0, None, 9, "micro"),)), Track("b", BASE, (Expression(0, None, 9, "macro"),))]
    predicted = [Track(name, BASE, (Expression(50, None, 59, "micro"),)) for name in "ab"]
    assert evaluate(truth, predicted).of_kind("micro").fp == 2
    some = evaluate(truth, predicted, videos="with_type")
    assert some.of_kind("micro").fp == 1
    assert [video for video, _ in some.of_kind("micro").by_video] == ["a"]
    assert false_positives(predicted, some) == [("a", predicted[0].expressions[0])]
    assert len(false_negatives(truth, some)) == 2


def test_counts_of_subjects_add_up():
    truth = [Track(name, BASE, (Expression(0, None, 9, "micro"),)) for name in ("a1", "a2", "b1")]
    predicted = [Track("a1", BASE, (Expression(0, None, 9, "micro"), Expression(30, None, 39, "macro")))]
    parts = dict(by_subject(evaluate(truth, predicted), {"a1": "a", "a2": "a"}))
    assert {name: (one.tp, one.fp, one.fn) for name, one in parts.items()} == {"a": (1, 1, 1), "b1": (0, 0, 1)}


def test_equal_predictions_are_counted_one_by_one():
    twice = (Expression(0, None, 9, "micro"), Expression(0, None, 9, "micro"))
    truth, predicted = [Track("a", BASE, twice[:1])], [Track("a", BASE, twice)]
    result = evaluate(truth, predicted)
    assert (result.tp, result.fp) == (1, 1)
    assert len(false_positives(predicted, result)) == 1
