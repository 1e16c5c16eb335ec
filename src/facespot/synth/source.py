"""What a face of the synthetic corpus can do, whether it is rendered or a warped photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from facespot.values import BoolArray, FloatArray


@dataclass(frozen=True)
class Pose:
    """What a person does at one moment.

    Parameters
    ----------
    weights : mapping from str to float
        Blendshape of the ICT face model, with its side where it has one (``"mouthSmile_L"``), to its weight; 0 is rest.
    rotation : tuple of float
        Yaw, pitch and roll of the head in radians.
    shift : tuple of float
        Shift of the head to its left, up and forward in centimetres.
    wrinkles : mapping from str to (left, right)
        Depth of the named folds on the two halves of the face, 0 to 1.
    breath : float
        Rise of the shoulders in centimetres.
    light : float
        Factor on the light, 1 for none; flicker and passing shadows.
    occluder : tuple of float or None
        Centre x, y and radius in pixels, and angle in radians, of a hand in front of the face.
    step : tuple of float
        Shift of the whole person, shoulders and all, to its left and up in centimetres.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wrinkles: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    breath: float = 0.0
    light: float = 1.0
    occluder: tuple[float, float, float, float] | None = None
    step: tuple[float, float] = (0.0, 0.0)


REST = Pose()


class FaceSource(Protocol):
    """A face that can be drawn in any pose, with what is exactly true of it."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures in pixels."""

    @property
    def blink_weight(self) -> float:
        """Weight of the two eyeBlink shapes that closes the lids just so."""

    def draw(self, pose: Pose, frame: int) -> FloatArray:
        """Picture of a pose, (h, w, 3) float32, linear light, 0..1; `frame` picks the frame of a carrier video."""

    def landmarks(self, pose: Pose, frame: int) -> FloatArray:
        """The 68 points of a pose, (68, 2) float32 pixels, visible or not."""

    def flow(self, first: Pose, second: Pose, frames: tuple[int, int]) -> tuple[FloatArray, BoolArray]:
        """Exact motion from one picture to the other: (h, w, 2) float32 pixels, and where it is known (h, w) bool."""

    def facial_motion(self, weights: Mapping[str, float]) -> float:
        """Largest motion of a point of the skin against rest, the head still, in pixels."""

    def eye_distance(self) -> float:
        """Distance between the outer eye corners at rest in pixels."""
