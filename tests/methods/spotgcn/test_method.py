"""SpoT-GCN as a method: what it learns from annotations, loads, asks for and needs, and what each frame gets."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import special

from facespot.errors import SettingsError, WeightsError
from facespot.methods import load_method, new_method
from facespot.methods.spotgcn import method as spotgcn_method
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.models import OnnxNetwork, read_checkpoint, read_weights, write_checkpoint
from facespot.values import KINDS, Expression, Features, Scores, Timebase, Track

PARTS = ("", "/onset", "/offset", "/expression")
CHANNELS = tuple(f"{kind}{part}" for kind in KINDS for part in PARTS)
# Of the checkpoint with random weights.
LENGTHS = {"macro_mean_s": 1.2, "micro_mean_s": 0.4, "macro_least_s": 0.4, "micro_least_s": 0.2}


def track(fps, *expressions):
    found = tuple(Expression(onset, None, offset, kind) for onset, offset, kind in expressions)
    return Track(f"{fps}{expressions}", Timebase(fps, 2000), found)


def lengths(config):
    return {name: getattr(config, name) for name in LENGTHS}


# Lengths of the annotations: k and j.


def test_k_is_the_mean_and_j_the_least_length_in_seconds():
    tracks = [
        track(30.0, (10, 69, "macro"), (100, 144, "macro"), (200, 208, "micro")),
        track(200.0, (0, 99, "macro"), (300, 339, "micro")),
    ]
    found = new_method("spotgcn").adapt(tracks)
    # Macro: 60 and 45 frames at 30, 100 at 200 frames per second; micro: 9 at 30, 40 at 200.
    assert lengths(found.config) == pytest.approx(
        {
            "macro_mean_s": (2 + 1.5 + 0.5) / 3,
            "macro_least_s": 0.5,
            "micro_mean_s": (0.3 + 0.2) / 2,
            "micro_least_s": 0.2,
        }
    )
    assert found.adapt(tracks[::-1]).config == found.config
    assert {**asdict(found.config), **lengths(SpotgcnConfig())} == asdict(SpotgcnConfig())


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_without_annotations_keeps_its_lengths(kind):
    fresh = new_method("spotgcn", {f"{kind}_mean_s": 0.7})
    (other,) = (one for one in KINDS if one != kind)
    found = lengths(fresh.adapt([track(30.0, (0, 29, other)), track(60.0)]).config)
    assert {name: value for name, value in found.items() if name.startswith(other)} == pytest.approx(
        {f"{other}_mean_s": 1.0, f"{other}_least_s": 1.0}
    )
    assert found[f"{kind}_mean_s"] == 0.7
    assert found[f"{kind}_least_s"] == lengths(SpotgcnConfig())[f"{kind}_least_s"]


def test_without_any_annotation_and_afterwards_a_method_is_as_it_was():
    fresh = new_method("spotgcn", {"window": 5})
    before = fresh.config
    for tracks in ([], [track(30.0), track(200.0)]):
        assert fresh.adapt(tracks).config == before
    fresh.adapt([track(30.0, (0, 9, "macro"))])
    assert fresh.config == before


def test_an_expression_of_a_single_frame_is_a_length_too():
    found = new_method("spotgcn").adapt([track(200.0, (5, 5, "micro"), (10, 49, "micro"))])
    assert found.config.micro_least_s == 1 / 200
    assert found.rows_needed("micro", 200.0) == 15


def test_what_has_learned_is_not_adapted_and_what_has_not_cannot_score(random_spotgcn_checkpoint):
    with pytest.raises(ValueError, match="its own k and j"):
        load_method("spotgcn", weights=[random_spotgcn_checkpoint]).adapt([track(30.0, (0, 9, "macro"))])
    with pytest.raises(ValueError, match="without a network"):
        new_method("spotgcn", {"window": 5}).score(dict.fromkeys(KINDS, features(20)))


# Loading.


def rewritten(checkpoint, folder, *, method="spotgcn", kind=None, config=(), fitted=()):
    """The same network with another description."""
    found = read_checkpoint(checkpoint)
    made = write_checkpoint(folder, method=method, kind=kind, config={**found.config, **dict(config)},
                            fitted={**found.fitted, **dict(fitted)}, origin={},
                            onnx_bytes=found.network_path.read_bytes(), weights=read_weights(found))  # fmt: skip
    return made.path


def test_what_was_trained_wins_over_the_default_and_the_user_over_both(random_spotgcn_checkpoint):
    found = load_method("spotgcn", weights=[random_spotgcn_checkpoint]).config
    trained = {"window": 5, "flow": "dis", "landmarks_every": 30, **LENGTHS}
    assert found == replace(SpotgcnConfig(), **trained)
    assert all(getattr(SpotgcnConfig(), name) != value for name, value in trained.items())
    changes = {"macro_mean_s": "3", "micro_least_s": "0.1", "apex_threshold": "0.4", "landmarks_every": "1"}
    changed = load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings=changes).config
    assert changed == replace(found, macro_mean_s=3.0, micro_least_s=0.1, apex_threshold=0.4, landmarks_every=1)


def test_the_weights_are_named_by_digest_and_origin(random_spotgcn_checkpoint):
    (used,) = load_method("spotgcn", weights=[random_spotgcn_checkpoint]).weights_used()
    assert (used["kind"], used["sha256"]) == (None, read_checkpoint(random_spotgcn_checkpoint).digest)
    assert new_method("spotgcn").weights_used() == []


def test_a_second_checkpoint_is_refused(random_spotgcn_checkpoint):
    with pytest.raises(WeightsError, match="one network for both types; give one checkpoint"):
        load_method("spotgcn", weights=[random_spotgcn_checkpoint] * 2)


def test_another_window_than_the_network_has_is_refused(random_spotgcn_checkpoint, tmp_path):
    words = r"network\.onnx: the network takes \(5, 10, 2\), not \(7, 10, 2\); leave the setting 'window'"
    with pytest.raises(WeightsError, match=words):
        load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings={"window": "7"})
    wrong = rewritten(random_spotgcn_checkpoint, tmp_path / "wrong", config={"window": 7})
    with pytest.raises(WeightsError, match=words):
        load_method("spotgcn", weights=[wrong])
    assert load_method("spotgcn", weights=[wrong], settings={"window": "5"}).config.window == 5


def test_weights_of_another_method_are_refused(random_spotgcn_checkpoint, tmp_path):
    other = rewritten(random_spotgcn_checkpoint, tmp_path / "mean", method="mean", kind="micro")
    with pytest.raises(WeightsError, match="weights of 'mean', not of 'spotgcn'"):
        load_method("spotgcn", weights=[other])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"windows": "5"}, "'windows': it is unknown; the settings are window, motion"),
        ({"window": "6"}, "'window': 6 is even; give an odd number"),
        ({"window": "1"}, "'window': 1 is out of range"),
        ({"window": "five"}, "'window': 'five' is not a whole number"),
        ({"reach": "3"}, "'reach': 3 is less than the window needs; give 0 or at least 4"),
        ({"reach": "101"}, "'reach': 101 is out of range"),
        ({"motion": "both"}, "'motion': 'both' is not a choice; choose one of windows, adjacent"),
        ({"macro_least_s": "0"}, "'macro_least_s': 0.0 is out of range"),
        ({"consistent": "perhaps"}, "'consistent': 'perhaps' is not true or false"),
    ],
    ids=str,
)
@pytest.mark.parametrize("with_weights", [True, False])
def test_a_setting_that_does_not_fit_is_refused(random_spotgcn_checkpoint, settings, words, with_weights):
    given = settings if with_weights else {"window": "5", **settings}
    with pytest.raises(SettingsError, match=words):
        if with_weights:
            load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings=given)
        else:
            new_method("spotgcn", given)


# What it asks for.


def test_both_types_share_their_features():
    for settings, reach in (({}, 16), ({"window": 9}, 8), ({"window": 9, "reach": 28}, 28)):
        plan = new_method("spotgcn", {"landmarks_every": 3, "flow": "dis", **settings}).plan()
        assert tuple(plan) == KINDS
        assert plan["macro"] == plan["micro"]
        spec = plan["macro"]
        assert (spec.kind, spec.settings["flow"]) == ("region_flow", "dis")
        assert (spec.settings["reach"], spec.settings["landmarks_every"]) == (reach, 3)


def test_the_lengths_change_no_feature():
    fresh = new_method("spotgcn")
    assert fresh.adapt([track(30.0, (0, 99, "macro"), (0, 9, "micro"))]).plan() == fresh.plan()


def test_only_what_was_learned_is_asked_for(random_spotgcn_checkpoint, tmp_path):
    macro = rewritten(random_spotgcn_checkpoint, tmp_path / "macro", fitted={"kinds": ["macro"]})
    assert tuple(load_method("spotgcn", weights=[macro]).plan()) == ("macro",)
    assert tuple(load_method("spotgcn", weights=[random_spotgcn_checkpoint]).plan()) == KINDS


SHORTEST = {**LENGTHS, "macro_least_s": 0.01, "micro_least_s": 0.01, "search": 2}
STEPS = {25.0: 1, 30.0: 1, 60.0: 2, 200.0: 7}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, LENGTHS, SHORTEST])
@pytest.mark.parametrize("fps", STEPS)
def test_a_video_as_long_as_needed_can_hold_an_expression_and_a_shorter_one_cannot(kind, settings, fps):
    method = new_method("spotgcn", settings)
    needed = method.rows_needed(kind, fps)
    for n_frames, n_found in ((needed, 1), (needed - 1, 0)):
        frames = np.arange(0, n_frames, STEPS[fps])
        values = np.full((len(frames), 8), 0.9, dtype=np.float32)
        rising = np.linspace(0, 1, len(frames))
        values[:, [1, 5]], values[:, [2, 6]] = 1 - rising[:, None], rising[:, None]
        base, rows_per_second = Timebase(fps, n_frames), fps / STEPS[fps]
        scores = Scores("video", base, CHANNELS, values, frames, np.isfinite(values), rows_per_second)
        assert len(method.decode(scores).of_kind(kind).expressions) == n_found


# Scores.


def features(n_rows, *, reach=4, gap=(), seed=0):
    """Noise, as the stream leaves it: 0 for the frame itself, the last frame repeated, NaN without a face."""
    values = np.random.default_rng(seed).standard_normal((n_rows, reach + 1, 10, 2), dtype=np.float32)
    values[:, 0] = 0
    for row in range(n_rows):
        values[row, n_rows - row :] = values[row, min(n_rows - 1 - row, reach)]
        later = np.minimum(row + np.arange(reach + 1), n_rows - 1)
        values[row, np.isin(later, gap)] = np.nan
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = np.nan
    spec = new_method("spotgcn", {"window": 5, "reach": reach}).plan()["micro"]
    return Features("video", Timebase(60.0, 2 * n_rows), spec, values, 2 * np.arange(n_rows), valid, 30.0)


def plain_window(values, row, motion):
    """Five frames around a row."""
    last, window = len(values) - 1, np.zeros((5, 10, 2), dtype=np.float32)
    first = max(row - 2, 0)
    for place, frame in enumerate(range(row - 2, row + 3)):
        if motion == "windows":
            window[place] = values[first, max(frame, 0) - first]
        elif place and 0 < frame <= last:
            window[place] = values[frame - 1, 1]
    return window


@pytest.mark.parametrize("motion", ["windows", "adjacent"])
def test_each_frame_has_the_probabilities_of_the_window_around_it(random_spotgcn_checkpoint, motion):
    method = load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings={"motion": motion})
    gap = {0, 20, 21, 40}
    one = features(60, gap=sorted(gap))
    scores = method.score(dict.fromkeys(KINDS, one))
    assert (scores.video, scores.channels, scores.fps) == ("video", CHANNELS, 30.0)
    np.testing.assert_array_equal(scores.frames, one.frames)
    whole = [row for row in range(60) if not gap & set(np.clip(np.arange(row - 2, row + 3), 0, 59).tolist())]
    assert whole[0] == 3
    assert whole[-1] == 59
    np.testing.assert_array_equal(np.flatnonzero(scores.valid.any(axis=1)), whole)
    assert scores.valid[whole].all()
    assert np.isnan(scores.values[~scores.valid]).all()
    windows = np.stack([plain_window(one.values, row, motion) for row in whole])
    logits = OnnxNetwork(random_spotgcn_checkpoint / "network.onnx").run(windows)
    micro, macro = special.softmax(logits[:, :3], axis=1), special.softmax(logits[:, 3:6], axis=1)
    apexes, expressions = special.expit(logits[:, 6:8]), special.expit(logits[:, 8:])
    expected = [apexes[:, 1], macro[:, 0], macro[:, 1], expressions[:, 1],
                apexes[:, 0], micro[:, 0], micro[:, 1], expressions[:, 0]]  # fmt: skip
    np.testing.assert_allclose(scores.values[whole], np.stack(expected, axis=1), atol=1e-5)
    assert scores.values[whole].std(axis=0).min() > 0.01


def test_the_two_kinds_of_motion_differ(random_spotgcn_checkpoint):
    found = [
        load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings={"motion": motion})
        .score(dict.fromkeys(KINDS, features(30)))
        .values
        for motion in ("windows", "adjacent")
    ]
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_how_many_frames_are_scored_at_once_changes_nothing(random_spotgcn_checkpoint, monkeypatch):
    method, one = load_method("spotgcn", weights=[random_spotgcn_checkpoint]), features(300, gap=[100])
    assert spotgcn_method.FRAMES_AT_ONCE < 290
    at_once = method.score(dict.fromkeys(KINDS, one))
    monkeypatch.setattr(spotgcn_method, "FRAMES_AT_ONCE", 1)
    singly = method.score(dict.fromkeys(KINDS, one))
    np.testing.assert_array_equal(at_once.valid, singly.valid)
    np.testing.assert_allclose(at_once.values, singly.values, atol=1e-5)


def test_more_reach_than_the_window_needs_changes_nothing(random_spotgcn_checkpoint):
    wide = features(40, reach=9, gap=[12])
    narrow = replace(wide, values=wide.values[:, :5].copy())
    method = load_method("spotgcn", weights=[random_spotgcn_checkpoint], settings={"reach": 9})
    found, expected = (method.score(dict.fromkeys(KINDS, one)) for one in (wide, narrow))
    np.testing.assert_array_equal(found.values, expected.values)
    with pytest.raises(ValueError, match="hold no windows of 5 frames"):
        method.score({"micro": replace(wide, values=wide.values[:, :4].copy())})


def test_a_type_without_features_is_left_out(random_spotgcn_checkpoint):
    method, one = load_method("spotgcn", weights=[random_spotgcn_checkpoint]), features(40)
    both, alone = method.score(dict.fromkeys(KINDS, one)), method.score({"micro": one})
    assert alone.channels == CHANNELS[4:]
    np.testing.assert_array_equal(alone.values, both.values[:, 4:])
