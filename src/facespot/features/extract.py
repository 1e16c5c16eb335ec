"""One pass over a video that computes every feature asked for; memory does not grow with its length.

For row i the flow runs from frame i to frame i + k, k being the feature's distance in rows, so a video of n rows gives
n - k rows of features. Both frames are cropped by the box of frame i: where the face's reference changes, no motion
appears that is only the change of the box. A row is valid where both frames have a usable face.

Features that share an engine and a distance share the flow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facespot.features.cache import FeatureCache, RowWriter, read_arrays, write_arrays
from facespot.features.flow import FlowEngine, load_flow_engine
from facespot.features.maps import IMAGE_SIZE, softnet_images, strain_sums
from facespot.features.mean_maps import mean_images
from facespot.features.regions import CROP_SIZE, Regions, face_regions
from facespot.values import (
    BoolArray,
    ByteImage,
    Features,
    FeatureSpec,
    FloatArray,
    Setting,
    Timebase,
    distance_in_frames,
)

if TYPE_CHECKING:
    from facespot.faces import FaceTrack
    from facespot.video import Selection, Video

VERSIONS = {"strain": 1, "softnet": 1, "mean": 1}
ROW_SHAPES: dict[str, tuple[int, ...]] = {
    "strain": (),
    "softnet": (IMAGE_SIZE, IMAGE_SIZE, 3),
    "mean": (IMAGE_SIZE, IMAGE_SIZE, 3),
}
PAIRS_AT_ONCE = 32


def feature_spec(kind: str, *, distance_s: float, flow: str = "tvl1", **settings: Setting) -> FeatureSpec:
    """What to compute.

    Parameters
    ----------
    kind : {"strain", "softnet", "mean"}
        ``"strain"``: `maps.strain_sums`, one number per row; ``"softnet"``: `maps.softnet_images`, 42x42x3 per row;
        ``"mean"``: `mean_maps.mean_images`, 42x42x3 per row.
    distance_s : float
        Time between the two frames of a pair in seconds.
    flow : str
        Optical flow engine, see `flow.ENGINES`.
    **settings
        Further settings of the kind: ``reading`` and ``roi_layout`` for ``"softnet"`` and ``"mean"``.
    """
    engine = load_flow_engine(flow)
    flow_settings = {f"flow.{name}": value for name, value in engine.settings.items()}
    named: dict[str, Setting] = {"distance_s": distance_s, "flow": flow, "flow.version": engine.version}
    return FeatureSpec(kind, VERSIONS[kind], {**named, **flow_settings, **settings})


def row_distance(spec: FeatureSpec, fps: float) -> int:
    """Distance of a feature's two frames in rows, at least 1."""
    return distance_in_frames(float(spec.settings["distance_s"] or 0.0), fps)


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
            writers = [
                stack.enter_context(_writer(spec, folder, selection))
                for spec, folder in zip(missing, folders, strict=True)
            ]
            valid = _extract_into(video, selection, faces, missing, writers, workers, on_progress)
            for folder, usable in zip(folders, valid, strict=True):
                write_arrays(folder, {"frames": selection.frames[: len(usable)], "valid": usable})
    return tuple(_stored(video, selection, spec, cache.find(digest, spec)) for spec in complete)


def _writer(spec: FeatureSpec, folder: Path, selection: Selection) -> RowWriter:
    n_rows = len(selection.frames) - row_distance(spec, selection.fps)
    return RowWriter(folder / "values.npy", n_rows, ROW_SHAPES[spec.kind])


def _stored(video: Video, selection: Selection, spec: FeatureSpec, folder: Path | None) -> StoredFeatures:
    if folder is None:
        raise RuntimeError("a cache entry vanished while it was used")
    return StoredFeatures(folder, video.name, video.timebase, spec, selection.fps, video.digest())


def _extract_into(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    specs: Sequence[FeatureSpec],
    writers: Sequence[RowWriter],
    workers: int,
    on_progress: Callable[[int, int], None] | None,
) -> list[BoolArray]:
    """Write every feature's rows; returns which rows of each are valid."""
    from facespot.faces import crop, to_crop

    n_rows = len(selection.frames)
    regions = [face_regions(to_crop(face.landmarks, face.box, CROP_SIZE)) for face in faces.references]
    unreadable = [index for index, found in enumerate(regions) if found is None]
    reference = np.where(np.isin(faces.reference, unreadable), -1, faces.reference)

    shared: dict[tuple[str, int], _PairStream] = {}
    usable = []
    for spec, writer in zip(specs, writers, strict=True):
        k = row_distance(spec, selection.fps)
        key = (str(spec.settings["flow"]), k)
        if key not in shared:
            shared[key] = _PairStream(load_flow_engine(key[0], workers=workers), k, regions)
        shared[key].outputs.append((spec, writer))
        usable.append((reference[: n_rows - k] >= 0) & (reference[k:] >= 0))

    streams = list(shared.values())
    longest = max(stream.k for stream in streams)
    recent: deque[tuple[int, ByteImage | None]] = deque(maxlen=longest + 1)
    for row, frame in enumerate(video.read(selection.frames)):
        own = int(reference[row])
        gray = frame.gray()
        cut = {own: crop(gray, faces.references[own].box, CROP_SIZE)} if own >= 0 else {}
        recent.append((own, cut.get(own)))
        for stream in streams:
            if row < stream.k:
                continue
            earlier, first = recent[-1 - stream.k]
            if own < 0 or first is None:
                stream.push(None, None, -1)
                continue
            if earlier not in cut:
                cut[earlier] = crop(gray, faces.references[earlier].box, CROP_SIZE)
            stream.push(first, cut[earlier], earlier)
        if on_progress is not None:
            on_progress(row + 1, n_rows)
    for stream in streams:
        stream.flush()
    return usable


class _PairStream:
    """Pairs of crops at one distance, gathered into batches for one flow engine and written to every feature."""

    def __init__(self, engine: FlowEngine, k: int, regions: Sequence[Regions | None]) -> None:
        self.k = k
        self._engine = engine
        self._regions = regions
        self.outputs: list[tuple[FeatureSpec, RowWriter]] = []
        self._pairs: list[tuple[ByteImage | None, ByteImage | None, int]] = []

    def push(self, first: ByteImage | None, second: ByteImage | None, reference: int) -> None:
        self._pairs.append((first, second, reference))
        if len(self._pairs) == PAIRS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        references = np.array([reference for _, _, reference in self._pairs], dtype=np.int64)
        firsts = [first for first, _, _ in self._pairs if first is not None]
        seconds = [second for _, second, _ in self._pairs if second is not None]
        flow = self._engine.flow(np.stack(firsts), np.stack(seconds)) if firsts else None
        usable = references[references >= 0]
        for spec, writer in self.outputs:
            rows = np.full((len(references), *ROW_SHAPES[spec.kind]), np.nan, dtype=np.float32)
            for index in np.unique(usable):
                found = self._regions[index]
                if flow is not None and found is not None:
                    rows[references == index] = rows_of_flow(spec, flow[usable == index], found)
            writer.append(rows)
        self._pairs.clear()


def rows_of_flow(spec: FeatureSpec, flow: FloatArray, regions: Regions) -> FloatArray:
    """What a feature keeps of some flow fields (n, 128, 128, 2), one row each."""
    if spec.kind == "strain":
        return strain_sums(flow, regions)
    reading, roi_layout = spec.settings["reading"], spec.settings["roi_layout"]
    images = mean_images if spec.kind == "mean" else softnet_images
    return images(flow, regions, reading=reading, roi_layout=roi_layout)  # type: ignore[arg-type]
