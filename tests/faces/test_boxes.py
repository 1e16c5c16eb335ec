from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.faces import crop, face_box, to_crop
from facespot.faces.boxes import face_from_landmarks, outer_eye_distance
from facespot.values import Box

# Mean over 15 scales and shifts of dlib 20.0.1's own box on known_face.png: centre x, centre y, side; pixels.
DLIB_BOX = (167.3, 151.6, 178.4)

coordinates = st.floats(-300, 300)
positions = st.tuples(st.floats(40, 160), st.floats(40, 110))
boxes = st.builds(
    lambda left, top, side: Box(left, top, side, side), st.floats(-60, 120), st.floats(-60, 90), st.floats(40, 160)
)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def test_the_box_is_where_dlib_puts_its_own(known_points):
    box = face_box(known_points.astype(np.float32))
    x, y, side = DLIB_BOX
    assert box.width == pytest.approx(side, rel=0.06)
    assert box.left + (box.width - 1) / 2 == pytest.approx(x, abs=0.04 * side)
    assert box.top + (box.height - 1) / 2 == pytest.approx(y, abs=0.04 * side)


@given(shift=st.tuples(coordinates, coordinates), factor=st.floats(0.2, 5))
def test_the_box_goes_with_the_face(known_points, shift, factor):
    box, moved = face_box(known_points), face_box(known_points * factor + shift)
    centre = np.array([box.left + (box.width - 1) / 2, box.top + (box.height - 1) / 2])
    moved_centre = np.array([moved.left + (moved.width - 1) / 2, moved.top + (moved.height - 1) / 2])
    assert moved.width == moved.height == pytest.approx(factor * box.width, rel=1e-6)
    np.testing.assert_allclose(moved_centre, factor * centre + shift, atol=1e-3)


@given(angle=st.floats(-0.6, 0.6))
def test_the_box_keeps_its_size_when_the_head_leans(known_points, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert face_box(known_points @ turn.T).width == pytest.approx(face_box(known_points).width, rel=1e-6)


def test_speech_does_not_move_the_box(known_points):
    talking = known_points.copy()
    talking[np.r_[0:17, 48:68]] += (3, 14)
    assert face_box(talking) == face_box(known_points)


def test_a_mirrored_face_has_the_mirrored_box(known_points):
    order = np.r_[16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1]
    order = np.r_[order, 64:59:-1, 67:64:-1]
    mirrored = (known_points * (-1, 1) + (319, 0))[order]
    box, other = face_box(known_points), face_box(mirrored)
    assert (other.top, other.width) == pytest.approx((box.top, box.width))
    assert other.left == pytest.approx(320 - box.left - box.width)


def test_coinciding_points_have_no_box():
    with pytest.raises(ValueError, match="coincide"):
        face_box(np.zeros((68, 2), np.float32))


def test_the_quality_is_the_outer_eye_distance(known_points):
    face = face_from_landmarks(7, known_points)
    assert face.frame == 7
    assert (
        face.quality
        == outer_eye_distance(known_points)
        == pytest.approx(np.hypot(*(known_points[45] - known_points[36])))
    )


@settings(max_examples=50, deadline=None)
@given(left=st.integers(0, 100), top=st.integers(0, 60), side=st.integers(60, 90), size=st.integers(32, 160))
def test_the_crop_of_whole_pixels_is_what_opencv_makes_of_the_slice(left, top, side, size):
    image = cv2.GaussianBlur(noise(150, 200), (0, 0), 1.5)
    ours = crop(image, Box(left, top, side, side), size)
    theirs = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_LINEAR)
    # At the rim of an enlarged slice OpenCV knows no neighbours; we do.
    rim = int(np.ceil(size / side / 2))
    inside = slice(rim, size - rim)
    assert np.abs(ours[inside, inside].astype(int) - theirs[inside, inside]).max() <= 2


def test_the_crop_at_its_own_size_is_the_slice():
    image = noise(150, 200)
    np.testing.assert_array_equal(crop(image, Box(11, 13, 64, 64), 64), image[13:77, 11:75])


def test_colour_is_cropped_channel_by_channel():
    image = np.stack([noise(150, 200), 255 - noise(150, 200), noise(150, 200) // 2], axis=2)
    box = Box(10.25, 7.5, 80, 80)
    whole = crop(image, box, 64)
    assert whole.shape == (64, 64, 3)
    for channel in range(3):
        np.testing.assert_array_equal(whole[:, :, channel], crop(np.ascontiguousarray(image[:, :, channel]), box, 64))


@settings(max_examples=50, deadline=None)
@given(left=st.integers(-80, 180), top=st.integers(-80, 130), side=st.integers(20, 150))
def test_beyond_the_image_its_edge_is_repeated(left, top, side):
    image, pad = noise(150, 200), 200
    padded = np.pad(image, pad, mode="edge")
    np.testing.assert_array_equal(
        crop(image, Box(left, top, side, side), side),
        padded[top + pad : top + pad + side, left + pad : left + pad + side],
    )


@settings(max_examples=60, deadline=None)
@given(at=positions, side=st.floats(40, 160), share=st.tuples(st.floats(0.25, 0.75), st.floats(0.25, 0.75)))
def test_points_in_the_crop_are_where_the_crop_shows_them(at, side, share):
    box = Box(at[0] - share[0] * side, at[1] - share[1] * side, side, side)
    place = to_crop(np.array([at], np.float32), box, 128)[0]
    y, x = np.mgrid[0:150, 0:200]
    blob = np.rint(250 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 2.5**2))).astype(np.uint8)
    shown = crop(blob, box, 128).astype(float)
    v, u = np.mgrid[0:128, 0:128]
    near = np.hypot(u - place[0], v - place[1]) < 22
    shown = shown * near
    centroid = np.array([(shown * u).sum(), (shown * v).sum()]) / shown.sum()
    np.testing.assert_allclose(centroid, place, atol=0.12)


@given(box=boxes, size=st.integers(16, 256))
def test_the_corners_of_the_box_are_the_corners_of_the_crop(box, size):
    first, last = box.left - 0.5, box.left + box.width - 0.5
    ends = to_crop(np.array([[first, box.top], [last, box.top]]), box, size)[:, 0]
    np.testing.assert_allclose(ends, [-0.5, size - 0.5], atol=1e-3)
