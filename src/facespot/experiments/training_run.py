"""One set of weights from all videos of some corpora; stopped and started again, it goes on.

Layout of its folder::

    macro/, micro/ or both/    checkpoints, see `facespot.models.checkpoint`
    training.json              the plan; when it ends, what was learned from and the digests of the checkpoints
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from facespot.errors import OutputError, SettingsError, WeightsError
from facespot.experiments.extraction import CorpusFeatures, extract_corpus
from facespot.experiments.run import check_can_train
from facespot.experiments.several_corpora import SYNTHETIC, SeveralCorpora, load_corpora
from facespot.experiments.training_plan import TrainingPlan
from facespot.export.atomic import write_text
from facespot.faces import FaceSettings, load_detector
from facespot.features.cache import default_cache_folder
from facespot.methods import Method, TrainingVideo, new_method
from facespot.models import Checkpoint, read_checkpoint
from facespot.models.checkpoint import DESCRIPTION_FILE
from facespot.pipeline import ReadSettings
from facespot.values import KINDS, FeatureSpec, Kind, Recording

SCHEMA = "facespot.training-run/1"
TRAINING_FILE = "training.json"
# What `facespot.export.atomic`, `facespot.models` and `facespot.training` call what is not finished.
_UNFINISHED = (".unfinished", ".partial", ".old")

OnTrainingProgress = Callable[[str, float, float], None]
OnFailure = Callable[[str, str], None]


@dataclass(frozen=True)
class TrainedWeights:
    """What a training left.

    Parameters
    ----------
    folder : Path
    checkpoints : tuple of Checkpoint
    document : mapping
        Content of ``training.json``.
    failed : mapping from video to str
        Videos that could not be used, and why.
    """

    folder: Path
    checkpoints: tuple[Checkpoint, ...]
    document: Mapping[str, Any]
    failed: Mapping[str, str]


def train_weights(
    plan: TrainingPlan,
    out: Path,
    *,
    workers: int = 1,
    cache: Path | None = None,
    on_progress: OnTrainingProgress | None = None,
    on_failure: OnFailure | None = None,
) -> TrainedWeights:
    """Train one set of weights on all subjects, or go on with it; what ended is not done again.

    Parameters
    ----------
    plan : TrainingPlan
    out : Path
        Folder for the checkpoints; made, or gone on with if it holds the same training.
    workers : int
        Processes for the features; the training itself takes one.
    cache : Path, optional
        Folder for features.
    on_progress : callable, optional
        Called with ``"features"`` or what is trained, how much is done and how much there is.
    on_failure : callable, optional
        Called with each video that cannot be used and why, before anything is learned.

    Raises
    ------
    FacespotError
        If a corpus, the method or a setting does not fit, nothing can be learned, or `out` holds something else.
    """
    if workers < 1:
        raise SettingsError("--workers", f"{workers} is out of range", "give 1 or more")
    corpora = load_corpora(plan.dataset, plan.roots, emotions=plan.emotions, options=plan.options)
    load_detector(plan.detector)
    check_can_train(plan.method)
    method = new_method(plan.method, plan.settings).adapt([one.truth for one in corpora.recordings])
    found = _claim(out, _planned(plan, corpora))
    known = {"truth_sha256": corpora.truth_digest(), "missing": list(corpora.missing)}
    failed = corpora.missing
    for name, reason in failed.items():
        _tell(on_failure, name, reason)
    if _ended(out, found, {**known, "failed": []}):
        return _cleared(out, found, failed)
    features = _features(plan, out, corpora, method, workers, cache or default_cache_folder(), on_progress)
    failed |= features.failed
    for name, reason in features.failed.items():
        _tell(on_failure, name, reason)
    known["failed"] = list(features.failed)
    if not _ended(out, found, known):
        found = _learn(plan, out, corpora, method, features, known, on_progress)
    return _cleared(out, found, failed)


def _cleared(out: Path, document: Mapping[str, Any], failed: Mapping[str, str]) -> TrainedWeights:
    """What a training left, once nothing else is there."""
    for state in out.glob("*.state.safetensors"):
        state.unlink()
    shutil.rmtree(out / ".progress", ignore_errors=True)
    return TrainedWeights(out, _checkpoints(out), document, failed)


def _tell(on_failure: OnFailure | None, name: str, reason: str) -> None:
    if on_failure is not None:
        on_failure(name, reason)


def _planned(plan: TrainingPlan, corpora: SeveralCorpora) -> dict[str, Any]:
    """What ``training.json`` tells before anything is learned."""
    return {
        "schema": SCHEMA,
        "command": plan.command(list(corpora.datasets)),
        "method": plan.method,
        "seed": plan.seed,
        "corpora": corpora.documents(),
    }


def _claim(out: Path, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the folder, or see that it holds this training; gives the content of its ``training.json``."""
    path = out / TRAINING_FILE
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name, value in document.items() if found.get(name) != value]
        except (OSError, ValueError, AttributeError):
            found, changed = {}, ["all of it"]
        if changed:
            what = f"it holds another training (different: {', '.join(changed)})"
            raise SettingsError(str(out), what, "choose another --out")
        _sweep(out)
        return dict(found)
    if out.exists() and (not out.is_dir() or any(not _is_unfinished(one) for one in out.iterdir())):
        raise OutputError(str(out), "it is in the way and holds no training", "choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            str(out), f"it cannot be made ({error.strerror})", "choose another place with --out"
        ) from error
    return _write(out, {**document, "complete": False})


def _is_unfinished(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(_UNFINISHED)


def _sweep(out: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in filter(_is_unfinished, list(out.iterdir())):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _ended(out: Path, found: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether it ended with what can be used now, and its weights are there."""
    if found.get("complete") is not True or any(found.get(name) != value for name, value in known.items()):
        return False
    try:
        return [one.digest for one in _checkpoints(out)] == list(found["checkpoints"].values())
    except WeightsError:
        return False


def _checkpoints(out: Path) -> tuple[Checkpoint, ...]:
    return tuple(read_checkpoint(path.parent) for path in sorted(out.glob(f"*/{DESCRIPTION_FILE}")))


def _features(
    plan: TrainingPlan,
    out: Path,
    corpora: SeveralCorpora,
    method: Method,
    workers: int,
    cache: Path,
    on_progress: OnTrainingProgress | None,
) -> CorpusFeatures:
    return extract_corpus(
        corpora.recordings,
        [method],
        kinds=plan.kinds,
        read=ReadSettings(fps=plan.fps),
        face=FaceSettings(detector=plan.detector),
        cache=cache,
        workers=workers,
        board=out / ".progress",
        on_progress=None if on_progress is None else lambda done, total: on_progress("features", done, total),
    )


def _learn(
    plan: TrainingPlan,
    out: Path,
    corpora: SeveralCorpora,
    method: Method,
    features: CorpusFeatures,
    known: Mapping[str, Any],
    on_progress: OnTrainingProgress | None,
) -> Mapping[str, Any]:
    document = _write(out, {**_planned(plan, corpora), "complete": False})
    specs = {kind: spec for kind, spec in method.plan().items() if kind in plan.kinds}
    opened = [(one, _training_video(one, features, specs)) for one in corpora.recordings]
    videos = [(one, video) for one, video in opened if video is not None]
    if not videos:
        raise SettingsError("--data", "no video can be used", "give videos that show a face and are long enough")
    names = ", ".join(corpora.datasets)
    origin: dict[str, str | int | None] = {
        "corpus": f"{SYNTHETIC}: {names}" if plan.dataset == SYNTHETIC else plan.dataset,
        "licence": corpora.licence,
    }
    fitted = method.fit([video for _, video in videos], out=out, seed=plan.seed, origin=origin, on_progress=on_progress)
    digests = {one["sha256"] for one in fitted.weights_used()}
    for checkpoint in _checkpoints(out):
        # A type that an earlier attempt learned from a video that has failed since.
        if checkpoint.digest not in digests:
            shutil.rmtree(checkpoint.path)
    used = [one for one, _ in videos]
    ended = {
        "complete": True,
        "facespot": version("facespot"),
        **known,
        "too_short": [one.id for one, video in opened if video is None and one.id not in features.failed],
        "subjects": len({one.subject for one in used}),
        "videos": len(used),
        "minutes": round(sum(one.timebase.n_frames / one.timebase.fps for one in used) / 60, 3),
        "expressions": {
            kind: sum(len(one.truth.of_kind(kind).expressions) for one in used) for kind in KINDS if kind in plan.kinds
        },
        "checkpoints": {one.path.name: one.digest for one in _checkpoints(out)},
    }
    return _write(out, {**document, **ended})


def _training_video(
    recording: Recording, features: CorpusFeatures, specs: Mapping[Kind, FeatureSpec]
) -> TrainingVideo | None:
    """What can be learned from a video; None where it has no features."""
    stored = features.of(recording.id, specs)
    if not stored:
        return None
    opened = {kind: replace(one.open(), video=recording.id) for kind, one in stored.items()}
    pairs = features.pairs.get(recording.id)
    return TrainingVideo(recording.subject, recording.truth, opened, None if pairs is None else pairs.open())


def _write(out: Path, document: dict[str, Any]) -> dict[str, Any]:
    write_text(out / TRAINING_FILE, json.dumps(document, indent=1, allow_nan=False) + "\n")
    return document
