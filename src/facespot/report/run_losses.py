"""Training losses of a run as SVG: one panel for each type, one thin line for each fold, their median above them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from facespot.report.html import count
from facespot.report.svg import drawing, path_of, short, ticks
from facespot.values import KINDS

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520.0, 230.0, 58.0, 508.0, 24.0, 196.0
LOGARITHMIC_FROM = 20.0
STYLE = """
.losses .one { fill: none; stroke-width: 1; stroke-opacity: .45; stroke: var(--accent); stroke-linecap: round }
.losses .middle { fill: none; stroke-width: 2.4; stroke: var(--accent); stroke-linejoin: round; stroke-linecap: round }
.losses .macro { stroke: var(--macro) } .losses .micro { stroke: var(--micro) }
.losses { flex: 1 1 26rem; max-width: 36rem }
"""


def loss_charts(losses: Mapping[str, Sequence[float]]) -> str:
    """Loss by epoch of every fold; nothing where nothing was trained.

    Parameters
    ----------
    losses : mapping from "fold/type" to losses
        Mean training loss of each epoch. A name without a slash is one of a panel without a type.
    """
    panels: dict[str, dict[str, Sequence[float]]] = {}
    for name in sorted(losses):
        fold, _, kind = name.rpartition("/")
        if not fold:
            fold, kind = kind, ""
        if len(losses[name]):
            panels.setdefault(kind, {})[fold] = losses[name]
    ordered = sorted(panels, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind))
    if not ordered:
        return ""
    charts = "".join(_chart(kind, panels[kind]) for kind in ordered)
    return f'<p>Thin lines: one fold each; thick line: their median.</p><div class="side">{charts}</div>'


def _chart(kind: str, folds: Mapping[str, Sequence[float]]) -> str:
    longest = max(len(values) for values in folds.values())
    table = np.full((len(folds), longest), np.nan)
    for row, values in zip(table, folds.values(), strict=True):
        row[: len(values)] = values
    table[~np.isfinite(table)] = np.nan
    title = kind or "loss"
    known = table[np.isfinite(table)]
    if not len(known):
        return ""
    low, high = float(known.min()), float(known.max())
    logarithmic = low > 0 and high / low > LOGARITHMIC_FROM

    def height(value: np.ndarray | float) -> np.ndarray:
        if logarithmic:
            share = np.log(np.asarray(value) / low) / math.log(high / low)
        else:
            share = (np.asarray(value) - min(low, 0.0)) / ((high - min(low, 0.0)) or 1.0)
        return BOTTOM - (BOTTOM - TOP) * share

    def line(values: np.ndarray, name: str, of: str) -> str:
        kept = np.flatnonzero(np.isfinite(values))
        joined = np.diff(kept, prepend=-2) == 1
        drawn = path_of(across[kept], height(values[kept]), joined)
        return f'<path class="{name} {escape(kind)}" d="{drawn}"><title>{escape(of)}</title></path>'

    steps = max(1, longest - 1)
    across = LEFT + (RIGHT - LEFT) * np.arange(longest) / steps
    marks = _powers(low, high) if logarithmic else ticks(high, most=5)
    parts = [f'<text x="0" y="12">{escape(title)}: training loss{", logarithmic" if logarithmic else ""}</text>']
    for mark in marks:
        y = float(height(mark))
        parts.append(
            f'<line class="axis" x1="{short(LEFT)}" x2="{short(RIGHT)}" y1="{short(y)}" y2="{short(y)}"/>'
            f'<text class="soft" x="{short(LEFT - 6)}" y="{short(y + 4)}" text-anchor="end">{mark:g}</text>'
        )
    for epoch in sorted({1, *(int(mark) for mark in ticks(longest, most=8) if mark >= 1 and mark == int(mark))}):
        x = LEFT + (RIGHT - LEFT) * (epoch - 1) / steps
        parts.append(f'<text class="soft" x="{short(x)}" y="{short(BOTTOM + 16)}" text-anchor="middle">{epoch}</text>')
    parts.append(
        f'<text class="soft" x="{short((LEFT + RIGHT) / 2)}" y="{short(BOTTOM + 31)}" text-anchor="middle">epoch</text>'
    )
    parts += [line(row, "one", fold) for fold, row in zip(folds, table, strict=True)]
    if len(folds) > 1:
        middle = np.array([np.median(there) if len(there := one[np.isfinite(one)]) else np.nan for one in table.T])
        parts.append(line(middle, "middle", "median of the folds"))
    label = (
        f"Training loss of {title} by epoch, {count(len(folds), 'fold')}: from {high:.4g} at most to {low:.4g} at least"
    )
    return drawing(WIDTH, HEIGHT, label, "".join(parts), name="losses")


def _powers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten within a range; only the powers where there are many.

    >>> _powers(0.03, 0.6)
    [0.05, 0.1, 0.2, 0.5]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if last - first <= 3 else (1,)
    marks = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in factors]
    return [mark for mark in marks if low <= mark <= high]
