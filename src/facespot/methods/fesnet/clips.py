"""Clips of T frames that cover a video (section 3.2), and the mean of what the network says in those that overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.intervals import runs
from facespot.values import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Clips:
    """Which rows of a video each clip holds.

    Parameters
    ----------
    rows : (m, T) int64 array
        Rows of the frames of each clip, one after the other without a gap.
    counted : (m, T) bool array
        False where a clip is padded: there its last row is repeated.
    """

    rows: IntArray
    counted: BoolArray

    def __len__(self) -> int:
        return len(self.rows)


def clips_of(valid: ArrayLike, length: int, stride: int) -> Clips:
    """Clips that cover the valid rows of a video, in order of time; none holds a row that is not valid.

    In each run of valid rows a clip begins every `stride` rows, and the last one is moved back to end with the run. A
    run that is shorter than a clip makes one, padded with its last row. Every valid row is in a clip as long as the
    stride is at most the length; only training may skip rows.

    Parameters
    ----------
    valid : (n,) bool array
        False where a frame has no usable face.
    length : int
        Frames of a clip, T.
    stride : int
        Rows from one clip to the next.

    >>> clips_of([True] * 7 + [False] + [True] * 2, 4, 2).rows.tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6], [8, 9, 9, 9]]
    """
    if min(length, stride) < 1:
        raise ValueError(f"clips of {length} rows every {stride} rows: both must be at least 1")
    firsts, lasts = [], []
    for start, stop in runs(valid):
        latest = max(start, stop - length)
        begins = range(start, latest, stride)
        firsts += [*begins, latest]
        lasts += [stop - 1] * (len(begins) + 1)
    rows = np.array(firsts, dtype=np.int64)[:, np.newaxis] + np.arange(length)
    ends = np.array(lasts, dtype=np.int64)[:, np.newaxis]
    return Clips(np.minimum(rows, ends), rows <= ends)


class ClipAverage:
    """Mean of the logits of the clips that cover each row, fed clip by clip.

    Takes memory for the rows of the video, however many clips there are. The sums are kept in float64, and the result
    does not depend on how the clips are divided into calls.

    Parameters
    ----------
    n_rows, n_channels : int
        Rows of the video, logits of each.
    """

    def __init__(self, n_rows: int, n_channels: int) -> None:
        self._sums = np.zeros((n_rows, n_channels), dtype=np.float64)
        self._counts = np.zeros(n_rows, dtype=np.int64)

    def add(self, rows: IntArray, counted: BoolArray, logits: NDArray[np.floating]) -> None:
        """Take in some clips: their rows and what is counted of them, see `Clips`, and their logits, (m, T, c)."""
        expected = (*rows.shape, self._sums.shape[1])
        if logits.shape != expected:
            raise ValueError(f"logits of shape {logits.shape}, not {expected}")
        np.add.at(self._sums, rows[counted], logits[counted].astype(np.float64))
        np.add.at(self._counts, rows[counted], 1)

    def result(self) -> FloatArray:
        """Mean of each row and channel, (n, c) float32; NaN in rows that no clip covers."""
        covered = self._counts > 0
        means = np.full(self._sums.shape, np.nan, dtype=np.float32)
        means[covered] = self._sums[covered] / self._counts[covered, np.newaxis]
        return means
