"""Points of the face in a pose: blendshapes, movement of the head, projection to pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.errors import SettingsError
from facespot.synth.rasteriser import add_shape, place
from facespot.synth.source import Pose
from facespot.values import FloatArray

NECK_PIVOT = np.array([0.0, -9.0, -2.0], dtype=np.float32)
SMALLEST_DELTA = 1e-4  # centimetres: below it a vertex does not take part in a shape

Shapes = Mapping[str, tuple[NDArray[np.int32], FloatArray]]


@dataclass(frozen=True, eq=False)
class Points:
    """Points (n, 3) at rest in centimetres, with the shapes that move them.

    ``sway`` (n,): 1 where a point follows the head, 0 where the shoulders. ``view``: focal length in pixels, the
    camera's distance and height in centimetres, and the pixel that it looks at.
    """

    rest: FloatArray
    sway: FloatArray
    shapes: Shapes
    view: NDArray[np.float64]

    def subset(self, index: NDArray[np.int64]) -> Points:
        """Only the points of these indices, in their order."""
        shapes = {}
        for name, (moved, delta) in self.shapes.items():
            dense = np.zeros_like(self.rest)
            dense[moved] = delta
            shapes[name] = sparse(dense[index])
        return Points(np.ascontiguousarray(self.rest[index]), np.ascontiguousarray(self.sway[index]), shapes, self.view)

    def placed(self, pose: Pose) -> tuple[FloatArray, NDArray[np.float64]]:
        """Vertices (n, 3) in centimetres and their pixels (n, 2) in a pose.

        Raises
        ------
        SettingsError
            If the pose has a blendshape that the face model does not have.
        """
        vertices = self.rest.copy()
        for name, weight in pose.weights.items():
            if weight == 0.0:
                continue
            if name not in self.shapes:
                what = "the face model has none of this name"
                raise SettingsError(f"blendshape {name!r}", what, "check its side, _L or _R")
            index, delta = self.shapes[name]
            add_shape(vertices, index, delta, float(weight))
        xy = np.empty((len(vertices), 2))
        shift = np.array(pose.shift, dtype=np.float32)
        # The whole person beside the camera's axis: the picture moves, its perspective does not.
        view, scale = self.view.copy(), self.view[0] / self.view[1]
        view[3] += pose.step[0] * scale
        view[4] -= pose.step[1] * scale
        place(vertices, self.sway, rotation(*pose.rotation), NECK_PIVOT, shift, float(pose.breath), view, xy)
        return vertices, xy


def sparse(delta: FloatArray) -> tuple[NDArray[np.int32], FloatArray]:
    """Indices (k,) of the points that a shape (n, 3) moves, and their displacements (k, 3)."""
    index = np.flatnonzero(np.abs(delta).max(axis=1) > SMALLEST_DELTA).astype(np.int32)
    return index, np.ascontiguousarray(delta[index], dtype=np.float32)


def rotation(yaw: float, pitch: float, roll: float) -> FloatArray:
    """Matrix (3, 3) of a head that nods, then turns, then tilts; angles in radians.

    Positive yaw turns the face to the subject's left, positive pitch down, positive roll to the subject's right.
    """
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.ascontiguousarray(about_z @ about_y @ about_x, dtype=np.float32)
