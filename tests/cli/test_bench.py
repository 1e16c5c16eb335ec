"""``facespot bench`` as its user gives it: corpora found or made, figures written, one line for bad input."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from facespot.cli.main import run as facespot_main
from facespot.datasets import load_dataset
from facespot.experiments.bench import conditions, spotting
from facespot.experiments.bench.conditions import Bench, Condition, Rendered, Rerecorded
from facespot.experiments.bench.corpora import preset_of
from facespot.metrics import evaluate
from facespot.pipeline import RunSettings, spot
from facespot.synth.corpus import make_corpus
from facespot.video import open_video

ROOT = Path(__file__).parents[2]
FAST = ("--method", "strain", "--set", "flow=dis", "--workers", "1")
RECIPE = Rendered("tiny", {"subjects": 2, "seconds": 3.0, "flow_pairs": 0})
SMALL = Bench(
    "small",
    {"people": RECIPE, "people-degraded": Rerecorded("people", "degraded")},
    (
        Condition("clean", "clean", "quality", "people"),
        Condition("degraded", "degraded", "quality", "people-degraded"),
    ),
    people="clean",
    targets=conditions.find_bench("heldout-v1").targets,
)


class DemoFace:
    """The face of the demo video in place of a rendered one: it can be found, and it moves."""

    size, blink_weight = (256, 256), 1.0

    def __init__(self, first):
        self._frames = [frame.rgb()[:, 40:-40] for frame in open_video(ROOT / "examples" / "demo.mp4").read(
            np.arange(first, first + 90))]  # fmt: skip

    def draw(self, pose, frame):
        import cv2

        picture = cv2.resize(self._frames[min(frame, 89)], self.size)
        return ((picture / 255.0) ** 2.2).astype(np.float32)

    def landmarks(self, pose, frame):
        angle = np.arange(68) / 68 * 2 * np.pi
        return (128 + 60 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)

    def facial_motion(self, weights):
        return 10.0 * max(map(abs, weights.values()), default=0.0)

    def eye_distance(self):
        return 80.0


@dataclass(frozen=True)
class DemoCasting:
    faces: tuple

    def fit(self, preset):
        return preset

    def face(self, plan):
        return self.faces[plan.subject_number]

    def describe(self):
        return {"faces": "rendered"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The corpora of the small bench, the second one not made yet."""
    folder = tmp_path_factory.mktemp("data")
    make_corpus(folder / "people", preset_of(RECIPE), DemoCasting((DemoFace(70), DemoFace(290))))
    return folder


@pytest.fixture
def facespot(monkeypatch, capsys, small_cache):
    """Runs ``facespot bench`` in this process: exit code, stdout and stderr."""
    monkeypatch.setattr(conditions, "BENCHES", {**conditions.BENCHES, "small": SMALL})
    # Somebody may edit the code while its tests run.
    monkeypatch.setattr(spotting, "code_digest", lambda: "this code")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["facespot", "bench", *map(str, arguments), "--cache", str(small_cache)])
        with pytest.raises(SystemExit) as ended:
            facespot_main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def benched(facespot, data, tmp_path):
    """A bench that ran: its folder, and what it printed."""
    code, out, err = facespot("--preset", "small", *FAST, "--data", data, "--out", tmp_path / "figures" / "small.json")
    assert (code, err) == (0, "")
    return tmp_path / "figures", out


def test_the_figures_are_those_of_the_videos_one_by_one(benched, data, small_cache):
    folder, _ = benched
    document = json.loads((folder / "small.json").read_text())
    assert document["schema"] == "facespot.bench/1"
    assert document["settings"]["flow"] == "dis"
    found = {one["name"]: one for one in document["conditions"]}
    assert list(found)[:2] == ["clean", "degraded"]
    assert {one["group"] for one in document["conditions"][2:]} == {"skin tone", "face shape", "head motion"}
    spotted = 0
    for name in ("clean", "degraded"):
        recordings = load_dataset("synth", data / found[name]["corpus"]).recordings
        tracks = [spot(one.path, method="strain", settings={"flow": "dis"}, run=RunSettings(small_cache, 1)).track
                  for one in recordings]  # fmt: skip
        named = [type(track)(one.id, one.timebase, track.expressions)
                 for one, track in zip(recordings, tracks, strict=True)]  # fmt: skip
        whole = evaluate([one.truth for one in recordings], named)
        for kind, part in (*whole.by_kind, ("overall", whole)):
            ours = found[name][kind]
            assert (ours["tp"], ours["fp"], ours["fn"]) == (part.tp, part.fp, part.fn)
        assert (found[name]["videos"], found[name]["minutes"]) == (2, 0.1)
        spotted += whole.tp + whole.fp
    assert spotted > 0
    assert document["corpora"]["people-degraded"]["rerecorded"][-1]["quality"] == "degraded"


def test_groups_add_up_to_the_whole(benched):
    document = json.loads((benched[0] / "small.json").read_text())
    clean = document["conditions"][0]
    for one in document["differences"]:
        members = [part for part in document["conditions"] if part["name"] in one["conditions"]]
        assert sum(part["videos"] for part in members) == clean["videos"]
        for kind in ("macro", "micro", "overall"):
            for count in ("tp", "fp", "fn"):
                assert sum(part[kind][count] for part in members) == clean[kind][count]


def test_a_table_a_page_and_the_targets(benched):
    folder, shown = benched
    rows = list(csv.DictReader((folder / "small.csv").read_text().splitlines()))
    assert {row["condition"] for row in rows} >= {"clean", "degraded"}
    assert "# strain on small" in (folder / "small.md").read_text()
    assert shown.startswith("strain on small. All figures are of synthetic videos")
    assert "clean, macro: F1" in shown
    assert ">= 0.97" in shown
    assert shown.rstrip().endswith(str(folder / "small.md"))


def test_a_second_run_spots_nothing_and_writes_the_same(benched, facespot, data, tmp_path, monkeypatch):
    monkeypatch.setattr(spotting, "spot", None)
    code, out, err = facespot("--preset", "small", *FAST, "--data", data, "--out", tmp_path / "again.json", "--quiet")
    assert (code, out, err) == (0, "", "")
    for ending in (".json", ".csv", ".md"):
        assert (tmp_path / f"again{ending}").read_bytes() == (benched[0] / f"small{ending}").read_bytes()


def test_chosen_conditions_of_several_methods(facespot, data, tmp_path, random_mean_checkpoint):
    arguments = ("--preset", "small", "--conditions", "degraded", "--data", data, "--workers", 1, "--quiet")
    code, *_ = facespot(*arguments, "--method", "strain", "--method", "strain", "--out", tmp_path / "both.json")
    assert code == 0
    document = json.loads((tmp_path / "both-strain.json").read_text())
    assert [one["name"] for one in document["conditions"]] == ["degraded"]
    assert document["differences"] == []
    code, *_ = facespot(*arguments, "--method", "mean", "--weights", random_mean_checkpoint, "--set", "flow=dis",
                        "--recognize", "mean", "--recognize-weights", random_mean_checkpoint,
                        "--out", tmp_path / "mean.json")  # fmt: skip
    assert code == 0
    document = json.loads((tmp_path / "mean.json").read_text())
    assert (document["kinds"], len(document["weights_sha256"])) == (["micro"], 2)
    assert document["conditions"][0]["macro"] is None


def test_a_video_that_fails_is_named_and_its_expressions_are_missed(facespot, data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data / "people", copy / "people")
    victim = next(iter(sorted((copy / "people" / "videos").iterdir())))
    make_grey(victim)
    code, _, err = facespot("--preset", "small", *FAST, "--conditions", "clean", "--data", copy,
                            "--out", tmp_path / "one.json")  # fmt: skip
    assert code == 1
    assert err.startswith(f"facespot: people, videos/{victim.stem}: ")
    assert len(err.splitlines()) == 1
    (clean, *_) = json.loads((tmp_path / "one.json").read_text())["conditions"]
    assert list(clean["failed"]) == [f"videos/{victim.stem}"]
    true = next(one for one in load_dataset("synth", copy / "people").recordings if victim.stem in one.id)
    assert clean["overall"]["fn"] >= len(true.truth.expressions) > 0
    assert "1 of 2" in (tmp_path / "one.md").read_text()


def make_grey(path):
    """Put a wall in the place of a video, as long as it was."""
    import av

    frames = open_video(path).timebase.n_frames
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for _ in range(frames):
            wall = np.full((256, 256, 3), 120, np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(wall, format="rgb24").reformat(format="yuv420p")))
        target.mux(stream.encode())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "huge"), "there is no bench 'huge'"),
        (("--conditions", "clean,dirty"), "has none named 'dirty'"),
        (("--method", "magic"), "there is no method 'magic'"),
        (("--set", "p"), "'p' has no '='"),
        (("--set", "nothing=1"), "nothing"),
        (("--workers", "0"), "0 is out of range"),
        (("--weights", "nowhere"), "has no weights"),
        (("--method", "softnet", "--weights", "nowhere"), "nowhere"),
        (("--method", "softnet", "--method", "strain", "--set", "p=1"), "bench them one by one"),
        (("--recognize-weights", "nowhere"), "add --recognize mean"),
        (("--out", "figures.txt"), "figures.txt does not end with .json"),
        (("--data", "nowhere"), "nothing is given to make it with"),
        (("--data", "nowhere", "--face-model", "none.npz"), "none.npz"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_nothing_behind(facespot, data, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    method = () if "--method" in arguments else ("--method", "strain")
    code, out, err = facespot("--preset", "small", "--data", data, "--out", "figures.json", *method, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("facespot: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_help_has_examples():
    done = subprocess.run([sys.executable, "-m", "facespot", "bench", "--help"], capture_output=True, text=True)
    assert "facespot bench --preset tiny-bench" in done.stdout


def test_what_is_missing_is_made(facespot, tmp_path, monkeypatch):
    model = Path(os.environ.get("FACESPOT_FACE_MODEL", ROOT.parent / "shared" / "face_model" / "ict_facekit.npz"))
    if not model.is_file():
        pytest.skip(f"no face model at {model} (set FACESPOT_FACE_MODEL)")
    changes = {"subjects": 1, "seconds": 2.0, "flow_pairs": 0, "counts": (0, 1)}
    tiny = Bench("small", {"one": Rendered("tiny", changes), "rate": Rerecorded("one", "degraded", fps=25.0)},
                 (Condition("fps25", "25", "frame rate", "rate"),), people="clean")  # fmt: skip
    monkeypatch.setitem(conditions.BENCHES, "small", tiny)
    code, _, err = facespot("--preset", "small", *FAST, "--data", tmp_path / "data", "--face-model", model,
                            "--out", tmp_path / "tiny.json")  # fmt: skip
    assert (code, err) == (0, "")
    (recording,) = load_dataset("synth", tmp_path / "data" / "rate").recordings
    assert recording.timebase.fps == 25.0
    (found,) = json.loads((tmp_path / "tiny.json").read_text())["conditions"]
    assert (found["name"], found["videos"], found["failed"]) == ("fps25", 1, {})
    assert found["overall"]["tp"] + found["overall"]["fn"] == len(recording.truth.expressions)
