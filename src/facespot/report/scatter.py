"""Points of several classes in a plane, one panel beside the other: how well some features tell the classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facespot.export.atomic import output_folder
from facespot.report.timeline import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLASS_COLORS = {"normal": "#8b8f94", "neutral": "#8b8f94", **COLORS}
MARKERS = {"normal": "s", "neutral": "s", "macro": "o", "micro": "^"}
COLUMNS = 2
PANEL_INCHES = (4.7, 4.1)
LEGEND_INCHES = 0.35
DOTS_PER_INCH = 110
POINT_AREA = 17.0
OPACITY = 0.6
GRAY = "#444444"


@dataclass(frozen=True, eq=False)
class ScatterPanel:
    """One panel.

    Parameters
    ----------
    title, subtitle : str
    points : mapping from {"normal", "neutral", "macro", "micro"} to (n, 2) array
        Places by class, one name of frames without expression; a class without points is named in the panel.
    axes : tuple of str
        Labels of both axes.
    """

    title: str
    subtitle: str
    points: Mapping[str, NDArray[np.float64]]
    axes: tuple[str, str]


def write_scatter(panels: Sequence[ScatterPanel], path: Path) -> None:
    """Draw panels into a PNG file, two in a row; a unit is as long on both axes of a panel.

    Parameters
    ----------
    panels : sequence of ScatterPanel
        At least one.
    path : Path
        File to write.

    Raises
    ------
    ValueError
        There is no panel.
    OutputError
        The file cannot be written.
    """
    if not panels:
        raise ValueError("there are no points to draw")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(columns * width, rows * height + LEGEND_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    drawn = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(drawn, panels, strict=False):
        _draw_panel(axes, panel)
    for axes in drawn[len(panels) :]:
        axes.set_axis_off()
    classes = [name for name in CLASS_COLORS if any(name in panel.points for panel in panels)]
    figure.legend(
        handles=[_legend_entry(name) for name in classes], loc="outside lower center", ncols=len(classes),
        fontsize=9, frameon=False,
    )  # fmt: skip
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal points are to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})


def _draw_panel(axes: Axes, panel: ScatterPanel) -> None:
    for name, points in panel.points.items():
        axes.scatter(
            points[:, 0], points[:, 1], s=POINT_AREA, color=CLASS_COLORS[name], marker=MARKERS[name], alpha=OPACITY,
            linewidths=0,
        )  # fmt: skip
    absent = [name for name, points in panel.points.items() if not len(points)]
    if absent:
        axes.text(
            0.5, 0.5, f"no {' and no '.join(absent)} frame", transform=axes.transAxes, ha="center", va="center",
            fontsize=10, color=GRAY, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )  # fmt: skip
    if len(absent) == len(panel.points):
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold", pad=19, parse_math=False)
    axes.annotate(
        panel.subtitle, (0, 1), xytext=(0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=8.5,
        color=GRAY, parse_math=False,
    )  # fmt: skip
    axes.set_xlabel(panel.axes[0], fontsize=9, parse_math=False)
    axes.set_ylabel(panel.axes[1], fontsize=9, parse_math=False)
    axes.tick_params(labelsize=8)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axisbelow(True)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _legend_entry(name: str) -> object:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=MARKERS[name], color=CLASS_COLORS[name], markersize=6, label=name)
