"""Corpora that are small but whole: copies of CAS(ME)2 and SAMM-LV that show a face, and runs that nobody trained."""

import importlib.util
import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from facespot.datasets import load_dataset
from facespot.experiments.folds import adapted_method, safe_name
from facespot.experiments.papers.reproduction import Reproduction, run_name
from facespot.experiments.plan import RunPlan
from facespot.experiments.run import Execution
from facespot.export.results import write_scores
from facespot.methods.fesnet.decoding import scores_of_logits
from facespot.values import KINDS, Scores

TESTS = Path(__file__).parents[1]
DEMO = TESTS.parent / "examples" / "demo.mp4"
FACE_PIXELS = 160
THREE = ("negative", "positive", "surprise")


def load(path):
    """A module of another folder of tests."""
    spec = importlib.util.spec_from_file_location(f"copies_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def show_faces(root):
    """Put frames of the demo video into every frame folder of a copy, each folder going on where the last one ended."""
    import cv2

    from facespot.video import open_video

    files = sorted(root.rglob("*.jpg"))
    video = open_video(DEMO)
    frames = video.read(np.arange(len(files)) % video.timebase.n_frames)
    for path, frame in itertools.zip_longest(files, frames):
        small = cv2.resize(frame.rgb(), (FACE_PIXELS, FACE_PIXELS), interpolation=cv2.INTER_AREA)
        path.write_bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())


@pytest.fixture(scope="session")
def cas_me_2_with_faces(tmp_path_factory):
    """The tiny copy of the loader's tests, with a face in its frames."""
    root = load(TESTS / "datasets" / "conftest.py").make_cas_me_2(tmp_path_factory.mktemp("cas"))
    show_faces(root)
    return root


@pytest.fixture(scope="session")
def samm_lv_with_faces(tmp_path_factory):
    """Two subjects in the layout of SAMM-LV, with a face in their frames."""
    root = tmp_path_factory.mktemp("samm")
    copies, samm = load(TESTS / "datasets" / "conftest.py"), load(TESTS / "datasets" / "test_samm_lv.py")
    rows = []
    for subject in (6, 7):
        video = f"00{subject}_1"
        copies.write_frames(root / "SAMM_longvideos" / video, [f"{video}_{n:04d}.jpg" for n in range(1, 81)])
        rows.append([subject, f"{video}_1", 1, 10, 16, 25 + subject, 16 + subject, "Macro", 4, None])
        rows.append([subject, f"{video}_2", 1, 50, 53, 60, 11, "Micro - 1/2", "R12A", None])
    copies.write_workbook(root / "SAMM_LongVideos_V1_Release.xlsx", [*samm.NOTES, samm.HEADER, *rows])
    show_faces(root)
    return root


@pytest.fixture(scope="session")
def faceless_corpus(tmp_path_factory):
    """Four subjects in videos without a face: enough for whatever only reads scores."""
    root = tmp_path_factory.mktemp("faceless")
    lines = ["subject,video,onset,apex,offset,type,emotion"]
    for number in range(1, 5):
        name = f"s{number}_v1.mp4"
        load(TESTS / "datasets" / "conftest.py").write_video(root / name, 200, 30)
        lines.append(f"s{number},{name},{20 + number},30,{44 + 2 * number},macro,happiness")
        lines.append(f"s{number},{name},120,124,{130 + number},micro,disgust")
        lines.append(f"s{number},{name},150,170,185,macro,anger")
    (root / "annotation.csv").write_text("\n".join(lines) + "\n")
    return root


def scores_like(recording, rng):
    """Noise that rises at most of the true expressions."""
    values = rng.random((180, 2)).astype(np.float32) * 0.4
    for one in recording.truth.expressions:
        if rng.random() < 0.7:
            values[one.onset : one.offset, KINDS.index(one.kind)] += 0.5
    frames = np.arange(len(values))
    return Scores(recording.id, recording.timebase, KINDS, values, frames, np.isfinite(values), 30.0)


def named_scores_like(recording, rng):
    """Noise that rises at most of the micro-expressions and elsewhere, and class probabilities that often fit."""
    n_rows = recording.timebase.n_frames - 3
    spotting = rng.random((n_rows, 1)) * 0.4
    classes = rng.random((n_rows, len(THREE)))
    for one in recording.truth.of_kind("micro").expressions:
        rows = slice(max(one.onset - 4, 0), one.offset + 4)
        if rng.random() < 0.8:
            spotting[one.onset : one.offset] += 0.5
        likely = one.emotion if one.emotion is not None and rng.random() < 0.6 else rng.choice(THREE)
        classes[rows, THREE.index(likely)] += 0.4
    if rng.random() < 0.5:
        spotting[-25:-15] += 0.55
    values = np.hstack([spotting, classes / classes.sum(axis=1, keepdims=True)]).astype(np.float32)
    channels = ("micro", *(f"emotion/{name}" for name in THREE))
    return Scores(recording.id, recording.timebase, channels, values, np.arange(n_rows), np.isfinite(values), 30.0)


def end_scores_like(recording, rng):
    """Noise; at most of the true expressions and at some other places an onset, an apex and one likely offset."""
    n_rows = recording.timebase.n_frames
    values = 0.3 * rng.random((n_rows, 8)).astype(np.float32)
    found = [(one.kind, one.onset, one.offset) for one in recording.truth.expressions if rng.random() < 0.75]
    found += [(kind, 75, 75 + length) for kind, length in (("macro", 28), ("micro", 12)) if rng.random() < 0.5]
    for kind, onset, offset in found:
        first = 4 * KINDS.index(kind)
        height, apex = rng.uniform(0.7, 0.95), (onset + offset) // 2 + int(rng.integers(-1, 2))
        values[apex:offset, first + 1] = 0.4
        for part, row in enumerate((apex, onset, offset)):
            values[row - 1 : row + 2, first + part] = height - 0.1, height, height - 0.1
    channels = tuple(f"{kind}{part}" for kind in KINDS for part in ("", "/onset", "/offset", "/expression"))
    return Scores(recording.id, recording.timebase, channels, values, np.arange(n_rows), np.isfinite(values), 30.0)


def class_scores_like(recording, rng):
    """Class probabilities that flicker, the spatial ones more, high in most true expressions; the first three rows are
    not known.
    """
    n_rows = recording.timebase.n_frames
    logits = rng.normal(0.0, 1.0, (n_rows, 6)).astype(np.float32)
    logits[:, [0, 3]] += np.float32(3.0), np.float32(1.5)
    for one in recording.truth.expressions:
        if rng.random() < 0.75:
            inside = slice(max(one.onset + int(rng.integers(-3, 4)), 0), one.offset + int(rng.integers(-3, 4)))
            logits[inside, 1 + KINDS.index(one.kind)] += 6.0
            logits[inside, 4 + KINDS.index(one.kind)] += 3.0
    logits[:3] = np.nan
    channels, values = scores_of_logits(logits, KINDS)
    return Scores(recording.id, recording.timebase, channels, values, np.arange(n_rows), np.isfinite(values), 30.0)


def write_run(plan, out, *, seed, scores_of=scores_like):
    """A run that has ended, with made-up scores."""
    dataset = load_dataset(plan.dataset, plan.root, emotions=plan.emotions)
    folder, rng = out / "runs" / run_name(plan), np.random.default_rng(seed)
    folder.mkdir(parents=True)
    plan.write(folder)
    for number, fold in enumerate(plan.folds(dataset.recordings), start=1):
        place = folder / "folds" / f"{number:03d}-{safe_name(fold.name)}"
        (place / "scores").mkdir(parents=True)
        files = {}
        for one in fold.test:
            files[one.id] = f"{one.id}.npz"
            write_scores(scores_of(one, rng), place / "scores" / files[one.id])
        content = {
            "schema": "facespot.fold/1",
            "name": fold.name,
            "train": [one.id for one in fold.train],
            "test": [one.id for one in fold.test],
            "settings": asdict(adapted_method(plan, fold.train, dataset.recordings).config),
            "weights": [],
            "scores": files,
        }
        (place / "fold.json").write_text(json.dumps(content))
    (folder / "summary.json").write_text("{}")


@pytest.fixture
def scored(faceless_corpus, tmp_path):
    """A reproduction whose runs of SOFTNet and baseline have ended."""

    def make(**changes):
        plan = RunPlan("own_data", str(faceless_corpus), "softnet", **{"published": True, **changes})
        for seed, method in enumerate(("strain", "softnet")):
            write_run(replace(plan, method=method), tmp_path / "out", seed=seed)
        return Reproduction(plan, tmp_path / "out")

    return make


@pytest.fixture(scope="session")
def long_named_corpus(tmp_path_factory):
    """Five subjects in faceless videos with two named micro-expressions and a macro-expression; two are unscored."""
    root = tmp_path_factory.mktemp("long_named")
    emotions = ("happiness", "anger", "surprise", "disgust", "others", "sadness", "surprise", "happiness", "fear")
    emotions += ("others",)
    lines = ["subject,video,onset,apex,offset,type,emotion"]
    for number in range(5):
        name = f"s{number}_v1.mp4"
        load(TESTS / "datasets" / "conftest.py").write_video(root / name, 200, 30)
        lines.append(f"s{number},{name},{30 + number},36,{42 + number},micro,{emotions[2 * number]}")
        lines.append(f"s{number},{name},100,106,{112 + number},micro,{emotions[2 * number + 1]}")
        lines.append(f"s{number},{name},150,170,185,macro,anger")
    (root / "annotation.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def short_named_corpus(tmp_path_factory):
    """Nine faceless clips of three subjects, each with one named micro-expression and nothing else."""
    root = tmp_path_factory.mktemp("short_named")
    emotions = ("happiness", "anger", "surprise", "disgust", "surprise", "happiness", "fear", "happiness", "others")
    lines = ["subject,video,onset,apex,offset,type,emotion"]
    for number, emotion in enumerate(emotions):
        name = f"clip{number}.mp4"
        load(TESTS / "datasets" / "conftest.py").write_video(root / name, 70, 30)
        lines.append(f"s{number // 3},{name},{20 + number},{25 + number},{32 + number},micro,{emotion}")
    (root / "annotation.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def scored_mean(tmp_path):
    """A reproduction whose runs of MEAN have ended, each named by its settings."""

    def make(root, *settings, **changes):
        plan = RunPlan("own_data", str(root), "mean", **{"published": True, **changes})
        for seed, changed in enumerate(settings):
            ended = replace(plan, kinds=("micro",), emotions=plan.emotions or "three", settings=changed)
            write_run(ended, tmp_path / "out", seed=seed, scores_of=named_scores_like)
        return Reproduction(plan, tmp_path / "out")

    return make


@pytest.fixture
def scored_spotgcn(faceless_corpus, tmp_path):
    """A reproduction whose runs of SpoT-GCN, each named by its settings, and of SOFTNet have ended."""

    def make(*settings, **changes):
        plan = RunPlan("own_data", str(faceless_corpus), "spotgcn", **{"published": True, **changes})
        for seed, changed in enumerate(settings):
            write_run(replace(plan, settings=changed), tmp_path / "out", seed=seed, scores_of=end_scores_like)
        write_run(replace(plan, method="softnet"), tmp_path / "out", seed=len(settings))
        return Reproduction(plan, tmp_path / "out")

    return make


@pytest.fixture
def scored_fesnet(faceless_corpus, tmp_path):
    """A reproduction whose runs of FESNet, each named by its settings, and of the other methods have ended."""

    def make(*settings, root=faceless_corpus, **changes):
        plan = RunPlan("own_data", str(root), "fesnet", **{"published": True, **changes})
        for seed, changed in enumerate(settings):
            write_run(replace(plan, settings=changed), tmp_path / "out", seed=seed, scores_of=class_scores_like)
        others = {"spotgcn": end_scores_like, "softnet": scores_like, "strain": scores_like}
        for seed, (method, scores_of) in enumerate(others.items(), start=len(settings)):
            write_run(replace(plan, method=method), tmp_path / "out", seed=seed, scores_of=scores_of)
        return Reproduction(plan, tmp_path / "out")

    return make


SMALL_FESNET = {
    "first_channels": 4, "middle_channels": 4, "channels": 8, "depth": 1, "heads": 2, "embedding": 8,
    "temporal_channels": 8, "refinement_channels": 4, "landmarks_every": 10, "smoothing_s": 0.1,
}  # fmt: skip


@pytest.fixture(scope="session")
def random_fesnet(small_corpus, small_cache, tmp_path_factory):
    """A reproduction on the small corpus whose run of FESNet has ended: random networks, made-up scores."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.fesnet.config import FesnetConfig
    from facespot.methods.fesnet.network import build_network
    from facespot.models import write_checkpoint

    out = tmp_path_factory.mktemp("fesnet_out")
    plan = RunPlan("own_data", str(small_corpus), "fesnet", settings=dict(SMALL_FESNET), published=True)
    write_run(plan, out, seed=3, scores_of=class_scores_like)
    for seed, fold in enumerate(sorted((out / "runs" / run_name(plan) / "folds").iterdir())):
        network = build_network(FesnetConfig(**SMALL_FESNET), torch.Generator().manual_seed(seed))
        weights = {name: value.numpy() for name, value in network.state_dict().items()}
        write_checkpoint(fold / "both", method="fesnet", kind=None, config=SMALL_FESNET, fitted={"kinds": list(KINDS)},
                         origin={}, onnx_bytes=b"not needed", weights=weights)  # fmt: skip
    return Reproduction(plan, out, Execution(cache=small_cache))


@pytest.fixture(scope="session")
def clips_with_faces(tmp_path_factory):
    """Six clips of three subjects around the micro-expressions of the demo video, some of them mirrored."""
    import cv2

    from facespot.video import open_video

    root, video = tmp_path_factory.mktemp("clips"), open_video(DEMO)
    shown = {"happiness": (204, 207, 213), "anger": (405, 408, 414), "surprise": (582, 585, 591)}
    before, n_frames = 16, 44
    lines = ["subject,video,onset,apex,offset,type,emotion,fps"]
    for number, emotion in enumerate((*shown, *shown)):
        onset, apex, offset = shown[emotion]
        first = onset - before
        folder = root / f"clip{number}"
        folder.mkdir()
        for place, frame in enumerate(video.read(np.arange(first, first + n_frames)), start=1):
            small = cv2.resize(frame.rgb(), (FACE_PIXELS, FACE_PIXELS), interpolation=cv2.INTER_AREA)
            small = small[:, ::-1] if number >= 3 else small
            data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
            (folder / f"{place:04d}.jpg").write_bytes(data.tobytes())
        frames = ",".join(str(one - first + 1) for one in (onset, apex, offset))
        lines.append(f"s{(number + number // 3) % 3},clip{number},{frames},micro,{emotion},30")
    (root / "annotation.csv").write_text("\n".join(lines) + "\n")
    return root
