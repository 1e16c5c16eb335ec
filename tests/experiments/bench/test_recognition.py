"""Emotions and action units of the hits, against scikit-learn."""

import numpy as np
import pytest

from facespot.experiments.bench.recognition import emotions_of_hits, units_of_hits
from facespot.metrics.matching import Match
from facespot.values import Expression

BASIC = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
THREE = {**dict.fromkeys(BASIC, "negative"), "happiness": "positive", "surprise": "surprise"}


def hit(true, guess, *, video="a", units=((), ())):
    spotted = Expression(0, 5, 9, "macro", guess, units[1])
    return Match(video, Expression(0, 5, 9, "macro", true, units[0]), spotted, 1.0)


def drawn(seed, words):
    """Hits of eight people; half of them named rightly."""
    rng = np.random.default_rng(seed)
    true = rng.choice([*BASIC, "others"], 120)
    guess = np.where(rng.random(120) < 0.5, true, rng.choice(words, 120))
    hits = [
        hit(str(one), str(other), video=f"v{k % 8}") for k, (one, other) in enumerate(zip(true, guess, strict=True))
    ]
    return hits, {f"v{k}": f"s{k}" for k in range(8)}


def summary(hits, subjects):
    return emotions_of_hits(hits, subjects, seed=0, n_resamples=200)


@pytest.mark.parametrize("seed", range(3))
def test_both_tables_agree_with_scikit_learn(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    hits, subjects = drawn(seed, [*BASIC, "uncertain"])
    found = summary(hits, subjects)
    pairs = [(one.truth.emotion, one.predicted.emotion) for one in hits if one.truth.emotion != "others"]
    for name, table in (("basic", {one: one for one in BASIC}), ("three", THREE)):
        labels = sorted(set(table.values()))
        for certain in (False, True):
            kept = [(table[true], table.get(guess, guess)) for true, guess in pairs
                    if not (certain and guess == "uncertain")]  # fmt: skip
            true, guess = zip(*kept, strict=True)
            options = {"labels": labels, "average": "macro", "zero_division": 0}
            f1, recall = metrics.f1_score(true, guess, **options), metrics.recall_score(true, guess, **options)
            ours = found[name]
            shown = (ours.uf1_of_certain, ours.uar_of_certain) if certain else (ours.uf1, ours.uar)
            assert shown == pytest.approx((f1, recall))
        assert ours.samples == len(pairs)
        assert ours.uncertain == sum(guess == "uncertain" for _, guess in pairs) > 0
        assert ours.low < ours.uf1 < ours.high
        matrix = metrics.confusion_matrix(*zip(*[(table[t], table.get(g, "?")) for t, g in pairs], strict=True),
                                          labels=[*labels, "?"])  # fmt: skip
        np.testing.assert_array_equal(ours.confusion, matrix[:-1])


def test_only_the_emotions_that_are_true_somewhere_are_averaged():
    found = summary([hit("anger", "anger"), hit("happiness", "anger")], {"a": "s1"})
    assert found["basic"].uf1 == pytest.approx((2 / 3 + 0) / 2)
    assert found["basic"].low is None


def test_a_method_of_three_classes_names_no_basic_emotion():
    found = summary([hit("anger", "negative"), hit("surprise", "surprise"), hit("happiness", None)], {"a": "s1"})
    assert list(found) == ["three"]
    assert found["three"].confusion == ((1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0))
    assert found["three"].uncertain == 0


def test_nothing_named_is_nothing_reported():
    assert summary([hit("anger", None)], {"a": "s1"}) is None
    assert units_of_hits([hit("anger", None, units=(("4",), ()))]) is None


def test_hits_without_a_true_emotion_give_no_figure():
    found = summary([hit("others", "anger")], {"a": "s1"})["basic"]
    assert (found.samples, found.uf1, found.uar, found.uf1_of_certain) == (0, None, None, None)


def test_action_units_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    numbers = np.array([1, 2, 4, 12])
    true, guess = rng.random((40, 4)) < 0.5, rng.random((40, 4)) < 0.5
    codes = np.array(["1", "2", "4", "R12"])
    hits = [
        hit(None, None, units=(tuple(map(str, codes[one])), tuple(map(str, numbers[other]))))
        for one, other in zip(true, guess, strict=True)
    ]
    true, guess = true[true.any(axis=1)], guess[true.any(axis=1)]
    found = units_of_hits(hits)
    assert found.samples == len(true)
    assert found.f1 == pytest.approx(metrics.f1_score(true, guess, average="micro"))
    assert found.precision == pytest.approx(metrics.precision_score(true, guess, average="micro"))
    assert found.recall == pytest.approx(metrics.recall_score(true, guess, average="micro"))
    by_unit = dict(zip(map(str, numbers), metrics.f1_score(true, guess, average=None), strict=True))
    assert found.f1_by_unit == pytest.approx(by_unit)
