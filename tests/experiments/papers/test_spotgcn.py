"""SpoT-GCN's tables: from made-up scores what can be counted, and the whole command on a small real run."""

import csv
import json
import sys
from itertools import pairwise

import pytest

from facespot.cli.main import run as command_line
from facespot.experiments.papers import reproduction, spotgcn
from facespot.experiments.papers.registry import PARTS, maker
from facespot.experiments.papers.wording import difference_text
from facespot.experiments.printed import printed_table, printed_tables
from facespot.experiments.run import read_run
from facespot.export import read_tracks
from facespot.export.table import format_table
from facespot.metrics import PAPER_RULE, Rule, compare, evaluate
from facespot.values import KINDS

NAMES = (*KINDS, "overall")
WITHOUT = {"contrastive_weight": 0.0}
# By table, what sets the run of each row apart from the published one.
SETTINGS_OF_ROWS = {
    1: {
        "Baseline": {**WITHOUT, "motion": "adjacent", "network": "cnn"},
        "+SLO": {**WITHOUT, "network": "cnn"},
        "+SLO+STGCN": {**WITHOUT, "network": "stgcn"},
        "+SLO+STGCN+FLGP": WITHOUT,
        "+SLO+STGCN+FLGP+SupCon": {},
    },
    2: {str(window): {"reach": 28, "window": window} for window in (5, 9, 11, 15, 17, 19, 21, 25, 29)}
    | {"17": {"reach": 28}},
    3: {text: {"contrastive_weight": float(text)} for text in ("0", "0.005", "0.01", "0.05", "0.08", "0.1")}
    | {"0.05": {}},
}
LABELS = {1: "{}", 2: "window {}", 3: "lambda {}"}


def ours(table):
    names = [column.name for column in table.columns]
    return {row.name: dict(zip(names, [cell.ours for cell in row.cells], strict=True)) for row in table.rows}


def runs(folder):
    """The runs below a folder by method and settings."""
    outcomes = [read_run(path) for path in sorted((folder / "out" / "runs").iterdir())]
    return {(one.plan.method, json.dumps(one.plan.settings, sort_keys=True)): one for one in outcomes}


def run_of(folder, settings, method="spotgcn"):
    return runs(folder)[method, json.dumps(settings, sort_keys=True)]


def counted(outcome, folder, **changes):
    """Evaluation of a run by type and overall, from tables that went over the disk."""
    (folder / "predictions.csv").write_text(format_table(outcome.predicted(**changes)))
    (folder / "truth.csv").write_text(format_table(outcome.truth))
    found = evaluate(*(read_tracks(folder / f"{name}.csv") for name in ("truth", "predictions")))
    return {**dict(found.by_kind), "overall": found}


@pytest.fixture
def no_work(monkeypatch):
    """Nothing may be trained or scored."""

    def forbidden(*_):
        raise AssertionError("a run was started")

    monkeypatch.setattr(reproduction, "run", forbidden)


def test_every_printed_table_of_spotgcn_can_be_made():
    printed = {name for name in printed_tables() if name.startswith("spotgcn:")}
    assert {name for name in PARTS if name.startswith("spotgcn:")} == printed | {"spotgcn:figure5", "spotgcn:figure6"}
    assert all(callable(maker(name)) for name in printed)


@pytest.mark.parametrize("number", SETTINGS_OF_ROWS)
def test_each_row_is_the_f1_of_a_run_of_its_own(scored_spotgcn, tmp_path, no_work, number):
    rows, printed = SETTINGS_OF_ROWS[number], printed_table(f"spotgcn:table{number}")
    made = getattr(spotgcn, f"table{number}")(scored_spotgcn(*rows.values()))
    table, known = ours(made), runs(tmp_path)
    assert tuple(table) == tuple(rows) == printed.row_names
    assert len(known) == len(rows) + 1, "with that of SOFTNet"
    for row, settings in rows.items():
        found = counted(run_of(tmp_path, settings), tmp_path)
        assert table[row] == {name: found[name].f1 for name in printed.column_names}
        start = f"F1 with 95 % intervals over subjects, {LABELS[number].format(row)}: "
        (note,) = [note for note in made.notes if note.startswith(start)]
        for name in NAMES:
            assert f"{name} {found[name].f1:.4f} [" in note
    assert len({tuple(row.values()) for row in table.values()}) > 3
    assert f"ours are counted so: {Rule().sentence()}" in made.notes
    assert "the authors' program chooses the epoch on the test subject" in made.protocol_line


def test_each_step_of_table_1_is_tested_in_pairs(scored_spotgcn, tmp_path, no_work):
    rows = list(SETTINGS_OF_ROWS[1].items())
    notes = spotgcn.table1(scored_spotgcn(*(settings for _, settings in rows))).notes
    heads = [place for place, note in enumerate(notes) if "paired over 4 subjects" in note]
    steps = [(before, after) for (before, _), (after, _) in pairwise(rows)]
    assert [notes[place].partition(",")[0] for place in heads] == [
        f"F1 of {after} less F1 of {before}" for before, after in steps
    ]
    before, after = (run_of(tmp_path, settings) for _, settings in rows[-2:])
    found = compare(after.truth, before.predicted(), after.predicted(), rule=Rule(), corpus=after.corpus)
    assert list(notes[heads[-1] + 1 : heads[-1] + 4]) == [
        f"{name}: {difference_text(found.differences[name]['f1'])}" for name in NAMES
    ]
    assert any("not ABPN to the letter" in note for note in notes)


def test_all_windows_of_table_2_share_their_features(scored_spotgcn, tmp_path, no_work):
    spotgcn.table2(scored_spotgcn(*SETTINGS_OF_ROWS[2].values()))
    methods = [fold.method("spotgcn") for one in runs(tmp_path).values() for fold in one.folds
               if one.plan.method == "spotgcn"]  # fmt: skip
    assert len({method.config.window for method in methods}) == 9
    (spec,) = {method.plan()[kind].digest(): method.plan()[kind] for method in methods for kind in KINDS}.values()
    assert spec.settings["reach"] == max(method.config.window for method in methods) - 1


def test_table_4_counts_both_methods_by_one_rule(scored_spotgcn, tmp_path, no_work):
    runs_made = scored_spotgcn({})
    made = spotgcn.table4(runs_made)
    table = ours(made)
    assert {row for row, values in table.items() if set(values.values()) == {None}} == set(table) - {
        "SOFTNet", "SpoT-GCN",
    }  # fmt: skip
    for row, method in (("SOFTNet", "softnet"), ("SpoT-GCN", "spotgcn")):
        found = counted(run_of(tmp_path, {}, method), tmp_path)
        assert table[row] == {name: found[name].f1 for name in NAMES}
        (note,) = [note for note in made.notes if note.startswith(f"F1 with 95 % intervals over subjects, {row}: ")]
        assert all(f"{name} {found[name].f1:.4f} [" in note for name in NAMES)
        assert f"ours are counted so: {Rule().sentence()}" in made.notes
    for name in NAMES:
        (note,) = [note for note in made.notes if note.startswith(f"{name}: ")]
        assert note.startswith(f"{name}: {table['SpoT-GCN'][name] - table['SOFTNet'][name]:+.4f} [")
    assert ours(spotgcn.table5(runs_made))["F1"] == table["SpoT-GCN"]
    assert any("SOFTNet learns each type only from the videos that hold it" in note for note in made.notes)
    assert run_of(tmp_path, {}, "softnet").plan.rule == PAPER_RULE, "alone it is counted as its authors do"


@pytest.mark.parametrize("published", [True, False])
def test_table_5_counts_what_the_predictions_say(scored_spotgcn, tmp_path, no_work, published):
    made = spotgcn.table5(scored_spotgcn({}, published=published))
    outcome = run_of(tmp_path, {})
    table, found = ours(made), counted(outcome, tmp_path)
    assert tuple(table) == printed_table("spotgcn:table5").row_names
    for name, part in found.items():
        counts = [part.tp + part.fn, part.tp, part.fp, part.fn]
        assert [table[row][name] for row in ("total", "TP", "FP", "FN")] == counts
        shares = [part.precision, part.recall, part.f1]
        assert [table[row][name] for row in ("precision", "recall", "F1")] == shares
    assert [table["total"][name] for name in NAMES] == [8, 4, 12]
    overall = found["overall"]
    assert 0 < overall.tp < overall.tp + overall.fn
    assert overall.fp > 0
    assert ("published protocol" in made.protocol_line) == published
    lengths = {fold.settings["macro_mean_s"] for fold in outcome.folds}
    assert (len(lengths) == 1) == published


def test_the_wider_search_is_the_same_scores_decoded_again(scored_spotgcn, tmp_path, no_work):
    made = spotgcn.table5(scored_spotgcn({}))
    outcome = run_of(tmp_path, {})
    narrow, wide = (counted(outcome, tmp_path, search=search) for search in (1.0, 2.0))
    figures = ", ".join(f"{name} TP {part.tp} FP {part.fp} FN {part.fn}" for name, part in wide.items())
    assert f"counts with search=2: {figures}" in made.notes
    (note,) = [note for note in made.notes if "onset and offset searched 2 times as far (search=2)" in note]
    assert all(f"{name} {part.f1:.4f} [" in note for name, part in wide.items())
    assert wide["overall"].f1 != narrow["overall"].f1
    assert ours(made)["F1"]["overall"] == narrow["overall"].f1


def test_a_setting_of_the_user_goes_into_every_run_that_has_it(scored_spotgcn, tmp_path, no_work):
    """A setting that the rows vary is theirs; SOFTNet has other settings."""
    made = scored_spotgcn({})
    made.plan.settings.update(contrastive_weight="0.08", apex_threshold="0.4", flow="dis")
    plans = [made._plan("spotgcn", KINDS, settings) for settings in SETTINGS_OF_ROWS[1].values()]
    assert {one.settings["contrastive_weight"] for one in plans[:-1]} == {0.0}
    assert plans[-1].settings == {"contrastive_weight": 0.08, "apex_threshold": 0.4, "flow": "dis"}
    assert all(one.settings["apex_threshold"] == 0.4 for one in plans)
    assert made._plan("softnet", KINDS, {}).settings == {"flow": "dis"}
    assert len({json.dumps(dict(one.settings), sort_keys=True) for one in plans}) == 5


QUICK = {"epochs": "1", "batch_size": "64", "window": "5", "flow": "dis", "landmarks_every": "30"}


def test_the_whole_command_on_a_small_corpus(small_corpus, small_cache, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    changed = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    arguments = ["reproduce", "spotgcn:table5", "--data", small_corpus, "--corpus", "own_data", *changed]
    arguments += ["--protocol", "kfold:2", "--out", tmp_path / "out", "--cache", small_cache, "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["facespot", *map(str, arguments)])
    _run_command()
    printed = capsys.readouterr().out
    assert "NOT the paper's data: own_data" in printed
    assert "settings changed: epochs=1, batch_size=64, window=5, flow=dis, landmarks_every=30" in printed
    assert "k and j from the annotations of all subjects" in printed
    (outcome,) = runs(tmp_path).values()
    assert outcome.plan.method == "spotgcn"
    found = counted(outcome, tmp_path)
    with (tmp_path / "out" / "spotgcn-table5.csv").open() as stream:
        ours_by_row = {
            (row["row"], row["column"]): row["value"] for row in csv.DictReader(stream) if row["by"] == "ours"
        }
    for name, part in found.items():
        assert ours_by_row["total", name] == str(part.tp + part.fn)
        assert [ours_by_row[row, name] for row in ("TP", "FP", "FN")] == [str(part.tp), str(part.fp), str(part.fn)]
    assert ours_by_row["total", "overall"] == "6"
    before = _times_of(tmp_path / "out" / "runs")
    _run_command()
    assert capsys.readouterr().out == printed
    assert _times_of(tmp_path / "out" / "runs") == before, "the second time nothing is made again"


def _run_command():
    with pytest.raises(SystemExit) as ended:
        command_line()
    assert ended.value.code in (0, None)


def _times_of(folder):
    """When each file of some runs was written, but for the notes of progress."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".progress"]
    return {path: path.stat().st_mtime_ns for path in files}
