"""Which true and predicted intervals overlap, and by how much; found by a sweep, not by comparing each with each.

Conventions: intervals are closed and count frames, so the IoU of [a, b] and [c, d] is
``(min(b, d) - max(a, c) + 1) / (max(b, d) - min(a, c) + 1)`` where they share a frame and 0 elsewhere. The values are
those of `Expression.iou` to the last bit.

The true intervals are sorted by onset. Those that can reach an IoU of t with a prediction of length L begin within
``L (1 - t) / t`` frames before its onset and ``L (1 - t)`` frames after it, so two binary searches give a short run of
candidates; a long video costs no more than many short ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.values import Expression, IntArray

CANDIDATES_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Overlapping intervals, in order of the predictions, then of the truth.

    Parameters
    ----------
    truth, predicted : (n,) int64 array
        Indices of the two intervals.
    iou : (n,) float64 array
        Intersection over union, > 0.
    """

    truth: IntArray
    predicted: IntArray
    iou: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.iou)

    def where(self, mask: NDArray[np.bool_] | IntArray) -> Pairs:
        """Only some of the pairs."""
        return Pairs(self.truth[mask], self.predicted[mask], self.iou[mask])


def overlapping_pairs(
    truth: Sequence[Expression], predicted: Sequence[Expression], *, iou: float = 0.0, strict: bool = False
) -> Pairs:
    """All pairs that share a frame and reach an IoU; types are not compared.

    Parameters
    ----------
    truth, predicted : sequence of Expression
        Expressions of one video, in any order.
    iou : float
        Smallest intersection over union.
    strict : bool
        Whether the IoU must exceed `iou` instead of reaching it.

    >>> pairs = overlapping_pairs([Expression(0, None, 9, "macro")], [Expression(5, None, 14, "macro")])
    >>> pairs.truth.tolist(), pairs.predicted.tolist(), pairs.iou.tolist()
    ([0], [0], [0.3333333333333333])
    """
    found = list(_found(_spans(truth), _spans(predicted), iou, strict)) if truth and predicted else []
    if not found:
        return Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    pairs = Pairs(
        np.concatenate([part.truth for part in found]),
        np.concatenate([part.predicted for part in found]),
        np.concatenate([part.iou for part in found]),
    )
    return pairs.where(np.lexsort((pairs.truth, pairs.predicted)))


def _spans(expressions: Sequence[Expression]) -> IntArray:
    return np.array([(one.onset, one.offset) for one in expressions], dtype=np.int64)


def _found(truth: IntArray, predicted: IntArray, iou: float, strict: bool) -> Iterator[Pairs]:
    """The pairs, some predictions at a time so that memory stays small."""
    order = np.argsort(truth[:, 0], kind="stable")
    onsets, offsets = truth[order].T
    first, count = _candidates(onsets, offsets, predicted, iou)
    batch = np.cumsum(count) // CANDIDATES_AT_ONCE
    for rows in np.split(np.arange(len(predicted)), np.flatnonzero(np.diff(batch)) + 1):
        guess = np.repeat(rows, count[rows])
        start = np.repeat(np.cumsum(count[rows]) - count[rows], count[rows])
        position = np.repeat(first[rows], count[rows]) + np.arange(len(guess)) - start
        onset, offset = predicted[guess].T
        shared = np.minimum(offsets[position], offset) - np.maximum(onsets[position], onset) + 1
        total = (offsets[position] - onsets[position] + 1) + (offset - onset + 1) - shared
        overlap = np.where(shared > 0, shared, 0) / total
        kept = (overlap > 0) & (overlap > iou if strict else overlap >= iou)
        yield Pairs(order[position[kept]], guess[kept], overlap[kept])


def _candidates(onsets: IntArray, offsets: IntArray, predicted: IntArray, iou: float) -> tuple[IntArray, IntArray]:
    """First candidate of each prediction among the true intervals sorted by onset, and how many there are."""
    onset, offset = predicted.T
    first = np.searchsorted(np.maximum.accumulate(offsets), onset, side="left")
    stop = np.searchsorted(onsets, offset, side="right")
    if iou > 0:
        length = offset - onset + 1
        # One frame of slack keeps rounding from cutting off a pair that lies exactly on the threshold.
        earliest, latest = onset - length * (1 - iou) / iou - 1, onset + length * (1 - iou) + 1
        first = np.maximum(first, np.searchsorted(onsets, earliest, side="left"))
        stop = np.minimum(stop, np.searchsorted(onsets, latest, side="right"))
    return first, np.maximum(stop - first, 0)
