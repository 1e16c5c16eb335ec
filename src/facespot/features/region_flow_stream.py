"""Rows of `facespot.features.region_flow` from frames that come one after the other.

For each pair of a frame a and a later frame b, both are cropped by the face box of a. The mean flow over the tip of the
nose is the motion of the head; the box is moved by it, b is cropped anew, and the flow between the two crops is
averaged over each region (section III-A). When b arrives, these two flows are computed for every earlier frame in reach
at once, so that each pair is computed exactly once and of the earlier frames no more is held than their crops.

Box and landmarks are those of frame a itself. Where they are not detected, the newest ones are carried on by the motion
of the head from frame to frame.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facespot.features.cache import RowWriter
from facespot.features.flow import FlowEngine
from facespot.features.region_flow import N_REGIONS, FlowRegions, flow_regions
from facespot.features.regions import CROP_SIZE
from facespot.values import BoolArray, Box, ByteImage, Face, FeatureSpec, FloatArray

if TYPE_CHECKING:
    from facespot.faces import Detector, FaceTrack
    from facespot.video import Frame


@dataclass(frozen=True, eq=False)
class _FirstFrame:
    """What is kept of a frame from which flows start."""

    face: Face
    crop: ByteImage
    regions: FlowRegions

    @property
    def image_pixels(self) -> NDArray[np.float64]:
        """Width and height in the image of one pixel of the crop."""
        return np.array([self.face.box.width, self.face.box.height]) / CROP_SIZE

    @property
    def nose_patch(self) -> tuple[slice, slice]:
        return self.regions.patch.slices


@dataclass(frozen=True, eq=False)
class _OpenRow:
    """A row to which later frames still add."""

    first: _FirstFrame | None
    values: FloatArray


class RegionFlowStream:
    """Rows of one feature, written as soon as they are complete.

    Parameters
    ----------
    engine : FlowEngine
        Its flow of all pairs with one later frame is asked for in two batches.
    detector : Detector
        Finds the landmarks.
    faces : FaceTrack
        Which frames have a usable face, and which of several it is.
    step : int
        Every how many-th frame of the selection has a row.
    reach : int
        Later frames to which the flow of each frame is computed.
    landmarks_every : int
        Landmarks are detected in every so many-th row, and where there are none that could be carried on.
    """

    def __init__(
        self,
        engine: FlowEngine,
        detector: Detector,
        faces: FaceTrack,
        *,
        step: int,
        reach: int,
        landmarks_every: int,
    ) -> None:
        self.places = np.arange(0, len(faces.frames), step)
        self.outputs: list[tuple[FeatureSpec, RowWriter]] = []
        self._engine = engine
        self._detector = detector
        self._faces = faces
        self._reach = reach
        self._landmarks_every = landmarks_every
        self._open: deque[_OpenRow] = deque()
        self._reference = -1
        self._valid: list[bool] = []

    @property
    def face(self) -> Face | None:
        """Box and landmarks of the newest frame, detected or carried on."""
        newest = self._open[-1].first if self._open else None
        return None if newest is None else newest.face

    def push(self, row: int, frame: Frame) -> None:
        """Take the next frame; `row` is its place in the selection, a multiple of the step."""
        reference = int(self._faces.reference[row])
        first = None
        if reference >= 0:
            gray = frame.gray()
            carried = self._add_flows_to(frame, gray)
            due = len(self._valid) % self._landmarks_every == 0 or reference != self._reference or carried is None
            found = self._detect(frame, reference) if due else None
            face = carried if found is None else found
            first = None if face is None else _first_frame(face, gray)
        self._reference = reference
        values = np.full((self._reach + 1, N_REGIONS, 2), np.nan, dtype=np.float32)
        if first is not None:
            values[0] = 0.0
        self._open.append(_OpenRow(first, values))
        self._valid.append(first is not None)
        if len(self._open) > self._reach:
            self._write_oldest()

    def finish(self) -> BoolArray:
        """Write what is left, the last frame repeated; returns which rows are valid."""
        while self._open:
            filled, values = len(self._open), self._open[0].values
            values[filled:] = values[filled - 1]
            self._write_oldest()
        return np.array(self._valid, dtype=np.bool_)

    def _write_oldest(self) -> None:
        values = self._open.popleft().values
        for _, writer in self.outputs:
            writer.append(values[np.newaxis])

    def _add_flows_to(self, frame: Frame, gray: ByteImage) -> Face | None:
        """Fill in the flow from each earlier frame; returns the face of the one before, moved with the head."""
        from facespot.faces import crop

        rows = [(distance, row) for distance, row in zip(range(len(self._open), 0, -1), self._open, strict=True)]
        pairs = [(distance, row.values, row.first) for distance, row in rows if row.first is not None]
        if not pairs:
            return None
        firsts = [first for _, _, first in pairs]
        unmoved = [crop(gray, first.face.box, CROP_SIZE)[first.nose_patch] for first in firsts]
        patches = np.stack([first.crop[first.nose_patch] for first in firsts])
        noses = self._engine.flow(patches, np.stack(unmoved))
        motions = [
            first.regions.head_motion(flow) * first.image_pixels for first, flow in zip(firsts, noses, strict=True)
        ]
        boxes = [_moved(first.face.box, motion) for first, motion in zip(firsts, motions, strict=True)]
        aligned = np.stack([crop(gray, box, CROP_SIZE) for box in boxes])
        flows = self._engine.flow(np.stack([first.crop for first in firsts]), aligned)
        for (distance, values, first), flow in zip(pairs, flows, strict=True):
            values[distance] = first.regions.means(flow)
        newest = self._open[-1].first
        if newest is None:
            return None
        landmarks = np.asarray(newest.face.landmarks + motions[-1], dtype=np.float32)
        return replace(newest.face, frame=frame.index, box=boxes[-1], landmarks=landmarks)

    def _detect(self, frame: Frame, reference: int) -> Face | None:
        """The face that overlaps most with the reference, if any does."""
        from facespot.faces import find_near

        return find_near(self._detector, frame.rgb(), frame.index, self._faces.references[reference].box)


def _first_frame(face: Face, gray: ByteImage) -> _FirstFrame | None:
    from facespot.faces import crop, to_crop

    regions = flow_regions(to_crop(face.landmarks, face.box, CROP_SIZE))
    return None if regions is None else _FirstFrame(face, crop(gray, face.box, CROP_SIZE), regions)


def _moved(box: Box, motion: NDArray[np.float64]) -> Box:
    return replace(box, left=box.left + float(motion[0]), top=box.top + float(motion[1]))
