"""Fits the ICT face model to the 68 landmarks of a picture: where the head is, whose it is, what it does at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.synth.face_model import FaceModel
from facespot.values import FloatArray

Points = NDArray[np.float64]

IDENTITY_MODES = 40
POINT_ERROR = 0.015
"""Expected error of a landmark in distances between the outer eye corners; the priors weigh against it. Ours."""
JAW_ERROR = 0.06
"""The same for the jaw line (points 0-16), which detectors put on the outline of the face and not on fixed skin."""
REST_SHAPES = (
    "jawOpen", "mouthSmile_L", "mouthSmile_R", "mouthFrown_L", "mouthFrown_R", "mouthPucker", "mouthUpperUp_L",
    "mouthUpperUp_R", "mouthLowerDown_L", "mouthLowerDown_R", "eyeBlink_L", "eyeBlink_R", "eyeWide_L", "eyeWide_R",
    "browInnerUp_L", "browInnerUp_R", "browDown_L", "browDown_R", "browOuterUp_L", "browOuterUp_R",
)  # fmt: skip
"""What a face called neutral may still do a little."""
REST_SPREAD = 0.2
"""Standard deviation of their weights under the prior. Ours."""


@dataclass(frozen=True, eq=False)
class HeadPosition:
    """Weak perspective: ``x = offset + scale * (R v)_x`` and ``y = offset - scale * (R v)_y``.

    Parameters
    ----------
    rotation : (3, 3) float64 array
        From the model's axes to those of the camera: x right, y up, z to the camera.
    scale : float
        Pixels per centimetre.
    offset : (2,) float64 array
        Pixel at which the origin of the model lies.
    """

    rotation: Points
    scale: float
    offset: Points

    @property
    def roll(self) -> float:
        """Turn of the head in the image plane in radians, counter-clockwise."""
        return float(np.arctan2(self.rotation[1, 0], self.rotation[0, 0]))

    def upright(self) -> Points:
        """Rotation without its roll, (3, 3)."""
        return np.asarray(_roll(-self.roll) @ self.rotation)

    def to_image(self, plane: Points) -> Points:
        """Pixels (n, 2) of points in the upright camera plane, centimetres, y up."""
        turned = plane @ _roll(self.roll)[:2, :2].T
        return np.asarray(self.offset + self.scale * turned * (1.0, -1.0))

    def to_plane(self, pixels: Points) -> Points:
        """Points (n, 2) in the upright camera plane, the inverse of `to_image`."""
        return np.asarray((pixels - self.offset) * (1.0, -1.0) / self.scale @ _roll(self.roll)[:2, :2])


@dataclass(frozen=True, eq=False)
class FaceFit:
    """The face model laid over a picture.

    Parameters
    ----------
    position : HeadPosition
    shape : (n, 3) float32 array
        Vertices of this person, doing at rest what the picture shows, in the model's axes, centimetres.
    identity : (k,) float64 array
        Weights of the first identity modes, in standard deviations.
    rms : float
        Root mean square distance of the fitted points from the landmarks, jaw line left out, in pixels.
    """

    position: HeadPosition
    shape: FloatArray
    identity: Points
    rms: float


def weak_perspective(points: Points, pixels: Points, weights: Points | None = None) -> HeadPosition:
    """Best position of a rigid shape: linear least squares, then the nearest scaled rotation.

    Parameters
    ----------
    points : (n, 3) float array
        Points of the model, not all in one plane, centimetres.
    pixels : (n, 2) float array
        Where they are in the picture.
    weights : (n,) float array, optional
        How much each counts.
    """
    root = np.sqrt(np.ones(len(points)) if weights is None else weights)[:, None]
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    solved = np.linalg.lstsq(homogeneous * root, pixels * (1.0, -1.0) * root, rcond=None)[0]
    u, size, vt = np.linalg.svd(solved[:3].T, full_matrices=False)
    rows = u @ vt
    rotation = np.stack([rows[0], rows[1], np.cross(rows[0], rows[1])])
    scale = float(size.mean())
    turned = points @ rotation[:2].T * (1.0, -1.0)
    offset = np.average(pixels - scale * turned, axis=0, weights=root[:, 0] ** 2)
    return HeadPosition(rotation, scale, offset)


def fit_face(model: FaceModel, landmarks: FloatArray | Points) -> FaceFit:
    """Fit pose, scale, a regularised identity and a slight rest expression to 68 points.

    Weak perspective; identity weights have the model's own prior N(0, 1). The same landmarks give the same fit.

    Parameters
    ----------
    model : FaceModel
    landmarks : (68, 2) float array
        Pixels.
    """
    from scipy.optimize import least_squares
    from scipy.spatial.transform import Rotation

    pixels = np.asarray(landmarks, dtype=np.float64)
    eyes = float(np.linalg.norm(pixels[45] - pixels[36]))
    at = model.landmarks
    n_modes = min(IDENTITY_MODES, len(model.identity_delta))
    shapes = [name for name in REST_SHAPES if name in model.expression_delta]
    neutral = model.neutral[at].astype(np.float64)
    modes = np.concatenate(
        [model.identity_delta[:n_modes, at].astype(np.float64)]
        + [model.expression_delta[name][at][None].astype(np.float64) for name in shapes]
    )
    spread = np.concatenate([np.ones(n_modes), np.full(len(shapes), REST_SPREAD)])
    error = np.full(68, POINT_ERROR * eyes)
    error[:17] = JAW_ERROR * eyes
    start = weak_perspective(neutral, pixels, error**-2.0)
    turn = Rotation.from_matrix(start.rotation)

    def position(values: Points) -> HeadPosition:
        rotation = (Rotation.from_rotvec(values[:3]) * turn).as_matrix()
        return HeadPosition(rotation, start.scale * float(np.exp(values[3])), start.offset + eyes * values[4:6])

    def projected(values: Points) -> Points:
        here = position(values)
        points = neutral + np.tensordot(values[6:], modes, 1)
        return here.offset + here.scale * (points @ here.rotation[:2].T) * (1.0, -1.0)

    def residuals(values: Points) -> Points:
        misses = (projected(values) - pixels) / error[:, None]
        return np.concatenate([misses.ravel(), values[6:] / spread])

    low, high = np.full(6 + len(modes), -np.inf), np.full(6 + len(modes), np.inf)
    low[6 : 6 + n_modes], high[6 : 6 + n_modes] = -2.5, 2.5
    low[6 + n_modes :], high[6 + n_modes :] = -1e-9, 1.0
    found = least_squares(residuals, np.zeros(6 + len(modes)), bounds=(low, high), max_nfev=40).x
    weights = found[6:]
    padded = np.zeros(len(model.identity_delta), dtype=np.float32)
    padded[:n_modes] = weights[:n_modes]
    shape = model.identity(padded)
    for name, weight in zip(shapes, weights[n_modes:], strict=True):
        shape = shape + np.float32(max(weight, 0.0)) * model.expression_delta[name]
    misses = (projected(found) - pixels)[17:]
    rms = float(np.sqrt(np.mean(np.sum(misses**2, axis=1))))
    return FaceFit(position(found), shape.astype(np.float32), weights[:n_modes], rms)


def _roll(angle: float) -> Points:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
