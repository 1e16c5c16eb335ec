"""``facespot spot``: videos in, a table and a folder of results for each of them out."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facespot.cli.decision import decision_settings
from facespot.errors import FacespotError, SettingsError

if TYPE_CHECKING:
    from facespot.pipeline import ReadSettings, RunSettings
    from facespot.values import Result, Track

EXAMPLES = """\
Examples:

  facespot spot interview.mp4

  facespot spot recordings/ --out results --workers 2

  facespot spot talk.mov --start 60 --end 120 --face 2

  facespot spot frames/s15/ --frame-rate 30 --method softnet --weights softnet-macro --weights softnet-micro

  facespot spot interview.mp4 --sensitivity high

  facespot spot interview.mp4 --threshold micro=0.8 --json

  facespot spot interview.mp4 --method strain --set p=0.6 --set flow=farneback

  facespot spot interview.mp4 --recognize mean --recognize-weights mean-weights
"""


def spot_command(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO...", help="Video files, folders of frames, or folders of videos.", show_default=False
        ),
    ],
    method: Annotated[str, typer.Option(help="Spotting method; 'facespot methods list' shows all.")] = "regiontcn",
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Checkpoint folder; give it once per type. Default: the weights that come with facespot.",
            show_default=False,
        ),
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
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P | TYPE=P",
            help="Least probability of an expression, of both types or of one; regiontcn only.",
            show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        str | None,
        typer.Option(
            metavar="low|normal|high",
            help="Few false alarms, or few misses; 'facespot models show regiontcn' has the measured precision and "
            "recall of each. Default: normal; regiontcn only.",
            show_default=False,
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="absolute|paper",
            help="The same threshold for all videos, or one relative to each video's own maximum, as in the papers. "
            "Default: absolute for regiontcn, paper for all others.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting; 'facespot methods show' lists them.",
            show_default=False,
        ),
    ] = None,
    recognize: Annotated[
        str | None,
        typer.Option(metavar="METHOD", help="Name the emotion of what was spotted: mean.", show_default=False),
    ] = None,
    recognize_weights: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Checkpoint folder of --recognize.", show_default=False),
    ] = None,
    recognize_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--recognize-set", metavar="NAME=VALUE", help="Change a setting of --recognize.", show_default=False
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Annotated expressions (.csv, .json) to draw in the timeline.", show_default=False
        ),
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
    """Find macro- and micro-expressions: onset, apex and offset; with --recognize also their emotion.

    Prints a table and writes expressions.csv, expressions.json, scores.npz and timeline.png for each video.

    The results are candidates, not findings: false positives are common, and no expression proves a feeling or a lie.
    """
    from facespot.cli.progress import StageProgress
    from facespot.cli.tables import print_result
    from facespot.export import read_tracks
    from facespot.export.document import result_document
    from facespot.pipeline import ReadSettings
    from facespot.video import find_videos

    read = ReadSettings(start_s=start, end_s=end, fps=fps, frame_rate=frame_rate)
    common: dict[str, Any] = {
        "method": method,
        "weights": weights or (),
        "settings": {**decision_settings(method, threshold, sensitivity, rule), **parse_settings(settings or [])},
        "recognize": recognize,
        "recognize_weights": recognize_weights or (),
        "recognize_settings": parse_settings(recognize_settings or [], "--recognize-set"),
    }
    true_tracks = {} if truth is None else {track.video: track for track in read_tracks(truth)}
    paths = find_videos(videos)
    names = folder_names(paths)
    _check_methods(**common)
    documents, failures = [], {}
    for number, (path, name) in enumerate(zip(paths, names, strict=True), start=1):
        title = path.name if len(paths) == 1 else f"{number} of {len(paths)}, {path.name}"
        try:
            with StageProgress(title, shown=not as_json) as progress:
                run = run_settings(cache, no_cache, workers, progress)
                result = _spot_one(path, out / name, read, run, face, detector, true_tracks.get(path.stem), common)
            documents.append(result_document(result))
            if not as_json:
                print_result(result, out / name)
        except Exception as error:  # One failing video must not stop the others, whatever failed.
            if os.environ.get("FACESPOT_DEBUG"):
                raise
            failures[str(path)] = _one_line(error, path)
            print(f"facespot: {failures[str(path)]}", file=sys.stderr)
    if as_json:
        failed = [{"video": path, "error": message} for path, message in failures.items()]
        document = {"schema": "facespot.results/1", "results": documents, "failed": failed}
        print(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False))
    if failures:
        if documents:
            print(f"facespot: {len(failures)} of {len(paths)} videos failed: {', '.join(failures)}", file=sys.stderr)
        raise typer.Exit(1 if documents else 2)


def _check_methods(**common: Any) -> None:
    """Bad settings and weights are the same for all videos: say so once, before any work."""
    from facespot.methods import load_method
    from facespot.pipeline import ready_recognizer

    load_method(common["method"], weights=common["weights"], settings=common["settings"])
    if common["recognize"] is not None:
        ready_recognizer(common["recognize"], common["recognize_weights"], common["recognize_settings"])
    elif common["recognize_weights"] or common["recognize_settings"]:
        raise SettingsError("--recognize", "no method is named", "add --recognize mean")


def run_settings(cache: Path | None, no_cache: bool, workers: int | None, progress: Any) -> RunSettings:
    """How the work is done, from the options of the command line."""
    from facespot.features.cache import default_cache_folder
    from facespot.pipeline import RunSettings

    return RunSettings(
        cache=None if no_cache else cache or default_cache_folder(),
        workers=(os.cpu_count() or 1) if workers is None else workers,
        pictures=True,
        on_progress=progress,
    )


def _spot_one(
    path: Path,
    folder: Path,
    read: ReadSettings,
    run: RunSettings,
    face: int | None,
    detector: str,
    truth: Track | None,
    common: dict[str, Any],
) -> Result:
    from facespot.faces import FaceSettings
    from facespot.pipeline import spot

    result = spot(path, read=read, run=run, face=FaceSettings(detector=detector, face=face), **common)
    write_files(result, folder, truth)
    return result


def write_files(result: Result, folder: Path, truth: Track | None = None) -> None:
    """The files of one video: all of them or none."""
    from facespot.export import write_result
    from facespot.export.atomic import output_folder
    from facespot.report import write_timeline

    with output_folder(folder) as unfinished:
        write_result(result, unfinished)
        write_timeline(result, unfinished / "timeline.png", truth=truth)


def _one_line(error: Exception, path: Path) -> str:
    if isinstance(error, FacespotError):
        return str(error)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{path}: an error of facespot's own ({reason}); please report it with what FACESPOT_DEBUG=1 prints"


def parse_settings(pairs: list[str], option: str = "--set") -> dict[str, str]:
    """``["p=0.6"]`` to ``{"p": "0.6"}``.

    Raises
    ------
    SettingsError
        If a pair has no equals sign.
    """
    parsed = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(option, f"{pair!r} has no '='", f"write NAME=VALUE, for example {option} p=0.6")
        parsed[name.strip()] = value.strip()
    return parsed


def folder_names(paths: list[Path]) -> list[str]:
    """A different folder name for each video: its stem, or as much more of its path as it takes to tell them apart.

    >>> folder_names([Path("a/talk.mp4"), Path("a/talk.avi"), Path("a/walk.mp4")])
    ['talk.mp4', 'talk.avi', 'walk']
    >>> folder_names([Path("a/talk.mp4"), Path("b/talk.mp4")])
    ['a_talk.mp4', 'b_talk.mp4']
    """
    absolute = [path.absolute() for path in paths]
    names = [path.name if path.is_dir() else path.stem for path in absolute]
    for n_parts in range(1, max((len(path.parts) for path in absolute), default=0)):
        repeated = {name for name in names if names.count(name) > 1}
        if not repeated:
            break
        names = [
            "_".join(path.parts[-n_parts:]) if name in repeated else name
            for path, name in zip(absolute, names, strict=True)
        ]
    return names
