"""Whether one prediction is better than another on the same videos, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from facespot.metrics.bootstrap import Difference, Measure, Statistic, Values, paired_difference, permutation_test
from facespot.metrics.bootstrap import pooled_statistic as pooled
from facespot.metrics.emotions import scored_classes, strs_amounts, strs_measure
from facespot.metrics.figures import (
    COUNT_FIGURES,
    Corpus,
    Resampling,
    counts_by_subject,
    evaluate_by,
    figure_statistics,
    parts_of,
    subjects_of,
)
from facespot.metrics.matching import Evaluation
from facespot.metrics.rule import Rule
from facespot.values import Track


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two predictions of the same videos differ.

    Parameters
    ----------
    rule : Rule
    resampling : Resampling
    n_videos, n_subjects : int
    differences : mapping from type or "overall" to figure to Difference
        ``precision``, ``recall``, ``f1``, ``ap_50``, ``ap`` and, where both name emotions, ``strs``; second minus
        first. AP has no permutation test: the scores of two methods do not stand in one ranking.
    notes : tuple of str
        What a reader must know to judge them.
    """

    rule: Rule
    resampling: Resampling
    n_videos: int
    n_subjects: int
    differences: Mapping[str, Mapping[str, Difference]]
    notes: tuple[str, ...]


def compare(
    truth: Sequence[Track],
    first: Sequence[Track],
    second: Sequence[Track],
    *,
    rule: Rule | None = None,
    corpus: Corpus | None = None,
    resampling: Resampling | None = None,
) -> Comparison:
    """Test the difference between two predictions of the same videos.

    Parameters
    ----------
    truth, first, second : sequence of Track
        As in `evaluate`.
    rule, corpus, resampling : optional
        As in `summarize`.

    Raises
    ------
    ValueError
        As in `evaluate`.
    """
    rule, corpus, resampling = rule or Rule(), corpus or Corpus(), resampling or Resampling()
    notes = []
    if rule.ranked and any(one.score is None for track in (*first, *second) for one in track.expressions):
        rule = replace(rule, ranked=False)
        notes.append("some predictions have no score: AP is not ranked")
    if not corpus.subjects:
        notes.append("no subjects are named: each video counts as a subject of its own")
    evaluations = evaluate_by(rule, truth, first), evaluate_by(rule, truth, second)
    order = subjects_of(truth, corpus.subjects)
    before = figure_statistics(truth, first, evaluations[0], rule, corpus)
    after = figure_statistics(truth, second, evaluations[1], rule, corpus)
    exchangeable = _exchangeable(truth, (first, second), evaluations, rule, corpus)
    differences: dict[str, dict[str, Difference]] = {}
    for name in before:
        sides: dict[str, tuple[Statistic, Statistic]] = {
            figure: (before[name][figure], after[name][figure]) for figure in before[name]
        }
        chances = {}
        for figure, (measure, amounts, other) in exchangeable[name].items():
            sides[figure] = pooled(amounts, measure), pooled(other, measure)
            chances[figure] = permutation_test(
                amounts, other, measure, seed=resampling.seed, n_permutations=resampling.n_resamples
            )
        differences[name] = {
            figure: paired_difference(
                *statistics,
                len(order),
                seed=resampling.seed,
                n_resamples=resampling.n_resamples,
                level=resampling.level,
                p_permutation=chances.get(figure),
            )
            for figure, statistics in sides.items()
        }
    return Comparison(rule, resampling, len(truth), len(order), differences, tuple(notes))


def _exchangeable(
    truth: Sequence[Track],
    predictions: tuple[Sequence[Track], Sequence[Track]],
    evaluations: tuple[Evaluation, Evaluation],
    rule: Rule,
    corpus: Corpus,
) -> dict[str, dict[str, tuple[Measure, Values, Values]]]:
    """The figures that add up over subjects: how, and what each subject contributes under either prediction."""
    order = subjects_of(truth, corpus.subjects)
    classes = scored_classes(truth, corpus)
    named = all(any(one.emotion for track in tracks for one in track.expressions) for tracks in predictions)
    found: dict[str, dict[str, tuple[Measure, Values, Values]]] = {}
    for name, (_, part) in parts_of(evaluations[0]).items():
        counts = counts_by_subject(part, corpus.subjects, order)
        other = counts_by_subject(parts_of(evaluations[1])[name][1], corpus.subjects, order)
        found[name] = {figure: (measure, counts, other) for figure, measure in COUNT_FIGURES.items()}
    if classes and named:
        before, after = (
            strs_amounts(truth, tracks, evaluation, corpus)
            for tracks, evaluation in zip(predictions, evaluations, strict=True)
        )
        measure = strs_measure(len(classes), rule.absent)
        for name, figures in found.items():
            figures["strs"] = measure, before[name], after[name]
    return found
