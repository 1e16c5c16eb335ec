from __future__ import annotations

import sys

import cv2
import numpy as np

from facespot.faces.dlib_detector import predictor_path


def test_it_finds_the_known_face(dlib_detector, known_image, known_points):
    (face,) = dlib_detector.detect(known_image, 5)
    unit = np.linalg.norm(known_points[45] - known_points[36])
    assert face.frame == 5
    assert face.box.width == face.box.height
    assert np.linalg.norm(face.landmarks[17:] - known_points[17:], axis=1).mean() < 0.05 * unit


def test_it_looks_closer_where_it_finds_nothing(dlib_detector, known_image):
    small = cv2.resize(known_image, None, fx=0.33, fy=0.33, interpolation=cv2.INTER_AREA)
    (face,) = dlib_detector.detect(small, 0)
    assert 40 < face.box.width < 80


def test_an_empty_picture_has_no_face(dlib_detector):
    assert dlib_detector.detect(np.full((120, 160, 3), 128, np.uint8), 0) == ()


def test_the_predictor_is_found_without_importing_its_package(dlib_detector):
    assert predictor_path().is_file()
    assert "face_recognition_models" not in sys.modules
