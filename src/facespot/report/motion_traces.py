"""Motion over time during an expression, measured in several ways: one panel below the other, with the same scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facespot.export.atomic import output_folder
from facespot.report.timeline import COLORS
from facespot.values import FloatArray, Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 9.2
PANEL_INCHES = 2.05
REST_INCHES = 1.25
DOTS_PER_INCH = 110
LINE_COLOR = "#222222"
MARK_STYLES = (("#555555", "--"), ("#111111", "-"), ("#555555", ":"))
GRAY = "#444444"


@dataclass(frozen=True, eq=False)
class MotionTrace:
    """One panel.

    Parameters
    ----------
    title, subtitle : str
    values : (n,) float32 array
        Motion in each frame; NaN leaves a gap.
    """

    title: str
    subtitle: str
    values: FloatArray


@dataclass(frozen=True, slots=True)
class ShadedInterval:
    """A stretch of the time axis in the colour of its type of expression.

    Parameters
    ----------
    begin_s, end_s : float
    kind : {"macro", "micro"}
    """

    begin_s: float
    end_s: float
    kind: Kind


def write_motion_traces(
    traces: Sequence[MotionTrace],
    times_s: NDArray[np.float64],
    path: Path,
    *,
    heading: str,
    labels: tuple[str, str],
    marks: Mapping[str, float],
    intervals: Sequence[ShadedInterval],
    most: float,
) -> None:
    """Draw motion into a PNG file.

    Parameters
    ----------
    traces : sequence of MotionTrace
        At least one.
    times_s : (n,) float64 array
        Time of each frame, the same in all panels.
    path : Path
        File to write.
    heading : str
        Printed above all panels.
    labels : tuple of str
        Of the time axis, and of the axis of every panel.
    marks : mapping from str to float
        Times of at most three vertical lines by their names, such as onset, apex and offset.
    intervals : sequence of ShadedInterval
        True expressions.
    most : float
        Every panel shows -most to +most; one whose motion goes beyond says how far.

    Raises
    ------
    ValueError
        There is no trace, or there are too many marks.
    OutputError
        The file cannot be written.
    """
    if not traces or len(marks) > len(MARK_STYLES):
        raise ValueError(f"{len(traces)} traces with {len(marks)} marks cannot be drawn")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = WIDTH_INCHES, len(traces) * PANEL_INCHES + REST_INCHES
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    panels = figure.subplots(len(traces), 1, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, trace in zip(panels, traces, strict=True):
        _draw_marks(axes, marks, intervals)
        _draw_trace(axes, trace, times_s, most)
        axes.set_ylabel(labels[1], fontsize=8.5, parse_math=False)
    panels[-1].set_xlabel(labels[0], fontsize=9, parse_math=False)
    panels[-1].set_xlim(times_s[0], times_s[-1])
    panels[-1].set_ylim(-most, most)
    figure.suptitle(heading, x=0.012, ha="left", fontsize=11, fontweight="bold", parse_math=False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=max(1, len(names)), fontsize=8.5, frameon=False)
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal motion is to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})


def _draw_marks(axes: Axes, marks: Mapping[str, float], intervals: Sequence[ShadedInterval]) -> None:
    named = set()
    for one in intervals:
        label = None if one.kind in named else f"{one.kind}-expression"
        named.add(one.kind)
        axes.axvspan(one.begin_s, one.end_s, color=COLORS[one.kind], alpha=0.18, linewidth=0, label=label)
    for (color, style), (name, time) in zip(MARK_STYLES, marks.items(), strict=False):
        axes.axvline(time, color=color, linestyle=style, linewidth=1.0, label=name)


def _draw_trace(axes: Axes, trace: MotionTrace, times_s: NDArray[np.float64], most: float) -> None:
    axes.axhline(0, color="#bbbbbb", linewidth=0.8)
    axes.plot(times_s, trace.values, color=LINE_COLOR, linewidth=1.3, marker=".", markersize=3.5)
    axes.set_title(trace.title, loc="left", fontsize=9.5, fontweight="bold", parse_math=False)
    axes.set_title(trace.subtitle, loc="right", fontsize=8.5, color=GRAY, parse_math=False)
    known = trace.values[np.isfinite(trace.values)]
    farthest = float(known[np.abs(known).argmax()]) if len(known) else 0.0
    if abs(farthest) > most:
        axes.text(
            0.012, 0.93, f"beyond the scale, to {farthest:+.1f}", transform=axes.transAxes, va="top", fontsize=8,
            color=GRAY, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 2.0},
        )  # fmt: skip
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
