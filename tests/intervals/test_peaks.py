"""Scores to intervals: properties, and parity with recorded scores of a published method on a real corpus."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage, signal

from facespot.intervals import find_peaks, highest_peak, peaks_above, relative_threshold, runs, smooth, spot_peaks
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


SMOOTHINGS = ("code", "paper", "gaussian", "exponential")


def weights_of(smoothing, k, spread):
    distances = range(-k, k) if smoothing == "code" else range(-k, k + 1)
    weigh = {
        "gaussian": lambda d: math.exp(-(d**2) / (2 * spread**2)),
        "exponential": lambda d: math.exp(-abs(d) / spread),
    }
    return {d: weigh.get(smoothing, lambda d: 1.0)(d) for d in distances}


@given(SCORES, st.integers(1, 8), st.sampled_from(SMOOTHINGS), st.sampled_from([1.0, 3.0]), st.data())
def test_every_smoothing_equals_a_plain_loop(scores, k, smoothing, spread, data):
    valid = data.draw(arrays(np.bool_, len(scores)))
    weights = weights_of(smoothing, k, spread)
    for ends in ("dropped", "zeros"):
        found = smooth(scores, k, valid=valid, smoothing=smoothing, spread=spread, ends=ends)
        for i in range(len(scores)):
            inside = {d: w for d, w in weights.items() if 0 <= i + d < len(scores)}
            known = {d: w for d, w in inside.items() if valid[i + d]}
            outside = sum(weights.values()) - sum(inside.values()) if len(inside) < len(weights) else 0.0
            share = (sum(known.values()) + outside) / sum(weights.values())
            if not valid[i] or (ends == "dropped" and len(inside) < len(weights)) or share < 0.5 - 1e-6:
                assert np.isnan(found[i])
            elif share > 0.5 + 1e-6:
                total = sum(w * scores[i + d] for d, w in known.items())
                assert found[i] == pytest.approx(total / (sum(known.values()) + outside), rel=1e-9, abs=1e-9)


@given(SCORES, st.integers(1, 12), st.sampled_from([1.0, 3.0]))
def test_gaussian_smoothing_is_that_of_scipy(scores, k, sigma):
    kept = smooth(scores, k, smoothing="gaussian", spread=sigma, ends="zeros")
    expected = ndimage.gaussian_filter1d(scores, sigma, radius=k, mode="constant")
    np.testing.assert_allclose(kept, expected, atol=1e-9)
    dropped = smooth(scores, k, smoothing="gaussian", spread=sigma)
    np.testing.assert_allclose(dropped[k:-k], expected[k:-k], atol=1e-9)
    assert np.isnan(dropped[:k]).all()
    assert np.isnan(dropped[-k:]).all()


@given(SCORES, st.integers(1, 8), st.sampled_from([1.0, 3.0]))
def test_exponential_smoothing_takes_the_window_of_scipy(scores, k, tau):
    window = signal.windows.exponential(2 * k + 1, tau=tau)
    expected = np.convolve(scores, window / window.sum(), mode="full")[k : k + len(scores)]
    np.testing.assert_allclose(
        smooth(scores, k, smoothing="exponential", spread=tau, ends="zeros"), expected, atol=1e-9
    )


@given(SCORES, st.integers(1, 8))
def test_kept_ends_are_what_the_program_of_mean_convolves(scores, k):
    expected = np.convolve(scores, np.ones(2 * k) / (2 * k), mode="full")[k - 1 : k - 1 + len(scores)]
    kept = smooth(scores, k, smoothing="code", ends="zeros")
    np.testing.assert_allclose(kept, expected, atol=1e-9)
    inner = ~np.isnan(smooth(scores, k, smoothing="code"))
    np.testing.assert_allclose(smooth(scores, k, smoothing="code")[inner], kept[inner], atol=1e-9)


def test_a_wider_spread_comes_nearer_to_the_simple_mean():
    scores = np.random.default_rng(0).random(100)
    mean = smooth(scores, 5, smoothing="paper")[5:-5]
    for smoothing in ("gaussian", "exponential"):
        gaps = [np.abs(smooth(scores, 5, smoothing=smoothing, spread=s)[5:-5] - mean).max() for s in (1, 3, 1000)]
        assert gaps[0] > gaps[1] > gaps[2]
        assert gaps[2] < 0.01


@given(SCORES, st.integers(1, 8), st.floats(0, 1))
def test_intervals_of_the_paper_of_mean_end_one_row_earlier(scores, k, p):
    smoothed = smooth(scores, k, ends="zeros")
    code, paper = peaks_above(smoothed, k, p), peaks_above(smoothed, k, p, rows_after=k - 1)
    np.testing.assert_array_equal(code.peaks, paper.peaks)
    np.testing.assert_array_equal(paper.intervals[:, 0], code.intervals[:, 0])
    last = len(scores) - 1
    np.testing.assert_array_equal(paper.intervals[:, 1], np.minimum(code.peaks + k - 1, last))
    np.testing.assert_array_equal(code.intervals[:, 1], np.minimum(code.peaks + k, last))


@given(SCORES, st.integers(1, 8), st.data())
def test_a_short_video_has_one_peak_wherever_any_row_has_a_score(scores, k, data):
    valid = data.draw(arrays(np.bool_, len(scores)))
    smoothed = smooth(scores, k, valid=valid, ends="zeros")
    found = highest_peak(smoothed, k)
    assert found.threshold is None
    if np.isnan(smoothed).all():
        assert found.peaks.size == 0
        assert found.intervals.shape == (0, 2)
    else:
        assert found.peaks.tolist() == [smoothed.tolist().index(np.nanmax(smoothed))]
        assert found.intervals.tolist() == [[max(0, found.peaks[0] - k), min(len(scores) - 1, found.peaks[0] + k)]]


@pytest.mark.parametrize(("k", "spread"), [(0, 1.0), (3, 0.0), (3, float("nan"))])
def test_smoothing_refuses_what_has_no_window(k, spread):
    with pytest.raises(ValueError, match="must be"):
        smooth(np.ones(20), k, smoothing="gaussian", spread=spread)


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
