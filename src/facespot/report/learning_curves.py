"""Learning curves: loss and accuracy by epoch, of training and held-out samples, of several trainings side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facespot.export.atomic import output_folder

COLORS = ("#2f6db5", "#d1495b", "#3a8f5c", "#8a5ab8")
SIZE_INCHES = (10.5, 4.3)
DOTS_PER_INCH = 110
# The first is the broadest: where curves run on top of one another, all are seen.
WIDTHS = (2.8, 1.4, 1.0, 0.7)
STYLES = {"training": "-", "held out": "--"}


@dataclass(frozen=True)
class EpochFigures:
    """Loss and accuracy of some samples after each epoch.

    Parameters
    ----------
    loss : tuple of float
    accuracy : tuple of float
        In 0..1.
    """

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class LearningCurves:
    """One training.

    Parameters
    ----------
    name : str
        As the legend shows it.
    training, held_out : EpochFigures
    """

    name: str
    training: EpochFigures
    held_out: EpochFigures


def write_learning_curves(curves: Sequence[LearningCurves], path: Path, *, losses: str, accuracies: str) -> None:
    """Draw trainings into a PNG file, left the losses, right the accuracies.

    Parameters
    ----------
    curves : sequence of LearningCurves
        At most four, at least one.
    path : Path
        File to write.
    losses, accuracies : str
        Headings of the two panels.

    Raises
    ------
    ValueError
        If there are none or too many.
    OutputError
        The file cannot be written.
    """
    if not 0 < len(curves) <= len(COLORS):
        raise ValueError(f"{len(curves)} trainings cannot be drawn")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for color, width, one in zip(COLORS, WIDTHS, curves, strict=False):
        parts: Mapping[str, EpochFigures] = {"training": one.training, "held out": one.held_out}
        for part, found in parts.items():
            epochs = range(1, len(found.loss) + 1)
            style = {"color": color, "linestyle": STYLES[part], "linewidth": width}
            # A single epoch is a point, which a line does not show.
            style |= {"marker": "."} if len(found.loss) < 10 else {}
            left.plot(epochs, found.loss, label=f"{one.name}, {part}", **style)
            right.plot(epochs, [100 * value for value in found.accuracy], **style)
    left.set_ylim(0, 1.05 * max(max(part.loss) for one in curves for part in (one.training, one.held_out)))
    right.set_ylim(-2, 102)
    for axes, heading in ((left, losses), (right, accuracies)):
        axes.set_title(heading, fontsize=10, pad=10)
        axes.set_xlabel("epoch", fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.tick_params(labelsize=8)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(curves) * 2, fontsize=8.5, frameon=False)
    with output_folder(path.parent) as folder:
        figure.savefig(folder / path.name, format="png", metadata={"Software": None})
