"""The facespot CSV: one row per expression.

Columns ``video,kind,onset,apex,offset,onset_s,apex_s,offset_s,emotion,emotion_probability,score,action_units``. Frames
count from 0 and both ends belong to the expression; seconds have six decimals; action units are joined by ``+``. Empty
cells mean unknown. When read back, the columns from ``onset_s`` on may be missing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from facespot.errors import FormatError
from facespot.export.kinds import parse_kind
from facespot.export.tiers import join_action_units, number_text, split_action_units
from facespot.values import KINDS, Expression, Timebase, Track

COLUMNS = (
    "video", "kind", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "emotion", "emotion_probability",
    "score", "action_units",
)  # fmt: skip
REQUIRED = ("video", "kind", "onset", "apex", "offset")


def format_table(tracks: Iterable[Track]) -> str:
    """CSV text of some tracks.

    >>> print(format_table([Track("talk", Timebase(25.0, 100), (Expression(10, 14, 19, "micro", score=0.5),))]))
    video,kind,onset,apex,offset,onset_s,apex_s,offset_s,emotion,emotion_probability,score,action_units
    talk,micro,10,14,19,0.400000,0.560000,0.760000,,,0.5,
    <BLANKLINE>
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for track in tracks:
        for one in track.expressions:
            frames = (one.onset, one.apex, one.offset)
            times = ["" if frame is None else f"{track.timebase.seconds(frame):.6f}" for frame in frames]
            numbers = ["" if frame is None else str(frame) for frame in frames]
            emotion = (one.emotion or "", number_text(one.emotion_probability))
            rest = (number_text(one.score), join_action_units(one.action_units))
            writer.writerow([track.video, one.kind, *numbers, *times, *emotion, *rest])
    return stream.getvalue()


def parse_table(
    text: str, path: Path, *, timebase: Timebase | None = None, frame_rate: float | None = None
) -> list[Track]:
    """Tracks of a facespot CSV, one per video, in order of appearance.

    The table does not hold the length of the video. Without a `timebase` it ends with the last offset, and its rate is
    `frame_rate` or else that of the latest expression with a time (1 frame per second where no time is given).

    Raises
    ------
    FormatError
        If a column is missing, a row cannot be read or does not fit the timebase; it names the line.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        remedy = f"the first line must name at least {','.join(REQUIRED)}"
        raise FormatError(
            str(path), f"the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} missing", remedy
        )
    rows: dict[str, list[Expression]] = {}
    rates: dict[str, float] = {}
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        expression = _parse_row(row, where)
        if timebase is not None and expression.offset >= timebase.n_frames:
            what = f"offset {expression.offset} is outside a video of {timebase.n_frames} frames"
            raise FormatError(where, what, "check the video and the number of frames")
        rows.setdefault(row["video"], []).append(expression)
        seconds = _number(row.get("offset_s") or "", where, "offset_s")
        if seconds and expression.offset:
            rates[row["video"]] = expression.offset / seconds
    return [
        Track(
            video,
            timebase or Timebase(frame_rate or rates.get(video, 1.0), max(one.offset for one in found) + 1),
            tuple(found),
        )
        for video, found in rows.items()
    ]


def _parse_row(row: dict[str, str], where: str) -> Expression:
    kind = parse_kind(row["kind"] or "")
    if kind is None:
        raise FormatError(where, f"the type {row['kind']!r} is unknown", f"write {' or '.join(KINDS)}")
    frames = {name: _frame(row[name] or "", where, name) for name in ("onset", "apex", "offset")}
    onset, offset = frames["onset"], frames["offset"]
    if onset is None or offset is None:
        raise FormatError(where, "onset or offset is empty", "give both as frame numbers from 0")
    score = _number(row.get("score") or "", where, "score")
    probability = _number(row.get("emotion_probability") or "", where, "emotion_probability")
    try:
        units = split_action_units(row.get("action_units") or "")
        return Expression(onset, frames["apex"], offset, kind, row.get("emotion") or None, units, score, probability)
    except ValueError as error:
        raise FormatError(where, str(error), "mend the row") from error


def _frame(text: str, where: str, column: str) -> int | None:
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError:
        raise FormatError(where, f"{column} {text!r} is not a frame number", "give a whole number from 0") from None


def _number(text: str, where: str, column: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise FormatError(where, f"{column} {text!r} is not a number", "give a number or leave it empty") from None
