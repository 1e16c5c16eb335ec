"""The figures of an evaluation as functions of who is in the data, so that all get their intervals in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from facespot.metrics.average_precision import ApMatching, RankedHits, area_under_curve, rank_hits
from facespot.metrics.bootstrap import (
    LEVEL,
    N_RESAMPLES,
    Interval,
    Measure,
    Statistic,
    Values,
    bootstrap_interval,
    counts,
    f1_of_counts,
    pooled_statistic,
)
from facespot.metrics.matching import Evaluation, by_subject, evaluate
from facespot.metrics.rule import Rule
from facespot.values import KINDS, Kind, Timebase, Track

OVERALL = "overall"


@dataclass(frozen=True)
class Resampling:
    """How intervals of confidence are made.

    Parameters
    ----------
    seed : int
    n_resamples : int
        Resampled data sets, and random exchanges of the permutation test.
    level : float
        Level of confidence.
    """

    seed: int = 0
    n_resamples: int = N_RESAMPLES
    level: float = LEVEL


@dataclass(frozen=True)
class Corpus:
    """What is known of the videos beside their expressions.

    Parameters
    ----------
    subjects : mapping from video to subject
        A video that is not named is a subject of its own.
    lengths : mapping from video to Timebase
        Whole length of the videos, where known.
    has_seconds : bool
        Whether the frame rates of the tracks are real.
    classes : tuple of str, optional
        The emotions that are scored. Default: those that occur in the truth.
    """

    subjects: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, Timebase] = field(default_factory=dict)
    has_seconds: bool = True
    classes: tuple[str, ...] | None = None


def parts_of(evaluation: Evaluation) -> dict[str, tuple[Kind | None, Evaluation]]:
    """Each type and both together, by name."""
    named: dict[str, tuple[Kind | None, Evaluation]] = {kind: (kind, part) for kind, part in evaluation.by_kind}
    return {**named, OVERALL: (None, evaluation)}


def evaluate_by(rule: Rule, truth: Sequence[Track], predicted: Sequence[Track]) -> Evaluation:
    """`evaluate` under a rule."""
    return evaluate(
        truth,
        predicted,
        iou=rule.iou,
        strict=rule.strict,
        matching=rule.matching,
        count_dummy=rule.count_dummy,
        videos=rule.videos,
    )


def subjects_of(truth: Sequence[Track], subjects: Mapping[str, str]) -> list[str]:
    """All subjects in order of name."""
    return sorted({subjects.get(track.video, track.video) for track in truth})


def counts_by_subject(evaluation: Evaluation, subjects: Mapping[str, str], order: Sequence[str]) -> Values:
    """TP, FP and FN of each subject, (s, 3), in the given order."""
    found = dict(by_subject(evaluation, subjects))
    return counts([found.get(subject, Evaluation(0, 0, 0)) for subject in order])


def _precision(pooled: Values) -> Values:
    share: Values = np.divide(pooled[..., 0], total := pooled[..., :2].sum(axis=-1), out=0.0 * total, where=total > 0)
    return share


def _recall(pooled: Values) -> Values:
    return _precision(pooled[..., [0, 2]])


COUNT_FIGURES: Mapping[str, Measure] = {"precision": _precision, "recall": _recall, "f1": f1_of_counts}


def figure_statistics(
    truth: Sequence[Track], predicted: Sequence[Track], evaluation: Evaluation, rule: Rule, corpus: Corpus
) -> dict[str, dict[str, Statistic]]:
    """Every figure that gets an interval, as a function of how often each subject is drawn."""
    order = subjects_of(truth, corpus.subjects)
    hits = {kind: _ranked(truth, predicted, kind, rule).grouped(corpus.subjects, order) for kind in KINDS}
    statistics: dict[str, dict[str, Statistic]] = {}
    for name, (kind, part) in parts_of(evaluation).items():
        amounts = counts_by_subject(part, corpus.subjects, order)
        statistics[name] = {figure: pooled_statistic(amounts, measure) for figure, measure in COUNT_FIGURES.items()}
        kinds = KINDS if kind is None else (kind,)
        statistics[name]["ap_50"] = _mean_ap([hits[one] for one in kinds], rows=slice(0, 1))
        statistics[name]["ap"] = _mean_ap([hits[one] for one in kinds], rows=slice(None))
    return statistics


def _ranked(truth: Sequence[Track], predicted: Sequence[Track], kind: Kind, rule: Rule) -> RankedHits:
    videos = [track for track in truth if rule.videos == "all" or track.of_kind(kind).expressions]
    along: ApMatching = "greedy" if rule.matching == "greedy" else "coco"
    return rank_hits(videos, predicted, kind, ranked=rule.ranked, strict=rule.strict, matching=along)


def _mean_ap(hits: Sequence[RankedHits], *, rows: slice) -> Statistic:
    """Mean over the types and thresholds; a type without true expressions is left out."""

    def statistic(times: np.ndarray) -> Values:
        by_kind = np.stack(
            [
                np.mean([area_under_curve(row, one.group, one.truths, times) for row in one.hits[rows]], axis=0)
                for one in hits
            ]
        )
        known = np.isfinite(by_kind)
        total = np.where(known, by_kind, 0.0).sum(axis=0)
        mean: Values = np.divide(total, known.sum(axis=0), out=np.full(len(total), np.nan), where=known.any(axis=0))
        return mean

    return statistic


def interval_of(statistic: Statistic, truth: Sequence[Track], corpus: Corpus, resampling: Resampling) -> Interval:
    """Interval of confidence of a statistic over the subjects of the truth."""
    return bootstrap_interval(
        statistic,
        len(subjects_of(truth, corpus.subjects)),
        seed=resampling.seed,
        n_resamples=resampling.n_resamples,
        level=resampling.level,
    )
