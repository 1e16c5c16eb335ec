"""A whole run of FESNet, one network for both types: what it leaves, and that nothing leaks."""

import json
import math
from itertools import pairwise

import pytest

from facespot.datasets import load_dataset
from facespot.experiments.plan import RunPlan
from facespot.experiments.results import run_page
from facespot.experiments.run import Execution, read_run, run
from facespot.metrics.framewise import LABELS, frame_labels
from facespot.models import read_checkpoint
from facespot.values import KINDS

pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

# Little of everything, and landmarks in every 30th frame.
TINY = {"clip_frames": "8", "clip_stride": "4", "first_channels": "3", "middle_channels": "4", "channels": "8",
        "heads": "2", "depth": "1", "embedding": "8", "temporal_channels": "6", "refinement_channels": "6",
        "lsdm_epochs": "1", "lsdm_frames": "4", "lsdm_batch_size": "8", "epochs": "2", "batch_size": "8",
        "training_stride": "8", "samples_per_epoch": "24", "landmarks_every": "30"}  # fmt: skip
FOLDS = {"001-ann": "ann", "002-ben": "ben", "003-cid": "cid"}
FILES = ("method.json", "network.onnx", "weights.safetensors")


def plan_of(root, **changes):
    return RunPlan("own_data", str(root), "fesnet", **{"settings": TINY, **changes})


@pytest.fixture(scope="module")
def execution(small_cache):
    return Execution(workers=1, cache=small_cache)


@pytest.fixture(scope="module", autouse=True)
def one_export():
    """Exports the first network alone: the others of the same form take seconds each, and score as it does."""
    from facespot.methods.fesnet import fitting

    made, export = [], fitting.to_onnx

    def quick(network, shape, **names):
        if not made:
            made.append(export(network, shape, **names))
        return made[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "to_onnx", quick)
        yield


@pytest.fixture(scope="module")
def whole(small_corpus, execution, tmp_path_factory):
    """Leave-one-subject-out on the small corpus, undisturbed."""
    out = tmp_path_factory.mktemp("fesnet") / "run"
    assert run(plan_of(small_corpus), out, execution).failed == {}
    return out


# What a run leaves.


def test_each_fold_leaves_one_network_that_learned_from_the_others_alone(whole, small_corpus, run_files):
    expected = {"run.json", "truth.csv", "predictions.csv", "subjects.csv", "summary.json", "report.html"}
    for fold, who in FOLDS.items():
        expected |= {f"folds/{fold}/fold.json", f"folds/{fold}/scores/000-{who}.npz"}
        expected |= {f"folds/{fold}/both/{name}" for name in FILES}
    assert set(run_files(whole)) == expected
    truth = {one.id: one.truth for one in load_dataset("own_data", small_corpus).recordings}
    for fold, who in FOLDS.items():
        content = json.loads((whole / "folds" / fold / "fold.json").read_text())
        assert (content["test"], content["train"]) == ([who], [one for one in FOLDS.values() if one != who])
        checkpoint = read_checkpoint(whole / "folds" / fold / "both", method="fesnet")
        assert (checkpoint.kind, checkpoint.fitted["kinds"]) == (None, list(KINDS))
        assert checkpoint.origin["held_out_subject"] == who
        labels = [label for name in content["train"] for label in frame_labels(truth[name]).tolist()]
        # A face is seen in every frame.
        assert checkpoint.fitted["rows"] == {name: labels.count(place) for place, name in enumerate(LABELS)}
        assert content["weights"] == [{"kind": None, "sha256": checkpoint.digest, "origin": dict(checkpoint.origin)}]


def test_the_run_tells_of_the_losses_of_both_types(whole):
    page = run_page(read_run(whole))
    assert set(page.losses) == {f"{who}/{kind}" for who in FOLDS.values() for kind in KINDS}
    for row, (fold, who) in zip(page.folds, FOLDS.items(), strict=True):
        history = read_checkpoint(whole / "folds" / fold / "both").fitted["history"]
        assert (row.name, row.epochs) == (who, dict.fromkeys(KINDS, 2))
        for kind in KINDS:
            assert page.losses[f"{who}/{kind}"] == [epoch["loss"] for epoch in history]
    assert all(math.isfinite(loss) for losses in page.losses.values() for loss in losses)


def test_another_threshold_needs_no_new_scores(whole):
    outcome = read_run(whole)
    many, few = (
        sum(len(track.expressions) for track in outcome.predicted(least_s=0.0, close_s=0.0, peak_threshold=value))
        for value in (0.0, 1.0)
    )
    assert many > few == 0
    assert {channel for one in outcome.tested for channel in outcome.scores(one).channels} == {
        *KINDS, *(f"{kind}/spatial" for kind in KINDS)
    }  # fmt: skip


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
    same = {name for name in learned if before[name] == after[name] and not name.endswith("network.onnx")}
    assert same == {f"folds/001-ann/both/{name}" for name in FILES if name != "network.onnx"}
    assert before["folds/001-ann/scores/000-ann.npz"] != after["folds/001-ann/scores/000-ann.npz"]
    # Both stages of the training take nearly all of the bar, from left to right.
    assert len(notes) == 3
    for told in notes:
        assert all(first <= second for first, second in pairwise(told))
        assert told[-3:] == pytest.approx([0.95, 0.95, 1.0])
        assert 0 < told[0] < 0.1
