"""The named benches hold together: every condition has a corpus that can be made, every target its figure."""

import pytest

from facespot.errors import SettingsError
from facespot.experiments.bench.conditions import BENCHES, Rendered, Rerecorded, find_bench
from facespot.experiments.bench.corpora import preset_of
from facespot.experiments.bench.targets import TARGETS, Target, compared
from facespot.synth.presets import PRESETS
from facespot.synth.qualities import QUALITIES

HELDOUT = BENCHES["heldout-v1"]


@pytest.mark.parametrize("bench", BENCHES.values(), ids=list(BENCHES))
def test_every_corpus_can_be_made(bench):
    assert {one.corpus for one in bench.conditions} <= set(bench.corpora)
    for recipe in bench.corpora.values():
        if isinstance(recipe, Rerecorded):
            assert isinstance(bench.corpora[recipe.source], Rendered)
            assert recipe.quality in QUALITIES
        else:
            assert preset_of(recipe).name == recipe.preset
    names = [one.name for one in bench.conditions]
    assert len(set(names)) == len(names)
    assert bench.people in names


def test_the_held_out_people_are_never_those_of_the_training():
    seeds = {name: preset.seed for name, preset in PRESETS.items()}
    used = {recipe.preset for recipe in HELDOUT.corpora.values() if isinstance(recipe, Rendered)}
    assert used == {"heldout-v1", "calm-v1"}
    assert not {seeds[name] for name in used} & {seeds["train-v1"], seeds["bench-v1"]}


def test_every_frame_rate_of_the_issue_is_there():
    rates = {one.name: HELDOUT.corpora[one.corpus] for one in HELDOUT.conditions if one.group == "frame rate"}
    assert list(rates) == ["fps25", "fps30", "fps60", "fps100", "fps200"]
    for name, recipe in rates.items():
        fps = float(name.removeprefix("fps"))
        if isinstance(recipe, Rerecorded):
            assert recipe.fps == fps
            assert preset_of(HELDOUT.corpora[recipe.source]).frame_rates == {200: 1.0}
        else:
            assert preset_of(recipe).frame_rates == {fps: 1.0}


def test_sources_come_before_what_is_made_of_them():
    chosen = HELDOUT.chosen(("calm-degraded", "fps25", "clean"))
    assert [one.name for one in chosen] == ["clean", "fps25", "calm-degraded"]
    assert HELDOUT.corpora_of(chosen) == ("held30", "held200", "held200-25fps", "calm", "calm-degraded")
    assert HELDOUT.chosen(()) == HELDOUT.conditions


def test_unknown_names_are_refused():
    with pytest.raises(SettingsError, match="none named 'dirty'; choose from clean, degraded"):
        BENCHES["tiny-bench"].chosen(("clean", "dirty"))
    with pytest.raises(SettingsError, match="there is no bench 'huge'"):
        find_bench("huge")


def test_every_target_names_a_condition_or_a_group_of_people():
    known = {one.name for one in HELDOUT.conditions} | {"skin tone", "face shape"}
    assert {one.condition for one in TARGETS} <= known
    assert HELDOUT.targets == TARGETS


PART = {
    "macro": {"f1": 0.9, "low": 0.8, "high": 0.95},
    "median_error_s": {"macro": {"onset": 0.03}, "micro": None},
    "false_alarms_per_minute": {"all": {"rate": 0.2, "low": 0.1, "high": 0.4}},
    "emotion": None,
}


@pytest.mark.parametrize(
    ("figure", "value", "at_most", "ours", "low", "met"),
    [
        ("macro.f1", 0.9, False, 0.9, 0.8, True),
        ("macro.f1", 0.91, False, 0.9, 0.8, False),
        ("median_error_s.macro.onset", 0.03, True, 0.03, None, True),
        ("median_error_s.micro.onset", 0.03, True, None, None, None),
        ("false_alarms_per_minute.all", 0.1, True, 0.2, 0.1, False),
        ("emotion.macro.three.uf1", 0.9, False, None, None, None),
    ],
)
def test_targets_are_compared(figure, value, at_most, ours, low, met):
    found = compared(Target("x", "clean", figure, value, at_most), {"clean": PART})
    assert (found["ours"], found["low"], found["met"]) == (ours, low, met)
    assert found["at_most" if at_most else "at_least"] == value


def test_a_condition_that_was_not_measured_leaves_its_target_open():
    assert compared(TARGETS[0], {})["met"] is None
