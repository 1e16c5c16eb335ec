from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from facespot.errors import FaceError, SettingsError
from facespot.faces.boxes import face_from_landmarks
from facespot.synth.carrier import CarrierFace, bridge, steady
from facespot.synth.face_model import load_face_model
from facespot.synth.light import to_linear
from facespot.synth.source import REST, Pose
from facespot.video import open_video

FACES = Path(__file__).parent.parent / "faces"
SMILE = Pose({"mouthSmile_L": 0.6, "mouthSmile_R": 0.6})
N_FRAMES = 16


def way(frame):
    """Where the head is in a frame, relative to the first, pixels."""
    return np.array([8 * np.sin(frame / 4), 1.5 * np.sin(frame / 3)])


class Known:
    """Knows the points of every frame; misses some."""

    name = version = "test"

    def __init__(self, points, missing=()):
        self._points, self._missing = points, missing

    def detect(self, rgb, frame):
        return () if frame in self._missing else (face_from_landmarks(frame, self._points + way(frame)),)


class Counting:
    """A video that counts how often it is read anew."""

    def __init__(self, video):
        self._video, self.starts = video, []

    def __getattr__(self, name):
        return getattr(self._video, name)

    def read(self, frames):
        self.starts.append(int(frames[0]))
        return self._video.read(frames)


@pytest.fixture(scope="module")
def points():
    return np.array(json.loads((FACES / "known_face.json").read_text())["landmarks"], np.float32)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with the frames of a head that sways, with noise."""
    folder, rng = tmp_path_factory.mktemp("carrier"), np.random.default_rng(0)
    still = cv2.imread(str(FACES / "known_face.png")).astype(np.float32)
    for frame in range(N_FRAMES):
        x, y = way(frame)
        moved = cv2.warpAffine(still, np.array([[1, 0, x], [0, 1, y]]), (320, 320), borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(np.rint(moved + rng.normal(0, 2, moved.shape)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{frame}.png"), noisy)
    return folder


@pytest.fixture(scope="module")
def face(face_model_path, pictures, points):
    video = Counting(open_video(pictures, frame_rate=30.0))
    carrier = CarrierFace(load_face_model(face_model_path), video, Known(points, missing={5, 6}))
    video.starts.clear()
    return carrier


def test_at_rest_every_frame_is_the_carriers_own(face, pictures):
    assert (face.size, face.n_frames, face.fps) == ((320, 320), N_FRAMES, 30.0)
    for frame in (0, 3, 15):
        own = np.ascontiguousarray(cv2.imread(str(pictures / f"{frame}.png"))[:, :, ::-1])
        np.testing.assert_allclose(face.draw(REST, frame), to_linear(own), atol=1e-4)


def test_landmarks_follow_the_carrier(face, points):
    for frame in range(N_FRAMES):
        np.testing.assert_allclose(face.landmarks(REST, frame)[17:], (points + way(frame))[17:], atol=1.0)
    assert face.found_share == pytest.approx(14 / 16)
    assert face.eye_distance() == pytest.approx(np.linalg.norm(points[45] - points[36]), rel=0.01)


def test_an_expression_lies_on_the_moving_face(face):
    shifts = [face.landmarks(SMILE, frame) - face.landmarks(REST, frame) for frame in range(N_FRAMES)]
    assert np.linalg.norm(shifts[0][48]) > 4
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[0], (N_FRAMES, 68, 2)), atol=0.3)
    for frame in (2, 9):
        changed = np.abs(face.draw(SMILE, frame) - face.draw(REST, frame)).max(axis=2) > 0.02
        y, x = np.nonzero(changed)
        mouth = face.landmarks(REST, frame)[48:68].mean(axis=0)
        np.testing.assert_allclose((np.median(x), np.median(y)), mouth, atol=0.35 * face.eye_distance())


def test_frames_come_in_any_order_and_are_read_in_one_go(face):
    video = face._video
    face.draw(REST, 0)
    video.starts.clear()
    in_order = [face.draw(SMILE, frame) for frame in range(N_FRAMES)]
    assert video.starts == []
    for frame in (7, 2, 3, 15):
        np.testing.assert_array_equal(face.draw(SMILE, frame), in_order[frame])
    assert video.starts == [7, 2]


def test_flow_is_known_only_within_a_frame(face):
    flow, known = face.flow(REST, SMILE, (4, 4))
    assert known.mean() > 0.98
    assert np.hypot(flow[..., 0], flow[..., 1]).max() == pytest.approx(face.facial_motion(SMILE.weights), rel=0.2)
    _, known = face.flow(REST, SMILE, (4, 5))
    assert not known.any()


def test_frames_outside_the_carrier_are_refused(face):
    for frame in (-1, N_FRAMES):
        with pytest.raises(SettingsError, match="has no frame"):
            face.draw(REST, frame)


def test_short_gaps_are_bridged_and_long_ones_refused(pictures):
    video = open_video(pictures, frame_rate=10.0)
    found = np.tile(np.arange(16.0)[:, None, None], (1, 68, 2))
    gappy = found.copy()
    gappy[[0, 4, 5, 6]] = np.nan
    bridged = bridge(gappy, video)
    np.testing.assert_allclose(bridged[1:], found[1:])
    np.testing.assert_allclose(bridged[0], found[1])
    gappy[7:11] = np.nan
    with pytest.raises(FaceError, match=r"no face was found in 7 frames from 0\.40 s on"):
        bridge(gappy, video)
    with pytest.raises(FaceError, match="in any frame"):
        bridge(np.full((16, 68, 2), np.nan), video)


def test_smoothing_takes_jitter_and_leaves_slow_motion():
    rng = np.random.default_rng(3)
    slow = np.broadcast_to(np.linspace(0, 30, 90)[:, None, None], (90, 68, 2))
    smooth = steady(slow + rng.normal(0, 0.3, slow.shape), 30.0)[10:-10]
    assert np.abs(smooth - slow[10:-10]).std() < 0.15


def test_a_carrier_without_a_face_is_refused(face_model_path, pictures, points):
    video = open_video(pictures, frame_rate=30.0)
    with pytest.raises(FaceError, match="no face was found in any frame"):
        CarrierFace(load_face_model(face_model_path), video, Known(points, missing=set(range(N_FRAMES))))
