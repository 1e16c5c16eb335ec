"""Annotated rows and videos on disk to recordings, with a finding for whatever does not fit. Shared by all corpora."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facespot.datasets.base import Action, Finding
from facespot.datasets.frames import Footage
from facespot.datasets.vocabulary import emotion_word, parse_action_units
from facespot.values import Expression, Kind, Recording, Track
from facespot.video.find import natural_key


@dataclass
class _Video:
    subject: str
    footage: Footage
    expressions: list[Expression] = field(default_factory=list)
    sources: dict[Expression, str] = field(default_factory=dict)


class Gathering:
    """Videos and rows of one corpus while it is read.

    Parameters
    ----------
    findings : list of Finding
        Filled as things are found.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self._videos: dict[str, _Video] = {}
        self._missing: set[str] = set()

    def report(self, action: Action, where: str, reason: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(action, where, reason))

    def add_video(self, video: str, subject: str, footage: Footage) -> None:
        """Add a video that is on disk."""
        self._videos[video] = _Video(subject, footage)
        for remark in footage.remarks:
            self.report("frame count", str(footage.path), remark)

    def footage(self, video: str) -> Footage | None:
        """Frames of a video; None where it is not there."""
        return self._videos[video].footage if video in self._videos else None

    def miss_video(self, video: str, where: str, reason: str = "its video is not there") -> None:
        """Report an annotated video that is not there, once, and drop the row that asked for it."""
        if video not in self._missing:
            self._missing.add(video)
            self.report("missing video", video, f"annotated in {where}, {reason}")
        self.report("dropped", where, f"{reason}: {video}")

    def add(
        self,
        video: str,
        where: str,
        onset: int | None,
        apex: int | None,
        offset: int | None,
        kind: Kind,
        emotion: str = "",
        action_units: str = "",
    ) -> bool:
        """Add an annotation by the numbers of its frames as written; whether it was kept.

        An offset beyond the last frame is cut, an apex outside the expression is taken as unknown; both are reported.
        """
        held = self._videos.get(video)
        if held is None:
            self.miss_video(video, where)
            return False
        span = self._span(held.footage, where, onset, offset)
        if span is None:
            return False
        first, last = span
        top = self._apex(held.footage, where, first, apex, last, offset)
        units, rest = parse_action_units(action_units)
        for piece in rest:
            self.report("noted", where, f"the action unit {piece!r} is not understood; kept as written")
        # Pieces that are no codes stay, where they are no mere punctuation.
        codes = tuple(str(unit) for unit in units) + tuple(piece for piece in rest if any(map(str.isalnum, piece)))
        expression = Expression(first, top, last, kind, emotion_word(emotion) or None, codes)
        if expression in held.sources:
            self.report("dropped", where, f"it repeats {held.sources[expression]}")
            return False
        for other in held.expressions:
            if other.kind == kind and (other.onset, other.offset) == (first, last):
                self.report("noted", where, f"same type and frames as {held.sources[other]}; both are kept")
            elif other.kind == kind and other.overlaps(expression):
                self.report("noted", where, f"overlaps {held.sources[other]}, of the same type; both are kept")
        held.sources[expression] = where
        held.expressions.append(expression)
        return True

    def _span(self, footage: Footage, where: str, onset: int | None, offset: int | None) -> tuple[int, int] | None:
        reason = ""
        if onset is None or offset is None:
            reason = f"{'onset' if onset is None else 'offset'} is unknown"
        elif onset > offset:
            reason = f"onset {onset} comes after offset {offset}"
        elif onset < footage.first:
            reason = f"onset {onset} comes before the first frame, {footage.first}"
        elif onset > footage.last:
            reason = f"onset {onset} comes after the last frame, {footage.last}"
        if reason or onset is None or offset is None:
            self.report("dropped", where, reason)
            return None
        if offset > footage.last:
            self.report("repaired", where, f"offset {offset} comes after the last frame: cut to {footage.last}")
            self.report("frame count", str(footage.path), f"{footage.last} is the last frame, {offset} is annotated")
            offset = footage.last
        for name, number in (("onset", onset), ("offset", offset)):
            if not footage.holds(number):
                self.report("repaired", where, f"{name} {number} is missing on disk: the next frame is taken")
        return footage.index(onset), footage.index(offset)

    def _apex(
        self, footage: Footage, where: str, first: int, apex: int | None, last: int, offset: int | None
    ) -> int | None:
        if apex is None:
            return None
        index = footage.index(apex)
        if first <= index <= last:
            return index
        if offset is not None and last < index <= footage.index(offset):
            self.report("repaired", where, f"apex {apex} comes after the last frame: taken as unknown")
        else:
            self.report("repaired", where, f"apex {apex} lies outside the expression: taken as unknown")
        return None

    def recordings(self) -> list[Recording]:
        """All videos in natural order, those without an annotation too."""
        return [
            Recording(
                name, held.subject, held.footage.path, Track(name, held.footage.timebase, tuple(held.expressions))
            )
            for name, held in sorted(self._videos.items(), key=lambda item: natural_key(Path(item[0])))
        ]
