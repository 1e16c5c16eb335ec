"""Runs and intervals of classes against loops over rows, and where they begin and end."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.intervals import class_intervals, class_runs

# Neutral often, so that there are gaps; None is a row that is not valid.
ROWS = st.lists(st.sampled_from([0, 0, 1, 1, 2, None]), max_size=60)


def plain_runs(labels):
    found, row = [], 0
    for label, group in groupby(labels):
        length = len(list(group))
        found.append((row, row + length - 1, label))
        row += length
    return found


def plain_intervals(rows, least, close):
    """Every gap is tried by itself on what was given; then every run is measured."""
    filled = list(rows)
    for start in range(1, len(rows)):
        for stop in range(start + 1, min(start + close, len(rows) - 1) + 1):
            left, right = rows[start - 1], rows[stop]
            if left and left == right and all(label == 0 for label in rows[start:stop]):
                filled[start:stop] = [left] * (stop - start)
    return [(first, last, label) for first, last, label in plain_runs(filled) if label and last - first + 1 >= least]


def intervals_of(rows, *, least=0, close=0, hidden=0):
    labels = np.array([hidden if label is None else label for label in rows], dtype=np.int64)
    valid = np.array([label is not None for label in rows], dtype=bool)
    intervals, classes = class_intervals(labels, valid, least=least, close=close)
    assert intervals.dtype == classes.dtype == np.int64
    assert intervals.shape == (len(classes), 2)
    return [(*interval, label) for interval, label in zip(intervals.tolist(), classes.tolist(), strict=True)]


@given(st.lists(st.integers(-1, 2), max_size=60))
def test_runs_are_those_of_a_loop(labels):
    starts, ends, classes = class_runs(labels)
    assert starts.dtype == ends.dtype == classes.dtype == np.int64
    assert list(zip(starts.tolist(), ends.tolist(), classes.tolist(), strict=True)) == plain_runs(labels)


@given(ROWS, st.integers(0, 5), st.integers(0, 5), st.sampled_from([-1, 0, 1, 7]))
def test_intervals_are_those_of_a_loop(rows, least, close, hidden):
    found = intervals_of(rows, least=least, close=close, hidden=hidden)
    assert found == plain_intervals(rows, least, close)


@pytest.mark.parametrize(
    ("rows", "least", "close", "expected"),
    [
        ([], 3, 2, []),
        ([0], 0, 2, []),
        ([None, None], 0, 2, []),
        ([1], 0, 0, [(0, 0, 1)]),
        ([1], 1, 0, [(0, 0, 1)]),
        ([1], 2, 0, []),
        ([2] * 9, 9, 2, [(0, 8, 2)]),
        ([2] * 9, 10, 2, []),
        # A gap needs an expression on both sides.
        ([0, 1, 1, 1, 0], 3, 2, [(1, 3, 1)]),
        ([1, 0, 0, 1], 1, 2, [(0, 3, 1)]),
        ([1, 0, 0, 0, 1], 1, 2, [(0, 0, 1), (4, 4, 1)]),
        ([1, 0, 1], 1, 0, [(0, 0, 1), (2, 2, 1)]),
        ([1, 0, 2], 1, 2, [(0, 0, 1), (2, 2, 2)]),
        ([1, None, 1], 1, 2, [(0, 0, 1), (2, 2, 1)]),
        ([1, 0, None, 1], 1, 2, [(0, 0, 1), (3, 3, 1)]),
        ([1, 2, 1], 2, 2, []),
        ([1, 2, 1], 0, 2, [(0, 0, 1), (1, 1, 2), (2, 2, 1)]),
        # Pieces that are too short alone; and a short run is not neutral where another class is joined.
        ([1, 1, 0, 1, 0, 0, 1], 3, 2, [(0, 6, 1)]),
        ([1, 1, 0, 2, 0, 1, 1], 2, 5, [(0, 1, 1), (5, 6, 1)]),
    ],
)
def test_borders(rows, least, close, expected):
    assert intervals_of(rows, least=least, close=close) == expected


def test_labels_of_bytes_are_taken_and_left_as_they_are():
    labels = np.array([1, 0, 1, 255], dtype=np.uint8)
    intervals, classes = class_intervals(labels, labels < 3, least=3, close=1)
    assert intervals.tolist() == [[0, 2]]
    assert classes.tolist() == [1]
    assert labels.tolist() == [1, 0, 1, 255]


@pytest.mark.parametrize(
    ("labels", "valid", "message"), [([1, -1], [True, True], "got -1"), ([1, 1], [True], "validity of shape")]
)
def test_labels_that_say_nothing_are_refused(labels, valid, message):
    with pytest.raises(ValueError, match=message):
        class_intervals(labels, valid, least=1, close=0)
