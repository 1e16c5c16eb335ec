"""Rows that the papers print, computed again from their counts; and rows that contradict themselves."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from facespot.metrics import Evaluation
from facespot.metrics.bootstrap import counts, f1_of_counts
from facespot.metrics.matching import pool
from facespot.metrics.recognition import f1_of_means, macro_precision, macro_recall, unweighted_f1
from facespot.metrics.strs import spot_then_recognize_score, strs_by_treatment

DIGIT = 0.5e-4 + 1e-12

# Table, true expressions, (TP, FP, FN), printed (precision, recall, F1).
SOFTNET_TABLE_2 = {
    "CAS(ME)2 macro": (300, (90, 357, 210), (0.2013, 0.3000, 0.2410)),
    "CAS(ME)2 micro": (57, (20, 264, 37), (0.0704, 0.3509, 0.1173)),
    "CAS(ME)2 overall": (357, (110, 621, 247), (0.1505, 0.3081, 0.2022)),
    "SAMM-LV macro": (333, (68, 226, 265), (0.2313, 0.2042, 0.2169)),
    "SAMM-LV micro": (159, (38, 303, 121), (0.1114, 0.2390, 0.1520)),
    "SAMM-LV overall": (492, (106, 529, 386), (0.1669, 0.2154, 0.1881)),
}
MEAN_TABLE_5 = {
    "CASME II": (244, (159, 85, 85), (0.6516, 0.6516, 0.6516)),
    "SMIC-E-HS": (157, (60, 97, 97), (0.3822, 0.3822, 0.3822)),
    "SMIC-E-VIS": (71, (31, 40, 40), (0.4366, 0.4366, 0.4366)),
    "SMIC-E-NIR": (71, (22, 49, 49), (0.3099, 0.3099, 0.3099)),
    "CAS(ME)2 micro": (57, (17, 206, 40), (0.0762, 0.2982, 0.1214)),
    "SAMM-LV micro": (159, (26, 363, 133), (0.0668, 0.1635, 0.0949)),
}
SPOTGCN_TABLE_V = {
    "SAMM-LV macro": (343, (188, 281, 155), (0.4009, 0.5481, 0.4631)),
    "SAMM-LV micro": (159, (69, 114, 90), (0.3770, 0.4340, 0.4035)),
    "SAMM-LV overall": (502, (257, 395, 245), (0.3942, 0.5120, 0.4454)),
    "CAS(ME)2 macro": (300, (161, 281, 139), (0.3643, 0.5367, 0.4340)),
    "CAS(ME)2 micro": (57, (12, 22, 45), (0.3529, 0.2105, 0.2637)),
}
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


@pytest.mark.parametrize("table", [SOFTNET_TABLE_2, SPOTGCN_TABLE_V])
def test_overall_rows_pool_both_types(table):
    for corpus in ("CAS(ME)2", "SAMM-LV"):
        if f"{corpus} overall" in table:
            both = pool([Evaluation(*table[f"{corpus} {kind}"][1]) for kind in ("macro", "micro")])
            assert (both.tp, both.fp, both.fn) == table[f"{corpus} overall"][1]


def test_overall_ap_is_the_mean_of_the_types():
    """SOFTNet, Table 2: AP@[.5:.95] of both types and overall."""
    for macro, micro, overall in ((0.0168, 0.0112, 0.0140), (0.0117, 0.0103, 0.0110)):
        assert (macro + micro) / 2 == pytest.approx(overall, abs=DIGIT)


def test_spotgcn_table_v_contradicts_itself_in_one_recall():
    """Its CAS(ME)2 overall row: TP 173, FP 303, FN 184 make a recall of .4846; printed is .4678. F1 fits the counts."""
    result = pool([Evaluation(*SPOTGCN_TABLE_V[f"CAS(ME)2 {kind}"][1]) for kind in ("macro", "micro")])
    assert (result.tp, result.fp, result.fn) == (173, 303, 184)
    assert (result.precision, result.f1) == pytest.approx((0.3634, 0.4154), abs=DIGIT)
    assert result.recall == pytest.approx(0.4846, abs=DIGIT)
    assert abs(result.recall - 0.4678) > 0.01


def test_softnet_table_4_swaps_two_columns_at_p_45():
    """Pooled F1 lies between those of the types. At p = .45 CAS(ME)2 reads .2511 .1933 .0853; .50 reads in order."""

    def possible(macro, micro, overall):
        return min(macro, micro) <= overall <= max(macro, micro)

    assert possible(0.2484, 0.1028, 0.2010)
    assert not possible(0.2511, 0.1933, 0.0853)
    assert possible(0.2511, 0.0853, 0.1933)


# Recognition of the spotted true positives: samples, right ones, printed (precision, recall, F1_a, UF1), STRS.
MEAN_TABLE_5_RECOGNITION = {
    "CASME II": (159, 96, (0.5983, 0.5872, 0.5927, 0.6755), 0.3862),
    "SMIC-E-HS": (60, 31, (0.5076, 0.5224, 0.5149, 0.5000), 0.1968),
    "SMIC-E-VIS": (31, 24, (0.7492, 0.7447, 0.7470, 0.7425), 0.3261),
    "SMIC-E-NIR": (22, 16, (0.6667, 0.6667, 0.6667, 0.6667), 0.2066),
    "CAS(ME)2 micro": (7, 4, (0.6667, 0.6667, 0.6667, 0.5794), 0.0809),
    "SAMM-LV micro": (19, 14, (0.5882, 0.4762, 0.5263, 0.5018), 0.0499),
}


@pytest.mark.parametrize("corpus", MEAN_TABLE_5_RECOGNITION)
def test_strs_and_f1_a_of_mean_table_5_compute_again(corpus):
    _, _, (precision, recall, f1_a, _), strs = MEAN_TABLE_5_RECOGNITION[corpus]
    assert 2 * precision * recall / (precision + recall) == pytest.approx(f1_a, abs=2 * DIGIT)
    assert spot_then_recognize_score(MEAN_TABLE_5[corpus][2][2], f1_a) == pytest.approx(strs, abs=DIGIT)


def test_mean_table_5_contradicts_itself_in_the_uf1_of_casme_ii():
    """UF1 never exceeds F1_a over the same classes (the harmonic mean is concave), but .6755 stands beside .5927."""
    impossible = [
        corpus for corpus, (_, _, (_, _, f1_a, uf1), _) in MEAN_TABLE_5_RECOGNITION.items() if uf1 > f1_a + DIGIT
    ]
    assert impossible == ["CASME II"]


def test_mean_table_9_prints_another_setting_than_it_says():
    """By its title only the hits count, but for short videos its row "with ITL" repeats Table 2: all spotted ones."""
    table_2, table_8 = (0.5723, 0.4796, 0.5957, 0.4490), (0.5927, 0.5149, 0.7470, 0.6667)
    table_9 = (0.5723, 0.4796, 0.5958, 0.4490)
    assert table_9 == pytest.approx(table_2, abs=2 * DIGIT)
    assert all(abs(a - b) > 0.01 for a, b in zip(table_9, table_8, strict=True))


def compositions(total, parts):
    for bars in combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        yield [right - left - 1 for left, right in pairwise(edges)]


@pytest.mark.parametrize("corpus", ["CAS(ME)2 micro", "SAMM-LV micro"])
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
    spotting = Evaluation(*MEAN_TABLE_5[corpus][1])
    scores = {round(strs_by_treatment(spotting, matrix)["zero"], 4) for matrix in found}
    # The paper multiplies rounded factors: .1214 x .6667 = .0809, but 34/280 x 2/3 = .0810.
    assert scores == ({0.0810} if corpus == "CAS(ME)2 micro" else {strs})
    if corpus == "SAMM-LV micro":
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
