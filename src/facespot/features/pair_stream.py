"""Features of pairs of frames at one distance, row by row while the frames come in.

For row i the flow runs from frame i to frame i + k. Both are cropped by the box of frame i: where the face's reference
changes, no motion appears that is only the change of the box. A row is valid where both frames have a usable face.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from facespot.features.cache import RowWriter
from facespot.features.flow import FlowEngine
from facespot.features.maps import IMAGE_SIZE, softnet_images, strain_sums
from facespot.features.mean_maps import mean_images
from facespot.features.regions import CROP_SIZE, Regions
from facespot.values import BoolArray, ByteImage, FeatureSpec, FloatArray, distance_in_frames

if TYPE_CHECKING:
    from facespot.faces import FaceTrack
    from facespot.video import Frame

PAIRS_AT_ONCE = 32
ROW_SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"strain": (), "softnet": (IMAGE_SIZE, IMAGE_SIZE, 3), "mean": (IMAGE_SIZE, IMAGE_SIZE, 3)}
)


def row_distance(spec: FeatureSpec, fps: float) -> int:
    """Distance of the two frames of a pair in rows, at least 1."""
    return distance_in_frames(float(spec.settings["distance_s"] or 0.0), fps)


class Crops:
    """Crops of the newest frame by the boxes of references, each made once.

    Parameters
    ----------
    faces : FaceTrack
        Whose references they are.
    """

    def __init__(self, faces: FaceTrack) -> None:
        self._references = faces.references
        self._row = -1
        self._made: dict[int, ByteImage] = {}

    def of(self, row: int, frame: Frame, reference: int) -> ByteImage:
        """The 128x128 grey crop of a row's frame by the box of a reference."""
        from facespot.faces import crop

        if row != self._row:
            self._row, self._made = row, {}
        if reference not in self._made:
            self._made[reference] = crop(frame.gray(), self._references[reference].box, CROP_SIZE)
        return self._made[reference]


class PairStream:
    """Pairs of crops at one distance, gathered into batches for one flow engine and written to every feature.

    Parameters
    ----------
    engine : FlowEngine
    k : int
        Distance of the two frames in rows.
    faces : FaceTrack
    regions : sequence of Regions or None
        Of each reference; None where the face cannot be read.
    crops : Crops
        Shared with the other streams.
    """

    def __init__(
        self, engine: FlowEngine, k: int, faces: FaceTrack, regions: Sequence[Regions | None], crops: Crops
    ) -> None:
        unreadable = [index for index, found in enumerate(regions) if found is None]
        self.places = np.arange(len(faces.frames))
        self.outputs: list[tuple[FeatureSpec, RowWriter]] = []
        self._engine = engine
        self._k = k
        self._reference = np.where(np.isin(faces.reference, unreadable), -1, faces.reference)
        self._regions = regions
        self._crops = crops
        self._recent: deque[ByteImage | None] = deque(maxlen=k + 1)
        self._pairs: list[tuple[ByteImage | None, ByteImage | None, int]] = []

    def push(self, row: int, frame: Frame) -> None:
        """Take the next frame; `row` is its place in the selection."""
        own = int(self._reference[row])
        self._recent.append(self._crops.of(row, frame, own) if own >= 0 else None)
        if row < self._k:
            return
        first, earlier = self._recent[0], int(self._reference[row - self._k])
        if own < 0 or first is None:
            self._pairs.append((None, None, -1))
        else:
            self._pairs.append((first, self._crops.of(row, frame, earlier), earlier))
        if len(self._pairs) == PAIRS_AT_ONCE:
            self._flush()

    def finish(self) -> BoolArray:
        """Write what is left; returns which rows are valid."""
        self._flush()
        return np.asarray((self._reference[: -self._k] >= 0) & (self._reference[self._k :] >= 0))

    def _flush(self) -> None:
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
