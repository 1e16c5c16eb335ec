"""An evaluation or a comparison as one self-contained HTML page: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from facespot.export.atomic import write_text
from facespot.metrics import Comparison, Summary
from facespot.metrics.bootstrap import Interval
from facespot.metrics.figures import parts_of
from facespot.metrics.matching import false_negatives, false_positives
from facespot.values import Expression, Track

FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "ap_50": "AP at IoU .5",
    "ap": "AP@[.5:.95]",
    "strs": "STRS",
}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top }
th:first-child, td:first-child { text-align: left } th { color: #555; font-weight: 600 }
.rule { background: #f4f4f4; padding: .6rem .8rem; border-left: 4px solid #2f6db5 }
.scroll { overflow-x: auto } .range { color: #666; font-size: .85em; white-space: nowrap }
svg { display: block } footer { margin-top: 3rem; color: #555 }
"""


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
        _section("Counts", _counts_table(summary)),
        _section("F1 with its interval of confidence", _interval_bars(summary)),
        _section("What the false alarms are", _errors_table(summary)),
        _section("What was missed", _missed_table(summary)),
        _section("How far the hits are off", _points_table(summary)),
        *(_section(f"Emotions: {name}", _emotion_tables(summary, name)) for name in summary.emotions),
        _section("Other figures", _other_figures(summary)),
        _section("Every expression", _expressions_table(summary, truth, predicted)),
    ]
    write_text(path, _page("Evaluation", summary, sections))


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
            _text(one.first),
            _text(one.second),
            _with_range(one.interval),
            _text(one.p_bootstrap),
            "" if one.p_permutation is None else _text(one.p_permutation),
        )
        for name, figures in comparison.differences.items()
        for figure, one in figures.items()
    ]
    head = ("type", "figure", "A", "B", "B - A", "p bootstrap", "p permutation")
    named = f"<p>A: {escape(names[0])}<br>B: {escape(names[1])}</p>"
    write_text(path, _page("Comparison", comparison, [named, _section("Differences", _table(head, rows))]))


def _page(title: str, result: Summary | Comparison, sections: Iterable[str]) -> str:
    resampling = result.resampling
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>facespot: {title.lower()}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f'<p class="rule">Rule: {escape(result.rule.sentence())}.<br>{result.n_videos} videos, {result.n_subjects} '
        f"subjects. Ranges are {100 * resampling.level:g} % intervals from {resampling.n_resamples} resamplings of the "
        f"subjects (seed {resampling.seed}).</p>\n" + (f"<ul>{notes}</ul>\n" if notes else "") + "\n".join(sections) +
        "\n<footer>Expressions are movements of the face, not feelings or lies.</footer>\n</body>\n</html>\n"
    )  # fmt: skip


def _section(title: str, content: str) -> str:
    return f'<h2>{escape(title)}</h2>\n<div class="scroll">{content}</div>' if content else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are text; one that begins with our own span is taken as it is."""
    if not rows:
        return ""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>\n<tr>{top}</tr>\n{body}</table>"


class _Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _cell(cell: str) -> str:
    return cell if isinstance(cell, _Markup) else escape(cell)


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _with_range(interval: Interval) -> str:
    if math.isnan(interval.low):
        return _text(interval.estimate)
    return _Markup(f'{interval.estimate:.4f} <span class="range">{interval.low:.3f} to {interval.high:.3f}</span>')


def _counts_table(summary: Summary) -> str:
    rows = []
    for name, (_, part) in parts_of(summary.evaluation).items():
        figures = [_with_range(one) for one in summary.figures[name].values()]
        rows.append((name, str(part.tp), str(part.fp), str(part.fn), *figures))
    return _table(("type", "TP", "FP", "FN", *(FIGURES[name] for name in summary.figures["overall"])), rows)


def _interval_bars(summary: Summary) -> str:
    """F1 of each type as a dot on a line from 0 to 1, its interval as a bar."""
    rows = []
    for index, (name, figures) in enumerate(summary.figures.items()):
        one, y = figures["f1"], 20 + 30 * index
        if math.isnan(one.estimate):
            continue
        bar = ""
        if not math.isnan(one.low):
            low, width = 90 + 500 * one.low, 500 * (one.high - one.low)
            bar = f'<rect x="{low:.1f}" y="{y - 5}" width="{width:.1f}" height="10" fill="#2f6db5" fill-opacity=".3"/>'
        rows.append(
            f'<text x="0" y="{y + 5}">{escape(name)}</text>'
            f'<line x1="90" x2="590" y1="{y}" y2="{y}" stroke="#ccc"/>{bar}'
            f'<circle cx="{90 + 500 * one.estimate:.1f}" cy="{y}" r="4" fill="#2f6db5"/>'
            f'<text x="600" y="{y + 5}">{one.estimate:.4f}</text>'
        )
    height = 10 + 30 * len(summary.figures)
    return f'<svg width="680" height="{height}" role="img" aria-label="F1 by type">{"".join(rows)}</svg>'


def _errors_table(summary: Summary) -> str:
    kinds = list(summary.errors)
    errors = list(summary.errors[kinds[0]])
    return _table(
        ("kind of mistake", *kinds),
        [(error, *(str(summary.errors[kind][error]) for kind in kinds)) for error in errors],
    )


def _missed_table(summary: Summary) -> str:
    rows = [
        (f"{criterion}: {group.group}", str(group.missed), str(group.true), f"{100 * group.share:.0f} %")
        for criterion, groups in summary.missed.items()
        for group in groups
        if group.true
    ]
    return _table(("group", "missed", "of", "share"), rows)


def _points_table(summary: Summary) -> str:
    rows = []
    for name, points in summary.points.items():
        for point, error in points.items():
            if error.n:
                seconds = (error.mean_s, error.absolute_s, error.median_s)
                rows.append(
                    (
                        f"{name}: {point}",
                        str(error.n),
                        f"{error.mean_frames:+.2f}",
                        f"{error.absolute_frames:.2f}",
                        f"{error.median_frames:g}",
                        *(f"{value:.3f}" if summary.has_seconds else "-" for value in seconds),
                    )
                )
    units = ("bias, frames", "mean error, frames", "median error, frames")
    return _table(("point", "hits", *units, "bias, s", "mean error, s", "median error, s"), rows)


def _emotion_tables(summary: Summary, name: str) -> str:
    emotions = summary.emotions[name]
    titles = {"tp": "hits only", "all": "all spotted"}
    head = ("samples", "number", "accuracy", "precision", "recall", "F1_a", "UF1", "UAR")
    rows = [
        (
            titles[choice],
            str(len(emotions.samples[choice].truth)),
            *(_text(one) for one in recognition.figures.values()),
        )
        for choice, recognition in emotions.recognition.items()
    ]
    hits = emotions.recognition["tp"]
    matrix = [
        (label, *(str(count) for count in row))
        for label, row in zip(hits.classes, hits.confusion.tolist(), strict=True)
    ]
    strs = [(absent, _with_range(one)) for absent, one in emotions.strs.items()]
    left_out = (
        f"<p>{emotions.samples['tp'].outside_classes} hits with a true emotion that is unknown or not scored, and "
        f"{emotions.samples['all'].without_truth} false alarms without a true emotion are left out.</p>"
    )
    return (
        _table(head, rows)
        + left_out
        + "<p>Confusion matrix of the hits: true emotion by row, predicted one by column.</p>"
        + _table(("", *hits.classes, "none of them"), matrix)
        + "<p>Spot-then-recognize score by treatment of classes without samples.</p>"
        + _table(("absent classes", "STRS"), strs)
    )


def _other_figures(summary: Summary) -> str:
    rows = [
        (f"false alarms per minute, {name}", f"{rate:.2f}") for name, rate in summary.false_alarms_per_minute.items()
    ]
    single = {
        "apex spotting rate": summary.asr,
        "frame accuracy": summary.frame_accuracy,
        "edit score": summary.edit,
    }
    rows += [(name, f"{value:.4f}") for name, value in single.items() if value is not None]
    return _table(("figure", "value"), rows)


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
    return _table(("video", "type", "true frames", "spotted frames", ""), ordered)


def _span(one: Expression) -> str:
    emotion = f" {one.emotion}" if one.emotion else ""
    return f"{one.onset}-{one.offset}{emotion}"
