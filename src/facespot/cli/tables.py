"""Results as tables for people."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facespot.report.timeline import methods_of
from facespot.values import KINDS, Expression, Result, Track

WIDTH = 100


def console_of_stdout() -> Console:
    """Stdout; a fixed width where it is no terminal, so that files and pipes do not depend on the window."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def print_result(result: Result, folder: Path) -> None:
    """Expressions of one video, what a reader must know, and where the files are."""
    console = console_of_stdout()
    track = result.track
    timebase = track.timebase
    console.print(
        f"[bold]{escape(track.video)}[/bold]  {timebase.duration_s:.1f} s, {timebase.n_frames} frames, "
        f"{timebase.fps:.4g} per second; {methods_of(result)}"
    )
    for note in result.notes:
        console.print(f"note: {escape(note)}")
    if track.expressions:
        table = Table(box=SIMPLE, pad_edge=False)
        table.add_column("type")
        for column in ("onset", "apex", "offset", "onset s", "apex s", "offset s", "score"):
            table.add_column(column, justify="right")
        named = any(one.emotion is not None for one in track.expressions)
        if named:
            table.add_column("emotion")
            table.add_column("probability", justify="right")
        for one in track.expressions:
            cells = [one.kind, *_frames(one), *_times(one, track), "" if one.score is None else f"{one.score:.4g}"]
            table.add_row(*cells, *(_emotion(one) if named else []))
        console.print(table)
    kinds = [curve.kind for curve in result.curves] or KINDS
    found = ", ".join(f"{len(track.of_kind(kind).expressions)} {kind}" for kind in kinds)
    if not track.expressions:
        console.print("nothing was spotted")
    console.print(f"{found}; frames count from 0; written to {escape(str(folder))}/\n", soft_wrap=True)


def _emotion(one: Expression) -> list[str]:
    probability = "" if one.emotion_probability is None else f"{one.emotion_probability:.2f}"
    return [escape(one.emotion or ""), probability]


def _frames(one: Expression) -> list[str]:
    return ["" if frame is None else str(frame) for frame in (one.onset, one.apex, one.offset)]


def _times(one: Expression, track: Track) -> list[str]:
    frames = (one.onset, one.apex, one.offset)
    return ["" if frame is None else f"{track.timebase.seconds(frame):.3f}" for frame in frames]
