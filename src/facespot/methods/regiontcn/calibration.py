"""Scores to probabilities, and the thresholds on them, both from what was right and wrong on videos held back.

A proposal is a hit where it matches a true expression, see `judging`. Its score s becomes the probability of a hit

    P(hit) = sigmoid(slope * logit(s) + shift),

the most likely such curve (Platt scaling) under a prior so weak that it only counts where hits and others do not mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.methods.regiontcn.config import SENSITIVITIES, Sensitivity
from facespot.values import KINDS, Kind

FEWEST_PROPOSALS = 5
"""With fewer of them, or without a hit, scores stay as they are."""
SLOPE_DEVIATION = 2.0
SHIFT_DEVIATION = 5.0
"""Standard deviations of the prior around a slope of 1 and a shift of 0."""
LEAST_SLOPE = 0.05
BETAS: Mapping[Sensitivity, float] = MappingProxyType({"low": 0.5, "normal": 1.0, "high": 2.0})
"""A point maximises F_beta: at 0.5 a false alarm weighs more than a miss, at 2 less."""
UNFITTED: Mapping[Sensitivity, float] = MappingProxyType({"low": 0.7, "normal": 0.5, "high": 0.3})
"""Thresholds where there is no hit to choose them by."""
_EDGE = 1e-6
_DIGITS = 6


@dataclass(frozen=True)
class Calibration:
    """The curve from score to probability of one type.

    Parameters
    ----------
    slope : float
        Above 0, so that the order of the scores stays.
    shift : float

    >>> Calibration().probability([0.2, 0.7])
    array([0.2, 0.7])
    """

    slope: float = 1.0
    shift: float = 0.0

    def probability(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of scores in 0..1, of the same shape; NaN stays NaN."""
        return _sigmoid(self.slope * _logit(scores) + self.shift)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold of one type, and what it does on the videos that it was chosen on.

    Parameters
    ----------
    threshold : float
        Smallest probability of an expression.
    precision, recall : float
        Weighted to the usual number of expressions a minute.
    hits : int
    false_alarms_a_minute : float
        Weighted likewise: those at expressions count less where the videos hold more of these than usual.
    """

    threshold: float
    precision: float = 0.0
    recall: float = 0.0
    hits: int = 0
    false_alarms_a_minute: float = 0.0


Calibrations: TypeAlias = Mapping[Kind, Calibration]
Points: TypeAlias = Mapping[Kind, Mapping[Sensitivity, OperatingPoint]]
Calibrated: TypeAlias = tuple[dict[Kind, Calibration], dict[Kind, dict[Sensitivity, OperatingPoint]]]


def fit_calibration(scores: ArrayLike, hits: ArrayLike, weights: ArrayLike | None = None) -> Calibration:
    """The likeliest curve; that which changes nothing where there are fewer than 5 proposals, or no hit.

    Parameters
    ----------
    scores : (n,) array
        Of proposals, in 0..1.
    hits : (n,) bool array
    weights : (n,) array, optional
        How much each counts; default: 1.
    """
    from scipy.optimize import minimize

    x, y = _logit(scores), np.asarray(hits, dtype=np.float64)
    counts = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(x) < FEWEST_PROPOSALS or not y.any():
        return Calibration()

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, shift = parameters
        z = slope * x + shift
        error = counts * (_sigmoid(z) - y)
        prior = np.array([(slope - 1) / SLOPE_DEVIATION, shift / SHIFT_DEVIATION])
        gradient = np.array([error @ x, error.sum()]) + prior / (SLOPE_DEVIATION, SHIFT_DEVIATION)
        return float(counts @ (np.logaddexp(0.0, z) - y * z) + prior @ prior / 2), gradient

    found = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_SLOPE, None), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    slope, shift = (round(float(value), _DIGITS) for value in found.x)
    return Calibration(slope, shift)


def operating_points(
    probabilities: ArrayLike, hits: ArrayLike, weights: ArrayLike | None = None, *, n_true: float, minutes: float
) -> dict[Sensitivity, OperatingPoint]:
    """The best threshold by F0.5, F1 and F2.

    Between two neighbouring probabilities every threshold does the same; the middle is taken. Where several such
    stretches do equally well it is the widest one.

    Parameters
    ----------
    probabilities : (n,) array
        Of proposals.
    hits : (n,) bool array
    weights : (n,) array, optional
        How much each counts; default: 1.
    n_true : float
        True expressions, so weighted.
    minutes : float
        Length of the videos.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    values, hit = values[order], np.asarray(hits, dtype=np.float64)[order]
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    # Of the k highest ones: how many are hits, and the weights of the hits and of all.
    n_hits, right, found_in_all = (np.concatenate([[0.0], np.cumsum(one)]) for one in (hit, hit * weight, weight))

    def point(threshold: float) -> OperatingPoint:
        k = int(np.count_nonzero(values >= threshold))
        return _point(threshold, int(n_hits[k]), float(right[k]), float(found_in_all[k]), n_true, minutes)

    if right[-1] == 0 or n_true == 0:
        return {name: point(threshold) for name, threshold in UNFITTED.items()}
    # With the k highest ones a threshold lies above the next and up to the last of them; equal ones come together.
    upper, lower = np.concatenate([[1.0], values]), np.concatenate([values, [0.0]])
    counts = np.flatnonzero(upper > lower)
    found: dict[Sensitivity, OperatingPoint] = {}
    for name, beta in BETAS.items():
        scores = (1 + beta**2) * right[counts] / (found_in_all[counts] + beta**2 * n_true)
        best = counts[scores >= scores.max() - 1e-12]
        k = int(best[np.argmax(upper[best] - lower[best])])
        threshold = round(float(upper[k] + lower[k]) / 2, _DIGITS)
        found[name] = point(threshold)
    return found


def _point(threshold: float, hits: int, right: float, found: float, n_true: float, minutes: float) -> OperatingPoint:
    return OperatingPoint(
        threshold,
        round(right / found, _DIGITS) if found else 0.0,
        round(right / n_true, _DIGITS) if n_true else 0.0,
        hits,
        round(max(0.0, found - right) / minutes, _DIGITS) if minutes > 0 else 0.0,
    )


@dataclass(frozen=True)
class ReliabilityBin:
    """Proposals with like probabilities, and how many of them were hits.

    Parameters
    ----------
    low, high : float
        Probabilities in this bin, `high` left out but for 1.
    count : int
    mean_probability, observed_share : float or None
        Mean of what was said, and share of hits; None without a proposal.
    """

    low: float
    high: float
    count: int
    mean_probability: float | None
    observed_share: float | None


def reliability(
    probabilities: ArrayLike, hits: ArrayLike, weights: ArrayLike | None = None, *, bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """What was said against what was so, in bins of equal width: the table of a reliability diagram.

    Parameters
    ----------
    probabilities : (n,) array
        Of proposals, in 0..1.
    hits : (n,) bool array
    weights : (n,) array, optional
        How much each counts in means and shares; default: 1.
    bins : int

    >>> [one.observed_share for one in reliability([0.1, 0.2, 0.9], [False, True, True], bins=2)]
    [0.5, 1.0]
    """
    values, right = np.asarray(probabilities, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    found = []
    for index in range(bins):
        own = place == index
        mean, share = (
            round(float(np.average(one[own], weights=weight[own])), _DIGITS) if own.any() else None
            for one in (values, right)
        )
        found.append(ReliabilityBin(index / bins, (index + 1) / bins, int(own.sum()), mean, share))
    return tuple(found)


def to_json(calibrations: Calibrations, points: Points) -> dict[str, Any]:
    """What a checkpoint keeps of both: ``calibration`` and ``operating_points``, by type."""
    return {
        "calibration": {kind: asdict(one) for kind, one in calibrations.items()},
        "operating_points": {
            kind: {name: asdict(point) for name, point in of_kind.items()} for kind, of_kind in points.items()
        },
    }


def from_json(fitted: Mapping[str, Any]) -> Calibrated:
    """The same again; a type that is not there stays as it is and has the thresholds that nothing was fitted to.

    Raises
    ------
    ValueError
        It is not of this form.
    """
    curves: dict[Kind, Calibration] = {}
    points: dict[Kind, dict[Sensitivity, OperatingPoint]] = {}
    try:
        for kind in KINDS:
            curves[kind] = Calibration(**_numbers(fitted.get("calibration", {}).get(kind, {})))
            kept = fitted.get("operating_points", {}).get(kind, {})
            points[kind] = {
                name: OperatingPoint(**_numbers(kept.get(name, {"threshold": UNFITTED[name]})))
                for name in SENSITIVITIES
            }
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    if not all(curve.slope > 0 for curve in curves.values()):
        raise ValueError("a slope of the calibration is not above 0")
    return curves, points


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    unlike: Sequence[str] = [name for name, value in values.items() if type(value) not in (int, float)]
    if unlike:
        raise TypeError(f"'{unlike[0]}' is no number")
    return dict(values)


def _logit(scores: ArrayLike) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(scores, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    # Within these limits nothing overflows, and NaN stays NaN without a warning.
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -700, 700))))
