"""Annotation tiers in seconds, as ELAN and Praat have them, to expressions in frames and back.

An expression reaches from the start of its onset frame to the *end* of its offset frame, so that one of a single frame
has a length. An apex is the start of its frame. Tiers are named ``macro``, ``macro apex``, ``macro emotion``,
``macro emotion probability``, ``macro action units``, ``macro score``, and so for ``micro``; where expressions of one
type overlap, which no program allows on one tier, the next free one of ``macro 2``, ``macro 3``, ... holds them.

Tiers of other authors are understood where their name stands for a type (``Micro-expression``), or where every text on
them does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from facespot.errors import FormatError
from facespot.export.kinds import parse_kind
from facespot.values import KINDS, Expression, Kind, Timebase, Track

Part: TypeAlias = Literal["apex", "emotion", "emotion probability", "action units", "score"]
_PARTS: tuple[tuple[Part, re.Pattern[str]], ...] = (
    ("apex", re.compile(r"\bapex\b")),
    ("emotion probability", re.compile(r"\bemotions? probability\b")),
    ("emotion", re.compile(r"\bemotions?\b")),
    ("action units", re.compile(r"\baction units?\b|\baus?\b")),
    ("score", re.compile(r"\bscore\b|\bconfidence\b")),
)
# Other programs' times may lie outside a video by what rounding leaves.
_SLACK_S = 0.002


@dataclass(frozen=True)
class Mark:
    """An interval or point on a tier; `parent` is the key of the mark it belongs to, where the file says so."""

    start_s: float
    end_s: float
    text: str
    key: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Tier:
    """A named row of marks; `parent` is the name of the tier it depends on, or empty."""

    name: str
    marks: tuple[Mark, ...]
    parent: str = ""


@dataclass(frozen=True)
class TimedTrack:
    """What an annotation file in seconds holds, before the frames of its video are known.

    Parameters
    ----------
    video : str
        Name of the video, or empty.
    tiers : tuple of Tier
        All tiers of the file.
    media : tuple of str
        Linked video files, as written in the file.
    participants : tuple of str
        Who is annotated, where the file says so.
    timebase : Timebase or None
        Frames and seconds, where facespot wrote them into the file.
    variable : bool
        Whether facespot noted that the frames are not evenly spaced.
    """

    video: str
    tiers: tuple[Tier, ...]
    media: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    timebase: Timebase | None = None
    variable: bool = False


def layers(track: Track) -> list[tuple[str, Kind, list[Expression]]]:
    """Name, type and expressions of each main tier; no two expressions of a tier share a frame.

    Both types get a tier, so that an annotator finds a place for what was missed.
    """
    rows: list[tuple[str, Kind, list[Expression]]] = []
    for kind in KINDS:
        stacked: list[list[Expression]] = [[]]
        for one in track.of_kind(kind).expressions:
            free = next((row for row in stacked if not row or row[-1].offset < one.onset), None)
            if free is None:
                stacked.append([one])
            else:
                free.append(one)
        rows += [(kind if index == 0 else f"{kind} {index + 1}", kind, row) for index, row in enumerate(stacked)]
    return rows


def describe(timebase: Timebase) -> dict[str, str]:
    """Frame rate, number of frames and whether they are evenly spaced, as texts."""
    timing = "constant" if timebase.timestamps_s is None else "variable"
    return {"fps": repr(float(timebase.fps)), "frames": str(timebase.n_frames), "timing": timing}


def stated_timebase(stated: Mapping[str, str]) -> tuple[Timebase | None, bool]:
    """Inverse of `describe`: the timebase, None where frames are not evenly spaced, and whether they are not.

    Raises
    ------
    KeyError, ValueError
        If an entry is missing or no number.
    """
    if stated["timing"] == "variable":
        return None, True
    return Timebase(float(stated["fps"]), int(stated["frames"])), False


def start_s(timebase: Timebase, frame: int) -> float:
    """Start of a frame in seconds; frame n is the end of the video."""
    return timebase.duration_s if frame == timebase.n_frames else timebase.seconds(frame)


def _boundary(timebase: Timebase, time_s: float) -> int:
    """Nearest boundary between frames, from 0 at the start of the video to n at its end."""
    last = timebase.seconds(timebase.n_frames - 1)
    if time_s > (last + timebase.duration_s) / 2:
        return timebase.n_frames
    return timebase.frame_at(time_s)


@dataclass
class _Draft:
    """An expression while its parts are gathered."""

    kind: Kind
    mark: Mark
    tier: str
    parts: dict[Part, Mark] = field(default_factory=dict)


def read_tiers(timed: TimedTrack, timebase: Timebase, path: Path, name: str) -> tuple[Track, list[str]]:
    """Track of an annotation file, and a note for everything in the file that is not in the track.

    Raises
    ------
    FormatError
        If no tier stands for a type, or a time lies outside the video.
    """
    mains, notes = _main_tiers(timed.tiers, path)
    drafts = [_Draft(kind, mark, tier.name) for tier, kinds in mains for mark, kind in kinds]
    main_names = {tier.name for tier, _ in mains}
    for tier in timed.tiers:
        if tier.name not in main_names:
            notes += _gather_parts(tier, main_names, drafts)
    expressions = tuple(_expression(draft, timebase, path) for draft in drafts)
    return Track(timed.video or name, timebase, expressions), notes


def end_of_marks(timed: TimedTrack) -> float:
    """Time at which the last mark ends, in seconds; 0 where there is none."""
    return max((mark.end_s for tier in timed.tiers for mark in tier.marks), default=0.0)


def _words(name: str) -> str:
    return re.sub(r"[\s_\-:.@]+", " ", name).strip().lower()


def _kind_of_tier(name: str) -> Kind | None:
    return parse_kind(re.sub(r" [0-9]+$", "", _words(name)))


def _main_tiers(tiers: Sequence[Tier], path: Path) -> tuple[list[tuple[Tier, list[tuple[Mark, Kind]]]], list[str]]:
    mains, notes = [], []
    for tier in tiers:
        backwards = next((mark for mark in tier.marks if mark.end_s < mark.start_s), None)
        if backwards is not None:
            where = f"{path}, tier {tier.name!r}, {backwards.start_s:.3f} s"
            raise FormatError(where, f"it ends before it begins, at {backwards.end_s:.3f} s", "mend its times")
        marked: list[tuple[Mark, Kind]] = []
        texts = [parse_kind(mark.text) for mark in tier.marks]
        kind = _kind_of_tier(tier.name)
        if kind is not None:
            for mark, said in zip(tier.marks, texts, strict=True):
                if said is not None and said != kind:
                    where = f"{path}, tier {tier.name!r}, {mark.start_s:.3f} s"
                    raise FormatError(where, f"the text {mark.text!r} contradicts the tier", "mend one of the two")
                if said is None and mark.text.strip() not in ("", "1", "x", "X"):
                    notes.append(f"tier {tier.name!r}, {mark.start_s:.3f} s: the text {mark.text!r} is not read")
                if mark.end_s == mark.start_s:
                    notes.append(f"tier {tier.name!r}, {mark.start_s:.3f} s: it has no length, one frame is taken")
                marked.append((mark, kind))
        elif texts and None not in texts:
            marked = [(mark, said) for mark, said in zip(tier.marks, texts, strict=True) if said is not None]
        else:
            continue
        mains.append((tier, marked))
    if not mains:
        names = ", ".join(repr(tier.name) for tier in tiers) or "none"
        raise FormatError(str(path), f"no tier stands for a type (tiers: {names})", "name tiers 'macro' and 'micro'")
    return mains, notes


def _gather_parts(tier: Tier, main_names: set[str], drafts: list[_Draft]) -> list[str]:
    main = tier.parent if tier.parent in main_names else ""
    if not main:
        words = _words(tier.name)
        fitting = [name for name in main_names if words.startswith(_words(name) + " ")]
        main = max(fitting, key=len, default="")
    part = next((part for part, pattern in _PARTS if pattern.search(_words(tier.name))), None)
    if part is None or not main:
        return [f"tier {tier.name!r} is not read"] if tier.marks else []
    notes = []
    for mark in tier.marks:
        if not mark.text.strip() and part != "apex":
            continue
        middle = mark.start_s if part == "apex" else (mark.start_s + mark.end_s) / 2
        owners = [draft for draft in drafts if draft.tier == main]
        if mark.parent and part != "apex":
            owners = [draft for draft in owners if draft.mark.key == mark.parent]
        else:
            owners = [draft for draft in owners if draft.mark.start_s - 1e-6 <= middle < draft.mark.end_s + 1e-6]
            # An apex on the border of two neighbours belongs to the one that starts there.
            owners = sorted(owners, key=lambda draft: draft.mark.start_s)[-1:]
        if not owners or part in owners[0].parts:
            reason = "a second one" if owners else "in no expression"
            notes.append(f"tier {tier.name!r}, {mark.start_s:.3f} s: {mark.text!r} is {reason}, not read")
        else:
            owners[0].parts[part] = mark
    return notes


def _expression(draft: _Draft, timebase: Timebase, path: Path) -> Expression:
    where = f"{path}, tier {draft.tier!r}, {draft.mark.start_s:.3f} s"
    if timebase.n_frames == 0:
        raise FormatError(where, "the video has no frames", "check the video, or the number of frames")
    slack = _SLACK_S + 1 / timebase.fps
    if draft.mark.end_s > timebase.duration_s + slack or draft.mark.start_s < -slack:
        what = f"the interval ends at {draft.mark.end_s:.3f} s, the video at {timebase.duration_s:.3f} s"
        raise FormatError(where, what, "check the video, the frame rate and the number of frames")
    onset = timebase.frame_at(draft.mark.start_s)
    offset = max(onset, _boundary(timebase, draft.mark.end_s) - 1)
    apex = None
    if "apex" in draft.parts:
        apex = min(max(timebase.frame_at(draft.parts["apex"].start_s), onset), offset)
    emotion = draft.parts["emotion"].text.strip() if "emotion" in draft.parts else None
    units = draft.parts["action units"].text if "action units" in draft.parts else ""
    score, probability = _number(draft, "score", where), _number(draft, "emotion probability", where)
    built = Expression(onset, apex, offset, draft.kind, emotion, split_action_units(units))
    try:
        return replace(built, score=score, emotion_probability=probability)
    except ValueError as error:
        raise FormatError(where, str(error), "mend it or leave it empty") from error


def _number(draft: _Draft, part: Part, where: str) -> float | None:
    if part not in draft.parts:
        return None
    text = draft.parts[part].text
    try:
        return float(text)
    except ValueError:
        raise FormatError(where, f"{part} {text!r} is not a number", "mend it or leave it empty") from None


def descriptions(expressions: Sequence[Expression]) -> dict[Part, list[str]]:
    """Text of each expression on each tier that describes it; empty where there is nothing to tell."""
    return {
        "emotion": [one.emotion or "" for one in expressions],
        "emotion probability": [number_text(one.emotion_probability) for one in expressions],
        "action units": [join_action_units(one.action_units) for one in expressions],
        "score": [number_text(one.score) for one in expressions],
    }


def number_text(number: float | None) -> str:
    """Shortest text that is read back as the same number; empty for None.

    >>> number_text(0.1), number_text(None)
    ('0.1', '')
    """
    return "" if number is None else repr(float(number))


def join_action_units(units: Sequence[str]) -> str:
    """Action units in one cell, such as ``4+R12``."""
    return "+".join(units)


def split_action_units(text: str) -> tuple[str, ...]:
    """Inverse of `join_action_units`; what the codes mean is not looked at.

    >>> split_action_units("4 + R12")
    ('4', 'R12')
    """
    return tuple(unit.strip() for unit in text.split("+") if unit.strip())
