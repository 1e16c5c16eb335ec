"""Up to the features: where the face of a video is and what moved on it, computed now or found in the cache."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from facespot.faces import FaceSettings, FaceTrack, load_detector, track_face
from facespot.features import FeatureCache, StoredFeatures, extract
from facespot.features.cache import read_arrays, write_arrays
from facespot.features.pairs import StoredPairs, extract_pairs
from facespot.pipeline.settings import RunSettings, progress_of
from facespot.values import Features, FeatureSpec, Kind, Setting
from facespot.video import Selection, Video


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
        faces = track_face(video, selection, detector, settings, on_progress=progress_of(run, "faces"))
        with cache.create(digest, spec) as folder:
            write_arrays(folder, faces.to_arrays())
        return faces, face_context
    arrays = {name: np.array(array) for name, array in read_arrays(found).items()}
    return FaceTrack.from_arrays(arrays), face_context


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
        detector=str(prepared.context["face.detector"]),
        workers=run.workers,
        on_progress=progress_of(run, "motion"),
    )


def measure_pairs(
    prepared: Prepared,
    pairs: Sequence[tuple[int, int]],
    spec: FeatureSpec,
    *,
    cache: FeatureCache,
    run: RunSettings,
) -> StoredPairs:
    """Compute the images of single pairs of frames, or find them in the cache."""
    return extract_pairs(
        prepared.video,
        prepared.selection,
        prepared.faces,
        pairs,
        spec,
        cache=cache,
        context=prepared.context,
        workers=run.workers,
    )


def measure_plans(
    prepared: Prepared, plans: Sequence[Mapping[Kind, FeatureSpec]], *, cache: FeatureCache, run: RunSettings
) -> list[dict[Kind, Features]]:
    """Features of several plans, measured in one pass."""
    specs = {spec.digest(): spec for plan in plans for spec in plan.values()}
    stored = dict(zip(specs, measure(prepared, list(specs.values()), cache=cache, run=run), strict=True))
    return [{kind: stored[spec.digest()].open() for kind, spec in plan.items()} for plan in plans]


@contextmanager
def cache_folder(folder: Path | None) -> Iterator[Path]:
    """The folder itself, or one that lives as long as the block."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="facespot-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)
