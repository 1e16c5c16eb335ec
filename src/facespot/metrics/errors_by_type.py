"""What kind of mistake each false positive is, and which true expressions are missed.

Conventions: a false positive is, by the first rule that fits,

    double detection     it would hit a true expression of its type, but another prediction was matched to that one
    wrong type           it would hit a true expression of the other type
    poor localisation    it overlaps a true expression of either type with an IoU of at least `background`, too little
                         for a hit
    background           neither: nothing is there

The names follow the error analysis of temporal action detection (Alwassel et al. 2018) and TIDE (Bolya et al. 2020),
whose lower bound of 0.1 is the default of `background`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from facespot.metrics.apex import time_s
from facespot.metrics.matching import Evaluation, false_negatives, false_positives
from facespot.metrics.overlaps import overlapping_pairs
from facespot.values import KINDS, Expression, Kind, Timebase, Track

ErrorType: TypeAlias = Literal["background", "double detection", "wrong type", "poor localisation"]
ERROR_TYPES: tuple[ErrorType, ...] = get_args(ErrorType)
DURATION_EDGES_S = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class FalsePositive:
    """A prediction that hit nothing, and why.

    Parameters
    ----------
    video : str
    predicted : Expression
    error : str
        One of `ERROR_TYPES`.
    iou : float
        Largest IoU with a true expression of either type.
    """

    video: str
    predicted: Expression
    error: ErrorType
    iou: float


def classify_false_positives(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    evaluation: Evaluation,
    *,
    iou: float = 0.5,
    strict: bool = False,
    background: float = 0.1,
) -> list[FalsePositive]:
    """Kind of mistake of each prediction that hit nothing.

    Parameters
    ----------
    truth, predicted : sequence of Track
        As given to `evaluate`.
    evaluation : Evaluation
        What `evaluate` made of them, under the same `iou` and `strict`.
    iou, strict
        As in `evaluate`.
    background : float
        IoU below which a prediction has nothing to do with a true expression.
    """
    if not 0 < background <= iou:
        raise ValueError(f"the background IoU must lie in (0, {iou}], got {background}")
    true_tracks = {track.video: track.expressions for track in truth}
    grouped: dict[str, list[Expression]] = {}
    for video, one in false_positives(predicted, evaluation):
        grouped.setdefault(video, []).append(one)
    found = []
    for video, guesses in grouped.items():
        true = true_tracks[video]
        best = [dict.fromkeys(KINDS, 0.0) for _ in guesses]
        pairs = overlapping_pairs(true, guesses)
        for row, column, overlap in zip(
            pairs.truth.tolist(), pairs.predicted.tolist(), pairs.iou.tolist(), strict=True
        ):
            kind = true[row].kind
            best[column][kind] = max(best[column][kind], overlap)
        for one, overlaps in zip(guesses, best, strict=True):
            error = _error(one.kind, overlaps, iou, strict, background)
            found.append(FalsePositive(video, one, error, max(overlaps.values())))
    return found


def _error(kind: Kind, best: Mapping[Kind, float], iou: float, strict: bool, background: float) -> ErrorType:
    hits = {other for other, overlap in best.items() if (overlap > iou if strict else overlap >= iou)}
    if kind in hits:
        return "double detection"
    if hits:
        return "wrong type"
    return "poor localisation" if max(best.values()) >= background else "background"


def count_errors(mistakes: Sequence[FalsePositive], kind: Kind | None = None) -> dict[ErrorType, int]:
    """Number of false positives of each kind of mistake, of one type of expression or of both."""
    counts = dict.fromkeys(ERROR_TYPES, 0)
    for one in mistakes:
        if kind in (None, one.predicted.kind):
            counts[one.error] += 1
    return counts


@dataclass(frozen=True)
class Missed:
    """How many true expressions of a group were missed.

    Parameters
    ----------
    group : str
        A type, a subject or a range of durations.
    true, missed : int
        True expressions in the group, and those that nothing hit.
    """

    group: str
    true: int
    missed: int

    @property
    def share(self) -> float:
        """Share of the group that was missed; NaN for an empty group."""
        return self.missed / self.true if self.true else float("nan")


def missed_by(
    truth: Sequence[Track], evaluation: Evaluation, group: Callable[[str, Expression], str]
) -> dict[str, Missed]:
    """True and missed expressions of each group.

    Parameters
    ----------
    truth : sequence of Track
        As given to `evaluate`.
    evaluation : Evaluation
        What `evaluate` made of it.
    group : callable
        Name of the group of an expression, given its video and itself.
    """
    true: dict[str, int] = {}
    missed: dict[str, int] = {}
    for track in truth:
        for one in track.expressions:
            name = group(track.video, one)
            true[name] = true.get(name, 0) + 1
    for video, one in false_negatives(truth, evaluation):
        name = group(video, one)
        missed[name] = missed.get(name, 0) + 1
    return {name: Missed(name, count, missed.get(name, 0)) for name, count in true.items()}


def missed_by_kind(truth: Sequence[Track], evaluation: Evaluation) -> list[Missed]:
    """Missed expressions of each type."""
    found = missed_by(truth, evaluation, lambda _, one: one.kind)
    return [found.get(kind, Missed(kind, 0, 0)) for kind in KINDS]


def missed_by_subject(truth: Sequence[Track], evaluation: Evaluation, subjects: Mapping[str, str]) -> list[Missed]:
    """Missed expressions of each subject that has any; a video that is not named is a subject of its own."""
    found = missed_by(truth, evaluation, lambda video, _: subjects.get(video, video))
    return [found[name] for name in sorted(found)]


def missed_by_duration(
    truth: Sequence[Track], evaluation: Evaluation, edges_s: Sequence[float] = DURATION_EDGES_S
) -> list[Missed]:
    """Missed expressions by duration, from onset to the end of the offset frame, in seconds.

    Parameters
    ----------
    truth, evaluation
        As in `missed_by`.
    edges_s : sequence of float
        Upper ends of the ranges, included, in seconds; one more range follows.
    """
    names = [f"up to {edges_s[0]:g} s"]
    names += [f"{low:g} to {high:g} s" for low, high in pairwise(edges_s)]
    names += [f"over {edges_s[-1]:g} s"]
    timebases = {track.video: track.timebase for track in truth}

    def group(video: str, one: Expression) -> str:
        lasts = duration_s(timebases[video], one)
        return names[sum(lasts > edge + 1e-9 for edge in edges_s)]

    found = missed_by(truth, evaluation, group)
    return [found.get(name, Missed(name, 0, 0)) for name in names]


def duration_s(timebase: Timebase, one: Expression) -> float:
    """Duration of an expression in seconds, both end frames included.

    >>> duration_s(Timebase(25.0, 100), Expression(25, None, 49, "macro"))
    1.0
    """
    return time_s(timebase, one.offset) - time_s(timebase, one.onset) + 1.0 / timebase.fps


def false_alarms_per_minute(false_positives: int, watched_s: float) -> float:
    """False positives per minute of video.

    Parameters
    ----------
    false_positives : int
    watched_s : float
        Length of all videos that were looked at, in seconds, > 0.

    >>> false_alarms_per_minute(6, 120.0)
    3.0
    """
    if not watched_s > 0:
        raise ValueError(f"the videos must last longer than 0 seconds, got {watched_s}")
    return 60.0 * false_positives / watched_s
