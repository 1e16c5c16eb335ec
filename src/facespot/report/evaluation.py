"""An evaluation or a comparison as one self-contained HTML page: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from facespot.export.atomic import write_text
from facespot.metrics import Comparison, Summary
from facespot.metrics.matching import false_negatives, false_positives
from facespot.report.html import number, page, rule_box, section, table, with_range
from facespot.report.sections import (
    FIGURES,
    counts_table,
    emotion_tables,
    errors_table,
    interval_bars,
    missed_tables,
    other_figures,
    points_table,
)
from facespot.values import Expression, Track


def write_evaluation_page(summary: Summary, truth: Sequence[Track], predicted: Sequence[Track], path: Path) -> None:
    """Write an evaluation as one HTML file.

    Parameters
    ----------
    summary : Summary
    truth, predicted : sequence of Track
        What was evaluated; every expression is listed.
    path : Path
        File to write.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    sections = [
        section("Counts", counts_table(summary)),
        section("F1 with its interval of confidence", interval_bars(summary)),
        section("What the false alarms are", errors_table(summary)),
        section("What was missed", missed_tables(summary)),
        section("How far the hits are off", points_table(summary)),
        *(section(f"Emotions: {name}", emotion_tables(summary, name)) for name in summary.emotions),
        section("Other figures", other_figures(summary)),
        section("Every expression", _expressions_table(summary, truth, predicted)),
    ]
    write_text(path, page("Evaluation", [rule_box(summary), *sections]))


def write_comparison_page(comparison: Comparison, names: Sequence[str], path: Path) -> None:
    """Write a comparison as one HTML file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [
        (
            name,
            FIGURES.get(figure, figure),
            number(one.first),
            number(one.second),
            with_range(one.interval),
            number(one.p_bootstrap),
            "" if one.p_permutation is None else number(one.p_permutation),
        )
        for name, figures in comparison.differences.items()
        for figure, one in figures.items()
    ]
    head = ("type", "figure", "A", "B", "B - A", "p bootstrap", "p permutation")
    named = f"<p>A: {escape(names[0])}<br>B: {escape(names[1])}</p>"
    write_text(path, page("Comparison", [rule_box(comparison), named, section("Differences", table(head, rows))]))


def _expressions_table(summary: Summary, truth: Sequence[Track], predicted: Sequence[Track]) -> str:
    evaluation = summary.evaluation
    rows: list[tuple[str, int, tuple[str, ...]]] = [
        (
            hit.video,
            hit.truth.onset,
            (hit.truth.kind, _span(hit.truth), _span(hit.predicted), f"hit, IoU {hit.iou:.2f}"),
        )
        for hit in evaluation.matches
    ]
    rows += [
        (video, one.onset, (one.kind, _span(one), "", "missed")) for video, one in false_negatives(truth, evaluation)
    ]
    rows += [
        (video, one.onset, (one.kind, "", _span(one), "false alarm"))
        for video, one in false_positives(predicted, evaluation)
    ]
    ordered = [(video, *cells) for video, _, cells in sorted(rows)]
    return table(("video", "type", "true frames", "spotted frames", ""), ordered)


def _span(one: Expression) -> str:
    emotion = f" {one.emotion}" if one.emotion else ""
    return f"{one.onset}-{one.offset}{emotion}"
