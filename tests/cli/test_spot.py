"""The main job as its user runs it: the demo video from the command line, and every kind of bad input."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facespot.cli.spot import folder_names, parse_settings
from facespot.errors import SettingsError

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"
BLOCK_TORCH = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked")
sys.meta_path.insert(0, Refuse())
from facespot.cli.main import run
run()
"""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def facespot(tmp_path, shared_cache):
    """Runs ``facespot spot`` in an empty folder, in a process of its own that cannot import torch."""

    def run(*arguments, cache=shared_cache):
        command = [sys.executable, "-c", BLOCK_TORCH, "spot", *map(str, arguments), "--cache", str(cache)]
        environment = {**os.environ, "PYTHONWARNINGS": "default"}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)

    return run


def is_one_clear_line(done, *words):
    """One line on stderr, no traceback, exit code 2, nothing on stdout."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("facespot: ")
    for word in words:
        assert word in lines[0]
    assert done.returncode == 2
    assert done.stdout == ""


def test_the_demo_gives_a_table_and_four_files(facespot, tmp_path):
    done = facespot(DEMO, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    folder = tmp_path / "out" / "demo"
    assert sorted(path.name for path in folder.iterdir()) == [
        "expressions.csv", "expressions.json", "scores.npz", "timeline.png",
    ]  # fmt: skip
    rows = list(csv.DictReader((folder / "expressions.csv").read_text().splitlines()))
    assert {row["kind"] for row in rows} == {"macro", "micro"}
    for row in rows:
        assert int(row["onset"]) < int(row["apex"]) < int(row["offset"])
        assert row["onset"] in done.stdout
        assert f"{int(row['apex']) / 30:.3f}" in done.stdout
    document = json.loads((folder / "expressions.json").read_text())
    provenance = document["provenance"]
    assert provenance["method"] == "strain"
    assert len(provenance["video"]["sha256"]) == 64
    assert provenance["face"]["coverage"] == 1.0
    assert len(document["expressions"]) == len(rows)
    scores = np.load(folder / "scores.npz", allow_pickle=False)
    assert scores["values"].shape == (900 - 6, 2)
    assert (folder / "timeline.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_command_twice_gives_the_same_bytes_with_and_without_the_cache(facespot, tmp_path):
    facespot(DEMO, "--end", "4", "--out", "one")
    facespot(DEMO, "--end", "4", "--out", "two", "--no-cache", "--workers", "1")
    for path in (tmp_path / "one" / "demo").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "demo" / path.name).read_bytes(), path.name


def test_a_second_run_computes_no_motion(facespot, tmp_path):
    cache = tmp_path / "cache"
    facespot(DEMO, "--end", "3", cache=cache)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert any(path.name == "values.npy" for path in before)
    done = facespot(DEMO, "--end", "3", "--set", "p=0.7", cache=cache)
    assert done.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_json_is_all_that_is_printed(facespot):
    done = facespot(DEMO, "--end", "3", "--json")
    document = json.loads(done.stdout)
    assert document["schema"] == "facespot.results/1"
    assert document["results"][0]["video"] == "demo"
    assert document["failed"] == []


def test_softnet_runs_without_torch_and_says_with_which_weights(facespot, random_checkpoints, tmp_path):
    weights = [word for folder in random_checkpoints for word in ("--weights", folder)]
    done = facespot(DEMO, "--end", "4", "--method", "softnet", *weights)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "facespot_results" / "demo" / "expressions.json").read_text())
    assert [one["kind"] for one in document["provenance"]["weights"]] == ["macro", "micro"]
    assert all(len(one["sha256"]) == 64 for one in document["provenance"]["weights"])
    assert document["provenance"]["settings"]["p"] == 0.55


def test_one_checkpoint_spots_its_type_alone(facespot, random_checkpoints, tmp_path):
    done = facespot(DEMO, "--end", "4", "--method", "softnet", "--weights", random_checkpoints[1])
    assert done.returncode == 0, done.stderr
    scores = np.load(tmp_path / "facespot_results" / "demo" / "scores.npz", allow_pickle=False)
    assert scores["channels"].tolist() == ["micro"]
    twice = ["--weights", random_checkpoints[1]] * 2
    is_one_clear_line(facespot(DEMO, "--method", "softnet", *twice), "two checkpoints for micro")


def test_start_and_resampling_keep_the_frame_numbers_of_the_file(facespot, tmp_path):
    done = facespot(DEMO, "--start", "10", "--end", "20", "--fps", "15")
    assert done.returncode == 0, done.stderr
    scores = np.load(tmp_path / "facespot_results" / "demo" / "scores.npz", allow_pickle=False)
    assert scores["frames"][:3].tolist() == [300, 302, 304]
    assert scores["fps"] == 15


def test_one_failing_video_does_not_stop_the_rest(facespot, tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a_broken.mp4").write_text("no video")
    shutil.copy(DEMO, tmp_path / "videos" / "b.mp4")
    done = facespot("videos", "--end", "3", "--out", "out")
    assert done.returncode == 1
    assert "a_broken.mp4" in done.stderr
    assert "1 of 2 videos failed" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b"]


def test_a_short_video_is_spotted_for_micro_expressions_alone_and_says_so(facespot):
    done = facespot(DEMO, "--end", "1.2")
    assert done.returncode == 0, done.stderr
    assert "too short for macro-expressions: 36 frames, 57 are needed" in done.stdout


def encode(path, images, rate=30):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_missing(folder):
    return [folder / "nowhere.mp4"], ["nowhere.mp4", "exist"]


def write_text_file(folder):
    (folder / "text.mp4").write_text("not a video\n" * 100)
    return [folder / "text.mp4"], ["text.mp4"]


def write_empty(folder):
    (folder / "empty.mp4").write_bytes(b"")
    return [folder / "empty.mp4"], ["empty.mp4"]


def write_faceless(folder):
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    encode(folder / "grey.mp4", [grey] * 70)
    return [folder / "grey.mp4"], ["grey", "no face"]


def write_one_frame(folder):
    encode(folder / "one.mp4", [np.full((240, 320, 3), 128, dtype=np.uint8)])
    return [folder / "one.mp4"], ["one", "1 frame ", "at least 21 frames"]


def write_too_short(folder):
    encode(folder / "short.mp4", [np.full((240, 320, 3), 128, dtype=np.uint8)] * 12)
    return [folder / "short.mp4"], ["12 frames", "at least 21 frames"]


def write_truncated(folder):
    whole = DEMO.read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return [folder / "cut.mp4"], ["cut.mp4"]


def write_empty_folder(folder):
    (folder / "nothing").mkdir()
    return [folder / "nothing"], ["nothing"]


def write_frames_without_rate(folder):
    import cv2

    (folder / "frames").mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / "frames" / f"{index}.png"), np.full((64, 64), 99, dtype=np.uint8))
    return [folder / "frames"], ["--frame-rate"]


BAD_VIDEOS = [
    write_missing,
    write_text_file,
    write_empty,
    write_faceless,
    write_one_frame,
    write_too_short,
    write_truncated,
    write_empty_folder,
    write_frames_without_rate,
]


@pytest.mark.parametrize("write", BAD_VIDEOS, ids=lambda write: write.__name__)
def test_a_bad_video_ends_in_one_clear_line_and_no_output(facespot, tmp_path, write):
    (tmp_path / "in").mkdir()
    arguments, words = write(tmp_path / "in")
    done = facespot(*arguments, "--out", "out")
    is_one_clear_line(done, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--start", "99"], ["30", "--start"]),
        (["--start", "5", "--end", "4"], ["--start"]),
        (["--face", "7"], ["face 7", "1 face was found"]),
        (["--method", "magic"], ["magic", "strain, softnet"]),
        (["--method", "softnet"], ["needs weights", "models import"]),
        (["--method", "softnet", "--weights", "nowhere"], ["nowhere", "does not exist"]),
        (["--set", "p"], ["--set p=0.6"]),
        (["--set", "q=1"], ["'q'", "unknown"]),
        (["--set", "flow=magic"], ["magic", "tvl1"]),
        (["--detector", "magic"], ["magic", "mediapipe"]),
        (["--workers", "0"], ["--workers"]),
        (["--truth", "nowhere.csv"], ["nowhere.csv"]),
    ],
    ids=str,
)
def test_a_bad_option_ends_in_one_clear_line_and_no_output(facespot, tmp_path, arguments, words):
    done = facespot(DEMO, *arguments, "--out", "out")
    is_one_clear_line(done, *words)
    assert not (tmp_path / "out").exists()


def test_weights_of_another_method_are_refused(facespot, tmp_path):
    from facespot.models import write_checkpoint

    write_checkpoint(tmp_path / "weights", method="mean", kind="micro", config={}, fitted={}, origin={},
                     onnx_bytes=b"x", weights={"a": np.zeros(1, dtype=np.float32)})  # fmt: skip
    is_one_clear_line(facespot(DEMO, "--method", "softnet", "--weights", "weights"), "weights of 'mean'", "'softnet'")


def test_an_unwritable_place_ends_in_one_clear_line(facespot, tmp_path):
    (tmp_path / "file").write_text("")
    is_one_clear_line(facespot(DEMO, "--end", "3", "--out", "file/out"), "cannot be written", "--out")


def test_folder_names_tell_videos_apart():
    paths = [Path("a/x/talk.mp4"), Path("a/y/talk.mp4"), Path("b/y/talk.mp4")]
    names = folder_names(paths)
    assert len(set(names)) == 3
    assert folder_names(paths) == names


def test_settings_are_split_at_the_first_equals_sign():
    assert parse_settings(["p=0.6", " flow = dis"]) == {"p": "0.6", "flow": "dis"}
    with pytest.raises(SettingsError, match="no '='"):
        parse_settings(["p"])
