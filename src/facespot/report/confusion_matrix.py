"""A confusion matrix as a picture: true classes in rows, predicted ones in columns, shares by true class.

The colour of a cell is its share of the row; the per cent stand in it with the count below. A row without samples has
no shares and stays empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facespot.export.atomic import output_folder
from facespot.values import FloatArray, IntArray

CELL_INCHES = 0.95
LETTER_INCHES = 0.072
MARGIN_INCHES = 0.25
HEADINGS_INCHES = 0.75
DOTS_PER_INCH = 110
COLORS = "Blues"
WHITE_FROM = 55.0
UNNAMED = "none"
GRAY = "#666666"


def row_shares(confusion: IntArray) -> FloatArray:
    """Per cent of each row; NaN in a row without samples.

    >>> row_shares(np.array([[3, 1], [0, 0]]))
    array([[75., 25.],
           [nan, nan]])
    """
    counts = np.asarray(confusion, dtype=np.float64)
    total = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    shares: FloatArray = np.divide(100 * counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return shares


def write_confusion_matrix(classes: Sequence[str], confusion: IntArray, path: Path) -> None:
    """Draw a confusion matrix into a PNG file.

    Parameters
    ----------
    classes : sequence of str
    confusion : (C, C) or (C, C + 1) int array
        Counts; the last of C + 1 columns, samples without one of the classes, is drawn where it holds any.
    path : Path
        File to write.

    Raises
    ------
    ValueError
        If the shape does not fit the classes.
    OutputError
        The file cannot be written.
    """
    counts = np.asarray(confusion)
    n = len(classes)
    if n == 0 or counts.shape not in ((n, n), (n, n + 1)):
        raise ValueError(f"{counts.shape} is no confusion matrix of {n} classes")
    if counts.shape[1] > n and not counts[:, n].any():
        counts = counts[:, :n]
    columns = [*classes, UNNAMED][: counts.shape[1]]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left = MARGIN_INCHES + 0.35 + LETTER_INCHES * max(len(f"{name} (000)") for name in classes)
    width = left + CELL_INCHES * len(columns) + MARGIN_INCHES
    height = HEADINGS_INCHES + CELL_INCHES * n + MARGIN_INCHES
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (left / width, MARGIN_INCHES / height, CELL_INCHES * len(columns) / width, CELL_INCHES * n / height)
    )
    shares = row_shares(counts)
    axes.imshow(np.nan_to_num(shares), cmap=COLORS, vmin=0, vmax=100, aspect="auto")
    for row, column in np.ndindex(*counts.shape):
        share = shares[row, column]
        if np.isfinite(share):
            color = "white" if share > WHITE_FROM else "black"
            axes.text(column, row - 0.08, f"{share:.1f}", ha="center", va="center", fontsize=11, color=color)
            axes.text(column, row + 0.22, f"{counts[row, column]}", ha="center", va="center", fontsize=7.5, color=color)
    axes.set_xticks(range(len(columns)), columns, fontsize=9, parse_math=False)
    totals = counts.sum(axis=1)
    named = [f"{name} ({total})" for name, total in zip(classes, totals, strict=True)]
    axes.set_yticks(range(n), named, fontsize=9, parse_math=False)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, n) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    figure.text(
        (left + CELL_INCHES * len(columns) / 2) / width, 1 - 0.1 / height, "predicted, per cent of the true class",
        ha="center", va="top", fontsize=9, color=GRAY,
    )  # fmt: skip
    middle = (MARGIN_INCHES + CELL_INCHES * n / 2) / height
    figure.text(0.12 / width, middle, "true", rotation=90, ha="left", va="center", fontsize=9, color=GRAY)
    with output_folder(path.parent) as folder:
        # The default metadata holds the version of Matplotlib: equal matrices are to give equal bytes.
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})
