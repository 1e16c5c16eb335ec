"""The printed tables agree with one another wherever they print the same thing, and a damaged file is refused."""

import re
from importlib.resources import files
from itertools import pairwise

import pytest

from facespot.datasets import CORPORA
from facespot.errors import FormatError, SettingsError
from facespot.experiments.printed import printed_table, printed_tables, read_printed

DIGIT = 0.5e-4 + 1e-12
KINDS = ("macro", "micro", "overall")
CORPORA_OF_SOFTNET = ("cas_me_2", "samm_lv")
CORPORA_OF_SHORT_VIDEOS = ("casme_ii", "smic_hs", "smic_vis", "smic_nir")

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


@pytest.mark.parametrize("table_id", ["softnet:table2", "softnet:table7", "softnet:code", "spotgcn:table5"])
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


def mean(number, row, corpus, name):
    return printed_table(f"mean:table{number}").value(row, name, corpus)


def test_all_tables_of_mean_are_there():
    sizes = {one.id: (len(one.rows), len(one.columns)) for one in printed_tables().values() if one.paper == "MEAN"}
    assert sizes == {
        "mean:table2": (3, 8),
        "mean:table3": (3, 2),
        "mean:table4": (7, 2),
        "mean:table5": (11, 12),
        "mean:table6": (3, 3),
        "mean:table7": (5, 3),
        "mean:table8": (3, 6),
        "mean:table9": (2, 6),
        "mean:table10": (2, 4),
    }


@pytest.mark.parametrize("number", [6, 7])
def test_strs_is_the_product_of_the_printed_f1(number):
    for row in printed_table(f"mean:table{number}").row_names:
        spotting, recognition, strs = (
            mean(number, row, "casme_ii", name) for name in ("spotting, F1", "recognition, F1_a", "STRS")
        )
        assert spotting * recognition == pytest.approx(strs, abs=2 * DIGIT)


def test_short_videos_give_one_interval_each_so_that_f1_is_a_share_of_the_videos():
    videos = mean(5, "total", "casme_ii", "spotting")
    figures = {
        (number, row): mean(number, row, "casme_ii", "spotting, F1")
        for number in (6, 7)
        for row in printed_table(f"mean:table{number}").row_names
    }
    shares = [hits / videos for hits in range(videos + 1)]
    odd = [where for where, value in figures.items() if min(abs(share - value) for share in shares) > DIGIT]
    assert odd == [(6, "k = FPS x 0.05")], "a slip of the paper"


def test_the_rates_and_accuracies_of_mean_are_whole_numbers_of_videos():
    for corpus in CORPORA_OF_SHORT_VIDEOS:
        hits = mean(2, "MEAN", corpus, "ASR") * mean(5, "total", corpus, "spotting")
        assert hits == pytest.approx(round(hits), abs=0.02)
    assert [21 * mean(10, row, "meview", "ASR") for row in ("Gan et al., 2022", "MEAN")] == pytest.approx(
        [7, 9], abs=2e-3
    )
    right, total = (mean(5, row, "smic_vis", "recognition") for row in ("TP", "total"))
    assert 100 * right / total == pytest.approx(mean(3, "MEAN", "smic_vis", "hits only"), abs=0.005)
    assert mean(3, "MEAN", "smic_vis", "all spotted") == pytest.approx(100 * 42 / 71, abs=0.005)


def test_the_tables_of_mean_repeat_one_another():
    for number, row in ((6, "k = FPS x 0.10"), (7, "simple average")):
        for name, detail in (("spotting, F1", ("F1", "spotting")), ("STRS", ("STRS", "spotting"))):
            assert mean(number, row, "casme_ii", name) == mean(5, detail[0], "casme_ii", detail[1])
    for corpus in printed_table("mean:table8").corpora:
        f1_a = mean(5, "F1", corpus, "recognition")
        assert f1_a == mean(8, "case 1: onset to apex", corpus, "F1_a, hits only")
        assert mean(5, "UAR", corpus, "recognition") == mean(5, "recall", corpus, "recognition")
    for corpus in ("cas_me_2", "samm_lv"):
        assert mean(4, "MEAN", corpus, "F1") == mean(5, "F1", corpus, "spotting")


def test_table_9_of_mean_prints_another_setting_than_it_says():
    """By its caption only the hits count, but for short videos its last row repeats Table 2: all spotted intervals."""
    for corpus in printed_table("mean:table9").corpora:
        with_transfer = mean(9, "with transfer", corpus, "F1_a, hits only")
        of_hits = mean(5, "F1", corpus, "recognition")
        if corpus in CORPORA_OF_SHORT_VIDEOS:
            assert with_transfer == pytest.approx(mean(2, "MEAN", corpus, "F1_a, all spotted"), abs=2 * DIGIT)
            assert abs(with_transfer - of_hits) > 0.01
        else:
            assert with_transfer == of_hits


def test_table_4_of_mean_quotes_one_method_by_its_macro_expressions():
    """Its other figures are those that SOFTNet's Table 1 quotes for micro-expressions."""
    rows = {
        "Yap et al.": "Yap et al., 2019",
        "MDMD baseline": "He et al., 2020",
        "Gan et al.": "Gan et al., 2020",
        "Zhang et al.": "Zhang et al., 2020",
        "SOFTNet": "Liong et al., 2021",
    }
    softnet = printed_table("softnet:table1")
    wrong = [
        (row, corpus)
        for row, quoted in rows.items()
        for corpus in CORPORA_OF_SOFTNET
        if softnet.value(row, "micro", corpus) != mean(4, quoted, corpus, "F1")
    ]
    assert wrong == [("Zhang et al.", "samm_lv")]
    assert mean(4, "Zhang et al., 2020", "samm_lv", "F1") == softnet.value("Zhang et al.", "macro", "samm_lv")
    assert softnet.value("Zhang et al.", "micro", "samm_lv") > mean(4, "MEAN", "samm_lv", "F1")


def test_uf1_never_exceeds_f1_a_in_table_10_of_mean():
    for row in printed_table("mean:table10").row_names:
        assert mean(10, row, "meview", "UF1") <= mean(10, row, "meview", "F1_a")


def test_all_tables_of_spotgcn_are_there():
    sizes = {one.id: (len(one.rows), len(one.columns)) for one in printed_tables().values() if one.paper == "SpoT-GCN"}
    assert sizes == {
        "spotgcn:table1": (5, 6),
        "spotgcn:table2": (9, 3),
        "spotgcn:table3": (6, 2),
        "spotgcn:table4": (16, 6),
        "spotgcn:table5": (7, 6),
    }


@pytest.mark.parametrize("corpus", ["cas_me_2", "samm_lv"])
def test_the_tables_of_spotgcn_repeat_one_another(corpus):
    whole = row("spotgcn:table1", "+SLO+STGCN+FLGP+SupCon", corpus)
    assert whole == row("spotgcn:table4", "SpoT-GCN", corpus) == row("spotgcn:table5", "F1", corpus)
    by_weight = printed_table("spotgcn:table3")
    assert by_weight.value("0.05", "overall", corpus) == whole[-1]
    without = row("spotgcn:table1", "+SLO+STGCN+FLGP", corpus)
    assert by_weight.value("0", "overall", corpus) == without[-1]
    if corpus == "samm_lv":
        assert row("spotgcn:table2", "17", corpus) == whole


def test_the_columns_of_both_corpora_in_table_3_of_spotgcn_are_pooled():
    """By Table V the published weight gives 430 of 859 true expressions and 698 false alarms."""
    counts = printed_table("spotgcn:table5")
    tp, fp, fn = (
        sum(counts.value(name, "overall", corpus) for corpus in counts.corpora) for name in ("TP", "FP", "FN")
    )
    table = printed_table("spotgcn:table3")
    pooled = [float(text) for text in re.findall(r"\.\d{4}", table.note)]
    assert len(pooled) == len(table.rows)
    assert 2 * tp / (2 * tp + fp + fn) == pytest.approx(pooled[table.row_names.index("0.05")], abs=DIGIT)
    for value, name in zip(pooled, table.row_names, strict=True):
        of_each = [table.value(name, "overall", corpus) for corpus in table.corpora]
        assert min(of_each) <= value <= max(of_each)


def test_the_published_settings_of_spotgcn_are_the_best_on_samm_lv_not_all_on_cas_me_2():
    best = {
        (number, corpus): max(table.row_names, key=lambda name: table.value(name, "overall", corpus))
        for number in (2, 3)
        for table in (printed_table(f"spotgcn:table{number}"),)
        for corpus in table.corpora
    }
    assert best == {(2, "samm_lv"): "17", (3, "samm_lv"): "0.05", (3, "cas_me_2"): "0.08"}


@pytest.mark.parametrize("name", ["SOFTNet", "Zhang et al."])
@pytest.mark.parametrize("corpus", CORPORA_OF_SOFTNET)
def test_table_4_of_spotgcn_quotes_the_figures_of_softnet(name, corpus):
    assert row("spotgcn:table4", name, corpus) == row("softnet:table1", name, corpus)


def test_the_baseline_of_spotgcn_is_not_the_abpn_that_it_quotes():
    for corpus in CORPORA_OF_SOFTNET:
        baseline, quoted = row("spotgcn:table1", "Baseline", corpus), row("spotgcn:table4", "ABPN", corpus)
        assert baseline[-1] - quoted[-1] > 0.04


def test_all_tables_of_fesnet_are_there():
    sizes = {one.id: (len(one.rows), len(one.columns)) for one in printed_tables().values() if one.paper == "FESNet"}
    assert sizes == {
        "fesnet:table1": (1, 10),
        "fesnet:table2": (0, 10),
        "fesnet:table3": (3, 5),
        "fesnet:table4": (7, 5),
    }
    for number in (1, 2):
        assert "not in our copy of the paper" in printed_table(f"fesnet:table{number}").note


def test_the_tables_of_fesnet_repeat_one_another():
    names = printed_table("fesnet:table1").column_names
    for corpus, number, row in (("samm_lv", 3, "FESNet"), ("cas_me_2", 4, "0.15")):
        table = printed_table(f"fesnet:table{number}")
        whole = [printed_table("fesnet:table1").value("FESNet", name, corpus) for name in names]
        assert whole == [table.value(row, name, corpus) for name in names]


def test_the_published_gamma_of_fesnet_has_not_the_highest_overall_f1():
    table = printed_table("fesnet:table4")
    best = {
        name: max(table.row_names, key=lambda row: table.value(row, name, "cas_me_2")) for name in table.column_names
    }
    assert best == {"macro": "0.30", "micro": "0.15", "overall": "0.30", "Edit": "0.15", "Acc": "0.15"}


def test_one_figure_of_fesnet_cannot_be_a_share():
    values = {
        (table, row.name, column.name): value
        for table in ("fesnet:table3", "fesnet:table4")
        for row in printed_table(table).rows
        for column, value in zip(printed_table(table).columns, row.values, strict=True)
    }
    odd = [place for place, value in values.items() if not 0 < value < 1]
    assert odd == [("fesnet:table3", "without the LSDM loss", "Edit")]
    for (table, row, name), value in values.items():
        if name == "overall":
            assert values[table, row, "micro"] < value < values[table, row, "macro"]


def test_a_table_whose_numbers_are_not_known_says_so():
    without = SMALL.partition('"theirs" =')[0].replace('cited = ["theirs"]\n', "")
    with pytest.raises(FormatError, match="rows is missing"):
        read_printed(without)
    noted = without.replace('title = "counts"', 'title = "counts"\nnote = "nobody has seen it"')
    assert read_printed(noted)["paper:table1"].rows == ()
    with pytest.raises(FormatError, match="rows is missing"):
        read_printed(noted.partition("[paper.table1.rows]")[0])


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
