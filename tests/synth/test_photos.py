from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from facespot.errors import FaceError
from facespot.faces import load_detector
from facespot.synth.face_model import load_face_model
from facespot.synth.light import to_code, to_linear
from facespot.synth.photos import FACE_SHARE, PhotoFace
from facespot.synth.source import REST, Pose

FACES = Path(__file__).parent.parent / "faces"
SMILE = {"mouthSmile_L": 0.6, "mouthSmile_R": 0.6}


@pytest.fixture(scope="module")
def photo():
    rgb = np.ascontiguousarray(cv2.imread(str(FACES / "known_face.png"))[:, :, ::-1])
    return rgb, np.array(json.loads((FACES / "known_face.json").read_text())["landmarks"], np.float32)


@pytest.fixture(scope="module")
def model(face_model_path):
    return load_face_model(face_model_path)


@pytest.fixture(scope="module")
def face(model, photo):
    return PhotoFace(model, *photo, size=(320, 240))


def sampled(field, points):
    """Bilinear samples (n, 2) of a field (h, w, 2)."""
    return np.stack([map_coordinates(field[..., k], points[:, ::-1].T, order=1) for k in (0, 1)], axis=1)


def test_at_rest_it_is_the_photograph(face, photo):
    rgb, landmarks = photo
    drawn, points = face.draw(REST, 0), face.landmarks(REST, 0)
    assert drawn.shape == (240, 320, 3)
    assert drawn.dtype == np.float32
    # Scale and place by the eye corners; the rest of the points and the pixels must follow.
    factor = np.linalg.norm(points[45] - points[36]) / np.linalg.norm(landmarks[45] - landmarks[36])
    offset = points[36] - factor * landmarks[36]
    np.testing.assert_allclose(points[17:], factor * landmarks[17:] + offset, atol=0.1)
    np.testing.assert_allclose(points[:17], factor * landmarks[:17] + offset, atol=0.06 * face.eye_distance())
    inverse = np.array([[1 / factor, 0, -offset[0] / factor], [0, 1 / factor, -offset[1] / factor]])
    expected = cv2.warpAffine(
        to_linear(rgb),
        inverse,
        (320, 240),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    assert np.abs(drawn - expected).mean() < 0.004


def test_the_face_fills_its_share(face):
    assert face.size == (320, 240)
    assert face.eye_distance() == pytest.approx(FACE_SHARE * 1.2 * 240, rel=0.01)


def test_frames_and_weights_of_zero_change_nothing(face):
    first = face.draw(REST, 0)
    np.testing.assert_array_equal(first, face.draw(Pose({"mouthSmile_L": 0.0}), 7))
    flow, known = face.flow(REST, REST, (0, 1))
    assert np.abs(flow).max() < 1e-4
    assert known.mean() > 0.99


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (REST, Pose(SMILE)),
        (Pose({"browInnerUp_L": 0.3, "browInnerUp_R": 0.3}), Pose({"browDown_L": 0.4, "noseSneer_R": 0.3})),
        (REST, Pose(rotation=(0.04, -0.03, 0.05), shift=(0.3, 0.1, 0.5))),
    ],
)
def test_the_picture_moves_by_the_flow(face, first, second):
    flow, known = face.flow(first, second, (0, 0))
    before, after = face.draw(first, 0), face.draw(second, 0)
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    back = cv2.remap(after, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC)
    moved = known & (np.hypot(flow[..., 0], flow[..., 1]) > 0.5)
    assert moved.sum() > 200
    assert np.abs(back - before)[moved].mean() < 0.2 * np.abs(after - before)[moved].mean()


def test_landmarks_move_by_the_flow(face):
    first, second = REST, Pose(SMILE, rotation=(0.02, 0.0, 0.0))
    start, end = face.landmarks(first, 0), face.landmarks(second, 0)
    miss = np.linalg.norm(start + sampled(face.flow(first, second, (0, 0))[0], start) - end, axis=1)
    # Brows, nose and eyes lie on smooth skin; points on the edge of the lips lie beside another surface.
    assert np.median(miss[17:]) < 0.05
    assert miss[17:48].max() < 0.4


def test_motion_is_the_largest_flow_of_the_still_head(face):
    flow, _ = face.flow(REST, Pose(SMILE), (0, 0))
    assert face.facial_motion(SMILE) == pytest.approx(np.hypot(flow[..., 0], flow[..., 1]).max(), rel=0.15)
    half = {name: weight / 2 for name, weight in SMILE.items()}
    assert face.facial_motion(half) == pytest.approx(face.facial_motion(SMILE) / 2, rel=1e-5)
    assert face.facial_motion({}) == 0.0


def test_one_side_moves_alone(face):
    flow, _ = face.flow(REST, Pose({"mouthSmile_L": 0.6}), (0, 0))
    size = np.hypot(flow[..., 0], flow[..., 1])
    middle = int(face.landmarks(REST, 0)[33, 0])
    # The subject's left is on the right of the picture.
    assert size[:, middle + 5 :].max() > 10 * size[:, : middle - 25].max()


def test_a_blink_covers_the_eyes_with_skin(face):
    points = face.landmarks(REST, 0)
    closed = Pose({"eyeBlink_L": face.blink_weight, "eyeBlink_R": face.blink_weight})
    gap = [
        np.linalg.norm(p[[37, 38, 43, 44]] - p[[41, 40, 47, 46]], axis=1) for p in (points, face.landmarks(closed, 0))
    ]
    assert np.mean(gap[1]) < 0.2 * np.mean(gap[0])
    x, y = np.rint(points[36:42].mean(axis=0)).astype(int)
    skin = face.draw(REST, 0)[int(points[29, 1]), int(points[29, 0])]
    eye, lid = (face.draw(pose, 0)[y - 1 : y + 2, x - 3 : x + 4].mean(axis=(0, 1)) for pose in (REST, closed))
    assert np.abs(lid - skin).sum() < 0.5 * np.abs(eye - skin).sum()


def test_an_opening_mouth_is_dark_inside(face):
    opened = Pose({"jawOpen": 0.4})
    points = face.landmarks(opened, 0)
    x, y = np.rint(points[[62, 66]].mean(axis=0)).astype(int)
    assert face.draw(opened, 0)[y, x].mean() < 0.5 * face.draw(REST, 0)[int(points[29, 1]), int(points[29, 0])].mean()


def test_expressions_leave_the_background_alone(face):
    rest, angry = face.draw(REST, 0), face.draw(Pose({"browDown_L": 1.0, "jawOpen": 0.3}), 0)
    np.testing.assert_allclose(rest[:, :8], angry[:, :8], atol=0.01)
    np.testing.assert_allclose(rest[:, -8:], angry[:, -8:], atol=0.01)


def test_wrinkles_darken_their_side_of_the_face_alone(face):
    change = face.draw(Pose(wrinkles={"nasolabial": (0.5, 0.0)}), 0) - face.draw(REST, 0)
    middle = int(face.landmarks(REST, 0)[33, 0])
    assert change[:, middle + 3 :].min() < -0.02
    assert not change[:, : middle - 3].any()


def test_light_scales_the_picture(face):
    np.testing.assert_allclose(face.draw(Pose(light=0.5), 0), 0.5 * face.draw(REST, 0), rtol=1e-6)


def test_the_same_photograph_gives_the_same_bytes(face, model, photo):
    again = PhotoFace(model, *photo, size=(320, 240))
    pose = Pose(SMILE, rotation=(0.02, 0.01, 0.0))
    np.testing.assert_array_equal(again.draw(pose, 0), face.draw(pose, 0))
    assert again.blink_weight == face.blink_weight


def test_the_detector_finds_the_warped_face(face):
    detector = load_detector()
    blink = Pose({"eyeBlink_L": face.blink_weight, "eyeBlink_R": face.blink_weight})
    surprise = Pose({"jawOpen": 0.4, "browInnerUp_L": 0.8, "browInnerUp_R": 0.8})
    poses = [REST, Pose(SMILE), blink, surprise, Pose(rotation=(0.1, 0.05, 0.0))]
    for pose in poses:
        found = detector.detect(to_code(face.draw(pose, 0)), 0)
        assert len(found) == 1
        miss = np.linalg.norm(found[0].landmarks - face.landmarks(pose, 0), axis=1)[17:]
        assert miss.mean() < 0.05 * face.eye_distance()


def test_a_small_face_is_refused(model, photo):
    rgb, landmarks = photo
    small = cv2.resize(rgb, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    with pytest.raises(FaceError, match=r"me\.jpg: the face is too small"):
        PhotoFace(model, small, landmarks * 0.3, (256, 256), "me.jpg")


def test_points_that_are_no_face_are_refused(model, photo):
    rgb, landmarks = photo
    nonsense = np.random.default_rng(0).permutation(landmarks)
    with pytest.raises(FaceError, match="does not fit"):
        PhotoFace(model, rgb, nonsense, (256, 256))
