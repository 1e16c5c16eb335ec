"""What the network should say of each row: type, distances, maps of middle, apex and ends, emotion, action units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS
from facespot.values import KINDS, BoolArray, FloatArray, IntArray, Kind, Track

MAPS = ("centre", "apex", "onset", "offset")
"""Order of the maps, each an output of that name."""
NONE = -1
"""Emotion of a row without one."""
_EDGE_ROWS = 0.5
_SHORTEST_ROWS = 4.0
_CENTRE_SHARE, _APEX_SHARE, _EMOTION_SHARE = 0.12, 0.06, 0.25
_ONSET_ROWS, _OFFSET_ROWS = 1.2, 1.5


@dataclass(frozen=True)
class TrueExpression:
    """An annotated expression in rows of the features.

    Parameters
    ----------
    kind : int
        1 + place in `KINDS`, as the network counts them; 0 is none.
    onset, apex, offset : float
        Rows and parts of them.
    emotion : int
        Place in `EMOTIONS`, or `NONE`.
    action_units : tuple of int
        Places in `ACTION_UNITS`; empty where none was annotated that is known.
    learned : bool
        Whether its type is learned from this video.
    """

    kind: int
    onset: float
    apex: float
    offset: float
    emotion: int
    action_units: tuple[int, ...]
    learned: bool


@dataclass(frozen=True, eq=False)
class RowTargets:
    """Targets of t rows.

    Parameters
    ----------
    counted : (t,) bool array
        False where nothing is to be learned.
    kind : (t,) int64 array
        0 none, 1 macro, 2 micro.
    distances_s : (t, 2) float32 array
        To onset and offset.
    distance_weight : (t,) float32 array
        Over the rows of an expression about 1.
    maps : (t, 4) float32 array
        Bell curves with a height of 1 around the middle, apex, onset and offset.
    emotion : (t,) int64 array
    emotion_weight : (t,) float32 array
        Over the rows of an expression 1, most of it around the apex; 0 without an emotion.
    action_units : (t, 17) float32 array
        1 for those that are active.
    action_unit_weight : (t,) float32 array
        As for the emotion; 0 where no action unit was annotated.
    """

    counted: BoolArray
    kind: IntArray
    distances_s: FloatArray
    distance_weight: FloatArray
    maps: FloatArray
    emotion: IntArray
    emotion_weight: FloatArray
    action_units: FloatArray
    action_unit_weight: FloatArray

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """All of them, in this order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)


def true_expressions(truth: Track, frames: IntArray, kinds: Sequence[Kind]) -> tuple[TrueExpression, ...]:
    """Annotated expressions in rows.

    Parameters
    ----------
    truth : Track
    frames : (n,) int64 array
        Source frame of each row, at least one.
    kinds : sequence of {"macro", "micro"}
        Types that are learned from this video.
    """
    found = []
    for one in truth.expressions:
        apex = (one.onset + one.offset) / 2 if one.apex is None else float(one.apex)
        onset, top, offset = _rows_at([one.onset, apex, one.offset], frames)
        emotion = EMOTIONS.index(one.emotion) if one.emotion in EMOTIONS else NONE
        units = {int(digits) for name in one.action_units if (digits := "".join(filter(str.isdigit, name)))}
        known = tuple(ACTION_UNITS.index(unit) for unit in sorted(units) if unit in ACTION_UNITS)
        found.append(TrueExpression(1 + KINDS.index(one.kind), onset, top, offset, emotion, known, one.kind in kinds))
    return tuple(found)


def _rows_at(frames_asked: Sequence[float], frames: IntArray) -> list[float]:
    """Places between rows; before the first row and after the last one they go on with the usual step."""
    step = float(np.median(np.diff(frames))) if len(frames) > 1 else 1.0
    first, last, n_rows = float(frames[0]), float(frames[-1]), len(frames)
    inside = np.interp(frames_asked, frames, np.arange(n_rows))
    return [
        float(place + min(0.0, (asked - first) / step) + max(0.0, (asked - last) / step))
        for asked, place in zip(frames_asked, inside, strict=True)
    ]


def row_targets(
    expressions: Sequence[TrueExpression], start: float, n_rows: int, speed: float, rows_per_second: float
) -> RowTargets:
    """Targets of evenly spaced places between the rows of a video; of two expressions the shorter one counts.

    Parameters
    ----------
    expressions : sequence of TrueExpression
    start : float
        Row of the first place.
    n_rows : int
        Number of places.
    speed : float
        Rows from one place to the next; time is counted as if it were 1.
    rows_per_second : float
    """
    at = start + np.arange(n_rows) * speed
    counted, kind = np.ones(n_rows, dtype=np.bool_), np.zeros(n_rows, dtype=np.int64)
    distances, distance_weight = np.zeros((n_rows, 2)), np.zeros(n_rows)
    maps, emotion = np.zeros((n_rows, len(MAPS))), np.full(n_rows, NONE, dtype=np.int64)
    emotion_weight, unit_weight = np.zeros(n_rows), np.zeros(n_rows)
    units = np.zeros((n_rows, len(ACTION_UNITS)), dtype=np.float32)
    for one in sorted(expressions, key=lambda one: one.onset - one.offset):
        inside = (at >= one.onset - _EDGE_ROWS) & (at <= one.offset + _EDGE_ROWS)
        counted[inside] = one.learned
        kind[inside] = one.kind if one.learned else 0
        emotion[inside], units[inside] = one.emotion, 0
        distance_weight[inside] = emotion_weight[inside] = unit_weight[inside] = 0
        if not one.learned:
            continue
        length = (one.offset - one.onset + 1) / speed
        ends = np.stack([at[inside] - one.onset, one.offset - at[inside]], axis=1)
        distances[inside] = np.maximum(ends, 0) / (speed * rows_per_second)
        distance_weight[inside] = 1 / max(length, _SHORTEST_ROWS)
        middles = ((one.onset + one.offset) / 2, one.apex, one.onset, one.offset)
        widths = (max(1.0, _CENTRE_SHARE * length), max(1.0, _APEX_SHARE * length), _ONSET_ROWS, _OFFSET_ROWS)
        for column, (middle, width) in enumerate(zip(middles, widths, strict=True)):
            maps[:, column] = np.maximum(maps[:, column], np.exp(-0.5 * ((at - middle) / speed / width) ** 2))
        share = np.exp(-0.5 * ((at - one.apex) / speed / (_EMOTION_SHARE * length)) ** 2) * inside
        share /= max(float(share.sum()), 1e-6)
        if one.emotion != NONE:
            emotion_weight[inside] = share[inside]
        if one.action_units:
            unit_weight[inside] = share[inside]
            units[np.ix_(np.flatnonzero(inside), np.array(one.action_units))] = 1
    return RowTargets(
        counted,
        kind,
        distances.astype(np.float32),
        distance_weight.astype(np.float32),
        maps.astype(np.float32),
        emotion,
        emotion_weight.astype(np.float32),
        units,
        unit_weight.astype(np.float32),
    )
