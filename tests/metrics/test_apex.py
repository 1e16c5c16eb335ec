"""Apex spotting rate and errors of the points, by hand."""

import math

import numpy as np
import pytest

from facespot.metrics import evaluate
from facespot.metrics.apex import apex_spotting_rate, apex_spotting_rate_of_tracks, point_errors, time_s
from facespot.values import Expression, Timebase, Track

BASE = Timebase(25.0, 1000)


def test_the_round_brackets_exclude_onset_and_offset():
    truth = [Expression(10, 15, 20, "micro")] * 5
    apexes = [10, 11, 19, 20, None]
    assert apex_spotting_rate(truth, apexes) == pytest.approx(2 / 5)
    assert apex_spotting_rate(truth, apexes, strict=False) == pytest.approx(4 / 5)
    with pytest.raises(ValueError, match="1 spotted apexes for 5"):
        apex_spotting_rate(truth, [1])


def test_the_strongest_prediction_counts():
    truth = [Track(name, BASE, (Expression(10, 15, 20, "micro"),)) for name in ("hit", "silent")]
    weak, strong = Expression(0, 5, 9, "micro", score=0.2), Expression(12, 14, 30, "micro", score=0.8)
    predicted = [Track("hit", BASE, (weak, strong))]
    assert apex_spotting_rate_of_tracks(truth, predicted) == 0.5
    with pytest.raises(ValueError, match="holds 0 macro-expressions"):
        apex_spotting_rate_of_tracks(truth, predicted, "macro")


def test_errors_in_frames_and_seconds():
    truth = [Track("a", BASE, (Expression(10, 20, 30, "macro"), Expression(100, None, 120, "macro")))]
    predicted = [Track("a", BASE, (Expression(12, 19, 34, "macro"), Expression(96, 110, 120, "macro")))]
    errors = point_errors(evaluate(truth, predicted).matches, {"a": BASE})
    onset, apex, offset = errors["onset"], errors["apex"], errors["offset"]
    assert (onset.n, onset.mean_frames, onset.absolute_frames, onset.median_frames) == (2, -1.0, 3.0, 3.0)
    assert (onset.mean_s, onset.absolute_s) == pytest.approx((-0.04, 0.12))
    assert (apex.n, apex.mean_frames) == (1, -1.0)
    assert (offset.mean_frames, offset.mean_s) == pytest.approx((2.0, 0.08))


def test_seconds_follow_the_timestamps_of_a_variable_frame_rate():
    base = Timebase(10.0, 4, np.array([0.0, 0.5, 0.6, 0.7]))
    assert time_s(base, 2) - time_s(base, 1) == pytest.approx(0.1)
    assert time_s(base, 5) == pytest.approx(0.9)


def test_no_hits_give_no_error():
    error = point_errors([], {})["apex"]
    assert error.n == 0
    assert math.isnan(error.mean_frames)
    assert math.isnan(error.median_s)
