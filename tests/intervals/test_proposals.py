"""Boundary search and non-maximum suppression against plain loops; where they end; how much memory they take."""

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from facespot.intervals import boundary_range, propose, suppress
from facespot.values import Expression

# Few values, so that many are equal, and gaps.
PROBABILITIES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.0, math.nan])


def nearest_maximum(values, rows):
    """The first of the highest; rows are given from the apex outwards."""
    return max(rows, key=lambda row: values[row])


def outwards(apex, direction, valid, nearest, farthest):
    """Rows on one side of an apex, until the video or the face ends."""
    rows = []
    for distance in range(1, farthest + 1):
        row = apex + direction * distance
        if not 0 <= row < len(valid) or not valid[row]:
            break
        if distance >= nearest:
            rows.append(row)
    return rows


@given(arrays(np.float64, st.tuples(st.just(3), st.integers(0, 60)), elements=PROBABILITIES), st.data())
def test_boundaries_are_those_of_a_plain_search(probabilities, data):
    onset, apex, offset = probabilities
    nearest = data.draw(st.integers(1, 6))
    farthest = data.draw(st.integers(nearest, 30))
    threshold = data.draw(st.sampled_from([0.0, 0.25, 0.6]))
    consistent = data.draw(st.booleans())
    valid = ~np.isnan(probabilities).any(axis=0)
    expected = []
    for row in range(len(apex)):
        before, after = (outwards(row, side, valid, nearest, farthest) for side in (-1, 1))
        if valid[row] and apex[row] > threshold and before and after:
            first, last = nearest_maximum(onset, before), nearest_maximum(offset, after)
            if not consistent or (onset[first] > offset[first] and offset[last] > onset[last]):
                expected.append((row, [first, last], onset[first] * apex[row] * offset[last]))
    found = propose(onset, apex, offset, threshold=threshold, nearest=nearest, farthest=farthest, consistent=consistent)
    assert list(zip(found.apexes.tolist(), found.intervals.tolist(), found.scores.tolist(), strict=True)) == expected
    assert found.intervals.shape == (len(expected), 2)


@pytest.mark.parametrize(("nearest", "farthest"), [(1, 1), (1, 64), (3, 65), (20, 400)])
def test_every_width_of_the_search_finds_the_maximum(nearest, farthest):
    onset, offset = np.random.default_rng(0).random((2, 500))
    found = propose(onset, np.ones(500), offset, threshold=0.5, nearest=nearest, farthest=farthest)
    assert found.apexes.tolist() == list(range(nearest, 500 - nearest))
    for row, (first, last) in zip(found.apexes, found.intervals, strict=True):
        assert onset[first] == onset[max(0, row - farthest) : row - nearest + 1].max()
        assert offset[last] == offset[row + nearest : row + farthest + 1].max()
        assert nearest <= row - first <= farthest
        assert nearest <= last - row <= farthest


def test_memory_does_not_grow_with_the_width_of_the_search():
    onset, apex, offset = np.random.default_rng(0).random((3, 20_000))
    tracemalloc.start()
    found = propose(onset, apex, offset, threshold=0.0, nearest=1, farthest=5000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.apexes) == 19_998
    assert most < 300 * 20_000


def test_a_row_without_a_face_is_not_bridged():
    onset, apex, offset = np.zeros((3, 9))
    onset[0], apex[4], offset[8] = 0.9, 0.9, 0.9
    assert propose(onset, apex, offset, threshold=0.5, nearest=1, farthest=4).intervals.tolist() == [[0, 8]]
    for gap in (onset, apex, offset):
        kept = gap[2]
        gap[2] = np.nan
        found = propose(onset, apex, offset, threshold=0.5, nearest=1, farthest=4)
        assert found.intervals.tolist() == [[3, 8]]
        assert not propose(onset, apex, offset, threshold=0.5, nearest=2, farthest=4).apexes.size
        gap[2] = kept


@pytest.mark.parametrize(("nearest", "farthest"), [(0, 3), (4, 3)])
def test_a_search_without_a_row_is_refused(nearest, farthest):
    with pytest.raises(ValueError, match="the search must go"):
        propose([0.5] * 9, [0.9] * 9, [0.5] * 9, threshold=0.5, nearest=nearest, farthest=farthest)


LENGTHS = st.integers(1, 400)


@given(LENGTHS, LENGTHS, st.sampled_from([1, 2, 3]), st.sampled_from([25, 30, 50, 100, 200 / 7]))
def test_the_range_is_that_of_exact_numbers(mean, least, search, fps):
    nearest, farthest = boundary_range(mean / fps * fps, least / fps * fps, search)
    assert farthest == max(1, math.floor(Fraction(search * mean, 2)))
    assert nearest == min(farthest, max(1, math.ceil(Fraction(least, 2))))


def test_half_rows_are_rounded_inwards():
    assert boundary_range(7, 5) == (3, 3)
    assert boundary_range(6.9, 3.1) == (2, 3)
    assert boundary_range(0.3, 0.1) == (1, 1)


SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 15), st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.9])), max_size=25
)
OVERLAPS = st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 1.0])


@given(SPANS, OVERLAPS)
def test_suppression_is_its_definition(drawn, overlap):
    expressions = [Expression(onset, None, onset + length, "micro", score=score) for onset, length, score in drawn]
    left = sorted(range(len(drawn)), key=lambda i: (-drawn[i][2], drawn[i][0], drawn[i][1], i))
    expected = []
    while left:
        best = left.pop(0)
        expected.append(best)
        left = [one for one in left if not expressions[one].iou(expressions[best]) > overlap]
    spans = [(one.onset, one.offset) for one in expressions]
    assert suppress(spans, [one.score for one in expressions], overlap).tolist() == expected


@given(SPANS, OVERLAPS)
def test_what_is_kept_overlaps_little_and_what_is_dropped_has_a_better_neighbour(drawn, overlap):
    expressions = [Expression(onset, None, onset + length, "micro", score=score) for onset, length, score in drawn]
    spans = [(one.onset, one.offset) for one in expressions]
    kept = suppress(spans, [one.score for one in expressions], overlap).tolist()
    for place, index in enumerate(kept):
        assert all(expressions[index].iou(expressions[other]) <= overlap for other in kept[:place])
    for index in set(range(len(drawn))) - set(kept):
        near = [other for other in kept if expressions[index].iou(expressions[other]) > overlap]
        assert max(expressions[other].score for other in near) >= expressions[index].score


def test_one_that_is_dropped_drops_nothing():
    # The second goes for the first; the third overlaps only the second.
    assert suppress([[0, 9], [3, 12], [6, 15]], [0.9, 0.8, 0.7], 0.5).tolist() == [0, 2]


def test_an_overlap_at_the_limit_is_kept():
    assert suppress([[0, 2], [1, 3]], [0.9, 0.8], 0.5).tolist() == [0, 1]
    assert suppress([[0, 2], [1, 3]], [0.9, 0.8], 0.49).tolist() == [0]


def test_equal_scores_prefer_the_earlier_then_the_shorter_then_the_first():
    assert suppress([[1, 9], [0, 9], [0, 8], [0, 8]], [0.5] * 4, 0.5).tolist() == [2]
    assert suppress([[1, 9], [0, 9], [0, 8], [0, 8]], [0.5] * 4, 1.0).tolist() == [2, 3, 1, 0]


def test_nothing_is_suppressed_of_nothing():
    assert suppress(np.empty((0, 2)), [], 0.5).shape == (0,)
