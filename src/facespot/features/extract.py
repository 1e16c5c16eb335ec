"""One pass over a video that computes every feature asked for; memory does not grow with its length.

The streams that make them are `facespot.features.pair_stream`, whose features share the flow where engine and distance
are the same, and `facespot.features.region_flow_stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from facespot.features.cache import FeatureCache, RowWriter, read_arrays, write_arrays
from facespot.features.flow import FlowEngine, load_flow_engine
from facespot.features.pair_stream import ROW_SHAPES, Crops, PairStream, row_distance
from facespot.features.region_flow import (
    KIND,
    landmarks_every_of,
    reach_of,
    region_flow_shape,
    row_step,
    rows_of_region_flow,
)
from facespot.features.region_flow_stream import RegionFlowStream
from facespot.features.regions import CROP_SIZE, Regions, face_regions
from facespot.values import (
    BoolArray,
    Features,
    FeatureSpec,
    Setting,
    Timebase,
)
from facespot.video import Selection

if TYPE_CHECKING:
    from facespot.faces import Detector, FaceTrack
    from facespot.video import Frame, Video

PAIRS_AT_ONCE = 32


class Stream(Protocol):
    """Makes the rows of one or several features while the frames of a selection come in.

    Attributes
    ----------
    step : int
        Every how many-th frame of the selection it takes.
    outputs : list of (FeatureSpec, RowWriter)
        What the rows are written to.
    """

    step: int
    outputs: list[tuple[FeatureSpec, RowWriter]]

    def push(self, row: int, frame: Frame) -> None:
        """Take the next frame; `row` is its place in the selection."""

    def finish(self) -> BoolArray:
        """Write what is left; returns which rows are valid."""


@dataclass(frozen=True)
class _Source:
    """What streams are made of; what several of them need is made once."""

    selection: Selection
    faces: FaceTrack
    detector: str
    workers: int
    crops: Crops

    @cached_property
    def regions(self) -> list[Regions | None]:
        """Regions of each reference face."""
        from facespot.faces import to_crop

        return [face_regions(to_crop(face.landmarks, face.box, CROP_SIZE)) for face in self.faces.references]

    @cached_property
    def loaded_detector(self) -> Detector:
        """The face detector, made for the first stream that needs it."""
        from facespot.faces import load_detector

        return load_detector(self.detector)

    def engine(self, spec: FeatureSpec) -> FlowEngine:
        """Flow engine of a feature."""
        return load_flow_engine(str(spec.settings["flow"]), workers=self.workers)


@dataclass(frozen=True)
class _Kind:
    """How features of a kind are computed.

    Parameters
    ----------
    version : int
        Raised whenever something else is computed for the same settings.
    needs : tuple of str
        Settings without a default.
    row_shape : callable
        Shape of a row.
    rows : callable
        Frames of a selection that have a row.
    shared : callable
        Features of a video for which this is equal have a stream in common.
    stream : callable
        Makes the stream.
    """

    version: int
    needs: tuple[str, ...]
    row_shape: Callable[[FeatureSpec], tuple[int, ...]]
    rows: Callable[[FeatureSpec, Selection], Selection]
    shared: Callable[[FeatureSpec, Selection], Hashable]
    stream: Callable[[FeatureSpec, _Source], Stream]


def _of_pairs(row_shape: tuple[int, ...]) -> _Kind:
    return _Kind(1, ("distance_s",), lambda spec: row_shape, _rows_of_pairs, _flow_of_pairs, _pair_stream)


def _rows_of_pairs(spec: FeatureSpec, selection: Selection) -> Selection:
    n_rows = len(selection.frames) - row_distance(spec, selection.fps)
    return Selection(selection.frames[:n_rows], selection.fps)


def _flow_of_pairs(spec: FeatureSpec, selection: Selection) -> Hashable:
    return "pairs", spec.settings["flow"], row_distance(spec, selection.fps)


def _pair_stream(spec: FeatureSpec, source: _Source) -> Stream:
    k = row_distance(spec, source.selection.fps)
    return PairStream(source.engine(spec), k, source.faces, source.regions, source.crops)


def _region_flow_stream(spec: FeatureSpec, source: _Source) -> Stream:
    return RegionFlowStream(
        source.engine(spec),
        source.loaded_detector,
        source.faces,
        step=row_step(source.selection.fps),
        reach=reach_of(spec),
        landmarks_every=landmarks_every_of(spec),
    )


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        **{kind: _of_pairs(shape) for kind, shape in ROW_SHAPES.items()},
        KIND: _Kind(
            version=1,
            needs=("reach", "landmarks_every"),
            row_shape=region_flow_shape,
            rows=lambda spec, selection: rows_of_region_flow(selection),
            shared=lambda spec, selection: spec.digest(),
            stream=_region_flow_stream,
        ),
    }
)


def feature_spec(kind: str, *, flow: str = "tvl1", **settings: Setting) -> FeatureSpec:
    """What to compute.

    Parameters
    ----------
    kind : {"strain", "softnet", "mean", "region_flow"}
        ``"strain"``: `maps.strain_sums`, one number per row; ``"softnet"``: `maps.softnet_images`, 42x42x3 per row;
        ``"mean"``: `mean_maps.mean_images`, 42x42x3 per row; ``"region_flow"``: `region_flow`, (reach + 1)x10x2 per
        row.
    flow : str
        Optical flow engine, see `flow.ENGINES`.
    **settings
        Of ``"strain"``, ``"softnet"`` and ``"mean"``: ``distance_s``, time between the two frames of a pair in
        seconds; of the latter two also ``reading`` and ``roi_layout``. Of ``"region_flow"``: ``reach``, later frames to
        which the flow of each frame is computed, and ``landmarks_every``, 1 for landmarks in every frame.

    Raises
    ------
    TypeError
        A setting is missing.
    """
    missing = [name for name in _KINDS[kind].needs if name not in settings]
    if missing:
        raise TypeError(f"the feature {kind!r} needs {missing[0]!r}")
    engine = load_flow_engine(flow)
    flow_settings = {f"flow.{name}": value for name, value in engine.settings.items()}
    named: dict[str, Setting] = {"flow": flow, "flow.version": engine.version}
    return FeatureSpec(kind, _KINDS[kind].version, {**named, **flow_settings, **settings})


def row_shape(spec: FeatureSpec) -> tuple[int, ...]:
    """Shape of one row of a feature."""
    return _KINDS[spec.kind].row_shape(spec)


def rows_of(spec: FeatureSpec, selection: Selection) -> Selection:
    """Frames of a selection that have a row of a feature, and rows per second."""
    return _KINDS[spec.kind].rows(spec, selection)


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
                stack.enter_context(RowWriter(folder / "values.npy", len(own.frames), row_shape(spec)))
                for spec, folder, own in zip(missing, folders, rows, strict=True)
            ]
            source = _Source(selection, faces, detector, workers, Crops(faces))
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
    source: _Source,
    outputs: Sequence[tuple[FeatureSpec, RowWriter]],
    on_progress: Callable[[int, int], None] | None,
) -> list[BoolArray]:
    """Write every feature's rows; returns which rows of each are valid."""
    streams: dict[Hashable, Stream] = {}
    for spec, writer in outputs:
        kind = _KINDS[spec.kind]
        key = kind.shared(spec, source.selection)
        if key not in streams:
            streams[key] = kind.stream(spec, source)
        streams[key].outputs.append((spec, writer))
    frames = source.selection.frames
    wanted = np.unique(np.concatenate([np.arange(0, len(frames), stream.step) for stream in streams.values()]))
    for done, (row, frame) in enumerate(zip(wanted.tolist(), video.read(frames[wanted]), strict=True), start=1):
        for stream in streams.values():
            if row % stream.step == 0:
                stream.push(row, frame)
        if on_progress is not None:
            on_progress(done, len(wanted))
    valid = {key: stream.finish() for key, stream in streams.items()}
    return [valid[_KINDS[spec.kind].shared(spec, source.selection)] for spec, _ in outputs]
