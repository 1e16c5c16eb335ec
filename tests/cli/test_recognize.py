"""``facespot recognize`` and ``facespot spot --recognize`` as their users run them."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facespot.export import read_tracks, write_tracks
from facespot.values import Expression, Timebase, Track

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"
CLASSES = {"negative", "positive", "surprise"}
FILES = ["expressions.csv", "expressions.json", "scores.npz", "timeline.png"]
EXPRESSIONS = (
    Expression(30, 36, 42, "micro", "joy", ("6", "R12"), 0.5),
    Expression(40, None, 70, "macro"),
)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def facespot(tmp_path, shared_cache):
    def run(command, *arguments):
        words = [sys.executable, "-m", "facespot", command, *map(str, arguments), "--end", "4"]
        environment = {**os.environ, "PYTHONWARNINGS": "default"}
        return subprocess.run(
            [*words, "--cache", str(shared_cache)], capture_output=True, text=True, cwd=tmp_path, env=environment
        )

    return run


def track(name="demo", n_frames=900, expressions=EXPRESSIONS):
    return Track(name, Timebase(30.0, n_frames), expressions)


def test_spotted_expressions_get_an_emotion(facespot, random_mean_checkpoint, tmp_path):
    done = facespot(
        "spot", DEMO, "--method", "strain", "--recognize", "mean", "--recognize-weights", random_mean_checkpoint
    )
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "facespot_results" / "demo"
    rows = list(csv.DictReader((folder / "expressions.csv").read_text().splitlines()))
    assert rows
    for row in rows:
        assert row["emotion"] in CLASSES
        assert 1 / 3 < float(row["emotion_probability"]) <= 1
        assert f"{float(row['emotion_probability']):.2f}" in done.stdout
    scores = np.load(folder / "scores.npz", allow_pickle=False)
    assert scores["channels"].tolist() == ["macro", "micro", *(f"emotion/{name}" for name in sorted(CLASSES))]
    document = json.loads((folder / "expressions.json").read_text())
    assert document["provenance"]["recognizer"]["name"] == "mean"
    assert document["expressions"][0]["emotion_probability"] == float(rows[0]["emotion_probability"])


@pytest.mark.parametrize("peak_threshold", ["0", "1"])
def test_intervals_of_fesnet_or_none_get_an_emotion(
    facespot, random_fesnet_checkpoint, random_mean_checkpoint, tmp_path, peak_threshold
):
    done = facespot("spot", DEMO, "--method", "fesnet", "--weights", random_fesnet_checkpoint,
                    "--set", f"peak_threshold={peak_threshold}",
                    "--recognize", "mean", "--recognize-weights", random_mean_checkpoint)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "facespot_results" / "demo"
    rows = list(csv.DictReader((folder / "expressions.csv").read_text().splitlines()))
    assert bool(rows) == (peak_threshold == "0")
    assert all(row["emotion"] in CLASSES for row in rows)
    channels = np.load(folder / "scores.npz", allow_pickle=False)["channels"].tolist()
    of_types = ["macro", "micro", "macro/spatial", "micro/spatial"]
    assert channels == [*of_types, *(f"emotion/{name}" for name in sorted(CLASSES))]


def test_intervals_of_a_table_of_many_videos_are_named(facespot, random_mean_checkpoint, tmp_path):
    longer = track("longer", 5000, (Expression(4000, None, 4100, "macro"),))
    write_tracks([longer, track()], tmp_path / "all.csv")
    given = ("--intervals", "all.csv", "--weights", random_mean_checkpoint, "--out", "out")
    done = facespot("recognize", DEMO, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "given intervals, emotions by mean" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out" / "demo").iterdir()) == FILES
    (read,) = read_tracks(tmp_path / "out" / "demo" / "expressions.json")
    for before, after in zip(EXPRESSIONS, read.expressions, strict=True):
        for name in ("onset", "apex", "offset", "kind", "action_units", "score"):
            assert getattr(after, name) == getattr(before, name)
        assert after.emotion in CLASSES
    again = facespot("recognize", DEMO, *given[:-1], "again", "--json")
    document = json.loads(again.stdout)["results"][0]
    assert document["provenance"]["intervals"]["file"] == "all.csv"
    for name in FILES:
        assert (tmp_path / "out" / "demo" / name).read_bytes() == (tmp_path / "again" / "demo" / name).read_bytes()


@pytest.mark.parametrize("name", ["x.eaf", "x.TextGrid", "x_events.tsv", "x.json"])
def test_every_format_can_be_named(facespot, random_mean_checkpoint, tmp_path, name):
    write_tracks(track("session 1"), tmp_path / name)
    done = facespot("recognize", DEMO, "--intervals", name, "--weights", random_mean_checkpoint, "--case", "apex")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"note: {name}: the expressions of 'session 1' are taken for 'demo'\n"
    (read,) = read_tracks(tmp_path / "facespot_results" / "demo" / "expressions.csv")
    # Without an apex, the frame in the middle votes.
    assert [(one.onset, one.offset, one.emotion in CLASSES) for one in read.expressions] == [
        (30, 42, True), (40, 70, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--intervals", "nowhere.csv", "WEIGHTS"], ["nowhere.csv"]),
        (["--intervals", "two.csv", "WEIGHTS"], ["holds the videos a, b, and 'demo' is not among them"]),
        (["--intervals", "long.csv", "WEIGHTS"], ["ends at frame 950, the video has 900"]),
        (["--intervals", "own.csv", "WEIGHTS", "--case", "all"], ["case", "onset_to_offset"]),
        (["--intervals", "own.csv", "WEIGHTS", "--method", "strain"], ["strain", "mean"]),
        (["--intervals", "own.csv", "WEIGHTS", "--method", "magic"], ["magic"]),
        (["--intervals", "own.csv", "WEIGHTS", "--set", "distance_s=9"], ["only 120 frames", "at least 271"]),
    ],
    ids=str,
)
def test_bad_input_ends_in_one_line(facespot, random_mean_checkpoint, tmp_path, arguments, words):
    write_tracks(track(), tmp_path / "own.csv")
    write_tracks([track("a"), track("b")], tmp_path / "two.csv")
    write_tracks(track("demo", 1000, (Expression(940, None, 950, "micro"),)), tmp_path / "long.csv")
    given = [
        part for word in arguments for part in (["--weights", random_mean_checkpoint] if word == "WEIGHTS" else [word])
    ]
    done = facespot("recognize", DEMO, *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "facespot_results").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recognize", "softnet"], "softnet"),
        (["--recognize-weights", "weights"], "add --recognize mean"),
        (["--recognize", "mean", "--recognize-set", "p"], "--recognize-set"),
    ],
)
def test_a_bad_recognizer_of_spot_ends_in_one_line(facespot, arguments, words):
    done = facespot("spot", DEMO, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
