"""Corpora of a bench are found where they are whole, made where they are not, and never mixed up."""

import hashlib
import json
from dataclasses import replace

import pytest

from facespot.errors import FormatError, SettingsError
from facespot.experiments.bench import corpora
from facespot.experiments.bench.conditions import Bench, Condition, Rendered, Rerecorded
from facespot.experiments.bench.corpora import facts_of, provide
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS

BENCH = Bench(
    "made-up",
    {"fast": Rendered("tiny", {"frame_rates": {60.0: 1.0}}), "slow": Rerecorded("fast", "clean", fps=25.0)},
    (Condition("fast", "fast", "frame rate", "fast"), Condition("slow", "slow", "frame rate", "slow")),
    people="fast",
)
FAST = replace(PRESETS["tiny"], frame_rates={60.0: 1.0})


def write_index(root, preset, *, complete=True, **changes):
    root.mkdir(parents=True)
    header = {
        "schema": "facespot.synth/1",
        "complete": complete,
        "preset": preset.name,
        "seed": preset.seed,
        "casting": {"faces": "rendered"},
        "videos": [one.document() for one in plan_videos(preset, preset.seed)],
        **changes,
    }
    (root / "corpus.json").write_text(json.dumps(header))
    (root / "SHA256SUMS").write_text("")
    return root


@pytest.fixture
def made(monkeypatch):
    """What is made, in place of making it."""
    calls = []

    def make(root, preset, casting, *, workers, on_progress):
        calls.append(("make", root.name, preset, casting, workers))
        on_progress(3, 9)

    monkeypatch.setattr(corpora, "make_casting", lambda path: f"casting of {path}")
    monkeypatch.setattr(corpora, "make_corpus", make)
    monkeypatch.setattr(corpora, "degrade_corpus", lambda *some, **more: calls.append(("degrade", *some, more)))
    return calls


def test_what_is_whole_is_left_as_it_is(made, tmp_path):
    write_index(tmp_path / "fast", FAST)
    provide(BENCH, ("fast",), tmp_path, face_model=None, workers=1)
    assert made == []


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_is_missing_is_made_with_the_changes_of_the_recipe(made, tmp_path, unfinished):
    if unfinished:
        write_index(tmp_path / "fast", FAST, complete=False)
    told = []
    provide(BENCH, ("fast",), tmp_path, face_model="model.npz", workers=2, on_progress=lambda *some: told.append(some))
    assert made == [("make", "fast", FAST, "casting of model.npz", 2)]
    assert told == [("making fast, frame", 3, 9)]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("unfinished", [False, True])
def test_without_a_face_model_nothing_can_be_made(tmp_path, unfinished):
    if unfinished:
        write_index(tmp_path / "fast", FAST, complete=False)
    with pytest.raises(SettingsError, match=r"--face-model: the corpus .*fast is not there or not finished"):
        provide(BENCH, ("fast", "slow"), tmp_path, face_model=None, workers=1)


def test_re_recording_comes_after_its_source(made, tmp_path):
    write_index(tmp_path / "fast", FAST)
    provide(BENCH, ("fast", "slow"), tmp_path, face_model=None, workers=3)
    ((_, source, root, quality, options),) = made
    assert (source, root, quality) == (tmp_path / "fast", tmp_path / "slow", "clean")
    assert (options["changes"], options["workers"]) == ({"fps": 25.0}, 3)


@pytest.mark.parametrize(
    ("change", "calls"),
    [({}, 0), ({"quality": "grey"}, 1), ({"changes": {}}, 1), ({"source_sha256sums": "0"}, 1)],
    ids=["same", "quality", "frame rate", "source"],
)
def test_a_recording_is_kept_where_it_is_of_this_source_and_quality(made, tmp_path, change, calls):
    write_index(tmp_path / "fast", FAST)
    sums = hashlib.sha256((tmp_path / "fast" / "SHA256SUMS").read_bytes()).hexdigest()
    last = {"quality": "clean", "changes": {"fps": 25.0}, "source_sha256sums": sums, **change}
    write_index(tmp_path / "slow", FAST, rerecorded=[{"quality": "twice"}, last])
    provide(BENCH, ("fast", "slow"), tmp_path, face_model=None, workers=1)
    assert len(made) == calls


@pytest.mark.parametrize("preset", [PRESETS["tiny"], replace(FAST, seconds=3.0), replace(FAST, name="other")])
def test_another_corpus_is_refused(made, tmp_path, preset):
    write_index(tmp_path / "fast", preset)
    with pytest.raises(FormatError, match="it is not the corpus that the preset tiny makes"):
        provide(BENCH, ("fast",), tmp_path, face_model="model.npz", workers=1)
    assert made == []


def test_a_folder_that_holds_no_corpus_is_left_to_who_makes_it(made, tmp_path):
    (tmp_path / "fast").mkdir()
    (tmp_path / "fast" / "corpus.json").write_text("[")
    provide(BENCH, ("fast",), tmp_path, face_model="model.npz", workers=1)
    assert made, "make_corpus refuses what is not its own"


def test_facts_tell_one_corpus_from_another(tmp_path):
    first = facts_of(write_index(tmp_path / "a", FAST))
    root = write_index(tmp_path / "b", FAST)
    (root / "SHA256SUMS").write_text("00  videos/s01_v1.mp4\n")
    second = facts_of(root)
    assert (first["preset"], first["seed"]) == ("tiny", PRESETS["tiny"].seed)
    assert first["sha256sums"] != second["sha256sums"]
