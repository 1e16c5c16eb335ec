"""Everything that one evaluation reports, computed once; tables, JSON and HTML only show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facespot.metrics.apex import PointError, apex_spotting_rate_of_tracks, point_errors
from facespot.metrics.bootstrap import Interval
from facespot.metrics.emotions import EmotionSummary, summarize_emotions
from facespot.metrics.errors_by_type import (
    Missed,
    classify_false_positives,
    count_errors,
    false_alarms_per_minute,
    missed_by_duration,
    missed_by_kind,
    missed_by_subject,
)
from facespot.metrics.figures import (
    Corpus,
    Resampling,
    evaluate_by,
    figure_statistics,
    interval_of,
    parts_of,
    subjects_of,
)
from facespot.metrics.framewise import edit_score, frame_accuracy, frame_labels
from facespot.metrics.matching import Evaluation
from facespot.metrics.rule import Rule
from facespot.values import Track

DUMMY = "silent video"


@dataclass(frozen=True, eq=False)
class Summary:
    """All figures of one evaluation.

    Parameters
    ----------
    rule : Rule
    resampling : Resampling
    evaluation : Evaluation
        Counts and matches.
    n_videos, n_subjects : int
    figures : mapping from type or "overall" to figure to Interval
        ``precision``, ``recall``, ``f1``, ``ap_50`` (AP at IoU 0.5) and ``ap`` (AP@[.5:.95]).
    errors : mapping from type or "overall" to kind of mistake to count
    missed : mapping from "type", "duration" and "subject" to groups
        ``duration`` is absent where seconds are unknown.
    points : mapping from type or "overall" to point to PointError
    has_seconds : bool
        Whether errors in seconds mean anything.
    asr : float or None
        Apex spotting rate; only where each video holds one true expression.
    false_alarms_per_minute : mapping from type or "overall" to float
        Empty where the length of a video is unknown.
    frame_accuracy, edit : float or None
        Only where the length of every video is known.
    emotions : mapping from type or "overall" to EmotionSummary
        Empty where no emotion was predicted.
    notes : tuple of str
        What could not be computed, and why.
    """

    rule: Rule
    resampling: Resampling
    evaluation: Evaluation
    n_videos: int
    n_subjects: int
    figures: Mapping[str, Mapping[str, Interval]]
    errors: Mapping[str, Mapping[str, int]]
    missed: Mapping[str, Sequence[Missed]]
    points: Mapping[str, Mapping[str, PointError]]
    has_seconds: bool
    asr: float | None
    false_alarms_per_minute: Mapping[str, float]
    frame_accuracy: float | None
    edit: float | None
    emotions: Mapping[str, EmotionSummary]
    notes: tuple[str, ...]


def summarize(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    *,
    rule: Rule | None = None,
    corpus: Corpus | None = None,
    resampling: Resampling | None = None,
) -> Summary:
    """Compute everything that an evaluation reports.

    Parameters
    ----------
    truth, predicted : sequence of Track
        As in `evaluate`.
    rule, corpus, resampling : optional
        Under which rule, what is known of the videos, how intervals are made.

    Raises
    ------
    ValueError
        As in `evaluate`.
    """
    rule, corpus, resampling = rule or Rule(), corpus or Corpus(), resampling or Resampling()
    notes = []
    if rule.ranked and any(one.score is None for track in predicted for one in track.expressions):
        rule = replace(rule, ranked=False)
        notes.append("some predictions have no score: AP is not ranked")
    evaluation = evaluate_by(rule, truth, predicted)
    figures = {}
    for name, statistics in figure_statistics(truth, predicted, evaluation, rule, corpus).items():
        figures[name] = {figure: interval_of(one, truth, corpus, resampling) for figure, one in statistics.items()}
    missed: dict[str, Sequence[Missed]] = {"type": missed_by_kind(truth, evaluation)}
    if corpus.has_seconds:
        missed["duration"] = missed_by_duration(truth, evaluation)
    else:
        notes.append("the frame rate is unknown: nothing is given in seconds")
    missed["subject"] = missed_by_subject(truth, evaluation, corpus.subjects)
    if not corpus.subjects:
        notes.append("no subjects are named: each video counts as a subject of its own")
    per_minute, accuracy, edit = _by_length(truth, predicted, evaluation, corpus)
    if accuracy is None:
        notes.append("the length of the videos is unknown: no false alarms per minute, frame accuracy or edit score")
    timebases = {track.video: track.timebase for track in truth}
    one_each = bool(truth) and all(len(track.expressions) == 1 for track in truth)
    kinds = {one.kind for track in truth for one in track.expressions}
    return Summary(
        rule=rule,
        resampling=resampling,
        evaluation=evaluation,
        n_videos=len(truth),
        n_subjects=len(subjects_of(truth, corpus.subjects)),
        figures=figures,
        errors=_errors(truth, predicted, evaluation, rule),
        missed=missed,
        points={name: point_errors(part.matches, timebases) for name, (_, part) in parts_of(evaluation).items()},
        has_seconds=corpus.has_seconds,
        asr=apex_spotting_rate_of_tracks(truth, predicted, kinds.pop()) if one_each and len(kinds) == 1 else None,
        false_alarms_per_minute=per_minute,
        frame_accuracy=accuracy,
        edit=edit,
        emotions=summarize_emotions(truth, predicted, evaluation, rule, corpus, resampling),
        notes=tuple(notes),
    )


def _errors(
    truth: Sequence[Track], predicted: Sequence[Track], evaluation: Evaluation, rule: Rule
) -> dict[str, dict[str, int]]:
    background = min(0.1, rule.iou)
    mistakes = classify_false_positives(
        truth, predicted, evaluation, iou=rule.iou, strict=rule.strict, background=background
    )
    found = {}
    for name, (kind, part) in parts_of(evaluation).items():
        named: dict[str, int] = {str(error): count for error, count in count_errors(mistakes, kind).items()}
        if rule.count_dummy:
            named[DUMMY] = part.fp - sum(named.values())
        found[name] = named
    return found


def _by_length(
    truth: Sequence[Track], predicted: Sequence[Track], evaluation: Evaluation, corpus: Corpus
) -> tuple[dict[str, float], float | None, float | None]:
    """What needs the length of the videos: false alarms per minute, frame accuracy, edit score."""
    if not truth or any(track.video not in corpus.lengths for track in truth):
        return {}, None, None
    per_minute = {}
    for name, (_, part) in parts_of(evaluation).items():
        watched_s = sum(corpus.lengths[video].duration_s for video, _ in part.by_video)
        if corpus.has_seconds and watched_s > 0:
            per_minute[name] = false_alarms_per_minute(part.fp, watched_s)
    guesses = {track.video: track for track in predicted}
    labels = []
    for track in truth:
        length = corpus.lengths[track.video].n_frames
        guess = guesses.get(track.video, replace(track, expressions=()))
        if length:
            labels.append((frame_labels(track, length), frame_labels(guess, length)))
    if not labels:
        return per_minute, None, None
    accuracy = frame_accuracy(*(np.concatenate(side) for side in zip(*labels, strict=True)))
    return per_minute, accuracy, float(np.mean([edit_score(true, guess) for true, guess in labels]))
