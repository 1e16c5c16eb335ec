"""What the papers print, read from ``printed.toml`` beside this file, which says how it is laid out.

>>> table = printed_table("softnet:table2")
>>> table.value("F1", "overall", "cas_me_2")
0.2022
>>> table.place
'SOFTNet, Table 2, page 4'
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from facespot.errors import FormatError, SettingsError
from facespot.values import KINDS

Value: TypeAlias = int | float
PrintedKind: TypeAlias = Literal["macro", "micro", "overall"]

FILE = "printed.toml"
PRINTED_KINDS = (*KINDS, "overall")
NOT_PRINTED = "-"
KEYS_OF_PAPER = ("paper", "source")
KEYS_OF_TABLE = {
    "number": str, "page": str, "title": str, "digits": int, "by": str, "columns": list, "cited": list, "note": str,
    "rows": dict,
}  # fmt: skip
KEYS_OF_COLUMN = ("corpus", "kind", "name")


@dataclass(frozen=True)
class PrintedColumn:
    """A column of a printed table.

    Parameters
    ----------
    corpus : str
        Data set that its numbers are of, by its name in `facespot.datasets`.
    kind : {"macro", "micro", "overall"}
        Type of expression; overall pools both.
    name : str
        Heading. Columns of several corpora share it.
    """

    corpus: str
    kind: PrintedKind
    name: str


@dataclass(frozen=True)
class PrintedRow:
    """A row of a printed table.

    Parameters
    ----------
    name : str
    values : tuple of int, float or None
        One per column; whole numbers are int; None where nothing is printed.
    cited : bool
        Whether the paper takes it from another paper.
    """

    name: str
    values: tuple[Value | None, ...]
    cited: bool = False


@dataclass(frozen=True)
class PrintedTable:
    """A table as a paper prints it, slips included.

    Parameters
    ----------
    id : str
        Such as ``softnet:table4``.
    paper, source : str
        Short name of the method, and authors and title of the paper.
    number, page : str
        As printed; empty where there is none or it is not known.
    title : str
        What it shows, in facespot's words.
    columns : tuple of PrintedColumn
    rows : tuple of PrintedRow
        Empty where the numbers are not known; the note tells.
    note : str
        Slips and contradictions; empty where there is none.
    digits : int
        Decimals of the values that are not whole.
    by : {"paper", "code"}
        Whether the paper prints it or the authors' released program.
    short : mapping from corpus to str
        How a column of the corpus is headed.
    """

    id: str
    paper: str
    source: str
    number: str
    page: str
    title: str
    columns: tuple[PrintedColumn, ...]
    rows: tuple[PrintedRow, ...]
    note: str
    digits: int
    by: str
    short: Mapping[str, str]

    @property
    def corpora(self) -> tuple[str, ...]:
        """Data sets that the table is of, in the order of its columns."""
        return tuple(dict.fromkeys(column.corpus for column in self.columns))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Headings, each once."""
        return tuple(dict.fromkeys(column.name for column in self.columns))

    @property
    def row_names(self) -> tuple[str, ...]:
        """Names of the rows."""
        return tuple(row.name for row in self.rows)

    @property
    def place(self) -> str:
        """Where to find it: paper, table and page."""
        table = f"Table {self.number}" if self.number else "released program and weights"
        return ", ".join((self.paper, table, *((f"page {self.page}",) if self.page else ())))

    def value(self, row: str, column: str, corpus: str) -> Value | None:
        """What is printed in a row, under a heading, for a data set; None where nothing is.

        Raises
        ------
        SettingsError
            If the table has no such row, heading or data set.
        """
        for what, asked, known in (
            ("row", row, self.row_names),
            ("column", column, self.column_names),
            ("data set", corpus, self.corpora),
        ):
            if asked not in known:
                raise SettingsError(self.id, f"it has no {what} {asked!r}", f"it has {', '.join(known)}")
        values = next(one.values for one in self.rows if one.name == row)
        found = (
            value for value, one in zip(values, self.columns, strict=True) if (one.name, one.corpus) == (column, corpus)
        )
        return next(found, None)


def printed_table(table_id: str) -> PrintedTable:
    """The printed table of an id.

    Raises
    ------
    SettingsError
        If there is none.
    """
    tables = printed_tables()
    if table_id not in tables:
        raise SettingsError("table", f"there is none named {table_id!r}", f"choose one of {', '.join(tables)}")
    return tables[table_id]


@cache
def printed_tables() -> Mapping[str, PrintedTable]:
    """Every printed table by its id, in the order of the file."""
    return read_printed((files("facespot.experiments") / FILE).read_text(encoding="utf-8"))


def read_printed(text: str) -> Mapping[str, PrintedTable]:
    """Printed tables of a TOML text laid out like ``printed.toml``.

    Raises
    ------
    FormatError
        If it is no TOML, a row has not one value per column, or anything is missing, unknown or of another type.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(FILE, f"it is no TOML ({error})", "mend it") from error
    short = content.pop("corpora", None)
    if not isinstance(short, dict) or not all(isinstance(name, str) for name in short.values()):
        raise FormatError(FILE, "the headings of the data sets are missing", "name them under [corpora]")
    tables = {}
    for paper, entry in content.items():
        if not isinstance(entry, dict):
            raise FormatError(f"{FILE}, {paper}", "it is no paper", "write a table [PAPER]")
        for key in KEYS_OF_PAPER:
            if not isinstance(entry.get(key), str):
                raise FormatError(f"{FILE}, {paper}", f"{key} is missing or no text", "give it")
        for name, table in entry.items():
            if name not in KEYS_OF_PAPER:
                where = f"{paper}:{name}"
                tables[where] = _read_table(where, table, entry["paper"], entry["source"], short)
    return MappingProxyType(tables)


def _read_table(where: str, table: Any, paper: str, source: str, short: Mapping[str, str]) -> PrintedTable:
    if not isinstance(table, dict):
        raise FormatError(where, "it is no table", "write a table [PAPER.TABLE]")
    for key, value in table.items():
        if not isinstance(value, KEYS_OF_TABLE.get(key, ())):
            raise FormatError(where, f"{key} is unknown or of the wrong type", f"known are {', '.join(KEYS_OF_TABLE)}")
    missing = [key for key in ("title", "columns", "rows") if not table.get(key)]
    # A table whose numbers nobody here has seen is still a table: its note tells.
    if missing and not (missing == ["rows"] and "rows" in table and table.get("note")):
        raise FormatError(where, f"{missing[0]} is missing", "give it")
    columns = tuple(_read_column(where, column, short) for column in table["columns"])
    if len({(column.corpus, column.name) for column in columns}) < len(columns):
        raise FormatError(where, "two columns have one name and one corpus", "name them differently")
    cited = table.get("cited", [])
    unknown = [name for name in cited if name not in table["rows"]]
    if unknown:
        raise FormatError(where, f"the cited row {unknown[0]!r} is not there", "name rows of the table")
    return PrintedTable(
        id=where,
        paper=paper,
        source=source,
        number=table.get("number", ""),
        page=table.get("page", ""),
        title=table["title"],
        columns=columns,
        rows=tuple(
            PrintedRow(name, _read_values(f"{where}, row {name!r}", values, len(columns)), name in cited)
            for name, values in table["rows"].items()
        ),
        note=table.get("note", ""),
        digits=table.get("digits", 4),
        by=table.get("by", "paper"),
        short=MappingProxyType({column.corpus: short[column.corpus] for column in columns}),
    )


def _read_column(where: str, column: Any, short: Mapping[str, str]) -> PrintedColumn:
    if not isinstance(column, dict) or set(column) - set(KEYS_OF_COLUMN):
        raise FormatError(where, f"the column {column!r} cannot be read", f"give {', '.join(KEYS_OF_COLUMN)}")
    corpus, kind = column.get("corpus"), column.get("kind")
    if corpus not in short:
        raise FormatError(where, f"a column is of the data set {corpus!r}", f"choose one of {', '.join(short)}")
    if kind not in PRINTED_KINDS:
        raise FormatError(where, f"a column is of the type {kind!r}", f"choose one of {', '.join(PRINTED_KINDS)}")
    return PrintedColumn(str(corpus), kind, str(column.get("name", kind)))


def _read_values(where: str, values: Any, n_columns: int) -> tuple[Value | None, ...]:
    if not isinstance(values, list) or len(values) != n_columns:
        found = len(values) if isinstance(values, list) else "no list of"
        raise FormatError(where, f"it has {found} values for {n_columns} columns", "give one per column")
    wrong = [value for value in values if value != NOT_PRINTED and type(value) not in (int, float)]
    if wrong:
        raise FormatError(where, f"{wrong[0]!r} is no number", f"write {NOT_PRINTED!r} where nothing is printed")
    return tuple(None if value == NOT_PRINTED else value for value in values)
