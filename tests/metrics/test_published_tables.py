"""Rows that the papers print, computed again from their counts; and rows that contradict themselves."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from facespot.experiments.printed import printed_table
from facespot.metrics import Evaluation
from facespot.metrics.bootstrap import counts, f1_of_counts
from facespot.metrics.matching import pool
from facespot.metrics.recognition import f1_of_means, macro_precision, macro_recall, unweighted_f1
from facespot.metrics.strs import spot_then_recognize_score, strs_by_treatment

DIGIT = 0.5e-4 + 1e-12


def spotting_rows(table_id, columns=None):
    """True expressions, (TP, FP, FN) and printed (precision, recall, F1) of a printed table, by corpus and column."""
    table = printed_table(table_id)
    return {
        f"{table.short[corpus]} {name}": (
            table.value("total", name, corpus),
            tuple(table.value(row, name, corpus) for row in ("TP", "FP", "FN")),
            tuple(table.value(row, name, corpus) for row in ("precision", "recall", "F1")),
        )
        for name in columns or table.column_names
        for corpus in table.corpora
    }


SOFTNET_TABLE_2 = spotting_rows("softnet:table2")
MEAN_TABLE_5 = spotting_rows("mean:table5", ["spotting"])
# One recall of this table contradicts its counts; see below.
SPOTGCN_TABLE_V = {name: row for name, row in spotting_rows("spotgcn:table5").items() if name != "CAS(ME)2 overall"}
TABLES = [
    pytest.param(*row, id=f"{table}: {name}")
    for table, rows in (
        ("SOFTNet 2", SOFTNET_TABLE_2),
        ("MEAN 5", MEAN_TABLE_5),
        ("SpoT-GCN V", SPOTGCN_TABLE_V),
    )
    for name, row in rows.items()
]


@pytest.mark.parametrize(("total", "found", "printed"), TABLES)
def test_spotting_rows_compute_again(total, found, printed):
    result = Evaluation(*found)
    assert result.tp + result.fn == total
    assert (result.precision, result.recall, result.f1) == pytest.approx(printed, abs=DIGIT)
    assert float(f1_of_counts(counts([result]))[0]) == result.f1


@pytest.mark.parametrize("table", [SOFTNET_TABLE_2, SPOTGCN_TABLE_V], ids=["SOFTNet 2", "SpoT-GCN V"])
def test_overall_rows_pool_both_types(table):
    for corpus in ("CAS(ME)2", "SAMM-LV"):
        if f"{corpus} overall" in table:
            both = pool([Evaluation(*table[f"{corpus} {kind}"][1]) for kind in ("macro", "micro")])
            assert (both.tp, both.fp, both.fn) == table[f"{corpus} overall"][1]


def test_overall_ap_is_the_mean_of_the_types():
    table = printed_table("softnet:table2")
    for corpus in table.corpora:
        macro, micro, overall = (table.value("AP@[.5:.95]", kind, corpus) for kind in ("macro", "micro", "overall"))
        assert (macro + micro) / 2 == pytest.approx(overall, abs=DIGIT)


def test_spotgcn_table_v_contradicts_itself_in_one_recall():
    """Its CAS(ME)2 overall row: TP 173, FP 303, FN 184 make a recall of .4846; printed is .4678. F1 fits the counts."""
    _, found, (precision, recall, f1) = spotting_rows("spotgcn:table5")["CAS(ME)2 overall"]
    result = pool([Evaluation(*SPOTGCN_TABLE_V[f"CAS(ME)2 {kind}"][1]) for kind in ("macro", "micro")])
    assert (result.tp, result.fp, result.fn) == found == (173, 303, 184)
    assert (result.precision, result.f1) == pytest.approx((precision, f1), abs=DIGIT)
    assert result.recall == pytest.approx(0.4846, abs=DIGIT)
    assert abs(result.recall - recall) > 0.01


@pytest.mark.parametrize("number", [1, 2, 4])
def test_the_overall_f1_of_spotgcn_lies_between_those_of_the_types(number):
    """As it must where all three pool the same counts."""
    table, n_compared = printed_table(f"spotgcn:table{number}"), 0
    for row in table.row_names:
        for corpus in table.corpora:
            macro, micro, overall = (table.value(row, kind, corpus) for kind in ("macro", "micro", "overall"))
            if None not in (macro, micro, overall):
                assert min(macro, micro) <= overall <= max(macro, micro), (row, corpus)
                n_compared += 1
    assert n_compared == {1: 10, 2: 9, 4: 23}[number]


def test_softnet_tables_4_and_5_swap_two_columns_at_one_p():
    """Pooled F1 lies between those of the types; at p = .45 it does only if micro and overall change places."""

    def possible(macro, micro, overall):
        return min(macro, micro) <= overall <= max(macro, micro)

    figures = {
        (table, row, corpus): tuple(
            printed_table(table).value(row, kind, corpus) for kind in ("macro", "micro", "overall")
        )
        for table in ("softnet:table4", "softnet:table5")
        for row in printed_table(table).row_names
        for corpus in ("cas_me_2", "samm_lv")
    }
    assert [where for where, row in figures.items() if not possible(*row)] == [("softnet:table4", "0.45", "cas_me_2")]
    macro, micro, overall = figures["softnet:table4", "0.45", "cas_me_2"]
    assert possible(macro, overall, micro)


def recognition_rows():
    """Samples and right ones, printed (precision, recall, F1_a, UF1) and STRS of MEAN's spotted true positives."""
    table = printed_table("mean:table5")
    return {
        table.short[corpus]: (
            *(table.value(row, "recognition", corpus) for row in ("total", "TP")),
            tuple(table.value(row, "recognition", corpus) for row in ("precision", "recall", "F1", "UF1")),
            table.value("STRS", "spotting", corpus),
        )
        for corpus in table.corpora
    }


MEAN_TABLE_5_RECOGNITION = recognition_rows()


@pytest.mark.parametrize("corpus", MEAN_TABLE_5_RECOGNITION)
def test_strs_and_f1_a_of_mean_table_5_compute_again(corpus):
    _, _, (precision, recall, f1_a, _), strs = MEAN_TABLE_5_RECOGNITION[corpus]
    assert 2 * precision * recall / (precision + recall) == pytest.approx(f1_a, abs=2 * DIGIT)
    assert spot_then_recognize_score(MEAN_TABLE_5[f"{corpus} spotting"][2][2], f1_a) == pytest.approx(strs, abs=DIGIT)


def test_mean_table_5_contradicts_itself_in_the_uf1_of_casme_ii():
    """UF1 never exceeds F1_a over the same classes (the harmonic mean is concave), but .6755 stands beside .5927."""
    impossible = [
        corpus for corpus, (_, _, (_, _, f1_a, uf1), _) in MEAN_TABLE_5_RECOGNITION.items() if uf1 > f1_a + DIGIT
    ]
    assert impossible == ["CASME II"]


def compositions(total, parts):
    for bars in combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        yield [right - left - 1 for left, right in pairwise(edges)]


@pytest.mark.parametrize("corpus", ["SMIC-VIS", "SMIC-NIR", "CAS(ME)2", "SAMM-LV"])
def test_one_confusion_matrix_explains_a_whole_row_of_mean_table_5(corpus):
    """Among all 3 x 3 matrices with so many samples and right ones some give every printed figure at once."""
    samples, right, printed, strs = MEAN_TABLE_5_RECOGNITION[corpus]
    wrong = np.array(list(compositions(samples - right, 6)))
    rows, columns = np.nonzero(~np.eye(3, dtype=bool))
    found = []
    for diagonal in compositions(right, 3):
        matrices = np.zeros((len(wrong), 3, 3), dtype=int)
        matrices[:, rows, columns] = wrong
        matrices[:, range(3), range(3)] = diagonal
        figures = [measure(matrices) for measure in (macro_precision, macro_recall, f1_of_means, unweighted_f1)]
        fits = np.all(np.abs(np.stack(figures, axis=1) - printed) < DIGIT, axis=1)
        found += list(matrices[fits])
    assert found
    spotting = Evaluation(*MEAN_TABLE_5[f"{corpus} spotting"][1])
    scores = {round(strs_by_treatment(spotting, matrix)["zero"], 4) for matrix in found}
    # The paper multiplies rounded factors: .1214 x .6667 = .0809, but 34/280 x 2/3 = .0810.
    assert {0.0810} == scores if corpus == "CAS(ME)2" else strs in scores
    if corpus == "SAMM-LV":
        # One matrix up to the order of the classes: one class has 3 samples, none of them right.
        assert len(found) == 6
        assert {tuple(sorted(matrix.sum(axis=1).tolist())) for matrix in found} == {(2, 3, 14)}


def test_strs_depends_on_the_treatment_of_absent_classes():
    spotting, matrix = Evaluation(3, 3, 3), [[2, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert strs_by_treatment(spotting, matrix) == pytest.approx({"zero": 1 / 3, "present": 0.5, "occurring": 0.5})
    assert strs_by_treatment(Evaluation(0, 3, 3), np.zeros((3, 3)))["zero"] == 0.0
    assert np.isnan(strs_by_treatment(spotting, np.zeros((3, 3)))["zero"])
    with pytest.raises(ValueError, match="F1 of the recognition"):
        spot_then_recognize_score(0.5, 1.5)
