"""One-to-one matching of predicted to true expressions, and the counts that follow from it.

``"optimal"`` finds the largest number of matches and, among those, the largest total IoU. ``"greedy"`` repeats the
published evaluators (MeanAveragePrecision2d): predictions in their order, each one looking only at the true expression
with which its IoU is largest; if that one is taken, the prediction is a false positive.

The published codes differ in the threshold, IoU >= 0.5 (the MEGC rules, SOFTNet, MEAN) or > 0.5 (``strict=True``),
and in videos without predictions: some add one interval [0, 0], which counts as a false positive (``count_dummy=True``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from facespot.values import KINDS, Expression, Kind, Track

Matching: TypeAlias = Literal["optimal", "greedy"]


@dataclass(frozen=True, slots=True)
class Match:
    """A predicted expression that hit a true one."""

    video: str
    truth: Expression
    predicted: Expression
    iou: float


@dataclass(frozen=True)
class Evaluation:
    """Counts of one evaluation.

    Parameters
    ----------
    tp, fp, fn : int
        True positives, false positives, false negatives.
    matches : tuple of Match
        The true positives.
    by_kind : mapping from type to Evaluation
        The same by type; empty inside a type.

    >>> result = Evaluation(tp=90, fp=357, fn=210)
    >>> round(result.precision, 4), round(result.recall, 4), round(result.f1, 4)
    (0.2013, 0.3, 0.241)
    """

    tp: int
    fp: int
    fn: int
    matches: tuple[Match, ...] = ()
    by_kind: tuple[tuple[Kind, Evaluation], ...] = ()

    @property
    def precision(self) -> float:
        """Share of the predictions that hit; 0 where there is none."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Share of the true expressions that were found; 0 where there is none."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing is true or predicted."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    def of_kind(self, kind: Kind) -> Evaluation:
        """Counts of one type."""
        return dict(self.by_kind)[kind]


def match(
    truth: Sequence[Expression],
    predicted: Sequence[Expression],
    *,
    iou: float = 0.5,
    strict: bool = False,
    matching: Matching = "optimal",
) -> list[tuple[int, int]]:
    """Pairs (index of truth, index of predicted), one-to-one, in order of the predictions.

    Types are not compared here; `evaluate` matches type by type.

    Parameters
    ----------
    truth, predicted : sequence of Expression
        Expressions of one video and type.
    iou : float
        Smallest intersection over union of a match.
    strict : bool
        Whether the IoU must exceed `iou` instead of reaching it.
    matching : {"optimal", "greedy"}
        See the module's text.
    """
    if not truth or not predicted:
        return []
    overlap = np.array([[true.iou(guess) for guess in predicted] for true in truth])
    allowed = overlap > iou if strict else overlap >= iou
    allowed &= overlap > 0
    if matching == "greedy":
        return _greedy(overlap, allowed)
    from scipy.optimize import linear_sum_assignment

    # All IoUs together weigh less than one match, so that the number of matches decides first.
    gain = np.where(allowed, 1.0 + overlap / (min(overlap.shape) + 1), 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    pairs = [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]
    return sorted(pairs, key=lambda pair: pair[1])


def _greedy(overlap: np.ndarray, allowed: np.ndarray) -> list[tuple[int, int]]:
    taken: set[int] = set()
    pairs = []
    for column in range(overlap.shape[1]):
        best = int(np.argmax(overlap[:, column]))
        if allowed[best, column] and best not in taken:
            taken.add(best)
            pairs.append((best, column))
    return pairs


def evaluate(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    *,
    iou: float = 0.5,
    strict: bool = False,
    matching: Matching = "optimal",
    count_dummy: bool = False,
) -> Evaluation:
    """Count hits, false alarms and misses over videos and types; the overall counts pool both types.

    Parameters
    ----------
    truth, predicted : sequence of Track
        One track per video, in any order; videos are matched by name. A video without a predicted track has no
        predictions; a predicted track of an unknown video is an error.
    iou, strict, matching
        As in `match`.
    count_dummy : bool
        Count one false positive for each type and video in which nothing was spotted, as some published code does.

    Raises
    ------
    ValueError
        If a video is named twice, or a predicted video is not among the true ones.
    """
    true_tracks, predicted_tracks = _by_video(truth), _by_video(predicted)
    unknown = sorted(predicted_tracks.keys() - true_tracks.keys())
    if unknown:
        raise ValueError(f"predictions for videos without truth: {', '.join(unknown)}")
    by_kind = []
    for kind in KINDS:
        matches, fp, fn = [], 0, 0
        for video, track in true_tracks.items():
            true = track.of_kind(kind).expressions
            guessed = predicted_tracks[video].of_kind(kind).expressions if video in predicted_tracks else ()
            pairs = match(true, guessed, iou=iou, strict=strict, matching=matching)
            matches += [
                Match(video, true[row], guessed[column], true[row].iou(guessed[column])) for row, column in pairs
            ]
            fp += len(guessed) - len(pairs) + (1 if count_dummy and not guessed else 0)
            fn += len(true) - len(pairs)
        by_kind.append((kind, Evaluation(len(matches), fp, fn, tuple(matches))))
    parts = [part for _, part in by_kind]
    return Evaluation(
        tp=sum(part.tp for part in parts),
        fp=sum(part.fp for part in parts),
        fn=sum(part.fn for part in parts),
        matches=tuple(found for part in parts for found in part.matches),
        by_kind=tuple(by_kind),
    )


def _by_video(tracks: Sequence[Track]) -> dict[str, Track]:
    named = {track.video: track for track in tracks}
    if len(named) != len(tracks):
        raise ValueError("a video is named twice")
    return named
