"""Value types: intervals and time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.values import (
    Box,
    Expression,
    Features,
    FeatureSpec,
    Scores,
    Timebase,
    Track,
    distance_in_frames,
)

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda span: Expression(span[0], None, sum(span), "macro")
)
TIMES = st.lists(st.floats(0.001, 2.0), min_size=1, max_size=40).map(lambda gaps: np.cumsum([0.0, *gaps]))


@given(SPANS, SPANS)
def test_iou_equals_counting_frames(a, b):
    first, second = (set(range(one.onset, one.offset + 1)) for one in (a, b))
    assert a.iou(b) == len(first & second) / len(first | second)
    assert a.iou(b) == b.iou(a)
    assert a.overlaps(b) == bool(first & second)


@given(SPANS, st.integers(0, 100))
def test_a_shift_moves_everything_and_keeps_the_length(one, frames):
    moved = one.shift(frames)
    assert len(moved) == len(one)
    assert (moved.onset, moved.offset) == (one.onset + frames, one.offset + frames)
    assert Expression(3, 5, 9, "micro").shift(2).apex == 7


@pytest.mark.parametrize(
    "fields",
    [(5, None, 4, "macro"), (-1, None, 4, "macro"), (0, 9, 4, "macro"), (0, None, 4, "huge")],
)
def test_impossible_expressions_are_refused(fields):
    with pytest.raises(ValueError, match=r"interval|outside|type"):
        Expression(*fields)


def test_a_score_must_be_a_number():
    with pytest.raises(ValueError, match="finite"):
        Expression(0, None, 4, "macro", score=float("nan"))


@pytest.mark.parametrize(
    ("emotion", "probability", "words"),
    [("fear", 1.01, "in 0..1"), ("fear", float("nan"), "in 0..1"), (None, 0.5, "without")],
)
def test_a_probability_of_an_emotion_is_one(emotion, probability, words):
    with pytest.raises(ValueError, match=words):
        Expression(0, None, 4, "macro", emotion, emotion_probability=probability)
    assert Expression(0, None, 4, "macro", "fear", emotion_probability=1.0).emotion_probability == 1.0


def test_a_track_is_sorted_and_stays_inside_its_video():
    base = Timebase(30.0, 50)
    late, early = Expression(30, None, 49, "macro"), Expression(3, None, 9, "micro")
    track = Track("a", base, (late, early))
    assert track.expressions == (early, late)
    assert track.of_kind("macro").expressions == (late,)
    with pytest.raises(ValueError, match="outside a video of 50 frames"):
        Track("a", base, (Expression(30, None, 50, "macro"),))


@given(TIMES, st.floats(-1, 90))
def test_frame_at_is_the_nearest_frame(times, moment):
    base = Timebase(30.0, len(times), times)
    gap = abs(times[base.frame_at(moment)] - moment)
    assert gap == np.abs(times - moment).min()


@given(st.floats(1, 240), st.integers(1, 500), st.data())
def test_frames_and_seconds_of_an_even_video_agree(fps, n_frames, data):
    base = Timebase(fps, n_frames)
    frame = data.draw(st.integers(0, n_frames - 1))
    assert base.frame_at(base.seconds(frame)) == frame
    assert base.duration_s == pytest.approx(n_frames / fps)


def test_timebases_compare_by_value():
    times = np.array([0.0, 0.1, 0.3])
    assert Timebase(10.0, 3, times) == Timebase(10.0, 3, times.copy())
    assert Timebase(10.0, 3, times) != Timebase(10.0, 3)
    with pytest.raises(ValueError, match="increase"):
        Timebase(10.0, 3, times[::-1])


@pytest.mark.parametrize(
    ("duration_s", "fps", "frames"), [(0.2, 30, 6), (0.6, 30, 18), (0.185, 200, 37), (0.87, 200, 174), (0.6, 25, 15)]
)
def test_published_distances_in_frames(duration_s, fps, frames):
    assert distance_in_frames(duration_s, fps) == frames


@given(st.tuples(*[st.floats(0, 50), st.floats(0, 50), st.floats(0.5, 50), st.floats(0.5, 50)]).map(lambda b: Box(*b)))
def test_a_box_covers_itself(box):
    assert box.iou(box) == pytest.approx(1.0)
    assert box.iou(Box(box.left + box.width, box.top, box.width, box.height)) == pytest.approx(0.0, abs=1e-9)


def test_specs_differ_where_a_setting_differs():
    one = FeatureSpec("strain", 1, {"distance_s": 0.2, "flow": "tvl1"})
    same = FeatureSpec("strain", 1, {"flow": "tvl1", "distance_s": 0.2})
    assert one.digest() == same.digest()
    assert one.digest() != FeatureSpec("strain", 1, {"distance_s": 0.2, "flow": "dis"}).digest()


def test_arrays_of_values_are_read_only():
    base = Timebase(30.0, 4)
    values = np.zeros((3, 1), dtype=np.float32)
    scores = Scores("a", base, ("macro",), values, np.arange(3), np.ones((3, 1), dtype=bool), 30.0)
    features = Features("a", base, FeatureSpec("strain", 1), values[:, 0], np.arange(3), np.ones(3, dtype=bool), 30.0)
    for array in (scores.values, scores.frames, scores.valid, features.values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_features_of_bytes_stay_bytes_and_mapped(tmp_path):
    np.save(tmp_path / "values.npy", np.arange(24, dtype=np.uint8).reshape(3, 2, 4))
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    base, valid = Timebase(30.0, 4), np.array([True, False, True])
    features = Features("a", base, FeatureSpec("aligned_faces", 1), mapped, np.arange(3), valid, 30.0)
    assert features.values.dtype == np.uint8
    assert np.shares_memory(features.values, mapped)
    np.testing.assert_array_equal(features.values, mapped)


def test_a_missing_score_is_nan_and_nothing_else():
    base, frames = Timebase(30.0, 4), np.arange(2)
    with pytest.raises(ValueError, match="NaN elsewhere"):
        Scores("a", base, ("macro",), np.zeros((2, 1)), frames, np.array([[True], [False]]), 30.0)
    with pytest.raises(ValueError, match="increase strictly"):
        Scores("a", base, ("macro",), np.zeros((2, 1)), frames[::-1], np.ones((2, 1), dtype=bool), 30.0)
