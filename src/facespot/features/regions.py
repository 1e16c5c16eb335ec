"""Which pixels of a 128x128 face crop are read: nose window, eye mask, brow and mouth rectangles.

SOFTNet section 2.2; the margins in pixels are those of the authors' program and hold for a crop of 128x128 pixels.
Landmarks are the 68 iBUG points in crop coordinates, rounded to whole pixels as dlib gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facespot.values import BoolArray, FloatArray

CROP_SIZE = 128
NOSE_MARGIN = 5
EYE_MARGIN = 15
REGION_MARGIN = 12


class Rectangle(NamedTuple):
    """Rows ``top <= y < bottom`` and columns ``left <= x < right`` of an image, in pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        """Whether no pixel is inside."""
        return self.bottom <= self.top or self.right <= self.left

    def clipped(self, size: int) -> Rectangle:
        """The part inside an image of size x size pixels."""
        top, bottom, left, right = (min(max(value, 0), size) for value in self)
        return Rectangle(top, bottom, left, right)

    def union(self, other: Rectangle) -> Rectangle:
        """The smallest rectangle around both."""
        return Rectangle(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


@dataclass(frozen=True, eq=False)
class Regions:
    """Parts of one face crop.

    Parameters
    ----------
    nose : Rectangle
        11x11 window around landmark 28: its mean motion is taken for the motion of the head.
    eyes : (128, 128) bool array
        True where blinking would drown everything else; set to 0 in every map.
    left_brow, right_brow : Rectangle
        Eyebrow and eye, left and right in the image.
    mouth : Rectangle
        The mouth.
    """

    nose: Rectangle
    eyes: BoolArray
    left_brow: Rectangle
    right_brow: Rectangle
    mouth: Rectangle


def face_regions(landmarks: FloatArray) -> Regions | None:
    """Regions of a 128x128 crop; None where one of them lies outside, so that the face cannot be read.

    Parameters
    ----------
    landmarks : (68, 2) array
        x, y in pixels of the crop.
    """
    points = np.floor(np.asarray(landmarks, dtype=np.float64) + 0.5).astype(np.int64)

    def rectangle(left: int, right: int, top: int, bottom: int) -> Rectangle:
        """Around the x of two landmarks and the y of two others, with the margin."""
        return Rectangle(
            int(points[top, 1]) - REGION_MARGIN,
            int(points[bottom, 1]) + REGION_MARGIN,
            int(points[left, 0]) - REGION_MARGIN,
            int(points[right, 0]) + REGION_MARGIN,
        ).clipped(CROP_SIZE)

    x, y = (int(value) for value in points[28])
    nose = Rectangle(y - NOSE_MARGIN, y + NOSE_MARGIN + 1, x - NOSE_MARGIN, x + NOSE_MARGIN + 1).clipped(CROP_SIZE)
    left_brow = rectangle(17, 21, 19, 41)
    right_brow = rectangle(22, 26, 24, 46)
    mouth = rectangle(60, 64, 50, 57)
    if any(part.empty for part in (nose, left_brow, right_brow, mouth)):
        return None
    return Regions(nose, eye_mask(points), left_brow, right_brow, mouth)


def eye_mask(points: np.ndarray) -> BoolArray:
    """Both eyes' polygons pushed out by 15 pixels: corners sideways, upper lids up, lower lids down.

    Parameters
    ----------
    points : (68, 2) int array
        x, y in whole pixels of the crop.

    Returns
    -------
    (128, 128) bool array
    """
    import cv2

    pushes = np.array([(-1, 0), (0, -1), (0, -1), (1, 0), (0, 1), (0, 1)]) * EYE_MARGIN
    image = np.zeros((CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    for first in (36, 42):
        polygon = np.clip(points[first : first + 6] + pushes, 0, CROP_SIZE)
        cv2.fillPoly(image, [polygon.astype(np.int32)], 1)
    return image.astype(np.bool_)
