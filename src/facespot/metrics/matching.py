"""One-to-one matching of predicted to true expressions, and the counts that follow from it.

Conventions: a prediction is a true positive (TP) when it has the type of a true expression, their IoU reaches a
threshold and no other prediction was matched to it; every other prediction is a false positive (FP), every true
expression without a match a false negative (FN). MEAN, eqs. 14-16. The overall counts pool both types and all videos.

``"optimal"`` finds the largest number of matches and, among those, the largest total IoU. ``"greedy"`` repeats the
published evaluators (MeanAveragePrecision2d): predictions in their order, each one looking only at the true expression
with which its IoU is largest; if that one is taken, the prediction is a false positive.

The published codes differ in the threshold, IoU >= 0.5 (the MEGC rules, SOFTNet, MEAN) or > 0.5 (``strict=True``);
in videos without predictions: some add one interval [0, 0], which counts as a false positive (``count_dummy=True``);
and in the videos they look at: some only at those that hold a true expression of the type, so that false alarms
elsewhere never count (``videos="with_type"``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from facespot.metrics.assignment import assign_greedily, assign_optimally
from facespot.metrics.overlaps import overlapping_pairs
from facespot.values import KINDS, Expression, Kind, Track

Matching: TypeAlias = Literal["optimal", "greedy"]
Videos: TypeAlias = Literal["all", "with_type"]


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
    by_kind : tuple of (type, Evaluation)
        The same by type; empty inside a type.
    by_video : tuple of (video, Evaluation)
        The counts of each video that was looked at; empty inside a video.

    >>> result = Evaluation(tp=90, fp=357, fn=210)
    >>> round(result.precision, 4), round(result.recall, 4), round(result.f1, 4)
    (0.2013, 0.3, 0.241)
    """

    tp: int
    fp: int
    fn: int
    matches: tuple[Match, ...] = ()
    by_kind: tuple[tuple[Kind, Evaluation], ...] = ()
    by_video: tuple[tuple[str, Evaluation], ...] = ()

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
    pairs = overlapping_pairs(truth, predicted, iou=iou, strict=strict)
    chosen = pairs.where(assign_greedily(pairs) if matching == "greedy" else assign_optimally(pairs))
    return list(zip(chosen.truth.tolist(), chosen.predicted.tolist(), strict=True))


def evaluate(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    *,
    iou: float = 0.5,
    strict: bool = False,
    matching: Matching = "optimal",
    count_dummy: bool = False,
    videos: Videos = "all",
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
    videos : {"all", "with_type"}
        Whether every video counts, or for each type only those that hold a true expression of it.

    Raises
    ------
    ValueError
        If a video is named twice, or a predicted video is not among the true ones.
    """
    true_tracks, predicted_tracks = _by_video(truth), _by_video(predicted)
    unknown = sorted(predicted_tracks.keys() - true_tracks.keys())
    if unknown:
        raise ValueError(f"predictions for videos without truth: {', '.join(unknown)}")
    by_kind: list[tuple[Kind, Evaluation]] = []
    for kind in KINDS:
        by_video = []
        for video, track in true_tracks.items():
            true = _of_kind(track, kind)
            if not true and videos == "with_type":
                continue
            guessed = _of_kind(predicted_tracks[video], kind) if video in predicted_tracks else ()
            pairs = match(true, guessed, iou=iou, strict=strict, matching=matching)
            hits = tuple(
                Match(video, true[row], guessed[column], true[row].iou(guessed[column])) for row, column in pairs
            )
            dummy = 1 if count_dummy and not guessed else 0
            by_video.append(
                (video, Evaluation(len(hits), len(guessed) - len(hits) + dummy, len(true) - len(hits), hits))
            )
        by_kind.append((kind, replace(pool([part for _, part in by_video]), by_video=tuple(by_video))))
    parts: dict[str, list[Evaluation]] = {video: [] for video in true_tracks}
    for _, of_one_kind in by_kind:
        for video, part in of_one_kind.by_video:
            parts[video].append(part)
    return replace(
        pool([part for _, part in by_kind]),
        by_kind=tuple(by_kind),
        by_video=tuple((video, pool(found)) for video, found in parts.items() if found),
    )


def pool(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Counts and matches of several evaluations together.

    >>> pool([Evaluation(20, 264, 37), Evaluation(90, 357, 210)])
    Evaluation(tp=110, fp=621, fn=247, matches=(), by_kind=(), by_video=())
    """
    return Evaluation(
        tp=sum(part.tp for part in evaluations),
        fp=sum(part.fp for part in evaluations),
        fn=sum(part.fn for part in evaluations),
        matches=tuple(hit for part in evaluations for hit in part.matches),
    )


def by_subject(evaluation: Evaluation, subjects: Mapping[str, str]) -> tuple[tuple[str, Evaluation], ...]:
    """The counts of each subject, in order of name.

    Parameters
    ----------
    evaluation : Evaluation
        With its counts by video.
    subjects : mapping from video to subject
        A video that is not named is a subject of its own.
    """
    grouped: dict[str, list[Evaluation]] = {}
    for video, part in evaluation.by_video:
        grouped.setdefault(subjects.get(video, video), []).append(part)
    return tuple((subject, pool(grouped[subject])) for subject in sorted(grouped))


def false_positives(predicted: Sequence[Track], evaluation: Evaluation) -> list[tuple[str, Expression]]:
    """The predictions that hit nothing, with their video, in the videos that were looked at."""
    return _without(predicted, Counter((hit.video, hit.predicted) for hit in evaluation.matches), evaluation)


def false_negatives(truth: Sequence[Track], evaluation: Evaluation) -> list[tuple[str, Expression]]:
    """The true expressions that nothing hit, with their video."""
    return _without(truth, Counter((hit.video, hit.truth) for hit in evaluation.matches), evaluation)


def _without(
    tracks: Sequence[Track], hits: Counter[tuple[str, Expression]], evaluation: Evaluation
) -> list[tuple[str, Expression]]:
    """Expressions less the hits, counted: of two equal ones, one hit takes away one."""
    looked_at = {(kind, video) for kind, part in evaluation.by_kind for video, _ in part.by_video}
    left = []
    for track in tracks:
        for one in track.expressions:
            if hits[track.video, one] > 0:
                hits[track.video, one] -= 1
            elif (one.kind, track.video) in looked_at:
                left.append((track.video, one))
    return left


def _of_kind(track: Track, kind: Kind) -> tuple[Expression, ...]:
    return tuple(one for one in track.expressions if one.kind == kind)


def _by_video(tracks: Sequence[Track]) -> dict[str, Track]:
    named = {track.video: track for track in tracks}
    if len(named) != len(tracks):
        raise ValueError("a video is named twice")
    return named
