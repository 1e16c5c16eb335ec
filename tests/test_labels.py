"""Emotions of intervals: the mode against a plain count, ties, gaps, and given intervals."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from facespot.errors import SettingsError
from facespot.labels import CASES, frames_of_case, label_track, vote, with_emotions
from facespot.values import Expression, Timebase, Track

CLASSES = ("negative", "positive", "surprise")
# Values that often tie.
ROWS = arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.sampled_from([0.0, 0.2, 0.4, 0.6]))


def certain(*winners):
    """Rows in which the named class has probability 0.8."""
    rows = np.full((len(winners), 3), 0.1)
    rows[np.arange(len(winners)), winners] = 0.8
    return rows


def track(*expressions, n_frames=100):
    return Track("video", Timebase(30.0, n_frames), tuple(expressions))


@given(ROWS)
def test_the_winner_has_the_most_votes_and_among_those_the_highest_mean(rows):
    label = vote(rows, CLASSES)
    votes = Counter(row.index(max(row)) for row in rows.tolist())
    best = [index for index, count in votes.items() if count == max(votes.values())]
    means = [sum(row[index] for row in rows.tolist()) / len(rows) for index in range(3)]
    index = CLASSES.index(label.emotion)
    assert index in best
    assert means[index] == pytest.approx(max(means[other] for other in best))
    assert label.probability == pytest.approx(means[index])
    assert list(label.probabilities) == list(CLASSES)
    assert list(label.probabilities.values()) == pytest.approx(means)
    assert label.n_frames == len(rows)


def test_a_tie_of_votes_goes_to_the_higher_mean_probability():
    rows = [[0.5, 0.3, 0.2], [0.1, 0.9, 0.0]]
    assert vote(rows, CLASSES).emotion == "positive"
    assert vote(rows[::-1], CLASSES).emotion == "positive"


def test_a_full_tie_goes_to_the_first_class():
    assert vote([[0.0, 0.5, 0.5]], CLASSES).emotion == "positive"
    assert vote([[0.2, 0.2, 0.6], [0.2, 0.6, 0.2]], CLASSES).emotion == "positive"


def test_the_mode_need_not_have_the_highest_mean():
    label = vote([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.0, 0.0, 1.0]], CLASSES)
    assert label.emotion == "negative"
    assert label.probability < label.probabilities["surprise"]


@pytest.mark.parametrize(
    ("case", "first", "last"), [("onset_to_apex", 44, 49), ("apex", 50, 50), ("onset_to_offset", 44, 55)]
)
def test_the_three_cases_are_those_of_the_paper(case, first, last):
    peak, k = 50, 6
    assert frames_of_case(peak - k, peak, peak + k - 1, case) == (first, last)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.sampled_from(CASES), st.booleans())
def test_what_votes_lies_in_the_interval_and_is_never_empty(onset, rise, fall, case, has_apex):
    offset = onset + rise + fall
    first, last = frames_of_case(onset, onset + rise if has_apex else None, offset, case)
    assert onset <= first <= last <= offset


@pytest.mark.parametrize(
    ("case", "emotion"), [("onset_to_apex", "surprise"), ("apex", "positive"), ("onset_to_offset", "negative")]
)
def test_each_case_hears_its_own_frames(case, emotion):
    votes = np.zeros(100, dtype=int)
    votes[20:24], votes[24], votes[25:35] = 2, 1, 0
    (label,) = label_track(track(Expression(20, 24, 34, "micro")), np.arange(100), certain(*votes), CLASSES, case=case)
    assert label.emotion == emotion


def test_a_part_without_any_usable_frame_has_no_emotion():
    valid = np.ones(100, dtype=bool)
    valid[20:30] = False
    rows = certain(*np.ones(100, dtype=int))
    rows[~valid] = np.nan
    given = track(Expression(20, 29, 34, "micro"), Expression(25, 34, 40, "macro"), Expression(99, 99, 99, "micro"))
    labels = label_track(given, np.arange(90), rows[:90], CLASSES, valid=valid[:90])
    assert labels[0] is None
    assert (labels[1].emotion, labels[1].n_frames) == ("positive", 4)
    assert labels[2] is None


def test_frames_that_were_not_taken_do_not_vote():
    frames = np.arange(0, 100, 4)
    votes = np.arange(25) % 3
    given = track(Expression(40, 49, 60, "micro"), Expression(41, 42, 43, "micro"))
    labels = label_track(given, frames, certain(*votes), CLASSES)
    assert labels[0].n_frames == 3
    # Between two rows the earlier one tells.
    assert (labels[1].emotion, labels[1].n_frames) == (CLASSES[votes[10]], 1)


def test_labels_name_the_expressions_of_a_track_in_their_order():
    given = track(Expression(50, 55, 60, "macro", emotion="fear"), Expression(10, 15, 20, "micro", score=0.5))
    rows = certain(*([1] * 30 + [2] * 70))
    named = with_emotions(given, label_track(given, np.arange(100), rows, CLASSES))
    assert [one.emotion for one in named.expressions] == ["positive", "surprise"]
    assert [one.onset for one in named.expressions] == [10, 50]
    assert [one.emotion_probability for one in named.expressions] == pytest.approx([0.8, 0.8])
    assert named.expressions[0].score == 0.5
    assert with_emotions(named, (None, None)) == named


def test_bad_input():
    with pytest.raises(SettingsError, match="choose one of onset_to_apex, apex, onset_to_offset"):
        frames_of_case(0, 1, 2, "all")
    with pytest.raises(ValueError, match="for 3 classes"):
        vote([[0.5, 0.5]], CLASSES)
    with pytest.raises(ValueError, match="for 5 frames"):
        label_track(track(), np.arange(5), certain(0, 1), CLASSES)
    assert vote(np.empty((0, 3)), CLASSES) is None
