"""Which regions of the face moved during an expression, when, and which of them the network needed; no PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facespot.features.region_motion import DISTANCES_S, REGIONS, part
from facespot.methods.regiontcn.decoding import scores_of_outputs
from facespot.methods.regiontcn.method import RegiontcnMethod
from facespot.methods.regiontcn.windows import CONTEXT_ROWS
from facespot.values import Expression, Features, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class RegionExplanation:
    """What moved, and what counted.

    Parameters
    ----------
    expression : Expression
        What is explained.
    regions : tuple of str
        Names of the 25 regions, left and right as in the image.
    frames : (n,) int64 array
        Source frames of the rows that are shown: those of the expression and some before and after.
    distance_s : float
        Time over which the motion is measured, of those that the features have the nearest to the time from onset to
        apex.
    motion : (n, 25) float32 array
        How far each region moved over that time, in pixels of the aligned face; NaN in rows without a face.
    score : float
        Highest probability of the expression's type in its rows.
    importance : (25,) float32 array
        How much lower that probability is where the region does not move at all; below 0 where it is higher.
    """

    expression: Expression
    regions: tuple[str, ...]
    frames: IntArray
    distance_s: float
    motion: FloatArray
    score: float
    importance: FloatArray


def explain(
    method: RegiontcnMethod, features: Features, expression: Expression, *, margin_s: float = 0.5
) -> RegionExplanation:
    """Explain one expression, whoever spotted it.

    Each region in turn is held still, over all distances and as far as the network looks, and the video is scored
    again around the expression (occlusion).

    Parameters
    ----------
    method : RegiontcnMethod
        With a network that knows the type of the expression.
    features : Features
        The rows of its video.
    expression : Expression
        At least one of its rows is valid.
    margin_s : float
        Time before onset and after offset that is shown, in seconds.

    Raises
    ------
    ValueError
        The method has no network for the type, or no row of the expression is valid.
    """
    if method.checkpoint is None or expression.kind not in method.kinds:
        raise ValueError(f"the method has no network for {expression.kind}-expressions")
    frames = features.frames
    first = int(np.searchsorted(frames, expression.onset))
    stop = max(int(np.searchsorted(frames, expression.offset, side="right")), first + 1)
    if not features.valid[first:stop].any():
        raise ValueError("no row of the expression has a face")
    margin = round(margin_s * features.fps)
    shown = slice(max(0, first - margin), min(len(frames), stop + margin))
    place = _fitting_distance(features, expression)
    flow = part(np.asarray(features.values[shown]), "motion")[:, :, place]
    motion = np.where(features.valid[shown, np.newaxis], np.hypot(flow[..., 0], flow[..., 1]), np.float32(np.nan))
    around = slice(max(0, first - CONTEXT_ROWS), stop + CONTEXT_ROWS)
    # Only these rows are copied; a memory-mapped video stays where it is.
    values: NDArray[np.float32] = np.array(features.values[around], dtype=np.float32)
    seen = replace(features, values=values, frames=frames[around], valid=features.valid[around])
    rows = slice(first - around.start, stop - around.start)
    score = _score(method, seen, rows, expression)
    falls = [score - _score(method, _held_still(seen, region), rows, expression) for region in range(len(REGIONS))]
    return RegionExplanation(
        expression,
        tuple(REGIONS),
        frames[shown],
        DISTANCES_S[place],
        motion.astype(np.float32),
        score,
        np.array(falls, dtype=np.float32),
    )


def _fitting_distance(features: Features, expression: Expression) -> int:
    """Place in `DISTANCES_S` of the time that is nearest to that from onset to apex, as a factor."""
    apex = (expression.onset + expression.offset) / 2 if expression.apex is None else expression.apex
    rise_s = max(apex - expression.onset, 1) / features.timebase.fps
    return int(np.argmin([abs(math.log(distance / rise_s)) for distance in DISTANCES_S]))


def _held_still(features: Features, region: int) -> Features:
    """The features with one region that does not move."""
    values = features.values.copy()
    part(values, "motion")[:, region] = 0
    return replace(features, values=values)


def _score(method: RegiontcnMethod, features: Features, rows: slice, expression: Expression) -> float:
    """Highest probability of the expression's type in some rows."""
    outputs = method.outputs(features, rows.start, rows.stop)
    asked = replace(features, values=features.values[rows], frames=features.frames[rows], valid=features.valid[rows])
    scores = scores_of_outputs(outputs, asked, (expression.kind,), (), ())
    return float(np.nanmax(method.calibrations[expression.kind].probability(scores.channel(expression.kind)[0])))
