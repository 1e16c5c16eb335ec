"""Pieces of a self-contained HTML page: no scripts, nothing loaded, readable in light, dark and on paper.

Text is escaped wherever it enters a piece; `Markup` marks what is HTML already.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape

from facespot.metrics import Comparison, Summary
from facespot.metrics.bootstrap import Interval

# The colours of types, hits and false alarms differ in lightness too, so that colour blindness does not join them.
STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --line: #d5dae0; --ground: #ffffff;
  --panel: #f5f7f9; --accent: #2f6db5; --macro: #2f6db5; --micro: #d1495b; --hit: #009e73; --false: #e69f00;
  --false-edge: #9a6700; --warning: #9a6700; --warning-panel: #fff6dd }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e2e6ea; --soft: #9aa4af; --line: #3a4149;
  --ground: #15181c; --panel: #1f242a; --accent: #6da7e8; --macro: #6da7e8; --micro: #f0838f; --hit: #2fc79a;
  --false: #f0b429; --false-edge: #f7d488; --warning: #f0b429; --warning-panel: #322a14 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 74rem;
  margin: 2rem auto; padding: 0 1.2rem; overflow-wrap: break-word; print-color-adjust: exact;
  -webkit-print-color-adjust: exact }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem }
h2 a { color: inherit; text-decoration: none } h2 a:hover::after { content: " #"; color: var(--soft) }
h3 { font-size: .95rem; margin: .8rem 0 .2rem } a { color: var(--accent) } p { margin: .5rem 0; max-width: 60rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top }
th:first-child, td:first-child { text-align: left } th { color: var(--soft); font-weight: 600 }
.rule { background: var(--panel); padding: .6rem .9rem; border-left: 4px solid var(--accent); max-width: none }
.warning { background: var(--warning-panel); border-left-color: var(--warning) }
.scroll { overflow-x: auto } .range, .note { color: var(--soft); font-size: .87em }
.range { white-space: nowrap }
svg { display: block; max-width: 100%; height: auto } svg text { fill: var(--text); font: 12px system-ui, sans-serif }
svg .soft { fill: var(--soft); font-size: 11px } svg .axis { stroke: var(--line); stroke-width: 1 }
svg .estimate { fill: var(--accent) } svg .interval { fill: var(--accent); fill-opacity: .3 }
svg.bar { display: inline-block; vertical-align: baseline; margin-left: .5rem; flex: none }
svg.bar .whole { fill: var(--line) } svg.bar .share { fill: var(--accent) }
.side td { white-space: nowrap } .side { display: flex; flex-wrap: wrap; gap: 1rem 3rem; align-items: flex-start }
footer { margin-top: 3rem; color: var(--soft) }
@media print { body { font-size: 11px; max-width: none; margin: 0; padding: 0 } .scroll { overflow: visible }
  h2, h3 { break-after: avoid } tr, figure, .tile, .rule, svg { break-inside: avoid } nav { display: none }
  a { color: inherit; text-decoration: none } }
"""
LIMITS = "Expressions are movements of the face, not feelings or lies."


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def page(title: str, content: Iterable[str], *, style: str = "") -> str:
    """A whole page: title, content, and the sentence on what it does not say."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>facespot: {escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(part for part in content if part)
        + f"\n<footer>{LIMITS}</footer>\n</body>\n</html>\n"
    )


def rule_box(result: Summary | Comparison) -> str:
    """Under which rule the figures hold, on how many people, and where their ranges come from."""
    resampling = result.resampling
    ranges = (
        f"Ranges are {100 * resampling.level:g} % intervals from {resampling.n_resamples} resamplings of the "
        f"subjects (seed {resampling.seed})."
        if result.n_subjects > 1
        else "One subject only: there are no intervals of confidence."
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    return (
        f'<p class="rule">Rule: {escape(result.rule.sentence())}.<br>{count(result.n_videos, "video")}, '
        f"{count(result.n_subjects, 'subject')}. {ranges}</p>" + (f"\n<ul>{notes}</ul>" if notes else "")
    )


def section(title: str, content: str, *, anchor: str | None = None) -> str:
    """A heading that can be linked to, and what stands below it; nothing where there is no content."""
    if not content:
        return ""
    name = escape(anchor or anchor_of(title))
    return f'<h2 id="{name}"><a href="#{name}">{escape(title)}</a></h2>\n<div class="scroll">{content}</div>'


def anchor_of(title: str) -> str:
    """Name of a heading in the address of the page.

    >>> anchor_of("F1 with its interval of confidence")
    'f1-with-its-interval-of-confidence'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    groups: Sequence[tuple[str, int]] = (),
    total: bool = False,
    name: str = "",
) -> str:
    """A table; nothing where there are no rows.

    Parameters
    ----------
    head : sequence of str
        Title of each column; all empty for a table without titles.
    rows : sequence of rows
        Cells are text, or `Markup`.
    groups : sequence of (str, int), optional
        Titles above the titles, each over a number of columns.
    total : bool
        Whether the last row sums up the others.
    name : str
        Class for the style.
    """
    if not rows:
        return ""
    above = "".join(f'<th colspan="{width}" scope="colgroup">{escape(text)}</th>' for text, width in groups)
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = [f"{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>\n" for row in rows]
    marks = ["<tr>"] * (len(rows) - 1) + ['<tr class="total">' if total else "<tr>"]
    kind = f' class="{name}"' if name else ""
    return (
        f"<table{kind}>\n"
        + (f'<tr class="groups">{above}</tr>\n' if groups else "")
        + (f'<tr class="titles">{top}</tr>\n' if any(head) else "")
        + "".join(mark + line for mark, line in zip(marks, lines, strict=True))
        + "</table>"
    )


def _cell(cell: str) -> str:
    return cell if isinstance(cell, Markup) else escape(cell)


def number(value: float) -> str:
    """Four digits, or a dash where there is no figure."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def with_range(interval: Interval) -> str:
    """A figure with its interval, where it has one."""
    if math.isnan(interval.low):
        return number(interval.estimate)
    return Markup(f'{interval.estimate:.4f} <span class="range">{interval.low:.3f} to {interval.high:.3f}</span>')


def count(amount: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "video"), count(3, "video")
    ('1 video', '3 videos')
    """
    return f"{amount} {thing}" if amount == 1 else f"{amount} {thing}s"
