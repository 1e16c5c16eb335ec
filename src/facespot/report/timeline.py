"""The timeline: scores, threshold and intervals of both types over time, with the faces at the apex frames.

One panel per type. The curve is the smoothed score, the dashed line the threshold, the shaded spans are the spotted
intervals, and each picture is the face at the apex that its line leads to. True intervals, where given, are drawn as
black bars below the curve. Emotions, where named, stand above the curve in the middle of their interval, one below the
other where they would overlap. Of given intervals, which have no scores, the class probabilities are drawn instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facespot.values import EMOTION_CHANNEL, KINDS, Curve, Expression, Kind, Result, Timebase, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"macro": "#2f6db5", "micro": "#d1495b"}
WIDTH_INCHES = 13.0
PICTURE_INCHES = 0.92
PICTURES_IN_ROW = 12
ABOVE_INCHES, BELOW_INCHES = 0.7, 0.63
SCORES_INCHES = 1.75
LEFT, RIGHT = 0.075, 0.985
# Of the names of emotions: size in points, height of a line, and width of a letter with what keeps two names apart.
NAME_POINTS, NAME_LINE_INCHES, NAME_LETTER_INCHES = 7.5, 0.14, 0.062


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

    kinds = tuple(curve.kind for curve in result.curves) or KINDS
    limits = _time_limits(result, truth)
    names = {kind: _names(result.track.of_kind(kind), limits) for kind in kinds}
    heights = []
    for kind in kinds:
        heights.append(PICTURE_INCHES + 0.25 if _shown(result, kind) else 0.05)
        heights.append(SCORES_INCHES + _headroom_inches(names[kind]))
    whole = sum(heights) + 1.2
    figure = Figure(figsize=(WIDTH_INCHES, whole), dpi=110)
    FigureCanvasAgg(figure)
    top, bottom = 1 - ABOVE_INCHES / whole, BELOW_INCHES / whole
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.12, left=LEFT, right=RIGHT, top=top, bottom=bottom
    )
    by_kind = {curve.kind: curve for curve in result.curves}
    scored: Axes | None = None
    for index, kind in enumerate(kinds):
        row = figure.add_subplot(grid[2 * index])
        scored = figure.add_subplot(grid[2 * index + 1], sharex=scored)
        if kind in by_kind:
            _draw_scores(scored, result, by_kind[kind])
        else:
            _draw_probabilities(scored, result, kind)
        _draw_intervals(scored, result, kind, truth)
        scored.set_xlim(*limits)
        _draw_names(scored, names[kind])
        _draw_pictures(row, scored, result, kind)
        if index < len(kinds) - 1:
            scored.tick_params(labelbottom=False)
    if scored is not None:
        scored.set_xlabel("time in seconds", loc="center" if by_kind else "left")
        if not by_kind:
            handles, labels = scored.get_legend_handles_labels()
            figure.legend(handles, labels, loc="lower right", ncols=max(1, len(labels)), fontsize=8, frameon=False)
    figure.text(LEFT, 1 - 0.25 / whole, result.track.video, fontsize=14, fontweight="bold", va="center")
    figure.text(RIGHT, 1 - 0.25 / whole, doubts_of(result), fontsize=8, color=COLORS["micro"], ha="right", va="center")
    figure.text(LEFT, 1 - 0.49 / whole, _subtitle(result, truth), fontsize=10, color="#444444", va="center")
    # The default metadata holds the version of Matplotlib: equal results are to give equal bytes.
    figure.savefig(path, format="png", metadata={"Software": None})


def _subtitle(result: Result, truth: Track | None) -> str:
    kinds = [curve.kind for curve in result.curves] or KINDS
    counts = ", ".join(f"{len(result.track.of_kind(kind).expressions)} {kind}" for kind in kinds)
    if not result.curves:
        return f"{methods_of(result)}: {counts}; lines: class probabilities. An emotion that is shown is not one felt."
    bars = "; black bars: annotated" if truth is not None else ""
    dashed = "; dashed: threshold" if any(curve.threshold is not None for curve in result.curves) else ""
    begin = f"{methods_of(result)}: {counts} spotted{dashed}{bars}."
    return f"{begin} False positives are common: check each one."


def doubts_of(result: Result) -> str:
    """Why micro-expressions are unreliable, the first reason in words and the others by their number; else empty."""
    if not result.micro_doubts:
        return ""
    first, *others = result.micro_doubts
    more = f" (and {len(others)} more)" if others else ""
    return f"micro: unreliable: {first}{more}"


def methods_of(result: Result) -> str:
    """Who spotted and who named emotions: ``method softnet, emotions by mean``."""
    method = str(result.provenance.get("method", "?"))
    spotter = f"method {method}" if result.curves else method
    recognizer = result.provenance.get("recognizer")
    return f"{spotter}, emotions by {recognizer['name']}" if recognizer else spotter


def seconds(timebase: Timebase, frames: Any) -> np.ndarray:
    """Times of frames in seconds."""
    if timebase.timestamps_s is not None:
        return np.asarray(timebase.timestamps_s[frames])
    return np.asarray(frames) / timebase.fps


def _span(timebase: Timebase, one: Expression) -> tuple[float, float]:
    return timebase.seconds(one.onset), timebase.seconds(one.offset) + 1.0 / timebase.fps


def _time_limits(result: Result, truth: Track | None) -> tuple[float, float]:
    """Begin and end of the time axis in seconds."""
    # The last rows of a video have no score, but an expression may reach into them.
    drawn = (*result.track.expressions, *(truth.expressions if truth is not None else ()))
    first = min([int(result.scores.frames[0]), *(one.onset for one in drawn)])
    last = max([int(result.scores.frames[-1]), *(one.offset for one in drawn)])
    timebase = result.track.timebase
    return timebase.seconds(first), timebase.seconds(last) + 1.0 / timebase.fps


def _draw_scores(axes: Axes, result: Result, curve: Curve) -> None:
    timebase, color = result.track.timebase, COLORS[curve.kind]
    raw, _ = result.scores.channel(curve.kind)
    axes.plot(seconds(timebase, result.scores.frames), raw, color=color, alpha=0.25, linewidth=0.7)
    axes.plot(seconds(timebase, curve.frames), curve.values, color=color, linewidth=1.4)
    if curve.threshold is not None:
        axes.axhline(curve.threshold, color="#333333", linestyle="--", linewidth=0.9)
    axes.set_ylabel(f"{curve.kind}\nscore")


def _draw_probabilities(axes: Axes, result: Result, kind: Kind) -> None:
    timebase, scores = result.track.timebase, result.scores
    for name in scores.channels:
        if name.startswith(EMOTION_CHANNEL):
            values, _ = scores.channel(name)
            label = name.removeprefix(EMOTION_CHANNEL)
            axes.plot(seconds(timebase, scores.frames), values, linewidth=1.0, label=label)
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel(f"{kind}\nprobability")


def _draw_intervals(axes: Axes, result: Result, kind: Kind, truth: Track | None) -> None:
    for one in result.track.of_kind(kind).expressions:
        axes.axvspan(*_span(result.track.timebase, one), color=COLORS[kind], alpha=0.18, linewidth=0)
    if truth is not None:
        for one in truth.of_kind(kind).expressions:
            start, stop = _span(truth.timebase, one)
            axes.plot([start, stop], [0.045, 0.045], color="black", linewidth=5, solid_capstyle="butt",
                      transform=axes.get_xaxis_transform())  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)


@dataclass(frozen=True)
class _Name:
    """The emotion of one interval: its text, its middle as a share of the time axis, and its line from the top."""

    text: str
    center: float
    line: int


def _names(track: Track, limits: tuple[float, float]) -> list[_Name]:
    """Emotions of a track, each on the first line where it overlaps none before it."""
    low, high = limits
    names: list[_Name] = []
    reached: list[float] = []
    for one in track.expressions:
        if one.emotion is None:
            continue
        text = emotion_text(one)
        width = len(text) * NAME_LETTER_INCHES / (WIDTH_INCHES * (RIGHT - LEFT))
        middle = (sum(_span(track.timebase, one)) / 2 - low) / (high - low)
        center = min(max(middle, width / 2), max(1 - width / 2, 0.5))
        line = next((index for index, end in enumerate(reached) if end <= center - width / 2), len(reached))
        if line == len(reached):
            reached.append(0.0)
        reached[line] = center + width / 2
        names.append(_Name(text, center, line))
    return names


def emotion_text(one: Expression) -> str:
    """Emotion with its probability, where it has one.

    >>> emotion_text(Expression(1, 2, 3, "micro", "negative", emotion_probability=0.875))
    'negative 0.88'
    """
    probability = "" if one.emotion_probability is None else f" {one.emotion_probability:.2f}"
    return f"{one.emotion or ''}{probability}"


def _headroom_inches(names: list[_Name]) -> float:
    return max((name.line + 1 for name in names), default=0) * NAME_LINE_INCHES


def _draw_names(axes: Axes, names: list[_Name]) -> None:
    """Emotions in a strip above the curve, which keeps its height."""
    if not names:
        return
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    whole = SCORES_INCHES + _headroom_inches(names)
    axes.set_ylim(low, low + (high - low) * whole / SCORES_INCHES)
    axes.set_yticks(ticks)
    for name in names:
        axes.text(name.center, 1 - (name.line + 0.5) * NAME_LINE_INCHES / whole, name.text, ha="center", va="center",
                  fontsize=NAME_POINTS, color="#222222", parse_math=False, transform=axes.transAxes)  # fmt: skip


def _shown(result: Result, kind: Kind) -> list[Expression]:
    """The strongest expressions of a type that have a picture, in order of time."""
    pictured = [one for one in result.track.of_kind(kind).expressions if one.apex in result.pictures]
    return sorted(sorted(pictured, key=lambda one: -(one.score or 0.0))[:PICTURES_IN_ROW], key=Expression.sort_key)


def _draw_pictures(row: Axes, scored: Axes, result: Result, kind: Kind) -> None:
    """Faces side by side in order of time, each one tied to its apex."""
    from matplotlib.patches import ConnectionPatch

    row.set_axis_off()
    shown = _shown(result, kind)
    low, high = scored.get_xlim()
    timebase = result.track.timebase
    times = [timebase.seconds(one.apex) for one in shown if one.apex is not None]
    width = PICTURE_INCHES / (WIDTH_INCHES * (RIGHT - LEFT))
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
            spine.set_edgecolor(COLORS[kind])
        tie = ConnectionPatch(
            (0.5, 0.0), (time, 1.0), "axes fraction", scored.get_xaxis_transform(), axesA=inset, axesB=scored,
            color=COLORS[kind], linewidth=0.8,
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
