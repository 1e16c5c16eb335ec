"""Calibration: the likeliest curve, thresholds by brute force, the table of reliability, JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.methods.regiontcn.calibration import (
    BETAS,
    UNFITTED,
    Calibration,
    OperatingPoint,
    fit_calibration,
    from_json,
    operating_points,
    reliability,
    to_json,
)
from facespot.methods.regiontcn.config import SENSITIVITIES, RegiontcnConfig
from facespot.methods.regiontcn.judging import judge
from facespot.values import KINDS, Expression, Scores, Timebase, Track

NAMES = {"low": 0.5, "normal": 1.0, "high": 2.0}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def drawn(n, slope, shift, seed=0):
    """Scores, and hits that are as frequent as a curve says."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.98, n)
    return scores, rng.random(n) < sigmoid(slope * np.log(scores / (1 - scores)) + shift)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (2.5, 1.0), (0.6, -2.0)])
def test_the_curve_that_made_the_hits_is_found(slope, shift):
    found = fit_calibration(*drawn(20_000, slope, shift))
    assert (found.slope, found.shift) == pytest.approx((slope, shift), abs=0.1)


def test_the_curve_is_the_likeliest_on_a_grid():
    scores, hits = drawn(60, 1.7, -0.8, seed=3)
    found = fit_calibration(scores, hits)

    def loss(slope, shift):
        p = Calibration(slope, shift).probability(scores)
        prior = ((slope - 1) / 2) ** 2 / 2 + (shift / 5) ** 2 / 2
        return -np.log(np.where(hits, p, 1 - p)).sum() + prior

    best = loss(found.slope, found.shift)
    for slope in np.arange(0.1, 5, 0.1):
        for shift in np.arange(-3, 3, 0.1):
            assert best <= loss(slope, shift) + 1e-9


@pytest.mark.parametrize("n", [6, 400])
def test_perfectly_separated_scores_give_a_finite_steep_curve(n):
    scores = np.linspace(0.1, 0.9, n)
    found = fit_calibration(scores, scores > 0.5)
    assert 1 < found.slope < 60
    assert (np.diff(found.probability(scores)) > 0).all()


def test_hits_alone_and_scores_that_mislead_keep_their_order():
    assert fit_calibration(np.linspace(0.2, 0.9, 9), np.ones(9)).probability([0.5])[0] > 0.8
    scores = np.linspace(0.05, 0.95, 200)
    assert fit_calibration(scores, scores < 0.5).slope == 0.05


@pytest.mark.parametrize(("scores", "hits"), [([], []), ([0.2, 0.4, 0.9, 0.8], [0, 0, 1, 1]), ([0.5] * 30, [0] * 30)])
def test_scores_stay_as_they_are_where_there_is_nothing_to_learn(scores, hits):
    found = fit_calibration(scores, hits)
    assert found == Calibration()
    np.testing.assert_allclose(found.probability([0.0, 0.25, 1.0]), [0.0, 0.25, 1.0], atol=1e-5)
    assert np.isnan(found.probability([np.nan])).all()


def best_by_force(probabilities, hits, n_true, beta):
    """The highest F_beta that any threshold reaches."""
    best = 0.0
    for threshold in [*np.unique(probabilities), 1.1]:
        found = [hit for p, hit in zip(probabilities, hits, strict=True) if p >= threshold]
        tp = sum(found)
        best = max(best, (1 + beta**2) * tp / (len(found) + beta**2 * n_true))
    return best


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.51, 0.9, 0.99]), st.booleans()), max_size=25),
    st.integers(0, 5),
)
def test_each_point_is_the_best_by_brute_force(proposals, n_missed):
    probabilities = np.array([p for p, _ in proposals])
    hits = np.array([hit for _, hit in proposals], dtype=bool)
    n_true = int(hits.sum()) + n_missed
    points = operating_points(probabilities, hits, n_true=n_true, minutes=3.0)
    assert list(points) == list(SENSITIVITIES)
    assert points["low"].threshold >= points["normal"].threshold >= points["high"].threshold
    for name, point in points.items():
        found = hits[probabilities >= point.threshold]
        tp = int(found.sum())
        assert point.hits == tp
        assert point.precision == pytest.approx(tp / len(found) if len(found) else 0, abs=1e-6)
        assert point.recall == pytest.approx(tp / n_true if n_true else 0, abs=1e-6)
        assert point.false_alarms_a_minute == pytest.approx((len(found) - tp) / 3, abs=1e-6)
        beta = NAMES[name]
        assert BETAS[name] == beta
        if not hits.any():
            assert point.threshold == UNFITTED[name]
            continue
        score = (1 + beta**2) * tp / (len(found) + beta**2 * n_true)
        assert score == pytest.approx(best_by_force(probabilities, hits, n_true, beta))


def test_the_threshold_is_in_the_middle_of_what_does_the_same():
    points = operating_points([0.9, 0.8, 0.3], [True, True, False], n_true=2, minutes=1.0)
    assert {point.threshold for point in points.values()} == {0.55}
    # F1 of the highest one, two, three and four is 2/3, 1/2, 4/5 and 2/3.
    points = operating_points([0.9, 0.4, 0.3, 0.25], [True, False, True, False], n_true=2, minutes=1.0)
    assert points["normal"].threshold == 0.275
    # F0.5 is 5/7, 1/2 and 2/3, F2 is 5/13, 5/14 and 2/3.
    points = operating_points([0.9, 0.6, 0.5], [True, False, True], n_true=3, minutes=1.0)
    assert (points["low"].threshold, points["high"].threshold) == (0.75, 0.25)
    # F0.5 of one and of three is the same; the stretch below the third one is wider than that below the first.
    points = operating_points([0.9, 0.6, 0.5], [True, False, True], n_true=4, minutes=1.0)
    assert points["low"].threshold == 0.25


def test_reliability_is_counted_in_bins():
    probabilities, hits = [0.0, 0.05, 0.1, 0.55, 0.95, 1.0], [0, 1, 0, 1, 1, 1]
    bins = reliability(probabilities, hits, bins=10)
    assert [one.count for one in bins] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert (bins[0].mean_probability, bins[0].observed_share) == (0.025, 0.5)
    assert (bins[2].mean_probability, bins[2].observed_share) == (None, None)
    assert (bins[9].low, bins[9].high, bins[9].observed_share) == (0.9, 1.0, 1.0)
    scores, hits = drawn(30_000, 2.0, -1.0)
    for one in reliability(fit_calibration(scores, hits).probability(scores), hits):
        assert one.observed_share == pytest.approx(one.mean_probability, abs=0.05)


def test_a_checkpoint_keeps_both():
    curves = {"macro": Calibration(2.5, -1.0), "micro": Calibration(0.25, 3.0)}
    points = {kind: operating_points([0.2, 0.7], [False, True], n_true=2, minutes=2.0) for kind in KINDS}
    assert from_json(json.loads(json.dumps(to_json(curves, points)))) == (curves, points)
    plain, defaults = from_json({})
    assert plain == dict.fromkeys(KINDS, Calibration())
    assert defaults["macro"]["low"] == OperatingPoint(0.7)


@pytest.mark.parametrize(
    "fitted",
    [
        {"calibration": {"macro": {"slope": "steep"}}},
        {"calibration": {"macro": {"slope": -1.0}}},
        {"calibration": {"macro": {"angle": 1.0}}},
        {"calibration": [1, 2]},
        {"operating_points": {"micro": {"low": {}}}},
        {"operating_points": {"micro": {"low": {"threshold": None}}}},
    ],
    ids=str,
)
def test_what_is_damaged_is_refused(fitted):
    with pytest.raises(ValueError, match=r".+"):
        from_json(fitted)


def test_a_probability_is_the_sigmoid_of_the_line():
    for score in (0.1, 0.5, 0.73):
        line = 1.5 * math.log(score / (1 - score)) + 0.3
        assert Calibration(1.5, 0.3).probability(score) == pytest.approx(1 / (1 + math.exp(-line)))


@pytest.mark.parametrize("weight", [2.0, 3.0])
def test_a_weight_is_as_many_proposals(weight):
    scores, hits = drawn(80, 1.7, -0.8, seed=4)
    weights = np.where(np.arange(80) % 3 == 0, weight, 1.0)
    many = np.repeat(np.arange(80), weights.astype(int))
    single, repeated = fit_calibration(scores, hits, weights), fit_calibration(scores[many], hits[many])
    assert (single.slope, single.shift) == pytest.approx((repeated.slope, repeated.shift), abs=1e-4)
    probabilities = single.probability(scores)
    n_true = float(weights[hits].sum()) + 5
    points = operating_points(probabilities, hits, weights, n_true=n_true, minutes=2.0)
    expected = operating_points(probabilities[many], hits[many], n_true=n_true, minutes=2.0)
    for name in SENSITIVITIES:
        assert points[name].threshold == expected[name].threshold
        assert points[name].precision == pytest.approx(expected[name].precision, abs=1e-6)
        assert points[name].false_alarms_a_minute == pytest.approx(expected[name].false_alarms_a_minute, abs=1e-6)
        assert points[name].hits == np.count_nonzero(hits & (probabilities >= points[name].threshold))
    for one, other in zip(
        reliability(probabilities, hits, weights), reliability(probabilities[many], hits[many]), strict=True
    ):
        assert one.observed_share == pytest.approx(other.observed_share, abs=1e-6)


def scored(video, spans, n_rows=1800):
    """Scores of a minute in which the row in the middle of each (onset, offset, score) proposes it as a micro."""
    names = ("macro", "micro", "onset_s", "offset_s", "apex", "onset", "offset")
    columns = {name: np.zeros(n_rows) for name in names}
    for onset, offset, score in spans:
        row = (onset + offset) // 2
        columns["micro"][row], columns["onset_s"][row], columns["offset_s"][row] = (
            score, (row - onset) / 30, (offset - row) / 30
        )  # fmt: skip
    values = np.stack(list(columns.values()), axis=1).astype(np.float32)
    return Scores(video, Timebase(30.0, n_rows), names, values, np.arange(n_rows), np.isfinite(values), 30.0)


def test_where_there_is_more_than_usual_what_lies_at_expressions_counts_less():
    true = [Expression(start, start + 5, start + 10, "micro") for start in range(100, 900, 200)]
    spans = [(100, 110, 0.9), (298, 312, 0.8), (1200, 1210, 0.7)]  # two hits, one far off
    truth = Track("a", Timebase(30.0, 1800), tuple(true))
    judged = judge([(scored("a", spans), truth)], RegiontcnConfig(micro_a_minute=1.0))["micro"]
    assert judged.scores.tolist() == pytest.approx([0.9, 0.8, 0.7])
    assert judged.hits.tolist() == [True, True, False]
    assert judged.weights.tolist() == pytest.approx([0.25, 0.25, 1.0])
    assert judged.n_true == pytest.approx(1.0)
    usual = judge([(scored("a", spans), truth)], RegiontcnConfig(micro_a_minute=4.0))["micro"]
    assert usual.weights.tolist() == [1.0, 1.0, 1.0]
    assert usual.n_true == 4
