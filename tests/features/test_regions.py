"""Regions of a face crop, counted by hand on simple landmarks."""

import numpy as np
import pytest

from facespot.features.regions import Rectangle, face_regions


@pytest.fixture
def landmarks():
    """68 points of a plain face in a 128x128 crop."""
    points = np.full((68, 2), 64.0, dtype=np.float32)
    points[17:22] = [(20, 40), (25, 37), (30, 35), (38, 36), (50, 38)]
    points[22:27] = [(78, 38), (90, 36), (98, 35), (103, 37), (108, 40)]
    points[28] = (64, 60)
    points[36:42] = [(28, 50), (34, 47), (40, 47), (46, 50), (40, 53), (34, 53)]
    points[42:48] = [(82, 50), (88, 47), (94, 47), (100, 50), (94, 53), (88, 53)]
    points[50] = (60, 90)
    points[57] = (64, 104)
    points[60] = (46, 96)
    points[64] = (82, 96)
    return points


def test_rectangles_follow_the_published_landmarks_and_margins(landmarks):
    regions = face_regions(landmarks)
    assert regions.left_brow == Rectangle(top=35 - 12, bottom=53 + 12, left=20 - 12, right=50 + 12)
    assert regions.right_brow == Rectangle(top=35 - 12, bottom=53 + 12, left=78 - 12, right=108 + 12)
    assert regions.mouth == Rectangle(top=90 - 12, bottom=104 + 12, left=46 - 12, right=82 + 12)
    assert regions.nose == Rectangle(top=55, bottom=66, left=59, right=70)


def test_eye_mask_reaches_fifteen_pixels_beyond_corners_and_lids(landmarks):
    eyes = face_regions(landmarks).eyes
    assert eyes[50, 28 - 15]
    assert not eyes[50, 28 - 16]
    assert eyes[50, 100 + 15]
    assert not eyes[50, 100 + 16]
    assert eyes[47 - 15, 37]
    assert not eyes[47 - 16, 37]
    assert eyes[53 + 15, 37]
    assert not eyes[53 + 16, 37]
    assert not eyes[96, 64]


def test_regions_are_clipped_to_the_crop(landmarks):
    landmarks[17, 0] = 5
    landmarks[19, 1] = 4
    regions = face_regions(landmarks)
    assert (regions.left_brow.left, regions.left_brow.top) == (0, 0)


def test_a_face_whose_mouth_is_outside_the_crop_cannot_be_read(landmarks):
    landmarks[50, 1], landmarks[57, 1] = 141, 150
    assert face_regions(landmarks) is None
