"""One pass over a video that computes every feature asked for; memory does not grow with its length.

The streams that make them are `facespot.features.pair_stream`, whose features share the flow where engine and distance
are the same, `facespot.features.region_flow_stream` and `facespot.features.aligned_faces`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facespot.features.cache import FeatureCache, RowWriter, read_arrays, write_arrays
from facespot.features.kinds import KINDS, Source, Stream, row_shape, row_type, rows_of
from facespot.features.pair_stream import Crops
from facespot.values import BoolArray, Features, FeatureSpec, Setting, Timebase
from facespot.video import Selection

if TYPE_CHECKING:
    from facespot.faces import FaceTrack
    from facespot.video import Video


@dataclass(frozen=True)
class StoredFeatures:
    """Features of one video in the cache; small enough to be handed to another process, which maps the rows itself.

    Parameters
    ----------
    folder : Path
        Entry of the cache.
    video, timebase, spec, fps, source
        As in `Features`.
    """

    folder: Path
    video: str
    timebase: Timebase
    spec: FeatureSpec
    fps: float
    source: str

    def open(self) -> Features:
        """The features, their rows memory-mapped."""
        arrays = read_arrays(self.folder)
        frames, valid = np.array(arrays["frames"]), np.array(arrays["valid"])
        return Features(self.video, self.timebase, self.spec, arrays["values"], frames, valid, self.fps, self.source)


def extract(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    specs: Sequence[FeatureSpec],
    *,
    cache: FeatureCache,
    context: Mapping[str, Setting],
    detector: str = "mediapipe",
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[StoredFeatures, ...]:
    """Compute the features, or find them in the cache.

    Parameters
    ----------
    video, selection, faces
        Which frames are read, and where the face is in each.
    specs : sequence of FeatureSpec
        What to compute; each distance must be shorter than the selection.
    cache : FeatureCache
        Where the rows are written to and mapped from.
    context : mapping
        Settings of the earlier stages (selection, face), which belong to the cache key.
    detector : str
        Key of `facespot.faces.DETECTORS`, loaded only for features that need landmarks of their own.
    workers : int
        Threads for the flow; the values do not depend on it.
    on_progress : callable, optional
        Called with frames done and frames in all.

    Returns
    -------
    tuple of StoredFeatures
        In the order of `specs`.
    """
    complete = [replace(spec, settings={**spec.settings, **context}) for spec in specs]
    digest = video.digest()
    missing = [spec for spec in complete if cache.find(digest, spec) is None]
    if missing:
        with ExitStack() as stack:
            folders = [stack.enter_context(cache.create(digest, spec)) for spec in missing]
            rows = [rows_of(spec, selection) for spec in missing]
            writers = [
                stack.enter_context(RowWriter(folder / "values.npy", len(own.frames), row_shape(spec), row_type(spec)))
                for spec, folder, own in zip(missing, folders, rows, strict=True)
            ]
            source = Source(selection, faces, detector, workers, Crops(faces))
            valid = _extract_into(video, source, list(zip(missing, writers, strict=True)), on_progress)
            for folder, own, usable in zip(folders, rows, valid, strict=True):
                write_arrays(folder, {"frames": own.frames, "valid": usable})
    return tuple(_stored(video, selection, spec, cache.find(digest, spec)) for spec in complete)


def _stored(video: Video, selection: Selection, spec: FeatureSpec, folder: Path | None) -> StoredFeatures:
    if folder is None:
        raise RuntimeError("a cache entry vanished while it was used")
    fps = rows_of(spec, selection).fps
    return StoredFeatures(folder, video.name, video.timebase, spec, fps, video.digest())


def _extract_into(
    video: Video,
    source: Source,
    outputs: Sequence[tuple[FeatureSpec, RowWriter]],
    on_progress: Callable[[int, int], None] | None,
) -> list[BoolArray]:
    """Write every feature's rows; returns which rows of each are valid."""
    streams: dict[Hashable, Stream] = {}
    for spec, writer in outputs:
        kind = KINDS[spec.kind]
        key = kind.shared(spec, source.selection)
        if key not in streams:
            streams[key] = kind.stream(spec, source)
        streams[key].outputs.append((spec, writer))
    frames = source.selection.frames
    wanted = np.unique(np.concatenate([stream.places for stream in streams.values()]))
    takers = [(stream, np.isin(wanted, stream.places)) for stream in streams.values()]
    for done, (row, frame) in enumerate(zip(wanted.tolist(), video.read(frames[wanted]), strict=True), start=1):
        for stream, takes in takers:
            if takes[done - 1]:
                stream.push(row, frame)
        if on_progress is not None:
            on_progress(done, len(wanted))
    valid = {key: stream.finish() for key, stream in streams.items()}
    return [valid[KINDS[spec.kind].shared(spec, source.selection)] for spec, _ in outputs]
