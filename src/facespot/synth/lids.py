"""Skin for lids that come out of their folds: the picture with the eyes and their lashes filled in."""

from __future__ import annotations

import numpy as np

from facespot.synth.face_fit import Points
from facespot.synth.surroundings import extension
from facespot.values import FloatArray

RIM = 0.06
"""How far lashes and dark lid edges reach beyond the lid points, in distances between the outer eye corners. Ours."""


def without_eyes(picture: FloatArray, landmarks: Points) -> FloatArray:
    """Fill the eyes with the skin around them, smoothly.

    Parameters
    ----------
    picture : (h, w, 3) float32 array
    landmarks : (68, 2) float array
        Pixels of the picture.

    Returns
    -------
    (h, w, 3) float32 array
        A copy.
    """
    import cv2

    filled = picture.copy()
    rim = max(1, round(RIM * float(np.linalg.norm(landmarks[45] - landmarks[36]))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    for eye in (landmarks[36:42], landmarks[42:48]):
        # The lids and corners, two nodes of skin around them, and one of border that the continuation takes as zero.
        left, top = np.floor(eye.min(axis=0)).astype(int) - rim - 3
        right, bottom = np.ceil(eye.max(axis=0)).astype(int) + rim + 4
        if left < 0 or top < 0 or right > picture.shape[1] or bottom > picture.shape[0]:
            continue
        mask = np.zeros((bottom - top, right - left), dtype=np.uint8)
        cv2.fillConvexPoly(mask, np.rint(eye - (left, top)).astype(np.int32), 1)
        hidden = cv2.dilate(mask, disc) > 0
        inside = filled[top:bottom, left:right]
        inside[hidden] = extension(~hidden, 1e6)(inside.astype(np.float64))[hidden]
    return filled
