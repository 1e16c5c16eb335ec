from dataclasses import replace

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.synth.appearance import HAIR_STYLES, Appearance
from facespot.synth.camera import Camera
from facespot.synth.face_model import load_face_model
from facespot.synth.person import Person
from facespot.synth.source import REST, Pose
from facespot.synth.wrinkles import WRINKLES

SMILE = Pose(
    {"mouthSmile_L": 0.7, "mouthSmile_R": 0.6, "jawOpen": 0.2, "browInnerUp_L": 0.5},
    rotation=(0.08, -0.05, 0.03), shift=(0.4, -0.2, 0.5), breath=0.1,
)  # fmt: skip
TURNED = replace(SMILE, weights={})


@pytest.fixture(scope="module")
def model(face_model_path):
    return load_face_model(face_model_path)


@pytest.fixture(scope="module")
def person(model):
    return make_person(model)


def make_person(model, seed=0, **camera):
    appearance = Appearance.draw(np.random.default_rng(seed), len(model.identity_delta))
    return Person(model, appearance, Camera(width=320, height=256, **camera))


def pinhole(person, points):
    """Pixels of points (n, 3) in centimetres, by the textbook."""
    focal, distance, height, x, y = person._view
    intrinsic = np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]])
    camera_space = np.column_stack([points[:, 0], height - points[:, 1], distance - points[:, 2]])
    image = camera_space @ intrinsic.T
    return image[:, :2] / image[:, 2:]


def posed(person, pose):
    """Vertices of a pose, by dense matrices and double precision."""
    body = person._body
    points = body.rest.astype(float)
    for name, weight in pose.weights.items():
        index, delta = body.shapes[name]
        points[index] += weight * delta
    yaw, pitch, roll = pose.rotation
    turns = []
    for angle, (a, b) in ((yaw, (2, 0)), (pitch, (1, 2)), (roll, (0, 1))):
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        turns.append(turn)
    about_y, about_x, about_z = turns
    pivot = np.array([0.0, -9.0, -2.0])
    moved = (points - pivot) @ (about_z @ about_y @ about_x).T + pivot + pose.shift
    sway = body.sway[:, None].astype(float)
    points += (moved - points) * sway
    points[:, 1] += pose.breath * (1 - sway[:, 0])
    return points


@pytest.mark.parametrize("pose", [REST, SMILE, TURNED])
def test_landmarks_are_projected_vertices(person, pose):
    expected = pinhole(person, posed(person, pose))[person._body.landmarks]
    np.testing.assert_allclose(person.landmarks(pose), expected, atol=2e-3)


def test_eyes_lie_apart_as_the_camera_says(person):
    assert person.eye_distance() == pytest.approx(0.27 * 256, rel=0.03)
    corners = person.landmarks(REST)[[36, 45]]
    assert person.eye_distance() == pytest.approx(np.linalg.norm(corners[0] - corners[1]), abs=1e-3)


def test_landmarks_lie_as_named(person):
    points = person.landmarks(REST)
    assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]
    assert points[19, 1] < points[37, 1] < points[30, 1] < points[51, 1] < points[57, 1] < points[8, 1]


def test_turning_left_nodding_and_tilting_go_as_documented(person):
    rest = person.landmarks(REST)
    nose, bridge = 30, 27
    assert person.landmarks(Pose(rotation=(0.1, 0, 0)))[nose, 0] > rest[nose, 0] + 2
    assert person.landmarks(Pose(rotation=(0, 0.1, 0)))[nose, 1] > rest[nose, 1] + 2
    assert person.landmarks(Pose(rotation=(0, 0, 0.1)))[bridge, 0] < rest[bridge, 0] - 2
    assert person.landmarks(Pose(shift=(1, 0, 0)))[nose, 0] > rest[nose, 0] + 2
    assert person.landmarks(Pose(shift=(0, 1, 0)))[nose, 1] < rest[nose, 1] - 2


def test_equal_poses_do_not_move(person):
    flow, known = person.flow(SMILE, SMILE)
    assert known.all()
    np.testing.assert_array_equal(flow, 0.0)


def test_flow_leads_to_where_the_surface_point_is_seen(person):
    """Follow the vertices that a picture shows, by the pixels around them."""
    flow, _ = person.flow(REST, SMILE)
    start, end = (pinhole(person, posed(person, pose)) for pose in (REST, SMILE))
    skin = person._body.skin
    vertices = posed(person, REST)[skin]
    # Cheeks and forehead: far from silhouettes and folds, so the four pixels around a vertex are its neighbours.
    front = (np.abs(vertices[:, 0]) < 5.0) & (vertices[:, 1] > 6.5) & (vertices[:, 1] < 9.5) & (vertices[:, 2] > 6)
    chosen = skin[front]
    assert len(chosen) > 50
    for vertex in chosen:
        x, y = start[vertex]
        ix, iy = int(x), int(y)
        fx, fy = x - ix, y - iy
        around = flow[iy, ix] * (1 - fx) * (1 - fy) + flow[iy, ix + 1] * fx * (1 - fy)
        around = around + flow[iy + 1, ix] * (1 - fx) * fy + flow[iy + 1, ix + 1] * fx * fy
        np.testing.assert_allclose(around, end[vertex] - start[vertex], atol=0.03)


def test_flow_agrees_with_the_motion_of_landmarks(person):
    small = replace(REST, weights={"mouthSmile_L": 0.1, "browInnerUp_L": 0.15, "browInnerUp_R": 0.15})
    flow, _ = person.flow(REST, small)
    before, after = person.landmarks(REST), person.landmarks(small)
    inner = [*range(18, 26), 28, 29, 48, 54]
    x, y = np.rint(before[inner]).astype(int).T
    np.testing.assert_allclose(flow[y, x], (after - before)[inner], atol=0.12)
    assert np.abs(after - before)[inner].max() > 0.5


def test_wall_does_not_move_and_nothing_is_known_behind_a_hand(person):
    flow, known = person.flow(replace(REST, occluder=(160.0, 150.0, 30.0, 0.3)), SMILE)
    np.testing.assert_array_equal(flow[:20, :20], 0.0)
    assert known[:20, :20].all()
    assert not known[150, 160]
    assert 0.02 < 1 - known.mean() < 0.4


def test_picture_moves_with_the_flow(person):
    """What the second picture shows where the flow leads is what the first showed: brightness is nearly constant."""
    second = Pose(shift=(0.6, 0.3, 0.0))
    flow, _ = person.flow(REST, second)
    first_picture, second_picture = person.draw(REST).mean(axis=2), person.draw(second).mean(axis=2)
    left, top = person.landmarks(REST)[17:].min(axis=0).astype(int) + 2
    right, bottom = person.landmarks(REST)[17:].max(axis=0).astype(int) - 2
    y, x = np.mgrid[top:bottom, left:right]
    tx, ty = x + flow[y, x, 0], y + flow[y, x, 1]
    ix, iy = tx.astype(int), ty.astype(int)
    fx, fy = tx - ix, ty - iy
    seen = second_picture[iy, ix] * (1 - fx) * (1 - fy) + second_picture[iy, ix + 1] * fx * (1 - fy)
    seen += second_picture[iy + 1, ix] * (1 - fx) * fy + second_picture[iy + 1, ix + 1] * fx * fy
    followed = np.abs(seen - first_picture[y, x]).mean()
    still = np.abs(second_picture[y, x] - first_picture[y, x]).mean()
    assert followed < 0.25 * still


def test_facial_motion_is_the_largest_way_of_the_skin(person):
    weights = {"mouthSmile_L": 0.5}
    moved, rest = (pinhole(person, posed(person, Pose(w)))[person._body.skin] for w in (weights, {}))
    expected = np.linalg.norm(moved - rest, axis=1).max()
    assert person.facial_motion(weights) == pytest.approx(expected, rel=1e-3)
    assert person.facial_motion({}) == 0.0
    assert person.facial_motion({"mouthSmile_L": 1.0}) > 1.8 * person.facial_motion(weights)


def test_blink_weight_closes_the_lids(person):
    def opening(weight):
        points = person.landmarks(Pose({"eyeBlink_L": weight, "eyeBlink_R": weight}))
        return (points[[41, 40, 47, 46], 1] - points[[37, 38, 43, 44], 1]).mean()

    assert opening(0.0) > 3.0
    assert opening(person.blink_weight) < 0.12 * opening(0.0)


def test_picture_is_finite_linear_light_of_the_right_size(person):
    picture = person.draw(SMILE)
    assert picture.shape == (256, 320, 3)
    assert picture.dtype == np.float32
    assert person.size == (320, 256)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0.0
    assert 0.1 < np.median(picture) < 0.9


def test_same_person_same_bytes_whatever_was_drawn_before(model, person):
    other = make_person(model)
    other.draw(Pose(rotation=(0.4, 0.1, 0.0), wrinkles={"forehead": (1.0, 0.5)}))
    np.testing.assert_array_equal(other.draw(SMILE), person.draw(SMILE))
    np.testing.assert_array_equal(other.landmarks(SMILE), person.landmarks(SMILE))


def test_people_differ(model, person):
    difference = np.abs(make_person(model, seed=1).draw(REST) - person.draw(REST))
    assert difference.mean() > 0.02


def test_wrinkles_change_their_half_of_the_face_alone(person):
    for name in WRINKLES:
        change = np.abs(person.draw(Pose(wrinkles={name: (0.5, 0.0)})) - person.draw(REST)).sum(axis=2)
        middle = int(person.landmarks(REST)[[27, 28], 0].mean())
        # The subject's left is on the right of the picture; two pixels for the slant of the nose.
        assert change[:, middle + 2 :].max() > 0.02, name
        assert change[:, : middle - 3].max() < 1e-6, name


def test_light_is_a_factor(person):
    np.testing.assert_allclose(person.draw(replace(SMILE, light=0.5)), 0.5 * person.draw(SMILE), rtol=1e-5)


def test_hand_covers_only_what_is_near(person):
    change = np.abs(person.draw(Pose(occluder=(160.0, 150.0, 30.0, 0.0))) - person.draw(REST)).sum(axis=2)
    assert change[150, 160] > 0.01
    assert change[:90].max() == 0.0


def test_hand_outside_the_picture_changes_nothing(person):
    np.testing.assert_array_equal(person.draw(Pose(occluder=(-900.0, -900.0, 30.0, 0.0))), person.draw(REST))


def test_unknown_blendshape(person):
    with pytest.raises(SettingsError, match="mouthSmile"):
        person.draw(Pose({"mouthSmile": 1.0}))


def test_face_leaving_the_picture(person):
    gone = Pose(shift=(60.0, 0.0, 0.0))
    assert np.isfinite(person.draw(gone)).all()
    assert (person.landmarks(gone)[:, 0] > 320).all()


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_every_hair_style_is_drawn(model, style):
    appearance = replace(
        Appearance.draw(np.random.default_rng(3), len(model.identity_delta)), hair_style=style, beard=0.9, moustache=0.9
    )
    picture = Person(model, appearance, Camera(256, 256)).draw(REST)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0.0


def test_exposure_brings_faces_together(model):
    def brightness(person):
        x, y = np.rint(person.landmarks(REST)[[30, 31, 35]].mean(axis=0)).astype(int)
        return person.draw(REST)[y - 20 : y, x - 15 : x + 15].mean()

    base = Appearance.draw(np.random.default_rng(2), len(model.identity_delta))
    looks = [replace(base, skin=(0.12, 0.07, 0.05), beard=0.0), replace(base, skin=(0.7, 0.5, 0.4), beard=0.0)]
    raw, metered = (
        [brightness(Person(model, look, Camera(256, 256, automatic_exposure=on))) for look in looks]
        for on in (False, True)
    )
    assert metered[0] < metered[1]
    assert metered[1] / metered[0] < raw[1] / raw[0]
