"""A face from one neutral photograph: the expression shapes of the ICT face model, warped into the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from facespot.errors import FaceError
from facespot.synth.face_fit import Points, fit_face
from facespot.synth.face_model import FaceModel
from facespot.synth.layered_face import LayeredFace
from facespot.synth.light import to_linear
from facespot.synth.original import Original, Placement
from facespot.synth.source import REST, Pose
from facespot.values import BoolArray, ByteImage, FloatArray

ZOOM = 2
"""The photograph is kept this much finer than what is drawn, so that motion does not blur it."""
FACE_SHARE = 0.24
"""Distance between the outer eye corners in widths of the picture drawn, or in heights where these are fewer."""
SMALLEST_EYE_DISTANCE = 40.0
"""Pixels between the outer eye corners of a photograph below which lids and lips are too coarse to be warped."""


class PhotoFace:
    """A `FaceSource` that warps a photograph of a neutral face.

    Head motion is carried by the depth of the fitted model and dies away in the background; it looks right up to some
    10 degrees. The shoulders do not breathe and no hand is drawn. An open mouth shows the model's teeth, unless the
    photograph shows some, which are stretched then: a closed mouth is better.

    Parameters
    ----------
    model : FaceModel
    photo : (h, w, 3) uint8 array
        RGB.
    landmarks : (68, 2) float array
        The 68 points of its face in pixels, see `find_landmarks`.
    size : tuple of int
        Width and height in pixels of what is drawn; the face is centred and scaled to fill `FACE_SHARE`.
    name : str
        What errors call the photograph.

    Raises
    ------
    FaceError
        The face is too small, or the points are no upright face.
    """

    def __init__(
        self, model: FaceModel, photo: ByteImage, landmarks: FloatArray, size: tuple[int, int], name: str = "photograph"
    ) -> None:
        self._size = size
        points = np.asarray(landmarks, dtype=np.float64)
        distance = float(np.linalg.norm(points[45] - points[36]))
        if distance < SMALLEST_EYE_DISTANCE:
            raise FaceError(
                name,
                f"the face is too small ({distance:.0f} pixels between the outer eye corners)",
                f"use a photograph with at least {SMALLEST_EYE_DISTANCE:.0f}",
            )
        canvas, in_canvas = frame_face(photo, points, size)
        fit = fit_face(model, in_canvas)
        if fit.rms > 0.1 * np.linalg.norm(in_canvas[45] - in_canvas[36]):
            raise FaceError(name, "the face model does not fit the face", "use an unhidden face that looks ahead")
        self._face = LayeredFace(model, fit, in_canvas)
        self._placement: Placement = self._face.reference.scaled(1 / ZOOM)
        self._original = Original(self._face, canvas, ZOOM, self._placement)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures in pixels."""
        return self._size

    @property
    def blink_weight(self) -> float:
        """Weight of the two eyeBlink shapes that closes the lids just so."""
        return self._face.blink_weight

    def draw(self, pose: Pose, frame: int) -> FloatArray:
        """Picture of a pose, (h, w, 3) float32, linear light, 0..1; every frame shows the same photograph."""
        drawn = self._face.draw(self._original, pose)
        return np.asarray(np.clip(drawn * np.float32(pose.light), 0.0, 1.0))

    def landmarks(self, pose: Pose, frame: int) -> FloatArray:
        """The 68 points of a pose, (68, 2) float32 pixels; at rest those of the photograph, the jaw line smoothed."""
        return self._face.landmarks(self._placement, pose)

    def flow(self, first: Pose, second: Pose, frames: tuple[int, int]) -> tuple[FloatArray, BoolArray]:
        """Exact motion from one picture to the other: (h, w, 2) float32 pixels, and where it is known (h, w) bool."""
        width, height = self._size
        return self._face.flow((height, width), (self._placement, first), (self._placement, second))

    def facial_motion(self, weights: Mapping[str, float]) -> float:
        """Largest motion of a point of the skin against rest, the head still, in pixels."""
        return self._face.facial_motion(weights) * self._placement.position.scale

    def eye_distance(self) -> float:
        """Distance between the outer eye corners at rest in pixels."""
        points = self.landmarks(REST, 0)
        return float(np.linalg.norm(points[45] - points[36]))


def frame_face(photo: ByteImage, landmarks: Points, size: tuple[int, int]) -> tuple[FloatArray, Points]:
    """Cut a face out and scale it to the picture to be drawn, `ZOOM` times as fine.

    Returns
    -------
    canvas : (ZOOM * height, ZOOM * width, 3) float32 array
        Linear light; beyond the photograph its border is repeated.
    landmarks : (68, 2) float64 array
        In pixels of the canvas.
    """
    import cv2

    width, height = size[0] * ZOOM, size[1] * ZOOM
    distance = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    factor = FACE_SHARE * min(width, 1.2 * height) / distance
    middle = 0.5 * landmarks[36:48].mean(axis=0) + 0.5 * landmarks[[33, 51]].mean(axis=0)
    to_canvas = np.array(
        [[factor, 0.0, (width - 1) / 2 - factor * middle[0]], [0.0, factor, (height - 1) / 2 - factor * middle[1]]]
    )
    light = to_linear(photo)
    # A much larger photograph is blurred first, or it would flicker under motion.
    if factor < 1:
        sigma = 0.5 * math.sqrt(1 / factor**2 - 1)
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), dtype=np.float32)
    canvas = cv2.warpAffine(light, to_canvas, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(canvas, 0.0, 1.0).astype(np.float32), landmarks @ to_canvas[:, :2].T + to_canvas[:, 2]
