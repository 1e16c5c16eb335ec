"""Intervals and tests: coverage on simulated data, parity with scipy, hand-counted permutations."""

import numpy as np
import pytest
import scipy.stats

from facespot.metrics.bootstrap import (
    bootstrap_interval,
    f1_of_counts,
    paired_difference,
    permutation_test,
    pooled_statistic,
    resample,
)


def simulated(generator, n_subjects, shift=0.0):
    """TP, FP, FN of subjects who differ in how well they are spotted."""
    true = generator.poisson(12, n_subjects)
    chance = np.clip(generator.beta(4 + shift, 4, n_subjects), 0, 1)
    tp = generator.binomial(true, chance)
    return np.stack([tp, generator.poisson(9, n_subjects), true - tp], axis=1).astype(float)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(method):
    """F1 of 30 subjects; the true value is that of a very large sample. 95 % intervals, 300 simulated studies."""
    generator = np.random.default_rng(1)
    truth = float(f1_of_counts(simulated(generator, 400_000).sum(axis=0)))
    covered = 0
    for study in range(300):
        statistic = pooled_statistic(simulated(generator, 30), f1_of_counts)
        found = bootstrap_interval(statistic, 30, seed=study, n_resamples=600, method=method)
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / 300 <= 0.98


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_agree_with_scipy(method):
    parts = simulated(np.random.default_rng(5), 25)

    def statistic(*columns, axis=-1):
        return f1_of_counts(np.stack([column.sum(axis=axis) for column in columns], axis=-1))

    theirs = scipy.stats.bootstrap(
        tuple(parts.T), statistic, paired=True, method="BCa" if method == "bca" else method, n_resamples=20_000,
        vectorized=True, rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    ours = bootstrap_interval(pooled_statistic(parts, f1_of_counts), 25, seed=0, n_resamples=20_000, method=method)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.004)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    statistic = pooled_statistic(simulated(np.random.default_rng(2), 12), f1_of_counts)
    first, again, other = (bootstrap_interval(statistic, 12, seed=seed, n_resamples=200) for seed in (0, 0, 1))
    assert first == again != other
    assert resample(12, seed=0, n_resamples=50).sum(axis=1).tolist() == [12] * 50


def test_one_subject_has_no_interval_and_none_no_figure():
    alone = bootstrap_interval(pooled_statistic([[1, 1, 1]], f1_of_counts), 1, seed=0)
    assert alone.estimate == 0.5
    assert np.isnan(alone.low)
    assert np.isnan(bootstrap_interval(pooled_statistic(np.zeros((0, 3)), f1_of_counts), 0, seed=0).estimate)
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval(pooled_statistic([[1, 1, 1]], f1_of_counts), 1, seed=0, level=95)


def test_permutations_counted_by_hand():
    """Two subjects, sums as the measure: differences +3 and +1 give |4|, |2|, |-2|, |-4|; half are as large as 4."""
    before, after = np.array([[0.0], [0.0]]), np.array([[3.0], [1.0]])
    assert permutation_test(before, after, lambda pooled: pooled[..., 0], seed=0) == 0.5
    assert permutation_test(before, before, lambda pooled: pooled[..., 0], seed=0) == 1.0
    with pytest.raises(ValueError, match="same subjects"):
        permutation_test(before, after[:1], lambda pooled: pooled[..., 0], seed=0)


def test_the_permutation_test_agrees_with_scipy():
    generator = np.random.default_rng(4)
    before, after = simulated(generator, 9), simulated(generator, 9, shift=1.5)

    def difference(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    for column in range(3):
        theirs = scipy.stats.permutation_test(
            (after[:, column], before[:, column]), difference, permutation_type="samples", n_resamples=np.inf, axis=0
        )
        ours = permutation_test(before[:, column, None], after[:, column, None], lambda pooled: pooled[..., 0], seed=0)
        assert ours == pytest.approx(theirs.pvalue)


def test_random_exchanges_approach_all_of_them():
    generator = np.random.default_rng(8)
    before, after = simulated(generator, 12), simulated(generator, 12, shift=0.8)
    exact = permutation_test(before, after, f1_of_counts, seed=0, n_permutations=5000)
    drawn = permutation_test(before, after, f1_of_counts, seed=0, n_permutations=4000)
    assert drawn == pytest.approx(exact, abs=0.03)


def test_without_a_difference_both_tests_reject_seldom_and_with_one_often():
    generator = np.random.default_rng(6)
    rejected = np.zeros((2, 2))
    for column, shift in enumerate((0.0, 8.0)):
        for study in range(100):
            before, after = simulated(generator, 20), simulated(generator, 20, shift=shift)
            chance = permutation_test(before, after, f1_of_counts, seed=study, n_permutations=300)
            found = paired_difference(
                pooled_statistic(before, f1_of_counts), pooled_statistic(after, f1_of_counts), 20, seed=study,
                n_resamples=300, p_permutation=chance,
            )  # fmt: skip
            assert found.interval.estimate == pytest.approx(found.second - found.first)
            rejected[:, column] += (found.p_bootstrap <= 0.05, chance <= 0.05)
    assert rejected[:, 0].max() <= 12
    assert rejected[:, 1].min() >= 70
