"""Emotion recognition: which emotion the expressions were given, beside which one they have.

Conventions: rows of a confusion matrix are the true classes, columns the predicted ones; one more column may follow
for samples that were given no class, or one outside the classes: they are wrong, without being a false positive of any
class. With TP_c, FP_c, FN_c of class c and C classes (MEAN, section 4.2):

    accuracy     correct / all samples                                        eq. 18
    recall       mean over c of TP_c / (TP_c + FN_c)                          eq. 19
    precision    mean over c of TP_c / (TP_c + FP_c)                          eq. 20
    F1_a         2 precision recall / (precision + recall)                    eq. 21
    UF1          mean over c of 2 TP_c / (2 TP_c + FP_c + FN_c)               eq. 22
    UAR          mean over c of TP_c / n_c, the same as recall                eq. 23

F1_a is the F1 of the means, UF1 the mean of the F1s. The harmonic mean is concave, so UF1 never exceeds F1_a over the
same classes.

A class that does not occur makes 0/0. Three named treatments, because published tables differ in them:

    "zero"         0/0 counts as 0 and every class is averaged over, eqs. 19-23 to the letter
    "present"      mean over the classes with at least one true sample
    "occurring"    mean over the classes with a true or a predicted sample, as scikit-learn does without ``labels``

Which expressions are samples: ``"tp"``, the matched ones (MEAN, Table 5), or ``"all"``, every spotted one (Table 2): a
prediction that hit nothing is compared with the only true expression of its video, where there is just one. An
expression whose true emotion is not among the classes is no sample: it is left out and counted, together with its
prediction, so that the rest stays aligned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.metrics.matching import Evaluation, false_positives
from facespot.values import Expression, IntArray, Kind, Track

AbsentClasses: TypeAlias = Literal["zero", "present", "occurring"]
ABSENT_CLASSES: tuple[AbsentClasses, ...] = get_args(AbsentClasses)
SampleChoice: TypeAlias = Literal["tp", "all"]
Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Expressions with a true and a predicted emotion.

    Parameters
    ----------
    videos : tuple of str
        Video of each sample.
    truth : tuple of str
        True emotion of each sample.
    predicted : tuple of (str or None)
        Predicted emotion of each sample; None where the method gave none.
    outside_classes : int
        Expressions left out because their true emotion is unknown or not among the classes.
    without_truth : int
        Predictions left out because no single true expression belongs to them (only for ``"all"``).
    """

    videos: tuple[str, ...]
    truth: tuple[str, ...]
    predicted: tuple[str | None, ...]
    outside_classes: int
    without_truth: int


def recognition_samples(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    evaluation: Evaluation,
    classes: Sequence[str],
    *,
    samples: SampleChoice = "tp",
    kind: Kind | None = None,
) -> Samples:
    """Pairs of true and predicted emotions.

    Parameters
    ----------
    truth, predicted : sequence of Track
        As given to `evaluate`.
    evaluation : Evaluation
        What `evaluate` made of them.
    classes : sequence of str
        The emotions that are scored.
    samples : {"tp", "all"}
        The matched predictions, or all; see the module's text.
    kind : {"macro", "micro"}, optional
        Only expressions of one type. Default: both.
    """
    pairs: list[tuple[str, Expression | None, Expression]] = [
        (hit.video, hit.truth, hit.predicted) for hit in evaluation.matches if kind in (None, hit.predicted.kind)
    ]
    if samples == "all":
        pairs += _pairs_without_hit(truth, predicted, evaluation, kind)
    known = [(video, true, guess) for video, true, guess in pairs if true is not None]
    scored = [
        (video, true.emotion, guess.emotion)
        for video, true, guess in known
        if true.emotion is not None and true.emotion in classes
    ]
    return Samples(
        tuple(video for video, _, _ in scored),
        tuple(true for _, true, _ in scored),
        tuple(guess for _, _, guess in scored),
        outside_classes=len(known) - len(scored),
        without_truth=len(pairs) - len(known),
    )


def _pairs_without_hit(
    truth: Sequence[Track], predicted: Sequence[Track], evaluation: Evaluation, kind: Kind | None
) -> list[tuple[str, Expression | None, Expression]]:
    """Predictions that hit nothing, each with the only true expression of its type and video."""
    true_tracks = {track.video: track for track in truth}
    pairs: list[tuple[str, Expression | None, Expression]] = []
    for video, guess in false_positives(predicted, evaluation):
        if kind in (None, guess.kind):
            true = true_tracks[video].of_kind(guess.kind).expressions
            pairs.append((video, true[0] if len(true) == 1 else None, guess))
    return pairs


def confusion_matrix(truth: Sequence[str], predicted: Sequence[str | None], classes: Sequence[str]) -> IntArray:
    """Number of samples by true class (row) and predicted class (column).

    Parameters
    ----------
    truth : sequence of str
        True class of each sample.
    predicted : sequence of (str or None)
        Predicted class of each sample.
    classes : sequence of str
        Names of the classes, in order.

    Returns
    -------
    (len(classes), len(classes) + 1) int64 array
        The last column holds the samples whose prediction is not among the classes.

    Raises
    ------
    ValueError
        If a true class is not among the classes, a class is named twice, or the lengths differ.

    >>> confusion_matrix(["happy", "happy", "sad"], ["happy", "sad", None], ["happy", "sad"])
    array([[1, 1, 0],
           [0, 0, 1]])
    """
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true classes for {len(predicted)} predicted ones")
    index = {name: position for position, name in enumerate(classes)}
    if len(index) != len(classes):
        raise ValueError("a class is named twice")
    unknown = sorted(set(truth) - index.keys())
    if unknown:
        raise ValueError(f"not among the classes: {', '.join(unknown)}")
    matrix = np.zeros((len(classes), len(classes) + 1), dtype=np.int64)
    for true, guess in zip(truth, predicted, strict=True):
        matrix[index[true], len(classes) if guess is None else index.get(guess, len(classes))] += 1
    return matrix


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """What the measures need of one or many confusion matrices, all of shape (..., C)."""

    tp: Values
    fp: Values
    fn: Values


def class_counts(confusion: ArrayLike) -> ClassCounts:
    """TP, FP and FN of each class.

    Parameters
    ----------
    confusion : (..., C, C) or (..., C, C + 1) array
        Confusion matrices.
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    n_classes = matrix.shape[-2]
    if matrix.shape[-1] not in (n_classes, n_classes + 1):
        raise ValueError(f"{matrix.shape} is not the shape of a confusion matrix")
    tp = np.diagonal(matrix, axis1=-2, axis2=-1).copy()
    return ClassCounts(tp, matrix[..., :n_classes].sum(axis=-2) - tp, matrix.sum(axis=-1) - tp)


def accuracy(confusion: ArrayLike) -> Values:
    """Share of the samples with the right class, eq. 18; NaN without samples."""
    counts = class_counts(confusion)
    return _ratio(counts.tp.sum(axis=-1), np.asarray(confusion, dtype=np.float64).sum(axis=(-2, -1)), np.nan)


def macro_precision(confusion: ArrayLike, *, absent: AbsentClasses = "zero") -> Values:
    """Mean precision over the classes, eq. 20."""
    counts = class_counts(confusion)
    return _mean(_ratio(counts.tp, counts.tp + counts.fp, 0.0), counts, absent)


def macro_recall(confusion: ArrayLike, *, absent: AbsentClasses = "zero") -> Values:
    """Mean recall over the classes, eqs. 19 and 23: the unweighted average recall, UAR."""
    counts = class_counts(confusion)
    return _mean(_ratio(counts.tp, counts.tp + counts.fn, 0.0), counts, absent)


def f1_of_means(confusion: ArrayLike, *, absent: AbsentClasses = "zero") -> Values:
    """F1-score_a, eq. 21: harmonic mean of macro precision and macro recall."""
    precision, recall = macro_precision(confusion, absent=absent), macro_recall(confusion, absent=absent)
    return np.where(np.isnan(precision), np.nan, _ratio(2 * precision * recall, precision + recall, 0.0))


def unweighted_f1(confusion: ArrayLike, *, absent: AbsentClasses = "zero") -> Values:
    """UF1, eq. 22: mean of the classes' F1."""
    counts = class_counts(confusion)
    return _mean(_ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, 0.0), counts, absent)


def _ratio(numerator: Values, denominator: Values, otherwise: float) -> Values:
    filled: Values = np.full(np.shape(numerator), otherwise)
    np.divide(numerator, denominator, out=filled, where=denominator > 0)
    return filled


def _mean(values: Values, counts: ClassCounts, absent: AbsentClasses) -> Values:
    """Mean over the classes that take part; NaN where there is none."""
    if absent == "zero":
        part = np.ones(values.shape, dtype=np.bool_) & (counts.tp + counts.fn).any(axis=-1, keepdims=True)
    elif absent == "present":
        part = counts.tp + counts.fn > 0
    else:
        part = counts.tp + counts.fn + counts.fp > 0
    return _ratio(np.where(part, values, 0.0).sum(axis=-1), part.sum(axis=-1).astype(np.float64), np.nan)


@dataclass(frozen=True, eq=False)
class Recognition:
    """All figures of one confusion matrix under one treatment of absent classes.

    Parameters
    ----------
    classes : tuple of str
        Names of the classes.
    confusion : (C, C + 1) int64 array
        As `confusion_matrix` gives it.
    absent : {"zero", "present", "occurring"}
        Treatment of absent classes.
    """

    classes: tuple[str, ...]
    confusion: IntArray
    absent: AbsentClasses = "zero"

    @property
    def figures(self) -> dict[str, float]:
        """Figures by name; NaN without samples."""
        return {
            "accuracy": float(accuracy(self.confusion)),
            "precision": float(macro_precision(self.confusion, absent=self.absent)),
            "recall": float(macro_recall(self.confusion, absent=self.absent)),
            "f1_a": float(f1_of_means(self.confusion, absent=self.absent)),
            "uf1": float(unweighted_f1(self.confusion, absent=self.absent)),
            "uar": float(macro_recall(self.confusion, absent=self.absent)),
        }
