"""Scores in, intervals of fixed length out: smoothing, threshold, peaks.

Rows are the rows of `Scores`: consecutive, one per frame taken, some of them without a score. A position is the index
of a row; `k` is half the mean length of an expression, in rows. The names and equation numbers are those of SOFTNet
(section 2.4, eqs. 4 and 5), which MEAN shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from facespot.errors import SettingsError
from facespot.values import BoolArray, IntArray, Kind, Track

Smoothing: TypeAlias = Literal["code", "paper", "gaussian", "exponential"]
Ends: TypeAlias = Literal["dropped", "zeros"]


@dataclass(frozen=True, eq=False)
class Peaks:
    """What the threshold found in one row of scores.

    Parameters
    ----------
    smoothed : (n,) float64 array
        Smoothed scores, NaN where there is none.
    threshold : float or None
        None where no row has a smoothed score, and where none was laid.
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
    scores: ArrayLike,
    k: int,
    *,
    valid: ArrayLike | None = None,
    smoothing: Smoothing = "code",
    spread: float = 1.0,
    ends: Ends = "dropped",
) -> NDArray[np.float64]:
    """Mean score around each row, eq. 4; NaN where the window leaves the video.

    ``"paper"`` averages the 2k + 1 rows [i - k, i + k]; ``"code"`` averages the 2k rows [i - k, i + k - 1], as the
    authors' program does. ``"gaussian"`` and ``"exponential"`` weight the 2k + 1 rows by ``exp(-d^2 / 2 spread^2)`` and
    ``exp(-|d| / spread)``, d the distance in rows (MEAN, Table 7: spread 1 and 3). The k rows at each end have no full
    window and are dropped; MEAN's program keeps them and counts rows outside the video as 0 (``ends="zeros"``).

    Rows that are not valid are left out of the mean. A row gets a smoothed score when it is valid itself and so is at
    least half of its window, by weight; without gaps that is eq. 4 to the digit.

    Parameters
    ----------
    scores : (n,) array
        Raw scores; read only where valid.
    k : int
        Half the mean length of an expression in rows, >= 1.
    valid : (n,) bool array, optional
        Rows that have a score. Default: all.
    smoothing : {"code", "paper", "gaussian", "exponential"}
        Which window.
    spread : float
        Sigma or tau of the last two in rows, > 0.
    ends : {"dropped", "zeros"}
        Whether the k rows at each end are dropped, or kept with zeros outside the video.

    Returns
    -------
    (n,) float64 array

    >>> smooth([0, 0, 3, 0, 0], 1, smoothing="paper")
    array([nan,  1.,  1.,  1., nan])
    >>> smooth([3, 0, 0], 1, smoothing="paper", ends="zeros")
    array([1., 1., 0.])
    """
    values = np.asarray(scores, dtype=np.float64)
    usable = np.ones(len(values), dtype=np.bool_) if valid is None else np.asarray(valid, dtype=np.bool_)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if not spread > 0:
        raise ValueError(f"spread must be positive, got {spread}")
    length = 2 * k if smoothing == "code" else 2 * k + 1
    if ends == "zeros":
        outside = (k, length - k - 1)
        padded, known = np.pad(values, outside), np.pad(usable, outside, constant_values=True)
        return smooth(padded, k, valid=known, smoothing=smoothing, spread=spread)[k : k + len(values)]
    smoothed = np.full(len(values), np.nan)
    if len(values) < length:
        return smoothed
    middle = slice(k, k + len(values) - length + 1)
    if smoothing in ("gaussian", "exponential"):
        distance = np.abs(np.arange(-k, k + 1)) / spread
        weights = np.exp(-(distance**2) / 2 if smoothing == "gaussian" else -distance)
        weights /= weights.sum()
        sums = sliding_window_view(np.where(usable, values, 0.0), length) @ weights
        totals = sliding_window_view(usable, length) @ weights
        # A little less than half: the weights do not add up to 1 exactly.
        enough = (totals >= 0.5 - 1e-9) & usable[middle]
        smoothed[middle][enough] = sums[enough] / totals[enough]
        return smoothed
    if usable.all():
        smoothed[middle] = sliding_window_view(values, length).mean(axis=1)
        return smoothed
    counts = sliding_window_view(usable, length).sum(axis=1)
    sums = sliding_window_view(np.where(usable, values, 0.0), length).sum(axis=1)
    enough = (2 * counts >= length) & usable[middle]
    smoothed[middle][enough] = sums[enough] / counts[enough]
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
    return peaks_above(smooth(scores, k, valid=valid, smoothing=smoothing), k, p)


def peaks_above(smoothed: ArrayLike, k: int, p: float, *, rows_after: int | None = None) -> Peaks:
    """Every peak above the threshold of eq. 5 with its interval, from scores that are smoothed already.

    Parameters
    ----------
    smoothed : (n,) array
        NaN where there is no score.
    k : int
        Half the mean length of an expression in rows: least distance of two peaks, and rows before a peak.
    p : float
        Where the threshold lies between mean (0) and maximum (1).
    rows_after : int, optional
        Rows of an interval after its peak. Default: k; MEAN's paper has k - 1.
    """
    values = np.asarray(smoothed, dtype=np.float64)
    threshold = relative_threshold(values, p)
    found = np.empty(0, dtype=np.int64) if threshold is None else find_peaks(values, threshold, k)
    return Peaks(values, threshold, found, _around(found, k, rows_after, len(values)))


def highest_peak(smoothed: ArrayLike, k: int, *, rows_after: int | None = None) -> Peaks:
    """The one row with the highest smoothed score, whatever its height: MEAN's rule for short videos.

    It need not be a local maximum; of equal rows the first is taken, and none where no row has a score. Parameters as
    in `peaks_above`.

    >>> highest_peak([np.nan, 1.0, 3.0, 2.0, np.nan], 1).intervals
    array([[1, 3]])
    """
    values = np.asarray(smoothed, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(values))
    found = known[[np.argmax(values[known])]] if known.size else known
    return Peaks(values, None, found, _around(found, k, rows_after, len(values)))


def _around(peaks: IntArray, k: int, rows_after: int | None, n_rows: int) -> IntArray:
    last = peaks + (k if rows_after is None else rows_after)
    return np.stack([np.maximum(peaks - k, 0), np.minimum(last, n_rows - 1)], axis=1)


def half_mean_length(tracks: Sequence[Track], kind: Kind, *, fps: float | None = None) -> int:
    """Half the mean length of the expressions of a type, in frames: k of SOFTNet and k' of MEAN.

    ``k = int((N + 1) / 2)`` with N the mean of offset minus onset (SOFTNet, footnote 1; MEAN, section 3.3).

    Parameters
    ----------
    tracks : sequence of Track
        Annotated expressions.
    kind : {"macro", "micro"}
        Type of expression.
    fps : float, optional
        Frame rate in which k counts; lengths are converted to it through seconds. Default: the frames of the tracks,
        which must then agree in their rate to 1 %.

    Raises
    ------
    SettingsError
        If there is no expression of the type, or the rates differ and `fps` is not given.
    """
    where = f"mean length of {kind}-expressions"
    rates = [track.timebase.fps for track in tracks if track.of_kind(kind).expressions]
    if not rates:
        raise SettingsError(where, "no recording holds one", "give other recordings")
    if fps is None and max(rates) > 1.01 * min(rates):
        what = f"the recordings have {min(rates):g} to {max(rates):g} frames per second"
        raise SettingsError(where, what, "name the frame rate in which it shall count")
    lengths = [
        (found.offset - found.onset) * (1.0 if fps is None else fps / track.timebase.fps)
        for track in tracks
        for found in track.of_kind(kind).expressions
    ]
    # An exact sum: the order of the tracks must not decide between two frames.
    return int((math.fsum(lengths) / len(lengths) + 1) / 2)
