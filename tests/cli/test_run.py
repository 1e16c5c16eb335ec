"""``facespot run`` as its user gives it: what it prints, its exit codes, and every kind of bad input in one line."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from facespot.cli.main import run as facespot_main

SMALL = ("--set", "epochs=1", "--set", "samples_per_epoch=60")


@pytest.fixture
def facespot(monkeypatch, capsys, small_cache):
    """Runs ``facespot run`` in this process: exit code, stdout and stderr."""

    def call(*arguments):
        given = ["facespot", "run", *map(str, arguments), "--cache", str(small_cache), "--workers", "1"]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as ended:
            facespot_main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_a_run_prints_the_protocol_the_figures_and_the_report(small_run):
    shown = (small_run.parent / "stdout.txt").read_text()
    assert "honest protocol" in shown
    assert "rule: IoU >= 0.5, optimal matching" in shown
    assert "macro" in shown
    assert shown.rstrip().endswith(f"Report: {small_run / 'report.html'}")


def test_the_same_command_again_prints_the_same_and_changes_nothing(facespot, small_run, small_corpus, run_files):
    before = run_files(small_run)
    code, out, err = facespot("own_data", small_corpus, "--method", "softnet", *SMALL, "--out", small_run)
    assert (code, err) == (0, "")
    assert "honest protocol" in out
    assert run_files(small_run) == before


def test_json_is_the_summary_and_nothing_else(facespot, small_run):
    code, out, err = facespot("--resume", small_run, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads((small_run / "summary.json").read_text())


def test_the_published_protocol_and_one_type(facespot, small_corpus, tmp_path):
    code, out, err = facespot("own_data", small_corpus, "--method", "strain", "--paper", "--kinds", "macro",
                              "--out", tmp_path / "run")  # fmt: skip
    assert (code, err) == (0, "")
    assert "published protocol" in out
    assert "k from the annotations of all subjects" in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["published_protocol"] is True
    assert (summary["settings"]["matching"], summary["settings"]["videos"]) == ("greedy", "with_type")
    assert summary["settings"]["count_dummy"] is True
    assert list(summary["folds"][0]["distances"]) == ["macro"]


def damaged(corpus, tmp_path):
    """A copy of the corpus in which one video is cut in the middle."""
    root = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    whole = (root / "cid.mp4").read_bytes()
    (root / "cid.mp4").write_bytes(whole[: len(whole) // 2])
    return root


def test_a_video_that_is_cut_short_fails_alone_and_is_named(facespot, small_corpus, tmp_path):
    root = damaged(small_corpus, tmp_path)
    code, out, err = facespot("own_data", root, "--method", "strain", "--kinds", "micro", "--out", tmp_path / "run")
    assert code == 1
    lines = err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("facespot: cid")
    assert "Report:" in out
    subjects = (tmp_path / "run" / "subjects.csv").read_text()
    assert "ann,ann,150" in subjects
    assert "ben,ben,140" in subjects
    shutil.copy(small_corpus / "cid.mp4", root / "cid.mp4")
    code, out, err = facespot("--resume", tmp_path / "run")
    assert (code, err) == (0, "")
    for fold, who in (("001-ann", ["ben", "cid"]), ("002-ben", ["ann", "cid"]), ("003-cid", ["ann", "ben"])):
        assert json.loads((tmp_path / "run" / "folds" / fold / "fold.json").read_text())["train"] == who


def test_a_method_that_fails_in_every_fold_ends_in_exit_code_2(facespot, small_corpus, tmp_path):
    root = Path(shutil.copytree(small_corpus, tmp_path / "corpus"))
    (root / "annotation.csv").write_text("subject,video,onset,apex,offset,type\n" + "".join(
        f"{who},{who}.mp4,,,,\n" for who in ("ann", "ben", "cid")))  # fmt: skip
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    code, out, err = facespot("own_data", root, "--method", "softnet", "--kinds", "micro", "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.count("\n") == 3
    assert err.count("the videos hold no expression") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["magic", "CORPUS"], ["magic", "own_data"]),
        (["own_data", "nowhere"], ["nowhere"]),
        (["own_data"], ["no corpus is given"]),
        (["own_data", "CORPUS", "--method", "magic"], ["magic", "strain, softnet"]),
        (["own_data", "CORPUS", "--protocol", "kfold"], ["--protocol", "kfold:5"]),
        (["own_data", "CORPUS", "--protocol", "kfold:9"], ["9 folds of 3 subjects"]),
        (["own_data", "CORPUS", "--set", "q=1"], ["'q'", "unknown"]),
        (["own_data", "CORPUS", "--set", "p"], ["--set p=0.6"]),
        (["own_data", "CORPUS", "--set", "p=2"], ["'p'", "out of range"]),
        (["own_data", "CORPUS", "--method", "softnet", "--set", "pseudo_label=cubic"], ["pseudo_label", "unit_step"]),
        (["own_data", "CORPUS", "--method", "spotgcn", "--set", "window=4"], ["'window'", "even"]),
        (["own_data", "CORPUS", "--method", "spotgcn", "--set", "reach=8"], ["'reach'", "at least 16"]),
        (["own_data", "CORPUS", "--kinds", "nano"], ["--kinds", "macro, micro"]),
        (["own_data", "CORPUS", "--kinds", ""], ["--kinds"]),
        (["own_data", "CORPUS", "--seed", "-1"], ["--seed"]),
        (["own_data", "CORPUS", "--detector", "magic"], ["magic", "mediapipe"]),
        (["own_data", "CORPUS", "--data-option", "colour=red"], ["colour"]),
        (["own_data", "CORPUS", "--method", "softnet", "--weights", "nowhere"], ["nowhere"]),
        (["--resume", "nowhere"], ["nowhere", "no run folder"]),
        (["own_data", "CORPUS", "--resume", "nowhere"], ["--resume"]),
    ],
    ids=lambda value: " ".join(value[2:] or value) if isinstance(value, list) else None,
)
def test_bad_input_ends_in_one_clear_line_and_nothing_is_written(
    facespot, small_corpus, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    code, out, err = facespot(*[str(small_corpus) if one == "CORPUS" else one for one in arguments])
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("facespot: ")
    for word in words:
        assert word in err
    assert list(tmp_path.iterdir()) == []


def test_another_run_in_the_folder_ends_in_one_clear_line(facespot, small_run, small_corpus, run_files):
    before = run_files(small_run)
    code, out, err = facespot("own_data", small_corpus, "--method", "softnet", "--out", small_run)
    assert (code, out) == (2, "")
    assert "different: settings" in err
    assert run_files(small_run) == before


def test_a_file_in_the_way_ends_in_one_clear_line(facespot, small_corpus, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        code, out, err = facespot("own_data", small_corpus, "--method", "strain", "--out", place)
        assert (code, out) == (2, "")
        assert len(err.strip().splitlines()) == 1
        assert str(place) in err
    assert (tmp_path / "file").read_text() == "mine"
