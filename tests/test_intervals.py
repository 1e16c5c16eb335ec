"""Scores to intervals: properties, and parity with recorded scores of a published method on a real corpus."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from facespot.intervals import find_peaks, relative_threshold, runs, smooth, spot_peaks
from facespot.metrics import evaluate
from facespot.values import Expression, Timebase, Track

SCORES = arrays(np.float64, st.integers(1, 80), elements=st.floats(-10, 10, width=32))


@given(SCORES, st.integers(1, 8), st.sampled_from(["paper", "code"]))
def test_smoothing_equals_a_plain_loop(scores, k, smoothing):
    last = k if smoothing == "paper" else k - 1
    expected = np.full(len(scores), np.nan)
    for i in range(k, len(scores) - last):
        expected[i] = sum(scores[i - k : i + last + 1]) / (k + last + 1)
    np.testing.assert_allclose(smooth(scores, k, smoothing=smoothing), expected, rtol=1e-12, atol=1e-12)


def test_a_gap_is_left_out_of_the_mean_and_gets_no_score():
    scores = np.array([1.0, 1, 1, 1, 100, 1, 1, 1, 1])
    valid = np.arange(9) != 4
    smoothed = smooth(scores, 2, valid=valid, smoothing="paper")
    np.testing.assert_allclose(smoothed[[2, 3, 5, 6]], 1.0)
    assert np.isnan(smoothed[4])


def test_a_window_that_is_mostly_a_gap_gives_no_score():
    valid = np.array([True, False, False, True, False, True, True])
    smoothed = smooth(np.ones(7), 2, valid=valid, smoothing="paper")
    assert np.isnan(smoothed[3])


def test_scores_in_gaps_never_matter():
    rng = np.random.default_rng(0)
    valid = rng.random(200) > 0.2
    first, second = rng.random(200), rng.random(200)
    second[valid] = first[valid]
    second[~valid] = np.nan
    one, other = (spot_peaks(scores, 4, 0.5, valid=valid) for scores in (first, second))
    np.testing.assert_array_equal(one.smoothed, other.smoothed)
    np.testing.assert_array_equal(one.intervals, other.intervals)


@given(SCORES, st.integers(1, 8), st.floats(0, 1), st.sampled_from(["paper", "code"]), st.data())
def test_intervals_stay_inside_and_peaks_stay_apart(scores, k, p, smoothing, data):
    valid = data.draw(arrays(np.bool_, len(scores)))
    found = spot_peaks(scores, k, p, valid=valid, smoothing=smoothing)
    assert np.all(found.intervals[:, 0] == found.peaks - k)
    assert np.all(found.intervals[:, 1] == found.peaks + k)
    assert np.all((found.intervals >= 0) & (found.intervals < len(scores)))
    assert np.all(valid[found.peaks])
    for start, stop in runs(np.isfinite(found.smoothed)):
        inside = found.peaks[(found.peaks >= start) & (found.peaks < stop)]
        assert np.all(np.diff(inside) >= k)


def test_threshold_spans_mean_to_maximum():
    values = np.array([0.0, 1.0, 5.0])
    assert relative_threshold(values, 0.0) == values.mean()
    assert relative_threshold(values, 1.0) == 5.0
    assert relative_threshold(np.array([np.nan]), 0.5) is None


def test_a_constant_video_has_no_peak():
    assert spot_peaks(np.ones(50), 3, 0.5).peaks.size == 0


def test_nothing_without_a_single_valid_row():
    found = spot_peaks(np.full(50, np.nan), 3, 0.5, valid=np.zeros(50, dtype=bool))
    assert found.threshold is None
    assert found.intervals.shape == (0, 2)


def test_a_gap_is_a_border_and_no_peak():
    values = np.array([0.0, 1.0, np.nan, 3.0, 1.0, 2.0, 0.0])
    np.testing.assert_array_equal(find_peaks(values, 0.0, 1), [5])


@pytest.fixture(scope="module")
def recorded(reference_file):
    import json

    archive = np.load(reference_file("slswin_casme2_me_scores.npz"))
    record = json.loads(reference_file("slswin_casme2_me.json").read_text())
    return record, archive


def test_every_recorded_interval_is_found_again(recorded):
    record, archive = recorded
    for video in record["videos"]:
        found = spot_peaks(archive[f"{video['subject']}_{video['video']}"], record["k"], record["p"], smoothing="code")
        assert found.peaks.tolist() == video["peaks"]
        assert found.intervals.tolist() == video["intervals"]
        assert found.threshold == pytest.approx(video["threshold"], rel=1e-6)


@pytest.mark.parametrize("matching", ["greedy", "optimal"])
def test_recorded_counts_for_every_p_under_both_rules(recorded, matching):
    record, archive = recorded
    assert len(record["p_scan"]) == 100
    truth = []
    for video in record["videos"]:
        name = f"{video['subject']}_{video['video']}"
        expressions = tuple(Expression(onset, None, offset, "micro") for onset, offset in video["gt"])
        truth.append(Track(name, Timebase(30.0, video["n_frames"]), expressions))
    for p, printed in record["p_scan"].items():
        predicted = []
        for track in truth:
            found = spot_peaks(archive[track.video], record["k"], float(p), smoothing="code")
            expressions = tuple(Expression(int(on), None, int(off), "micro") for on, off in found.intervals)
            predicted.append(Track(track.video, track.timebase, expressions))
        for rule, strict in (("strict", True), ("ge", False)):
            # The record counts one false positive for a video without peaks.
            result = evaluate(truth, predicted, strict=strict, matching=matching, count_dummy=True).of_kind("micro")
            assert [result.tp, result.fp, result.fn] == printed[rule], (p, rule)
