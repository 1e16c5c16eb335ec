"""Aligned face crops as rows (FESNet, section 3.2): 112x112 RGB, one per frame, at no more than 60 frames per second.

`facespot.faces.alignment` tells how a crop is aligned and what is smoothed. Rows are bytes, 37.6 kB each: 4.1 GB for an
hour at 30 frames per second.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facespot.errors import SettingsError
from facespot.features.cache import RowWriter
from facespot.values import BoolArray, Box, ByteImage, FeatureSpec, IntArray
from facespot.video import Selection

if TYPE_CHECKING:
    from facespot.faces import Detector, FaceTrack
    from facespot.video import Frame

KIND = "aligned_faces"
ALIGNED_SHAPE = (112, 112, 3)
ROOM_IN_BOXES = 2.0
"""Side of the part of a frame that is kept until it can be aligned, in sides of the face's box."""
SAME_PLACE_IOU = 0.5
"""Where the box of a frame and that of the one before overlap less, it is another face or a cut: nothing is smoothed
across."""


def rows_of_aligned_faces(spec: FeatureSpec, selection: Selection) -> Selection:
    """Frames that have a row, and rows per second."""
    rate = number_of(spec, "rows_per_second")
    places = places_at(rate, selection.fps, len(selection.frames))
    return Selection(selection.frames[places], row_rate(rate, selection.fps))


def row_rate(rate: float, fps: float) -> float:
    """Rows per second: a lower rate, or that of the frames where it is not at least a hundredth above.

    >>> [row_rate(60.0, fps) for fps in (200.0, 60.2, 30.0)]
    [60.0, 60.2, 30.0]
    """
    return fps if fps <= rate * 1.01 else rate


def places_at(rate: float, fps: float, n_frames: int) -> IntArray:
    """Frames that are nearest to the times of the rows; all of them where `row_rate` is theirs.

    >>> places_at(60.0, 200.0, 12).tolist()
    [0, 3, 7, 10]
    """
    if row_rate(rate, fps) == fps:
        return np.arange(n_frames)
    # Half a frame rounds up, so that the steps repeat.
    places: IntArray = np.floor(np.arange(math.ceil(n_frames * rate / fps)) * fps / rate + 0.5).astype(np.int64)
    return np.asarray(places[places < n_frames])


def number_of(spec: FeatureSpec, name: str, *, or_zero: bool = False) -> float:
    """A setting that is a number above 0, or from 0 on.

    Raises
    ------
    SettingsError
        It is none.
    """
    value = spec.settings[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise SettingsError(f"setting {name!r}", f"{value!r} is no number from 0 on", "give a number")
    if value == 0 and not or_zero:
        raise SettingsError(f"setting {name!r}", "it is 0", "give a number above 0")
    return value


@dataclass(frozen=True, eq=False)
class WaitingPart:
    """A frame that cannot be aligned before later ones are known: its part around the face, and where that begins.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8 array
    left, top : int
        Place of its first pixel in the frame.
    """

    image: ByteImage
    left: int
    top: int


@dataclass(eq=False)
class _Segment:
    """Consecutive frames of one face; the newest transforms, and the frames that wait for later ones."""

    box: Box
    transforms: deque[NDArray[np.float64]]
    waiting: deque[WaitingPart] = field(default_factory=deque)


class AlignedFacesStream:
    """Rows of one feature, written as soon as the frames are known over which their alignment is smoothed.

    Parameters
    ----------
    detector : Detector
        Finds the landmarks.
    faces : FaceTrack
        Which frames have a usable face, and which of several it is.
    places : (n,) int array
        Places in the selection of the frames that have a row.
    sigma_rows : float
        Standard deviation of the smoothing in rows.
    landmarks_every : int
        Landmarks are detected in every so many-th row. The smoothing fills in the others, and is widened where it would
        not reach from one to the next.
    """

    def __init__(
        self, detector: Detector, faces: FaceTrack, *, places: IntArray, sigma_rows: float, landmarks_every: int
    ) -> None:
        from facespot.faces.alignment import smoothing_radius

        self.places = places
        self.outputs: list[tuple[FeatureSpec, RowWriter]] = []
        self._detector = detector
        self._faces = faces
        self._landmarks_every = landmarks_every
        self._sigma_rows = max(sigma_rows, (landmarks_every - 1) / 3)
        self._radius = smoothing_radius(self._sigma_rows)
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

        rgb = frame.rgb()
        found = None
        if self._n_rows % self._landmarks_every == 0 or self._segment is None:
            found = find_near(self._detector, rgb, frame.index, place)
        box = place if found is None else found.box
        if self._segment is not None and self._segment.box.iou(box) < SAME_PLACE_IOU:
            self._end_segment()
        if self._segment is None:
            self._segment = _Segment(box, deque(maxlen=2 * self._radius + 1))
        segment = self._segment
        if found is not None:
            segment.box = box
        segment.transforms.append(np.full(4, np.nan) if found is None else alignment(found.landmarks))
        segment.waiting.append(part_around(rgb, segment.box))
        if len(segment.waiting) > self._radius:
            self._write_oldest(segment)

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        while segment is not None and segment.waiting:
            self._write_oldest(segment)

    def _write_oldest(self, segment: _Segment) -> None:
        """Align the frame that has waited longest by all transforms that count for it."""
        from facespot.faces.alignment import aligned_crop, smoothed_at

        oldest = segment.waiting.popleft()
        transforms = np.stack(segment.transforms)
        found = smoothed_at(transforms, len(transforms) - 1 - len(segment.waiting), self._sigma_rows)
        if found is None:
            self._write(None)
        else:
            self._write(aligned_crop(oldest.image, found - (oldest.left, oldest.top, 0.0, 0.0)))

    def _write(self, crop: ByteImage | None) -> None:
        self._valid.append(crop is not None)
        row = np.zeros(ALIGNED_SHAPE, dtype=np.uint8) if crop is None else crop
        for _, writer in self.outputs:
            writer.append(row[np.newaxis])


def part_around(image: ByteImage, box: Box) -> WaitingPart:
    """The part of a frame (h, w) or (h, w, 3) that an aligned crop of the face in this box can reach, copied."""
    x, y = box.left + box.width / 2, box.top + box.height / 2
    reach = ROOM_IN_BOXES * max(box.width, box.height) / 2
    height, width = image.shape[:2]
    left, top = (min(max(0, math.floor(at - reach)), side - 1) for at, side in ((x, width), (y, height)))
    part = image[top : max(top + 1, math.ceil(y + reach)), left : max(left + 1, math.ceil(x + reach))]
    return WaitingPart(part.copy(), left, top)
