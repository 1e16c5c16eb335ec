"""What was spotted under one condition, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facespot.experiments.bench.conditions import Condition
from facespot.experiments.bench.recognition import Naming, Units, emotions_of_hits, known, units_of_hits
from facespot.experiments.bench.spotting import Spotted
from facespot.metrics import Corpus, Evaluation, Resampling, Rule
from facespot.metrics.apex import point_errors
from facespot.metrics.figures import OVERALL, evaluate_by, figure_statistics, interval_of, parts_of, subjects_of
from facespot.values import KINDS, Kind, Recording, Track

RULE, RESAMPLING = Rule(), Resampling()


@dataclass(frozen=True)
class Counts:
    """Spotting of one type, or of both.

    Parameters
    ----------
    tp, fp, fn : int
    f1, low, high : float or None
        F1 with its 95 % interval over subjects. None where no expression is true; no interval with one subject.
    precision, recall, average_precision : float or None
        Precision is None where nothing was spotted; AP at IoU 0.5 where a prediction has no score.
    """

    tp: int
    fp: int
    fn: int
    f1: float | None
    low: float | None
    high: float | None
    precision: float | None
    recall: float | None
    average_precision: float | None


@dataclass(frozen=True)
class Rate:
    """Events per minute with the exact 95 % interval of a Poisson count."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """Everything that one condition reports; None for a type that the method does not spot.

    Parameters
    ----------
    name, title, group, corpus : str
        Of the condition.
    videos, subjects : int
    minutes : float
    macro, micro, overall : Counts or None
        Overall pools the types that the method spots.
    median_error_s : mapping from type to point to float or None
        Median absolute error of the hits in seconds.
    false_alarms_per_minute : mapping from type or "all" to Rate
    emotion : mapping from type or "overall" to table of classes to Naming
        None where no emotion is named.
    action_units : mapping from type or "overall" to Units
        None where none is named.
    unreliable_videos : int
        Videos whose result says that their quality is below what micro-expressions need.
    failed : mapping from video to str
        Videos that could not be spotted, and why; their expressions count as missed.
    """

    name: str
    title: str
    group: str
    corpus: str
    videos: int
    subjects: int
    minutes: float
    macro: Counts | None
    micro: Counts | None
    overall: Counts
    median_error_s: Mapping[str, Mapping[str, float | None] | None]
    false_alarms_per_minute: Mapping[str, Rate | None]
    emotion: Mapping[str, Mapping[str, Naming]] | None
    action_units: Mapping[str, Units] | None
    unreliable_videos: int
    failed: Mapping[str, str]


def figures_of(
    condition: Condition, recordings: Sequence[Recording], spotted: Mapping[str, Spotted], kinds: Sequence[Kind]
) -> Figures:
    """Figures of one condition.

    Parameters
    ----------
    condition : Condition
    recordings : sequence of Recording
        Its videos.
    spotted : mapping from id of a recording to Spotted
    kinds : sequence of str
        Types that the method spots; others are left aside.
    """
    truth = [_of_kinds(one.truth, one.id, kinds) for one in recordings]
    predicted = [_of_kinds(spotted[one.id].track, one.id, kinds) for one in recordings]
    corpus = Corpus(subjects={one.id: one.subject for one in recordings})
    parts = parts_of(evaluate_by(RULE, truth, predicted))
    timebases = {one.id: one.timebase for one in recordings}
    minutes = sum(one.timebase.duration_s for one in recordings) / 60.0
    measured = {name: part for name, (_, part) in parts.items() if name == OVERALL or name in kinds}
    counts = _counts(truth, predicted, parts[OVERALL][1], corpus, measured)
    errors = {
        kind: {point: known(one.median_s) for point, one in point_errors(measured[kind].matches, timebases).items()}
        for kind in KINDS
        if kind in measured
    }
    emotions, units = {}, {}
    for name, part in measured.items():
        naming = emotions_of_hits(
            part.matches, corpus.subjects, seed=RESAMPLING.seed, n_resamples=RESAMPLING.n_resamples
        )
        if naming is not None:
            emotions[name] = naming
        if (found := units_of_hits(part.matches)) is not None:
            units[name] = found
    results = [spotted[one.id] for one in recordings]
    return Figures(
        condition.name,
        condition.title,
        condition.group,
        condition.corpus,
        videos=len(recordings),
        subjects=len(set(corpus.subjects.values())),
        minutes=minutes,
        macro=counts.get("macro"),
        micro=counts.get("micro"),
        overall=counts[OVERALL],
        median_error_s={kind: errors.get(kind) for kind in KINDS},
        false_alarms_per_minute={
            **{kind: rate_of(measured[kind].fp, minutes) if kind in measured else None for kind in KINDS},
            "all": rate_of(measured[OVERALL].fp, minutes),
        },
        emotion=emotions or None,
        action_units=units or None,
        unreliable_videos=sum(one.micro_reliable is False for one in results),
        failed={one.id: failure for one in recordings if (failure := spotted[one.id].failure) is not None},
    )


def counts_by_video(
    recordings: Sequence[Recording], spotted: Mapping[str, Spotted], kinds: Sequence[Kind]
) -> dict[str, dict[str, tuple[int, int, int]]]:
    """TP, FP and FN of each video, by type and overall."""
    truth = [_of_kinds(one.truth, one.id, kinds) for one in recordings]
    predicted = [_of_kinds(spotted[one.id].track, one.id, kinds) for one in recordings]
    parts = parts_of(evaluate_by(RULE, truth, predicted))
    return {
        name: {video: (one.tp, one.fp, one.fn) for video, one in part.by_video}
        for name, (_, part) in parts.items()
        if name == OVERALL or name in kinds
    }


def rate_of(count: int, minutes: float) -> Rate:
    """Rate of a Poisson count with its exact interval (Garwood 1936).

    >>> found = rate_of(0, 10.0)
    >>> found.rate, found.low, round(found.high, 4)
    (0.0, 0.0, 0.3689)
    """
    from scipy.special import gammaincinv

    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return Rate(count / minutes, low / minutes, float(gammaincinv(count + 1, 0.975)) / minutes)


def _counts(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    evaluation: Evaluation,
    corpus: Corpus,
    measured: Mapping[str, Evaluation],
) -> dict[str, Counts]:
    scored = all(one.score is not None for track in predicted for one in track.expressions)
    statistics = figure_statistics(truth, predicted, evaluation, replace(RULE, ranked=scored), corpus)
    everyone = np.ones((1, len(subjects_of(truth, corpus.subjects))), dtype=np.int64)
    found = {}
    for name, part in measured.items():
        counts = (part.tp, part.fp, part.fn)
        if part.tp + part.fn == 0:
            found[name] = Counts(*counts, None, None, None, None, None, None)
            continue
        f1 = interval_of(statistics[name]["f1"], truth, corpus, RESAMPLING)
        precision = part.precision if part.tp + part.fp else None
        area = known(float(statistics[name]["ap_50"](everyone)[0])) if scored else None
        found[name] = Counts(*counts, f1.estimate, known(f1.low), known(f1.high), precision, part.recall, area)
    return found


def _of_kinds(track: Track, video: str, kinds: Sequence[Kind]) -> Track:
    return Track(video, track.timebase, tuple(one for one in track.expressions if one.kind in kinds))
