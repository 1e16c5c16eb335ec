"""Figures as the notes of every paper's tables say them."""

from __future__ import annotations

from facespot.experiments.printed import Value
from facespot.metrics import Evaluation
from facespot.metrics.bootstrap import Difference, Interval

AP = "AP@[.5:.95]"


def spotting_details(part: Evaluation, ap: float) -> dict[str, Value | None]:
    """Counts, precision, recall, F1 and AP under the names of the printed rows."""
    return {
        "total": part.tp + part.fn,
        "TP": part.tp,
        "FP": part.fp,
        "FN": part.fn,
        "precision": part.precision,
        "recall": part.recall,
        "F1": part.f1,
        AP: ap,
    }


def interval_text(one: Interval) -> str:
    """A figure with its interval.

    >>> interval_text(Interval(0.25, 0.125, 0.375))
    '0.2500 [0.125, 0.375]'
    """
    return f"{one.estimate:.4f} [{one.low:.3f}, {one.high:.3f}]"


def difference_text(one: Difference) -> str:
    """A difference with its interval and p values."""
    exchanged = "" if one.p_permutation is None else f", permutation p = {one.p_permutation:.4f}"
    ends = f"[{one.interval.low:+.3f}, {one.interval.high:+.3f}]"
    return f"{one.interval.estimate:+.4f} {ends}, bootstrap p = {one.p_bootstrap:.4f}{exchanged}"
