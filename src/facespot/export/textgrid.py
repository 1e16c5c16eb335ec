"""Praat TextGrid files, text form (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html).

Tiers as in `tiers`; apexes are points, all else intervals. Times have nine decimals. A tier ``facespot`` holds the
name, frame rate and number of frames of the video, so that the file can be read back without it. Read are the long and
the short text form, in UTF-8 or UTF-16.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from facespot.errors import FormatError
from facespot.export.tiers import Mark, Tier, TimedTrack, describe, descriptions, layers, start_s, stated_timebase
from facespot.values import Expression, Timebase, Track

_ABOUT = "facespot"
# Praat's rule: only strings, flags and numbers that stand alone count, all else is for the reader's eye.
_TOKENS = re.compile(r'"(?:[^"]|"")*"|<\w+>|(?<!\S)[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?(?!\S)')


def format_textgrid(track: Track, path: Path) -> str:
    """Text of a TextGrid in the long form.

    Raises
    ------
    FormatError
        If the video has no frames: Praat allows no tier without length.
    """
    timebase = track.timebase
    if timebase.n_frames == 0:
        raise FormatError(str(path), f"the video {track.video} has no frames", "write .csv or .json")
    tiers = []
    for name, kind, expressions in layers(track):
        values: dict[str, list[str]] = {
            "": [kind for _ in expressions],
            **{f" {part}": texts for part, texts in descriptions(expressions).items()},
        }
        for part, texts in values.items():
            tiers.append(_interval_tier(name + part, expressions, texts, timebase))
            if not part:
                tiers.append(_point_tier(f"{name} apex", expressions, timebase))
    about = json.dumps({"video": track.video, **describe(timebase)}, ensure_ascii=False)
    whole = Expression(0, None, timebase.n_frames - 1, "macro")
    tiers.append(_interval_tier(_ABOUT, [whole], [about], timebase))
    end = _time(timebase.duration_s)
    head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}"]
    lines = [*head, "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (kind_of_tier, name, size_line, entries) in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", f'        class = "{kind_of_tier}"', f"        name = {_quoted(name)}"]
        lines += ["        xmin = 0", f"        xmax = {end}", f"        {size_line}", *entries]
    return "\n".join(lines) + "\n"


def _interval_tier(
    name: str, expressions: list[Expression], texts: list[str], timebase: Timebase
) -> tuple[str, str, str, list[str]]:
    spans: list[tuple[int, int, str]] = []
    reached = 0
    for one, text in zip(expressions, texts, strict=True):
        if one.onset > reached:
            spans.append((reached, one.onset, ""))
        spans.append((one.onset, one.offset + 1, text))
        reached = one.offset + 1
    if reached < timebase.n_frames:
        spans.append((reached, timebase.n_frames, ""))
    entries = []
    for number, (begin, end, text) in enumerate(spans, start=1):
        entries += [
            f"        intervals [{number}]:",
            f"            xmin = {_time(start_s(timebase, begin))}",
            f"            xmax = {_time(start_s(timebase, end))}",
            f"            text = {_quoted(text)}",
        ]
    return "IntervalTier", name, f"intervals: size = {len(spans)}", entries


def _point_tier(name: str, expressions: list[Expression], timebase: Timebase) -> tuple[str, str, str, list[str]]:
    apexes = [one.apex for one in expressions if one.apex is not None]
    entries = []
    for number, apex in enumerate(apexes, start=1):
        entries += [
            f"        points [{number}]:",
            f"            number = {_time(timebase.seconds(apex))}",
            '            mark = "apex"',
        ]
    return "TextTier", name, f"points: size = {len(apexes)}", entries


def _time(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") or "0"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def parse_textgrid(data: bytes, path: Path) -> TimedTrack:
    """Tiers of a TextGrid; intervals without text are gaps.

    Raises
    ------
    FormatError
        If it is no TextGrid in text form, or ends too early.
    """
    if data.startswith(b"ooBinaryFile"):
        raise FormatError(str(path), "it is a binary TextGrid", "save it with Praat as a text file")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FormatError(str(path), "it is neither UTF-8 nor UTF-16 text", "save it again with Praat") from error
    tokens = (found.group() for found in _TOKENS.finditer(text))
    try:
        if [_string(next(tokens)), _string(next(tokens))] != ["ooTextFile", "TextGrid"]:
            raise ValueError("it does not begin as a TextGrid")
        tiers = _tiers(tokens)
    except (StopIteration, RuntimeError):
        raise FormatError(str(path), "it ends too early", "save it again with Praat") from None
    except ValueError as error:
        raise FormatError(str(path), f"it is not a TextGrid in text form ({error})", "save it with Praat") from error
    about = next((tier for tier in tiers if tier.name == _ABOUT and tier.marks), None)
    if about is None:
        return TimedTrack("", tuple(tiers))
    try:
        stated = json.loads(about.marks[0].text)
        timebase, variable = stated_timebase(stated)
        video = str(stated["video"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(str(path), f"its tier {_ABOUT} is damaged", "remove the tier or mend it") from error
    return TimedTrack(video, tuple(tier for tier in tiers if tier is not about), (), (), timebase, variable)


def _tiers(tokens: Iterator[str]) -> list[Tier]:
    float(next(tokens)), float(next(tokens))
    if next(tokens) != "<exists>":
        return []
    tiers = []
    for _ in range(int(next(tokens))):
        kind, name = _string(next(tokens)), _string(next(tokens))
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"a tier of class {kind!r}")
        float(next(tokens)), float(next(tokens))
        marks = []
        for _ in range(int(next(tokens))):
            begin = float(next(tokens))
            end = float(next(tokens)) if kind == "IntervalTier" else begin
            mark = Mark(begin, end, _string(next(tokens)))
            if kind == "TextTier" or mark.text.strip():
                marks.append(mark)
        tiers.append(Tier(name, tuple(marks)))
    return tiers


def _string(token: str) -> str:
    if not token.startswith('"'):
        raise ValueError(f"{token} where a text belongs")
    return token[1:-1].replace('""', '"')
