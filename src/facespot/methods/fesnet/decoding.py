"""Logits to probabilities, and probabilities to expressions: runs of frames of the same class.

For each type there are two channels: the probability of the final result under the name of the type, that of the
spatial proposals of the LSDM under ``TYPE/spatial``. What is left to 1 is the probability of neutral.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facespot.intervals import class_intervals
from facespot.methods.fesnet.config import FesnetConfig
from facespot.metrics.framewise import LABELS
from facespot.values import KINDS, Curve, Expression, FloatArray, IntArray, Kind, Scores, Track

Part: TypeAlias = Literal["", "/spatial"]
"""What follows the type in the names of its channels."""
LOGITS: Mapping[Part, slice] = {"": slice(0, 3), "/spatial": slice(3, 6)}
"""Logits of neutral, macro and micro."""
N_LOGITS = 6
NO_LABEL = -1
"""Label of a row without scores."""
ROUNDING = 1e-7
"""By how much what float32 probabilities leave to 1 may miss an equal probability of neutral."""
ROUNDING_OF_ROWS = 1e-6
"""Rows by which a length may miss a half: 0.145 s at 100 rows per second are 14.5, not 14.499999999999998."""


def scores_of_logits(logits: FloatArray, kinds: Sequence[Kind]) -> tuple[tuple[str, ...], FloatArray]:
    """Probabilities of some types from the output of the network.

    Parameters
    ----------
    logits : (n, 6) float32 array
        Neutral, macro, micro of the final result; neutral, macro, micro of the spatial proposals.
    kinds : sequence of {"macro", "micro"}
        Types to give; the probability of the others is left to neutral.

    Returns
    -------
    channels : tuple of str
        Names of the columns: the types in the order of `kinds`, then their spatial proposals.
    values : (n, 2 len(kinds)) float32 array
        Probabilities; NaN in rows in which a logit is not finite.

    >>> scores_of_logits(np.zeros((1, 6), dtype=np.float32), ["micro"])
    (('micro', 'micro/spatial'), array([[0.33333334, 0.33333334]], dtype=float32))
    """
    if logits.ndim != 2 or logits.shape[1] != N_LOGITS:
        raise ValueError(f"logits of shape {logits.shape}, not (n, {N_LOGITS})")
    known = np.isfinite(logits).all(axis=1)
    of_known = logits[known].astype(np.float64)
    values = np.full((len(logits), len(LOGITS) * len(kinds)), np.nan, dtype=np.float32)
    asked = [LABELS.index(kind) for kind in kinds]
    values[known] = np.concatenate([_softmax(of_known[:, part])[:, asked] for part in LOGITS.values()], axis=1)
    return tuple(f"{kind}{part}" for part in LOGITS for kind in kinds), values


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # Less the highest of each row, no exponential overflows.
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def labels(scores: Scores, part: Part = "") -> IntArray:
    """Likeliest class of each row, of neutral and the types that are in the scores.

    Of equal ones neutral comes first, then macro.

    Parameters
    ----------
    scores : Scores
        With the channels of `scores_of_logits`.
    part : {"", "/spatial"}
        The final result, or the spatial proposals.

    Returns
    -------
    (n,) int64 array
        Places in `facespot.metrics.framewise.LABELS`; -1 in rows without scores.
    """
    probabilities = np.zeros((len(scores.frames), len(LABELS)))
    for kind in KINDS:
        if f"{kind}{part}" in scores.channels:
            probabilities[:, LABELS.index(kind)] = scores.channel(f"{kind}{part}")[0]
    probabilities[:, LABELS.index("neutral")] = 1.0 + ROUNDING - probabilities.sum(axis=1)
    known = np.isfinite(probabilities).all(axis=1)
    return np.where(known, probabilities.argmax(axis=1), NO_LABEL)


def curves(scores: Scores, config: FesnetConfig) -> tuple[Curve, ...]:
    """Probability of each type, and what its peaks must reach if that is anything."""
    found = []
    for kind in KINDS:
        if kind in scores.channels:
            values, valid = scores.channel(kind)
            threshold = config.peak_threshold if config.peak_threshold > 0 and valid.any() else None
            found.append(Curve(kind, scores.frames, values, threshold))
    return tuple(found)


def decode(scores: Scores, config: FesnetConfig) -> Track:
    """Runs of the same label, gaps closed and short runs dropped; see `facespot.intervals.class_intervals`.

    The apex is the frame of the highest probability of the type, the first of equal ones, and the score is that
    probability. Runs are made of rows, and then named by their frames in the source video.
    """
    of_rows = labels(scores)
    least, close = (rows_in(length_s, scores.fps) for length_s in (config.least_s, config.close_s))
    intervals, classes = class_intervals(of_rows, of_rows != NO_LABEL, least=least, close=close)
    kind_of: Mapping[int, Kind] = {LABELS.index(kind): kind for kind in KINDS}
    expressions = []
    for (first, last), label in zip(intervals.tolist(), classes.tolist(), strict=True):
        kind = kind_of[label]
        probability, _ = scores.channel(kind)
        peak = first + int(probability[first : last + 1].argmax())
        score = float(probability[peak])
        if score >= config.peak_threshold:
            onset, apex, offset = (int(scores.frames[row]) for row in (first, peak, last))
            expressions.append(Expression(onset, apex, offset, kind, score=score))
    return Track(scores.video, scores.timebase, tuple(expressions))


def rows_in(length_s: float, fps: float) -> int:
    """Whole rows of a length in seconds, halves rounded up."""
    return math.floor(length_s * fps + 0.5 + ROUNDING_OF_ROWS)
