"""Which file holds which format, and the files of one result."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from facespot.errors import FormatError
from facespot.export.atomic import write_text
from facespot.export.document import format_document, parse_document, result_document
from facespot.export.table import format_table, parse_table
from facespot.values import Result, Scores, Track


def export(tracks: Track | Iterable[Track], path: str | Path) -> None:
    """Write tracks to a CSV file.

    Raises
    ------
    FormatError
        If the file name does not end in .csv.
    OutputError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise FormatError(str(path), f"{path.suffix or 'no suffix'} is not a known format", "name a .csv file")
    write_text(path, format_table([tracks] if isinstance(tracks, Track) else tracks))


def read_tracks(path: str | Path) -> list[Track]:
    """Read the tracks of a facespot CSV or JSON file.

    Raises
    ------
    FormatError
        If the file cannot be read; it names the line or the value.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(str(path), "it is not UTF-8 text", "save it again as UTF-8") from error
    except OSError as error:
        raise FormatError(str(path), f"it cannot be read ({error.strerror})", "check the path") from error
    if path.suffix.lower() == ".json":
        return [parse_document(text, path)]
    if path.suffix.lower() == ".csv":
        return parse_table(text, path)
    raise FormatError(str(path), f"{path.suffix or 'no suffix'} is not a known format", "give a .csv or .json file")


def write_result(result: Result, folder: Path) -> None:
    """Write ``expressions.csv``, ``expressions.json`` and ``scores.npz`` into an existing folder."""
    (folder / "expressions.csv").write_text(format_table([result.track]), encoding="utf-8", newline="")
    document = format_document(result_document(result))
    (folder / "expressions.json").write_text(document, encoding="utf-8", newline="")
    write_scores(result.scores, folder / "scores.npz")


def write_scores(scores: Scores, path: Path) -> None:
    """Raw scores: ``values`` (n, c), ``valid`` (n, c), ``frames`` (n,), ``channels`` (c,) and ``fps``, never pickled."""
    np.savez(
        path,
        allow_pickle=False,
        values=scores.values,
        valid=scores.valid,
        frames=scores.frames,
        channels=np.array(scores.channels),
        fps=np.float64(scores.fps),
    )
