"""Ours beside the printed figures: nothing lost, nothing invented, and always on which data."""

import csv
import io

import numpy as np
import pytest

from facespot.experiments.printed import printed_table, printed_tables
from facespot.experiments.table import Cell, data_line_for, heading_for, reproduce_table

SYNTH = {"subjects": 20, "videos": 40, "macro": 120, "micro": 60}
WHOLE = {
    "cas_me_2": {"subjects": 22, "videos": 98, "macro": 300, "micro": 57},
    "samm_lv": {"subjects": 32, "videos": 147, "macro": 343, "micro": 159},
}


def reproduced(table_id, ours, corpus="synth", counts=None, **options):
    given = {"root": "/data/x", "counts": counts or WHOLE.get(corpus, SYNTH), "protocol": "LOSO, nested", **options}
    return reproduce_table(printed_table(table_id), ours, corpus=corpus, **given)


def cell(table, row, column):
    names = [one.name for one in table.columns]
    return next(one for one in table.rows if one.name == row).cells[names.index(column)]


@pytest.mark.parametrize(
    ("corpus", "printed"), [("cas_me_2", (0.1173,)), ("samm_lv", (0.1520,)), ("synth", (0.1173, 0.1520))]
)
def test_the_printed_values_of_the_corpus_stand_beside_ours(corpus, printed):
    table = reproduced("softnet:table1", {"SOFTNet": {"micro": 0.25}}, corpus)
    assert cell(table, "SOFTNet", "micro") == Cell(0.25, printed)
    assert cell(table, "SOFTNet", "macro").ours is None
    assert table.protocol_line == "protocol: LOSO, nested"


def test_a_table_of_one_corpus_is_shown_on_another():
    table = reproduced("softnet:table3", {}, "samm_lv")
    assert cell(table, "VGG-16", "parameters, millions") == Cell(None, (14.7152,))
    assert "NOT the paper's data: samm_lv; the printed figures are of CAS(ME)2 and are not comparable" in table.heading


def test_the_heading_says_when_the_data_are_others():
    table = printed_table("softnet:table1")
    plain = "SOFTNet, Table 1, page 4: F1 of each type and of both, by method"
    assert heading_for(table, "samm_lv") == heading_for(table, "samm_lv", WHOLE["samm_lv"]) == plain
    assert heading_for(table, "synth").splitlines() == [
        plain,
        "NOT the paper's data: synth; the printed figures are of CAS(ME)2 and SAMM-LV and are not comparable",
    ]
    few = heading_for(table, "cas_me_2", {"subjects": 3, "videos": 98, "macro": 300, "micro": 9})
    assert few.splitlines()[1] == (
        "NOT the paper's data: cas_me_2 with 3 subjects (published 22), 9 micro-expressions (published 57); "
        "the printed figures are of CAS(ME)2 and are not comparable"
    )
    assert "CASME II, SMIC-HS, SMIC-VIS, SMIC-NIR, CAS(ME)2 and SAMM-LV" in heading_for(
        printed_table("mean:table5"), "synth"
    )


def test_the_data_line_names_corpus_root_and_counts():
    line = data_line_for("cas_me_2", "/data/cas", WHOLE["cas_me_2"])
    assert line == "data: cas_me_2 in /data/cas: 22 subjects, 98 videos, 300 macro- and 57 micro-expressions"


def test_text_reads_as_columns():
    ours = {"SOFTNet": {"macro": 0.5, "overall": 1 / 3}, "strain": {"macro": 0.25}}
    table = reproduced("softnet:table1", ours, "samm_lv", notes=["ten folds"], more_rows=["strain"])
    lines = table.text().splitlines()
    assert lines[0].startswith("SOFTNet, Table 1")
    assert lines[1:4] == [table.data_line, table.protocol_line, ""]
    assert lines[5].split() == ["ours", "paper"] * 3
    body = {line[:15].strip(): line[15:].split() for line in lines[6:14]}
    assert body["SOFTNet"] == ["0.5000", "0.2169", "-", "0.1520", "0.3333", "0.1881"]
    assert body["Pan"] == ["-", "-", "-", "-", "-", "0.0813"]
    assert body["strain"] == ["0.2500", "-", "-", "-", "-", "-"]
    ends = {len(line) for line in lines[5:14]}
    assert len(ends) == 1
    assert lines[-2:] == [
        "note: ten folds",
        "note: printed: SAMM-LV overall without the network is .1293 here and .1292 in Table 5.",
    ]


@pytest.mark.parametrize("corpus", ["synth", "cas_me_2", "samm_lv"])
@pytest.mark.parametrize("table_id", printed_tables())
def test_every_table_fits_a_terminal_and_shows_every_printed_value(table_id, corpus):
    table = reproduced(table_id, {}, corpus)
    lines = table.text().split("\n\n", 1)[1].splitlines()
    assert max(len(line) for line in lines if not line.startswith("note:")) <= 100
    shown = [value for one in table.rows for cell in one.cells for value in cell.printed if value is not None]
    source = printed_table(table_id)
    expected = [
        value
        for one in source.rows
        for value, column in zip(one.values, source.columns, strict=True)
        if value is not None and (corpus not in source.corpora or column.corpus == corpus)
    ]
    assert sorted(shown) == sorted(expected)


def test_columns_that_do_not_fit_follow_below():
    table = reproduced("softnet:table2", {"TP": {"macro": 7}})
    lines = table.text(width=50).split("\n\n", 1)[1].splitlines()
    assert max(len(line) for line in lines if not line.startswith("note:")) <= 50
    assert sum(line.startswith("TP ") for line in lines) == 3
    assert next(line.split() for line in lines if line.startswith("TP ")) == ["TP", "7", "90", "68"]


def test_csv_holds_every_value_with_its_data():
    table = reproduced("softnet:table7", {"linear": {"TP": 100, "F1": 1 / 3, "AP@[.5:.95]": float("nan")}})
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    ours = [row for row in rows if row["by"] == "ours"]
    assert [(row["column"], row["data"], row["value"]) for row in ours] == [
        ("TP", "synth", "100"),
        ("F1", "synth", repr(1 / 3)),
    ]
    assert len(rows) == 2 + 15
    printed = {(row["row"], row["column"]): row["value"] for row in rows if row["by"] == "paper"}
    assert printed["unit step", "F1"] == "0.2410"
    assert {row["data"] for row in rows if row["by"] == "paper"} == {"cas_me_2"}
    code = csv.DictReader(io.StringIO(reproduced("softnet:code", {}).csv()))
    assert {row["by"] for row in code} == {"code"}


def test_markdown_is_one_table():
    lines = reproduced("softnet:table7", {"linear": {"F1": 0.3}}).markdown().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {12}
    assert len(rows) == 2 + 3
    assert lines[0].startswith("## SOFTNet, Table 7")
    assert "NOT the paper's data" in lines[2]
    assert rows[2].split(" | ")[7:9] == ["0.3000", "0.2269"]


def test_numbers_of_numpy_print_as_those_of_python():
    table = reproduced("softnet:table2", {"TP": {"macro": np.int64(7)}, "F1": {"macro": np.float64(0.25)}})
    assert "softnet:table2,TP,macro,ours,synth,7\n" in table.csv()
    assert "softnet:table2,F1,macro,ours,synth,0.25\n" in table.csv()
    assert cell(table, "TP", "macro").ours == 7


@pytest.mark.parametrize("ours", [{"Softnet": {"macro": 0.5}}, {"SOFTNet": {"both": 0.5}}])
def test_a_misspelt_row_or_column_is_no_empty_cell(ours):
    with pytest.raises(ValueError, match=r"no (row 'Softnet'|column 'both')"):
        reproduced("softnet:table1", ours)
