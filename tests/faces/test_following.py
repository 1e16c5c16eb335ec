from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.faces.boxes import face_from_landmarks
from facespot.faces.following import Follower, drift


@pytest.fixture
def at(known_points):
    """A face whose outer eye corners are `size` pixels apart, its nose bridge at (x, y)."""
    unit = (known_points - known_points[27]) / np.linalg.norm(known_points[45] - known_points[36])
    return lambda x, y=0.0, size=100.0: face_from_landmarks(0, unit * size + (x, y))


@given(x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_drift_of_a_translation_is_its_length_in_boxes(known_points, x, y):
    reference, face = (face_from_landmarks(0, known_points + shift) for shift in ((0, 0), (x, y)))
    assert drift(face, reference) == pytest.approx(np.hypot(x, y) / reference.box.width, abs=1e-4)


def test_drift_ignores_mouth_and_jaw(known_points):
    talking = known_points.copy()
    talking[np.r_[0:17, 48:68]] += 20
    assert drift(face_from_landmarks(0, talking), face_from_landmarks(0, known_points)) == 0


def test_a_still_face_keeps_its_first_reference(at):
    follower = Follower(0.1, 30)
    for row in range(5):
        follower.examine(row, [at(100 + row % 2)])
    (face,) = follower.faces
    assert len(face.references) == 1
    assert face.reference_of_rows(6).tolist() == [0, 0, 0, 0, 0, -1]


def test_drift_is_measured_from_the_reference_not_from_the_last_frame(at):
    follower = Follower(0.1, 30)
    for row in range(40):
        follower.examine(row, [at(100 + row)])
    (face,) = follower.faces
    reference = face.reference_of_rows(40)
    width = face.references[0].box.width
    expected = np.arange(40) // (int(0.1 * width) + 1)
    np.testing.assert_array_equal(reference, expected)


def test_agreement_needs_the_same_faces_in_their_places(at):
    follower = Follower(0.1, 30)
    assert follower.agrees([])
    follower.examine(0, [at(100), at(600)])
    assert follower.agrees([at(602), at(101)])
    assert not follower.agrees([at(100)])
    assert not follower.agrees([at(100), at(600), at(900)])
    assert not follower.agrees([at(100), at(640)])
    assert not follower.agrees([])


def test_crossing_frames_do_not_swap_two_faces(at):
    follower = Follower(0.1, 30)
    for row in range(10):
        faces = [at(100 + 10 * row), at(700 - 10 * row, size=140)]
        follower.examine(row, faces[:: 1 if row % 2 else -1])
    small, large = sorted(follower.faces, key=lambda face: face.weight)
    assert {round(size) for size in small.sizes} == {100}
    assert {round(size) for size in large.sizes} == {140}
    assert len(follower.faces) == 2


def test_a_lost_face_found_again_nearby_is_the_same(at):
    follower = Follower(0.1, 10)
    for row, seen in enumerate([[at(100)], [], [at(180)]]):
        follower.examine(row, seen)
    (face,) = follower.faces
    assert face.reference_of_rows(3).tolist() == [0, -1, 1]


def test_a_lost_face_cannot_come_back_at_once_from_far_away_or_grown(at):
    for other in (at(1500), at(100, size=300)):
        follower = Follower(0.1, 10)
        for row, seen in enumerate([[at(100)], [], [other]]):
            follower.examine(row, seen)
        assert len(follower.faces) == 2


def test_a_long_lost_face_may_come_back_from_far_away(at):
    follower = Follower(0.1, 10)
    follower.examine(0, [at(100)])
    for row in range(1, 60):
        follower.examine(row, [])
    follower.examine(60, [at(1500)])
    assert len(follower.faces) == 1
