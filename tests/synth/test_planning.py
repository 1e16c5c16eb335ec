"""What is drawn follows the published figures."""

from itertools import pairwise

import numpy as np
import pytest

from facespot.synth import distributions
from facespot.synth.distractors import Blink, Talking
from facespot.synth.planning import CALM_S, draw_script
from facespot.synth.presets import PRESETS

BENCH = PRESETS["bench-v1"]


@pytest.fixture(scope="module")
def scripts():
    return [draw_script(BENCH, 30.0, 30.0, np.random.default_rng([5, k])) for k in range(400)]


def expressions(scripts, kind):
    return [one for script in scripts for one in script.expressions if one.kind == kind]


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0, 100.0, 200.0])
@pytest.mark.parametrize("kind", ["macro", "micro"])
def test_mean_durations_are_the_published_ones_at_every_frame_rate(kind, fps):
    rng = np.random.default_rng(1)
    drawn = np.array([distributions.draw_duration(kind, fps, rng) for _ in range(4000)])
    low, high = distributions.PUBLISHED_MEAN_S[kind]
    assert low <= drawn.mean() <= high
    limits = (1 / 25, 0.5) if kind == "micro" else (0.5, 4.0)
    assert limits[0] <= drawn.min()
    # Frames may be counted one too many.
    assert drawn.max() + 1 / fps <= limits[1] + 1e-9
    assert kind == "micro" or drawn.min() - 1 / fps >= limits[0] - 1e-9


def test_counts_follow_samm_long_videos(scripts):
    minutes = len(scripts) * 0.5
    # 343 and 159 in 147 videos of 35.5 s; a few are lost where a video is full or meant to be empty.
    assert len(expressions(scripts, "macro")) / minutes == pytest.approx(343 / 147 / 35.5 * 60, rel=0.12)
    assert len(expressions(scripts, "micro")) / minutes == pytest.approx(159 / 147 / 35.5 * 60, rel=0.12)
    assert 0.02 < np.mean([not script.expressions for script in scripts]) < 0.15


def test_blinks_are_as_frequent_and_as_long_as_published(scripts):
    blinks = [[one for one in script.distractors if isinstance(one, Blink)] for script in scripts]
    calm = [len(found) for found, script in zip(blinks, scripts, strict=True)
            if not any(isinstance(one, Talking) for one in script.distractors)]  # fmt: skip
    assert np.mean(calm) * 2 == pytest.approx(17.0, rel=0.12)
    lengths = [one.duration_s for found in blinks for one in found]
    assert np.mean(lengths) == pytest.approx(0.334, abs=0.01)
    assert np.std(lengths) == pytest.approx(0.067, abs=0.01)
    assert np.mean([one.depth < 1 for found in blinks for one in found]) == pytest.approx(0.5, abs=0.05)


def test_every_distractor_occurs(scripts):
    kinds = {one.kind for script in scripts for one in script.distractors}
    assert kinds == {"blink", "partial blink", *BENCH.happenings_a_minute}


def test_everything_is_inside_the_video(scripts):
    for script in scripts:
        for one in (*script.expressions, *script.distractors):
            assert one.start_s >= 0.0
            assert one.end_s <= 30.0


def test_expressions_overlap_only_in_pairs_of_a_type_and_not_too_often(scripts):
    pairs = 0
    for script in scripts:
        ordered = sorted(script.expressions, key=lambda one: one.start_s)
        for before, after in pairwise(ordered):
            if after.start_s < before.end_s:
                pairs += 1
                assert after.kind == before.kind
                assert after.end_s > before.end_s
            else:
                assert after.start_s - before.end_s >= CALM_S - 1e-9
    total = sum(len(script.expressions) for script in scripts)
    # CAS(ME)2 has 16 pairs in 357; units that share a muscle are not overlaid, other types are not either.
    assert 0.005 < pairs / total < 0.06


def test_the_mouth_is_calm_during_expressions(scripts):
    for script in scripts:
        for noise in script.distractors:
            if noise.kind in ("talking", "lip press", "swallow", "hand", "leaving", "turn"):
                assert all(noise.end_s <= one.start_s or noise.start_s >= one.end_s for one in script.expressions)


def test_tiny_holds_one_of_each_type():
    script = draw_script(PRESETS["tiny"], 6.0, 30.0, np.random.default_rng(0))
    assert sorted(one.kind for one in script.expressions) == ["macro", "micro"]


def test_the_same_chance_gives_the_same_script():
    one, two = (draw_script(BENCH, 30.0, 30.0, np.random.default_rng(9)) for _ in range(2))
    assert one == two
