"""What ``facespot evaluate`` prints for people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from facespot.cli.tables import console_of_stdout
from facespot.metrics import Comparison, Evaluation, Summary
from facespot.metrics.bootstrap import Interval
from facespot.metrics.emotions import EmotionSummary
from facespot.metrics.figures import parts_of
from facespot.metrics.matching import false_positives
from facespot.values import Expression, Track

MOST_ROWS = 100
FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "ap_50": "AP@.5",
    "ap": "AP@[.5:.95]",
    "strs": "STRS",
}


def print_summary(summary: Summary, truth: Sequence[Track], predicted: Sequence[Track]) -> None:
    """Everything, in the order in which a reader asks."""
    console = console_of_stdout()
    subjects = f"{summary.n_videos} videos, {summary.n_subjects} subjects"
    console.print(f"rule: {summary.rule.sentence()}\n{subjects}", soft_wrap=True)
    rows = sum(len(track.expressions) for track in truth) + summary.evaluation.fp
    if rows <= MOST_ROWS:
        print_matches(truth, predicted, summary.evaluation)
    print_counts(summary.evaluation)
    print_intervals(summary)
    print_errors(summary)
    print_missed(summary)
    print_points(summary)
    for name, emotions in summary.emotions.items():
        print_emotions(name, emotions, summary)
    for line in _single_figures(summary):
        console.print(line, soft_wrap=True)
    for note in summary.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)


def _table(first: str, *others: str) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right")
    return table


def figure_text(value: float, digits: int = 4) -> str:
    """A figure, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def interval_text(interval: Interval) -> str:
    """A figure with its interval of confidence."""
    if math.isnan(interval.low):
        return figure_text(interval.estimate)
    return f"{interval.estimate:.4f} [{interval.low:.3f}, {interval.high:.3f}]"


def print_matches(truth: Sequence[Track], predicted: Sequence[Track], result: Evaluation) -> None:
    """Every true expression beside the prediction that hit it, then the predictions that hit nothing."""
    hits = {(hit.video, hit.truth): hit for hit in result.matches}
    left = Counter((hit.video, hit.truth) for hit in result.matches)
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("video", "type", "true", "spotted", "IoU"):
        table.add_column(column, justify="right" if column == "IoU" else "left")
    for track in truth:
        for one in track.expressions:
            found = left[track.video, one] > 0
            left[track.video, one] -= 1
            hit = hits.get((track.video, one))
            spotted = (_interval(hit.predicted), f"{hit.iou:.2f}") if hit and found else ("missed", "")
            table.add_row(escape(track.video), one.kind, _interval(one), *spotted)
    for video, one in false_positives(predicted, result):
        table.add_row(escape(video), one.kind, "false alarm", _interval(one), "")
    console_of_stdout().print(table)


def _interval(one: Expression) -> str:
    return f"{one.onset}-{one.offset}"


def print_counts(result: Evaluation) -> None:
    """Counts, precision, recall and F1 by type and overall."""
    table = _table("type", "TP", "FP", "FN", "precision", "recall", "F1")
    for name, (_, part) in parts_of(result).items():
        figures = (f"{value:.4f}" for value in (part.precision, part.recall, part.f1))
        table.add_row(name, str(part.tp), str(part.fp), str(part.fn), *figures)
    console_of_stdout().print(table)


def print_intervals(summary: Summary) -> None:
    """F1 and AP with their intervals of confidence."""
    shown = ("f1", "ap_50", "ap")
    table = _table("type", *(FIGURES[figure].replace("[", "\\[") for figure in shown))
    for name, figures in summary.figures.items():
        table.add_row(name, *(escape(interval_text(figures[figure])) for figure in shown))
    resampling = summary.resampling
    console_of_stdout().print(table)
    console_of_stdout().print(
        f"in brackets: {100 * resampling.level:g} % intervals from {resampling.n_resamples} resamplings of the "
        f"{summary.n_subjects} subjects (seed {resampling.seed})",
        soft_wrap=True,
        markup=False,
    )


def print_errors(summary: Summary) -> None:
    """What the false alarms are."""
    table = _table("false alarms", *summary.errors)
    for error in next(iter(summary.errors.values())):
        table.add_row(error, *(str(counts[error]) for counts in summary.errors.values()))
    console_of_stdout().print(table)


def print_missed(summary: Summary) -> None:
    """Which true expressions are missed."""
    table = _table("missed by", "group", "missed", "of", "share")
    for criterion, groups in summary.missed.items():
        for group in groups[:MOST_ROWS]:
            if group.true:
                share = f"{100 * group.share:.0f} %"
                table.add_row(criterion, escape(group.group), str(group.missed), str(group.true), share)
    console_of_stdout().print(table)


def print_points(summary: Summary) -> None:
    """How far onset, apex and offset of the hits lie from the truth."""
    table = _table("error of hits", "point", "hits", "bias in frames", "mean |error|", "bias in s", "mean |error| in s")
    for name, points in summary.points.items():
        for point, error in points.items():
            if error.n == 0:
                continue
            seconds = (figure_text(error.mean_s, 3), figure_text(error.absolute_s, 3))
            frames = (f"{error.mean_frames:+.2f}", f"{error.absolute_frames:.2f}")
            table.add_row(name, point, str(error.n), *frames, *(seconds if summary.has_seconds else ("-", "-")))
    if table.row_count:
        console_of_stdout().print(table)


def print_emotions(name: str, emotions: EmotionSummary, summary: Summary) -> None:
    """Recognition figures and the confusion matrix of the hits."""
    console = console_of_stdout()
    table = _table(f"emotions, {name}", "samples", "accuracy", "precision", "recall", "F1_a", "UF1", "UAR")
    titles = {"tp": "hits only", "all": "all spotted"}
    for choice, recognition in emotions.recognition.items():
        figures = [figure_text(value) for value in recognition.figures.values()]
        table.add_row(titles[choice], str(len(emotions.samples[choice].truth)), *figures)
    console.print(table)
    recognition = emotions.recognition["tp"]
    if emotions.samples["tp"].truth:
        matrix = _table("true \\ predicted", *(escape(label) for label in recognition.classes), "none of them")
        for label, row in zip(recognition.classes, recognition.confusion.tolist(), strict=True):
            matrix.add_row(escape(label), *(str(count) for count in row))
        console.print(matrix)
    left_out, unclear = emotions.samples["tp"].outside_classes, emotions.samples["all"].without_truth
    console.print(
        f"left out: {left_out} hits whose true emotion is unknown or not scored; "
        f"{unclear} false alarms without a true emotion",
        soft_wrap=True,
    )
    scores = ", ".join(f"{absent} {interval_text(one)}" for absent, one in emotions.strs.items())
    console.print(f"STRS by treatment of absent classes: {scores}", soft_wrap=True, markup=False)
    console.print(f"the table above treats absent classes as '{summary.rule.absent}'", soft_wrap=True)


def _single_figures(summary: Summary) -> list[str]:
    lines = []
    if summary.asr is not None:
        lines.append(f"apex spotting rate: {summary.asr:.4f}")
    if summary.false_alarms_per_minute:
        rates = ", ".join(f"{name} {rate:.2f}" for name, rate in summary.false_alarms_per_minute.items())
        lines.append(f"false alarms per minute: {rates}")
    if summary.frame_accuracy is not None and summary.edit is not None:
        lines.append(f"frame accuracy: {summary.frame_accuracy:.4f}, edit score: {summary.edit:.4f}")
    return lines


def print_comparison(comparison: Comparison, names: Sequence[str]) -> None:
    """Each figure of both predictions, the difference and whether chance explains it."""
    console = console_of_stdout()
    console.print(f"rule: {comparison.rule.sentence()}\nA: {escape(names[0])}\nB: {escape(names[1])}", soft_wrap=True)
    table = _table("type", "figure", "A", "B", "B - A", "p bootstrap", "p permutation")
    for name, differences in comparison.differences.items():
        for figure, one in differences.items():
            interval = one.interval
            ends = "" if math.isnan(interval.low) else f" [{interval.low:+.3f}, {interval.high:+.3f}]"
            change = "-" if math.isnan(interval.estimate) else escape(f"{interval.estimate:+.4f}{ends}")
            chance = "" if one.p_permutation is None else figure_text(one.p_permutation)
            values = (figure_text(one.first), figure_text(one.second), change, figure_text(one.p_bootstrap), chance)
            table.add_row(name, escape(FIGURES.get(figure, figure)), *values)
    console.print(table)
    resampling = comparison.resampling
    console.print(
        f"in brackets: {100 * resampling.level:g} % interval of the paired bootstrap; {resampling.n_resamples} "
        f"resamplings of the {comparison.n_subjects} subjects (seed {resampling.seed}); p values are two-sided",
        soft_wrap=True,
        markup=False,
    )
    for note in comparison.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
