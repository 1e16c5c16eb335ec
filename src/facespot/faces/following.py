"""Which face is which: the faces of successive frames, linked by place, each with its references over time.

A reference is a face as detected in one frame; its box and landmarks stand for all frames until the face is lost and
found again, or has drifted from it. Rows count the frames that are looked at, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facespot.faces.boxes import RIGID_POINTS
from facespot.values import Face, IntArray

SAME_PLACE_IOU = 0.2
"""Boxes in successive frames that overlap more than this show one face."""
REACH_PER_SECOND = 2.0
"""A lost face comes back at most 1 + this x seconds box widths away; farther off it is another face."""
LARGEST_SIZE_RATIO = 2.0
"""A lost face comes back at most this much larger or smaller."""


def drift(face: Face, reference: Face) -> float:
    """How far a face has moved from its reference: mean shift of the nose and eye points, in widths of its box."""
    shift = face.landmarks[RIGID_POINTS].astype(np.float64) - reference.landmarks[RIGID_POINTS]
    return float(np.mean(np.linalg.norm(shift, axis=1))) / reference.box.width


@dataclass(eq=False)
class FollowedFace:
    """One face through the video.

    Parameters
    ----------
    references : list of Face
        In order of time.
    runs : list of [first row, last row, index of the reference]
        The rows in which the face is usable.
    sizes : list of float
        Distance between the outer eye corners in pixels, at each detection.
    last : Face
        Its latest detection.
    """

    references: list[Face]
    runs: list[list[int]]
    sizes: list[float]
    last: Face

    @property
    def last_row(self) -> int:
        """The latest row in which the face is usable."""
        return self.runs[-1][1]

    @property
    def n_rows(self) -> int:
        """In how many rows the face is usable."""
        return sum(last - first + 1 for first, last, _ in self.runs)

    @property
    def weight(self) -> float:
        """Median size times rows: how large and how lasting the face is."""
        return float(np.median(self.sizes)) * self.n_rows

    def reference_of_rows(self, n_rows: int) -> IntArray:
        """Index of the reference of each row, -1 where the face is not usable."""
        reference = np.full(n_rows, -1, dtype=np.int64)
        for first, last, index in self.runs:
            reference[first : last + 1] = index
        return reference


@dataclass(eq=False)
class Follower:
    """Links detections to faces, row after row; between two examined rows it can carry on what it knows.

    Parameters
    ----------
    max_drift : float
        Drift above which a new reference is taken, in box widths.
    rows_per_second : float
        To tell how long a face was lost.
    """

    max_drift: float
    rows_per_second: float
    faces: list[FollowedFace] = field(default_factory=list)
    _present: list[FollowedFace] = field(default_factory=list)

    def agrees(self, detections: Sequence[Face]) -> bool:
        """Whether detections show exactly the faces that are present, each near its reference."""
        if len(detections) != len(self._present):
            return False
        pairs = _overlapping(self._present, detections)
        return len(pairs) == len(detections) and all(
            drift(detections[index], face.references[-1]) <= self.max_drift for face, index in pairs
        )

    def carry(self, row: int) -> None:
        """Take the present faces to be as they are up to and including a row that is not examined."""
        for face in self._present:
            face.runs[-1][1] = row

    def examine(self, row: int, detections: Sequence[Face]) -> None:
        """Link the detections of the next row to the faces; what is not found is lost."""
        pairs = _overlapping(self._present, detections)
        missing = [face for face in self.faces if all(face is not found for found, _ in pairs)]
        unclaimed = sorted(set(range(len(detections))) - {index for _, index in pairs})
        pairs += self._found_again(row, missing, detections, unclaimed)
        claimed = {index: face for face, index in pairs}
        present = []
        for index, detection in enumerate(detections):
            face = claimed.get(index)
            if face is None:
                face = FollowedFace([detection], [[row, row, 0]], [detection.quality], detection)
                self.faces.append(face)
            else:
                self._extend(face, row, detection)
            present.append(face)
        self._present = present

    def _extend(self, face: FollowedFace, row: int, detection: Face) -> None:
        lost = all(face is not other for other in self._present)
        if lost or drift(detection, face.references[-1]) > self.max_drift:
            face.references.append(detection)
            face.runs.append([row, row, len(face.references) - 1])
        else:
            face.runs[-1][1] = row
        face.sizes.append(detection.quality)
        face.last = detection

    def _found_again(
        self, row: int, missing: Sequence[FollowedFace], detections: Sequence[Face], unclaimed: Sequence[int]
    ) -> list[tuple[FollowedFace, int]]:
        """Pairs of a face that is not in its place and a detection that may be it, the nearest first."""
        options = []
        for number, face in enumerate(missing):
            reach = 1 + REACH_PER_SECOND * (row - face.last_row) / self.rows_per_second
            for index in unclaimed:
                detection = detections[index]
                ratio = detection.quality / face.last.quality
                distance = float(np.linalg.norm(_centre(detection) - _centre(face.last))) / face.last.box.width
                if distance <= reach and 1 / LARGEST_SIZE_RATIO <= ratio <= LARGEST_SIZE_RATIO:
                    options.append((distance / reach, number, index))
        return [(missing[number], index) for number, index in _one_to_one(options)]


def _centre(face: Face) -> NDArray[np.float64]:
    return np.array([face.box.left + face.box.width / 2, face.box.top + face.box.height / 2])


def _overlapping(faces: Sequence[FollowedFace], detections: Sequence[Face]) -> list[tuple[FollowedFace, int]]:
    """One-to-one pairs of a face and a detection in its place, the best overlap first."""
    options = []
    for number, face in enumerate(faces):
        for index, detection in enumerate(detections):
            overlap = face.last.box.iou(detection.box)
            if overlap > SAME_PLACE_IOU:
                options.append((-overlap, number, index))
    return [(faces[number], index) for number, index in _one_to_one(options)]


def _one_to_one(options: list[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Of (cost, left, right), the cheapest pairs first, each left and right once."""
    pairs: list[tuple[int, int]] = []
    for _, left, right in sorted(options):
        if all(left != other_left and right != other_right for other_left, other_right in pairs):
            pairs.append((left, right))
    return pairs
