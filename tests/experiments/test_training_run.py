"""One set of weights from whole corpora: what it leaves, the same bytes, stopped and gone on with, videos that fail."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from facespot.errors import OutputError, SettingsError
from facespot.experiments.training_plan import TrainingPlan
from facespot.experiments.training_run import train_weights
from facespot.methods.softnet.method import SoftnetMethod
from facespot.models import read_checkpoint

pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

SMALL = {"epochs": "1", "samples_per_epoch": "60", "flow": "dis"}
PEOPLE = {"s01": "ann", "s02": "ben", "s03": "cid"}
DATASETS = Path(__file__).parents[1] / "datasets" / "conftest.py"


def make_corpus(root, small_corpus, seed=1000):
    """The small corpus in the layout of ``facespot synth make``."""
    (root / "videos").mkdir(parents=True)
    header = {"schema": "facespot.synth/1", "complete": True, "preset": "train-v1", "seed": seed,
              "casting": {"faces": "rendered"}}  # fmt: skip
    (root / "corpus.json").write_text(json.dumps(header))
    text = (small_corpus / "annotation.csv").read_text()
    for subject, known in PEOPLE.items():
        (root / "videos" / f"{subject}_v1.mp4").symlink_to(small_corpus / f"{known}.mp4")
        text = text.replace(f"{known},{known}.mp4", f"{subject},videos/{subject}_v1.mp4")
    (root / "annotation.csv").write_text(text)
    return root


@pytest.fixture
def corpora(tmp_path, small_corpus):
    """A corpus and the same people once more, at another place than those of `trained`."""
    return tuple(make_corpus(tmp_path / "elsewhere" / name, small_corpus) for name in ("train", "again"))


def plan(roots, **changes):
    settings = SMALL | changes.pop("settings", {})
    return TrainingPlan("softnet", tuple(roots), settings=settings, **{"kinds": ("micro",), "seed": 3, **changes})


@pytest.fixture(scope="module")
def trained(small_corpus, small_cache, tmp_path_factory):
    """Undisturbed, in this process."""
    root = tmp_path_factory.mktemp("corpora")
    roots = [make_corpus(root / name, small_corpus) for name in ("train", "again")]
    return train_weights(plan(roots), root / "weights", cache=small_cache)


def files_of(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_the_folder_holds_a_checkpoint_and_what_it_was_learned_from(trained):
    names = ("method.json", "network.onnx", "weights.safetensors")
    assert sorted(files_of(trained.folder)) == [*(f"micro/{name}" for name in names), "training.json"]
    document = json.loads((trained.folder / "training.json").read_text())
    assert document == trained.document
    assert document["complete"] is True
    assert document["command"] == (
        "facespot train softnet --data train --data again --set epochs=1 --set flow=dis --set samples_per_epoch=60 "
        "--kinds micro --seed 3 --out DIR"
    )
    assert [one["name"] for one in document["corpora"]] == ["train", "again"]
    assert (document["subjects"], document["videos"], document["expressions"]) == (3, 6, {"micro": 6})
    assert document["minutes"] == round(2 * (150 + 140 + 126) / 30 / 60, 3)
    assert (document["failed"], document["missing"], document["too_short"]) == ([], [], [])
    assert document["checkpoints"] == {"micro": read_checkpoint(trained.folder / "micro").digest}
    assert trained.failed == {}


def test_the_checkpoint_tells_where_it_comes_from(trained):
    (one,) = trained.checkpoints
    assert (one.method, one.kind) == ("softnet", "micro")
    # Half of 10 frames, the length of all micro-expressions.
    assert one.fitted["distance_s"] == pytest.approx(5 / 30)
    assert one.origin["corpus"] == "synth: train, again"
    assert one.origin["licence"] == "MIT; trained on synthetic faces"
    assert (one.origin["seed"], one.origin["held_out_subject"]) == (3, None)
    assert one.origin["facespot_version"] == trained.document["facespot"]


def test_the_same_at_another_place_with_more_processes_gives_the_same_bytes(trained, corpora, small_cache, tmp_path):
    again = train_weights(plan(corpora), tmp_path / "out", cache=small_cache, workers=2)
    assert files_of(again.folder) == files_of(trained.folder)


def test_the_networks_are_those_of_a_fold_that_learned_from_the_same_videos(
    small_run, small_corpus, small_cache, tmp_path
):
    root = tmp_path / "corpus"
    root.mkdir()
    lines = (small_corpus / "annotation.csv").read_text().splitlines()
    (root / "annotation.csv").write_text("\n".join(line for line in lines if not line.startswith("cid")) + "\n")
    for known in ("ann", "ben"):
        (root / f"{known}.mp4").symlink_to(small_corpus / f"{known}.mp4")
    chosen = plan([root], dataset="own_data", settings={"flow": "tvl1"}, kinds=(), seed=0)
    made = train_weights(chosen, tmp_path / "out", cache=small_cache)
    for one in made.checkpoints:
        fold = read_checkpoint(small_run / "folds" / "003-cid" / one.path.name)
        assert one.network_path.read_bytes() == fold.network_path.read_bytes()
        assert one.fitted == fold.fitted
    assert len(made.checkpoints) == 2


def test_another_seed_gives_other_weights(trained, corpora, small_cache, tmp_path):
    other = train_weights(plan(corpora, seed=4), tmp_path / "out", cache=small_cache)
    assert files_of(other.folder)["micro/network.onnx"] != files_of(trained.folder)["micro/network.onnx"]


def test_who_is_held_back_is_a_person_of_both_corpora_and_another_seed_brings_others(
    corpora, small_corpus, small_cache, tmp_path, monkeypatch
):
    third = make_corpus(tmp_path / "third", small_corpus, seed=2000)
    seen, fit = [], SoftnetMethod.fit

    def spied(self, videos, **rest):
        seen.extend((one.truth.video, one.subject) for one in videos)
        return fit(self, videos, **rest)

    monkeypatch.setattr(SoftnetMethod, "fit", spied)
    chosen = plan([*corpora, third], settings={"patience": "1", "validation_share": "0.34"})
    made = train_weights(chosen, tmp_path / "out", cache=small_cache)
    folders = {"train": 1000, "again": 1000, "third": 2000}
    assert seen == [
        (f"{name}/videos/s0{number}_v1", f"train-v1-{seed}/s{number}")
        for name, seed in folders.items()
        for number in (1, 2, 3)
    ]
    assert made.document["subjects"] == 6
    held_back = made.checkpoints[0].fitted["validation_subjects"]
    assert len(held_back) == 2
    assert set(held_back) < {subject for _, subject in seen}


class StoppedError(Exception):
    """Stands for the end of the process."""


def test_a_training_that_was_stopped_goes_on_and_ends_with_the_same_bytes(
    trained, corpora, small_cache, tmp_path, monkeypatch
):
    monkeypatch.setattr("facespot.training.loop.SECONDS_BETWEEN_STATES", -1.0)
    steps = []

    def stop(stage, done, total):
        if stage == "micro" and done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_weights(plan(corpora), tmp_path / "out", cache=small_cache, on_progress=stop)
    assert json.loads((tmp_path / "out" / "training.json").read_text())["complete"] is False
    (tmp_path / "out" / ".training.json.1.unfinished").write_text("half")
    (tmp_path / "out" / ".micro.0123.partial").mkdir()

    def note(stage, done, total):
        steps.append((stage, done, total))

    train_weights(plan(corpora), tmp_path / "out", cache=small_cache, on_progress=note)
    # The state after step 2 was kept; 60 samples make 5 batches of 12.
    assert [one for one in steps if one[0] != "features"] == [("micro", done, 5) for done in (3, 4, 5)]
    assert files_of(tmp_path / "out") == files_of(trained.folder)


def test_what_ended_is_not_done_again_unless_its_weights_are_damaged(trained, small_cache, monkeypatch):
    before = files_of(trained.folder)
    roots = [trained.folder.parent / name for name in ("train", "again")]
    with monkeypatch.context() as patched:
        patched.setattr("facespot.experiments.training_run.extract_corpus", None)
        again = train_weights(plan(roots), trained.folder, cache=small_cache)
    assert [one.digest for one in again.checkpoints] == [one.digest for one in trained.checkpoints]
    (trained.folder / "micro" / "network.onnx").write_bytes(b"cut")
    train_weights(plan(roots), trained.folder, cache=small_cache)
    assert files_of(trained.folder) == before


def test_a_video_that_fails_is_named_at_once_and_left_out_until_it_is_mended(
    trained, corpora, small_cache, small_corpus, tmp_path, monkeypatch
):
    spec = importlib.util.spec_from_file_location("copies", DATASETS)
    copies = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copies)
    faceless, gone = (corpora[1] / "videos" / f"{one}_v1.mp4" for one in ("s01", "s02"))
    faceless.unlink()
    copies.write_video(faceless, 150, 30)
    gone.unlink()
    told = []

    def train():
        told.clear()
        return train_weights(plan(corpora), tmp_path / "out", cache=small_cache,
                             on_progress=lambda stage, *_: told.append(stage),
                             on_failure=lambda name, reason: told.append((name, reason)))  # fmt: skip

    made = train()
    assert list(made.failed) == ["again/videos/s02_v1.mp4", "again/videos/s01_v1"]
    failures = [one for one in told if isinstance(one, tuple)]
    assert failures == list(made.failed.items())
    assert told.index(failures[-1]) < told.index("micro")
    assert (made.document["missing"], made.document["failed"]) == (["again/videos/s02_v1.mp4"], ["again/videos/s01_v1"])
    assert (made.document["subjects"], made.document["videos"]) == (3, 4)
    with monkeypatch.context() as patched:
        patched.setattr(SoftnetMethod, "fit", None)
        assert train().failed == made.failed
    for path, known in ((faceless, "ann"), (gone, "ben")):
        path.unlink(missing_ok=True)
        path.symlink_to(small_corpus / f"{known}.mp4")
    assert train().failed == {}
    assert files_of(tmp_path / "out") == files_of(trained.folder)


def test_weights_of_an_earlier_attempt_do_not_stay_beside_those_that_were_learned(trained, small_cache, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "out")
    stale = Path(shutil.copytree(trained.folder / "micro", tmp_path / "out" / "macro")) / "method.json"
    stale.write_text(stale.read_text().replace('"seed": 3', '"seed": 2'))
    roots = [trained.folder.parent / name for name in ("train", "again")]
    train_weights(plan(roots), tmp_path / "out", cache=small_cache)
    assert files_of(tmp_path / "out") == files_of(trained.folder)


def test_nothing_to_learn_from_is_said(corpora, small_cache, tmp_path):
    annotation = corpora[0] / "annotation.csv"
    header = annotation.read_text().splitlines()[0]
    annotation.write_text("\n".join([header, *(f"{one},videos/{one}_v1.mp4,,,," for one in PEOPLE)]) + "\n")
    with pytest.raises(SettingsError, match="hold no expression"):
        train_weights(plan(corpora[:1]), tmp_path / "out", cache=small_cache)


def test_another_training_or_other_files_in_the_folder_stay_as_they_are(trained, corpora, small_cache, tmp_path):
    before = files_of(trained.folder)
    for other, words in (
        (plan(corpora, seed=5), "different: command, seed"),
        (plan(corpora[:1]), "different: command, corpora"),
    ):
        with pytest.raises(SettingsError, match=words):
            train_weights(other, trained.folder, cache=small_cache)
    assert files_of(trained.folder) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for place in (tmp_path / "mine", tmp_path / "mine" / "notes.txt", tmp_path / "mine" / "notes.txt" / "weights"):
        with pytest.raises(OutputError):
            train_weights(plan(corpora), place, cache=small_cache)
    assert files_of(tmp_path / "mine") == {"notes.txt": b"mine"}


def test_a_plan_holds_what_can_be_learned():
    with pytest.raises(SettingsError, match="'strain' learns nothing; choose one of softnet, mean"):
        TrainingPlan("strain", (Path("train"),))
    with pytest.raises(SettingsError, match="'macro' is no type that 'mean' spots; choose from micro"):
        TrainingPlan("mean", (Path("train"),), kinds=("macro",))
    assert TrainingPlan("mean", (Path("train"),)).kinds == ("micro",)
    assert TrainingPlan("fesnet", (Path("train"),), kinds=("micro", "macro")).kinds == ("macro", "micro")


def test_the_command_is_that_of_the_plan_whatever_the_order():
    settings = {"p": "0.6", "epochs": "2"}
    first = plan([Path("a")], settings=settings, dataset="own_data", options={"index_base": 0}, fps=25.0,
                 emotions="three", detector="dlib")  # fmt: skip
    second = plan([Path("a")], settings=dict(reversed(settings.items())), dataset="own_data", options={"index_base": 0},
                  fps=25.0, emotions="three", detector="dlib")  # fmt: skip
    expected = (
        "facespot train softnet --data 'a b' --dataset own_data --data-option index_base=0 --set epochs=2 "
        "--set flow=dis --set p=0.6 --set samples_per_epoch=60 --kinds micro --emotions three --fps 25.0 "
        "--detector dlib --seed 3 --out DIR"
    )
    assert first.command(["a b"]) == second.command(["a b"]) == expected
