r"""BIDS events, ``*_events.tsv`` (https://bids-specification.readthedocs.io, task events).

One row per expression: ``onset`` and ``duration`` in seconds from the start of the video, ``trial_type`` macro or
micro, then ``apex`` in seconds, emotion and its probability, action units, score, and the frames and the video's name,
so that the file comes back to the frame. Unknown is ``n/a``. The duration reaches to the end of the offset frame.
"""

from __future__ import annotations

from pathlib import Path

from facespot.errors import FormatError
from facespot.export.kinds import parse_kind
from facespot.export.tiers import Mark, Tier, TimedTrack, join_action_units, number_text, split_action_units, start_s
from facespot.values import Expression, Track

COLUMNS = (
    "onset", "duration", "trial_type", "apex", "emotion", "emotion_probability", "action_units", "score",
    "onset_frame", "apex_frame", "offset_frame", "video",
)  # fmt: skip
_UNKNOWN = "n/a"


def format_events(track: Track, path: Path) -> str:
    """Text of an events file.

    Raises
    ------
    FormatError
        If a name holds a tab or line break: the format cannot quote them.
    """
    lines = ["\t".join(COLUMNS)]
    for one in track.expressions:
        begin = start_s(track.timebase, one.onset)
        apex = None if one.apex is None else track.timebase.seconds(one.apex)
        cells = [
            f"{begin:.6f}",
            f"{start_s(track.timebase, one.offset + 1) - begin:.6f}",
            one.kind,
            _UNKNOWN if apex is None else f"{apex:.6f}",
            one.emotion or _UNKNOWN,
            number_text(one.emotion_probability) or _UNKNOWN,
            join_action_units(one.action_units) or _UNKNOWN,
            number_text(one.score) or _UNKNOWN,
            str(one.onset),
            _UNKNOWN if one.apex is None else str(one.apex),
            str(one.offset),
            track.video,
        ]
        bad = next((cell for cell in cells if len(cell.splitlines()) > 1 or "\t" in cell), None)
        if bad is not None:
            raise FormatError(str(path), f"{bad!r} holds a tab or line break", "rename it, or write .csv")
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def parse_events(text: str, path: Path) -> tuple[TimedTrack | list[Expression], str, list[str]]:
    """Expressions of an events file, the video's name (or an empty one), and a note for each event that is none.

    Where the file has facespot's frame columns, the expressions are exact; else they come in seconds.

    Raises
    ------
    FormatError
        If a column is missing, a cell cannot be read, or no event is macro or micro.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    names = lines[0].split("\t") if lines else []
    missing = [name for name in ("onset", "duration", "trial_type") if name not in names]
    if missing:
        raise FormatError(str(path), f"the column {', '.join(missing)} is missing", "the first line names the columns")
    framed = {"onset_frame", "offset_frame"} <= set(names)
    expressions: list[Expression] = []
    main: dict[str, list[Mark]] = {"macro": [], "micro": []}
    parts: dict[str, list[Mark]] = {}
    notes, video = [], ""
    for number, line in enumerate(text.splitlines()[1:], start=2):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        cells = line.split("\t")
        if len(cells) != len(names):
            raise FormatError(where, f"{len(cells)} cells for {len(names)} columns", "separate cells by one tab")
        row = {name: "" if cell.strip() == _UNKNOWN else cell.strip() for name, cell in zip(names, cells, strict=True)}
        kind = parse_kind(row["trial_type"])
        if kind is None:
            notes.append(f"line {number}: an event of type {row['trial_type']!r} is not read")
            continue
        video = row.get("video", video)
        try:
            if framed:
                apex = int(row["apex_frame"]) if row.get("apex_frame") else None
                score = float(row["score"]) if row.get("score") else None
                probability = float(row["emotion_probability"]) if row.get("emotion_probability") else None
                units = split_action_units(row.get("action_units", ""))
                frames = int(row["onset_frame"]), apex, int(row["offset_frame"])
                expressions.append(Expression(*frames, kind, row.get("emotion") or None, units, score, probability))
            else:
                begin = float(row["onset"])
                span = (begin, begin + float(row["duration"]))
                key = str(number)
                main[kind].append(Mark(*span, "", key))
                if row.get("apex"):
                    parts.setdefault(f"{kind} apex", []).append(Mark(float(row["apex"]), float(row["apex"]), "apex"))
                for column in ("emotion", "emotion_probability", "action_units", "score"):
                    if row.get(column):
                        tier = f"{kind} {column.replace('_', ' ')}"
                        parts.setdefault(tier, []).append(Mark(*span, row[column], "", key))
        except ValueError as error:
            raise FormatError(where, str(error), "mend the row; unknown cells are n/a") from error
    if framed:
        return expressions, video, notes
    named = [Tier(kind, tuple(marks)) for kind, marks in main.items()]
    return TimedTrack(video, (*named, *(Tier(name, tuple(marks)) for name, marks in parts.items()))), video, notes
