"""What the network should say of each frame, from the true expressions (section III-B; widening: authors' code)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.values import KINDS, Expression, FloatArray, IntArray, Track

ONSET, OFFSET, NEITHER = range(3)
NORMAL, MACRO, MICRO = range(3)
_FRAME_TYPES = {"macro": MACRO, "micro": MICRO}


@dataclass(frozen=True, eq=False)
class FrameTargets:
    """Targets of n rows; the two columns are the types in the order of `KINDS`: macro, micro.

    Parameters
    ----------
    boundary : (n, 2) int64 array
        0 onset, 1 offset, 2 neither.
    apex : (n, 2) float32 array
        1 at an apex, less around it, else 0.
    action : (n, 2) float32 array
        1 from onset to offset, else 0.
    frame_type : (n,) int64 array
        0 normal, 1 macro, 2 micro: classes of the supervised contrastive loss. A frame in both is micro.
    """

    boundary: IntArray
    apex: FloatArray
    action: FloatArray
    frame_type: IntArray

    def of_rows(self, rows: IntArray) -> FrameTargets:
        """Targets of some of the rows."""
        return FrameTargets(self.boundary[rows], self.apex[rows], self.action[rows], self.frame_type[rows])


def join_targets(parts: Sequence[FrameTargets]) -> FrameTargets:
    """Targets of several videos, one after the other; at least one."""
    return FrameTargets(
        np.concatenate([one.boundary for one in parts]),
        np.concatenate([one.apex for one in parts]),
        np.concatenate([one.action for one in parts]),
        np.concatenate([one.frame_type for one in parts]),
    )


def frame_targets(track: Track, frames: IntArray, config: SpotgcnConfig) -> FrameTargets:
    """Targets of every row.

    Onset, apex and offset belong to the row with the nearest frame, the earlier one of two. Before the first and after
    the last row the rows go on with the same step, so that what lies just outside still widens into them. Onset and
    offset are widened to both sides; where both reach a row it is the nearer one's, of two equally near the onset's.
    The apex is ``exp(-d^2 / (2 sigma^2))`` at d rows from it, within the same widening; an unknown apex is taken to be
    in the middle.

    Parameters
    ----------
    track : Track
        Truth in frames of the source video.
    frames : (n,) int64 array
        Source frame of each row.
    config : SpotgcnConfig
        Widening and sigma.
    """
    n_rows = len(frames)
    boundary = np.full((n_rows, len(KINDS)), NEITHER, dtype=np.int64)
    apex = np.zeros((n_rows, len(KINDS)), dtype=np.float32)
    action = np.zeros((n_rows, len(KINDS)), dtype=np.float32)
    frame_type = np.full(n_rows, NORMAL, dtype=np.int64)
    for column, kind in enumerate(KINDS):
        expressions = track.of_kind(kind).expressions
        if n_rows == 0 or not expressions:
            continue
        widening = config.widening(kind)
        onsets = _rows(frames, [one.onset for one in expressions])
        offsets = _rows(frames, [one.offset for one in expressions])
        from_onset, from_offset = _distance(n_rows, onsets), _distance(n_rows, offsets)
        boundary[from_offset <= widening, column] = OFFSET
        boundary[(from_onset <= widening) & (from_onset <= from_offset), column] = ONSET
        from_apex = _distance(n_rows, _rows(frames, [_apex(one) for one in expressions]))
        bell = np.exp(-(from_apex**2) / (2 * config.apex_sigma**2))
        apex[:, column] = np.where(from_apex <= widening, bell, 0.0)
        for first, last in zip(onsets.tolist(), offsets.tolist(), strict=True):
            action[max(first, 0) : max(last + 1, 0), column] = 1.0
        # Macro comes before micro in KINDS, so micro has the last word.
        frame_type[action[:, column] > 0] = _FRAME_TYPES[kind]
    return FrameTargets(boundary, apex, action, frame_type)


def _apex(one: Expression) -> int:
    return (one.onset + one.offset) // 2 if one.apex is None else one.apex


def _rows(frames: IntArray, wanted: list[int]) -> IntArray:
    """Row with the nearest frame, below 0 or from n on for what lies outside."""
    step = max(1, round(float(np.median(np.diff(frames))))) if len(frames) > 1 else 1
    asked = np.asarray(wanted, dtype=np.int64)
    right = np.clip(np.searchsorted(frames, asked), 1, max(len(frames) - 1, 1))
    left = right - 1
    inside = np.where(asked - frames[left] <= frames[np.minimum(right, len(frames) - 1)] - asked, left, right)
    before = np.ceil((asked - frames[0]) / step - 0.5).astype(np.int64)
    after = len(frames) - 1 + np.ceil((asked - frames[-1]) / step - 0.5).astype(np.int64)
    rows: IntArray = np.where(asked < frames[0], before, np.where(asked > frames[-1], after, inside))
    return rows


def _distance(n_rows: int, places: IntArray) -> NDArray[np.int64]:
    """Rows from each row to the nearest of some places."""
    distances: NDArray[np.int64] = np.abs(np.arange(n_rows)[:, np.newaxis] - places).min(axis=1)
    return distances
