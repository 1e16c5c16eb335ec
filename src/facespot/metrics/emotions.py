"""Recognition and STRS of an evaluation, by type and overall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facespot.metrics.bootstrap import Interval, Measure, Values, pooled_statistic
from facespot.metrics.figures import Corpus, Resampling, counts_by_subject, interval_of, parts_of, subjects_of
from facespot.metrics.matching import Evaluation
from facespot.metrics.recognition import (
    ABSENT_CLASSES,
    AbsentClasses,
    Recognition,
    SampleChoice,
    Samples,
    confusion_matrix,
    recognition_samples,
)
from facespot.metrics.rule import Rule
from facespot.metrics.strs import strs_of_sums
from facespot.values import Track

CHOICES: tuple[SampleChoice, ...] = ("tp", "all")


@dataclass(frozen=True, eq=False)
class EmotionSummary:
    """Recognition of the emotions of one type, or of both.

    Parameters
    ----------
    samples : mapping from "tp" or "all" to Samples
    recognition : mapping from "tp" or "all" to Recognition
    strs : mapping from treatment of absent classes to Interval
        Spot-then-recognize score.
    """

    samples: Mapping[SampleChoice, Samples]
    recognition: Mapping[SampleChoice, Recognition]
    strs: Mapping[AbsentClasses, Interval]


def scored_classes(truth: Sequence[Track], corpus: Corpus) -> tuple[str, ...]:
    """The emotions that are scored: the named ones, or those that occur in the truth."""
    if corpus.classes is not None:
        return corpus.classes
    return tuple(sorted({one.emotion for track in truth for one in track.expressions if one.emotion}))


def summarize_emotions(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    evaluation: Evaluation,
    rule: Rule,
    corpus: Corpus,
    resampling: Resampling,
) -> dict[str, EmotionSummary]:
    """Recognition by type and overall; empty where no emotion was predicted or none is scored."""
    classes = scored_classes(truth, corpus)
    if not classes or not any(one.emotion for track in predicted for one in track.expressions):
        return {}
    found = {}
    for name, (kind, _) in parts_of(evaluation).items():
        samples = {
            choice: recognition_samples(truth, predicted, evaluation, classes, samples=choice, kind=kind)
            for choice in CHOICES
        }
        if not samples["all"].truth:
            continue
        recognition = {
            choice: Recognition(classes, confusion_matrix(some.truth, some.predicted, classes), rule.absent)
            for choice, some in samples.items()
        }
        amounts = strs_amounts(truth, predicted, evaluation, corpus)[name]
        strs = {
            absent: interval_of(
                pooled_statistic(amounts, strs_measure(len(classes), absent)), truth, corpus, resampling
            )
            for absent in ABSENT_CLASSES
        }
        found[name] = EmotionSummary(samples, recognition, strs)
    return found


def strs_amounts(
    truth: Sequence[Track], predicted: Sequence[Track], evaluation: Evaluation, corpus: Corpus
) -> dict[str, Values]:
    """What each subject contributes to STRS: TP, FP, FN and its confusion matrix, (s, 3 + C (C + 1))."""
    classes, order = scored_classes(truth, corpus), subjects_of(truth, corpus.subjects)
    amounts = {}
    for name, (kind, part) in parts_of(evaluation).items():
        samples = recognition_samples(truth, predicted, evaluation, classes, kind=kind)
        confusion = _confusion_by_subject(samples, classes, corpus.subjects, order)
        spotting = counts_by_subject(part, corpus.subjects, order)
        amounts[name] = np.concatenate((spotting, confusion.reshape(len(order), -1)), axis=1)
    return amounts


def strs_measure(n_classes: int, absent: AbsentClasses) -> Measure:
    """STRS of (b, 3 + C (C + 1)) sums of what `strs_amounts` gives."""

    def measure(pooled: Values) -> Values:
        confusion = pooled[..., 3:].reshape(*pooled.shape[:-1], n_classes, n_classes + 1)
        return strs_of_sums(pooled[..., :3], confusion, absent)

    return measure


def _confusion_by_subject(
    samples: Samples, classes: Sequence[str], subjects: Mapping[str, str], order: Sequence[str]
) -> Values:
    rows: dict[str, list[int]] = {subject: [] for subject in order}
    for row, video in enumerate(samples.videos):
        rows[subjects.get(video, video)].append(row)
    matrices = [
        confusion_matrix([samples.truth[row] for row in own], [samples.predicted[row] for row in own], classes)
        for own in rows.values()
    ]
    return np.array(matrices, dtype=np.float64).reshape(len(order), len(classes), len(classes) + 1)
