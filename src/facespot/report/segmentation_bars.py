"""Segments of a video as bars, one below the other: annotated, proposed, found (FESNet, figure 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facespot.export.atomic import output_folder
from facespot.report.timeline import COLORS
from facespot.values import Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 11.0
BAR_INCHES = 0.36
PANEL_INCHES = 0.85
LEGEND_INCHES = 0.35
BAR_HEIGHT = 0.72
DOTS_PER_INCH = 110
GROUND = "#e9ebee"
UNKNOWN_LINES = "#9aa0a6"
GRAY = "#444444"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar in the colour of its type; without a type it is not known what is there.

    Parameters
    ----------
    begin_s, end_s : float
    kind : {"macro", "micro"} or None
    """

    begin_s: float
    end_s: float
    kind: Kind | None


@dataclass(frozen=True)
class SegmentationBar:
    """One bar; what no segment covers is neutral.

    Parameters
    ----------
    name : str
        Printed to the left.
    figures : str
        Printed to the right.
    segments : tuple of Segment
    """

    name: str
    figures: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class SegmentationPanel:
    """The bars of one video.

    Parameters
    ----------
    title : str
    end_s : float
        Length of the video.
    bars : tuple of SegmentationBar
        At least one.
    """

    title: str
    end_s: float
    bars: tuple[SegmentationBar, ...]


def write_segmentation_bars(panels: Sequence[SegmentationPanel], path: Path) -> None:
    """Draw the bars of some videos into a PNG file, each panel on a time axis of its own.

    Parameters
    ----------
    panels : sequence of SegmentationPanel
        At least one.
    path : Path
        File to write.

    Raises
    ------
    ValueError
        There is no panel, or one has no bar.
    OutputError
        The file cannot be written.
    """
    if not panels or any(not panel.bars for panel in panels):
        raise ValueError("there are no segments to draw")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [BAR_INCHES * len(panel.bars) + PANEL_INCHES for panel in panels]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights) + LEGEND_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    drawn = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights}).ravel()
    for axes, panel in zip(drawn, panels, strict=True):
        _draw_panel(axes, panel)
    drawn[-1].set_xlabel("seconds", fontsize=9)
    with_unknown = any(one.kind is None for panel in panels for bar in panel.bars for one in bar.segments)
    handles = _legend_entries(with_unknown=with_unknown)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9, frameon=False)
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal segments are to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})


def _draw_panel(axes: Axes, panel: SegmentationPanel) -> None:
    for place, bar in enumerate(panel.bars):
        axes.barh(place, panel.end_s, BAR_HEIGHT, color=GROUND, linewidth=0)
        for one in bar.segments:
            length_s = one.end_s - one.begin_s
            if one.kind is None:
                axes.barh(
                    place, length_s, BAR_HEIGHT, one.begin_s, color="white", edgecolor=UNKNOWN_LINES, hatch="////",
                    linewidth=0,
                )  # fmt: skip
            else:
                axes.barh(place, length_s, BAR_HEIGHT, one.begin_s, color=COLORS[one.kind], linewidth=0)
        axes.annotate(
            bar.figures, (1, place), xytext=(6, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            va="center", fontsize=8.5, color=GRAY, parse_math=False,
        )  # fmt: skip
    axes.set_yticks(range(len(panel.bars)), [bar.name for bar in panel.bars], fontsize=9, parse_math=False)
    axes.set_ylim(len(panel.bars) - 0.5, -0.5)
    axes.set_xlim(0, panel.end_s)
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold", parse_math=False)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)


def _legend_entries(*, with_unknown: bool) -> list[object]:
    from matplotlib.patches import Patch

    found: list[object] = [Patch(color=GROUND, label="neutral")]
    found += [Patch(color=color, label=kind) for kind, color in COLORS.items()]
    if with_unknown:
        found.append(Patch(facecolor="white", edgecolor=UNKNOWN_LINES, hatch="////", label="no face"))
    return found
