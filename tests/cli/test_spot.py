"""``facespot spot`` with the papers' methods, the cheap baseline for what all share, and every kind of bad input."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facespot.cli.decision import decision_settings
from facespot.cli.spot import folder_names, parse_settings
from facespot.errors import SettingsError

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"
STRAIN = ("--method", "strain")
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
    done = facespot(DEMO, *STRAIN, "--out", "out")
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
    facespot(DEMO, *STRAIN, "--end", "4", "--out", "one")
    facespot(DEMO, *STRAIN, "--end", "4", "--out", "two", "--no-cache", "--workers", "1")
    for path in (tmp_path / "one" / "demo").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "demo" / path.name).read_bytes(), path.name


def test_a_second_run_computes_no_motion(facespot, tmp_path):
    cache = tmp_path / "cache"
    facespot(DEMO, *STRAIN, "--end", "3", cache=cache)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert any(path.name == "values.npy" for path in before)
    done = facespot(DEMO, *STRAIN, "--end", "3", "--set", "p=0.7", cache=cache)
    assert done.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_json_is_all_that_is_printed(facespot):
    done = facespot(DEMO, *STRAIN, "--end", "3", "--json")
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


EVERYTHING = ("--set", "apex_threshold=0", "--set", "consistent=false")


def spotting_files(folder):
    """Rows of the table of a video and its scores."""
    rows = list(csv.DictReader((folder / "expressions.csv").read_text().splitlines()))
    return rows, np.load(folder / "scores.npz", allow_pickle=False)


def test_spotgcn_spots_both_types_with_one_checkpoint_and_without_torch(facespot, random_spotgcn_checkpoint, tmp_path):
    done = facespot(DEMO, "--end", "4", "--method", "spotgcn", "--weights", random_spotgcn_checkpoint, *EVERYTHING)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "facespot_results" / "demo"
    assert sorted(path.name for path in folder.iterdir()) == [
        "expressions.csv", "expressions.json", "scores.npz", "timeline.png",
    ]  # fmt: skip
    rows, scores = spotting_files(folder)
    assert scores["channels"].tolist() == [
        f"{kind}{part}" for kind in ("macro", "micro") for part in ("", "/onset", "/offset", "/expression")
    ]
    assert scores["values"].shape == (120, 8)
    assert np.isfinite(scores["values"]).all()
    # Half of k and of j in frames: at most and at least so far do onset and offset lie from the apex.
    for kind, nearest, farthest in (("macro", 6, 18), ("micro", 3, 6)):
        frames = [[int(row[name]) for name in ("onset", "apex", "offset")] for row in rows if row["kind"] == kind]
        assert len(frames) > 1
        assert all(nearest <= apex - onset <= farthest and nearest <= offset - apex <= farthest
                   for onset, apex, offset in frames)  # fmt: skip
        assert len({offset - onset for onset, _, offset in frames}) > 1, "not all of one length"
    provenance = json.loads((folder / "expressions.json").read_text())["provenance"]
    (weights,) = provenance["weights"]
    assert weights["kind"] is None
    assert len(weights["sha256"]) == 64
    assert (provenance["settings"]["window"], provenance["settings"]["macro_mean_s"]) == (5, 1.2)


def test_spotgcn_takes_every_second_frame_of_60_per_second(facespot, random_spotgcn_checkpoint, tmp_path):
    import av

    with av.open(str(DEMO)) as source:
        images = [frame.reformat(width=320, height=240).to_ndarray(format="rgb24")
                  for _, frame in zip(range(60), source.decode(video=0), strict=False)]  # fmt: skip
    encode(tmp_path / "fast.mp4", [image for image in images for _ in range(2)], rate=60)
    done = facespot("fast.mp4", "--method", "spotgcn", "--weights", random_spotgcn_checkpoint, *EVERYTHING)
    assert (done.returncode, done.stderr) == (0, "")
    rows, scores = spotting_files(tmp_path / "facespot_results" / "fast")
    assert scores["frames"].tolist() == list(range(0, 120, 2))
    assert scores["fps"] == 30
    assert {row["kind"] for row in rows} == {"macro", "micro"}
    for row in rows:
        assert all(int(row[name]) % 2 == 0 for name in ("onset", "apex", "offset"))
        most = {"macro": 72, "micro": 24}[row["kind"]]
        assert 0 < int(row["offset"]) - int(row["onset"]) <= most


def test_spotgcn_says_which_type_a_video_is_too_short_for(facespot, random_spotgcn_checkpoint, tmp_path):
    spotgcn = ("--method", "spotgcn", "--weights", random_spotgcn_checkpoint)
    done = facespot(DEMO, "--end", "0.35", *spotgcn)
    assert done.returncode == 0, done.stderr
    assert "too short for macro-expressions" in done.stdout
    assert "13 are needed" in done.stdout
    _, scores = spotting_files(tmp_path / "facespot_results" / "demo")
    assert scores["channels"].tolist() == ["micro", "micro/onset", "micro/offset", "micro/expression"]
    encode(tmp_path / "short.mp4", [np.full((240, 320, 3), 128, dtype=np.uint8)] * 6)
    is_one_clear_line(facespot("short.mp4", *spotgcn), "6 frames", "'spotgcn' needs at least 7 frames")


def test_spotgcn_takes_one_checkpoint_with_its_own_window(facespot, random_spotgcn_checkpoint):
    spotgcn = ("--method", "spotgcn", "--weights", random_spotgcn_checkpoint)
    is_one_clear_line(facespot(DEMO, *spotgcn, *spotgcn[2:]), "one network for both types")
    is_one_clear_line(facespot(DEMO, *spotgcn, "--set", "window=7"), "(5, 10, 2), not (7, 10, 2)", "'window'")


def test_fesnet_spots_both_types_with_one_checkpoint_and_without_torch(facespot, random_fesnet_checkpoint, tmp_path):
    fesnet = ("--method", "fesnet", "--weights", random_fesnet_checkpoint)
    done = facespot(DEMO, "--end", "4", *fesnet)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "facespot_results" / "demo"
    assert sorted(path.name for path in folder.iterdir()) == [
        "expressions.csv", "expressions.json", "scores.npz", "timeline.png",
    ]  # fmt: skip
    rows, scores = spotting_files(folder)
    assert scores["channels"].tolist() == ["macro", "micro", "macro/spatial", "micro/spatial"]
    assert scores["values"].shape == (120, 4)
    assert np.isfinite(scores["values"]).all()
    assert {row["kind"] for row in rows} == {"macro", "micro"}
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        onset, apex, offset = (int(row[name]) for name in ("onset", "apex", "offset"))
        assert onset <= apex <= offset
        assert offset - onset >= 2
        assert after is None or offset < int(after["onset"])
        probability = scores["values"][onset : offset + 1, ["macro", "micro"].index(row["kind"])]
        assert apex == onset + probability.argmax()
        assert float(row["score"]) == pytest.approx(probability.max(), abs=1e-4)
    provenance = json.loads((folder / "expressions.json").read_text())["provenance"]
    assert [one["kind"] for one in provenance["weights"]] == [None]
    assert (provenance["settings"]["clip_frames"], provenance["settings"]["channels"]) == (16, 8)
    is_one_clear_line(facespot(DEMO, *fesnet, *fesnet[2:]), "one network for both types")
    is_one_clear_line(facespot(DEMO, *fesnet, "--set", "clip_frames=32"), "(16, 112, 112, 3)", "'clip_frames'")


def test_fesnet_takes_every_second_frame_of_120_per_second(facespot, random_fesnet_checkpoint, tmp_path):
    import av

    with av.open(str(DEMO)) as source:
        images = [frame.reformat(width=320, height=240).to_ndarray(format="rgb24")
                  for _, frame in zip(range(40), source.decode(video=0), strict=False)]  # fmt: skip
    encode(tmp_path / "fast.mp4", [image for image in images for _ in range(2)], rate=120)
    fesnet = ("--method", "fesnet", "--weights", random_fesnet_checkpoint)
    done = facespot("fast.mp4", *fesnet, "--set", "least_s=0")
    assert (done.returncode, done.stderr) == (0, "")
    rows, scores = spotting_files(tmp_path / "facespot_results" / "fast")
    assert scores["frames"].tolist() == list(range(0, 80, 2))
    assert scores["fps"] == 60
    assert rows
    assert all(int(row[name]) % 2 == 0 for row in rows for name in ("onset", "apex", "offset"))
    encode(tmp_path / "short.mp4", images[:5])
    done = facespot("short.mp4", *fesnet)
    assert (done.returncode, done.stderr) == (0, "")
    assert spotting_files(tmp_path / "facespot_results" / "short")[1]["frames"].tolist() == list(range(5))
    encode(tmp_path / "shorter.mp4", images[:2])
    is_one_clear_line(facespot("shorter.mp4", *fesnet), "2 frames", "'fesnet' needs at least 3 frames")


def test_start_and_resampling_keep_the_frame_numbers_of_the_file(facespot, tmp_path):
    done = facespot(DEMO, *STRAIN, "--start", "10", "--end", "20", "--fps", "15")
    assert done.returncode == 0, done.stderr
    scores = np.load(tmp_path / "facespot_results" / "demo" / "scores.npz", allow_pickle=False)
    assert scores["frames"][:3].tolist() == [300, 302, 304]
    assert scores["fps"] == 15


def test_one_failing_video_does_not_stop_the_rest(facespot, tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a_broken.mp4").write_text("no video")
    shutil.copy(DEMO, tmp_path / "videos" / "b.mp4")
    done = facespot("videos", *STRAIN, "--end", "3", "--out", "out")
    assert done.returncode == 1
    assert "a_broken.mp4" in done.stderr
    assert "1 of 2 videos failed" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b"]


def test_a_short_video_is_spotted_for_micro_expressions_alone_and_says_so(facespot):
    done = facespot(DEMO, *STRAIN, "--end", "1.2")
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
    return [folder / "one.mp4"], ["one", "1 frame ", "'regiontcn' needs at least 10 frames"]


def write_too_short(folder):
    encode(folder / "short.mp4", [np.full((240, 320, 3), 128, dtype=np.uint8)] * 9)
    return [folder / "short.mp4"], ["9 frames", "'regiontcn' needs at least 10 frames"]


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
        (["--method", "softnet", "--weights", "nowhere"], ["nowhere", "does not exist"]),
        (["--set", "p"], ["--set p=0.6"]),
        (["--set", "q=1"], ["'q'", "unknown"]),
        ([*STRAIN, "--set", "flow=magic"], ["magic", "tvl1"]),
        (["--threshold", "magic=1"], ["--threshold", "no type 'magic'", "micro=0.7"]),
        (["--threshold", "micro=much"], ["--threshold", "'much' is no probability", "micro=0.7"]),
        (["--threshold", "=0.7"], ["--threshold", "no type ''"]),
        (["--threshold", "0.7", "--rule", "paper"], ["--threshold", "follows from the video", "--set p="]),
        (["--method", "magic", "--threshold", "0.7"], ["no method 'magic'"]),
        (["--threshold", "7"], ["--threshold", "'7' is no probability"]),
        (["--sensitivity", "magic"], ["'sensitivity'", "'magic' is not a choice", "low, normal, high"]),
        (["--rule", "magic"], ["'rule'", "'magic' is not a choice", "absolute, paper"]),
        (["--rule", "paper", "--sensitivity", "high"], ['the rule "paper" knows no sensitivity']),
        ([*STRAIN, "--threshold", "0.7"], ["--threshold", "'strain' decides by the rule of its paper alone"]),
        ([*STRAIN, "--sensitivity", "low"], ["--sensitivity", "'strain' decides by the rule of its paper alone"]),
        ([*STRAIN, "--rule", "absolute"], ["--rule", "'strain' decides by the rule of its paper alone"]),
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
    is_one_clear_line(facespot(DEMO, *STRAIN, "--end", "3", "--out", "file/out"), "cannot be written", "--out")


def test_folder_names_tell_videos_apart():
    paths = [Path("a/x/talk.mp4"), Path("a/y/talk.mp4"), Path("b/y/talk.mp4")]
    names = folder_names(paths)
    assert len(set(names)) == 3
    assert folder_names(paths) == names


def test_settings_are_split_at_the_first_equals_sign():
    assert parse_settings(["p=0.6", " flow = dis"]) == {"p": "0.6", "flow": "dis"}
    with pytest.raises(SettingsError, match="no '='"):
        parse_settings(["p"])


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ((["0.7"], None, None), {"macro_threshold": "0.7", "micro_threshold": "0.7"}),
        ((["micro=0.8"], None, None), {"micro_threshold": "0.8"}),
        ((["micro=0.8", "0.7"], None, None), {"macro_threshold": "0.7", "micro_threshold": "0.7"}),
        ((None, "low", None), {"sensitivity": "low"}),
        ((None, None, "paper"), {"rule": "paper"}),
        ((None, None, None), {}),
    ],
)
def test_options_of_the_decision_are_settings_of_the_default(options, settings):
    assert decision_settings("regiontcn", *options) == settings


@pytest.mark.parametrize("method", ["strain", "softnet", "mean", "spotgcn", "fesnet"])
def test_the_methods_of_the_papers_know_only_the_rule_of_their_paper(method):
    assert decision_settings(method, None, None, "paper") == decision_settings(method, None, None, None) == {}
    for options in ((["0.7"], None, None), (None, "normal", None), (None, None, "absolute")):
        with pytest.raises(SettingsError, match=f"'{method}' decides by the rule of its paper alone"):
            decision_settings(method, *options)
