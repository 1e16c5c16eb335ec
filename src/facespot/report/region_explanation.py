"""Which regions of the face moved, when, and which of them counted: a picture of one expression.

On the left a row for each region and its motion over time, onset, apex and offset marked; on the right a bar for each
region that says how much the score falls where the region is held still. Regions that lie on either side of the face
stand below each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
ROW_INCHES = 0.2
REST_INCHES = 1.3
DOTS_PER_INCH = 110
MOTION_COLORS = "magma"
NO_FACE = "#dddddd"
MARK_STYLES = ("--", "-", ":")
LOWER_COLOR = "#999999"


def write_region_explanation(
    regions: Sequence[str],
    times_s: NDArray[np.float64],
    motion: FloatArray,
    importance: FloatArray,
    path: Path,
    *,
    kind: Kind,
    heading: str,
    motion_label: str,
    marks: Mapping[str, float],
) -> None:
    """Draw an explanation into a PNG file.

    Parameters
    ----------
    regions : sequence of str
        Names of the regions, m of them.
    times_s : (n,) float64 array
        Time of each column in seconds, even steps; at least two.
    motion : (n, m) float32 array
        Motion of each region; NaN where no face was seen.
    importance : (m,) float32 array
        Fall of the score without the motion of the region.
    path : Path
        File to write.
    kind : {"macro", "micro"}
        Type of the expression; its colour is that of the bars.
    heading : str
        Printed above.
    motion_label : str
        What the colours mean, with its unit.
    marks : mapping from str to float
        Times of at most three vertical lines by their names, such as onset, apex and offset.

    Raises
    ------
    ValueError
        The shapes do not fit, or there are too many marks.
    OutputError
        The file cannot be written.
    """
    expected = (len(times_s), len(regions))
    if motion.shape != expected or importance.shape != expected[1:] or len(times_s) < 2 or len(marks) > 3:
        raise ValueError(f"motion {motion.shape}, importance {importance.shape}, {len(marks)} marks for {expected}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = WIDTH_INCHES, len(regions) * ROW_INCHES + REST_INCHES
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    order = drawing_order(regions)
    _draw_motion(left, [regions[place] for place in order], times_s, motion[:, order], marks, motion_label)
    _draw_importance(right, importance[order], COLORS[kind])
    figure.suptitle(heading, x=0.012, ha="left", fontsize=11, fontweight="bold", parse_math=False)
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal motion is to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})


def drawing_order(regions: Sequence[str]) -> list[int]:
    """Places of the regions from top to bottom: as given, but the right one of a pair follows the left one.

    >>> drawing_order(["left brow", "left lid", "right brow", "nose", "right lid"])
    [0, 2, 1, 4, 3]
    """
    order: list[int] = []
    for place, name in enumerate(regions):
        other = name.replace("left", "right", 1)
        order += [place, regions.index(other)] if other in regions else [place]
    return list(dict.fromkeys(order))


def _draw_motion(
    axes: Axes,
    regions: Sequence[str],
    times_s: NDArray[np.float64],
    motion: FloatArray,
    marks: Mapping[str, float],
    label: str,
) -> None:
    from matplotlib import colormaps

    colors = colormaps[MOTION_COLORS].with_extremes(bad=NO_FACE)
    half = (times_s[-1] - times_s[0]) / (len(times_s) - 1) / 2
    extent = (float(times_s[0] - half), float(times_s[-1] + half), len(regions) - 0.5, -0.5)
    largest = float(np.nanmax(motion)) if np.isfinite(motion).any() else 0.0
    image = axes.imshow(
        np.ma.masked_invalid(motion.T), cmap=colors, vmin=0, vmax=largest or 1.0, extent=extent, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    for style, (name, time_s) in zip(MARK_STYLES, marks.items(), strict=False):
        axes.axvline(time_s, color="white", linestyle=style, linewidth=1.3)
        axes.annotate(
            name, (time_s, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=8, color="#444444", parse_math=False,
        )  # fmt: skip
    axes.set_yticks(range(len(regions)), regions, fontsize=8)
    axes.set_xlabel("time in the video (s)", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", aspect=45, pad=0.02, fraction=0.03)
    bar.set_label(label, fontsize=8.5, parse_math=False)
    bar.ax.tick_params(labelsize=8)


def _draw_importance(axes: Axes, importance: FloatArray, color: str) -> None:
    colors = [color if value >= 0 else LOWER_COLOR for value in importance]
    axes.barh(range(len(importance)), importance, height=0.7, color=colors)
    axes.axvline(0, color="#444444", linewidth=0.8)
    least, most = min(0.0, float(importance.min())), max(0.0, float(importance.max()))
    room = 0.06 * (most - least) or 0.01
    axes.set_xlim(least - (room if least < 0 else 0), most + room)
    axes.set_xlabel("fall of the score\nwithout its motion", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
