"""Rows of a video cut into windows that the network takes, and what it says of them joined again; numpy only.

The network pads nothing: what it says of a row depends on the row and `CONTEXT_ROWS` on either side, and on nothing
else. So windows that hold that context give the same as the whole video at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facespot.features.region_motion import WIDTH, mirrored
from facespot.values import BoolArray, FloatArray

DILATIONS = (1, 2, 4, 8, 16, 32, 1, 4)
CONTEXT_ROWS = 1 + sum(DILATIONS)
"""Rows before and after a row that its prediction depends on; the first convolution takes one of them."""
INPUTS = WIDTH + 1
"""Numbers of a row, and whether it is valid."""
WINDOW_ROWS = 256
"""Rows that are predicted from one window."""
WINDOW_SHAPE = (WINDOW_ROWS + 2 * CONTEXT_ROWS, INPUTS)

Run: TypeAlias = Callable[[FloatArray], FloatArray]
"""The network on windows (m, *WINDOW_SHAPE): outputs (m, WINDOW_ROWS, c), float32."""


def rows_between(values: NDArray[Any], valid: BoolArray, start: int, stop: int) -> FloatArray:
    """Rows as the network takes them; only these are read.

    Parameters
    ----------
    values : (n, WIDTH) float32 array
        Memory-mapped or not; what stands in rows that are not valid is ignored.
    valid : (n,) bool array
    start, stop : int
        First row and the one after the last; they may lie outside the video.

    Returns
    -------
    (stop - start, INPUTS) float32 array
        The last number is 1 in valid rows; the others, and those outside the video, are all 0.
    """
    rows: FloatArray = np.zeros((max(0, stop - start), INPUTS), dtype=np.float32)
    first, last = max(start, 0), min(stop, len(valid))
    if first < last:
        usable = valid[first:last]
        inside = rows[first - start : last - start]
        inside[usable, :WIDTH] = np.asarray(values[first:last])[usable]
        inside[:, WIDTH] = usable
    return rows


def outputs_of(run: Run, values: NDArray[Any], valid: BoolArray, start: int = 0, stop: int | None = None) -> FloatArray:
    """What the network says of the rows of a video: the mean of what it says of them and of the same face in a mirror.

    Parameters
    ----------
    run : callable
        The network.
    values, valid
        As in `rows_between`.
    start, stop : int
        Rows that are asked for; default: all.

    Returns
    -------
    (stop - start, c) float32 array
    """
    end = len(valid) if stop is None else stop
    found = []
    # An empty video still makes one window: the outputs keep their shape.
    for first in range(start, max(end, start + 1), WINDOW_ROWS):
        window = rows_between(values, valid, first - CONTEXT_ROWS, first + WINDOW_ROWS + CONTEXT_ROWS)
        found.append(run(np.stack([window, _mirrored_window(window)])).mean(axis=0))
    joined: FloatArray = np.concatenate(found)[: max(0, end - start)].astype(np.float32)
    return joined


def _mirrored_window(window: FloatArray) -> FloatArray:
    return np.concatenate([mirrored(window[:, :WIDTH]), window[:, WIDTH:]], axis=1)
