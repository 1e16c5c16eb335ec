"""Heat maps: where on the face a method looks in one frame, one row of pictures per expression (SOFTNet, figure 5).

Left the face, then the same face under its heat, then, where given, the motion that the method read. The colour bar
holds for all heat; each picture of motion is scaled to its own 99.5th percentile, so that one pixel does not darken it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facespot.export.atomic import output_folder
from facespot.values import ByteImage, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

PICTURE_INCHES = 2.3
TITLE_INCHES = 0.32
GAP_INCHES = 0.12
MARGIN_INCHES = 0.25
HEADINGS_INCHES = 0.2
BAR_INCHES = 0.62
DOTS_PER_INCH = 110
HEAT_COLORS = "turbo"
MOTION_COLORS = "magma"
MOST_OPAQUE = 0.62
# From here on the heat is as opaque as it becomes: less of it fades into the face.
OPAQUE_FROM = 0.35


@dataclass(frozen=True, eq=False)
class HeatMapRow:
    """One expression.

    Parameters
    ----------
    title : str
        Printed above, such as "s01_1 frame 123, macro, happiness, score 0.71".
    face : (h, w, 3) uint8 array
        RGB crop of the frame.
    heat : (h, w) float32 array
        0 to 1 over the same crop; its size may differ from the face's.
    motion : (h, w) float32 array, optional
        0 and more, such as the optical strain of the crop; its size may differ from the face's.
    """

    title: str
    face: ByteImage
    heat: FloatArray
    motion: FloatArray | None = None


def write_heat_maps(rows: Sequence[HeatMapRow], path: Path) -> None:
    """Draw the rows below one another into a PNG file.

    Parameters
    ----------
    rows : sequence of HeatMapRow
        At least one.
    path : Path
        File to write.

    Raises
    ------
    ValueError
        There is no row.
    OutputError
        The file cannot be written.
    """
    if not rows:
        raise ValueError("there are no heat maps to draw")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    headings = ["face", "heat on the face"]
    if any(row.motion is not None for row in rows):
        headings.append("motion")
    step = PICTURE_INCHES + GAP_INCHES
    row_inches = TITLE_INCHES + step
    width = 2 * MARGIN_INCHES + len(headings) * step - GAP_INCHES + BAR_INCHES
    height = 2 * MARGIN_INCHES + HEADINGS_INCHES + len(rows) * row_inches - GAP_INCHES
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)

    def place(left: float, top: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Inches from the upper left corner to fractions of the figure."""
        return left / width, 1 - (top + high) / height, wide / width, high / height

    for column, heading in enumerate(headings):
        center, below, _, _ = place(MARGIN_INCHES + column * step + PICTURE_INCHES / 2, MARGIN_INCHES, 0, 0)
        figure.text(center, below, heading, fontsize=9, color="#666666", ha="center", va="top")
    for index, row in enumerate(rows):
        top = MARGIN_INCHES + HEADINGS_INCHES + index * row_inches
        left, middle, _, _ = place(MARGIN_INCHES, top + TITLE_INCHES / 2, 0, 0)
        figure.text(left, middle, row.title, fontsize=10, fontweight="bold", va="center", parse_math=False)
        pictures = [
            figure.add_axes(place(MARGIN_INCHES + column * step, top + TITLE_INCHES, PICTURE_INCHES, PICTURE_INCHES))
            for column in range(2 if row.motion is None else 3)
        ]
        _draw_row(pictures, row)
    first_top = MARGIN_INCHES + HEADINGS_INCHES + TITLE_INCHES
    draw_bar(figure, place(MARGIN_INCHES + len(headings) * step, first_top, 0.13, PICTURE_INCHES))
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal rows are to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})


def _draw_row(pictures: Sequence[Axes], row: HeatMapRow) -> None:
    for axes in pictures:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    for axes in pictures[:2]:
        axes.imshow(row.face, extent=(0, 1, 0, 1), interpolation="bilinear")
    pictures[1].imshow(
        row.heat, extent=(0, 1, 0, 1), cmap=fading_colors(), vmin=0, vmax=1, interpolation="bilinear",
        interpolation_stage="rgba",
    )  # fmt: skip
    if row.motion is not None:
        largest = float(np.percentile(row.motion, 99.5)) or 1.0
        pictures[2].imshow(
            row.motion, extent=(0, 1, 0, 1), cmap=MOTION_COLORS, vmin=0, vmax=largest, interpolation="bilinear"
        )


def fading_colors() -> ListedColormap:
    """Colours of the heat, clear at 0."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    values = np.linspace(0, 1, 256)
    colors = np.asarray(colormaps[HEAT_COLORS](values))
    colors[:, 3] = MOST_OPAQUE * np.minimum(values / OPAQUE_FROM, 1)
    return ListedColormap(colors)


def draw_bar(figure: Figure, place: tuple[float, float, float, float]) -> None:
    """The scale of the heat; left, bottom, width and height as fractions of the figure."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes = figure.add_axes(place)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), HEAT_COLORS), cax=axes)
    bar.set_ticks([0, 0.5, 1], labels=["0", "", "1"])
    bar.ax.tick_params(labelsize=8, length=2, color="#666666", labelcolor="#666666")
    bar.set_label("heat", fontsize=9, color="#666666", labelpad=-4)
    bar.outline.set_visible(False)
