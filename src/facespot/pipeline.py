"""The stages in order, once, for one video: a path goes in, a `Result` comes out.

video -> faces -> features -> scores -> intervals. The video is read twice, first for the faces, then for the motion, so
that the face which persists is known before any motion is measured; both passes stream.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from facespot.errors import SettingsError, TooShortError
from facespot.faces import FaceSettings, FaceTrack, load_detector, track_face
from facespot.features import FeatureCache, StoredFeatures, extract
from facespot.features.cache import default_cache_folder, read_arrays, write_arrays
from facespot.methods import Method, load_method
from facespot.values import KINDS, ByteImage, FeatureSpec, Kind, Result, Scores, Setting, Track
from facespot.video import Selection, Video, open_video, select

Stage = Literal["faces", "motion", "scores", "pictures"]
OnProgress = Callable[[Stage, int, int], None]

LIBRARIES = ("av", "mediapipe", "numba", "numpy", "onnxruntime", "opencv-contrib-python", "scipy")
PICTURES_PER_KIND = 10
PICTURE_SIZE = 112


@dataclass(frozen=True)
class ReadSettings:
    """Which frames of the video are read.

    Parameters
    ----------
    start_s, end_s : float, optional
        Part of the video in seconds; default: all of it.
    fps : float, optional
        Frames per second to pick from the video; default: all frames.
    frame_rate : float, optional
        Rate at which a frame folder was recorded; a video file knows its own.
    """

    start_s: float | None = None
    end_s: float | None = None
    fps: float | None = None
    frame_rate: float | None = None


@dataclass(frozen=True)
class RunSettings:
    """How the work is done; changes no result.

    Parameters
    ----------
    cache : Path or None
        Folder for features; None keeps nothing.
    workers : int
        Threads for the flow.
    pictures : bool
        Whether the result carries pictures of the apex frames.
    on_progress : callable, optional
        Called with the stage, the frames done and the frames in all.
    """

    cache: Path | None = field(default_factory=default_cache_folder)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    pictures: bool = False
    on_progress: OnProgress | None = None


def spot(
    video: str | Path,
    *,
    method: str | Method = "strain",
    weights: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    read: ReadSettings | None = None,
    face: FaceSettings | None = None,
    run: RunSettings | None = None,
) -> Result:
    """Spot macro- and micro-expressions in one video.

    Parameters
    ----------
    video : path
        Video file or frame folder.
    method : str or Method
        Name of a method, or one that `load_method` made.
    weights : sequence of path
        Checkpoint folders, for methods that need them.
    settings : mapping, optional
        Overrides of the method's settings.
    read, face, run : optional
        Which frames are read, which face is followed, how the work is done.

    Raises
    ------
    FacespotError
        Whatever is wrong with the video, the face, the weights or a setting, in one line.
    """
    read, face, run = read or ReadSettings(), face or FaceSettings(), run or RunSettings()
    if run.workers < 1:
        raise SettingsError("--workers", f"{run.workers} is out of range", "give 1 or more")
    chosen = load_method(method, weights=weights, settings=settings) if isinstance(method, str) else method
    source = open_video(video, frame_rate=read.frame_rate)
    selection = select(source, start_s=read.start_s, end_s=read.end_s, fps=read.fps)
    kinds, notes = _kinds_that_fit(chosen, source, selection)
    with _cache_folder(run.cache) as root:
        cache = FeatureCache(root)
        prepared = prepare(source, selection, face=face, cache=cache, run=run)
        faces = prepared.faces
        plan = chosen.plan()
        stored = measure(prepared, [plan[kind] for kind in kinds], cache=cache, run=run)
        scores = chosen.score({kind: one.open() for kind, one in zip(kinds, stored, strict=True)})
    track = chosen.decode(scores)
    pictures = (
        apex_pictures(source, selection, faces, track, on_progress=_stage(run, "pictures")) if run.pictures else {}
    )
    notes += _notes_on_faces(faces) + _notes_on_scores(scores)
    provenance = _provenance(source, selection, faces, face, chosen)
    return Result(track, scores, chosen.curves(scores), provenance, notes, pictures)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A video whose face is known: all that measuring its motion needs.

    Parameters
    ----------
    video : Video
    selection : Selection
        Frames that are read.
    faces : FaceTrack
        Where the face is.
    context : mapping
        Settings that decided frames and face, part of the key of every feature.
    """

    video: Video
    selection: Selection
    faces: FaceTrack
    context: Mapping[str, Setting]


def prepare(
    video: Video, selection: Selection, *, face: FaceSettings, cache: FeatureCache, run: RunSettings
) -> Prepared:
    """Find the face, now or in the cache.

    Raises
    ------
    FaceError
        There is none, or not the one that was asked for.
    """
    context: dict[str, Setting] = {
        "selection.first": int(selection.frames[0]),
        "selection.last": int(selection.frames[-1]),
        "selection.count": len(selection.frames),
        "selection.fps": selection.fps,
    }
    faces, face_context = _faces(video, selection, face, cache, context, run)
    return Prepared(video, selection, faces, {**context, **face_context})


def measure(
    prepared: Prepared, specs: Sequence[FeatureSpec], *, cache: FeatureCache, run: RunSettings
) -> tuple[StoredFeatures, ...]:
    """Compute features in one pass over the video, or find them in the cache; in the order of `specs`."""
    return extract(
        prepared.video,
        prepared.selection,
        prepared.faces,
        specs,
        cache=cache,
        context=prepared.context,
        workers=run.workers,
        on_progress=_stage(run, "motion"),
    )


def _stage(run: RunSettings, stage: Stage) -> Callable[[int, int], None] | None:
    if run.on_progress is None:
        return None
    report = run.on_progress
    return lambda done, total: report(stage, done, total)


@contextmanager
def _cache_folder(folder: Path | None) -> Iterator[Path]:
    """The folder itself, or one that lives as long as the block."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="facespot-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


def _kinds_that_fit(method: Method, video: Video, selection: Selection) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Types for which the selection is long enough, and a note on each one for which it is not."""
    n_rows, fps = len(selection.frames), selection.fps
    planned = [kind for kind in KINDS if kind in method.plan()]
    needed = {kind: method.rows_needed(kind, fps) for kind in planned}
    fitting = tuple(kind for kind in planned if n_rows >= needed[kind])
    if not fitting:
        fewest = min(needed.values())
        what = f"it has only {n_rows} frame{'' if n_rows == 1 else 's'} at {fps:g} per second"
        remedy = f"the method {method.name!r} needs at least {fewest} frames ({fewest / fps:.2f} s)"
        raise TooShortError(video.name, what, remedy)
    return fitting, tuple(
        f"too short for {kind}-expressions: {n_rows} frames, {needed[kind]} are needed; none was looked for"
        for kind in planned
        if kind not in fitting
    )


def _faces(
    video: Video,
    selection: Selection,
    settings: FaceSettings,
    cache: FeatureCache,
    context: Mapping[str, Setting],
    run: RunSettings,
) -> tuple[FaceTrack, dict[str, Setting]]:
    """Where the face is, from the cache or found now; and the settings that decided it."""
    detector = load_detector(settings.detector)
    face_context: dict[str, Setting] = {f"face.{name}": value for name, value in asdict(settings).items()}
    face_context["face.detector_version"] = detector.version
    spec = FeatureSpec("faces", 1, {**context, **face_context})
    digest = video.digest()
    found = cache.find(digest, spec)
    if found is None:
        faces = track_face(video, selection, detector, settings, on_progress=_stage(run, "faces"))
        with cache.create(digest, spec) as folder:
            write_arrays(folder, faces.to_arrays())
        return faces, face_context
    arrays = {name: np.array(array) for name, array in read_arrays(found).items()}
    return FaceTrack.from_arrays(arrays), face_context


def _notes_on_faces(faces: FaceTrack) -> tuple[str, ...]:
    notes = []
    if faces.n_faces > 1:
        notes.append(f"{faces.n_faces} faces were found; number {faces.chosen} was used (--face N chooses another)")
    missing = int(np.count_nonzero(~faces.valid))
    if missing:
        share = 100 * missing / len(faces.valid)
        notes.append(f"no usable face in {missing} of {len(faces.valid)} frames ({share:.1f} %): they have no score")
    return tuple(notes)


def _notes_on_scores(scores: Scores) -> tuple[str, ...]:
    silent = [kind for kind, column in zip(scores.channels, scores.valid.T, strict=True) if not column.any()]
    return tuple(f"no frame has a score for {kind}-expressions" for kind in silent)


def apex_pictures(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    track: Track,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[int, ByteImage]:
    """The face in the apex frames of the highest-scoring expressions of each type.

    Returns
    -------
    dict from frame to (112, 112, 3) uint8 array
        RGB.
    """
    from facespot.faces import crop

    wanted: set[int] = set()
    for kind in KINDS:
        ranked = sorted(track.of_kind(kind).expressions, key=lambda one: one.score or 0.0, reverse=True)
        wanted |= {one.apex for one in ranked[:PICTURES_PER_KIND] if one.apex is not None}
    rows = np.searchsorted(selection.frames, sorted(wanted))
    usable = [(int(selection.frames[row]), int(faces.reference[row])) for row in rows if faces.reference[row] >= 0]
    pictures: dict[int, ByteImage] = {}
    frames = np.array([frame for frame, _ in usable], dtype=np.int64)
    for (frame, reference), image in zip(usable, video.read(frames), strict=True):
        pictures[frame] = crop(image.rgb(), faces.references[reference].box, PICTURE_SIZE)
        if on_progress is not None:
            on_progress(len(pictures), len(usable))
    return pictures


def _provenance(
    video: Video, selection: Selection, faces: FaceTrack, face: FaceSettings, method: Method
) -> dict[str, Any]:
    return {
        "facespot": _version("facespot"),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "method": method.name,
        "citation": method.citation,
        "settings": asdict(method.config),
        "weights": method.weights_used(),
        "features": {
            kind: {"kind": spec.kind, "version": spec.version, "settings": dict(spec.settings)}
            for kind, spec in method.plan().items()
        },
        "video": {
            "name": video.name,
            "sha256": video.digest(),
            "width": video.width,
            "height": video.height,
            "fps": video.timebase.fps,
            "frames": video.timebase.n_frames,
            "variable_frame_rate": video.timebase.timestamps_s is not None,
        },
        "selection": {
            "first_frame": int(selection.frames[0]),
            "last_frame": int(selection.frames[-1]),
            "frames": len(selection.frames),
            "fps": selection.fps,
        },
        "face": {
            **asdict(face),
            "detector_version": load_detector(face.detector).version,
            "faces_found": faces.n_faces,
            "used": faces.chosen,
            "coverage": faces.coverage,
            "references": [
                {"frame": one.frame, "outer_eye_distance_pixels": round(float(one.quality), 2)}
                for one in faces.references
            ],
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
