"""Whole runs on a small corpus: what they leave, that nothing leaks, that stopping and repeating change no byte."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError, OutputError, SettingsError
from facespot.experiments.folds import adapted_method
from facespot.experiments.plan import RunPlan, read_plan
from facespot.experiments.run import Execution, read_run, resume, run
from facespot.export import read_tracks
from facespot.intervals import half_mean_length
from facespot.metrics import PAPER_RULE, Corpus, Resampling, Rule, summarize
from facespot.models import read_checkpoint
from facespot.report.evaluation_document import evaluation_document, plain

SMALL = {"epochs": "1", "samples_per_epoch": "60"}
WHO = ("ann", "ben", "cid")
FOLDS = ("001-ann", "002-ben", "003-cid")


def softnet_plan(root, **changes):
    return RunPlan("own_data", str(root), "softnet", settings=SMALL, **changes)


def strain_plan(root, **changes):
    return RunPlan("own_data", str(root), "strain", **changes)


@pytest.fixture
def execution(small_cache):
    return Execution(workers=1, cache=small_cache)


def command(plan, out, cache, *, workers):
    arguments = ["run", plan.dataset, plan.root, "--method", plan.method, "--out", str(out), "--cache", str(cache)]
    for name, value in plan.settings.items():
        arguments += ["--set", f"{name}={value}"]
    arguments += ["--kinds", ",".join(plan.kinds), "--workers", str(workers)]
    return [sys.executable, "-m", "facespot", *arguments]


# What a run leaves.


def test_the_run_folder_holds_what_is_documented(small_run):
    found = {str(path.relative_to(small_run)) for path in small_run.rglob("*") if path.is_file()}
    expected = {"run.json", "truth.csv", "predictions.csv", "subjects.csv", "summary.json", "report.html"}
    for fold, who in zip(FOLDS, WHO, strict=True):
        expected |= {f"folds/{fold}/{name}" for name in ("fold.json", "timing.json", f"scores/000-{who}.npz")}
        for kind in ("macro", "micro"):
            names = ("method.json", "network.onnx", "weights.safetensors")
            expected |= {f"folds/{fold}/{kind}/{name}" for name in names}
    assert {one for one in found if not one.startswith(".progress")} == expected


def test_each_fold_learned_from_the_others_alone(small_run, small_corpus):
    recordings = {one.id: one for one in load_dataset("own_data", small_corpus).recordings}
    for fold, who in zip(FOLDS, WHO, strict=True):
        content = json.loads((small_run / "folds" / fold / "fold.json").read_text())
        assert (content["name"], content["test"], content["failed"]) == (who, [who], [])
        assert content["train"] == [one for one in WHO if one != who]
        truths = [recordings[one].truth for one in content["train"]]
        for kind in ("macro", "micro"):
            k = half_mean_length(truths, kind) / 30
            checkpoint = read_checkpoint(small_run / "folds" / fold / kind)
            assert content["settings"][f"{kind}_distance_s"] == checkpoint.fitted["distance_s"] == pytest.approx(k)
            assert checkpoint.origin["held_out_subject"] == who
            assert checkpoint.origin["corpus"] == "own_data"
            assert len(checkpoint.fitted["history"]) == 1


def rounded(value):
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def test_the_summary_is_that_of_the_tables(small_run):
    truth, predicted = read_tracks(small_run / "truth.csv"), read_tracks(small_run / "predictions.csv")
    with (small_run / "subjects.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["video"]: row["subject"] for row in rows} == {one: one for one in WHO}
    assert [int(row["frames"]) for row in rows] == [150, 140, 126]
    outcome = read_run(small_run)
    again = summarize(truth, predicted, corpus=Corpus({one: one for one in WHO}, outcome.corpus.lengths),
                      resampling=Resampling(seed=0))  # fmt: skip
    written = json.loads((small_run / "summary.json").read_text())
    expected = plain(evaluation_document(again))
    # The tables hold seconds to a millionth.
    assert {name: rounded(written[name]) for name in expected if name != "schema"} == {
        name: rounded(value) for name, value in expected.items() if name != "schema"
    }
    counts = written["counts"]["macro"]
    assert counts["tp"] + counts["fn"] == 3
    assert read_plan(small_run).rule == Rule()
    report = (small_run / "report.html").read_text()
    assert "honest protocol" in report
    assert "published protocol" not in report


def test_what_ended_is_read_as_it_was_made(small_run):
    outcome = read_run(small_run)
    assert [fold.name for fold in outcome.folds] == list(WHO)
    assert [one.id for one in outcome.tested] == list(WHO)
    written = {one.video: one.expressions for one in read_tracks(small_run / "predictions.csv")}
    for track in outcome.predicted():
        found = [(one.kind, one.onset, one.apex, one.offset) for one in track.expressions]
        assert found == [(one.kind, one.onset, one.apex, one.offset) for one in written.get(track.video, ())]
    many = sum(len(track.expressions) for track in outcome.predicted(p=0.0))
    few = sum(len(track.expressions) for track in outcome.predicted(p=1.0))
    assert many > few


# Again, with more processes, after a kill.


def test_a_run_that_ended_changes_no_byte_and_trains_nothing(small_run, execution, run_files, monkeypatch):
    before = run_files(small_run)
    times = {path: path.stat().st_mtime_ns for path in (small_run / "folds").rglob("*")}
    monkeypatch.setattr("facespot.experiments.run.run_fold", None)
    outcome = resume(small_run, execution)
    assert outcome.failed == {}
    assert run_files(small_run) == before
    assert {path: path.stat().st_mtime_ns for path in (small_run / "folds").rglob("*")} == times


@pytest.fixture(scope="module")
def macro_run(small_run, small_corpus, small_cache, tmp_path_factory):
    """The macro-expressions alone, undisturbed, in this process."""
    out = tmp_path_factory.mktemp("macro") / "run"
    run(softnet_plan(small_corpus, kinds=("macro",)), out, Execution(workers=1, cache=small_cache))
    return out


def test_one_type_is_learned_as_it_is_beside_the_other(small_run, macro_run, run_files):
    one, both = run_files(macro_run), run_files(small_run)
    assert not [name for name in one if "/micro/" in name]
    for name in ("truth", "predictions"):
        kinds = {found.kind for track in read_tracks(macro_run / f"{name}.csv") for found in track.expressions}
        assert kinds == {"macro"}
    learned = [name for name in one if "/macro/" in name]
    assert len(learned) == 9
    assert {name: one[name] for name in learned} == {name: both[name] for name in learned}


def test_two_processes_give_the_same_bytes(macro_run, small_corpus, small_cache, tmp_path, run_files):
    plan, out = softnet_plan(small_corpus, kinds=("macro",)), tmp_path / "run"
    done = subprocess.run(command(plan, out, small_cache, workers=2), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert run_files(out) == run_files(macro_run)


def wait_for(process, moment, seconds=240):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if moment():
            return
        assert process.poll() is None, f"it ended before it could be killed: {process.communicate()[1].decode()}"
        time.sleep(0.003)
    raise AssertionError("the moment never came")


def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_bytes(macro_run, small_corpus, tmp_path, run_files):
    out, cache = tmp_path / "run", tmp_path / "cache"
    plan, folds = softnet_plan(small_corpus, kinds=("macro",)), out / "folds"
    moments = [
        ("features", 2, lambda: any(cache.glob("*/faces-*"))),
        ("training", 1, lambda: any(folds.glob("*/*.state.safetensors"))),
        ("a fold", 1, lambda: any(folds.glob("*/fold.json"))),
    ]
    for name, workers, moment in moments:
        arguments = command(plan, out, cache, workers=workers)
        if out.exists():
            again = ["--resume", str(out), "--cache", str(cache), "--workers", str(workers)]
            arguments = [*arguments[: arguments.index("run") + 1], *again]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            wait_for(process, moment)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL, name
        assert not (out / "summary.json").exists(), name
    resume(out, Execution(workers=1, cache=cache))
    undisturbed, resumed = run_files(macro_run), run_files(out)
    assert sorted(resumed) == sorted(undisturbed)
    assert [name for name, content in undisturbed.items() if resumed[name] != content] == []


def test_what_a_kill_left_half_written_is_swept_away(small_run, execution, tmp_path, run_files):
    out = tmp_path / "run"
    shutil.copytree(small_run, out)
    (out / ".summary.json.123.unfinished").write_text("{")
    fold = out / "folds" / FOLDS[0]
    (fold / "fold.json").unlink()
    (fold / ".macro.123abc.partial").mkdir()
    (fold / ".macro.state.safetensors.123.unfinished").write_bytes(b"x")
    (fold / "macro.state.safetensors").write_bytes(b"cut short")
    (fold / "scores" / ".unfinished-abc").mkdir()
    resume(out, execution)
    assert run_files(out) == run_files(small_run)
    assert [path.name for path in out.rglob(".*")] == [".progress"]


# Nothing leaks.


def test_what_is_held_out_changes_no_byte_of_what_is_learned(small_run, altered_corpus, execution, tmp_path, run_files):
    run(softnet_plan(altered_corpus, kinds=("micro",)), tmp_path / "run", execution)
    before, after = run_files(small_run), run_files(tmp_path / "run")
    learned = [name for name in after if "/micro/" in name]
    assert len(learned) == 9
    same = {name for name in learned if before[name] == after[name]}
    # The folds that learn from the altered subject differ in weights, thus in graph and description.
    assert same == {name for name in learned if name.startswith("folds/001-ann/")}
    assert after["folds/001-ann/scores/000-ann.npz"] != before["folds/001-ann/scores/000-ann.npz"]


def test_k_comes_from_the_training_subjects_or_as_published_from_all(small_corpus, altered_corpus):
    for published in (False, True):
        found = []
        for root in (small_corpus, altered_corpus):
            plan, recordings = softnet_plan(root, published=published), load_dataset("own_data", root).recordings
            folds = plan.folds(recordings)
            assert folds[0].name == "ann"
            found.append(adapted_method(plan, folds[0].train, recordings).config)
        assert (found[0] == found[1]) == (not published)
    everyone = [one.truth for one in load_dataset("own_data", altered_corpus).recordings]
    assert found[1].micro_distance_s == half_mean_length(everyone, "micro") / 30


# Protocols, weights, failures: by the method that trains nothing, where that is enough.


def test_a_published_run_says_so_and_is_counted_so(small_corpus, execution, tmp_path):
    outcome = run(strain_plan(small_corpus, published=True), tmp_path / "run", execution)
    assert outcome.summary().rule == PAPER_RULE
    text = (tmp_path / "run" / "summary.json").read_text()
    document = json.loads(text)
    assert "published protocol" in document["protocol"]
    assert PAPER_RULE.sentence() in text
    report = (tmp_path / "run" / "report.html").read_text()
    assert "published protocol" in report
    assert "honest protocol" not in report
    distances = {fold.settings["macro_distance_s"] for fold in outcome.folds}
    assert len(distances) == 1


def test_weights_made_elsewhere_are_evaluated_without_training(
    random_checkpoints, small_corpus, execution, tmp_path, monkeypatch
):
    monkeypatch.setattr("facespot.experiments.folds._fitted", None)
    plan = softnet_plan(small_corpus, kinds=("micro",), weights=str(random_checkpoints[0].parent))
    outcome = run(plan, tmp_path / "run", execution)
    assert outcome.failed == {}
    digest = read_checkpoint(random_checkpoints[1]).digest
    for fold in FOLDS:
        content = json.loads((tmp_path / "run" / "folds" / fold / "fold.json").read_text())
        assert digest in [one["sha256"] for one in content["weights"]]
        assert not list((tmp_path / "run" / "folds" / fold).glob("*/method.json"))
    assert "it is not known what it was trained on" in (tmp_path / "run" / "report.html").read_text()
    assert {one.kind for track in outcome.predicted() for one in track.expressions} == {"micro"}


@pytest.fixture
def own_corpus(small_corpus, tmp_path):
    """A copy of the small corpus that a test may damage."""
    return Path(shutil.copytree(small_corpus, tmp_path / "corpus"))


def test_a_video_without_a_face_fails_alone_and_is_tried_again(own_corpus, small_corpus, execution, tmp_path):
    import av
    import numpy as np

    with av.open(str(own_corpus / "cid.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(126):
            grey = np.full((240, 320, 3), 128, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    plan = strain_plan(own_corpus, kinds=("micro",))
    outcome = run(plan, tmp_path / "run", execution)
    assert list(outcome.failed) == ["cid"]
    assert "no face" in outcome.failed["cid"]
    assert [fold.name for fold in outcome.folds] == list(WHO)
    # Its true expression is missed, not forgotten.
    document = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert document["by_subject"]["cid"]["micro"]["fn"] == 1
    assert "failed: cid" in (tmp_path / "run" / "report.html").read_text()
    for folder in FOLDS:
        assert json.loads((tmp_path / "run" / "folds" / folder / "fold.json").read_text())["failed"] == ["cid"]
    kept = (tmp_path / "run" / "folds" / FOLDS[0] / "fold.json").read_bytes()
    assert list(run(plan, tmp_path / "run", execution).failed) == ["cid"]
    assert (tmp_path / "run" / "folds" / FOLDS[0] / "fold.json").read_bytes() == kept

    shutil.copy(small_corpus / "cid.mp4", own_corpus / "cid.mp4")
    repaired = run(plan, tmp_path / "run", execution)
    assert repaired.failed == {}
    assert all(fold.score_files for fold in repaired.folds)
    # A fold that ended whole is not thrown away because a video cannot be read today.
    whole = (tmp_path / "run" / "folds" / FOLDS[1] / "fold.json").read_bytes()
    (tmp_path / "file").write_text("")
    unwritable = replace(execution, cache=tmp_path / "file")
    assert set(run(plan, tmp_path / "run", unwritable).failed) == set(WHO)
    assert (tmp_path / "run" / "folds" / FOLDS[1] / "fold.json").read_bytes() == whole


def test_another_run_or_a_file_in_the_way_is_refused_and_left_alone(small_corpus, execution, tmp_path):
    plan = strain_plan(small_corpus)
    (tmp_path / "run").mkdir()
    plan.write(tmp_path / "run")
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(SettingsError, match="different: seed"):
        run(replace(plan, seed=1), tmp_path / "run", execution)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    for name in ("file", "folder"):
        with pytest.raises(OutputError, match="in the way"):
            run(plan, tmp_path / name, execution)
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["mine.txt"]


def test_what_cannot_be_resumed_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no run folder"):
        resume(tmp_path)


def test_a_damaged_fold_is_named(small_run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(small_run, out)
    (out / "folds" / FOLDS[1] / "fold.json").write_text("{")
    with pytest.raises(FormatError, match=FOLDS[1]):
        read_run(out)
