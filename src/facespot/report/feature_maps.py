"""Feature maps over the face: what several layers of a network hold of some frames, one row of pictures per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facespot.export.atomic import output_folder
from facespot.report.heat_map import draw_bar, fading_colors
from facespot.values import ByteImage, FloatArray

PICTURE_INCHES = 1.75
GAP_INCHES = 0.1
TITLE_INCHES = 0.3
MARGIN_INCHES = 0.25
HEADINGS_INCHES = 0.24
BAR_INCHES = 0.6
DOTS_PER_INCH = 110
GRAY = "#555555"


@dataclass(frozen=True, eq=False)
class FeatureMapRow:
    """One frame.

    Parameters
    ----------
    title : str
        Printed above.
    face : (h, w, 3) uint8 array
        RGB crop of the frame.
    maps : tuple of (h, w) float32 arrays
        0 to 1 over the same crop, one for each heading; their sizes may differ from the face's.
    """

    title: str
    face: ByteImage
    maps: tuple[FloatArray, ...]


def write_feature_maps(headings: Sequence[str], rows: Sequence[FeatureMapRow], path: Path) -> None:
    """Draw the face of each frame, and its maps over it, into a PNG file.

    Parameters
    ----------
    headings : sequence of str
        Names of the maps.
    rows : sequence of FeatureMapRow
        At least one.
    path : Path
        File to write.

    Raises
    ------
    ValueError
        There is no row, or one has not a map for each heading.
    OutputError
        The file cannot be written.
    """
    if not rows or any(len(row.maps) != len(headings) for row in rows):
        raise ValueError(f"{[len(row.maps) for row in rows]} maps for {len(headings)} headings cannot be drawn")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    step = PICTURE_INCHES + GAP_INCHES
    row_inches = TITLE_INCHES + step
    width = 2 * MARGIN_INCHES + (1 + len(headings)) * step - GAP_INCHES + BAR_INCHES
    height = 2 * MARGIN_INCHES + HEADINGS_INCHES + len(rows) * row_inches - GAP_INCHES
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)

    def place(left: float, top: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Inches from the upper left corner to fractions of the figure."""
        return left / width, 1 - (top + high) / height, wide / width, high / height

    for column, heading in enumerate(("face", *headings)):
        center, below, _, _ = place(MARGIN_INCHES + column * step + PICTURE_INCHES / 2, MARGIN_INCHES, 0, 0)
        figure.text(center, below, heading, fontsize=9, color=GRAY, ha="center", va="top", parse_math=False)
    colors = fading_colors()
    for index, row in enumerate(rows):
        top = MARGIN_INCHES + HEADINGS_INCHES + index * row_inches
        left, middle, _, _ = place(MARGIN_INCHES, top + TITLE_INCHES / 2, 0, 0)
        figure.text(left, middle, row.title, fontsize=9.5, fontweight="bold", va="center", parse_math=False)
        for column, values in enumerate((None, *row.maps)):
            axes = figure.add_axes(
                place(MARGIN_INCHES + column * step, top + TITLE_INCHES, PICTURE_INCHES, PICTURE_INCHES)
            )
            axes.set_axis_off()
            axes.imshow(row.face, extent=(0, 1, 0, 1), interpolation="bilinear")
            if values is not None:
                axes.imshow(
                    values, extent=(0, 1, 0, 1), cmap=colors, vmin=0, vmax=1, interpolation="bilinear",
                    interpolation_stage="rgba",
                )  # fmt: skip
    first_top = MARGIN_INCHES + HEADINGS_INCHES + TITLE_INCHES
    draw_bar(figure, place(MARGIN_INCHES + (1 + len(headings)) * step, first_top, 0.12, PICTURE_INCHES))
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal rows are to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})
