"""Notes on what chance explains: F1 with its intervals, and two runs compared in pairs over subjects."""

from __future__ import annotations

from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.wording import difference_text, interval_text
from facespot.metrics import Resampling, Summary, compare


def f1_note(row: str, summary: Summary) -> str:
    """F1 of each type and of both with its interval over subjects."""
    figures = ", ".join(f"{name} {interval_text(figures['f1'])}" for name, figures in summary.figures.items())
    return f"F1 with {100 * summary.resampling.level:g} % intervals over subjects, {row}: {figures}"


def paired_notes(first: RunOutcome, second: RunOutcome, difference: str) -> list[str]:
    """F1 of the second run less that of the first on the videos that both have.

    Parameters
    ----------
    first, second : RunOutcome
        Of one corpus under one rule.
    difference : str
        What the difference is, in words.
    """
    common = {one.id for one in first.tested} & {one.id for one in second.tested}
    truth, before, after = (
        [track for track in tracks if track.video in common]
        for tracks in (second.truth, first.predicted(), second.predicted())
    )
    resampling = Resampling(seed=second.plan.seed)
    found = compare(truth, before, after, rule=second.plan.rule, corpus=second.corpus, resampling=resampling)
    how = (
        f"{difference}, paired over {found.n_subjects} subjects ({resampling.n_resamples} "
        f"resamplings, {100 * resampling.level:g} % intervals, two-sided p values)"
    )
    tests = [f"{name}: {difference_text(figures['f1'])}" for name, figures in found.differences.items()]
    return [how, *tests]
