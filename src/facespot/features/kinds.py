"""The kinds of feature: what each is called, which frames have a row of it, and what makes the rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from facespot.features import aligned_faces, region_flow, region_motion
from facespot.features.aligned_faces import AlignedFacesStream
from facespot.features.cache import RowWriter
from facespot.features.flow import FlowEngine, load_flow_engine
from facespot.features.pair_stream import ROW_SHAPES, Crops, PairStream, row_distance
from facespot.features.region_flow_stream import RegionFlowStream
from facespot.features.region_motion_stream import RegionMotionStream
from facespot.features.regions import CROP_SIZE, Regions, face_regions
from facespot.values import BoolArray, FeatureSpec, IntArray, Setting
from facespot.video import Selection

if TYPE_CHECKING:
    from facespot.faces import Detector, FaceTrack
    from facespot.video import Frame

RowType: TypeAlias = Literal["<f4", "|u1"]


class Stream(Protocol):
    """Makes the rows of one or several features while the frames of a selection come in.

    Attributes
    ----------
    places : (n,) int array
        Places in the selection of the frames that it takes, increasing.
    outputs : list of (FeatureSpec, RowWriter)
        What the rows are written to.
    """

    places: IntArray
    outputs: list[tuple[FeatureSpec, RowWriter]]

    def push(self, row: int, frame: Frame) -> None:
        """Take the next frame; `row` is its place in the selection."""

    def finish(self) -> BoolArray:
        """Write what is left; returns which rows are valid."""


@dataclass(frozen=True)
class Source:
    """What streams are made of; what several of them need is made once.

    Parameters
    ----------
    selection : Selection
    faces : FaceTrack
    detector : str
        Key of `facespot.faces.DETECTORS`.
    workers : int
        Threads for the flow.
    crops : Crops
    """

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
class FeatureKind:
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
    row_type : {"<f4", "|u1"}
        Numbers of a row: float32, NaN in rows that are not valid, or bytes, 0 there.
    uses_flow : bool
        Whether the flow engine is one of its settings.
    """

    version: int
    needs: tuple[str, ...]
    row_shape: Callable[[FeatureSpec], tuple[int, ...]]
    rows: Callable[[FeatureSpec, Selection], Selection]
    shared: Callable[[FeatureSpec, Selection], Hashable]
    stream: Callable[[FeatureSpec, Source], Stream]
    row_type: RowType = "<f4"
    uses_flow: bool = True


def _of_pairs(row_shape: tuple[int, ...]) -> FeatureKind:
    return FeatureKind(1, ("distance_s",), lambda spec: row_shape, _rows_of_pairs, _flow_of_pairs, _pair_stream)


def _rows_of_pairs(spec: FeatureSpec, selection: Selection) -> Selection:
    n_rows = len(selection.frames) - row_distance(spec, selection.fps)
    return Selection(selection.frames[:n_rows], selection.fps)


def _flow_of_pairs(spec: FeatureSpec, selection: Selection) -> Hashable:
    return "pairs", spec.settings["flow"], row_distance(spec, selection.fps)


def _pair_stream(spec: FeatureSpec, source: Source) -> Stream:
    k = row_distance(spec, source.selection.fps)
    return PairStream(source.engine(spec), k, source.faces, source.regions, source.crops)


def _region_flow_stream(spec: FeatureSpec, source: Source) -> Stream:
    return RegionFlowStream(
        source.engine(spec),
        source.loaded_detector,
        source.faces,
        step=region_flow.row_step(source.selection.fps),
        reach=region_flow.reach_of(spec),
        landmarks_every=region_flow.landmarks_every_of(spec),
    )


def _region_motion_stream(spec: FeatureSpec, source: Source) -> Stream:
    rows = region_motion.rows_of_region_motion(source.selection)
    return RegionMotionStream(
        source.engine(spec),
        source.loaded_detector,
        source.faces,
        step=region_flow.row_step(source.selection.fps),
        rows_per_second=rows.fps,
        smoothing_rows=aligned_faces.number_of(spec, "smoothing_s", or_zero=True) * rows.fps,
        landmarks_every=region_flow.landmarks_every_of(spec),
    )


def _aligned_faces_stream(spec: FeatureSpec, source: Source) -> Stream:
    rate = aligned_faces.number_of(spec, "rows_per_second")
    selection = source.selection
    return AlignedFacesStream(
        source.loaded_detector,
        source.faces,
        places=aligned_faces.places_at(rate, selection.fps, len(selection.frames)),
        sigma_rows=aligned_faces.number_of(spec, "smoothing_s", or_zero=True)
        * aligned_faces.row_rate(rate, selection.fps),
        landmarks_every=region_flow.landmarks_every_of(spec),
    )


KINDS: Mapping[str, FeatureKind] = MappingProxyType(
    {
        **{kind: _of_pairs(shape) for kind, shape in ROW_SHAPES.items()},
        region_flow.KIND: FeatureKind(
            version=1,
            needs=("reach", "landmarks_every"),
            row_shape=region_flow.region_flow_shape,
            rows=lambda spec, selection: region_flow.rows_of_region_flow(selection),
            shared=lambda spec, selection: spec.digest(),
            stream=_region_flow_stream,
        ),
        region_motion.KIND: FeatureKind(
            version=1,
            needs=("smoothing_s", "landmarks_every"),
            row_shape=region_motion.region_motion_shape,
            rows=lambda spec, selection: region_motion.rows_of_region_motion(selection),
            shared=lambda spec, selection: spec.digest(),
            stream=_region_motion_stream,
        ),
        aligned_faces.KIND: FeatureKind(
            version=2,
            needs=("rows_per_second", "smoothing_s", "landmarks_every"),
            row_shape=lambda spec: aligned_faces.ALIGNED_SHAPE,
            rows=aligned_faces.rows_of_aligned_faces,
            shared=lambda spec, selection: spec.digest(),
            stream=_aligned_faces_stream,
            row_type="|u1",
            uses_flow=False,
        ),
    }
)


def feature_spec(kind: str, *, flow: str = "tvl1", **settings: Setting) -> FeatureSpec:
    """What to compute.

    Parameters
    ----------
    kind : {"strain", "softnet", "mean", "region_flow", "region_motion", "aligned_faces"}
        ``"strain"``: `maps.strain_sums`, one number per row; ``"softnet"``: `maps.softnet_images`, 42x42x3 per row;
        ``"mean"``: `mean_maps.mean_images`, 42x42x3 per row; ``"region_flow"``: `region_flow`, (reach + 1)x10x2 per
        row; ``"region_motion"``: `region_motion`, `region_motion.WIDTH` numbers per row; ``"aligned_faces"``:
        `aligned_faces`, 112x112x3 bytes per row.
    flow : str
        Optical flow engine, see `flow.ENGINES`; aligned faces need none.
    **settings
        Of ``"strain"``, ``"softnet"`` and ``"mean"``: ``distance_s``, time between the two frames of a pair in
        seconds; of the latter two also ``reading`` and ``roi_layout``. Of ``"region_flow"``: ``reach``, later frames to
        which the flow of each frame is computed, and ``landmarks_every``, 1 for landmarks in every frame. Of
        ``"region_motion"``: ``smoothing_s``, standard deviation of the smoothing of the alignment in seconds, and
        ``landmarks_every``. Of ``"aligned_faces"``: these two and ``rows_per_second`` at most.

    Raises
    ------
    TypeError
        A setting is missing.
    """
    missing = [name for name in KINDS[kind].needs if name not in settings]
    if missing:
        raise TypeError(f"the feature {kind!r} needs {missing[0]!r}")
    if not KINDS[kind].uses_flow:
        return FeatureSpec(kind, KINDS[kind].version, settings)
    engine = load_flow_engine(flow)
    flow_settings = {f"flow.{name}": value for name, value in engine.settings.items()}
    named: dict[str, Setting] = {"flow": flow, "flow.version": engine.version}
    return FeatureSpec(kind, KINDS[kind].version, {**named, **flow_settings, **settings})


def row_shape(spec: FeatureSpec) -> tuple[int, ...]:
    """Shape of one row of a feature."""
    return KINDS[spec.kind].row_shape(spec)


def row_type(spec: FeatureSpec) -> RowType:
    """What the numbers of a feature are."""
    return KINDS[spec.kind].row_type


def rows_of(spec: FeatureSpec, selection: Selection) -> Selection:
    """Frames of a selection that have a row of a feature, and rows per second."""
    return KINDS[spec.kind].rows(spec, selection)
