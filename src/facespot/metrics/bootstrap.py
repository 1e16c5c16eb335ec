"""How sure a figure is: intervals from resampled subjects, and tests of the difference between two predictions.

Conventions: the subject is the unit, because the expressions of one person are not independent of one another. A
resampled data set draws as many subjects as there are, with replacement; a statistic is a function from ``times``, a
(b, s) array that says how often each of s subjects stands in each of b data sets, to (b,) values. NaN (a data set
without a single true expression) is left out.

Intervals are percentile or BCa ones (Efron 1987); with few subjects both are somewhat too narrow. The paired
bootstrap draws the same subjects for both predictions. The permutation test exchanges the two predictions of a
subject at random, or in every possible way where these are no more than the number of permutations. All randomness
comes from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.metrics.matching import Evaluation
from facespot.values import IntArray

Values: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[IntArray], Values]
Measure: TypeAlias = Callable[[Values], Values]
IntervalMethod: TypeAlias = Literal["percentile", "bca"]

N_RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with its interval of confidence.

    Parameters
    ----------
    estimate : float
        The figure itself, on the data as they are.
    low, high : float
        Ends of the interval; NaN where there are fewer than two subjects.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much the second prediction exceeds the first in one figure.

    Parameters
    ----------
    first, second : float
        The figure of each.
    interval : Interval
        Second minus first, with the interval of the paired bootstrap.
    p_bootstrap : float
        Two-sided p value of the paired bootstrap: twice the smaller share of resampled differences beyond 0.
    p_permutation : float or None
        Two-sided p value of the permutation test; None for a figure that cannot be exchanged by subject.
    """

    first: float
    second: float
    interval: Interval
    p_bootstrap: float
    p_permutation: float | None


def counts(evaluations: Sequence[Evaluation]) -> Values:
    """TP, FP and FN of each subject, (s, 3)."""
    return np.array([(part.tp, part.fp, part.fn) for part in evaluations], dtype=np.float64).reshape(-1, 3)


def f1_of_counts(pooled: Values) -> Values:
    """F1 of (..., 3) counts TP, FP, FN; 0 where all are 0, as in `Evaluation`."""
    tp, fp, fn = np.moveaxis(np.asarray(pooled, dtype=np.float64), -1, 0)
    total = 2 * tp + fp + fn
    f1: Values = np.divide(2 * tp, total, out=np.zeros(total.shape), where=total > 0)
    return f1


def pooled_statistic(parts: ArrayLike, measure: Measure) -> Statistic:
    """A statistic of what the subjects add up to.

    Parameters
    ----------
    parts : (s, ...) array
        What each subject contributes, such as its TP, FP and FN.
    measure : callable
        From (b, ...) sums to (b,) values, such as `f1_of_counts`.
    """
    amounts = np.asarray(parts, dtype=np.float64)
    return lambda times: measure(np.tensordot(times.astype(np.float64), amounts, axes=1))


def resample(n_subjects: int, *, seed: int, n_resamples: int = N_RESAMPLES) -> IntArray:
    """How often each subject is drawn, (n_resamples, n_subjects); each row sums to n_subjects."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_subjects, np.full(n_subjects, 1.0 / n_subjects), size=n_resamples)


def bootstrap_interval(
    statistic: Statistic,
    n_subjects: int,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    method: IntervalMethod = "percentile",
) -> Interval:
    """Interval of confidence of a figure by resampling subjects.

    Parameters
    ----------
    statistic : callable
        From (b, n_subjects) times to (b,) values; see the module's text.
    n_subjects : int
        Number of subjects. With fewer than two there is no interval.
    seed : int
        Seed of the draws.
    n_resamples : int
        Number of resampled data sets.
    level : float
        Level of confidence, in (0, 1).
    method : {"percentile", "bca"}
        Percentiles of the resampled values, or these corrected for bias and skew.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie in (0, 1), got {level}")
    if n_subjects < 1:
        return Interval(float("nan"), float("nan"), float("nan"))
    estimate = float(statistic(np.ones((1, n_subjects), dtype=np.int64))[0])
    if n_subjects < 2:
        return Interval(estimate, float("nan"), float("nan"))
    values = statistic(resample(n_subjects, seed=seed, n_resamples=n_resamples))
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        ends = _bca(statistic, n_subjects, values, estimate, ends)
    return Interval(estimate, *_quantiles(values, ends))


def _quantiles(values: Values, ends: Values) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if len(finite) == 0 or not np.isfinite(ends).all():
        return float("nan"), float("nan")
    low, high = np.quantile(finite, ends)
    return float(low), float(high)


def _bca(statistic: Statistic, n_subjects: int, values: Values, estimate: float, ends: Values) -> Values:
    """Corrected ends: bias from the share of values below the estimate, skew from leaving out each subject."""
    from scipy.special import ndtr, ndtri

    finite = values[np.isfinite(values)]
    if len(finite) == 0 or finite.min() == finite.max():
        return ends
    share = (np.mean(finite < estimate) + np.mean(finite <= estimate)) / 2
    bias = ndtri(np.clip(share, 0.5 / len(finite), 1 - 0.5 / len(finite)))
    left_out = statistic(1 - np.eye(n_subjects, dtype=np.int64))
    deviation = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    spread = np.sum(deviation**2) ** 1.5
    skew = np.sum(deviation**3) / (6 * spread) if spread > 0 else 0.0
    shifted = bias + ndtri(ends)
    corrected: Values = ndtr(bias + shifted / (1 - skew * shifted))
    return corrected


def paired_difference(
    first: Statistic,
    second: Statistic,
    n_subjects: int,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    p_permutation: float | None = None,
) -> Difference:
    """Difference of a figure between two predictions of the same videos, by paired bootstrap.

    Parameters
    ----------
    first, second : callable
        The statistic on each prediction; subjects in the same order.
    n_subjects, seed, n_resamples, level
        As in `bootstrap_interval`.
    p_permutation : float, optional
        Result of `permutation_test`, to be carried along.
    """
    whole = np.ones((1, n_subjects), dtype=np.int64)
    before, after = float(first(whole)[0]), float(second(whole)[0])
    interval = bootstrap_interval(
        lambda times: second(times) - first(times), n_subjects, seed=seed, n_resamples=n_resamples, level=level
    )
    p_value = float("nan")
    if n_subjects >= 2:
        times = resample(n_subjects, seed=seed, n_resamples=n_resamples)
        differences = second(times) - first(times)
        differences = differences[np.isfinite(differences)]
        beyond = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
        p_value = float(min(1.0, 2 * (beyond + 1) / (len(differences) + 1)))
    return Difference(before, after, interval, p_value, p_permutation)


def permutation_test(
    first: ArrayLike, second: ArrayLike, measure: Measure, *, seed: int, n_permutations: int = N_RESAMPLES
) -> float:
    """Two-sided p value of the difference between two predictions, by exchanging them subject by subject.

    Parameters
    ----------
    first, second : (s, ...) array
        What each subject contributes under each prediction, such as TP, FP and FN.
    measure : callable
        From (b, ...) sums to (b,) values.
    seed : int
        Seed of the exchanges.
    n_permutations : int
        Number of random exchanges; all 2^s are taken instead where they are no more.
    """
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} do not belong to the same subjects")
    n_subjects = len(before)
    exact = 2**n_subjects <= n_permutations
    if exact:
        exchanged = (np.arange(2**n_subjects)[:, None] >> np.arange(n_subjects)) & 1
    else:
        exchanged = np.random.default_rng(seed).integers(0, 2, size=(n_permutations, n_subjects))
    step = np.tensordot(exchanged.astype(np.float64), after - before, axes=1)
    differences = np.abs(measure(after.sum(axis=0) - step) - measure(before.sum(axis=0) + step))
    observed = abs(float(measure(after.sum(axis=0)[None])[0] - measure(before.sum(axis=0)[None])[0]))
    # Sums in another order differ in the last bits; what is equal must count as equal.
    beyond = np.count_nonzero(differences >= observed - 1e-12)
    return float(beyond / len(differences)) if exact else float((beyond + 1) / (len(differences) + 1))
