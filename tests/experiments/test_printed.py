"""The printed tables agree with one another wherever they print the same thing, and a damaged file is refused."""

from importlib.resources import files
from itertools import pairwise

import pytest

from facespot.datasets import CORPORA
from facespot.errors import FormatError, SettingsError
from facespot.experiments.printed import printed_table, printed_tables, read_printed

DIGIT = 0.5e-4 + 1e-12
KINDS = ("macro", "micro", "overall")
CORPORA_OF_SOFTNET = ("cas_me_2", "samm_lv")

SMALL = """
[corpora]
cas_me_2 = "CAS(ME)2"
samm_lv = "SAMM-LV"

[paper]
paper = "A paper"
source = "its authors"

[paper.table1]
number = "I"
page = "3"
title = "counts"
cited = ["theirs"]
columns = [
    { corpus = "cas_me_2", kind = "macro" },
    { corpus = "samm_lv", kind = "macro" },
    { corpus = "samm_lv", kind = "overall", name = "both" },
]

[paper.table1.rows]
"theirs" = [1, "-", 3]
"ours" = [1, 0.25, 3]
"""


def row(table_id, name, corpus):
    table = printed_table(table_id)
    return tuple(table.value(name, kind, corpus) for kind in KINDS)


def test_all_tables_of_softnet_are_there():
    sizes = {one.id: (len(one.rows), len(one.columns)) for one in printed_tables().values() if one.paper == "SOFTNet"}
    assert sizes == {
        "softnet:table1": (7, 6),
        "softnet:table2": (8, 6),
        "softnet:table3": (5, 4),
        "softnet:table4": (19, 6),
        "softnet:table5": (19, 6),
        "softnet:table6": (2, 4),
        "softnet:table7": (3, 5),
        "softnet:code": (4, 4),
    }


def test_every_table_names_its_place_and_known_corpora():
    for table in printed_tables().values():
        assert set(table.corpora) <= set(CORPORA), table.id
        assert table.number or table.by == "code", table.id
        assert table.page or table.paper != "SOFTNet" or table.by == "code", table.id
    assert printed_table("softnet:table4").place == "SOFTNet, Table 4, page 1 of the supplement"
    assert printed_table("softnet:code").place == "SOFTNet, released program and weights"


@pytest.mark.parametrize("table_id", ["softnet:table2", "softnet:table7", "softnet:code"])
def test_f1_follows_from_the_counts(table_id):
    table = printed_table(table_id)
    if table_id == "softnet:table7":
        found = [[table.value(name, key, "cas_me_2") for key in ("TP", "FP", "FN", "F1")] for name in table.row_names]
    else:
        found = [
            [table.value(key, column.name, column.corpus) for key in ("TP", "FP", "FN", "F1")]
            for column in table.columns
        ]
    for tp, fp, fn, f1 in found:
        assert 2 * tp / (2 * tp + fp + fn) == pytest.approx(f1, abs=DIGIT)


@pytest.mark.parametrize("corpus", CORPORA_OF_SOFTNET)
def test_tables_repeat_one_another(corpus):
    softnet = row("softnet:table1", "SOFTNet", corpus)
    assert softnet == row("softnet:table2", "F1", corpus) == row("softnet:table4", "0.55", corpus)
    with_one_slip = dict(zip(KINDS, row("softnet:table5", "0.50", corpus), strict=True))
    if corpus == "samm_lv":
        assert with_one_slip["overall"] == 0.1292
        with_one_slip["overall"] = 0.1293
    assert row("softnet:table1", "without SOFTNet", corpus) == tuple(with_one_slip.values())


def test_the_macro_expressions_of_cas_me_2_are_the_same_in_four_tables():
    backbones, labels, details = (printed_table(f"softnet:table{number}") for number in (3, 7, 2))
    for name in ("F1", "AP@[.5:.95]"):
        figure = details.value(name, "macro", "cas_me_2")
        assert figure == backbones.value("SOFTNet", name, "cas_me_2") == labels.value("unit step", name, "cas_me_2")
    for name in ("TP", "FP", "FN"):
        assert details.value(name, "macro", "cas_me_2") == labels.value("unit step", name, "cas_me_2")
    true = {labels.value(name, "TP", "cas_me_2") + labels.value(name, "FN", "cas_me_2") for name in labels.row_names}
    assert true == {details.value("total", "macro", "cas_me_2")}


def test_the_released_program_counts_the_same_expressions():
    code, details = printed_table("softnet:code"), printed_table("softnet:table2")
    for column in code.columns:
        true = code.value("TP", column.name, column.corpus) + code.value("FN", column.name, column.corpus)
        assert true == details.value("total", column.name, column.corpus)


@pytest.mark.parametrize("table_id", ["softnet:table4", "softnet:table5"])
def test_the_sweeps_go_in_steps_and_change_smoothly(table_id):
    table = printed_table(table_id)
    assert table.row_names == tuple(f"{step / 20:.2f}" for step in range(1, 20))

    def step(before, after, column):
        return table.value(after, column.name, column.corpus) - table.value(before, column.name, column.corpus)

    jumps = [
        (after, column.corpus, column.kind)
        for column in table.columns
        for before, after in pairwise(table.row_names)
        if abs(step(before, after, column)) > 0.045
    ]
    exchanged = [(p, "cas_me_2", kind) for kind in ("micro", "overall") for p in ("0.45", "0.50")]
    assert jumps == (exchanged if table_id == "softnet:table4" else [])


def test_the_lengths_in_frames_and_seconds_give_the_frame_rates():
    table = printed_table("softnet:table6")
    rates = {
        (column.corpus, round(table.value("k, frames", column.name, column.corpus) / seconds, 6))
        for column in table.columns
        if (seconds := table.value("k, seconds", column.name, column.corpus))
    }
    assert rates == {("cas_me_2", 30), ("samm_lv", 200)}


def test_a_small_file_is_read():
    table = read_printed(SMALL)["paper:table1"]
    assert (table.paper, table.source, table.place) == ("A paper", "its authors", "A paper, Table I, page 3")
    assert table.corpora == ("cas_me_2", "samm_lv")
    assert table.column_names == ("macro", "both")
    assert [one.cited for one in table.rows] == [True, False]
    assert table.value("theirs", "macro", "samm_lv") is None
    assert table.value("ours", "macro", "samm_lv") == 0.25
    assert table.value("ours", "both", "cas_me_2") is None
    assert dict(table.short) == {"cas_me_2": "CAS(ME)2", "samm_lv": "SAMM-LV"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[1, 0.25, 3]", "[1, 0.25]", "'ours': it has 2 values for 3 columns"),
        ("[1, 0.25, 3]", "[1, 0.25, 3, 4]", "'ours': it has 4 values for 3 columns"),
        ("[1, 0.25, 3]", "[1, 'n/a', 3]", "'n/a' is no number"),
        ("[1, 0.25, 3]", "[1, true, 3]", "True is no number"),
        ("[1, 0.25, 3]", "0.25", "no list of values"),
        ('"ours" =', '"theirs" =', "no TOML"),
        ('title = "counts"', "", "title is missing"),
        ('title = "counts"', 'titel = "counts"', "titel is unknown"),
        ('page = "3"', "page = 3", "page is unknown or of the wrong type"),
        ('["theirs"]', '["others"]', "cited row 'others'"),
        ('corpus = "cas_me_2", kind', 'corpus = "casme2", kind', "data set 'casme2'"),
        ('kind = "overall"', 'kind = "both"', "type 'both'"),
        (', name = "both"', ', nam = "both"', "cannot be read"),
        ('kind = "overall", name = "both"', 'kind = "macro"', "two columns"),
        ('source = "its authors"', "", "source is missing"),
        ("[corpora]", "[corpus]", "headings of the data sets"),
        ("[paper.table1]", "[paper]\nx = 1\n[paper.table1]", "no TOML"),
        ('source = "its authors"', 'source = "its authors"\ntable2 = 1', "paper:table2: it is no table"),
    ],
)
def test_a_damaged_file_is_refused(old, new, message):
    assert SMALL.count(old) == 1
    with pytest.raises(FormatError) as caught:
        read_printed(SMALL.replace(old, new))
    assert message in str(caught.value)


def test_unknown_names_are_answered_with_the_choices():
    with pytest.raises(SettingsError, match="choose one of softnet:table1, softnet:table2"):
        printed_table("softnet:table8")
    table = printed_table("softnet:table1")
    with pytest.raises(SettingsError, match=r"no row 'Softnet'.*without SOFTNet, SOFTNet"):
        table.value("Softnet", "macro", "cas_me_2")
    with pytest.raises(SettingsError, match=r"no column 'all'.*macro, micro, overall"):
        table.value("SOFTNet", "all", "cas_me_2")
    with pytest.raises(SettingsError, match=r"no data set 'synth'.*cas_me_2, samm_lv"):
        table.value("SOFTNet", "macro", "synth")


def test_the_file_lies_in_the_package():
    assert (files("facespot.experiments") / "printed.toml").is_file()
