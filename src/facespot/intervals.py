"""Scores in, intervals out: smoothing, threshold, peaks. Pure functions on rows.

Rows are the rows of `Scores`: consecutive, one per frame taken, some of them without a score. A position is the index
of a row; `k` is half the mean length of an expression, in rows. The names and equation numbers are those of SOFTNet
(section 2.4, eqs. 4 and 5), which MEAN shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from facespot.values import BoolArray, IntArray

Smoothing: TypeAlias = Literal["code", "paper"]


@dataclass(frozen=True, eq=False)
class Peaks:
    """What the threshold found in one row of scores.

    Parameters
    ----------
    smoothed : (n,) float64 array
        Smoothed scores, NaN where there is none.
    threshold : float or None
        None where no row has a smoothed score.
    peaks : (m,) int64 array
        Positions of the peaks, increasing.
    intervals : (m, 2) int64 array
        First and last position of each interval, both included.
    """

    smoothed: NDArray[np.float64]
    threshold: float | None
    peaks: IntArray
    intervals: IntArray


def smooth(
    scores: ArrayLike, k: int, *, valid: ArrayLike | None = None, smoothing: Smoothing = "code"
) -> NDArray[np.float64]:
    """Mean score around each row, eq. 4; NaN where the window leaves the video.

    ``"paper"`` averages the 2k + 1 rows [i - k, i + k]; ``"code"`` averages the 2k rows [i - k, i + k - 1], as the
    authors' program does. The k rows at each end have no full window and are dropped.

    Rows that are not valid are left out of the mean. A row gets a smoothed score when it is valid itself and so is at
    least half of its window; without gaps that is eq. 4 to the digit.

    Parameters
    ----------
    scores : (n,) array
        Raw scores; read only where valid.
    k : int
        Half the mean length of an expression in rows, >= 1.
    valid : (n,) bool array, optional
        Rows that have a score. Default: all.
    smoothing : {"code", "paper"}
        Which of the two windows.

    Returns
    -------
    (n,) float64 array

    >>> smooth([0, 0, 3, 0, 0], 1, smoothing="paper")
    array([nan,  1.,  1.,  1., nan])
    """
    values = np.asarray(scores, dtype=np.float64)
    usable = np.ones(len(values), dtype=np.bool_) if valid is None else np.asarray(valid, dtype=np.bool_)
    length = 2 * k + 1 if smoothing == "paper" else 2 * k
    smoothed = np.full(len(values), np.nan)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if len(values) < length:
        return smoothed
    if usable.all():
        means = sliding_window_view(values, length).mean(axis=1)
        smoothed[k : k + len(means)] = means
        return smoothed
    counts = sliding_window_view(usable, length).sum(axis=1)
    sums = sliding_window_view(np.where(usable, values, 0.0), length).sum(axis=1)
    enough = (2 * counts >= length) & usable[k : k + len(counts)]
    smoothed[k : k + len(counts)][enough] = sums[enough] / counts[enough]
    return smoothed


def relative_threshold(smoothed: ArrayLike, p: float) -> float | None:
    """Threshold between the mean and the maximum of a video, eq. 5: ``mean + p (max - mean)``.

    It is relative to each video's own maximum, so that a video without any expression yields peaks too.

    >>> relative_threshold([0.0, 1.0, 2.0, np.nan], 0.5)
    1.5
    """
    values = np.asarray(smoothed, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    mean = values.mean()
    return float(mean + p * (values.max() - mean))


def runs(mask: ArrayLike) -> list[tuple[int, int]]:
    """Maximal runs of true values as ``(start, stop)``, stop excluded.

    >>> runs([True, True, False, True])
    [(0, 2), (3, 4)]
    """
    padded = np.concatenate(([False], np.asarray(mask, dtype=np.bool_), [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def find_peaks(smoothed: ArrayLike, threshold: float, distance: int) -> IntArray:
    """Local maxima at or above a threshold and at least `distance` rows apart; of two nearer ones the higher is kept.

    Gaps (NaN) are borders: a maximum has a lower neighbour on both sides within its run.
    """
    from scipy.signal import find_peaks as scipy_find_peaks

    values = np.asarray(smoothed, dtype=np.float64)
    found = [
        start + scipy_find_peaks(values[start:stop], height=threshold, distance=distance)[0]
        for start, stop in runs(np.isfinite(values))
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *found]).astype(np.int64)


def spot_peaks(
    scores: ArrayLike, k: int, p: float, *, valid: BoolArray | None = None, smoothing: Smoothing = "code"
) -> Peaks:
    """From raw scores to intervals of fixed length, SOFTNet section 2.4: [peak - k, peak + k].

    Parameters
    ----------
    scores : (n,) array
        Raw scores.
    k : int
        Half the mean length of an expression in rows.
    p : float
        Where the threshold lies between mean (0) and maximum (1).
    valid, smoothing
        As in `smooth`.
    """
    smoothed = smooth(scores, k, valid=valid, smoothing=smoothing)
    threshold = relative_threshold(smoothed, p)
    if threshold is None:
        return Peaks(smoothed, None, np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))
    peaks = find_peaks(smoothed, threshold, k)
    intervals = np.stack([np.maximum(peaks - k, 0), np.minimum(peaks + k, len(smoothed) - 1)], axis=1)
    return Peaks(smoothed, threshold, peaks, intervals)
