"""The square box around a face, the crop that it cuts out, and points in that crop.

SOFTNet crops to the box of dlib's HOG detector and its margins (15 px around the eyes, 12 px around the regions, on a
128x128 crop) are tuned to what that box covers. `face_box` gives such a box from the eyes and the nose alone, which
neither speech nor a smile moves, so that boxes of one person keep their size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facespot.values import Box, ByteImage, Face, FloatArray

RIGID_POINTS = slice(27, 48)
"""Nose and eyes of the 68 points: what moves with the head and little with the expression."""

BOX_SIZE_IN_SPREADS = 4.68
"""Side of dlib's box over the root mean square distance of the rigid points from their mean. Ours: mean over 19 faces
(12 rendered, 7 photographs of four people; 4.65 and 4.72), each detected at 15 scales and shifts; standard deviation
over faces 0.21. dlib's own box varies by 8 % of its side when a picture is rescaled: its image pyramid is coarse."""

BOX_SHIFT_DOWN = 0.12
"""How far dlib's box lies below the mean of the rigid points, in sides of the box. Ours: the same faces; 0.02."""


def outer_eye_distance(landmarks: FloatArray) -> float:
    """Distance between the outer corners of the eyes (points 36 and 45), in the unit of the landmarks."""
    return float(np.linalg.norm(landmarks[45].astype(np.float64) - landmarks[36]))


def face_box(landmarks: FloatArray) -> Box:
    """Put a square around a face, as dlib's HOG detector would.

    Parameters
    ----------
    landmarks : (68, 2) float array
        The 68 points in pixels.

    Returns
    -------
    Box
        Upright square in pixels, not rounded to whole ones; may reach beyond the image.

    Raises
    ------
    ValueError
        All eye and nose points coincide.
    """
    points = np.asarray(landmarks[RIGID_POINTS], dtype=np.float64)
    middle = points.mean(axis=0)
    spread = float(np.sqrt(np.mean(np.sum((points - middle) ** 2, axis=1))))
    down = np.asarray(landmarks[31:36], dtype=np.float64).mean(axis=0) - landmarks[36:48].mean(axis=0, dtype=np.float64)
    if spread == 0 or not np.any(down):
        raise ValueError("the points of eyes and nose coincide")
    size = BOX_SIZE_IN_SPREADS * spread
    # A box covers left <= x < left + width in whole pixels, whose centres span left .. left + width - 1.
    x, y = middle + BOX_SHIFT_DOWN * size * down / np.linalg.norm(down) - (size - 1) / 2
    return Box(float(x), float(y), size, size)


def face_from_landmarks(frame: int, landmarks: FloatArray) -> Face:
    """Make the face of 68 points in one frame, with its box and its size."""
    return Face(frame, face_box(landmarks), landmarks, outer_eye_distance(landmarks))


def _scale_and_offset(box: Box, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Image position = scale * crop position + offset, for x and y."""
    scale = np.array([box.width, box.height]) / size
    return scale, np.array([box.left, box.top]) + (scale - 1) / 2


def crop(image: ByteImage, box: Box, size: int = 128) -> ByteImage:
    """Cut a box out of an image and resample it to a square, as ``cv2.resize`` of the slice would (bilinear).

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8 array
        Grey or colour image.
    box : Box
        What to cut out, pixels; beyond the image its edge pixels are repeated.
    size : int
        Side of the crop in pixels.

    Returns
    -------
    (size, size) or (size, size, 3) uint8 array
    """
    import cv2

    scale, offset = _scale_and_offset(box, size)
    to_image = np.array([[scale[0], 0.0, offset[0]], [0.0, scale[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    resampled = cv2.warpAffine(image, to_image, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(resampled, dtype=np.uint8)


def to_crop(landmarks: FloatArray, box: Box, size: int = 128) -> FloatArray:
    """Where points of the image lie in its crop.

    Parameters
    ----------
    landmarks : (n, 2) float array
        x, y in pixels of the image.
    box : Box
        The box given to `crop`.
    size : int
        The size given to `crop`.

    Returns
    -------
    (n, 2) float32 array
        x, y in pixels of the crop, the centre of its first pixel at (0, 0).

    >>> to_crop(np.array([[10.0, 20.0], [11.0, 20.0]], np.float32), Box(10, 20, 64, 64), size=128)
    array([[0.5, 0.5],
           [2.5, 0.5]], dtype=float32)
    """
    scale, offset = _scale_and_offset(box, size)
    return np.asarray((np.asarray(landmarks, dtype=np.float64) - offset) / scale, dtype=np.float32)
