"""One fold: learn on the training videos, score the test videos, leave everything in the fold's folder."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from facespot.experiments.board import Note
from facespot.experiments.choosing import Choice, choose_setting
from facespot.experiments.plan import RunPlan
from facespot.export.atomic import output_folder, write_text
from facespot.export.results import write_scores
from facespot.features import StoredFeatures
from facespot.features.pairs import StoredPairs
from facespot.methods import Method, TrainingVideo, load_method, new_method
from facespot.models import read_checkpoint
from facespot.models.checkpoint import DESCRIPTION_FILE
from facespot.values import Features, Kind, Recording

SCHEMA = "facespot.fold/1"
FOLD_FILE = "fold.json"


@dataclass(frozen=True)
class FoldTask:
    """All that another process needs to do a fold.

    Parameters
    ----------
    plan : RunPlan
    name : str
        What is held out.
    folder : Path
        The fold's folder.
    train, test : tuple of Recording
    features : mapping from id to type to StoredFeatures
        Of the training and test videos, as far as there are any.
    pairs : mapping from id to StoredPairs
        Of the training videos, for methods that learn from single pairs of frames.
    failed : tuple of str
        Training and test videos whose features could not be computed; the fold is done without them.
    licence : str
        Of the corpus, for the checkpoints.
    weights : tuple of Path
        Checkpoints to evaluate instead of training.
    note : Path
        File for the progress.
    """

    plan: RunPlan
    name: str
    folder: Path
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]
    features: Mapping[str, Mapping[Kind, StoredFeatures]]
    pairs: Mapping[str, StoredPairs]
    failed: tuple[str, ...]
    licence: str
    weights: tuple[Path, ...]
    note: Path


def safe_name(name: str) -> str:
    """A name as part of a path: letters, digits, dots and dashes; the rest becomes ``_``.

    >>> safe_name("fold 1 of 5"), safe_name("../s01")
    ('fold_1_of_5', '.._s01')
    """
    return re.sub(r"[^\w.-]", "_", name)


def adapted_method(plan: RunPlan, train: Sequence[Recording], everyone: Sequence[Recording]) -> Method:
    """The method of a fold before it has learned: k from the training videos, or as published from all of them."""
    recordings = everyone if plan.published else train
    return new_method(plan.method, plan.settings).adapt([one.truth for one in recordings])


def is_done(folder: Path) -> bool:
    """Whether a fold ended; its last act is to write ``fold.json``."""
    return (folder / FOLD_FILE).is_file()


def discard_if_outdated(task: FoldTask) -> None:
    """Delete a fold that ended without a video which can now be used."""
    if not is_done(task.folder):
        return
    try:
        content = json.loads((task.folder / FOLD_FILE).read_text(encoding="utf-8"))
        failed = content.get("failed", [])
        known = {*content["train"], *content["test"]} - set(failed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Reading the outcome tells of a damaged file.
        return
    usable = {one.id for one in (*task.train, *task.test)} - set(task.failed)
    # Whole folds stay where a video cannot be read today.
    if not usable <= known:
        (task.folder / FOLD_FILE).unlink()
        shutil.rmtree(task.folder, ignore_errors=True)


def run_fold(task: FoldTask) -> None:
    """Do a fold; what an earlier attempt left is gone on with."""
    started = time.perf_counter()
    note = Note(task.note)
    task.folder.mkdir(parents=True, exist_ok=True)
    _sweep(task.folder)
    if task.weights:
        method = load_method(task.plan.method, weights=task.weights, settings=task.plan.settings)
    else:
        method = _fitted(task, note)
    note(0.95)
    trained_s = time.perf_counter() - started
    choices = [_chosen(method, task, name, values) for name, values in task.plan.choose.items()]
    scored = _score(method, task)
    note(1.0)
    content = {
        "schema": SCHEMA,
        "name": task.name,
        "train": [one.id for one in task.train],
        "test": [one.id for one in task.test],
        "failed": list(task.failed),
        "settings": {**asdict(method.config), **{one.name: one.value for one in choices}},
        "chosen": [asdict(one) for one in choices],
        "weights": method.weights_used(),
        "scores": scored,
    }
    seconds = {"training_s": round(trained_s, 3), "scoring_s": round(time.perf_counter() - started - trained_s, 3)}
    # Times differ from run to run: they have a file of their own, so that all others are the same twice.
    write_text(task.folder / "timing.json", json.dumps(seconds) + "\n")
    for state in task.folder.glob("*.state.safetensors"):
        state.unlink()
    write_text(task.folder / FOLD_FILE, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _sweep(folder: Path) -> None:
    """Remove what a killed process left half-written: everything in the making has a hidden name."""
    for path in [*folder.glob(".*"), *folder.glob("scores/.*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _fitted(task: FoldTask, note: Note) -> Method:
    method = adapted_method(task.plan, task.train, (*task.train, *task.test))
    videos = []
    for recording in task.train:
        found = task.features.get(recording.id, {})
        kept = {kind: one for kind, one in found.items() if _takes_part(task.plan, recording, kind)}
        if kept:
            features = {kind: _opened(one, recording) for kind, one in kept.items()}
            pairs = task.pairs.get(recording.id)
            opened = None if pairs is None else pairs.open()
            videos.append(TrainingVideo(recording.subject, recording.truth, features, opened))
    kinds = task.plan.kinds

    def report(kind: str, done: int, total: int) -> None:
        # A network of both types is trained once.
        position, parts = ([str(one) for one in kinds].index(kind), len(kinds)) if kind in kinds else (0, 1)
        note(0.95 * (position + done / total) / parts)

    origin: dict[str, Any] = {
        "corpus": task.plan.dataset, "held_out_subject": task.name, "licence": task.licence,
    }  # fmt: skip
    return method.fit(videos, out=task.folder, seed=task.plan.seed, origin=origin, on_progress=report)


def _chosen(method: Method, task: FoldTask, name: str, values: Sequence[Any]) -> Choice:
    """The best value of a setting on the training videos, or on those that the training held back."""
    paths = sorted(path.parent for path in task.folder.glob(f"*/{DESCRIPTION_FILE}"))
    held_back = {one for path in paths for one in read_checkpoint(path).fitted.get("validation_subjects", ())}
    planned = method.plan()
    videos, subjects = [], []
    for recording in task.train:
        found = {kind: one for kind, one in task.features.get(recording.id, {}).items() if kind in planned}
        if found and (not held_back or recording.subject in held_back):
            scores = method.score({kind: _opened(one, recording) for kind, one in found.items()})
            expressions = tuple(one for one in recording.truth.expressions if one.kind in task.plan.kinds)
            videos.append((replace(recording.truth, video=recording.id, expressions=expressions), scores))
            subjects.append(recording.subject)
    return choose_setting(method, name, values, videos, rule=task.plan.rule, subjects=subjects)


def _takes_part(plan: RunPlan, recording: Recording, kind: Kind) -> bool:
    return not plan.only_with_type or bool(recording.truth.of_kind(kind).expressions)


def _opened(stored: StoredFeatures, recording: Recording) -> Features:
    """Features under the name that the corpus has for the video."""
    return replace(stored.open(), video=recording.id)


def _score(method: Method, task: FoldTask) -> dict[str, str]:
    """Score the test videos; returns the file of each one that has scores."""
    files: dict[str, str] = {}
    planned = method.plan()
    with output_folder(task.folder / "scores") as unfinished:
        for number, recording in enumerate(task.test):
            stored = task.features.get(recording.id, {})
            features = {kind: _opened(one, recording) for kind, one in stored.items() if kind in planned}
            if features:
                name = f"{number:03d}-{safe_name(recording.id)}.npz"
                write_scores(method.score(features), unfinished / name)
                files[recording.id] = name
    return files
