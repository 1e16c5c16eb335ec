"""Every video spotted once: results are kept beside the features, so that a second run with the same weights is quick.

What is kept is found again by the content of the video, the settings, the weights, and the code that stands between a
video and its result: another version of any of them spots anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import facespot
from facespot.experiments.tasks import run_tasks
from facespot.export.document import format_document, parse_document, result_document
from facespot.faces import FaceSettings, load_detector
from facespot.features import FeatureCache
from facespot.methods import load_method
from facespot.pipeline import ReadSettings, RunSettings, ready_recognizer, spot
from facespot.values import FeatureSpec, Kind, Recording, Track
from facespot.video import open_video

DECIDES = (
    "export", "faces", "features", "intervals", "labels.py", "methods", "models", "pipeline", "training", "values",
    "video",
)  # fmt: skip
"""Parts of the package that stand between a video and its result."""
RESULT_FILE = "expressions.json"


@dataclass(frozen=True)
class Spotter:
    """A method with all that decides what it spots.

    Parameters
    ----------
    method : str
        Key of the registry.
    weights : tuple of Path
        Checkpoint folders; none: those that come with facespot.
    settings : mapping from str to str
        Settings that differ from the default.
    recognize : str, optional
        Method that names the emotions.
    recognize_weights : tuple of Path
    """

    method: str
    weights: tuple[Path, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    recognize: str | None = None
    recognize_weights: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What a spotter is once it is loaded.

    Parameters
    ----------
    kinds : tuple of str
        Types that it spots.
    settings : mapping
        All of them.
    weights_sha256 : tuple of str
        Of the weights of the method, then of the recognizer.
    spec : FeatureSpec
        Under which its results are kept.
    """

    kinds: tuple[Kind, ...]
    settings: Mapping[str, Any]
    weights_sha256: tuple[str, ...]
    spec: FeatureSpec


@dataclass(frozen=True)
class Spotted:
    """What was found in one video.

    Parameters
    ----------
    track : Track
        Empty where it failed.
    micro_reliable : bool, optional
        Whether the video is good enough for micro-expressions, where it was judged.
    failure : str, optional
        Why the video could not be spotted.
    """

    track: Track
    micro_reliable: bool | None = None
    failure: str | None = None


@dataclass(frozen=True)
class _Task:
    recording: Recording
    spotter: Spotter
    spec: FeatureSpec
    cache: Path


def identify(spotter: Spotter) -> Identity:
    """Load a method, and its recognizer, once, to see what they are.

    Raises
    ------
    SettingsError, WeightsError
        If there is no such method, or its weights or settings do not fit.
    """
    method = load_method(spotter.method, weights=spotter.weights, settings=spotter.settings)
    made: list[Any] = [method]
    if spotter.recognize is not None:
        made.append(ready_recognizer(spotter.recognize, spotter.recognize_weights))
    weights = tuple(str(one["sha256"]) for part in made for one in part.weights_used())
    face = FaceSettings()
    decides = [
        [part.name, asdict(part.config), {kind: spec.digest() for kind, spec in part.plan().items()}] for part in made
    ]
    settings: dict[str, Any] = {
        "made with": hashlib.sha256(json.dumps([decides, weights], sort_keys=True).encode()).hexdigest(),
        "code": code_digest(),
        "detector": load_detector(face.detector).version,
        **{f"face.{name}": value for name, value in asdict(face).items()},
    }
    return Identity(tuple(method.plan()), asdict(method.config), weights, FeatureSpec("spotted", 1, settings))


def code_digest(package: Path | None = None) -> str:
    """SHA-256 of the code that decides what is spotted.

    Parameters
    ----------
    package : Path, optional
        Folder of the package; default: this one.
    """
    root = Path(facespot.__file__).parent if package is None else package
    digest = hashlib.sha256()
    for name in DECIDES:
        path = root / name
        for one in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{one.relative_to(root).as_posix()}\n".encode())
            digest.update(one.read_bytes())
    return digest.hexdigest()


def spot_all(
    recordings: Sequence[Recording],
    spotter: Spotter,
    identity: Identity,
    *,
    cache: Path,
    workers: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Spotted]:
    """Spot videos in any number of processes, one thread each.

    Parameters
    ----------
    recordings : sequence of Recording
    spotter : Spotter
    identity : Identity
        Of the spotter.
    cache : Path
        Folder of features and results.
    workers : int
        Processes.
    on_progress : callable, optional
        Called with videos done and videos in all.

    Returns
    -------
    list of Spotted
        In the order of `recordings`; a video that fails does not stop the others.
    """
    tasks = [_Task(one, spotter, identity.spec, cache) for one in recordings]
    found: dict[int, Spotted] = {}
    for number, spotted, failure in run_tasks(_spot_one, tasks, workers=workers):
        one = recordings[number]
        found[number] = Spotted(Track(one.id, one.timebase), failure=failure) if failure is not None else spotted
        if on_progress is not None:
            on_progress(len(found), len(tasks))
    return [found[number] for number in range(len(tasks))]


def _spot_one(task: _Task) -> Spotted:
    path, spotter = task.recording.path, task.spotter
    frame_rate = task.recording.timebase.fps if path.is_dir() else None
    digest = open_video(path, frame_rate=frame_rate).digest()
    cache = FeatureCache(task.cache)
    place = cache.find(digest, task.spec)
    if place is None:
        result = spot(
            path,
            method=spotter.method,
            weights=spotter.weights,
            settings=spotter.settings,
            recognize=spotter.recognize,
            recognize_weights=spotter.recognize_weights,
            read=ReadSettings(frame_rate=frame_rate),
            run=RunSettings(cache=task.cache, workers=1),
        )
        with cache.create(digest, task.spec) as folder:
            text = format_document(result_document(result))
            (folder / RESULT_FILE).write_text(text, encoding="utf-8", newline="")
        place = cache.place(digest, task.spec)
    text = (place / RESULT_FILE).read_text(encoding="utf-8")
    track = parse_document(text, place / RESULT_FILE)
    return Spotted(replace(track, video=task.recording.id), json.loads(text).get("micro_reliable"))
