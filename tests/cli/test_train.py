"""``facespot train`` as its user gives it: what it prints, its exit codes, and bad input in one line."""

import json
import shutil
import sys

import pytest

from facespot.cli.main import run as facespot_main
from facespot.methods import load_method

SMALL = ("--set", "epochs=1", "--set", "samples_per_epoch=60", "--set", "flow=dis")


@pytest.fixture
def facespot(monkeypatch, capsys, small_cache):
    """Runs ``facespot train`` in this process: exit code, stdout and stderr."""

    def call(*arguments):
        given = ["facespot", "train", *map(str, arguments), "--cache", str(small_cache)]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as ended:
            facespot_main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_weights_of_both_types_from_own_data(facespot, small_corpus, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    given = ("softnet", "--data", small_corpus, "--dataset", "own_data", *SMALL, "--out", tmp_path / "out")
    code, out, err = facespot(*given)
    assert (code, err) == (0, "")
    document = json.loads((tmp_path / "out" / "training.json").read_text())
    digests = document["checkpoints"]
    counts = "3 subjects, 3 videos, 0.231 minutes, 3 macro- and 3 micro-expressions"
    assert out.splitlines() == [
        f"{tmp_path / 'out'}: softnet, trained on {counts}",
        f"{tmp_path / 'out' / 'macro'}: macro, sha256 {digests['macro']}",
        f"{tmp_path / 'out' / 'micro'}: micro, sha256 {digests['micro']}",
    ]
    method = load_method("softnet", weights=[tmp_path / "out" / kind for kind in ("macro", "micro")])
    used = method.weights_used()
    assert [one["sha256"] for one in used] == list(digests.values())
    assert {one["origin"]["corpus"] for one in used} == {"own_data"}
    assert facespot(*given) == (code, out, err)


def test_a_video_that_fails_is_named_and_the_exit_code_is_1(facespot, small_corpus, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    shutil.copytree(small_corpus, tmp_path / "corpus")
    (tmp_path / "corpus" / "cid.mp4").write_bytes((small_corpus / "cid.mp4").read_bytes()[:20000])
    code, out, err = facespot("softnet", "--data", tmp_path / "corpus", "--dataset", "own_data", *SMALL,
                              "--kinds", "micro", "--out", tmp_path / "out", "--quiet")  # fmt: skip
    assert code == 1
    assert len(err.splitlines()) == 1
    assert err.startswith("facespot: corpus/cid")
    assert "2 subjects, 2 videos" in out
    assert "2 micro-expressions" in out
    assert not (tmp_path / "out" / "macro").exists()


def test_stopping_it_says_how_to_go_on(facespot, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("facespot.experiments.training_run.train_weights", stop)
    code, out, err = facespot("softnet", "--data", tmp_path, "--out", tmp_path / "out")
    assert (code, out) == (130, "")
    assert err == "facespot: stopped; give the same command again to go on\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["strain", "--data", "CORPUS"], ["'strain' learns nothing", "softnet"]),
        (["magic", "--data", "CORPUS"], ["magic", "softnet"]),
        (["softnet", "--data", "nowhere"], ["nowhere"]),
        (["softnet", "--data", "CORPUS", "--dataset", "synth"], ["corpus.json", "synth make"]),
        (["softnet", "--data", "CORPUS", "--dataset", "magic"], ["magic", "own_data"]),
        (["softnet", "--data", "CORPUS", "--data", "CORPUS"], ["given twice"]),
        (["softnet", "--data", "CORPUS", "--set", "epochs"], ["--set"]),
        (["softnet", "--data", "CORPUS", "--set", "magic=1"], ["'magic'", "unknown"]),
        (["softnet", "--data", "CORPUS", "--kinds", "nano"], ["--kinds", "macro, micro"]),
        (["softnet", "--data", "CORPUS", "--kinds", ""], ["--kinds"]),
        (["softnet", "--data", "CORPUS", "--seed", "-1"], ["--seed"]),
        (["softnet", "--data", "CORPUS", "--fps", "0"], ["--fps"]),
        (["softnet", "--data", "CORPUS", "--detector", "magic"], ["magic", "mediapipe"]),
        (["softnet", "--data", "CORPUS", "--emotions", "magic"], ["magic"]),
        (["softnet", "--data", "CORPUS", "--data-option", "colour=red"], ["colour"]),
        (["softnet", "--data", "CORPUS", "--workers", "0"], ["--workers"]),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else None,
)
def test_bad_input_ends_in_one_clear_line_and_nothing_is_written(
    facespot, small_corpus, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    given = [str(small_corpus) if one == "CORPUS" else one for one in arguments]
    if "--dataset" not in given:
        given += ["--dataset", "own_data"]
    code, out, err = facespot(*given, "--out", "out")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("facespot: ")
    for word in words:
        assert word in err
    assert list(tmp_path.iterdir()) == []
