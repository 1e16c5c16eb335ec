"""Probabilities of onset, apex and offset in, scored intervals out: boundary search and non-maximum suppression.

Rows are the rows of `Scores`, as in `peaks`. The steps are those of SpoT-GCN, section III-D. All of them take memory in
proportion to the rows of the video.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.values import BoolArray, IntArray

ROUNDING = 1e-6
"""Rows by which a length may miss a whole number: 0.28 s at 50 rows per second are 14, not 14.000000000000002."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Possible expressions of one type, before any is suppressed.

    Parameters
    ----------
    apexes : (m,) int64 array
        Rows of the apexes, increasing.
    intervals : (m, 2) int64 array
        Rows of onset and offset, both included, ``onset < apex < offset``.
    scores : (m,) float64 array
        Product of the probabilities of onset, apex and offset.
    """

    apexes: IntArray
    intervals: IntArray
    scores: NDArray[np.float64]


def boundary_range(mean: float, least: float, search: float = 1.0) -> tuple[int, int]:
    """Fewest and most rows between an apex and its onset or offset: j/2 to k/2.

    The whole rows from ``least / 2`` to ``search * mean / 2``. Both are at least 1, and the first is at most the
    second: expressions that are longer than their mean must not leave the search without a row.

    Parameters
    ----------
    mean : float
        k: mean length of an expression in rows.
    least : float
        j: least length of an expression in rows.
    search : float
        Factor of k; 1 is the paper.

    >>> boundary_range(59, 16), boundary_range(16, 5), boundary_range(4, 9)
    ((8, 29), (3, 8), (2, 2))
    """
    most = max(1, math.floor(search * mean / 2 + ROUNDING))
    return min(max(1, math.ceil(least / 2 - ROUNDING)), most), most


def propose(
    onset: ArrayLike,
    apex: ArrayLike,
    offset: ArrayLike,
    *,
    threshold: float,
    nearest: int,
    farthest: int,
    consistent: bool = False,
) -> Proposals:
    """One interval for each possible apex: from the likeliest onset on its left to the likeliest offset on its right.

    A row l is a possible apex if its apex probability is above the threshold. Its onset is the row with the highest
    onset probability of rows l - farthest to l - nearest, its offset that with the highest offset probability of rows
    l + nearest to l + farthest; of equal rows the one nearest to the apex. The search ends where the video ends and at
    a row without scores: an expression does not bridge rows without a face. Without any row on one side there is no
    interval.

    Parameters
    ----------
    onset, apex, offset : (n,) arrays
        Probabilities; a row in which one of them is not finite has no scores.
    threshold : float
        What the probability of an apex exceeds.
    nearest, farthest : int
        Rows between the apex and each end, 1 <= nearest <= farthest; see `boundary_range`.
    consistent : bool
        Keep only intervals whose first row is likelier an onset than an offset, and whose last row is likelier an
        offset than an onset.

    >>> found = propose([0.1, 0.7, 0.1, 0.1], [0, 0, 0.9, 0], [0, 0, 0, 0.8], threshold=0.5, nearest=1, farthest=2)
    >>> found.apexes, found.intervals, found.scores.round(3)
    (array([2]), array([[1, 3]]), array([0.504]))
    """
    if not 1 <= nearest <= farthest:
        raise ValueError(f"the search must go from 1 row or more outwards, got {nearest} to {farthest}")
    p_onset, p_apex, p_offset = (np.asarray(one, dtype=np.float64) for one in (onset, apex, offset))
    valid = np.isfinite(p_onset) & np.isfinite(p_apex) & np.isfinite(p_offset)
    first, last = _run_ends(valid)
    candidates = np.flatnonzero(valid)
    candidates = candidates[p_apex[candidates] > threshold]
    has_both = (candidates - nearest >= first[candidates]) & (candidates + nearest <= last[candidates])
    apexes = candidates[has_both]
    earliest = np.maximum(apexes - farthest, first[apexes])
    latest = np.minimum(apexes + farthest, last[apexes])
    # Found from the right, so that the later of equal onsets is taken.
    end = len(valid) - 1
    onsets = end - _first_maximum(np.where(valid, p_onset, -np.inf)[::-1], end - (apexes - nearest), end - earliest)
    offsets = _first_maximum(np.where(valid, p_offset, -np.inf), apexes + nearest, latest)
    if consistent:
        kept = (p_onset[onsets] > p_offset[onsets]) & (p_offset[offsets] > p_onset[offsets])
        apexes, onsets, offsets = apexes[kept], onsets[kept], offsets[kept]
    scores = p_onset[onsets] * p_apex[apexes] * p_offset[offsets]
    return Proposals(apexes, np.stack([onsets, offsets], axis=1), scores)


def _run_ends(valid: BoolArray) -> tuple[IntArray, IntArray]:
    """First and last row of the run of valid rows that each row is in; without meaning in rows that are not valid."""
    rows = np.arange(len(valid))
    first = np.maximum.accumulate(np.where(valid, 0, rows + 1))
    last = np.minimum.accumulate(np.where(valid, len(valid), rows)[::-1])[::-1] - 1
    return first, last


def _first_maximum(values: NDArray[np.float64], first: IntArray, last: IntArray) -> IntArray:
    """Position of the first of the highest values in each range, both ends included.

    A range is covered by two stretches whose length is a power of two. The best row of all stretches of one length
    follows from those of half that length, so that one length at a time is held.
    """
    found = np.empty(len(first), dtype=np.int64)
    doublings = np.frexp(last - first + 1)[1] - 1
    best = np.arange(len(values))
    for level in range(int(doublings.max(initial=-1)) + 1):
        if level:
            best = _better(values, best[: -(2 ** (level - 1))], best[2 ** (level - 1) :])
        asked = np.flatnonzero(doublings == level)
        found[asked] = _better(values, best[first[asked]], best[last[asked] - 2**level + 1])
    return found


def _better(values: NDArray[np.float64], earlier: IntArray, later: IntArray) -> IntArray:
    return np.where(values[later] > values[earlier], later, earlier)


def suppress(intervals: ArrayLike, scores: ArrayLike, overlap: float) -> IntArray:
    """Non-maximum suppression: of two intervals that overlap by more than `overlap` the one with the lower score goes.

    Intervals are taken in order of decreasing score, of equal ones the earlier onset first, then the shorter, then the
    one that is given first. An interval is kept unless its intersection over union with one that is kept already is
    higher than `overlap`; what is dropped drops nothing itself.

    Parameters
    ----------
    intervals : (m, 2) int array
        First and last row, both included.
    scores : (m,) array
        Finite.
    overlap : float
        Highest intersection over union of two intervals that are kept, as `Expression.iou` counts it.

    Returns
    -------
    (k,) int64 array
        Indices of those that are kept, in the order in which they were taken.

    >>> suppress([[0, 9], [2, 11], [8, 20]], [0.5, 0.9, 0.4], 0.5)
    array([1, 2])
    """
    spans = np.asarray(intervals, dtype=np.int64).reshape(-1, 2)
    weights = np.asarray(scores, dtype=np.float64)
    if not len(spans):
        return np.empty(0, dtype=np.int64)
    by_onset = np.argsort(spans[:, 0], kind="stable")
    onsets, offsets = spans[by_onset].T
    lengths = offsets - onsets + 1
    # All that can share a row with an interval lie between these two places in the order of onsets.
    starts = np.searchsorted(onsets, onsets - lengths.max() + 1)
    stops = np.searchsorted(onsets, offsets, side="right")
    alive = np.ones(len(spans), dtype=np.bool_)
    kept = []
    # The order of onsets is stable, so that places stand for the order given where all else is equal.
    for place in np.lexsort((offsets, onsets, -weights[by_onset])).tolist():
        if not alive[place]:
            continue
        kept.append(place)
        near = slice(starts[place], stops[place])
        # Of intervals that lie apart this is 0 or less, and so is the ratio.
        shared = np.minimum(offsets[near], offsets[place]) - np.maximum(onsets[near], onsets[place]) + 1
        alive[near] &= shared / (lengths[near] + lengths[place] - shared) <= overlap
    return by_onset[kept]
