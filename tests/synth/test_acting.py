"""The truth is what the face does: measured here once more, frame by frame, from the poses alone."""

import numpy as np
import pytest
from fake_face import FakeFace
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.synth.acting import ActedExpression, Actor, Script, fit
from facespot.synth.distractors import Blink
from facespot.synth.distributions import VISIBLE_AMPLITUDE
from facespot.synth.emotions import EMOTIONS, UnitAction

FPS, N_FRAMES = 30.0, 240


def acted(kind="macro", emotion="happiness", start=2.0, duration=1.5, amplitude=None, units=None, **more):
    units = units or EMOTIONS[emotion].combinations[0]
    actions = tuple(UnitAction(unit, 0.9, 0.8) for unit in units)
    return ActedExpression(kind, emotion, actions, start, duration, amplitude, **more)


def motion_of_poses(face, actor, fps=FPS, n_frames=N_FRAMES):
    return np.array([face.facial_motion(actor.pose(k / fps).weights) for k in range(n_frames)])


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_truth_is_measured_on_the_motion(emotion):
    face = FakeFace()
    actor = Actor(face, Script((acted(emotion=emotion),)))
    motion = motion_of_poses(face, actor)
    seen = np.flatnonzero(motion >= VISIBLE_AMPLITUDE * face.eye_distance())
    (true,) = actor.truth(FPS, N_FRAMES)
    assert (true.expression.onset, true.expression.offset) == (seen[0], seen[-1])
    assert true.expression.apex == np.argmax(motion)
    assert true.peak * face.eye_distance() == pytest.approx(motion.max())
    assert len(seen) == len(true.expression), "the motion is visible all the time between"


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(EMOTIONS)),
    st.floats(0.5, 3.0),
    st.floats(0.1, 4.0),
    st.floats(0.2, 0.6),
    st.floats(0.0, 1.0),
    st.floats(0.2, 0.9),
    st.floats(0.7, 1.5),
    st.sampled_from([25.0, 30.0, 60.0, 200.0]),
)
def test_an_expression_is_visible_for_its_duration(emotion, start, duration, rise, hold, fall, skew, fps):
    one = acted("macro", emotion, start, duration, rise=rise, hold=hold, fall=fall, skew=skew)
    (true,) = Actor(FakeFace(), Script((one,))).truth(fps, int(8 * fps))
    assert abs(len(true.expression) - duration * fps) <= 1.01
    assert abs(true.expression.onset - start * fps) <= 1.01
    # Of a motion of two or three frames the last one may be the strongest; no macro-expression is that short.
    assert true.expression.apex < true.expression.offset or duration < 0.5


@pytest.mark.parametrize("share", [0.006, 0.015, 0.03])
@pytest.mark.parametrize("emotion", ["happiness", "surprise", "anger", "contempt"])
def test_a_micro_expression_has_the_amplitude_asked_for(emotion, share):
    face = FakeFace()
    fitted = fit(acted("micro", emotion, duration=0.4, amplitude=share), face)
    fine = [face.facial_motion(fitted.weights(t)) for t in np.arange(1.9, 2.6, 0.001)]
    assert max(fine) / face.eye_distance() == pytest.approx(share, rel=0.02)


def test_an_amplitude_out_of_reach_stays_below():
    face = FakeFace()
    fitted = fit(acted("micro", "others", duration=0.4, amplitude=0.2, units=(7,)), face)
    assert max(max(one.sides) for one in fitted.expression.actions) == pytest.approx(1.0)


def test_nothing_visible_is_an_error():
    actions = (UnitAction(7, 0.001, 0.001),)
    with pytest.raises(ValueError, match="nowhere visible"):
        fit(ActedExpression("macro", "others", actions, 1.0, 1.0), FakeFace())


def test_units_rise_and_fall_with_the_expression():
    actor = Actor(FakeFace(), Script((acted(emotion="happiness", start=2.0, duration=1.5),)))
    assert actor.intensities(1.0) == {}
    (true,) = actor.truth(FPS, N_FRAMES)
    at_apex = actor.intensities(true.expression.apex / FPS)
    assert at_apex[12, "left"] == pytest.approx(5 * 0.9, rel=0.02)
    assert at_apex[12, "right"] == pytest.approx(5 * 0.8, rel=0.02)
    early = actor.intensities(2.1)
    assert early.get((6, "left"), 0.0) < early[12, "left"], "the cheeks come later"


def test_two_overlapping_expressions_keep_their_own_truth():
    both = (
        acted(emotion="surprise", start=1.0, duration=2.0),
        acted(emotion="sadness", start=2.0, duration=2.0, units=(15,)),
    )
    face = FakeFace()
    alone = [Actor(face, Script((one,))).truth(FPS, N_FRAMES)[0] for one in both]
    assert list(Actor(face, Script(both)).truth(FPS, N_FRAMES)) == alone
    assert alone[0].expression.overlaps(alone[1].expression)


def test_an_expression_beyond_the_end_is_cut_there():
    (true,) = Actor(FakeFace(), Script((acted(start=7.0, duration=2.0),))).truth(FPS, N_FRAMES)
    assert true.expression.offset == N_FRAMES - 1


def test_lids_shut_whatever_else_they_do():
    wide = acted(emotion="others", units=(5,), start=1.0, duration=2.0)
    actor = Actor(FakeFace(), Script((wide,), (Blink(1.5, 0.3),)))
    pose = actor.pose(1.5 + 0.3 * 0.33)
    assert pose.weights["eyeBlink_L"] == pytest.approx(FakeFace().blink_weight)
    assert pose.weights["eyeWide_L"] == 0.0
    assert max(actor.pose(t).weights.get("eyeBlink_L", 0.0) for t in (1.49, 1.81)) == 0.0
