"""Targets of rows: against sets of frames, and the bounds of the supplement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.features import feature_spec
from facespot.training.pseudo_labels import pseudo_label, rows_of, window_iou
from facespot.values import Expression, Features, Timebase, Track

INTERVAL = st.tuples(st.integers(-20, 60), st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.integers(0, 40), st.integers(1, 25), st.lists(INTERVAL, max_size=4))
def test_the_iou_is_that_of_sets_of_rows(n_rows, k, intervals):
    expected = []
    for row in range(n_rows):
        window = set(range(row, row + k))
        best = 0.0
        for first, last in intervals:
            interval = set(range(first, last + 1))
            best = max(best, len(window & interval) / len(window | interval))
        expected.append(best)
    found = window_iou(n_rows, k, intervals)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(expected, dtype=np.float32), rtol=1e-6)


def test_the_step_function_has_the_bounds_of_equation_7():
    # g = 0 at 0; .25 in (0, .25); .5 in [.25, .5); .75 in [.5, .75); 1 in [.75, 1].
    below = [np.nextafter(np.float32(bound), np.float32(0)) for bound in (0.25, 0.5, 0.75)]
    iou = np.array([0.0, 1e-6, below[0], 0.25, below[1], 0.5, below[2], 0.75, 1.0], dtype=np.float32)
    assert pseudo_label(iou, "step").tolist() == [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 1]
    assert pseudo_label(iou, "unit_step").tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(pseudo_label(iou, "linear"), iou)
    with pytest.raises(ValueError, match="'cubic'"):
        pseudo_label(iou, "cubic")


def rows(frames, *intervals, k=3, kind="micro", **options):
    base = Timebase(30.0, 400)
    frames = np.asarray(frames)
    features = Features("v", base, feature_spec("strain", distance_s=0.1), np.zeros(len(frames), dtype=np.float32),
                        frames, np.ones(len(frames), dtype=bool), 30.0)  # fmt: skip
    track = Track("v", base, tuple(Expression(onset, None, offset, kind) for onset, offset in intervals))
    return rows_of(track, features, "micro", k, **options)


def test_rows_are_frames_where_every_frame_is_read():
    assert rows(range(100), (10, 19), (40, 40)) == [(10, 19), (40, 40)]
    assert rows(range(100), (10, 19), kind="macro") == []
    assert rows([], (10, 19)) == []


def test_an_interval_takes_the_picked_frames_inside_it():
    picked = range(5, 105, 2)  # 5, 7, 9, ...
    assert rows(picked, (9, 13)) == [(2, 4)]
    assert rows(picked, (8, 14)) == [(2, 4)]
    assert rows(picked, (0, 6)) == [(0, 0)]


def test_an_interval_between_two_picked_frames_or_before_the_first_has_no_row():
    assert rows(range(0, 100, 10), (11, 19)) == []
    assert rows(range(50, 100), (10, 49)) == []


def test_the_rows_go_on_for_one_window_past_the_last():
    # 20 rows of frames 0..19; windows of 5 reach to row 24, so an interval in frames 22..60 has rows 22..24.
    assert rows(range(20), (22, 60), k=5) == [(22, 24)]
    assert rows(range(20), (25, 60), k=5) == []
    assert rows(range(0, 40, 2), (41, 45), k=5) == [(21, 22)]


def test_the_onset_frame_may_be_left_out():
    assert rows(range(100), (10, 19), onset_counted=False) == [(11, 19)]
    assert rows(range(100), (10, 10), onset_counted=False) == [(10, 10)]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True), INTERVAL)
def test_rows_are_those_whose_frames_lie_in_the_interval(picked, interval):
    frames, first = sorted(picked), max(interval[0], 0)
    last = max(interval[1], first)
    inside = [row for row, frame in enumerate(frames) if first <= frame <= last]
    found = rows(frames, (first, last))
    if inside:
        assert found[0][0] == inside[0]
        assert found[0][1] == inside[-1] or inside[-1] == len(frames) - 1
    elif last < frames[-1]:
        assert found == []
