"""``facespot convert``: one annotation format to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.export.files import Format
    from facespot.values import Timebase


def convert_command(
    source: Annotated[Path, typer.Argument(metavar="A", help="File to read: .csv, .json, .eaf, .TextGrid or .tsv.")],
    target: Annotated[Path, typer.Argument(metavar="B", help="File to write; or a folder, together with --to.")],
    source_format: Annotated[
        str | None, typer.Option("--from", help="Format of A: csv, json, eaf, textgrid, bids or challenge.")
    ] = None,
    target_format: Annotated[str | None, typer.Option("--to", help="Format of B, where its name does not say.")] = None,
    media: Annotated[
        Path | None, typer.Option(help="The video: gives the frame times, and is linked in an .eaf.")
    ] = None,
    frame_rate: Annotated[float | None, typer.Option(help="Frames per second, where no video is given.")] = None,
    frames: Annotated[int | None, typer.Option(help="Number of frames of the video, with --frame-rate.")] = None,
    index_base: Annotated[int, typer.Option(help="Number of the first frame in challenge files, 0 or 1.")] = 1,
) -> None:
    """Convert annotations between the facespot CSV and JSON, ELAN, Praat TextGrid, BIDS events and challenge tables.

    Files that hold seconds need the video or its frame rate, unless facespot wrote them. Whatever the new file cannot
    hold is named on stderr.

    Example: facespot convert examples/demo_truth.csv demo.eaf --media examples/demo.mp4
    """
    from facespot.export import read_content, write_tracks
    from facespot.export.files import lost_parts

    written, read = _checked(target_format, "--to"), _checked(source_format, "--from")
    timebase = _timebase(media, frame_rate, frames)
    content = read_content(source, format=read, timebase=timebase, frame_rate=frame_rate, index_base=index_base)
    linked = None if media is None or media.is_dir() else media
    write_tracks(content.tracks, target, format=written, media=linked, index_base=index_base)
    for note in (*content.notes, *lost_parts(content.tracks, target, written)):
        print(f"note: {note}", file=sys.stderr)
    count = sum(len(track.expressions) for track in content.tracks)
    print(f"{target}: expressions: {count}, videos: {len(content.tracks)}")


def _checked(name: str | None, option: str) -> Format | None:
    from facespot.export.files import FORMATS

    for known in FORMATS:
        if name == known:
            return known
    if name is not None:
        raise SettingsError(option, f"{name!r} is not a format", f"choose one of {', '.join(FORMATS)}")
    return None


def _timebase(media: Path | None, frame_rate: float | None, frames: int | None) -> Timebase | None:
    from facespot.values import Timebase

    if frame_rate is not None and not 0 < frame_rate < float("inf"):
        raise SettingsError("--frame-rate", f"{frame_rate:g} is impossible", "give a number above 0")
    if media is not None:
        from facespot.video import open_video

        if frames is not None:
            raise SettingsError("--frames", "the video says how many frames it has", "leave --frames or --media out")
        return open_video(media, frame_rate=frame_rate).timebase
    if frames is None:
        return None
    if frame_rate is None or frames < 1:
        raise SettingsError("--frames", "it needs --frame-rate and at least 1 frame", "give both")
    return Timebase(frame_rate, frames)
