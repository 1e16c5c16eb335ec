"""A corpus is the same whoever makes it, goes on after a kill, and reads back as it was planned."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from fake_face import FakeCasting, FakeFace

from facespot.datasets import check, load_dataset
from facespot.errors import FormatError, OutputError, SettingsError
from facespot.synth.corpus import make_corpus
from facespot.synth.presets import PRESETS
from facespot.video import open_video

SMALL = replace(PRESETS["tiny"], seconds=3.0, counts=None, macro_a_minute=15.0, micro_a_minute=15.0, flow_pairs=1)
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus") / "small"
    make_corpus(root, SMALL, FakeCasting())
    return root


def files(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def pixels(path):
    video = open_video(path)
    return np.stack([frame.rgb() for frame in video.read(np.arange(video.timebase.n_frames))])


def test_two_workers_make_the_same_as_one(corpus, tmp_path):
    make_corpus(tmp_path / "two", SMALL, FakeCasting(), workers=2)
    assert files(tmp_path / "two") == files(corpus)
    for video in sorted((corpus / "videos").iterdir()):
        np.testing.assert_array_equal(pixels(video), pixels(tmp_path / "two" / "videos" / video.name))


def test_another_seed_makes_another_corpus(corpus, tmp_path):
    make_corpus(tmp_path / "other", SMALL, FakeCasting(), seed=2)
    assert (tmp_path / "other" / "annotation.csv").read_text() != (corpus / "annotation.csv").read_text()


def test_it_reads_back(corpus):
    dataset = load_dataset("synth", corpus)
    assert all("overlaps" in one.reason for one in dataset.report.findings), "as in CAS(ME)2, said, nothing else is"
    documents = [json.loads(path.read_text()) for path in sorted((corpus / "truth").glob("*.json"))]
    assert len(dataset.recordings) == len(documents) == SMALL.subjects
    for recording, document in zip(dataset.recordings, documents, strict=True):
        assert recording.subject == document["plan"]["subject"]
        assert recording.timebase.n_frames == document["plan"]["n_frames"]
        found = [(one.kind, one.onset, one.apex, one.offset, one.emotion) for one in recording.truth.expressions]
        said = [tuple(one[name] for name in ("type", "onset", "apex", "offset", "emotion"))
                for one in document["expressions"]]  # fmt: skip
        assert sorted(found) == sorted(said)
    counts = {one.name: one.found for one in check(dataset)}
    assert counts["macro"] + counts["micro"] > 0


def test_frames_are_read_as_well(tmp_path):
    root = tmp_path / "frames"
    make_corpus(root, replace(SMALL, subjects=1, seconds=2.0), FakeCasting(), frames=True)
    (recording,) = load_dataset("synth", root).recordings
    assert recording.path.is_dir()
    assert (recording.timebase.fps, recording.timebase.n_frames) == (30.0, 60)


def test_the_table_of_the_frames_is_exact(corpus):
    document = json.loads((corpus / "truth" / "s01_v1.json").read_text())
    table = pyarrow.parquet.read_table(corpus / "truth" / "s01_v1.parquet").to_pydict()
    assert table["frame"] == list(range(document["plan"]["n_frames"]))
    assert {"x0", "x67", "y0", "y67", "time_s", "face_hidden"} <= set(table)
    units = {int(code.lstrip("LR")) for one in document["expressions"] for code in one["action_units"]}
    assert {int(name[2:4]) for name in table if name.startswith("au")} == units
    for one in document["expressions"]:
        active = [max(table[name][one["apex"]] for name in table if name.startswith(f"au{int(code.lstrip('LR')):02d}"))
                  for code in one["action_units"]]  # fmt: skip
        assert min(active) > 0.0


def test_flow_is_that_of_the_named_frames(corpus):
    path = next((corpus / "truth" / "flow").glob("s01_v1_*.npz"))
    first, second = map(int, path.stem.split("_")[-2:])
    table = pyarrow.parquet.read_table(corpus / "truth" / "s01_v1.parquet").to_pydict()
    expected = [np.mean([table[f"{axis}{k}"][second] - table[f"{axis}{k}"][first] for k in range(68)]) for axis in "xy"]
    with np.load(path, allow_pickle=False) as data:
        assert data["flow"].dtype == np.float16
        np.testing.assert_allclose(data["flow"][0, 0], expected, atol=2e-3)
        assert data["known"].all()


def test_checksums_hold(corpus):
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=corpus, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    named = {line.split("  ")[1] for line in (corpus / "SHA256SUMS").read_text().splitlines()}
    assert named == set(files(corpus)) - {"SHA256SUMS"}


def test_the_datasheet_counts_what_is_there(corpus):
    sheet = (corpus / "datasheet.md").read_text()
    rows = (corpus / "annotation.csv").read_text().splitlines()[1:]
    assert f"| macro | {sum(',macro,' in row for row in rows)} |" in sheet
    for heading in ("## What", "## How", "## Limits"):
        assert heading in sheet


def test_a_failed_run_goes_on_where_it_stopped(corpus, tmp_path):
    root = tmp_path / "again"
    with pytest.raises(OutputError, match="no space left"):
        make_corpus(root, SMALL, FakeCasting(fails_at="s02_v1"))
    first = (root / "videos" / "s01_v1.mp4").stat().st_mtime_ns
    with pytest.raises(FormatError, match="not finished"):
        load_dataset("synth", root)
    seen = []
    made = make_corpus(root, SMALL, FakeCasting(), on_progress=lambda done, total: seen.append((done, total)))
    assert made.kept == 1
    assert (root / "videos" / "s01_v1.mp4").stat().st_mtime_ns == first
    assert seen[0] == (90, 270)
    assert seen[-1] == (270, 270)
    assert files(root) == files(corpus)


def test_a_killed_run_goes_on_where_it_stopped(corpus, tmp_path):
    root = tmp_path / "killed"
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from fake_face import FakeCasting; from test_corpus import SMALL\n"
        "from facespot.synth.corpus import make_corpus\n"
        f"make_corpus({str(root)!r}, SMALL, FakeCasting())"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (root / "videos" / ".s02_v1.mp4.unfinished").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (root / "annotation.csv").exists()
    assert make_corpus(root, SMALL, FakeCasting()).kept >= 1
    assert files(root) == files(corpus)


def test_a_finished_corpus_is_left_as_it_is(corpus):
    before = files(corpus)
    assert make_corpus(corpus, SMALL, FakeCasting()).kept == SMALL.subjects
    assert files(corpus) == before


def test_a_worker_that_fails_ends_the_run_with_its_reason(tmp_path):
    with pytest.raises(OutputError, match="no space left"):
        make_corpus(tmp_path / "out", SMALL, FakeCasting(fails_at="s02_v1"), workers=2)
    assert not (tmp_path / "out" / "annotation.csv").exists()


def test_other_folders_are_not_touched(corpus, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty and holds no corpus"):
        make_corpus(tmp_path, SMALL, FakeCasting())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(OutputError, match="this is a file"):
        make_corpus(tmp_path / "notes.txt", SMALL, FakeCasting())
    with pytest.raises(OutputError, match="another corpus: seed"):
        make_corpus(corpus, SMALL, FakeCasting(), seed=5)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        make_corpus(tmp_path / "file" / "below", SMALL, FakeCasting())


@pytest.mark.parametrize(("setting", "message"), [({"workers": 0}, "workers: 0"), ({"seed": -1}, "seed: -1")])
def test_absurd_settings_leave_nothing_behind(setting, message, tmp_path):
    with pytest.raises(SettingsError, match=message):
        make_corpus(tmp_path / "out", SMALL, FakeCasting(), **setting)
    assert not (tmp_path / "out").exists()


def test_the_loader_refuses_what_is_no_corpus(tmp_path):
    with pytest.raises(FormatError, match="missing or no JSON"):
        load_dataset("synth", tmp_path)
    (tmp_path / "corpus.json").write_text('{"schema": "facespot.synth/99"}')
    with pytest.raises(FormatError, match=r"its schema is 'facespot\.synth/99'"):
        load_dataset("synth", tmp_path)


def test_the_fake_face_keeps_the_contract_of_a_face_source(fake_face):
    from facespot.synth.source import REST

    assert fake_face.draw(REST, 0).shape == (*FakeFace().size[::-1], 3)
    assert fake_face.facial_motion({}) == 0.0
