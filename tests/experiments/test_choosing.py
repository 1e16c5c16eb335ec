"""A setting chosen on training subjects: the best value by an independent count, and the test subject without a say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.experiments.choosing import choose_setting
from facespot.experiments.plan import RunPlan, read_plan
from facespot.experiments.run import Execution, run
from facespot.methods import new_method
from facespot.metrics import Rule
from facespot.values import Expression, Scores, Timebase, Track

VALUES = ("0.2", "0.5", "0.8")
PLAN = RunPlan("synth", "/a", "strain")


def scored(heights):
    """A video with one bump of each height, of which only those above .55 of the highest are true."""
    n_rows, at = 60 * (len(heights) + 1), [60 * (number + 1) for number in range(len(heights))]
    rows = np.arange(n_rows)
    values = sum(height * np.exp(-(((rows - row) / 4) ** 2)) for height, row in zip(heights, at, strict=True))
    base = Timebase(30.0, n_rows)
    found = np.asarray(values, dtype=np.float32)[:, np.newaxis]
    scores = Scores("video", base, ("micro",), found, rows, np.ones((n_rows, 1), dtype=bool), 30.0)
    true = [row for height, row in zip(heights, at, strict=True) if height > 0.55 * max(heights)]
    return Track("video", base, tuple(Expression(row - 6, row, row + 6, "micro") for row in true)), scores


def test_the_value_with_the_highest_f1_is_taken():
    track, scores = scored([1.0, 0.9, 0.4, 0.45])
    choice = choose_setting(new_method("strain"), "p", VALUES, [(track, scores)], rule=Rule(), subjects=["b", "a", "b"])
    # p = .2 spots all four bumps, .5 and .8 the two true ones.
    assert choice.f1 == {"0.2": pytest.approx(2 * 2 / (2 + 4)), "0.5": 1.0, "0.8": 1.0}
    assert (choice.name, choice.value, choice.subjects) == ("p", 0.5, ("a", "b"))
    turned = choose_setting(new_method("strain"), "p", VALUES[::-1], [(track, scores)], rule=Rule(), subjects=["a"])
    assert turned.value == 0.8


def test_the_other_settings_of_the_fold_hold():
    track, scores = scored([1.0, 0.9])
    short = new_method("strain", {"micro_distance_s": 0.04})
    choice = choose_setting(short, "p", VALUES, [(track, scores)], rule=Rule(), subjects=["a"])
    # Intervals of 3 frames cannot have an IoU of .5 with 13.
    assert set(choice.f1.values()) == {0.0}


@pytest.fixture(scope="module")
def plan(small_corpus):
    return RunPlan("own_data", str(small_corpus), "strain", choose={"p": VALUES})


@pytest.fixture(scope="module")
def outcome(plan, small_cache, tmp_path_factory):
    return run(plan, tmp_path_factory.mktemp("chosen") / "run", Execution(workers=1, cache=small_cache))


def chosen(outcome):
    return {fold.name: json.loads((fold.folder / "fold.json").read_text())["chosen"][0] for fold in outcome.folds}


def test_each_fold_takes_what_is_best_on_its_training_subjects(plan, outcome, small_cache, tmp_path):
    by_value = {}
    for value in VALUES:
        fixed = replace(plan, choose={}, settings={"p": value})
        by_value[value] = run(fixed, tmp_path / value, Execution(workers=1, cache=small_cache))
    for name, found in chosen(outcome).items():
        assert found["subjects"] == sorted({"ann", "ben", "cid"} - {name})
        assert found["value"] == float(max(VALUES, key=lambda value: found["f1"][value]))
        # k differs from fold to fold, so the fold's own training videos are decoded by its own method.
        fold = next(one for one in outcome.folds if one.name == name)
        assert fold.settings["p"] == found["value"]
        video = next(one for one in outcome.tested if one.subject == name)
        spotted = next(track for track in outcome.predicted() if track.video == video.id)
        same = by_value[str(found["value"])]
        assert spotted == next(track for track in same.predicted() if track.video == video.id)


def test_the_training_subjects_alone_are_decoded(plan, small_cache, tmp_path, monkeypatch):
    asked = []

    def watched(method, name, values, videos, *, rule, subjects):
        asked.append((sorted(subjects), [track for track, _ in videos]))
        return choose_setting(method, name, values, videos, rule=rule, subjects=subjects)

    monkeypatch.setattr("facespot.experiments.folds.choose_setting", watched)
    found = run(plan, tmp_path / "run", Execution(workers=1, cache=small_cache))
    assert [subjects for subjects, _ in asked] == [["ben", "cid"], ["ann", "cid"], ["ann", "ben"]]
    truth = {one.subject: one.truth for one in found.dataset.recordings}
    for subjects, tracks in asked:
        assert [track.expressions for track in tracks] == [truth[name].expressions for name in subjects]


def test_the_report_says_what_was_chosen_and_how_to_do_it_again(outcome):
    summary = json.loads((outcome.folder / "summary.json").read_text())
    assert "p is chosen in each fold on its training subjects" in summary["protocol"]
    assert "of 3 folds" in summary["facts"]["chosen on the training subjects"]
    assert "--choose p=0.2,0.5,0.8" in summary["facts"]["command"]
    assert dict(read_plan(outcome.folder).choose) == {"p": list(VALUES)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"choose": {"p": ("0.5",), "smoothing": ("code",)}}, "2 settings are given"),
        ({"choose": {"p": ()}}, "has no values"),
        ({"choose": {"p": ("0.5", "high")}}, "is not a number"),
        ({"choose": {"threshold": ("0.5",)}}, "it is unknown"),
        ({"choose": {"p": VALUES}, "published": True}, "published thresholds"),
        ({"choose": {"p": VALUES}, "method": "softnet", "weights": "/w"}, "no fold is trained"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(changes, words):
    with pytest.raises(SettingsError, match=words):
        replace(PLAN, **changes)
