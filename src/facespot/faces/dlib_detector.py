"""The optional detector: dlib's HOG detector and 68-point predictor, as the SOFTNet authors used.

Import this module only through `facespot.faces.load_detector`; making the detector loads dlib and a file of 100 MB.
The predictor was trained on data with a non-commercial licence.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from facespot.faces.boxes import outer_eye_distance
from facespot.values import Box, ByteImage, Face

PREDICTOR_FILE = "shape_predictor_68_face_landmarks.dat"


def predictor_path() -> Path:
    """Find the predictor's file in the package face_recognition_models, without importing the package.

    Importing it needs pkg_resources, which newer setuptools no longer have.

    Raises
    ------
    ImportError
        The package or the file is missing.
    """
    spec = find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / "models" / PREDICTOR_FILE
        if path.is_file():
            return path
    raise ImportError(f"{PREDICTOR_FILE} of face_recognition_models is missing")


class DlibDetector:
    """dlib's detector at the size of the frame, and once more enlarged twice where it finds nothing.

    The box of a face is dlib's own, made square; it finds faces from 80 pixels, enlarged from 40.
    """

    name = "dlib"

    def __init__(self) -> None:
        import dlib

        self._detector: Any = dlib.get_frontal_face_detector()
        self._predictor: Any = dlib.shape_predictor(str(predictor_path()))
        self.version = str(dlib.__version__)

    def detect(self, rgb: ByteImage, frame: int) -> tuple[Face, ...]:
        """All faces of a frame, the largest first; see `Detector.detect`."""
        picture = np.ascontiguousarray(rgb)
        found = self._detector(picture, 0) or self._detector(picture, 1)
        faces = []
        for rectangle in found:
            points = self._predictor(picture, rectangle).parts()
            landmarks = np.array([(point.x, point.y) for point in points], dtype=np.float32)
            side = float(max(rectangle.width(), rectangle.height()))
            box = Box(float(rectangle.left()), float(rectangle.top()), side, side)
            faces.append(Face(frame, box, landmarks, outer_eye_distance(landmarks)))
        return tuple(sorted(faces, key=lambda face: -face.quality))
