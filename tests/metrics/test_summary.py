"""The whole report of an evaluation and of a comparison agrees with its parts."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.metrics import PAPER_RULE, Corpus, Resampling, Rule, compare, evaluate, summarize
from facespot.metrics.average_precision import average_precision
from facespot.values import KINDS, Expression, Timebase, Track

BASE = Timebase(30.0, 1800)
EMOTIONS = ("negative", "positive", "surprise")


def corpus_of(seed, n_videos=12):
    """Truth, a prediction, and what is known of the videos; three videos per subject."""
    generator = np.random.default_rng(seed)
    truth, predicted = [], []
    for video in range(n_videos):
        true, guesses = [], []
        for index in range(8):
            onset, length = 200 * index + int(generator.integers(0, 60)), int(generator.integers(6, 60))
            one = Expression(
                onset, onset + length // 2, onset + length, KINDS[index % 2], emotion=EMOTIONS[generator.integers(3)]
            )
            true.append(one)
            if generator.random() < 0.7:
                emotion = one.emotion if generator.random() < 0.6 else EMOTIONS[generator.integers(3)]
                moved = one.shift(int(generator.integers(0, 8)))
                guesses.append(replace(moved, emotion=emotion, score=float(generator.random())))
        truth.append(Track(f"v{video}", BASE, tuple(true)))
        predicted.append(Track(f"v{video}", BASE, tuple(guesses)))
    known = Corpus({f"v{video}": f"s{video // 3}" for video in range(n_videos)}, {one.video: BASE for one in truth})
    return truth, predicted, known


QUICK = Resampling(seed=3, n_resamples=200)


def test_a_summary_agrees_with_its_parts():
    truth, predicted, corpus = corpus_of(0)
    found = summarize(truth, predicted, corpus=corpus, resampling=QUICK)
    result = evaluate(truth, predicted)
    assert (found.evaluation, found.n_videos, found.n_subjects) == (result, 12, 4)
    assert found.figures["overall"]["f1"].estimate == result.f1
    for kind in KINDS:
        figures = found.figures[kind]
        assert figures["precision"].estimate == result.of_kind(kind).precision
        assert figures["recall"].estimate == result.of_kind(kind).recall
        assert figures["ap"].estimate == pytest.approx(average_precision(truth, predicted, kind))
        assert figures["ap_50"].estimate == pytest.approx(average_precision(truth, predicted, kind, iou=0.5))
        assert sum(found.errors[kind].values()) == result.of_kind(kind).fp
        assert figures["f1"].low < figures["f1"].estimate < figures["f1"].high
    mean = np.mean([found.figures[kind]["ap"].estimate for kind in KINDS])
    assert found.figures["overall"]["ap"].estimate == pytest.approx(mean)
    assert found.false_alarms_per_minute["overall"] == pytest.approx(result.fp / 12)
    for groups in found.missed.values():
        assert (sum(one.missed for one in groups), sum(one.true for one in groups)) == (result.fn, 96)
    emotions = found.emotions["overall"]
    assert emotions.recognition["tp"].confusion.sum() == result.tp
    f1_a = emotions.recognition["tp"].figures["f1_a"]
    assert emotions.strs["zero"].estimate == pytest.approx(result.f1 * f1_a)
    assert found.asr is None
    assert found.notes == ()


def test_equal_input_gives_equal_figures_and_a_perfect_prediction_is_perfect():
    truth, predicted, corpus = corpus_of(1)
    first, again = (summarize(truth, predicted, corpus=corpus, resampling=QUICK) for _ in range(2))
    assert first.figures == again.figures
    perfect = summarize(truth, truth, corpus=corpus, resampling=QUICK)
    assert {one.estimate for figures in perfect.figures.values() for one in figures.values()} == {1.0}
    assert (perfect.frame_accuracy, perfect.edit) == (1.0, 1.0)
    assert perfect.emotions["micro"].strs["present"].estimate == 1.0
    assert perfect.points["overall"]["apex"].absolute_s == 0.0


def test_what_is_unknown_is_said_and_not_guessed():
    truth, predicted, _ = corpus_of(2, n_videos=2)
    bare = [replace(one, expressions=tuple(replace(e, score=None, emotion=None) for e in one.expressions))
            for one in predicted]  # fmt: skip
    found = summarize(truth, bare, corpus=Corpus(has_seconds=False), resampling=QUICK)
    assert found.rule.ranked is False
    assert (found.frame_accuracy, found.edit, found.emotions) == (None, None, {})
    assert found.false_alarms_per_minute == {}
    assert "duration" not in found.missed
    assert len(found.notes) == 4


def test_short_videos_get_an_apex_spotting_rate():
    one = Expression(10, 20, 30, "micro")
    truth = [Track(name, BASE, (one,)) for name in "abc"]
    predicted = [Track("a", BASE, (one.shift(3),)), Track("b", BASE, (one.shift(90),))]
    assert summarize(truth, predicted, resampling=QUICK).asr == pytest.approx(1 / 3)


def test_the_papers_rule_counts_silent_videos_and_only_those_with_the_type():
    truth = [Track("a", BASE, (Expression(10, None, 30, "micro"),)), Track("b", BASE, ())]
    predicted = [Track("b", BASE, (Expression(10, None, 30, "micro", score=0.5),))]
    found = summarize(truth, predicted, rule=PAPER_RULE, resampling=QUICK)
    micro = found.evaluation.of_kind("micro")
    assert (micro.tp, micro.fp, micro.fn) == (0, 1, 1)
    assert found.errors["micro"]["silent video"] == 1
    honest = summarize(truth, predicted, rule=Rule(), resampling=QUICK)
    assert honest.errors["micro"] == {
        "background": 1, "double detection": 0, "wrong type": 0, "poor localisation": 0,
    }  # fmt: skip


def test_nothing_at_all_is_no_crash():
    empty = summarize([], [], resampling=QUICK)
    assert (empty.evaluation.tp, empty.n_subjects) == (0, 0)
    silent = summarize([Track("a", BASE)], [], resampling=QUICK)
    assert silent.figures["overall"]["f1"].estimate == 0.0
    assert np.isnan(silent.figures["overall"]["ap"].estimate)


def test_a_comparison_finds_what_was_taken_away_and_nothing_in_itself():
    truth, predicted, corpus = corpus_of(4, n_videos=30)
    worse = [replace(one, expressions=one.expressions[::2]) for one in predicted]
    same = compare(truth, predicted, predicted, corpus=corpus, resampling=QUICK)
    assert (same.n_videos, same.n_subjects) == (30, 10)
    for figures in same.differences.values():
        assert set(figures) == {"precision", "recall", "f1", "ap_50", "ap", "strs"}
        for one in figures.values():
            assert (one.interval.estimate, one.interval.low, one.p_bootstrap) == (0.0, 0.0, 1.0)
    found = compare(truth, predicted, worse, corpus=corpus, resampling=QUICK).differences["overall"]
    assert found["recall"].interval.high < 0
    assert found["recall"].p_permutation < 0.05
    assert found["ap"].p_permutation is None
    assert found["f1"].second - found["f1"].first == pytest.approx(found["f1"].interval.estimate)
