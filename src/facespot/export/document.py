"""The facespot JSON: a result with everything that is needed to judge it and to repeat it, or tracks alone.

``schema`` is ``facespot.result/1`` for a result, ``facespot.tracks/1`` for the tracks of any number of videos. Frames
count from 0 and both ends belong to the expression; times are seconds. ``micro_reliable`` says whether the video is
good enough for micro-expressions, null where they were not asked for; the notes say why not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from facespot.errors import FormatError
from facespot.values import Expression, Result, Timebase, Track

SCHEMA = "facespot.result/1"
TRACKS_SCHEMA = "facespot.tracks/1"
CONVENTIONS = "frames count from 0; onset and offset frames both belong to the expression; times are seconds"
LIMITS = (
    "facespot measures facial motion. It does not detect lies or feelings. False positives are common: "
    "a person must check every expression."
)


def result_document(result: Result) -> dict[str, Any]:
    """A result as plain JSON values; raw scores are in ``scores.npz``."""
    track = result.track
    return {
        "schema": SCHEMA,
        "conventions": CONVENTIONS,
        "limits": LIMITS,
        **_track(track),
        "thresholds": {curve.kind: curve.threshold for curve in result.curves},
        "micro_reliable": None if result.micro_doubts is None else not result.micro_doubts,
        "notes": list(result.notes),
        "provenance": dict(result.provenance),
    }


def tracks_document(tracks: Iterable[Track]) -> dict[str, Any]:
    """Tracks as plain JSON values."""
    return {"schema": TRACKS_SCHEMA, "conventions": CONVENTIONS, "tracks": [_track(track) for track in tracks]}


def _track(track: Track) -> dict[str, Any]:
    return {
        "video": track.video,
        "timebase": _timebase(track.timebase),
        "expressions": [_expression(one, track.timebase) for one in track.expressions],
    }


def _timebase(timebase: Timebase) -> dict[str, Any]:
    times = timebase.timestamps_s
    return {
        "fps": timebase.fps,
        "frames": timebase.n_frames,
        "duration_s": timebase.duration_s,
        "timestamps_s": None if times is None else [round(float(time), 6) for time in times],
    }


def _expression(one: Expression, timebase: Timebase) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "onset": one.onset,
        "apex": one.apex,
        "offset": one.offset,
        "onset_s": round(timebase.seconds(one.onset), 6),
        "apex_s": None if one.apex is None else round(timebase.seconds(one.apex), 6),
        "offset_s": round(timebase.seconds(one.offset), 6),
        "emotion": one.emotion,
        "emotion_probability": one.emotion_probability,
        "action_units": list(one.action_units),
        "score": one.score,
    }


def format_document(document: dict[str, Any]) -> str:
    """JSON text; NaN and infinity are refused."""
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def parse_document(text: str, path: Path) -> Track:
    """The track of a facespot JSON that holds one.

    Raises
    ------
    FormatError
        If it is not JSON, not of a known schema, a value does not fit, or there is not one track.
    """
    tracks = parse_tracks(text, path)
    if len(tracks) != 1:
        raise FormatError(str(path), f"it holds {len(tracks)} tracks", "give a file with one")
    return tracks[0]


def parse_tracks(text: str, path: Path) -> list[Track]:
    """All tracks of a facespot JSON, of either schema.

    Raises
    ------
    FormatError
        If it is not JSON, not of a known schema, or a value does not fit.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FormatError(
            str(path), f"it is not JSON ({error})", "give an expressions.json that facespot wrote"
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema not in (SCHEMA, TRACKS_SCHEMA):
        raise FormatError(str(path), f"its schema is {schema!r}", f"this version reads {SCHEMA} and {TRACKS_SCHEMA}")
    try:
        return [_parse_track(one) for one in (document["tracks"] if schema == TRACKS_SCHEMA else [document])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError(str(path), f"a value does not fit ({error!r})", "write it again with facespot") from error


def _parse_track(document: dict[str, Any]) -> Track:
    base = document["timebase"]
    times = None if base["timestamps_s"] is None else np.array(base["timestamps_s"], dtype=np.float64)
    timebase = Timebase(float(base["fps"]), int(base["frames"]), times)
    expressions = tuple(
        Expression(
            one["onset"],
            one["apex"],
            one["offset"],
            one["kind"],
            one["emotion"],
            tuple(one["action_units"]),
            one["score"],
            one.get("emotion_probability"),
        )
        for one in document["expressions"]
    )
    return Track(str(document["video"]), timebase, expressions)
