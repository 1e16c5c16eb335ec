from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from facespot.errors import FaceError
from facespot.synth.photo_folder import find_photos, read_photos
from facespot.values import Box, Face

KNOWN = Path(__file__).parent.parent / "faces" / "known_face.png"


class Everywhere:
    """Finds a face in every picture that is not black."""

    name = version = "test"

    def detect(self, rgb, frame):
        points = np.arange(136, dtype=np.float32).reshape(68, 2)
        return (Face(frame, Box(0, 0, 10, 10), points, 30.0),) if rgb.any() else ()


def test_photographs_come_in_natural_order(tmp_path):
    for name in ("person10.png", "person2.PNG", ".hidden.png"):
        shutil.copy(KNOWN, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    photos = read_photos(tmp_path, Everywhere())
    assert [photo.path.name for photo in photos] == ["person2.PNG", "person10.png"]
    np.testing.assert_array_equal(photos[0].rgb, cv2.imread(str(KNOWN))[:, :, ::-1])
    assert photos[0].landmarks.shape == (68, 2)


def test_the_default_detector_finds_the_face(tmp_path):
    shutil.copy(KNOWN, tmp_path)
    (photo,) = read_photos(tmp_path)
    assert 70 < np.linalg.norm(photo.landmarks[45] - photo.landmarks[36]) < 110


def test_a_photograph_without_a_face_is_named(tmp_path):
    shutil.copy(KNOWN, tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((90, 90, 3), np.uint8))
    with pytest.raises(FaceError, match=r"b\.png: no face was found"):
        read_photos(tmp_path, Everywhere())


def test_a_damaged_photograph_is_named(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(KNOWN.read_bytes()[:500])
    with pytest.raises(FaceError, match=r"broken\.jpg: the image is damaged"):
        read_photos(tmp_path, Everywhere())


def test_folders_without_photographs_are_refused(tmp_path):
    with pytest.raises(FaceError, match="holds no photographs"):
        find_photos(tmp_path)
    with pytest.raises(FaceError, match="cannot be read"):
        find_photos(tmp_path / "missing")
    with pytest.raises(FaceError, match="cannot be read"):
        find_photos(KNOWN)
