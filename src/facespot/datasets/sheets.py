"""Tables of annotations: .xlsx and .csv files to rows that know where they stand."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from facespot.errors import FormatError
from facespot.export.files import decode, read_bytes

Cell: TypeAlias = Any
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_SEARCH = 40


@dataclass(frozen=True)
class Row:
    """Cells of one row and where it stands, such as ``codes.xlsx, sheet 'Sheet1', row 12``."""

    where: str
    cells: tuple[Cell, ...]

    def cell(self, column: int) -> Cell:
        """Cell of a column from 0; None beyond the end of the row."""
        return self.cells[column] if column < len(self.cells) else None


def read_sheets(path: Path) -> list[list[Row]]:
    """Rows of every sheet of an .xlsx, or of a .csv as its only sheet; rows without content are left out.

    Raises
    ------
    FormatError
        If it is locked, damaged, not UTF-8 or of another format.
    """
    data = read_bytes(path)
    if path.suffix.lower() == ".csv":
        return [_csv_rows(decode(data, path), path)]
    return _workbook_rows(data, path)


def _csv_rows(text: str, path: Path) -> list[Row]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(f"{path.name}, line {reader.line_num}", tuple(cell.strip() or None for cell in cells)))
    except csv.Error as error:
        raise FormatError(f"{path}, line {reader.line_num}", f"it is no CSV ({error})", "save it again") from error
    return rows


def _workbook_rows(data: bytes, path: Path) -> list[list[Row]]:
    if data.startswith(_OLE):
        raise FormatError(
            str(path), "it is locked with a password, or an old .xls file", "save it as .xlsx without a password"
        )
    if not data.startswith(b"PK"):
        raise FormatError(str(path), "it is not an .xlsx file", "copy it again, or save it as .xlsx")
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            # openpyxl warns of decorations that it does not keep; only the values matter here.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = []
            for sheet in book.worksheets:
                # Some programs write a wrong extent, which openpyxl would believe.
                sheet.reset_dimensions()
                sheets.append(
                    [
                        Row(f"{path.name}, sheet {sheet.title!r}, row {number}", tuple(cells))
                        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1)
                        if any(text(cell) for cell in cells)
                    ]
                )
            return sheets
    except Exception as error:  # openpyxl lets through whatever its zip and XML readers raise
        raise FormatError(str(path), f"the .xlsx is damaged ({error})", "copy it again") from error


def text(cell: Cell) -> str:
    """A cell as text: ``12.0`` is ``12``, nothing is empty.

    >>> text(12.0), text(" R12A "), text(None)
    ('12', 'R12A', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def number(cell: Cell) -> int | None:
    """A cell as a whole number; None where it is empty or holds only a slash or dash.

    Raises
    ------
    ValueError
        If it holds anything else.

    >>> number("12"), number(12.0), number("/")
    (12, 12, None)
    """
    content = text(cell)
    if content in ("", "/", "-", "n/a", "N/A"):
        return None
    if not re.fullmatch(r"[-+]?[0-9]+(\.0*)?", content):
        raise ValueError(f"{content!r} is not a whole number")
    return int(float(content))


def seconds(cell: Cell) -> float | None:
    """A cell as a finite number; None where it is empty.

    Raises
    ------
    ValueError
        If it holds anything else.
    """
    content = text(cell)
    if content in ("", "/", "-", "n/a", "N/A"):
        return None
    value = float(content)
    if not abs(value) < float("inf"):
        raise ValueError(f"{content!r} is not a time")
    return value


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_header(
    rows: Sequence[Row], columns: Mapping[str, Sequence[str]], required: Sequence[str], path: Path
) -> tuple[dict[str, int], list[Row]]:
    """Columns by their names, wherever the header row is, and the rows below it.

    Parameters
    ----------
    rows : sequence of Row
        All rows of a sheet.
    columns : mapping of str to sequence of str
        Our name of each column and the names it goes by in files; case and punctuation do not count.
    required : sequence of str
        Our names of those that must be there.
    path : Path
        The file, for the message.

    Raises
    ------
    FormatError
        If no row names all that are required; it says which row comes nearest and what that lacks.
    """
    best: tuple[int, Row | None, dict[str, int]] = (0, None, {})
    for index, row in enumerate(rows[:_HEADER_SEARCH]):
        names = [_plain(text(cell)) for cell in row.cells]
        found: dict[str, int] = {}
        for ours, theirs in columns.items():
            place = next((names.index(_plain(name)) for name in theirs if _plain(name) in names), None)
            if place is not None:
                found[ours] = place
        if all(name in found for name in required):
            return found, list(rows[index + 1 :])
        if len(found) > best[0]:
            best = (len(found), row, found)
    missing = ", ".join(repr(columns[name][0]) for name in required if name not in best[2])
    where = str(path) if best[1] is None else f"{path.parent / best[1].where}"
    what = "no row names the columns" if best[1] is None else "the header lacks a column"
    raise FormatError(where, f"{what}: {missing}", "compare the file with the documented layout")
