"""Rows of `facespot.features.region_motion` from frames that come one after the other.

A frame waits until the landmarks are known over which its alignment is smoothed, as many rows later as `smoothing`
tells; then it is compared with the aligned crops of the rows before it, of which those in reach are kept.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facespot.features.aligned_faces import SAME_PLACE_IOU, WaitingPart, part_around
from facespot.features.cache import RowWriter
from facespot.features.flow import FlowEngine
from facespot.features.region_motion import (
    CROP_SIDE,
    LEVER_PIXELS,
    SETTLED_S,
    SLOW_MEAN_S,
    WIDTH,
    distances_in_rows,
    region_centres,
    region_means,
    shape_measures,
)
from facespot.values import BoolArray, Box, ByteImage, FeatureSpec, FloatArray

if TYPE_CHECKING:
    from facespot.faces import Detector, FaceTrack
    from facespot.video import Frame


@dataclass(frozen=True, eq=False)
class _Aligned:
    """What later rows need of a row."""

    crop: ByteImage
    transform: NDArray[np.float64]


@dataclass(eq=False)
class _Segment:
    """Consecutive frames of one face.

    The box is that of the newest landmarks; `transforms` and `landmarks` are those of the newest rows, NaN and None
    where none were detected; `done` are the rows in reach; `settled` and `slow` are slow means of landmarks and shape.
    """

    box: Box
    transforms: deque[NDArray[np.float64]]
    landmarks: deque[FloatArray | None]
    waiting: deque[WaitingPart] = field(default_factory=deque)
    done: deque[_Aligned] = field(default_factory=deque)
    settled: NDArray[np.float64] | None = None
    slow: NDArray[np.float64] | None = None


class RegionMotionStream:
    """Rows of one feature, written as soon as their frames can be aligned.

    Parameters
    ----------
    engine : FlowEngine
        Its flow over all distances of a row is asked for in one batch.
    detector : Detector
        Finds the landmarks.
    faces : FaceTrack
        Which frames have a usable face, and which of several it is.
    step : int
        Every how many-th frame of the selection has a row.
    rows_per_second : float
    smoothing_rows : float
        Standard deviation of the smoothing of the alignment in rows.
    landmarks_every : int
        Landmarks are detected in every so many-th row; in between the alignment is interpolated.
    """

    def __init__(
        self,
        engine: FlowEngine,
        detector: Detector,
        faces: FaceTrack,
        *,
        step: int,
        rows_per_second: float,
        smoothing_rows: float,
        landmarks_every: int,
    ) -> None:
        self.places = np.arange(0, len(faces.frames), step)
        self.outputs: list[tuple[FeatureSpec, RowWriter]] = []
        self._engine = engine
        self._detector = detector
        self._faces = faces
        self._landmarks_every = landmarks_every
        self._sigma, self._radius = smoothing(smoothing_rows, landmarks_every)
        self._distances = distances_in_rows(rows_per_second)
        self._settling = 1.0 / max(1.0, SETTLED_S * rows_per_second)
        self._slowing = 1.0 / max(1.0, SLOW_MEAN_S * rows_per_second)
        self._segment: _Segment | None = None
        self._n_rows = 0
        self._valid: list[bool] = []

    def push(self, row: int, frame: Frame) -> None:
        """Take the next frame; `row` is its place in the selection."""
        reference = int(self._faces.reference[row])
        if reference < 0:
            self._end_segment()
            self._write(None)
        else:
            self._add(frame, self._faces.references[reference].box)
        self._n_rows += 1

    def finish(self) -> BoolArray:
        """Write what is left; returns which rows are valid."""
        self._end_segment()
        return np.array(self._valid, dtype=np.bool_)

    def _add(self, frame: Frame, place: Box) -> None:
        from facespot.faces import find_near
        from facespot.faces.alignment import alignment

        found = None
        if self._n_rows % self._landmarks_every == 0 or self._segment is None:
            found = find_near(self._detector, frame.rgb(), frame.index, place)
        box = place if found is None else found.box
        if self._segment is not None and self._segment.box.iou(box) < SAME_PLACE_IOU:
            self._end_segment()
        if self._segment is None:
            held = 2 * self._radius + 1
            self._segment = _Segment(box, deque(maxlen=held), deque(maxlen=held))
        segment = self._segment
        if found is not None:
            segment.box = box
        segment.transforms.append(np.full(4, np.nan) if found is None else alignment(found.landmarks))
        segment.landmarks.append(None if found is None else found.landmarks)
        segment.waiting.append(part_around(frame.gray(), segment.box))
        if len(segment.waiting) > self._radius:
            self._write_oldest(segment)

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        while segment is not None and segment.waiting:
            self._write_oldest(segment)

    def _write_oldest(self, segment: _Segment) -> None:
        from facespot.faces.alignment import aligned_crop, smoothed_at, to_aligned

        oldest = segment.waiting.popleft()
        transforms = np.stack(segment.transforms)
        place = len(transforms) - 1 - len(segment.waiting)
        transform = smoothed_at(transforms, place, self._sigma)
        landmarks = _interpolated(segment.landmarks, place)
        if transform is None or landmarks is None:
            segment.done.clear()
            self._write(None)
            return
        offset = np.array([oldest.left, oldest.top, 0.0, 0.0])
        crop = aligned_crop(oldest.image, transform - offset, CROP_SIDE)
        points = to_aligned(landmarks, transform, CROP_SIDE)
        segment.done.append(_Aligned(crop, transform))
        if len(segment.done) > self._distances[-1] + 1:
            segment.done.popleft()
        self._write(self._row(segment, points))

    def _row(self, segment: _Segment, points: FloatArray) -> FloatArray:
        now = segment.done[-1]
        segment.settled = _moved_towards(segment.settled, np.asarray(points, dtype=np.float64), self._settling)
        measures = shape_measures(points)
        segment.slow = _moved_towards(segment.slow, measures, self._slowing)
        if len(segment.done) == 1:
            return np.zeros(WIDTH, dtype=np.float32)
        reached = [min(distance, len(segment.done) - 1) for distance in self._distances]
        # In the first rows several distances end at the same one.
        before = {distance: segment.done[-1 - distance] for distance in reached}
        firsts = np.stack([one.crop for one in before.values()])
        flows = self._engine.flow(firsts, np.broadcast_to(now.crop, firsts.shape))
        centres = region_centres(np.asarray(segment.settled, dtype=np.float32))
        means = dict(zip(before, region_means(flows, centres), strict=True))
        moved = np.stack([means[distance] for distance in reached])
        motion = (moved[:, :-1] - moved[:, -1:]).transpose(1, 0, 2)
        head = np.stack([_head_motion(before[distance].transform, now.transform) for distance in reached])
        parts = (motion, moved[:, -1], head, measures - segment.slow)
        return np.concatenate([one.ravel() for one in parts]).astype(np.float32)

    def _write(self, values: FloatArray | None) -> None:
        self._valid.append(values is not None)
        row = np.full(WIDTH, np.nan, dtype=np.float32) if values is None else values
        for _, writer in self.outputs:
            writer.append(row[np.newaxis])


def smoothing(sigma_rows: float, landmarks_every: int) -> tuple[float, int]:
    """Standard deviation of the smoothing of the alignment in rows, and how many rows before and after count.

    It is widened where it would not reach from one detection to the next.

    >>> smoothing(2.0, 3), smoothing(0.0, 3)
    ((2.0, 6), (0.6666666666666666, 2))
    """
    from facespot.faces.alignment import smoothing_radius

    sigma = max(sigma_rows, (landmarks_every - 1) / 3)
    return sigma, smoothing_radius(sigma)


def _moved_towards(mean: NDArray[np.float64] | None, value: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return value if mean is None else mean + share * (value - mean)


def _head_motion(before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """x, y, turn and log scale from one alignment to another in pixels of the crop."""
    from facespot.faces.alignment import ALIGNED_SIZE

    difference = now - before
    pixel = math.exp(now[3]) * ALIGNED_SIZE / CROP_SIDE
    turn = math.remainder(difference[2], 2 * math.pi)
    return np.array([difference[0] / pixel, difference[1] / pixel, turn * LEVER_PIXELS, difference[3] * LEVER_PIXELS])


def _interpolated(landmarks: deque[FloatArray | None], place: int) -> NDArray[Any] | None:
    """Landmarks (68, 2) of a place: detected there, else between the nearest before and after, else the nearest."""
    found = [(index, one) for index, one in enumerate(landmarks) if one is not None]
    earlier = [(index, one) for index, one in found if index <= place]
    later = [(index, one) for index, one in found if index >= place]
    if not found:
        return None
    if not earlier or not later:
        nearest = earlier[-1][1] if earlier else later[0][1]
        return np.asarray(nearest, dtype=np.float64)
    (low, first), (high, second) = earlier[-1], later[0]
    share = 0.0 if high == low else (place - low) / (high - low)
    return np.asarray((1 - share) * first.astype(np.float64) + share * second.astype(np.float64))
