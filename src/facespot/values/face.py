"""Where a face is in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facespot.values.arrays import FloatArray, read_only


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in an image, in pixels: it covers ``left <= x < left + width``, and so for y.

    >>> Box(0, 0, 10, 10).iou(Box(5, 0, 10, 10))
    0.3333333333333333
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            raise ValueError(f"a box needs a positive size, got {self.width} x {self.height}")

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Intersection over union of the two areas."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    Parameters
    ----------
    frame : int
        Frame of the source video in which it was found.
    box : Box
        Square crop around the face, pixels of the frame; may reach beyond the image.
    landmarks : (68, 2) float32 array
        x, y of the 68 iBUG / Multi-PIE points, 0-based, pixels of the frame.
    quality : float
        Size of the face: distance between the outer eye corners in pixels.
    """

    frame: int
    box: Box
    landmarks: FloatArray
    quality: float

    def __post_init__(self) -> None:
        landmarks = np.asarray(self.landmarks, dtype=np.float32)
        if landmarks.shape != (68, 2):
            raise ValueError(f"landmarks must have the shape (68, 2), got {landmarks.shape}")
        object.__setattr__(self, "landmarks", read_only(landmarks))
