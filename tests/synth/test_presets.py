"""Presets say what the documentation says; plans depend on the seed and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS, find_preset


def test_the_benchmark_is_fixed():
    bench = PRESETS["bench-v1"]
    assert (bench.subjects, bench.videos, bench.seconds, bench.seed) == (16, 3, 30.0, 20)
    plans = plan_videos(bench, bench.seed)
    assert len(plans) == 48
    assert {plan.fps for plan in plans} == {30}
    assert {plan.n_frames for plan in plans} == {900}


def test_training_has_other_people_and_every_frame_rate():
    train = PRESETS["train-v1"]
    plans = plan_videos(train, train.seed)
    assert len({plan.subject for plan in plans}) >= 150
    assert {plan.fps for plan in plans} == {25, 30, 60, 100, 200}
    sides = [min(plan.width, plan.height) for plan in plans]
    assert (min(sides), max(sides)) == (256, 1080)
    assert np.median(sides) <= 320
    assert 0.1 < np.mean([plan.grey for plan in plans]) < 0.3


def test_no_two_presets_share_a_face_even_with_one_seed():
    drawn = [
        tuple(plan.subject_rng("appearance").standard_normal(4))
        for name in PRESETS
        for plan in plan_videos(replace(PRESETS[name], videos=1, subjects=5), 7)
    ]
    assert len(set(drawn)) == len(drawn)


def test_videos_of_a_subject_share_its_looks_but_not_its_camera():
    first, second = plan_videos(replace(PRESETS["tiny"], subjects=1, videos=2), 1)
    assert first.subject_rng("appearance").random() == second.subject_rng("appearance").random()
    assert first.rng("camera").random() != second.rng("camera").random()


def test_more_subjects_leave_the_first_as_they_were():
    few = plan_videos(replace(PRESETS["bench-v1"], subjects=10), 1)
    many = plan_videos(replace(PRESETS["bench-v1"], subjects=20), 1)
    assert many[: len(few)] == few


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subjects": 0}, "subjects: 0 is not between 1"),
        ({"seconds": 1.0}, "seconds: 1.0 is not between 2"),
        ({"seconds": float("nan")}, "seconds: nan"),
        ({"frame_rates": {1000: 1.0}}, "frame rate: 1000 is not between"),
        ({"sizes": {(321, 321): 1.0}}, "size: 321x321 is not even"),
        ({"sizes": {(128, 128): 1.0}}, "size: 128x128 is not even and between"),
        ({"crf": (60, 60)}, "crf: 60 to 60"),
        ({"flow_pairs": -1}, "flow_pairs: -1"),
    ],
)
def test_absurd_settings_are_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        replace(PRESETS["tiny"], **change)


def test_an_unknown_preset_is_refused():
    with pytest.raises(SettingsError, match="none named 'huge'; choose one of tiny, bench-v1, clips-v1, train-v1"):
        find_preset("huge")
