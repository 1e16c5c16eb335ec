"""A whole run of SpoT-GCN, one network for both types: what it leaves, that nothing leaks, how it is published."""

import json
import math
from dataclasses import replace

import pytest

from facespot.datasets import load_dataset
from facespot.errors import SettingsError
from facespot.experiments.fold_weights import read_fold_weights
from facespot.experiments.folds import adapted_method
from facespot.experiments.plan import RunPlan
from facespot.experiments.results import run_page
from facespot.experiments.run import Execution, read_run, run
from facespot.export import read_tracks
from facespot.metrics import Rule, evaluate
from facespot.models import read_checkpoint
from facespot.values import KINDS

pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

# Small windows and fast flow; the same features as those of the figures' tests.
SMALL = {"epochs": "2", "batch_size": "64", "samples_per_epoch": "128",
         "window": "5", "flow": "dis", "landmarks_every": "30"}  # fmt: skip
FOLDS = {"001-ann": "ann", "002-ben": "ben", "003-cid": "cid"}
FILES = ("method.json", "network.onnx", "weights.safetensors")


def plan_of(root, **changes):
    return RunPlan("own_data", str(root), "spotgcn", **{"settings": SMALL, **changes})


@pytest.fixture(scope="module")
def execution(small_cache):
    return Execution(workers=1, cache=small_cache)


@pytest.fixture(scope="module")
def whole(small_corpus, execution, tmp_path_factory):
    """Leave-one-subject-out on the small corpus, undisturbed."""
    out = tmp_path_factory.mktemp("spotgcn") / "run"
    assert run(plan_of(small_corpus), out, execution).failed == {}
    return out


def lengths_of(tracks):
    """K and j of some tracks of 30 frames per second, computed plainly."""
    annotated, found = [one for track in tracks for one in track.expressions], {}
    for kind in KINDS:
        seconds = [(one.offset - one.onset + 1) / 30 for one in annotated if one.kind == kind]
        found |= {f"{kind}_mean_s": sum(seconds) / len(seconds), f"{kind}_least_s": min(seconds)}
    return found


def documents(out):
    """What each fold says of itself, by its folder."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(out.glob("folds/*/fold.json"))}


# What a run leaves.


def test_each_fold_leaves_one_network(whole, run_files):
    expected = {"run.json", "truth.csv", "predictions.csv", "subjects.csv", "summary.json", "report.html"}
    for fold, who in FOLDS.items():
        expected |= {f"folds/{fold}/fold.json", f"folds/{fold}/scores/000-{who}.npz"}
        expected |= {f"folds/{fold}/both/{name}" for name in FILES}
    assert set(run_files(whole)) == expected


def test_each_fold_learned_both_types_from_the_others_alone(whole, small_corpus):
    truth = {one.id: one.truth for one in load_dataset("own_data", small_corpus).recordings}
    for fold, content in documents(whole).items():
        who = FOLDS[fold]
        assert (content["test"], content["train"]) == ([who], [one for one in FOLDS.values() if one != who])
        expected = lengths_of(truth[one] for one in content["train"])
        checkpoint = read_checkpoint(whole / "folds" / fold / "both")
        for found in (content["settings"], checkpoint.fitted):
            assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert (checkpoint.kind, checkpoint.fitted["kinds"]) == (None, list(KINDS))
        assert (checkpoint.origin["held_out_subject"], checkpoint.origin["corpus"]) == (who, "own_data")
        assert len(checkpoint.fitted["history"]) == 2
        # Every frame of the training videos has a window; about a third of them is in an expression.
        n_frames = sum(truth[one].timebase.n_frames for one in content["train"])
        assert 0.9 * n_frames < checkpoint.fitted["rows"] <= n_frames
        n_inside = sum(len(one) for name in content["train"] for one in truth[name].expressions)
        assert 0.9 * n_inside < checkpoint.fitted["expression_rows"] <= n_inside
        assert content["weights"] == [{"kind": None, "sha256": checkpoint.digest, "origin": dict(checkpoint.origin)}]
    means = {content["settings"]["macro_mean_s"] for content in documents(whole).values()}
    assert len(means) == 3, "the example must tell the folds apart"


def test_the_summary_counts_what_the_tables_hold(whole):
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["published_protocol"] is False
    assert "(k, weights, when to stop) comes from the training subjects" in summary["protocol"]
    found = evaluate(*(read_tracks(whole / f"{name}.csv") for name in ("truth", "predictions")))
    for kind in KINDS:
        part = found.of_kind(kind)
        assert {name: summary["counts"][kind][name] for name in ("tp", "fp", "fn")} == {
            "tp": part.tp, "fp": part.fp, "fn": part.fn,
        }  # fmt: skip
        assert part.tp + part.fn == 3


def test_a_network_of_both_types_tells_of_both_in_the_table_of_folds_and_the_losses(whole):
    page = run_page(read_run(whole))
    summary = json.loads((whole / "summary.json").read_text())
    assert set(page.losses) == set(summary["losses"]) == {f"{who}/{kind}" for who in FOLDS.values() for kind in KINDS}
    for row, (fold, who) in zip(page.folds, FOLDS.items(), strict=True):
        fitted = read_checkpoint(whole / "folds" / fold / "both").fitted
        losses = [epoch["loss"] for epoch in fitted["history"]]
        assert (row.name, row.subjects, row.notes, dict(row.distances)) == (who, (who,), (), {})
        assert row.epochs == dict.fromkeys(KINDS, 2)
        assert row.training_rows == dict.fromkeys(KINDS, fitted["rows"])
        assert row.last_loss == dict.fromkeys(KINDS, losses[-1])
        for kind in KINDS:
            assert page.losses[f"{who}/{kind}"] == summary["losses"][f"{who}/{kind}"] == losses
    assert 'id="training"' in (whole / "report.html").read_text()


def test_another_threshold_needs_no_new_scores(whole):
    outcome = read_run(whole)
    loose = {"consistent": False, "overlap": 1.0}
    many, few = (
        sum(len(track.expressions) for track in outcome.predicted(apex_threshold=value, **loose))
        for value in (0.0, 0.9)
    )
    assert many > few
    assert many > 100


# Nothing leaks.


@pytest.fixture
def notes(monkeypatch):
    """What each fold says of its progress."""
    told = []

    class Recorder:
        def __init__(self, path):
            told.append([])

        def __call__(self, share):
            told[-1].append(share)

    monkeypatch.setattr("facespot.experiments.folds.Note", Recorder)
    return told


def test_what_is_held_out_changes_no_byte_of_what_is_learned(
    whole, altered_corpus, execution, tmp_path, run_files, notes
):
    run(plan_of(altered_corpus), tmp_path / "run", execution)
    before, after = run_files(whole), run_files(tmp_path / "run")
    learned = [name for name in after if "/both/" in name]
    assert len(learned) == 9
    assert {name for name in learned if before[name] == after[name]} == {f"folds/001-ann/both/{name}" for name in FILES}
    assert before["folds/001-ann/scores/000-ann.npz"] != after["folds/001-ann/scores/000-ann.npz"]
    # The training of one network for both types takes nearly all of the bar, from left to right.
    assert len(notes) == 3
    for told in notes:
        *training, scored, ended = told
        assert training == sorted(training)
        assert len(training) == 4
        assert (training[1], training[-1], scored, ended) == pytest.approx((0.95 / 2, 0.95, 0.95, 1.0))


def test_k_and_j_come_from_the_training_subjects_or_as_published_from_all(small_corpus, altered_corpus):
    for published in (False, True):
        found = []
        for root in (small_corpus, altered_corpus):
            plan, recordings = plan_of(root, published=published), load_dataset("own_data", root).recordings
            fold = plan.folds(recordings)[0]
            assert fold.name == "ann"
            found.append(adapted_method(plan, fold.train, recordings).config)
            whose = recordings if published else fold.train
            expected = lengths_of(one.truth for one in whose)
            assert {name: getattr(found[-1], name) for name in expected} == pytest.approx(expected)
        assert (found[0] == found[1]) == (not published)


# As published, one type, by weights made elsewhere.


@pytest.fixture(scope="module")
def published(small_corpus, execution, tmp_path_factory):
    """Micro-expressions alone, two folds, as published; one subject loses its micro-expressions."""
    out = tmp_path_factory.mktemp("published") / "run"
    return run(plan_of(small_corpus, kinds=("micro",), protocol="kfold:2", published=True), out, execution)


def test_a_published_run_takes_the_lengths_of_all_and_counts_every_video(published, small_corpus):
    everyone = [one.truth for one in load_dataset("own_data", small_corpus).recordings]
    expected = lengths_of(everyone)
    for fold in published.folds:
        assert {name: fold.settings[name] for name in expected} == pytest.approx(expected)
    assert published.plan.rule == published.summary().rule == Rule()
    summary, report = (
        (published.folder / name).read_text(encoding="utf-8") for name in ("summary.json", "report.html")
    )
    protocol = json.loads(summary)["protocol"]
    for words in (
        "k and j from the annotations of all subjects, the test subject included",
        "every video counts",
        "Not repeated: the authors' program chooses the epoch on the test subject",
    ):
        assert words in protocol
    assert json.loads(summary)["published_protocol"] is True
    assert Rule().sentence() in summary
    assert "published protocol" in report
    assert "honest protocol" not in report


def test_one_type_may_be_learned_alone(published):
    for fold in published.folds:
        (checkpoint,) = fold.checkpoints()
        assert (checkpoint.path.name, checkpoint.fitted["kinds"]) == ("both", ["micro"])
    assert {channel.partition("/")[0] for one in published.tested for channel in published.scores(one).channels} == {
        "micro"
    }
    loose = published.predicted(apex_threshold=0.0, consistent=False)
    assert {one.kind for track in loose for one in track.expressions} == {"micro"}
    page = run_page(published)
    assert set(page.losses) == {f"{fold.name}/micro" for fold in published.folds}
    assert all(set(row.epochs) == {"micro"} and not row.notes for row in page.folds)


def test_a_type_that_was_not_learned_is_told_of(published):
    """The same networks in a run that asks for both types."""
    page = run_page(replace(published, plan=replace(published.plan, kinds=KINDS)))
    assert [row.notes for row in page.folds] == [
        ("no macro-expression among the training videos: none was looked for",)
    ] * 2


def test_weights_made_elsewhere_score_as_where_they_were_made(whole, small_corpus, execution, tmp_path, monkeypatch):
    monkeypatch.setattr("facespot.experiments.folds._fitted", None)
    weights = whole / "folds" / "001-ann" / "both"
    plan = plan_of(small_corpus, weights=str(weights), settings={"overlap": "0.3"}, published=True)
    out = tmp_path / "run"
    outcome = run(plan, out, execution)
    assert outcome.failed == {}
    assert not list(out.glob("folds/*/both"))
    trained, found = documents(whole)["001-ann"], documents(out)
    for content in found.values():
        assert [one["sha256"] for one in content["weights"]] == [read_checkpoint(weights).digest]
        # The window, k and j of the weights count, what only spots is the user's.
        assert content["settings"] == {**trained["settings"], "overlap": 0.3}
    scores = "scores/000-ann.npz"
    assert (out / "folds" / "001-ann" / scores).read_bytes() == (whole / "folds" / "001-ann" / scores).read_bytes()
    summary = (out / "summary.json").read_text()
    assert "k and j of the weights" in json.loads(summary)["protocol"]
    assert "trained on subjects of own_data (all but ann) and is tested on them" in summary


def test_a_network_of_both_types_for_each_fold_is_too_many(whole):
    with pytest.raises(SettingsError, match="2 checkpoints are for both types"):
        read_fold_weights([whole / "folds" / fold / "both" for fold in ("001-ann", "002-ben")])


def test_losses_are_numbers(whole):
    losses = [loss for history in run_page(read_run(whole)).losses.values() for loss in history]
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
