"""``facespot recognize``: a video and given expressions in, their emotions out."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facespot.errors import FormatError

if TYPE_CHECKING:
    from facespot.values import Track
    from facespot.video import Video

EXAMPLES = """\
Examples:

  facespot recognize talk.mp4 --intervals talk.eaf --weights mean-weights

  facespot recognize frames/s15 --frame-rate 30 --intervals spotted.csv --weights mean-weights --case onset_to_offset
"""


def recognize_command(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Video file or folder of frames.")],
    intervals: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Expressions to name: .csv, .json, .eaf, .TextGrid or .tsv.", show_default=False
        ),
    ],
    method: Annotated[str, typer.Option(help="Method that names emotions.")] = "mean",
    weights: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Checkpoint folder.", show_default=False)
    ] = None,
    case: Annotated[
        str | None,
        typer.Option(help="Frames that vote: onset_to_apex (default), apex or onset_to_offset.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results, one subfolder per video.")] = Path(
        "facespot_results"
    ),
    start: Annotated[float | None, typer.Option(metavar="SECONDS", help="Begin here.", show_default=False)] = None,
    end: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop here.", show_default=False)] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Read so many frames per second instead of all.", show_default=False),
    ] = None,
    frame_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Frames per second of a folder of frames.", show_default=False)
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(metavar="N", help="Follow the N-th face, 1 being the largest that persists.", show_default=False),
    ] = None,
    detector: Annotated[str, typer.Option(help="Face and landmark detector: mediapipe, dlib or mtcnn.")] = "mediapipe",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the method.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Threads for the optical flow; default: all processors.", show_default=False),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for features; default: ~/.cache/facespot.", show_default=False),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no features on disk.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """Name the emotion of given expressions, spotted by any method or annotated by a person.

    Of the file, the expressions of this video are taken: those under its name, or of the only video in it. Onset, apex,
    offset, type, action units and score stay as they are. The emotion of the file is replaced, and kept where none
    could be named. Prints a table and writes expressions.csv, expressions.json, scores.npz and timeline.png.

    The emotion is what the face shows to a network, not what a person feels.
    """
    from facespot.cli.progress import StageProgress
    from facespot.cli.spot import parse_settings, run_settings, write_files
    from facespot.cli.tables import print_result
    from facespot.export.document import result_document
    from facespot.faces import FaceSettings
    from facespot.pipeline import ReadSettings, ready_recognizer, recognize
    from facespot.video import open_video

    changes = parse_settings(settings or []) | ({} if case is None else {"case": case})
    recognizer = ready_recognizer(method, weights or (), changes)
    source = open_video(video, frame_rate=frame_rate)
    track, notes = read_intervals(intervals, source)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    with StageProgress(video.name, shown=not as_json) as progress:
        result = recognize(
            video,
            track,
            method=recognizer,
            read=ReadSettings(start_s=start, end_s=end, fps=fps, frame_rate=frame_rate),
            face=FaceSettings(detector=detector, face=face),
            run=run_settings(cache, no_cache, workers, progress),
        )
    origin = {"file": intervals.name, "sha256": hashlib.sha256(intervals.read_bytes()).hexdigest()}
    result = replace(result, provenance={**result.provenance, "intervals": origin})
    folder = out / source.name
    write_files(result, folder)
    if as_json:
        document = {"schema": "facespot.results/1", "results": [result_document(result)], "failed": []}
        print(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False))
    else:
        print_result(result, folder)


def read_intervals(path: Path, video: Video) -> tuple[Track, tuple[str, ...]]:
    """The expressions of one video, and what of the file is not used.

    Raises
    ------
    FormatError
        If the file cannot be read, or holds several videos and not this one.
    """
    from facespot.export import read_content

    # A table may hold other, longer videos too: only files of one video are read by this one's frames.
    timebase = None if path.suffix.lower() in (".csv", ".json") else video.timebase
    content = read_content(path, timebase=timebase, frame_rate=video.timebase.fps)
    own = [track for track in content.tracks if track.video == video.name]
    if len(own) == 1:
        return own[0], content.notes
    if len(content.tracks) != 1:
        named = ", ".join(track.video for track in content.tracks) or "none"
        what = f"it holds the videos {named}, and {video.name!r} {'several times' if own else 'is not among them'}"
        raise FormatError(str(path), what, f"name the expressions of this video {video.name!r}")
    (only,) = content.tracks
    return only, (*content.notes, f"{path}: the expressions of {only.video!r} are taken for {video.name!r}")
