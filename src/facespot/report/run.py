"""A cross-validation run as one self-contained HTML page: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from facespot.export.atomic import write_text
from facespot.metrics import Evaluation, Summary
from facespot.metrics.figures import parts_of
from facespot.metrics.matching import by_subject
from facespot.report import run_losses, run_timelines
from facespot.report.html import Markup, anchor_of, count, number, page, rule_box, section, table
from facespot.report.sections import (
    counts_table,
    emotion_tables,
    errors_table,
    interval_bars,
    missed_tables,
    other_figures,
    points_table,
)
from facespot.report.svg import share_bar
from facespot.values import KINDS, Curve, Track

STYLE = """
nav { font-size: .9em; margin: .8rem 0 } nav a { margin-right: 1.1rem; white-space: nowrap }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin-bottom: 1rem }
.tile { background: var(--panel); border-top: 3px solid var(--soft); padding: .6rem 1rem; flex: 1 1 11rem }
.tile.macro { border-color: var(--macro) } .tile.micro { border-color: var(--micro) }
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.facts td:first-child { color: var(--soft); white-space: nowrap }
.facts td:last-child { text-align: left; overflow-wrap: anywhere; padding-right: 0 }
.subjects, .folds { font-size: .87em } .subjects th, .subjects td { padding-right: .5rem; white-space: nowrap }
.subjects .groups th:not(:empty) { text-align: center; border-bottom: 2px solid var(--line) }
.subjects td:nth-child(6n+2), .subjects .titles th:nth-child(6n+2) { padding-left: 1.3rem }
.subjects .titles th:nth-child(6n+7) { padding-right: calc(36px + 1.2rem) }
.folds th, .folds td { text-align: left; padding-right: 1rem } .folds td { white-space: nowrap }
.folds td:last-child { white-space: normal }
tr.total td { border-top: 2px solid var(--line); font-weight: 600 }
"""


@dataclass(frozen=True)
class FoldRow:
    """What happened in one fold.

    Parameters
    ----------
    name : str
    subjects : tuple of str
        Held out.
    distances : mapping from type to (frames, seconds)
        k, as chosen on the training subjects.
    training_rows, epochs : mapping from type to int
        Empty where nothing was trained.
    last_loss : mapping from type to float
        Training loss of the last epoch.
    seconds : float
        Time that the fold took.
    notes : tuple of str
        What a reader must know of this fold.
    """

    name: str
    subjects: tuple[str, ...]
    distances: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    training_rows: Mapping[str, int] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    last_loss: Mapping[str, float] = field(default_factory=dict)
    seconds: float = float("nan")
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RunPage:
    """Everything that the page of a run shows.

    Parameters
    ----------
    title : str
        Such as "softnet on synth, leave-one-subject-out".
    protocol : str
        One paragraph: which protocol, and what was chosen on which data.
    published : bool
        Whether it is the published protocol with its leniences; the page then warns at the top.
    facts : mapping from name to text
        Dataset, counts, method, settings that differ from the defaults, seed, version, command; in order.
    summary : Summary
        The evaluation of all folds together.
    truth, predicted : sequence of Track
        What was evaluated.
    subjects : mapping from video to subject
    folds : sequence of FoldRow
    curves : mapping from video to curves
        Smoothed score and threshold of each type; videos may be missing.
    losses : mapping from "fold/type" to losses
        Mean training loss of each epoch.
    """

    title: str
    protocol: str
    published: bool
    facts: Mapping[str, str]
    summary: Summary
    truth: Sequence[Track]
    predicted: Sequence[Track]
    subjects: Mapping[str, str] = field(default_factory=dict)
    folds: Sequence[FoldRow] = ()
    curves: Mapping[str, Sequence[Curve]] = field(default_factory=dict)
    losses: Mapping[str, Sequence[float]] = field(default_factory=dict)


def write_run_page(run: RunPage, path: Path) -> None:
    """Write a run as one HTML file.

    Parameters
    ----------
    run : RunPage
    path : Path
        File to write.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    summary = run.summary
    parts = {
        "F1": _tiles(summary) + interval_bars(summary),
        "Counts and figures": counts_table(summary),
        "The run": table(("", ""), list(run.facts.items()), name="facts"),
        "Subjects": _subjects_table(run),
        "What the false alarms are": errors_table(summary),
        "What was missed": missed_tables(summary),
        "How far the hits are off": points_table(summary),
        **{f"Emotions: {name}": emotion_tables(summary, name) for name in summary.emotions},
        "Other figures": other_figures(summary),
        "Folds": _folds_table(run.folds),
        "Training": run_losses.loss_charts(run.losses),
        "Timelines": run_timelines.timelines(
            run.truth, run.predicted, summary.evaluation, run.curves, run.subjects
        ),
    }  # fmt: skip
    sections = [section(title, content) for title, content in parts.items()]
    links = "".join(f'<a href="#{anchor_of(title)}">{escape(title)}</a>' for title, content in parts.items() if content)
    style = STYLE + run_losses.STYLE + run_timelines.STYLE
    content = [_protocol_box(run), rule_box(summary), f"<nav>{links}</nav>", *sections]
    write_text(path, page(run.title, content, style=style))


def evaluations_by_subject(summary: Summary, subjects: Mapping[str, str]) -> dict[str, dict[str, Evaluation]]:
    """Counts by subject and then by type or "overall"; a type that the rule leaves out for a subject is missing.

    Parameters
    ----------
    summary : Summary
    subjects : mapping from video to subject
        A video that is not named is a subject of its own.
    """
    found: dict[str, dict[str, Evaluation]] = {}
    for name, (_, part) in parts_of(summary.evaluation).items():
        for subject, counts in by_subject(part, subjects):
            found.setdefault(subject, {})[name] = counts
    return {subject: found[subject] for subject in sorted(found)}


def _protocol_box(run: RunPage) -> str:
    if run.published:
        return f'<p class="rule warning"><strong>Published protocol.</strong> {escape(run.protocol)}</p>'
    return f'<p class="rule"><strong>Protocol.</strong> {escape(run.protocol)}</p>'


def _tiles(summary: Summary) -> str:
    tiles = []
    for name, (_, part) in parts_of(summary.evaluation).items():
        one = summary.figures[name]["f1"]
        level = 100 * summary.resampling.level
        ends = "no interval" if math.isnan(one.low) else f"{level:g} %: {one.low:.3f} to {one.high:.3f}"
        # A type that is neither there nor spotted has no F1: it may not have been looked for.
        value = number(one.estimate) if part.tp + part.fp + part.fn else "-"
        tiles.append(
            f'<div class="tile {name}">F1 {name}<b>{value}</b><span class="range">{ends}</span>'
            f'<br><span class="note">{part.tp} hits, {part.fp} false alarms, {part.fn} missed</span></div>'
        )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _subjects_table(run: RunPage) -> str:
    anchors = run_timelines.timeline_anchors(run.truth, run.subjects)
    names = list(parts_of(run.summary.evaluation))
    rows = []
    for subject, parts in evaluations_by_subject(run.summary, run.subjects).items():
        link = Markup(f'<a href="#{anchors[subject]}">{escape(subject)}</a>')
        rows.append((link, *(cell for name in names for cell in _cells(parts.get(name)))))
    whole = parts_of(run.summary.evaluation)
    rows.append(("all", *(cell for name in names for cell in _cells(whole[name][1]))))
    head = ("subject", *(title for _ in names for title in ("TP", "FP", "FN", "P", "R", "F1")))
    words = (
        "<p>P: precision, R: recall. A dash stands where there is nothing to divide by, or where the rule looks at no "
        "video of the subject. A name leads to the subject's timelines.</p>"
    )
    groups = [("", 1), *((name, 6) for name in names)]
    return words + table(head, rows, groups=groups, total=True, name="subjects")


def _cells(part: Evaluation | None) -> list[str]:
    if part is None:
        return ["-"] * 6
    precision = f"{part.precision:.2f}" if part.tp + part.fp else "-"
    recall = f"{part.recall:.2f}" if part.tp + part.fn else "-"
    f1 = "-"
    if part.tp + part.fp + part.fn:
        f1 = Markup(f"{part.f1:.2f}{share_bar(part.f1, f'F1 {part.f1:.2f}', width=36)}")
    return [str(part.tp), str(part.fp), str(part.fn), precision, recall, f1]


def _folds_table(folds: Sequence[FoldRow]) -> str:
    kinds = [kind for kind in KINDS if any(kind in fold.distances or kind in fold.training_rows for fold in folds)]

    def by_type(texts: Mapping[str, str]) -> str:
        return " / ".join(texts.get(kind, "-") for kind in kinds) if texts else ""

    rows = []
    for fold in folds:
        frames = by_type({kind: str(frames) for kind, (frames, _) in fold.distances.items()})
        times = by_type({kind: f"{time_s:.3g}" for kind, (_, time_s) in fold.distances.items()})
        rows.append(
            (
                fold.name,
                "" if fold.subjects == (fold.name,) else ", ".join(fold.subjects),
                frames,
                times,
                by_type({kind: str(number) for kind, number in fold.training_rows.items()}),
                by_type({kind: str(number) for kind, number in fold.epochs.items()}),
                by_type({kind: f"{loss:.4g}" for kind, loss in fold.last_loss.items()}),
                "" if math.isnan(fold.seconds) else f"{fold.seconds:.1f}",
                "; ".join(fold.notes),
            )
        )
    head = ("fold", "held out", "k, frames", "k, s", "training rows", "epochs", "last loss", "time, s", "notes")
    # A column in which nothing stands, as of a method that is not trained, would only take room.
    used = [column for column in range(len(head)) if any(row[column] for row in rows)]
    words = f"<p>Where a cell holds {count(len(kinds), 'number')}: {' / '.join(kinds)}.</p>" if len(kinds) > 1 else ""
    cells = table([head[column] for column in used], [[row[column] for column in used] for row in rows], name="folds")
    return words + cells if cells else ""
