"""A table of ours beside the printed one, as text, Markdown and CSV, headed by the data that it was made on."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

from facespot.datasets import corpus as corpus_of
from facespot.experiments.printed import PrintedTable, Value

WIDTH = 100
OURS = "ours"
NONE = "-"
CSV_COLUMNS = ("table", "row", "column", "by", "data", "value")

Ours: TypeAlias = Mapping[str, Mapping[str, Value | None]]
"""Our values by row, then by heading."""


@dataclass(frozen=True)
class Cell:
    """Our value and the printed ones.

    Parameters
    ----------
    ours : int, float or None
        None where facespot has none; whole numbers, such as counts, are int.
    printed : tuple of int, float or None
        One per data set of the column; None where nothing is printed.
    """

    ours: Value | None
    printed: tuple[Value | None, ...] = ()


@dataclass(frozen=True)
class ReproducedColumn:
    """A heading, and the data sets whose printed values stand under it beside ours."""

    name: str
    corpora: tuple[str, ...]


@dataclass(frozen=True)
class ReproducedRow:
    """A row: one cell per column."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ReproducedTable:
    """Our figures beside the printed ones.

    Parameters
    ----------
    id : str
        As in `PrintedTable`.
    corpus : str
        Name of the data set that ours were made on.
    heading, data_line, protocol_line : str
        What it is and where it is printed, on which data, and by which protocol ours were made.
    columns : tuple of ReproducedColumn
    rows : tuple of ReproducedRow
    notes : tuple of str
        What a reader must know, slips of the paper included.
    digits : int
        Decimals shown of values that are not whole.
    by : {"paper", "code"}
        Where the printed values come from.
    short : mapping from corpus to str
        How its values are headed.
    """

    id: str
    corpus: str
    heading: str
    data_line: str
    protocol_line: str
    columns: tuple[ReproducedColumn, ...]
    rows: tuple[ReproducedRow, ...]
    notes: tuple[str, ...]
    digits: int
    by: str
    short: Mapping[str, str]

    def text(self, width: int = WIDTH) -> str:
        """Lines for a terminal. Columns that do not fit into `width` characters follow below, under their rows again.

        Notes and headings are not wrapped.
        """
        body = "\n\n".join("\n".join(block) for block in self._blocks(width))
        notes = "".join(f"note: {note}\n" for note in self.notes)
        return f"{self.heading}\n{self.data_line}\n{self.protocol_line}\n\n{body}\n" + (f"\n{notes}" if notes else "")

    def markdown(self) -> str:
        """A Markdown section with one table; each printed value has a column of its own."""
        titles = [f"{column.name}, {sub}" for column in self.columns for sub in (OURS, *self._printed_titles(column))]
        lines = [_markdown_row(["", *titles]), "|---|" + "---:|" * len(titles)]
        for row in self.rows:
            lines.append(_markdown_row([row.name, *(text for cell in row.cells for text in self._texts(cell))]))
        title, *more = self.heading.splitlines()
        about = "\n\n".join(_markdown_text(line) for line in (*more, self.data_line, self.protocol_line))
        notes = "".join(f"- {_markdown_text(note)}\n" for note in self.notes)
        table = "\n".join(lines)
        return f"## {_markdown_text(title)}\n\n{about}\n\n{table}\n" + (f"\n{notes}" if notes else "")

    def csv(self) -> str:
        """One line per value: table, row, column, by (ours, paper or code), data, value.

        Ours have all their digits, printed ones as many as are printed; values that are not there have no line.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=True):
                if cell.ours is not None and not math.isnan(cell.ours):
                    writer.writerow([self.id, row.name, column.name, OURS, self.corpus, repr(cell.ours)])
                for corpus, value in zip(column.corpora, cell.printed, strict=True):
                    if value is not None:
                        shown = _figure(value, self.digits)
                        writer.writerow([self.id, row.name, column.name, self.by, corpus, shown])
        return stream.getvalue()

    def _printed_titles(self, column: ReproducedColumn) -> tuple[str, ...]:
        named = len({corpus for one in self.columns for corpus in one.corpora}) > 1
        return tuple(self.short[corpus] for corpus in column.corpora) if named else (self.by,) * len(column.corpora)

    def _texts(self, cell: Cell) -> list[str]:
        return [_figure(value, self.digits) for value in (cell.ours, *cell.printed)]

    def _blocks(self, width: int) -> Iterator[list[str]]:
        """Blocks of lines, each no wider than `width` where one column fits at all."""
        names = ["", "", *(row.name for row in self.rows)]
        label = max(map(len, names))
        block = [name.ljust(label) for name in names]
        filled = False
        for number, column in enumerate(self.columns):
            titles = [OURS, *self._printed_titles(column)]
            group = _group(column.name, titles, [self._texts(row.cells[number]) for row in self.rows])
            if filled and len(block[0]) + 3 + len(group[0]) > width:
                yield [line.rstrip() for line in block]
                block = [name.ljust(label) for name in names]
            block = [f"{line}   {part}" for line, part in zip(block, group, strict=True)]
            filled = True
        yield [line.rstrip() for line in block]


def _group(name: str, titles: list[str], rows: list[list[str]]) -> list[str]:
    """A heading over its sub-columns, all lines of one length."""
    widths = [max(map(len, texts)) for texts in zip(titles, *rows, strict=True)]
    lines = [
        " ".join(text.rjust(width) for text, width in zip(texts, widths, strict=True)) for texts in (titles, *rows)
    ]
    total = max(len(name), len(lines[0]))
    return [name.center(total), *(line.rjust(total) for line in lines)]


def _figure(value: Value | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return NONE
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _plain(value: Any) -> Value | None:
    """A number of Python for one of numpy, whose text differs."""
    if value is None:
        return None
    return int(value) if isinstance(value, Integral) else float(value)


def _markdown_row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(_markdown_text(text) for text in texts)} |"


def _markdown_text(text: str) -> str:
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text


def heading_for(table: PrintedTable, corpus: str, counts: Mapping[str, int] | None = None) -> str:
    """What a table of ours is, and a second line where the printed figures are of other data.

    Parameters
    ----------
    table : PrintedTable
    corpus : str
        Name of the data set that ours are made on.
    counts : mapping from str to int, optional
        `Dataset.counts` of the copy. Where one differs from all that are published, the copy is not the whole corpus
        and the heading says so.

    Examples
    --------
    >>> from facespot.experiments.printed import printed_table
    >>> print(heading_for(printed_table("softnet:table7"), "synth"))
    SOFTNet, Table 7, page 2 of the supplement: pseudo-label functions at p = 0.55, on macro-expressions
    NOT the paper's data: synth; the printed figures are of CAS(ME)2 and are not comparable
    """
    title = f"{table.place}: {table.title}"
    other = other_data_line(table.short, corpus, counts)
    return f"{title}\n{other}" if other else title


def other_data_line(printed: Mapping[str, str], corpus: str, counts: Mapping[str, int] | None = None) -> str:
    """That the printed figures are of other data; empty where they are of the same.

    Parameters
    ----------
    printed : mapping from corpus to str
        Data sets of the printed figures, and how they are called.
    corpus, counts
        As in `heading_for`.
    """
    if corpus not in printed:
        data, whole = corpus, _joined(list(printed.values()))
    else:
        data, whole = _unlike_published(corpus, counts or {}), printed[corpus]
    return f"NOT the paper's data: {data}; the printed figures are of {whole} and are not comparable" if data else ""


def _unlike_published(corpus: str, counts: Mapping[str, int]) -> str:
    published = corpus_of(corpus).published
    odd = [
        f"{counts[name]} {_counted(name)} (published {' or '.join(map(str, known))})"
        for name, known in ((name, published.get(name, ())) for name in ("subjects", "macro", "micro"))
        if name in counts and known and counts[name] not in known
    ]
    return f"{corpus} with {', '.join(odd)}" if odd else ""


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _counted(name: str) -> str:
    return name if name == "subjects" else f"{name}-expressions"


def data_line_for(corpus: str, root: str | Path, counts: Mapping[str, int]) -> str:
    """On which data ours were made: name, folder and `Dataset.counts`.

    >>> data_line_for("synth", "/data/bench", {"subjects": 20, "videos": 40, "macro": 120, "micro": 60})
    'data: synth in /data/bench: 20 subjects, 40 videos, 120 macro- and 60 micro-expressions'
    """
    found = f"{counts['subjects']} subjects, {counts['videos']} videos"
    return f"data: {corpus} in {root}: {found}, {counts['macro']} macro- and {counts['micro']} micro-expressions"


def reproduce_table(
    table: PrintedTable,
    ours: Ours,
    *,
    corpus: str,
    root: str | Path,
    counts: Mapping[str, int],
    protocol: str,
    notes: Sequence[str] = (),
    more_rows: Sequence[str] = (),
) -> ReproducedTable:
    """Our values beside the printed ones.

    Only the printed columns of `corpus` are shown where there are any, else those of every data set of the table; none
    where no numbers of the table are known.

    Parameters
    ----------
    table : PrintedTable
    ours : mapping
        Our values by row and heading of `table`; what is missing is shown as missing.
    corpus, root, counts
        As in `data_line_for`; `counts` also decides whether the copy is the whole corpus.
    protocol : str
        How ours were made, in one line.
    notes : sequence of str
        What a reader must know of ours.
    more_rows : sequence of str
        Rows of ours that are not in the paper; they follow the printed ones.

    Raises
    ------
    ValueError
        If `ours` has a row or heading that is neither in the table nor in `more_rows`.
    """
    names = [*table.row_names, *(name for name in more_rows if name not in table.row_names)]
    for row, values in ours.items():
        unknown = [name for name in values if name not in table.column_names]
        if row not in names or unknown:
            raise ValueError(f"{table.id} has no row {row!r}" if row not in names else f"no column {unknown[0]!r}")
    shown = (corpus,) if corpus in table.corpora else table.corpora
    printed_under = {(one.name, one.corpus) for one in table.columns if table.rows}
    columns = tuple(
        ReproducedColumn(name, tuple(one for one in shown if (name, one) in printed_under))
        for name in table.column_names
    )

    def cell(row: str, column: ReproducedColumn) -> Cell:
        printed = tuple(
            table.value(row, column.name, one) if row in table.row_names else None for one in column.corpora
        )
        return Cell(_plain(ours.get(row, {}).get(column.name)), printed)

    slips = (f"printed: {table.note}",) if table.note else ()
    return ReproducedTable(
        id=table.id,
        corpus=corpus,
        heading=heading_for(table, corpus, counts),
        data_line=data_line_for(corpus, root, counts),
        protocol_line=f"protocol: {protocol}",
        columns=columns,
        rows=tuple(ReproducedRow(name, tuple(cell(name, column) for column in columns)) for name in names),
        notes=(*notes, *slips),
        digits=table.digits,
        by=table.by,
        short=table.short,
    )
