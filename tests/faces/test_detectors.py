from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from facespot.errors import MissingDependencyError, SettingsError
from facespot.faces import DETECTORS, load_detector
from facespot.faces.detectors import missing_library

HEAVY = ("cv2", "mediapipe", "dlib", "av", "torch", "numba", "onnxruntime", "matplotlib")


def test_importing_the_room_loads_nothing_heavy():
    script = f"import sys, facespot.faces; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="mediapipe, dlib"):
        load_detector("haar")


@pytest.mark.parametrize(("name", "library"), [("mediapipe", "mediapipe.python.solutions"), ("dlib", "dlib")])
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
    assert list(DETECTORS) == ["mediapipe", "dlib"]
    assert mesh_detector.name == "mediapipe"
    assert mesh_detector.version.startswith("0.10.14/")
