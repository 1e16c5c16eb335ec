"""Recognition figures against scikit-learn, and which expressions become samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.metrics import evaluate
from facespot.metrics.recognition import (
    accuracy,
    confusion_matrix,
    f1_of_means,
    macro_precision,
    macro_recall,
    recognition_samples,
    unweighted_f1,
)
from facespot.values import Expression, Timebase, Track

sklearn = pytest.importorskip("sklearn.metrics")

BASE = Timebase(30.0, 1000)
CLASSES = ("negative", "positive", "surprise", "others")
PAIRS = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=25)


def labels_of(absent, truth, predicted):
    if absent == "zero":
        return list(CLASSES)
    return sorted(set(truth)) if absent == "present" else sorted({*truth, *predicted})


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.sampled_from(["zero", "present", "occurring"]))
def test_figures_equal_scikit_learn(pairs, absent):
    truth, predicted = zip(*pairs, strict=True)
    matrix = confusion_matrix(truth, predicted, CLASSES)
    assert matrix[:, :4].tolist() == sklearn.confusion_matrix(truth, predicted, labels=CLASSES).tolist()
    assert accuracy(matrix) == pytest.approx(sklearn.accuracy_score(truth, predicted))
    options = {"labels": labels_of(absent, truth, predicted), "average": "macro", "zero_division": 0}
    precision = sklearn.precision_score(truth, predicted, **options)
    recall = sklearn.recall_score(truth, predicted, **options)
    assert macro_precision(matrix, absent=absent) == pytest.approx(precision)
    assert macro_recall(matrix, absent=absent) == pytest.approx(recall)
    assert unweighted_f1(matrix, absent=absent) == pytest.approx(sklearn.f1_score(truth, predicted, **options))
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert f1_of_means(matrix, absent=absent) == pytest.approx(harmonic)
    assert unweighted_f1(matrix, absent=absent) <= f1_of_means(matrix, absent=absent) + 1e-12


def test_uar_is_scikit_learns_balanced_accuracy():
    truth, predicted = ["negative"] * 3 + ["positive"], ["negative", "positive", "negative", "positive"]
    matrix = confusion_matrix(truth, predicted, CLASSES)
    assert macro_recall(matrix, absent="present") == sklearn.balanced_accuracy_score(truth, predicted)


def test_a_sample_without_a_prediction_is_wrong_but_no_false_positive():
    matrix = confusion_matrix(["negative", "positive"], ["negative", None], ("negative", "positive"))
    assert (float(accuracy(matrix)), float(macro_recall(matrix)), float(macro_precision(matrix))) == (0.5, 0.5, 0.5)


def test_many_matrices_at_once():
    generator = np.random.default_rng(0)
    matrices = generator.integers(0, 4, size=(7, 3, 4))
    for measure in (accuracy, macro_precision, macro_recall, f1_of_means, unweighted_f1):
        assert measure(matrices).tolist() == [float(measure(one)) for one in matrices]


def test_no_samples_give_no_figure():
    nothing = np.zeros((3, 4), dtype=int)
    for measure in (accuracy, macro_precision, macro_recall, f1_of_means, unweighted_f1):
        assert np.isnan(measure(nothing))


@pytest.mark.parametrize(
    ("truth", "predicted", "classes", "words"),
    [
        (["sad"], ["happy"], ["happy"], "not among the classes: sad"),
        (["happy"], [], ["happy"], "1 true classes for 0"),
        (["happy"], ["happy"], ["happy", "happy"], "twice"),
    ],
)
def test_labels_that_do_not_fit_are_refused(truth, predicted, classes, words):
    with pytest.raises(ValueError, match=words):
        confusion_matrix(truth, predicted, classes)
    with pytest.raises(ValueError, match="shape"):
        accuracy(np.zeros((2, 5)))


def micro(onset, emotion):
    return Expression(onset, onset + 5, onset + 9, "micro", emotion=emotion)


def test_a_hit_outside_the_classes_is_left_out_and_the_rest_stays_aligned():
    """The published code drops the label of such a hit but keeps its prediction, which shifts all that follow."""
    truth = [Track("a", BASE, (micro(0, "negative"), micro(50, "others"), micro(100, "positive"), micro(150, None)))]
    predicted = [
        Track("a", BASE, (micro(0, "negative"), micro(50, "surprise"), micro(100, "positive"), micro(150, "positive")))
    ]
    samples = recognition_samples(truth, predicted, evaluate(truth, predicted), ("negative", "positive", "surprise"))
    assert samples.truth == samples.predicted == ("negative", "positive")
    assert samples.outside_classes == 2


def test_all_spotted_compares_a_false_alarm_with_the_only_true_expression_of_its_video():
    truth = [
        Track("short", BASE, (micro(0, "negative"),)),
        Track("long", BASE, (micro(0, "positive"), micro(100, "positive"))),
    ]
    predicted = [
        Track("short", BASE, (micro(300, "positive"),)),
        Track("long", BASE, (micro(0, "positive"), micro(300, "negative"))),
    ]
    evaluation = evaluate(truth, predicted)
    hits = recognition_samples(truth, predicted, evaluation, CLASSES)
    assert (hits.truth, hits.predicted, hits.without_truth) == (("positive",), ("positive",), 0)
    everything = recognition_samples(truth, predicted, evaluation, CLASSES, samples="all")
    assert sorted(zip(everything.truth, everything.predicted, strict=True)) == [
        ("negative", "positive"),
        ("positive", "positive"),
    ]
    assert everything.without_truth == 1
    assert recognition_samples(truth, predicted, evaluation, CLASSES, samples="all", kind="macro").truth == ()
