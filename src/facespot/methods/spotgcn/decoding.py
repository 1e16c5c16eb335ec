"""Logits to probabilities, and probabilities to expressions (section III-D).

For each type there are four channels: the probability of an apex under the name of the type, those of an onset, an
offset and any frame of an expression under ``TYPE/onset``, ``TYPE/offset`` and ``TYPE/expression``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facespot.intervals import Proposals, boundary_range, propose, suppress
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.values import KINDS, Curve, Expression, FloatArray, Kind, Scores, Track

PARTS = ("", "/onset", "/offset", "/expression")
"""What follows the type in the names of its channels."""
BOUNDARY_LOGITS: Mapping[Kind, slice] = {"micro": slice(0, 3), "macro": slice(3, 6)}
"""Logits of onset, offset and neither."""
APEX_LOGIT: Mapping[Kind, int] = {"micro": 6, "macro": 7}
EXPRESSION_LOGIT: Mapping[Kind, int] = {"micro": 8, "macro": 9}
N_LOGITS = 10


def scores_of_logits(logits: FloatArray, kinds: Sequence[Kind]) -> tuple[tuple[str, ...], FloatArray]:
    """Probabilities of some types from the output of the network.

    Parameters
    ----------
    logits : (n, 10) float32 array
        Micro onset, offset, neither; macro onset, offset, neither; micro apex, macro apex; micro expression, macro
        expression.
    kinds : sequence of {"macro", "micro"}
        Types to give.

    Returns
    -------
    channels : tuple of str
        Names of the columns, four for each type in the order of `kinds`.
    values : (n, 4 len(kinds)) float32 array
        Probabilities; NaN in rows in which a logit is not finite.
    """
    if logits.ndim != 2 or logits.shape[1] != N_LOGITS:
        raise ValueError(f"logits of shape {logits.shape}, not (n, {N_LOGITS})")
    known = np.isfinite(logits).all(axis=1)
    of_known = logits[known].astype(np.float64)
    values = np.full((len(logits), len(PARTS) * len(kinds)), np.nan, dtype=np.float32)
    columns: list[NDArray[np.float64]] = []
    for kind in kinds:
        boundary = _softmax(of_known[:, BOUNDARY_LOGITS[kind]])
        apex, expression = (_sigmoid(of_known[:, one[kind]]) for one in (APEX_LOGIT, EXPRESSION_LOGIT))
        columns += [apex, boundary[:, 0], boundary[:, 1], expression]
    for column, probabilities in enumerate(columns):
        values[known, column] = probabilities
    return tuple(f"{kind}{part}" for kind in kinds for part in PARTS), values


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # Less the highest of each row, no exponential overflows.
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))


def curves(scores: Scores, config: SpotgcnConfig) -> tuple[Curve, ...]:
    """Apex probability and its threshold of each type."""
    found = []
    for kind in KINDS:
        if kind in scores.channels:
            values, valid = scores.channel(kind)
            found.append(Curve(kind, scores.frames, values, config.apex_threshold if valid.any() else None))
    return tuple(found)


def decode(scores: Scores, config: SpotgcnConfig) -> Track:
    """Expressions of each type, separately; see `facespot.intervals.propose` and `facespot.intervals.suppress`.

    Their score is the product of the probabilities of onset, apex and offset. Rows are searched and compared, and then
    named by their frames in the source video.
    """
    expressions = []
    for kind in KINDS:
        if kind not in scores.channels:
            continue
        found = proposals(scores, kind, config)
        kept = suppress(found.intervals, found.scores, config.overlap)
        for one in kept[: config.most_per_video or None]:
            rows = (found.intervals[one, 0], found.apexes[one], found.intervals[one, 1])
            onset, apex, offset = (int(scores.frames[row]) for row in rows)
            expressions.append(Expression(onset, apex, offset, kind, score=float(found.scores[one])))
    return Track(scores.video, scores.timebase, tuple(expressions))


def proposals(scores: Scores, kind: Kind, config: SpotgcnConfig) -> Proposals:
    """All possible expressions of one type, in rows."""
    mean, least = (length_s * scores.fps for length_s in (config.mean_s(kind), config.least_s(kind)))
    nearest, farthest = boundary_range(mean, least, config.search)
    apex, onset, offset = (scores.channel(f"{kind}{part}")[0] for part in PARTS[:3])
    return propose(
        onset,
        apex,
        offset,
        threshold=config.apex_threshold,
        nearest=nearest,
        farthest=farthest,
        consistent=config.consistent,
    )
