"""Results as tables for people."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facespot.values import Expression, Result, Track

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
        f"{timebase.fps:.4g} per second; method {result.provenance['method']}"
    )
    for note in result.notes:
        console.print(f"note: {escape(note)}")
    if track.expressions:
        table = Table(box=SIMPLE, pad_edge=False)
        table.add_column("type")
        for column in ("onset", "apex", "offset", "onset s", "apex s", "offset s", "score"):
            table.add_column(column, justify="right")
        for one in track.expressions:
            table.add_row(one.kind, *_frames(one), *_times(one, track), "" if one.score is None else f"{one.score:.4g}")
        console.print(table)
    counts = {curve.kind: len(track.of_kind(curve.kind).expressions) for curve in result.curves}
    found = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if not track.expressions:
        console.print("nothing was spotted")
    console.print(f"{found}; frames count from 0; written to {escape(str(folder))}/\n", soft_wrap=True)


def _frames(one: Expression) -> list[str]:
    return ["" if frame is None else str(frame) for frame in (one.onset, one.apex, one.offset)]


def _times(one: Expression, track: Track) -> list[str]:
    frames = (one.onset, one.apex, one.offset)
    return ["" if frame is None else f"{track.timebase.seconds(frame):.3f}" for frame in frames]
