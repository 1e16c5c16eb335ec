"""The parts of a page that show a `Summary`."""

from __future__ import annotations

import math
from html import escape

from facespot.metrics import Summary
from facespot.metrics.figures import parts_of
from facespot.report.html import Markup, number, table, with_range
from facespot.report.svg import drawing, share_bar

FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "ap_50": "AP at IoU .5",
    "ap": "AP@[.5:.95]",
    "strs": "STRS",
}


def counts_table(summary: Summary) -> str:
    """TP, FP, FN and the figures of each type."""
    rows = []
    for name, (_, part) in parts_of(summary.evaluation).items():
        figures = [with_range(one) for one in summary.figures[name].values()]
        rows.append((name, str(part.tp), str(part.fp), str(part.fn), *figures))
    return table(("type", "TP", "FP", "FN", *(FIGURES[name] for name in summary.figures["overall"])), rows)


def interval_bars(summary: Summary) -> str:
    """F1 of each type as a dot on a line from 0 to 1, its interval as a bar."""
    bottom = 10 + 30 * len(summary.figures)
    rows = [
        f'<line class="axis" x1="{90 + 500 * at}" x2="{90 + 500 * at}" y1="6" y2="{bottom}"/>'
        f'<text class="soft" x="{90 + 500 * at}" y="{bottom + 14}" text-anchor="middle">{at:g}</text>'
        for at in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    for index, (name, figures) in enumerate(summary.figures.items()):
        one, y = figures["f1"], 20 + 30 * index
        if math.isnan(one.estimate):
            continue
        bar = ""
        if not math.isnan(one.low):
            low, width = 90 + 500 * one.low, 500 * (one.high - one.low)
            bar = f'<rect class="interval" x="{low:.1f}" y="{y - 5}" width="{width:.1f}" height="10"/>'
        rows.append(
            f'<text x="0" y="{y + 4}">{escape(name)}</text>'
            f'<line class="axis" x1="90" x2="590" y1="{y}" y2="{y}"/>{bar}'
            f'<circle class="estimate" cx="{90 + 500 * one.estimate:.1f}" cy="{y}" r="4.5"/>'
            f'<text x="604" y="{y + 4}">{one.estimate:.4f}</text>'
        )
    return drawing(680, bottom + 20, "F1 by type, from 0 to 1, with its interval", "".join(rows))


def errors_table(summary: Summary) -> str:
    """False positives by kind of mistake, each with its share of the type's."""
    kinds = list(summary.errors)
    totals = {kind: sum(summary.errors[kind].values()) for kind in kinds}

    def cell(kind: str, error: str) -> str:
        number = summary.errors[kind][error]
        if not totals[kind]:
            return str(number)
        return Markup(f"{number}{share_bar(number / totals[kind], f'{100 * number / totals[kind]:.0f} %')}")

    errors = list(summary.errors[kinds[0]])
    return table(("kind of mistake", *kinds), [(error, *(cell(kind, error) for kind in kinds)) for error in errors])


def missed_tables(summary: Summary) -> str:
    """Missed expressions by type, duration and subject, side by side."""
    tables = []
    for criterion, groups in summary.missed.items():
        rows = [
            (
                group.group,
                str(group.missed),
                str(group.true),
                Markup(f"{100 * group.share:.0f} %{share_bar(group.share, f'{100 * group.share:.0f} % missed')}"),
            )
            for group in groups
            if group.true
        ]
        tables.append(table((criterion, "missed", "of", "share"), rows))
    return f'<div class="side">{"".join(tables)}</div>' if any(tables) else ""


def points_table(summary: Summary) -> str:
    """Errors of onset, apex and offset of the hits."""
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
    return table(("point", "hits", *units, "bias, s", "mean error, s", "median error, s"), rows)


def other_figures(summary: Summary) -> str:
    """What needs the length of the videos, and what needs one expression in each."""
    rows = [
        (f"false alarms per minute, {name}", f"{rate:.2f}") for name, rate in summary.false_alarms_per_minute.items()
    ]
    single = {
        "apex spotting rate": summary.asr,
        "frame accuracy": summary.frame_accuracy,
        "edit score": summary.edit,
    }
    rows += [(name, f"{value:.4f}") for name, value in single.items() if value is not None]
    return table(("figure", "value"), rows)


def emotion_tables(summary: Summary, name: str) -> str:
    """Recognition, confusion matrix and STRS of one type, or of both together."""
    emotions = summary.emotions[name]
    titles = {"tp": "hits only", "all": "all spotted"}
    head = ("samples", "number", "accuracy", "precision", "recall", "F1_a", "UF1", "UAR")
    rows = [
        (
            titles[choice],
            str(len(emotions.samples[choice].truth)),
            *(number(one) for one in recognition.figures.values()),
        )
        for choice, recognition in emotions.recognition.items()
    ]
    hits = emotions.recognition["tp"]
    matrix = [
        (label, *(str(count) for count in row))
        for label, row in zip(hits.classes, hits.confusion.tolist(), strict=True)
    ]
    strs = [(absent, with_range(one)) for absent, one in emotions.strs.items()]
    left_out = (
        f"<p>{emotions.samples['tp'].outside_classes} hits with a true emotion that is unknown or not scored, and "
        f"{emotions.samples['all'].without_truth} false alarms without a true emotion are left out.</p>"
    )
    return (
        table(head, rows)
        + left_out
        + "<p>Confusion matrix of the hits: true emotion by row, predicted one by column.</p>"
        + table(("", *hits.classes, "none of them"), matrix)
        + "<p>Spot-then-recognize score by treatment of classes without samples.</p>"
        + table(("absent classes", "STRS"), strs)
    )
