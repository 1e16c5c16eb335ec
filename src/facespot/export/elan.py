"""ELAN annotation files, .eaf (EAF 3.0, https://www.mpi.nl/tools/elan/EAFv3.0.xsd).

Tiers as in `tiers`: ``macro`` and ``micro`` hold the intervals; below each, an apex tier (ELAN has no points: the apex
is an annotation as long as its frame) and tiers for emotion and its probability, action units and score. ELAN stores
whole milliseconds; a video whose frames they cannot tell apart is refused. Video name, frame rate and number of frames
are header properties, which ELAN keeps, so that the file can be read back without the video.

Nothing of the clock enters the file: its date is fixed unless one is given.
"""

from __future__ import annotations

import mimetypes
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

from facespot.errors import FormatError
from facespot.export.tiers import Mark, Tier, TimedTrack, describe, descriptions, layers, start_s, stated_timebase
from facespot.values import Expression, Timebase, Track

FIXED_DATE = "1970-01-01T00:00:00+00:00"
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this "
    "interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are "
    "ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}


def format_eaf(track: Track, path: Path, *, media: Path | None = None, date: str = FIXED_DATE) -> str:
    """XML text of an .eaf.

    Parameters
    ----------
    track : Track
        Expressions of one video.
    path : Path
        Where the file will lie; the link to the media is relative to it.
    media : Path, optional
        Video file to link.
    date : str
        Date of the file, ISO 8601 with a time zone.

    Raises
    ------
    FormatError
        If milliseconds cannot tell the frames of an expression apart, or a text cannot stand in XML.
    """
    ET.register_namespace("xsi", _SCHEMA_INSTANCE)
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "facespot",
            "DATE": date,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_SCHEMA_INSTANCE}}}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media is not None:
        kind = mimetypes.guess_type(media.name)[0] or "video/unknown"
        relative = Path(os.path.relpath(media.resolve(), path.resolve().parent)).as_posix()
        attributes = {"MEDIA_URL": media.resolve().as_uri(), "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": f"./{relative}"}
        ET.SubElement(header, "MEDIA_DESCRIPTOR", attributes)
    timebase = track.timebase
    for name, value in {"video": track.video, **describe(timebase)}.items():
        ET.SubElement(header, "PROPERTY", {"NAME": f"facespot:{name}"}).text = _xml_text(value, path)
    order = ET.SubElement(root, "TIME_ORDER")
    writer = _Writer(root, order, timebase, path)
    for name, kind_name, expressions in layers(track):
        writer.add_tiers(name, kind_name, expressions)
    writer.finish()
    for name, constraint in (("expression", ""), ("apex", "Included_In"), ("description", "Symbolic_Association")):
        described = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": name}
        described["TIME_ALIGNABLE"] = "false" if name == "description" else "true"
        ET.SubElement(root, "LINGUISTIC_TYPE", {"CONSTRAINTS": constraint, **described} if constraint else described)
    for name, text in _CONSTRAINTS.items():
        ET.SubElement(root, "CONSTRAINT", {"DESCRIPTION": text, "STEREOTYPE": name})
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


class _Writer:
    """Adds tiers to a document and numbers its annotations and time slots."""

    def __init__(self, root: ET.Element, order: ET.Element, timebase: Timebase, path: Path) -> None:
        self._root, self._order, self._timebase, self._path = root, order, timebase, path
        self._annotations = 0
        self._slots: list[tuple[int, ET.Element, str]] = []

    def add_tiers(self, name: str, kind: str, expressions: list[Expression]) -> None:
        """Write the tier of a type and those that depend on it."""
        main = self._tier(name, "expression")
        parents = [self._aligned(main, one.onset, one.offset, kind) for one in expressions]
        apexes = self._tier(f"{name} apex", "apex", name)
        for one in expressions:
            if one.apex is not None:
                self._aligned(apexes, one.apex, one.apex, "apex")
        for part, values in descriptions(expressions).items():
            tier = self._tier(f"{name} {part}", "description", name)
            for parent, value in zip(parents, values, strict=True):
                if value:
                    self._referring(tier, parent, value)

    def finish(self) -> None:
        """Number the time slots in order of time."""
        ordered = sorted(range(len(self._slots)), key=lambda index: self._slots[index][0])
        for number, index in enumerate(ordered, start=1):
            milliseconds, annotation, role = self._slots[index]
            annotation.set(role, f"ts{number}")
            ET.SubElement(self._order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{number}", "TIME_VALUE": str(milliseconds)})

    def _tier(self, name: str, linguistic_type: str, parent: str = "") -> ET.Element:
        attributes = {"LINGUISTIC_TYPE_REF": linguistic_type, "TIER_ID": name}
        return ET.SubElement(self._root, "TIER", {**attributes, "PARENT_REF": parent} if parent else attributes)

    def _next_key(self) -> str:
        self._annotations += 1
        return f"a{self._annotations}"

    def _aligned(self, tier: ET.Element, first: int, last: int, value: str) -> str:
        begin, end = self._milliseconds(first), self._milliseconds(last + 1)
        key = self._next_key()
        holder = ET.SubElement(tier, "ANNOTATION")
        annotation = ET.SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": key})
        self._slots += [(begin, annotation, "TIME_SLOT_REF1"), (end, annotation, "TIME_SLOT_REF2")]
        ET.SubElement(annotation, "ANNOTATION_VALUE").text = value
        return key

    def _referring(self, tier: ET.Element, parent: str, value: str) -> None:
        holder = ET.SubElement(tier, "ANNOTATION")
        attributes = {"ANNOTATION_ID": self._next_key(), "ANNOTATION_REF": parent}
        annotation = ET.SubElement(holder, "REF_ANNOTATION", attributes)
        ET.SubElement(annotation, "ANNOTATION_VALUE").text = _xml_text(value, self._path)

    def _milliseconds(self, frame: int) -> int:
        milliseconds = round(start_s(self._timebase, frame) * 1000)
        back = self._timebase.frame_at(milliseconds / 1000) if frame < self._timebase.n_frames else frame
        before = round(start_s(self._timebase, frame - 1) * 1000) if frame else -1
        if back != frame or before >= milliseconds:
            what = f"frame {frame} and its neighbour lie within the milliseconds that ELAN stores"
            raise FormatError(str(self._path), what, "write .csv or .json, which hold frame numbers")
        return milliseconds


def _xml_text(text: str, path: Path) -> str:
    if _NOT_IN_XML.search(text):
        raise FormatError(str(path), f"{text!r} holds a character that XML cannot", "rename it")
    return text


class _NoDoctype(ET.TreeBuilder):
    """Refuses document type declarations, the only way to entities and to files outside."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise ET.ParseError("it declares a document type, which no .eaf needs")


def parse_eaf(data: bytes, path: Path) -> TimedTrack:
    """Tiers and links of an .eaf; no entity is expanded and no other file is opened.

    Raises
    ------
    FormatError
        If it is no .eaf, or an annotation or time is missing.
    """
    try:
        root = ET.fromstring(data, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 - without a DTD XML is harmless
    except (ET.ParseError, ValueError, LookupError) as error:
        raise FormatError(str(path), f"it is not readable XML ({error})", "save it again with ELAN") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise FormatError(str(path), f"its root is {root.tag!r}", "give an ELAN annotation file")
    header = root.find("HEADER")
    unit = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if unit != "milliseconds":
        raise FormatError(str(path), f"its time unit is {unit!r}", "save it with a present version of ELAN")
    try:
        times = _slot_times(root)
        spans = dict(_spans(root, times))
        tiers = tuple(_read_tier(tier, spans) for tier in root.findall("TIER"))
    except (KeyError, ValueError) as error:
        raise FormatError(str(path), f"a reference or time does not fit ({error!r})", "save it with ELAN") from error
    named = {entry.get("NAME", ""): entry.text or "" for entry in root.iterfind("HEADER/PROPERTY")}
    properties = {name.removeprefix("facespot:"): text for name, text in named.items() if name.startswith("facespot:")}
    try:
        timebase, variable = stated_timebase(properties) if properties else (None, False)
    except (KeyError, ValueError) as error:
        raise FormatError(str(path), "its facespot properties are damaged", "remove them or mend them") from error
    media = [
        link
        for entry in root.iterfind("HEADER/MEDIA_DESCRIPTOR")
        for link in (entry.get("RELATIVE_MEDIA_URL"), entry.get("MEDIA_URL"))
        if link
    ]
    participants = dict.fromkeys(entry.get("PARTICIPANT", "") for entry in root.findall("TIER"))
    return TimedTrack(
        properties.get("video", ""),
        tiers,
        tuple(media),
        tuple(name for name in participants if name),
        timebase,
        variable,
    )


def linked_media(timed: TimedTrack, path: Path) -> Path | None:
    """Return the first linked video that is there: relative to the .eaf, as a URL, or beside it by its name."""
    for link in timed.media:
        parsed = urlparse(link)
        plain = unquote(parsed.path) if parsed.scheme == "file" else link
        for candidate in (path.parent / plain, path.parent / Path(plain).name):
            if candidate.exists():
                return candidate
    return None


def _slot_times(root: ET.Element) -> dict[str, float]:
    """Times of all slots in seconds; those without a time lie evenly between their neighbours."""
    slots = [(slot.attrib["TIME_SLOT_ID"], slot.get("TIME_VALUE")) for slot in root.iterfind("TIME_ORDER/TIME_SLOT")]
    times: dict[str, float] = {}
    waiting: list[str] = []
    last = 0.0
    for name, value in slots:
        if value is None:
            waiting.append(name)
            continue
        now = int(value) / 1000
        for place, unset in enumerate(waiting, start=1):
            times[unset] = last + (now - last) * place / (len(waiting) + 1)
        waiting = []
        times[name] = last = now
    if waiting:
        raise ValueError(f"time slot {waiting[0]} has no time and none follows")
    return times


def _spans(root: ET.Element, times: dict[str, float]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Start and end of each annotation in seconds, those of its parent where it has none of its own."""
    spans: dict[str, tuple[float, float]] = {}
    parents: dict[str, str] = {}
    for entry in root.iterfind("TIER/ANNOTATION/ALIGNABLE_ANNOTATION"):
        span = (times[entry.attrib["TIME_SLOT_REF1"]], times[entry.attrib["TIME_SLOT_REF2"]])
        spans[entry.attrib["ANNOTATION_ID"]] = span
    for entry in root.iterfind("TIER/ANNOTATION/REF_ANNOTATION"):
        parents[entry.attrib["ANNOTATION_ID"]] = entry.attrib["ANNOTATION_REF"]
    yield from spans.items()
    for key in parents:
        owner, seen = parents[key], {key}
        while owner not in spans:
            if owner in seen:
                raise ValueError(f"annotation {key} refers to itself")
            seen.add(owner)
            owner = parents[owner]
        yield key, spans[owner]


def _read_tier(tier: ET.Element, spans: dict[str, tuple[float, float]]) -> Tier:
    marks = []
    for entry in tier.iterfind("ANNOTATION/*"):
        key = entry.attrib["ANNOTATION_ID"]
        text = entry.findtext("ANNOTATION_VALUE") or ""
        marks.append(Mark(*spans[key], text, key, entry.get("ANNOTATION_REF", "")))
    return Tier(tier.attrib["TIER_ID"], tuple(marks), tier.get("PARENT_REF", ""))
