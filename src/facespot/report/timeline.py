"""The timeline: scores, threshold and intervals of both types over time, with the faces at the apex frames.

One panel per type. The curve is the smoothed score, the dashed line the threshold, the shaded spans are the spotted
intervals, and each picture is the face at the apex that its line leads to. True intervals, where given, are drawn as
black bars below the curve.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facespot.values import Curve, Expression, Result, Timebase, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"macro": "#2f6db5", "micro": "#d1495b"}
WIDTH_INCHES = 13.0
PICTURE_INCHES = 0.92
PICTURES_IN_ROW = 12
ABOVE_INCHES, BELOW_INCHES = 0.7, 0.63


def write_timeline(result: Result, path: Path, *, truth: Track | None = None) -> None:
    """Draw a result into a PNG file.

    Parameters
    ----------
    result : Result
        With ``pictures`` for the faces; without them the row of faces is left out.
    path : Path
        File to write.
    truth : Track, optional
        Annotated expressions, drawn as bars.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [PICTURE_INCHES + 0.25 if _shown(result, curve) else 0.05 for curve in result.curves]
    heights = [part for row in rows for part in (row, 1.75)]
    whole = sum(heights) + 1.2
    figure = Figure(figsize=(WIDTH_INCHES, whole), dpi=110)
    FigureCanvasAgg(figure)
    top, bottom = 1 - ABOVE_INCHES / whole, BELOW_INCHES / whole
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.12, left=0.075, right=0.985, top=top, bottom=bottom
    )
    scored: Axes | None = None
    for index, curve in enumerate(result.curves):
        row = figure.add_subplot(grid[2 * index])
        scored = figure.add_subplot(grid[2 * index + 1], sharex=scored)
        _draw_scores(scored, result, curve, truth)
        _draw_pictures(row, scored, result, curve)
        if index < len(result.curves) - 1:
            scored.tick_params(labelbottom=False)
    if scored is not None:
        scored.set_xlabel("time in seconds")
    figure.text(0.075, 1 - 0.25 / whole, result.track.video, fontsize=14, fontweight="bold", va="center")
    figure.text(0.075, 1 - 0.49 / whole, _subtitle(result, truth), fontsize=10, color="#444444", va="center")
    # The default metadata holds the version of Matplotlib: equal results are to give equal bytes.
    figure.savefig(path, format="png", metadata={"Software": None})


def _subtitle(result: Result, truth: Track | None) -> str:
    counts = ", ".join(f"{len(result.track.of_kind(curve.kind).expressions)} {curve.kind}" for curve in result.curves)
    method = result.provenance.get("method", "?")
    bars = "; black bars: annotated" if truth is not None else ""
    return f"method {method}: {counts} spotted; dashed: threshold{bars}. False positives are common: check each one."


def seconds(timebase: Timebase, frames: Any) -> np.ndarray:
    """Times of frames in seconds."""
    if timebase.timestamps_s is not None:
        return np.asarray(timebase.timestamps_s[frames])
    return np.asarray(frames) / timebase.fps


def _span(timebase: Timebase, one: Expression) -> tuple[float, float]:
    return timebase.seconds(one.onset), timebase.seconds(one.offset) + 1.0 / timebase.fps


def _draw_scores(axes: Axes, result: Result, curve: Curve, truth: Track | None) -> None:
    timebase, color = result.track.timebase, COLORS[curve.kind]
    raw, _ = result.scores.channel(curve.kind)
    axes.plot(seconds(timebase, result.scores.frames), raw, color=color, alpha=0.25, linewidth=0.7)
    axes.plot(seconds(timebase, curve.frames), curve.values, color=color, linewidth=1.4)
    if curve.threshold is not None:
        axes.axhline(curve.threshold, color="#333333", linestyle="--", linewidth=0.9)
    for one in result.track.of_kind(curve.kind).expressions:
        axes.axvspan(*_span(timebase, one), color=color, alpha=0.18, linewidth=0)
    if truth is not None:
        for one in truth.of_kind(curve.kind).expressions:
            start, stop = _span(truth.timebase, one)
            axes.plot([start, stop], [0.045, 0.045], color="black", linewidth=5, solid_capstyle="butt",
                      transform=axes.get_xaxis_transform())  # fmt: skip
    # The last rows of a video have no score, but an expression may reach into them.
    drawn = (*result.track.expressions, *(truth.expressions if truth is not None else ()))
    first = min([int(result.scores.frames[0]), *(one.onset for one in drawn)])
    last = max([int(result.scores.frames[-1]), *(one.offset for one in drawn)])
    axes.set_xlim(timebase.seconds(first), timebase.seconds(last) + 1.0 / timebase.fps)
    axes.set_ylabel(f"{curve.kind}\nscore")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)


def _shown(result: Result, curve: Curve) -> list[Expression]:
    """The strongest expressions of a type that have a picture, in order of time."""
    pictured = [one for one in result.track.of_kind(curve.kind).expressions if one.apex in result.pictures]
    return sorted(sorted(pictured, key=lambda one: -(one.score or 0.0))[:PICTURES_IN_ROW], key=Expression.sort_key)


def _draw_pictures(row: Axes, scored: Axes, result: Result, curve: Curve) -> None:
    """Faces side by side in order of time, each one tied to its apex."""
    from matplotlib.patches import ConnectionPatch

    row.set_axis_off()
    shown = _shown(result, curve)
    low, high = scored.get_xlim()
    timebase = result.track.timebase
    times = [timebase.seconds(one.apex) for one in shown if one.apex is not None]
    width = PICTURE_INCHES / (WIDTH_INCHES * 0.91)
    height = PICTURE_INCHES / (PICTURE_INCHES + 0.25)
    wanted = [(time - low) / (high - low) for time in times]
    for one, time, center in zip(shown, times, _spread(wanted, width * 1.06), strict=True):
        if one.apex is None:
            continue
        inset = row.inset_axes((center - width / 2, 1 - height, width, height))
        inset.imshow(result.pictures[one.apex])
        inset.set_xticks([])
        inset.set_yticks([])
        for spine in inset.spines.values():
            spine.set_edgecolor(COLORS[curve.kind])
        tie = ConnectionPatch(
            (0.5, 0.0), (time, 1.0), "axes fraction", scored.get_xaxis_transform(), axesA=inset, axesB=scored,
            color=COLORS[curve.kind], linewidth=0.8,
        )  # fmt: skip
        row.add_artist(tie)


def _spread(centers: list[float], width: float) -> list[float]:
    """Centres moved apart so that pictures of a given width do not overlap and stay within 0..1.

    >>> [round(center, 2) for center in _spread([0.5, 0.5], 0.2)]
    [0.4, 0.6]
    >>> [round(center, 2) for center in _spread([0.0, 0.9], 0.2)]
    [0.1, 0.9]
    """
    groups: list[tuple[list[float], float]] = []
    for center in centers:
        group, start = [center], center - width / 2
        start = min(max(start, 0.0), 1.0 - width)
        while groups and groups[-1][1] + width * len(groups[-1][0]) > start:
            before, _ = groups.pop()
            group = before + group
            start = sum(group) / len(group) - width * len(group) / 2
            start = max(min(start, 1.0 - width * len(group)), 0.0)
        groups.append((group, start))
    return [start + width * (index + 0.5) for group, start in groups for index in range(len(group))]
