"""Folds: who is in them, and what they may know of the lengths."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.errors import SettingsError
from facespot.protocols import (
    cross_corpus,
    fixed_split,
    half_mean_length,
    half_mean_length_of_fold,
    k_fold,
    leave_one_subject_out,
    with_type,
)
from facespot.values import Expression, Recording, Timebase, Track


def recording(name, subject, *lengths, kind="micro", fps=30.0):
    """Expressions whose offset minus onset are the given lengths."""
    expressions = tuple(Expression(300 * i, None, 300 * i + length, kind) for i, length in enumerate(lengths))
    return Recording(name, subject, Path(name), Track(name, Timebase(fps, 5000), expressions))


FOUR = [recording("a1", "a", 10), recording("b1", "b", 20), recording("a2", "a", 12), recording("c1", "c")]


def ids(recordings):
    return [one.id for one in recordings]


def test_leave_one_subject_out():
    folds = list(leave_one_subject_out(FOUR))
    assert [(one.name, ids(one.train), ids(one.test)) for one in folds] == [
        ("a", ["b1", "c1"], ["a1", "a2"]),
        ("b", ["a1", "a2", "c1"], ["b1"]),
        ("c", ["a1", "b1", "a2"], ["c1"]),
    ]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=5, max_size=25), st.integers(2, 5), st.sampled_from(["video", "subject"]),
    st.integers(0, 9),
)  # fmt: skip
def test_k_folds_test_everyone_once_and_keep_units_together(subjects, k, by, seed):
    recordings = [recording(f"v{index}", f"s{subject}") for index, subject in enumerate(subjects)]
    units = {one.subject if by == "subject" else one.id for one in recordings}
    if k > len(units):
        with pytest.raises(SettingsError, match="folds of"):
            list(k_fold(recordings, k, by=by, seed=seed))
        return
    folds = list(k_fold(recordings, k, by=by, seed=seed))
    assert len(folds) == k
    assert sorted(name for fold in folds for name in ids(fold.test)) == sorted(ids(recordings))
    sizes = [len({one.subject if by == "subject" else one.id for one in fold.test}) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        assert sorted(ids(fold.train) + ids(fold.test)) == sorted(ids(recordings))
        if by == "subject":
            assert not {one.subject for one in fold.train} & {one.subject for one in fold.test}
    assert folds == list(k_fold(recordings, k, by=by, seed=seed))


def test_the_seed_decides_the_folds():
    recordings = [recording(f"v{index}", f"s{index}") for index in range(20)]
    first, second = (list(k_fold(recordings, 5, seed=seed)) for seed in (0, 1))
    assert first != second


def test_across_corpora_equal_names_stay_apart():
    folds = list(cross_corpus({"two": [recording("v", "s1")], "one": [recording("v", "s1")]}))
    assert [(one.name, ids(one.train), ids(one.test)) for one in folds] == [
        ("one", ["two/v"], ["one/v"]),
        ("two", ["one/v"], ["two/v"]),
    ]
    assert folds[0].test[0].subject == "one/s1"


def test_fixed_split():
    by_subject, by_video = fixed_split(FOUR, ["a"]), fixed_split(FOUR, ["a2", "c1"], by="video")
    assert (ids(by_subject.train), ids(by_subject.test)) == (["b1", "c1"], ["a1", "a2"])
    assert (ids(by_video.train), ids(by_video.test)) == (["a1", "b1"], ["a2", "c1"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: list(leave_one_subject_out(FOUR[:1])), "1 subject is too few"),
        (lambda: list(leave_one_subject_out([*FOUR, FOUR[0]])), "named twice: a1"),
        (lambda: list(k_fold(FOUR, 4, seed=0)), "4 folds of 3 subjects"),
        (lambda: list(k_fold(FOUR, 2, by="frame", seed=0)), "'frame' cannot be dealt out"),
        (lambda: list(cross_corpus({"one": FOUR})), "1 corpus is too few"),
        (lambda: fixed_split(FOUR, ["z"]), "no subject is named z"),
        (lambda: fixed_split(FOUR, []), "would be empty"),
        (lambda: fixed_split(FOUR, "abc"), "would be empty"),
    ],
)
def test_what_makes_no_folds_is_refused(make, words):
    with pytest.raises(SettingsError, match=words):
        make()


def test_videos_with_a_type():
    both = [*FOUR, recording("m", "d", 40, kind="macro")]
    assert ids(with_type(both, "micro")) == ["a1", "b1", "a2"]
    assert ids(with_type(both, "macro")) == ["m"]


def test_half_mean_length_is_that_of_the_papers_formula():
    assert half_mean_length(FOUR, "micro") == 7
    # The mean length 11.6 frames gives k = 6, 35.4 gives 18: the papers' values for CAS(ME)2.
    assert half_mean_length([recording("v", "s", 11, 11, 11, 12, 13)], "micro") == 6
    assert half_mean_length([recording("v", "s", 35, 35, 35, 36, 36)], "micro") == 18


def test_k_of_a_fold_comes_from_its_training_recordings():
    fold = next(leave_one_subject_out(FOUR))
    assert fold.name == "a"
    assert half_mean_length_of_fold(fold, "micro") == 10
    assert half_mean_length_of_fold(fold, "micro", source="paper") == 7
    longer = fixed_split([*FOUR[1:], recording("a1", "a", 250)], ["a"])
    assert half_mean_length_of_fold(longer, "micro") == 10


def test_frame_rates_are_not_mixed_by_mistake():
    mixed = [recording("slow", "a", 10, fps=25.0), recording("fast", "b", 80, fps=200.0)]
    with pytest.raises(SettingsError, match="25 to 200 frames per second"):
        half_mean_length(mixed, "micro")
    assert half_mean_length(mixed, "micro", fps=25.0) == 5
    assert half_mean_length(mixed, "micro", fps=200.0) == 40
    with pytest.raises(SettingsError, match="no recording holds one"):
        half_mean_length(mixed, "macro")
