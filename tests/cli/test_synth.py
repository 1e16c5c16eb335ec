"""``facespot synth`` from the outside: a corpus out of a model, and one clear line for bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from facespot.cli.main import app
from facespot.datasets import load_dataset
from facespot.errors import FaceError, FacespotError, FormatError, OutputError, SettingsError
from facespot.synth.presets import PRESETS

ROOT = Path(__file__).parents[2]
SHORT = ("--preset", "tiny", "--subjects", "1", "--seconds", "2", "--quiet")


@pytest.fixture(scope="module")
def model():
    path = Path(os.environ.get("FACESPOT_FACE_MODEL", ROOT.parent / "shared" / "face_model" / "ict_facekit.npz"))
    if not path.is_file():
        pytest.skip(f"no face model at {path} (set FACESPOT_FACE_MODEL)")
    return str(path)


def invoke(*arguments):
    return CliRunner().invoke(app, ["synth", *map(str, arguments)])


def test_a_corpus_is_made_and_read_back(model, tmp_path):
    out = tmp_path / "corpus"
    result = invoke(
        "make", out, "--face-model", model, *SHORT, "--videos", 1, "--fps", 25, "--crf", 28, "--flow-pairs", 1
    )
    assert result.exit_code == 0, result.exception
    assert "1 videos" in result.stdout
    header = json.loads((out / "corpus.json").read_text())
    assert header["casting"]["face_model"]["name"] == Path(model).name
    assert header["videos"][0]["crf"] == 28
    (recording,) = load_dataset("synth", out).recordings
    assert (recording.timebase.fps, recording.timebase.n_frames) == (25.0, 50)
    with np.load(next((out / "truth" / "flow").iterdir()), allow_pickle=False) as data:
        assert data["flow"].shape == (256, 256, 2)
    again = invoke(
        "make", out, "--face-model", model, *SHORT, "--videos", 1, "--fps", 25, "--crf", 28, "--flow-pairs", 1
    )
    assert again.exit_code == 0
    assert isinstance(invoke("make", out, "--face-model", model, *SHORT).exception, OutputError)


def test_presets_and_emotions_are_listed():
    result = invoke("list")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in PRESETS)
    assert "surprise: 1+2+5+26" in result.stdout
    assert "contempt: 14, 12 on one side" in result.stdout
    assert "degraded: short_side 192, noise 3.0, grey True, crf 28" in result.stdout


def test_help_has_an_example():
    assert "facespot synth make tiny" in invoke("make", "--help").stdout
    assert "facespot synth degrade bench" in invoke("degrade", "--help").stdout


@pytest.fixture
def small_corpus(tmp_path):
    """One subject, of whom a block moves on a dark wall, laid out as ``synth make`` does."""
    av = pytest.importorskip("av")
    root = tmp_path / "small"
    (root / "videos").mkdir(parents=True)
    (root / "truth").mkdir()
    plan = {"id": "s01_v1", "subject": "s01", "fps": 30, "n_frames": 20, "width": 256, "height": 256, "crf": 20}
    plan |= {"noise": 0.0, "grey": False}
    with av.open(str(root / "videos" / "s01_v1.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for k in range(20):
            picture = np.full((256, 256, 3), 40, np.uint8)
            picture[100:160, 80 + 2 * k : 140 + 2 * k] = (200, 120, 60)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    spotted = {"type": "micro", "onset": 4, "apex": 8, "offset": 12, "emotion": "happiness"}
    truth = {"plan": plan, "expressions": [spotted], "distractors": [], "hidden_frames": 0, "flow": []}
    header = {"schema": "facespot.synth/1", "complete": True, "preset": "small", "seed": 1, "videos": [plan]}
    (root / "corpus.json").write_text(json.dumps(header))
    (root / "truth" / "s01_v1.json").write_text(json.dumps(truth))
    (root / "truth" / "distractors.csv").write_text(
        "subject,video,kind,onset,offset,onset_s,offset_s,strength,hides_face\n"
    )
    (root / "annotation.csv").write_text(
        "subject,video,onset,apex,offset,type,emotion,aus,fps\ns01,videos/s01_v1.mp4,5,9,13,micro,happiness,12,30\n"
    )
    (root / "datasheet.md").write_text("# Datasheet: small\n\n## What\n")
    return root


def test_a_corpus_is_recorded_anew(small_corpus, tmp_path):
    out = tmp_path / "out"
    command = ("degrade", small_corpus, out, "--fps", 15, "--short-side", 128, "--noise", 1, "--crf", 30, "--quiet")
    result = invoke(*command)
    assert result.exit_code == 0, result.exception
    assert "1 videos as degraded" in result.stdout
    (entry,) = json.loads((out / "corpus.json").read_text())["videos"]
    assert (entry["fps"], entry["width"], entry["crf"], entry["grey"]) == (15, 128, 30, True)
    assert entry["quality"]["noise"] == 1
    (recording,) = load_dataset("synth", out).recordings
    (expression,) = recording.truth.expressions
    assert (expression.onset, expression.apex, expression.offset) == (2, 4, 6)
    assert "1 of 1 videos were finished already" in invoke(*command).stderr
    assert isinstance(invoke(*command, "--seed", 3).exception, OutputError)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--quality", "awful"], SettingsError, "none named 'awful'"),
        (["--crf", "99"], SettingsError, "crf: 99"),
        (["--fps", "0"], SettingsError, "fps: 0"),
        (["--short-side", "8"], SettingsError, "short side: 8"),
        (["--noise", "-1"], SettingsError, "noise: -1"),
        (["--seed", "-1"], SettingsError, "seed: -1"),
        (["--workers", "0"], SettingsError, "workers: 0"),
    ],
)
def test_bad_qualities_leave_nothing_behind(arguments, error, message, small_corpus, tmp_path):
    out = tmp_path / "out"
    result = invoke("degrade", small_corpus, out, *arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert len(str(result.exception).splitlines()) == 1
    assert not out.exists()


def test_what_is_no_corpus_is_not_recorded(tmp_path):
    assert isinstance(invoke("degrade", tmp_path, tmp_path / "out").exception, FormatError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--preset", "huge"], SettingsError, "none named 'huge'"),
        (["--size", "big"], SettingsError, "'big' is no size"),
        (["--size", "100x100"], SettingsError, "100x100 is not even and between"),
        (["--subjects", "0"], SettingsError, "subjects: 0"),
        (["--seconds", "0.1"], SettingsError, "seconds: 0.1"),
        (["--fps", "1000"], SettingsError, "frame rate: 1000"),
        (["--crf", "99"], SettingsError, "crf: 99"),
        (["--workers", "0"], SettingsError, "workers: 0"),
        (["--seed", "-3"], SettingsError, "seed: -3"),
        (["--photos", "no_such_folder"], FaceError, "no_such_folder"),
        (["--carrier", "no_such.mp4"], FacespotError, "no_such.mp4"),
        (["--photos", ".", "--carrier", "no_such.mp4"], SettingsError, "choose one of --photos and --carrier"),
    ],
)
def test_bad_settings_leave_nothing_behind(arguments, error, message, model, tmp_path):
    out = tmp_path / "out"
    result = invoke("make", out, "--face-model", model, *arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert not out.exists()


def test_a_photograph_without_a_face_is_named(model, tmp_path):
    cv2 = pytest.importorskip("cv2")
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "wall.png"), np.full((300, 300, 3), 90, np.uint8))
    result = invoke("make", tmp_path / "out", "--face-model", model, "--photos", tmp_path / "photos")
    assert isinstance(result.exception, FaceError)
    assert "wall.png" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_missing_model_is_one_line_and_exit_code_2(tmp_path):
    command = [sys.executable, "-m", "facespot", "synth", "make", str(tmp_path / "out"), "--face-model", "nowhere.npz"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("facespot: nowhere.npz: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_no_model(tmp_path):
    assert isinstance(invoke("pack-model", tmp_path, tmp_path / "model.npz").exception, FormatError)
    assert list(tmp_path.iterdir()) == []
