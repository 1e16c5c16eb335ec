"""One class per row in, intervals out: runs of equal classes, their short gaps closed (FESNet)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from facespot.values import IntArray

NEUTRAL = 0
"""Class of the rows of no expression."""


def class_runs(labels: ArrayLike) -> tuple[IntArray, IntArray, IntArray]:
    """Maximal runs of equal labels.

    Parameters
    ----------
    labels : (n,) int array
        Class of each row.

    Returns
    -------
    starts, ends : (m,) int64 arrays
        First and last row of each run, both included, in order of time.
    classes : (m,) int64 array
        Class of each run; neighbours differ.

    >>> class_runs([0, 0, 2, 1, 1, 1])
    (array([0, 2, 3]), array([1, 2, 5]), array([0, 2, 1]))
    """
    values = np.asarray(labels, dtype=np.int64)
    changes = np.flatnonzero(values[1:] != values[:-1])
    starts = np.concatenate((np.zeros(min(1, len(values)), dtype=np.int64), changes + 1))
    ends = np.concatenate((starts[1:] - 1, np.full(min(1, len(values)), len(values) - 1)))
    return starts, ends, values[starts]


def class_intervals(labels: ArrayLike, valid: ArrayLike, *, least: int, close: int) -> tuple[IntArray, IntArray]:
    """Intervals of the classes that are not neutral: short gaps are closed, then short runs are dropped.

    A gap is a run of neutral rows between two runs of the same class. Rows that are not valid, and rows of another
    class, are never bridged. Closing comes first: where single rows inside an expression flicker, its pieces may all be
    shorter than `least`, and would be gone before they could be joined.

    Parameters
    ----------
    labels : (n,) int array
        Class of each row: 0 neutral, others above. What stands in rows that are not valid is ignored.
    valid : (n,) bool array
        False where a row has no class.
    least : int
        Shorter intervals, in rows, are dropped.
    close : int
        Longest gap in rows that is closed; 0 closes none.

    Returns
    -------
    intervals : (m, 2) int64 array
        First and last row of each interval, both included, in order of time; they do not overlap.
    classes : (m,) int64 array
        Class of each interval.

    >>> class_intervals([1, 1, 0, 1, 2, 0, 0, 1], np.ones(8, dtype=bool), least=2, close=1)
    (array([[0, 3]]), array([1]))
    """
    known, given = np.asarray(valid, dtype=np.bool_), np.asarray(labels, dtype=np.int64)
    if given.shape != known.shape:
        raise ValueError(f"labels of shape {given.shape} for validity of shape {known.shape}")
    if np.any(given[known] < NEUTRAL):
        raise ValueError(f"the class of a valid row must be {NEUTRAL} or above, got {given[known].min()}")
    starts, ends, classes = class_runs(np.where(known, given, NEUTRAL - 1))
    before, gap, after = slice(None, -2), slice(1, -1), slice(2, None)
    closed = (classes[gap] == NEUTRAL) & (classes[before] == classes[after]) & (classes[before] > NEUTRAL)
    closed &= (ends - starts + 1)[gap] <= close
    classes[gap][closed] = classes[after][closed]
    first, last, merged = class_runs(classes)
    intervals = np.stack([starts[first], ends[last]], axis=1)
    kept = (merged > NEUTRAL) & (intervals[:, 1] - intervals[:, 0] + 1 >= least)
    return intervals[kept], merged[kept]
