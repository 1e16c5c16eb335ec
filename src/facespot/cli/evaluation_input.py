"""The files of an evaluation: truth, predictions and the table of subjects."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from facespot.errors import FormatError, SettingsError
from facespot.values import Timebase, Track

if TYPE_CHECKING:
    from facespot.metrics import Corpus

# What a table without times is read as.
UNKNOWN_RATE = 1.0


@dataclass(frozen=True)
class EvaluationInput:
    """What the files hold.

    Parameters
    ----------
    truth : list of Track
        Also videos without any expression, where the table of subjects names them.
    predicted : list of list of Track
        One list per prediction file.
    corpus : Corpus
    notes : tuple of str
        What of the files is not used.
    """

    truth: list[Track]
    predicted: list[list[Track]]
    corpus: Corpus
    notes: tuple[str, ...]


def read_input(
    truth: Path,
    predicted: Sequence[Path],
    *,
    subjects: Path | None,
    classes: tuple[str, ...] | None,
    frame_rate: float | None,
) -> EvaluationInput:
    """Read the files of an evaluation.

    Raises
    ------
    FormatError
        If a file cannot be read or a row does not fit.
    SettingsError
        If the frame rate or the classes make no sense.
    """
    from facespot.export import read_content
    from facespot.metrics import Corpus

    if frame_rate is not None and not 0 < frame_rate < float("inf"):
        raise SettingsError("--frame-rate", f"{frame_rate} is out of range", "give frames per second above 0")
    if classes is not None and (not classes or len(set(classes)) != len(classes)):
        raise SettingsError("--classes", "no name, or one twice", "give names with commas between, each once")
    contents = {path: read_content(path, frame_rate=frame_rate) for path in (truth, *predicted)}
    notes = [f"{path}: {note}" for path, content in contents.items() for note in content.notes]
    guesses = [list(contents[path].tracks) for path in predicted]
    named, frames = read_subjects(subjects) if subjects is not None else ({}, {})
    rates = {
        track.video: track.timebase.fps
        for tracks in (*guesses, contents[truth].tracks)
        for track in tracks
        if track.timebase.fps != UNKNOWN_RATE
    }
    true = [_with_rate(track, rates) for track in contents[truth].tracks]
    present = {track.video for track in true}
    silent = [video for video in named if video not in present]
    common = frame_rate or _common_rate([*rates.values()])
    without_rate = [video for video in silent if video not in rates]
    if without_rate and common != UNKNOWN_RATE and frame_rate is None:
        notes.append(f"no file gives the frame rate of {', '.join(without_rate)}: {common:g} of the others is taken")
    true += [Track(video, Timebase(rates.get(video, common), frames.get(video, 1))) for video in silent]
    # Only a JSON holds the length of its video; tables end with their last expression.
    lengths = {
        track.video: track.timebase
        for path in (*reversed(predicted), truth)
        if path.suffix.lower() == ".json"
        for track in contents[path].tracks
    }
    for track in true:
        if track.video in frames:
            _check_length(track, frames[track.video], subjects)
            lengths[track.video] = Timebase(track.timebase.fps, frames[track.video])
    known = bool(true) and all(track.timebase.fps != UNKNOWN_RATE for track in true)
    unnamed = sorted(track.video for track in true if named and track.video not in named)
    if unnamed:
        notes.append(f"{subjects}: no subject for {', '.join(unnamed)}; each counts as a subject of its own")
    return EvaluationInput(true, guesses, Corpus(named, lengths, known, classes), tuple(notes))


def _common_rate(rates: Sequence[float]) -> float:
    """The rate that all videos share to 1 %, or the mark of an unknown one."""
    if not rates or max(rates) > 1.01 * min(rates):
        return UNKNOWN_RATE
    return sorted(rates)[len(rates) // 2]


def _with_rate(track: Track, rates: Mapping[str, float]) -> Track:
    """The same track at the rate that another file gives, where its own file gives none."""
    if track.timebase.fps != UNKNOWN_RATE or track.video not in rates:
        return track
    return replace(track, timebase=Timebase(rates[track.video], track.timebase.n_frames))


def _check_length(track: Track, frames: int, subjects: Path | None) -> None:
    last = max((one.offset for one in track.expressions), default=-1)
    if last >= frames:
        what = f"{track.video} has {frames} frames, but an annotated expression ends at frame {last}"
        raise FormatError(str(subjects), what, "correct the number of frames (frames count from 0)")


def read_subjects(path: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Subject of each video and, where given, its number of frames.

    Raises
    ------
    FormatError
        If a column is missing or a row cannot be read; it names the line.
    """
    from facespot.export.files import decode, read_bytes

    reader = csv.DictReader(io.StringIO(decode(read_bytes(path), path)))
    missing = [name for name in ("video", "subject") if name not in (reader.fieldnames or ())]
    if missing:
        raise FormatError(str(path), f"no column {' or '.join(missing)}", "the first line must be video,subject")
    subjects: dict[str, str] = {}
    frames: dict[str, int] = {}
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        video, subject = (row["video"] or "").strip(), (row["subject"] or "").strip()
        if not video or not subject:
            raise FormatError(where, "video or subject is empty", "give both")
        if video in subjects:
            raise FormatError(where, f"the video {video!r} is named twice", "keep one of the rows")
        subjects[video] = subject
        text = (row.get("frames") or "").strip()
        if text:
            if not text.isdecimal() or int(text) < 1:
                raise FormatError(where, f"frames {text!r} is not a number of frames", "give a whole number above 0")
            frames[video] = int(text)
    return subjects, frames
