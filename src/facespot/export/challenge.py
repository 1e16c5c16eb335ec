"""The submission table of the Facial Micro-Expression Grand Challenge (MEGC 2022, spotting task).

Columns ``vid,pred_onset,pred_offset,type`` with the types ``mae`` (macro) and ``me`` (micro). The table holds neither
apex nor emotion, its probability, action units or score. Frames count from 1, as in the corpora, unless told otherwise;
rules change from year to year, so compare with those of yours before you submit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from facespot.errors import FormatError
from facespot.export.kinds import parse_kind
from facespot.values import Expression, Kind, Track

COLUMNS = ("vid", "pred_onset", "pred_offset", "type")
_SHORT: dict[Kind, str] = {"macro": "mae", "micro": "me"}


def format_submission(tracks: Iterable[Track], *, index_base: int = 1) -> str:
    """CSV text of a submission.

    Parameters
    ----------
    tracks : iterable of Track
        Predictions.
    index_base : {0, 1}
        Number of the first frame in the file.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for track in tracks:
        for one in track.expressions:
            writer.writerow([track.video, one.onset + index_base, one.offset + index_base, _SHORT[one.kind]])
    return stream.getvalue()


def is_submission(text: str) -> bool:
    """Whether the first line is that of a submission."""
    head = text.partition("\n")[0].lstrip("\ufeff").strip().lower()
    return tuple(name.strip().strip('"') for name in head.split(","))[: len(COLUMNS)] == COLUMNS


def parse_submission(text: str, path: Path, *, index_base: int = 1) -> dict[str, list[Expression]]:
    """Expressions of a submission by video, in order of appearance.

    Raises
    ------
    FormatError
        If a row cannot be read; it names the line.
    """
    reader = csv.DictReader(io.StringIO(text))
    found: dict[str, list[Expression]] = {}
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        kind = parse_kind(row["type"] or "")
        if kind is None:
            raise FormatError(where, f"the type {row['type']!r} is unknown", "write mae or me")
        try:
            onset, offset = int(row["pred_onset"]) - index_base, int(row["pred_offset"]) - index_base
            expression = Expression(onset, None, offset, kind)
        except (TypeError, ValueError) as error:
            raise FormatError(where, str(error), f"give whole frame numbers from {index_base}") from error
        found.setdefault(row["vid"], []).append(expression)
    return found
