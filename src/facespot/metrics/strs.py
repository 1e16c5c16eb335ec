"""The spot-then-recognize score: one number for a system that first finds expressions and then names them.

STRS = F1_s x F1_a, MEAN eq. 24: F1 of the spotting (eq. 16) times F1_a of the recognition of the spotted true positives
(eq. 21). Both are computed in total, from counts pooled over all videos and folds; a mean of the folds' products is
another number and is not computed. F1_a depends on how classes without samples are treated, so STRS does too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from facespot.metrics.bootstrap import Values, counts, f1_of_counts
from facespot.metrics.matching import Evaluation
from facespot.metrics.recognition import ABSENT_CLASSES, AbsentClasses, f1_of_means


def spot_then_recognize_score(f1_spotting: float, f1_recognition: float) -> float:
    """Product of the two F1 scores, MEAN eq. 24.

    >>> round(spot_then_recognize_score(0.6516, 0.5927), 4)
    0.3862
    """
    for name, value in (("spotting", f1_spotting), ("recognition", f1_recognition)):
        if not 0 <= value <= 1:
            raise ValueError(f"F1 of the {name} must lie in 0..1, got {value}")
    return f1_spotting * f1_recognition


def strs_by_treatment(spotting: Evaluation, confusion: ArrayLike) -> dict[AbsentClasses, float]:
    """STRS in total under each treatment of absent classes.

    Parameters
    ----------
    spotting : Evaluation
        Counts over all videos.
    confusion : (C, C) or (C, C + 1) array
        Confusion matrix of the true positives over all videos.
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    return {absent: float(strs_of_sums(counts([spotting])[0], matrix, absent)) for absent in ABSENT_CLASSES}


def strs_of_sums(spotting: Values, confusion: Values, absent: AbsentClasses) -> Values:
    """STRS of many data sets at once, for the bootstrap.

    Parameters
    ----------
    spotting : (..., 3) array
        TP, FP and FN of the spotting.
    confusion : (..., C, C + 1) array
        Confusion matrices of the true positives.
    absent : {"zero", "present", "occurring"}
        Treatment of absent classes.

    Returns
    -------
    (...) float64 array
        0 where nothing was hit; NaN where there are hits but none of a scored class.
    """
    f1 = f1_of_counts(spotting)
    score: Values = np.where(f1 > 0, f1 * f1_of_means(confusion, absent=absent), 0.0)
    return score
