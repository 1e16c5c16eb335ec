"""Which file holds which format; writing and reading them all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from facespot.errors import FormatError
from facespot.export.atomic import output_folder, write_text
from facespot.export.bids import format_events, parse_events
from facespot.export.challenge import format_submission, is_submission, parse_submission
from facespot.export.document import format_document, parse_tracks, tracks_document
from facespot.export.elan import format_eaf, parse_eaf
from facespot.export.table import format_table, parse_table
from facespot.export.textgrid import format_textgrid, parse_textgrid
from facespot.export.tiers import TimedTrack, end_of_marks, read_tiers
from facespot.values import Expression, Timebase, Track

Format: TypeAlias = Literal["csv", "json", "eaf", "textgrid", "bids", "challenge"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".json": "json",
    ".eaf": "eaf",
    ".textgrid": "textgrid",
    ".tsv": "bids",
}
_ENDINGS: dict[Format, str] = {"eaf": ".eaf", "textgrid": ".TextGrid", "bids": "_events.tsv"}
_KNOWN = "name a .csv, .json, .eaf, .TextGrid or .tsv file"


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Parameters
    ----------
    tracks : tuple of Track
        One per video.
    notes : tuple of str
        Everything in the file that is in no track, one sentence each.
    """

    tracks: tuple[Track, ...]
    notes: tuple[str, ...] = ()


def write_tracks(
    tracks: Track | Iterable[Track],
    path: str | Path,
    *,
    format: Format | None = None,  # noqa: A002 - the public name
    media: str | Path | None = None,
    index_base: int = 1,
) -> None:
    """Write tracks to a file, or to one file per video.

    Parameters
    ----------
    tracks : Track or iterable of Track
        What to write.
    path : str or Path
        The file; its suffix names the format. ELAN, TextGrid and BIDS files hold one video each: for several videos
        name a folder and give `format`.
    format : {"csv", "json", "eaf", "textgrid", "bids", "challenge"}, optional
        Format, where the suffix does not say it. ``"challenge"`` is a .csv of its own.
    media : str or Path, optional
        Video file that an .eaf links to.
    index_base : {0, 1}
        Number of the first frame in a challenge file.

    Raises
    ------
    FormatError
        If the format is unknown, or cannot hold the tracks.
    OutputError
        If it cannot be written.
    """
    path = Path(path)
    listed = [tracks] if isinstance(tracks, Track) else list(tracks)
    chosen = _format_of(path, format)
    linked = None if media is None else Path(media)
    if chosen in _ENDINGS and (path.is_dir() or not path.suffix):
        named = _file_names(listed, _ENDINGS[chosen], path)
        texts = {name: _single(track, chosen, path / name, linked) for name, track in named.items()}
        with output_folder(path) as unfinished:
            for name, text in texts.items():
                write_text(unfinished / name, text)
        return
    if chosen == "csv":
        text = format_table(listed)
    elif chosen == "challenge":
        text = format_submission(listed, index_base=_checked_base(index_base))
    elif chosen == "json":
        text = format_document(tracks_document(listed))
    elif len(listed) == 1:
        text = _single(listed[0], chosen, path, linked)
    else:
        what = f"a file of this format holds one video, not {len(listed)}"
        raise FormatError(str(path), what, "name a folder and the format, or write .csv or .json")
    write_text(path, text)


def _single(track: Track, chosen: Format, path: Path, media: Path | None) -> str:
    if chosen == "eaf":
        return format_eaf(track, path, media=media)
    return format_textgrid(track, path) if chosen == "textgrid" else format_events(track, path)


def _file_names(tracks: Sequence[Track], ending: str, folder: Path) -> dict[str, Track]:
    named: dict[str, Track] = {}
    for track in tracks:
        name = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", track.video) + ending
        if name in named:
            what = f"the videos {named[name].video!r} and {track.video!r} would share the file {name}"
            raise FormatError(str(folder), what, "rename one of the videos")
        named[name] = track
    return named


def read_tracks(
    path: str | Path,
    *,
    format: Format | None = None,  # noqa: A002 - the public name
    timebase: Timebase | None = None,
    frame_rate: float | None = None,
    index_base: int = 1,
) -> list[Track]:
    """Read the tracks of a file that `write_tracks` wrote, or of other authors' ELAN, Praat or BIDS files.

    Parameters
    ----------
    path, format
        As for `write_tracks`; a .csv with the header of a challenge file is read as one.
    timebase : Timebase, optional
        Frames and seconds of the video. Files that hold times only need it, or a frame rate.
    frame_rate : float, optional
        Frames per second, where there is no `timebase`; the video then ends with the last annotation.
    index_base : {0, 1}
        Number of the first frame in a challenge file.

    Raises
    ------
    FormatError
        If the file cannot be read; it names the line, the annotation or the value.
    """
    content = read_content(path, format=format, timebase=timebase, frame_rate=frame_rate, index_base=index_base)
    return list(content.tracks)


def read_content(
    path: str | Path,
    *,
    format: Format | None = None,  # noqa: A002 - the public name
    timebase: Timebase | None = None,
    frame_rate: float | None = None,
    index_base: int = 1,
) -> Content:
    """As `read_tracks`, with a note for everything in the file that is in no track."""
    path = Path(path)
    data = read_bytes(path)
    chosen = _format_of(path, format)
    if chosen in ("eaf", "textgrid"):
        timed = parse_eaf(data, path) if chosen == "eaf" else parse_textgrid(data, path)
        return _in_frames(timed, path, path.stem, timebase, frame_rate)
    text = decode(data, path)
    if chosen == "json":
        return Content(tuple(parse_tracks(text, path)))
    if chosen == "bids":
        found, video, notes = parse_events(text, path)
        name = video or path.stem.removesuffix("_events")
        if isinstance(found, TimedTrack):
            content = _in_frames(found, path, name, timebase, frame_rate)
            return Content(content.tracks, (*notes, *content.notes))
        return Content((_track(name, found, path, timebase, frame_rate or _rate(text)),), tuple(notes))
    if chosen == "challenge" or (format is None and is_submission(text)):
        if not is_submission(text):
            raise FormatError(str(path), "it is no submission", "the first line is vid,pred_onset,pred_offset,type")
        rows = parse_submission(text, path, index_base=_checked_base(index_base))
        notes = [] if timebase or frame_rate else ["no frame rate is known: 1 frame per second is assumed"]
        return Content(
            tuple(_track(video, found, path, timebase, frame_rate) for video, found in rows.items()), tuple(notes)
        )
    tracks = parse_table(text, path, timebase=timebase, frame_rate=frame_rate)
    return Content(tuple(tracks), tuple(_duplicates(tracks)))


def read_bytes(path: Path) -> bytes:
    """Content of a file.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(str(path), f"it cannot be read ({error.strerror})", "check the path") from error


def decode(data: bytes, path: Path) -> str:
    """Text of UTF-8 bytes, with or without a byte order mark.

    Raises
    ------
    FormatError
        If they are no UTF-8; it names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{path}, line {line}", "it is not UTF-8 text", "save it again as UTF-8") from error


def lost_parts(
    tracks: Iterable[Track],
    path: str | Path,
    format: Format | None = None,  # noqa: A002 - the public name
) -> list[str]:
    """What of some tracks a file of this name and format cannot hold, one sentence each."""
    chosen = _format_of(Path(path), format)
    if chosen not in ("csv", "challenge"):
        return []
    lost = [f"{track.video} has no expression: the table does not name it" for track in tracks if not track.expressions]
    found = [one for track in tracks for one in track.expressions]
    if chosen == "challenge":
        parts = {
            "apex": any(one.apex is not None for one in found),
            "emotion": any(one.emotion for one in found),
            "emotion probability": any(one.emotion_probability is not None for one in found),
            "action units": any(one.action_units for one in found),
            "score": any(one.score is not None for one in found),
        }
        lost += [f"a challenge table holds no {part}" for part, present in parts.items() if present]
    return lost


def _format_of(path: Path, chosen: Format | None) -> Format:
    if chosen is not None:
        if chosen not in FORMATS:
            raise FormatError(str(path), f"{chosen!r} is not a known format", f"choose one of {', '.join(FORMATS)}")
        return chosen
    known = _SUFFIXES.get(path.suffix.lower())
    if known is None:
        raise FormatError(str(path), f"{path.suffix or 'no suffix'} is not a known format", _KNOWN)
    return known


def _checked_base(index_base: int) -> int:
    if index_base not in (0, 1):
        raise FormatError("index base", f"frames cannot count from {index_base}", "choose 0 or 1")
    return index_base


def _in_frames(
    timed: TimedTrack, path: Path, name: str, timebase: Timebase | None, frame_rate: float | None
) -> Content:
    base = timebase
    if base is None and frame_rate is not None:
        base = _ending_at(end_of_marks(timed), _checked_rate(frame_rate, path))
    base = base or timed.timebase
    if base is None:
        what = "it holds times of a variable frame rate" if timed.variable else "it holds times, but no frame rate"
        raise FormatError(str(path), what, "give the video (--media) or its frame rate (--frame-rate)")
    track, notes = read_tiers(timed, base, path, name)
    return Content((track,), tuple(notes))


def _ending_at(end_s: float, frame_rate: float) -> Timebase:
    return Timebase(frame_rate, max(1, round(end_s * frame_rate)))


def _checked_rate(frame_rate: float, path: Path) -> float:
    if not (frame_rate > 0 and np.isfinite(frame_rate)):
        raise FormatError(str(path), f"a frame rate of {frame_rate:g} is impossible", "give a number above 0")
    return frame_rate


def _track(
    video: str, found: Sequence[Expression], path: Path, timebase: Timebase | None, frame_rate: float | None
) -> Track:
    last = max((one.offset for one in found), default=-1)
    base = timebase or Timebase(_checked_rate(1.0 if frame_rate is None else frame_rate, path), last + 1)
    try:
        return Track(video, base, tuple(found))
    except ValueError as error:
        raise FormatError(str(path), str(error), "check the video and the number of frames") from error


def _rate(events: str) -> float | None:
    """Frames per second of an events file with frame columns, from its latest onset after 0."""
    lines = [line.split("\t") for line in events.splitlines() if line.strip()]
    seconds, frames = lines[0].index("onset"), lines[0].index("onset_frame")
    for row in reversed(lines[1:]):
        if row[frames].strip().isdigit() and int(row[frames]) > 0 and float(row[seconds]) > 0:
            return int(row[frames]) / float(row[seconds])
    return None


def _duplicates(tracks: Iterable[Track]) -> list[str]:
    return [
        f"{track.video}: {one.kind} {one.onset}-{one.offset} is there twice; both are kept"
        for track in tracks
        for one, following in zip(track.expressions, track.expressions[1:], strict=False)
        if one == following
    ]
