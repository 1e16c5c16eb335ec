from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.video.timing import complete_frames, spread_equal, timebase_from_pts

MILLISECOND = Fraction(1, 1000)


@given(
    st.sampled_from(
        [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(200)]
    ),
    st.integers(2, 5000),
    st.integers(-10000, 10000),
    st.sampled_from(
        [Fraction(1, 1000), Fraction(1, 600), Fraction(1, 15360), Fraction(1, 90000), Fraction(1, 1000000)]
    ),
)
def test_even_frames_survive_the_rounding_of_containers(rate, count, start, tick_s):
    if tick_s == Fraction(1, 600):
        rate = Fraction(30)
    pts = np.array([round((start + i) / rate / tick_s) for i in range(count)])
    timebase = timebase_from_pts(pts, tick_s, [float(rate)])
    assert timebase.timestamps_s is None
    assert timebase.fps == float(rate)
    unstated = timebase_from_pts(pts, tick_s)
    assert unstated.timestamps_s is None
    assert unstated.seconds(count - 1) == pytest.approx((count - 1) / float(rate), abs=1.1e-3)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.integers(-1000, 1000))
def test_no_time_is_off_by_more_than_the_rounding(gaps_ms, start):
    pts = start + np.concatenate([[0], np.cumsum(gaps_ms)])
    timebase = timebase_from_pts(pts, MILLISECOND, [30.0])
    times = np.array([timebase.seconds(i) for i in range(len(pts))])
    assert times[0] == 0
    assert np.abs(times - (pts - start) / 1000).max() <= 1e-3 + 1e-9
    assert timebase.fps == pytest.approx((len(pts) - 1) / ((pts[-1] - start) / 1000), rel=0.05) or len(pts) < 20


def test_a_wrong_stated_rate_is_not_believed():
    pts = np.arange(0, 40 * 1000, 40)
    assert timebase_from_pts(pts, MILLISECOND, [30.0, 0.0, float("nan")]).fps == pytest.approx(25)


def test_a_slow_drift_from_the_stated_rate_is_seen():
    pts = np.round(np.arange(20000) * 1000 / 29.9).astype(int)
    timebase = timebase_from_pts(pts, MILLISECOND, [30.0])
    assert timebase.timestamps_s is None
    assert timebase.fps == pytest.approx(29.9, rel=1e-6)


def test_one_frame():
    assert timebase_from_pts(np.array([70]), MILLISECOND, [50.0]).fps == 50.0
    assert timebase_from_pts(np.array([70]), MILLISECOND).n_frames == 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_spread_times_increase_and_stay_before_the_next(values):
    pts = np.sort(np.array(values))
    spread = spread_equal(pts)
    assert np.all(np.diff(spread) > 0)
    first = np.concatenate([[True], np.diff(pts) > 0])
    assert np.array_equal(spread[first], pts[first])
    below_last = pts < pts[-1]
    assert np.all(spread[below_last] < pts[-1])


@given(st.data())
def test_a_cut_stream_is_complete_up_to_the_count(data):
    groups = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=15))
    order = [0]
    for b_frames in groups:
        last = len(order)
        order.append(last + b_frames)
        order.extend(data.draw(st.permutations(range(last, last + b_frames))))
    cut = data.draw(st.integers(1, len(order)))
    # The reordering of the stream has been seen before the cut.
    whole = np.array(order)
    deepest = int(np.max(np.arange(len(order)) - whole))
    kept = whole[:cut]
    if int(np.max(np.arange(cut) - np.argsort(np.argsort(kept)))) < deepest:
        return
    count = complete_frames(kept)
    assert np.array_equal(np.sort(kept)[:count], np.arange(count))
    if cut == len(order):
        assert count >= len(order) - 3
