from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.faces.mediapipe_detector import distinct, tiles
from facespot.values import Box

GREY = (90, 100, 110)


def frame_with_face(image, width, height, face_width, left, top):
    """The known face (181 pixels wide in its picture) scaled and put into an empty frame, and the points' map."""
    factor = face_width / 181
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    frame = np.full((height, width, 3), GREY, np.uint8)
    frame[top : top + small.shape[0], left : left + small.shape[1]] = small
    return frame, lambda points: (points + 0.5) * factor - 0.5 + (left, top)


def mean_error(face, points):
    unit = np.linalg.norm(points[45] - points[36])
    return float(np.linalg.norm(face.landmarks[17:] - points[17:], axis=1).mean() / unit)


def test_an_empty_picture_has_no_face(mesh_detector):
    assert mesh_detector.detect(np.full((120, 160, 3), 128, np.uint8), 0) == ()
    assert mesh_detector.detect(np.full((900, 1300, 3), 128, np.uint8), 0) == ()


def test_a_face_carries_its_frame_box_and_size(mesh_detector, known_image, known_points):
    (face,) = mesh_detector.detect(known_image, 12)
    assert face.frame == 12
    assert face.landmarks.dtype == np.float32
    assert face.quality == pytest.approx(np.linalg.norm(known_points[45] - known_points[36]), rel=0.03)
    assert face.box.width == face.box.height


def test_the_same_picture_gives_the_same_points(mesh_detector, known_image):
    (first,) = mesh_detector.detect(known_image, 0)
    mesh_detector.detect(np.zeros((64, 64, 3), np.uint8), 1)
    (second,) = mesh_detector.detect(known_image, 2)
    np.testing.assert_array_equal(first.landmarks, second.landmarks)


@pytest.mark.parametrize(
    ("width", "height", "face_width"), [(640, 480, 150), (640, 480, 44), (1920, 1080, 150), (1920, 1080, 48)]
)
def test_small_faces_are_found_in_large_frames(mesh_detector, known_image, known_points, width, height, face_width):
    frame, place = frame_with_face(known_image, width, height, face_width, width // 3, height // 4)
    (face,) = mesh_detector.detect(frame, 0)
    assert mean_error(face, place(known_points)) < 0.05


def test_two_faces_come_largest_first(mesh_detector, known_image):
    frame, _ = frame_with_face(known_image, 900, 420, 110, 40, 60)
    other, _ = frame_with_face(known_image, 900, 420, 170, 520, 60)
    frame[:, 450:] = other[:, 450:]
    faces = mesh_detector.detect(frame, 0)
    assert [round(face.box.left) > 450 for face in faces] == [True, False]
    assert faces[0].quality > faces[1].quality


def test_two_small_faces_are_both_found(mesh_detector, known_image):
    frame, _ = frame_with_face(known_image, 1920, 1080, 70, 300, 300)
    other, _ = frame_with_face(known_image, 1920, 1080, 60, 1400, 600)
    frame[:, 960:] = other[:, 960:]
    assert len(mesh_detector.detect(frame, 0)) == 2


def test_nothing_reaches_the_users_screen():
    script = (
        "import cv2, sys, numpy as np; from facespot.faces import load_detector; detector = load_detector();"
        "image = np.ascontiguousarray(cv2.imread(sys.argv[1])[:, :, ::-1]);"
        "wide = np.zeros((800, 1200, 3), np.uint8); wide[:320, :320] = image;"
        "[detector.detect(each, 0) for each in (image, image[:8, :8], wide)];"
        "print('still heard', file=sys.stderr)"
    )
    picture = str(Path(__file__).parent / "known_face.png")
    command = [sys.executable, "-W", "default", "-c", script, picture]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert ran.stderr == "still heard\n"


@given(width=st.integers(641, 4000), height=st.integers(100, 4000))
def test_tiles_cover_the_frame_and_overlap(width, height):
    windows = tiles(width, height)
    assert len(windows) <= 16
    for low, span, length in ((0, 2, width), (1, 3, height)):
        ends = sorted({(window[low], window[low] + window[span]) for window in windows})
        assert ends[0][0] == 0
        assert ends[-1][1] == length
        side = ends[0][1]
        for (_, end), (start, _) in pairwise(ends):
            assert end - start >= side // 4 - 1


def test_of_finds_of_one_face_the_surest_is_kept():
    one, same, other = Box(0, 0, 40, 40), Box(3, 0, 40, 40), Box(100, 0, 40, 40)
    assert distinct([(0.6, one), (0.9, same), (0.7, other)]) == [same, other]
