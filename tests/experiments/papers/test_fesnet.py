"""FESNet's tables from made-up scores: F1, Edit and Acc of each run counted again plainly."""

import json
from itertools import groupby

import numpy as np
import pytest

from facespot.experiments.papers import fesnet, reproduction
from facespot.experiments.papers.registry import METHODS_OF_PAPER, PARTS, maker
from facespot.experiments.papers.wording import difference_text
from facespot.experiments.printed import printed_table, printed_tables
from facespot.experiments.run import read_run
from facespot.export import read_tracks
from facespot.export.table import format_table
from facespot.metrics import PAPER_RULE, Rule, compare, evaluate
from facespot.values import KINDS, Expression, Timebase, Track

NAMES = (*KINDS, "overall")
COLUMNS = (*NAMES, "Edit", "Acc")
N_FRAMES = 200
# By table, what sets the run of each row apart from the published one.
SETTINGS_OF_ROWS = {
    3: {"without the LSDM loss": {"lsdm_weight": 0.0}, "without MTAM": {"use_mtam": False}, "FESNet": {}},
    4: {text: {"gamma": float(text)} for text in ("0.00", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30")}
    | {"0.15": {}},
}
LABELS = {3: "{}", 4: "gamma {}"}
PAIRS = {
    3: [("without the LSDM loss", "FESNet"), ("without MTAM", "FESNet")],
    4: [("0.00", "0.15")],
}


def ours(table):
    names = [column.name for column in table.columns]
    return {row.name: dict(zip(names, [cell.ours for cell in row.cells], strict=True)) for row in table.rows}


def run_of(folder, settings, method="fesnet"):
    outcomes = [read_run(path) for path in sorted((folder / "out" / "runs").iterdir())]
    known = {(one.plan.method, json.dumps(one.plan.settings, sort_keys=True)): one for one in outcomes}
    return known[method, json.dumps(settings, sort_keys=True)]


def distance(first, second):
    """Levenshtein, by its definition."""
    known = {(0, 0): 0}
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            if i or j:
                steps = [known[i - 1, j] + 1] if i else []
                steps += [known[i, j - 1] + 1] if j else []
                steps += [known[i - 1, j - 1] + (first[i - 1] != second[j - 1])] if i and j else []
                known[i, j] = min(steps)
    return known[len(first), len(second)]


def letters(track):
    """One letter for each frame."""
    of_frames = ["."] * N_FRAMES
    for kind in KINDS:
        for one in track.expressions:
            if one.kind == kind:
                of_frames[one.onset : one.offset + 1] = kind[1] * (one.offset + 1 - one.onset)
    return "".join(of_frames)


def counted(outcome, folder, videos=None):
    """F1, Edit and Acc of a run, from tables that went over the disk, a plain count of frames and segments."""
    tables = {"predictions": outcome.predicted(), "truth": outcome.truth}
    for name, tracks in tables.items():
        (folder / f"{name}.csv").write_text(format_table(tracks))
    tracks = {name: {one.video: one for one in read_tracks(folder / f"{name}.csv")} for name in tables}
    names = [one.id for one in outcome.tested if videos is None or one.id in videos]
    truth, predicted = ([of_all[name] for name in names if name in of_all] for of_all in
                        (tracks["truth"], tracks["predictions"]))  # fmt: skip
    found = evaluate(truth, predicted)
    shares, equal = [], 0
    for name in names:
        true, guess = (
            letters(tracks[which].get(name, Track(name, Timebase(30.0, N_FRAMES))))
            for which in ("truth", "predictions")
        )
        equal += sum(a == b for a, b in zip(true, guess, strict=True))
        first, second = ("".join(letter for letter, _ in groupby(text)) for text in (true, guess))
        shares.append(1 - distance(first, second) / max(len(first), len(second)))
    f1 = {name: part.f1 for name, part in {**dict(found.by_kind), "overall": found}.items()}
    return {**f1, "Edit": np.mean(shares), "Acc": equal / (N_FRAMES * len(names))}


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    """Nothing may be trained or scored."""

    def forbidden(*_):
        raise AssertionError("a run was started")

    monkeypatch.setattr(reproduction, "run", forbidden)


def test_every_printed_table_of_fesnet_can_be_made():
    printed = {name for name in printed_tables() if name.startswith("fesnet:")}
    figures = {f"fesnet:figure{number}" for number in (5, 7, 8)}
    assert {name for name in PARTS if name.startswith("fesnet:")} == printed | figures
    assert all(callable(maker(name)) for name in printed | figures)
    assert METHODS_OF_PAPER["fesnet"] == tuple(fesnet.METHODS.values())


@pytest.mark.parametrize("number", SETTINGS_OF_ROWS)
def test_each_row_is_a_run_of_its_own(scored_fesnet, tmp_path, number):
    rows, printed = SETTINGS_OF_ROWS[number], printed_table(f"fesnet:table{number}")
    made = getattr(fesnet, f"table{number}")(scored_fesnet(*rows.values()))
    table = ours(made)
    assert tuple(table) == tuple(rows) == printed.row_names
    assert printed.column_names == COLUMNS
    for row, settings in rows.items():
        found = counted(run_of(tmp_path, settings), tmp_path)
        assert table[row] == pytest.approx(found)
        start = f"F1 with 95 % intervals over subjects, {LABELS[number].format(row)}: "
        (note,) = [note for note in made.notes if note.startswith(start)]
        assert all(f"{name} {found[name]:.4f} [" in note for name in NAMES)
    assert len({tuple(row.values()) for row in table.values()}) == len(rows), "the example must tell the rows apart"
    assert all(0 < row[name] < 1 for row in table.values() for name in ("overall", "Edit", "Acc"))
    assert f"ours are counted so: {Rule().sentence()}" in made.notes
    assert "The paper does not say how the epoch was chosen" in made.protocol_line


@pytest.mark.parametrize("number", SETTINGS_OF_ROWS)
def test_what_is_compared_is_tested_in_pairs(scored_fesnet, tmp_path, number):
    rows, label = SETTINGS_OF_ROWS[number], LABELS[number]
    notes = getattr(fesnet, f"table{number}")(scored_fesnet(*rows.values())).notes
    heads = [place for place, note in enumerate(notes) if "paired over 4 subjects" in note]
    assert [notes[place].partition(",")[0] for place in heads] == [
        f"F1 of {label.format(after)} less F1 of {label.format(before)}" for before, after in PAIRS[number]
    ]
    for place, pair in zip(heads, PAIRS[number], strict=True):
        before, after = (run_of(tmp_path, rows[row]) for row in pair)
        found = compare(after.truth, before.predicted(), after.predicted(), rule=Rule(), corpus=after.corpus)
        assert list(notes[place + 1 : place + 4]) == [
            f"{name}: {difference_text(found.differences[name]['f1'])}" for name in NAMES
        ]


def test_table_1_counts_all_methods_by_one_rule(scored_fesnet, tmp_path):
    made = fesnet.table1(scored_fesnet({}))
    table = ours(made)
    assert tuple(table) == ("FESNet", "SpoT-GCN", "SOFTNet", "strain baseline")
    for row, method in fesnet.METHODS.items():
        assert table[row] == pytest.approx(counted(run_of(tmp_path, {}, method), tmp_path))
    assert run_of(tmp_path, {}, "softnet").plan.rule == PAPER_RULE, "alone it is counted as its authors do"
    heads = [note for note in made.notes if "paired over 4 subjects" in note]
    assert [note.partition(",")[0] for note in heads] == [
        f"F1 of FESNet less F1 of {row}" for row in table if row != "FESNet"
    ]
    own = {note.partition(" was run by")[0]: note for note in made.notes if "its own protocol" in note}
    assert list(own) == ["SpoT-GCN", "SOFTNet", "strain baseline"]
    assert all("from the annotations of all subjects, the test subject included" in note for note in own.values())
    honest = fesnet.table1(scored_fesnet({}, published=False))
    assert not any("its own protocol" in note for note in honest.notes)
    printed = {row.name: [cell.printed for cell in row.cells] for row in made.rows}
    assert printed["FESNet"][3] == (0.8733, 0.5272)
    assert {value for row in printed if row != "FESNet" for cell in printed[row] for value in cell} == {None}


@pytest.mark.parametrize("protocol", ["kfold:2:video", "loso"])
def test_table_2_has_the_folds_of_the_protocol(scored_fesnet, tmp_path, protocol):
    made = fesnet.table2(scored_fesnet({}, protocol=protocol))
    table, outcome = ours(made), run_of(tmp_path, {})
    assert [row for row in table if row not in ("mean over folds", "pooled")] == [fold.name for fold in outcome.folds]
    assert len(outcome.folds) == (4 if protocol == "loso" else 2)
    for fold in outcome.folds:
        assert table[fold.name] == pytest.approx(counted(outcome, tmp_path, fold.test))
    assert table["pooled"] == pytest.approx(counted(outcome, tmp_path))
    for name in COLUMNS:
        assert table["mean over folds"][name] == pytest.approx(
            np.mean([table[fold.name][name] for fold in outcome.folds])
        )
    assert table["pooled"] != table["mean over folds"]
    by_video = [note for note in made.notes if "a subject may be in the training and in the test videos" in note]
    assert len(by_video) == (protocol != "loso")
    assert all(column.corpora == () for column in made.columns), "no number of it is known"
    assert "printed: the numbers of this table are not in our copy of the paper." in made.notes
    assert not any("left out of the mean" in note for note in made.notes)


def test_a_fold_without_a_type_has_no_f1_of_it(scored_fesnet, faceless_corpus, tmp_path):
    root = tmp_path / "fewer"
    root.mkdir()
    for path in faceless_corpus.glob("*.mp4"):
        (root / path.name).symlink_to(path)
    lines = (faceless_corpus / "annotation.csv").read_text().splitlines()
    kept = [line for line in lines if not (line.startswith("s2") and "micro" in line)]
    (root / "annotation.csv").write_text("\n".join(kept) + "\n")
    made = fesnet.table2(scored_fesnet({}, root=root))
    table = ours(made)
    assert [row for row, values in table.items() if values["micro"] is None] == ["s2"]
    assert [name for name, value in table["s2"].items() if value is None] == ["micro"]
    micro = [table[name]["micro"] for name in ("s1", "s3", "s4")]
    assert table["mean over folds"]["micro"] == pytest.approx(np.mean(micro)) != pytest.approx(sum(micro) / 4)
    assert any("left out of the mean" in note for note in made.notes)


def test_what_silence_reaches_is_told(scored_fesnet, tmp_path):
    made = fesnet.table2(scored_fesnet({}))
    truth = run_of(tmp_path, {}).truth
    neutral = [letters(track).count(".") / N_FRAMES for track in truth]
    # Seven segments against one that is among them.
    assert f"reached where nothing is spotted: Edit {1 / 7:.4f}, Acc {np.mean(neutral):.4f}" in made.notes


def test_measures_of_nothing():
    silent = [Track("a", Timebase(30.0, 50))]
    assert fesnet.measures(silent, silent, Rule()) == {
        "macro": None, "micro": None, "overall": None, "Edit": 1.0, "Acc": 1.0,
    }  # fmt: skip
    empty = [Track("a", Timebase(30.0, 0))]
    assert set(fesnet.measures(empty, empty, Rule()).values()) == {None}
    wrong = [Track("a", Timebase(30.0, 50), (Expression(0, None, 49, "macro"),))]
    found = fesnet.measures(silent, wrong, Rule())
    assert (found["macro"], found["Edit"], found["Acc"]) == (None, 0.0, 0.0)
    assert fesnet.measures(wrong, silent, Rule())["macro"] == 0.0
