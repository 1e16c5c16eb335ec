"""Frame accuracy and edit score against sets worked by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.metrics.framewise import edit_score, frame_accuracy, frame_labels, levenshtein, segments
from facespot.values import Expression, Timebase, Track

LABELS = st.lists(st.integers(0, 2), max_size=9)


def test_labels_of_the_frames():
    track = Track("a", Timebase(30.0, 12), (Expression(2, None, 6, "macro"), Expression(5, None, 7, "micro")))
    assert frame_labels(track).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0]
    assert frame_labels(track, 4).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("truth", "predicted", "longer", "by_truth", "without_neutral"),
    [
        # 0 1 0 2 0 against 0 1 0 2: one deletion of five
        ("0011100220", "0111000022", 0.8, 0.8, 1.0),
        # the same segments, other lengths: nothing to edit
        ("0011100220", "0111002220", 1.0, 1.0, 1.0),
        # 0 1 0 against 0 1 0 1 0 1 0: four insertions; 1 - 4/7, 1 - 4/3 (below zero), 1 - 2/3
        ("0011111100", "0110110110", 1 - 4 / 7, 1 - 4 / 3, 1 / 3),
        # 0 1 0 against 0 2 0: one substitution of three; of one
        ("0011100000", "0022200000", 2 / 3, 2 / 3, 0.0),
        # 0 1 0 against 0: two deletions
        ("0011100000", "0000000000", 1 / 3, 1 / 3, 0.0),
        # nothing true, one false alarm
        ("0000000000", "0011100000", 1 / 3, -1.0, 0.0),
        ("0000000000", "0000000000", 1.0, 1.0, 1.0),
    ],
)
def test_edit_score_by_hand(truth, predicted, longer, by_truth, without_neutral):
    true, guess = list(map(int, truth)), list(map(int, predicted))
    assert edit_score(true, guess) == pytest.approx(longer)
    assert edit_score(true, guess, length="truth") == pytest.approx(by_truth)
    assert edit_score(true, guess, ignore=[0]) == pytest.approx(without_neutral)


def recursive(first, second):
    """FESNet eqs. 10 and 11 as they stand."""
    if not first or not second:
        return max(len(first), len(second))
    return min(
        recursive(first[:-1], second) + 1,
        recursive(first, second[:-1]) + 1,
        recursive(first[:-1], second[:-1]) + (first[-1] != second[-1]),
    )


@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_the_distance_equals_the_recursion(first, second):
    assert levenshtein(first, second) == recursive(first, second)


@given(LABELS)
def test_neighbouring_segments_differ(labels):
    found = segments(labels)
    assert all(a != b for a, b in pairwise(found))
    assert set(found) == set(labels)


def test_accuracy_is_not_the_papers_equation_6():
    """Its eq. 6 gives c / (2 n - 2 c) for c right frames of n: 90 % right would be 4.5."""
    truth, predicted = [0] * 10, [0] * 9 + [1]
    assert frame_accuracy(truth, predicted) == 0.9
    both, either = 9, 2 * 10 - 9
    assert both / (either - both) == 4.5


def test_labels_of_other_lengths_are_refused():
    for measure in (frame_accuracy, edit_score):
        with pytest.raises(ValueError, match="cannot be compared"):
            measure([0, 1], [0])
