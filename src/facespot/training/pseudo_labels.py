"""True intervals to one target per row, SOFTNet section 2.3 and its supplement, B.

Row i stands for the window [i, i + k - 1]; its target is a function g of the IoU between the window and the true
intervals, the largest IoU where there are several. Positions are rows; both ends of every interval belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from facespot.values import Features, FloatArray, Kind, Track

PseudoLabel: TypeAlias = Literal["unit_step", "linear", "step"]
# Bounds between the five values of the step function, supplement eq. 7.
STEPS = (0.25, 0.5, 0.75)


def window_iou(n_rows: int, k: int, intervals: Sequence[tuple[int, int]]) -> FloatArray:
    """Largest IoU of each window [i, i + k - 1] with an interval, eq. 3.

    Parameters
    ----------
    n_rows : int
        Number of windows.
    k : int
        Length of a window in rows, >= 1.
    intervals : sequence of (first, last)
        Rows of the true intervals; they may reach beyond the rows.

    Returns
    -------
    (n_rows,) float32 array

    >>> window_iou(4, 2, [(2, 3)])
    array([0.        , 0.33333334, 1.        , 0.33333334], dtype=float32)
    """
    first = np.arange(n_rows)
    best = np.zeros(n_rows)
    for low, high in intervals:
        shared = np.minimum(first + k - 1, high) - np.maximum(first, low) + 1
        shared = np.maximum(shared, 0)
        best = np.maximum(best, shared / (k + high - low + 1 - shared))
    return best.astype(np.float32)


def pseudo_label(iou: FloatArray, function: PseudoLabel = "unit_step") -> FloatArray:
    """The function g of the IoU, supplement eqs. 6 to 8.

    Parameters
    ----------
    iou : (n,) array
        In [0, 1].
    function : {"unit_step", "linear", "step"}
        1 where the IoU is above 0; the IoU itself; .25, .5, .75 or 1 by the quarter in which it lies.

    >>> pseudo_label(np.array([0.0, 0.1, 0.25, 0.7, 0.75]), "step")
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    values = np.asarray(iou, dtype=np.float32)
    if function == "linear":
        return values
    if function == "unit_step":
        return (values > 0).astype(np.float32)
    if function == "step":
        steps: FloatArray = (0.25 * (1 + np.searchsorted(STEPS, values, side="right"))).astype(np.float32)
        return np.where(values > 0, steps, np.float32(0.0))
    raise ValueError(f"no pseudo-labelling function is named {function!r}")


def rows_of(
    track: Track, features: Features, kind: Kind, k: int, *, onset_counted: bool = True
) -> list[tuple[int, int]]:
    """Rows of the true intervals of a type.

    An interval between two picked frames has no row and is left out. Past the last row the frames go on with the same
    step for k rows, because the last windows reach there.

    Parameters
    ----------
    track : Track
        Truth in frames of the source video.
    features : Features
        Rows and their source frames.
    k : int
        Length of a window in rows.
    onset_counted : bool
        Whether the onset frame belongs to the interval (paper), or it begins one frame later (authors' program).
    """
    frames = features.frames
    if len(frames) == 0:
        return []
    step = max(1, round(float(np.median(np.diff(frames))))) if len(frames) > 1 else 1
    reached = np.concatenate([frames, frames[-1] + step * np.arange(1, k + 1)])
    found = []
    for one in track.of_kind(kind).expressions:
        onset = one.onset if onset_counted else min(one.onset + 1, one.offset)
        first = int(np.searchsorted(reached, onset, side="left"))
        last = int(np.searchsorted(reached, one.offset, side="right")) - 1
        if first <= last:
            found.append((first, last))
    return found
