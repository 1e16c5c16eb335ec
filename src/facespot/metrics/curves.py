"""F1 over a threshold: the curves of SOFTNet's Tables 4 and 5.

A decode callable turns a value of the threshold, such as p of SOFTNet's eq. 5, into predictions; everything before it
(features, scores) is done once. Choosing the best value on the data that are then reported is optimistic: choose it on
the training subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from facespot.metrics.matching import Evaluation, evaluate
from facespot.values import Track

PAPER_P = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True)
class CurvePoint:
    """The counts at one value of a threshold."""

    threshold: float
    evaluation: Evaluation


def evaluate_over_thresholds(
    truth: Sequence[Track],
    decode: Callable[[float], Sequence[Track]],
    thresholds: Sequence[float] = PAPER_P,
    **rule: Any,
) -> list[CurvePoint]:
    """Counts at each value of a threshold.

    Parameters
    ----------
    truth : sequence of Track
        Annotated expressions.
    decode : callable
        From a threshold to one predicted track per video.
    thresholds : sequence of float
        Values to try. Default: .05, .10, ..., .95, as in the paper.
    **rule
        Keywords of `evaluate`.
    """
    return [CurvePoint(threshold, evaluate(truth, decode(threshold), **rule)) for threshold in thresholds]


def above_score(predicted: Sequence[Track]) -> Callable[[float], list[Track]]:
    """Decode callable that keeps the predictions whose score reaches the threshold.

    Raises
    ------
    ValueError
        If a prediction has no score.
    """
    if any(one.score is None for track in predicted for one in track.expressions):
        raise ValueError("a prediction has no score")

    def decode(threshold: float) -> list[Track]:
        return [
            replace(track, expressions=tuple(one for one in track.expressions if (one.score or 0.0) >= threshold))
            for track in predicted
        ]

    return decode


def best_point(curve: Sequence[CurvePoint]) -> CurvePoint:
    """The point with the highest overall F1; the first one of equals."""
    return max(curve, key=lambda point: point.evaluation.f1)
