"""Each distractor does what its label says, begins and ends at rest, and is no expression."""

import numpy as np
import pytest
from fake_face import FakeFace

from facespot.synth.acting import Actor, Script
from facespot.synth.distractors import (
    Blink,
    Gaze,
    Hand,
    Leaving,
    Light,
    LipPress,
    Nod,
    Swallow,
    Talking,
    Turn,
)

ALL = (
    Blink(1.0, 0.33),
    Blink(1.0, 0.3, depth=0.5),
    Gaze(1.0, 0.8, -0.3, 0.2),
    LipPress(1.0, 0.7),
    Nod(1.0, 1.2),
    Turn(1.0, 1.5, 0.3),
    Talking(1.0, 1.5, ((0.1, 0.2, 0.2, 0.3), (0.3, 0.2, 0.1, -0.2)), 0.3),
    Swallow(1.0, 0.8),
    Light(1.0, 1.0),
    Hand(1.0, 1.5),
    Leaving(1.0, 3.0),
)


def numbers(pose):
    weights = [value for _, value in sorted(pose.weights.items()) if abs(value) > 1e-9]
    return np.array([*weights, *pose.rotation, *pose.shift, *pose.step, pose.light - 1.0])


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.kind)
def test_it_begins_and_ends_at_rest_and_moves_smoothly(one):
    actor = Actor(FakeFace(), Script(distractors=(one,), movement=Script().movement))
    for moment in (0.99, one.start_s, one.end_s, one.end_s + 0.01):
        assert np.abs(numbers(actor.pose(moment))).max(initial=0.0) < 1e-6
    inside = [actor.pose(t) for t in np.linspace(one.start_s, one.end_s, 50)]
    assert (
        any(pose.occluder for pose in inside) or max(np.abs(numbers(pose)).max(initial=0.0) for pose in inside) > 0.005
    )
    assert actor.truth(30.0, 150) == ()
    assert actor.intensities(1.2) == {}


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.kind)
def test_what_hides_the_face_is_said(one):
    actor = Actor(FakeFace(), Script(distractors=(one,)))
    assert actor.hidden(one.start_s + one.duration_s / 2) is (one.kind in ("hand", "leaving"))
    assert not actor.hidden(0.5)


def test_blinks_close_quicker_than_they_open():
    one = Blink(1.0, 0.33)
    actor = Actor(FakeFace(), Script(distractors=(one,)))
    times = np.linspace(1.0, 1.33, 331)
    shut = np.array([actor.pose(t).weights.get("eyeBlink_L", 0.0) for t in times])
    assert shut.max() == pytest.approx(FakeFace().blink_weight)
    top = np.flatnonzero(shut > 0.999 * shut.max())
    assert times[top[0]] - 1.0 < 1.33 - times[top[-1]]


def test_partial_blinks_have_their_own_label():
    assert (Blink(0.0, 0.3).kind, Blink(0.0, 0.3, 0.5).kind) == ("blink", "partial blink")


def test_leaving_takes_the_face_out_of_the_picture():
    face = FakeFace()
    actor = Actor(face, Script(distractors=(Leaving(1.0, 3.0),)))
    step = actor.pose(2.5).step[0]
    assert step * face.eye_distance() / 9.2 > face.size[0] / 2 + face.eye_distance()


def test_a_hand_comes_from_outside_and_reaches_its_place():
    face = FakeFace()
    actor = Actor(face, Script(distractors=(Hand(1.0, 2.0, (0.2, 0.5), 0.4),)))
    first, middle = actor.pose(1.0).occluder, actor.pose(2.0).occluder
    assert first[1] - first[2] > face.size[1]
    x, y = actor.place.centre
    assert middle[:3] == pytest.approx(
        (x + 0.2 * face.eye_distance(), y + 0.5 * face.eye_distance(), 0.4 * face.eye_distance())
    )
