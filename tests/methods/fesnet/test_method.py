"""FESNet as a method: what it loads, asks for and needs, and what each frame gets from the clips that hold it."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from facespot.errors import SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.features.kinds import rows_of
from facespot.methods import load_method, new_method
from facespot.methods.fesnet import method as fesnet_method
from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.decoding import decode, labels
from facespot.models import OnnxNetwork, read_checkpoint, read_weights, write_checkpoint
from facespot.values import KINDS, Expression, Features, Scores, Timebase, Track
from facespot.video import Selection

CHANNELS = ("macro", "micro", "macro/spatial", "micro/spatial")


def features(n_rows, *, gap=(), seed=0):
    """Noise that grows and fades, of every second frame."""
    rng = np.random.default_rng(seed)
    height = 60 + 50 * np.sin(np.arange(n_rows) / 4)
    values = (rng.random((n_rows, 112, 112, 3), dtype=np.float32) * height[:, None, None, None]).astype(np.uint8)
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = 0
    spec = new_method("fesnet").plan()["micro"]
    return Features("video", Timebase(60.0, 2 * n_rows), spec, values, 2 * np.arange(n_rows), valid, 30.0)


def rewritten(checkpoint, folder, *, method="fesnet", kind=None, config=(), fitted=()):
    """The same network with another description."""
    found = read_checkpoint(checkpoint)
    made = write_checkpoint(folder, method=method, kind=kind, config={**found.config, **dict(config)},
                            fitted={**found.fitted, **dict(fitted)}, origin={},
                            onnx_bytes=found.network_path.read_bytes(), weights=read_weights(found))  # fmt: skip
    return made.path


@pytest.fixture
def load(random_fesnet_checkpoint):
    return lambda **settings: load_method("fesnet", weights=[random_fesnet_checkpoint], settings=settings)


# Loading.


def test_what_was_trained_wins_over_the_default_and_the_user_over_both(random_fesnet_checkpoint, load):
    trained = dict(read_checkpoint(random_fesnet_checkpoint).config)
    found = load().config
    assert found == replace(FesnetConfig(), **trained)
    assert all(getattr(FesnetConfig(), name) != value for name, value in trained.items())
    changed = load(clip_stride="3", least_s="0.5", peak_threshold="0.4", landmarks_every="2").config
    assert changed == replace(found, clip_stride=3, least_s=0.5, peak_threshold=0.4, landmarks_every=2)


def test_the_weights_are_named_by_digest_and_origin(random_fesnet_checkpoint, load):
    (used,) = load().weights_used()
    assert (used["kind"], used["sha256"]) == (None, read_checkpoint(random_fesnet_checkpoint).digest)
    assert new_method("fesnet").weights_used() == []


def test_a_second_checkpoint_is_refused(random_fesnet_checkpoint):
    with pytest.raises(WeightsError, match="one network for both types; give one checkpoint"):
        load_method("fesnet", weights=[random_fesnet_checkpoint] * 2)


def test_other_clips_than_the_network_has_are_refused(random_fesnet_checkpoint, tmp_path, load):
    words = (
        r"network\.onnx: the network takes \(16, 112, 112, 3\), not \(32, 112, 112, 3\); "
        "leave the setting 'clip_frames' as it was trained"
    )
    with pytest.raises(WeightsError, match=words):
        load(clip_frames="32")
    wrong = rewritten(random_fesnet_checkpoint, tmp_path / "wrong", config={"clip_frames": 32})
    with pytest.raises(WeightsError, match=words):
        load_method("fesnet", weights=[wrong])
    assert load_method("fesnet", weights=[wrong], settings={"clip_frames": "16"}).config.clip_frames == 16


def test_weights_of_another_method_are_refused(random_fesnet_checkpoint, tmp_path):
    other = rewritten(random_fesnet_checkpoint, tmp_path / "mean", method="mean", kind="micro")
    with pytest.raises(WeightsError, match="weights of 'mean', not of 'fesnet'"):
        load_method("fesnet", weights=[other])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clips": "5"}, "'clips': it is unknown; the settings are rows_per_second, smoothing_s"),
        ({"clip_frames": "1"}, "'clip_frames': 1 is out of range"),
        ({"clip_stride": "0"}, "'clip_stride': 0 is out of range; give 1 to 16 frames"),
        ({"clip_stride": "17"}, "'clip_stride': 17 is out of range; give 1 to 16 frames"),
        ({"heads": "3"}, "'heads': 3 does not divide the 8 channels; give a divisor of 8"),
        ({"embedding": "many"}, "'embedding': 'many' is not a whole number"),
        ({"normalisation": "none"}, "'normalisation': 'none' is not a choice; choose one of fixed, clip"),
        ({"lsdm_form": "exact"}, "'lsdm_form': 'exact' is not a choice; choose one of stable, printed"),
        ({"class_weights": "true"}, "'class_weights': 'true' is not a choice; choose one of inverse, root, none"),
        ({"supervision": "some"}, "'supervision': 'some' is not a choice; choose one of all, final"),
        ({"use_mtam": "perhaps"}, "'use_mtam': 'perhaps' is not true or false"),
        ({"gamma": "-0.1"}, "'gamma': -0.1 is out of range"),
        ({"lsdm_weight": "nan"}, "'lsdm_weight': nan is out of range"),
        ({"lsdm_frames": "1"}, "'lsdm_frames': 1 is out of range"),
        ({"peak_threshold": "1.1"}, "'peak_threshold': 1.1 is out of range"),
        ({"least_s": "-1"}, "'least_s': -1.0 is out of range"),
        ({"rows_per_second": "0"}, "'rows_per_second': 0.0 is out of range"),
    ],
    ids=str,
)
@pytest.mark.parametrize("with_weights", [True, False])
def test_a_setting_that_does_not_fit_is_refused(load, settings, words, with_weights):
    with pytest.raises(SettingsError, match=words):
        if with_weights:
            load(**settings)
        else:
            new_method("fesnet", {"clip_frames": "16", "clip_stride": "8", "channels": "8", **settings})


# What it asks for.


def test_annotations_change_nothing_and_what_has_not_learned_cannot_score():
    fresh = new_method("fesnet")
    truth = Track("video", Timebase(30.0, 200), (Expression(0, None, 99, "macro"), Expression(150, None, 159, "micro")))
    assert fresh.adapt([truth]) is fresh
    assert fresh.pairs(truth) == ()
    with pytest.raises(ValueError, match="without a network"):
        fresh.score(dict.fromkeys(KINDS, features(20)))


def test_both_types_share_their_features():
    given = {"rows_per_second": 50.0, "smoothing_s": 0.1, "landmarks_every": 3}
    for settings in ({}, given):
        plan = new_method("fesnet", settings).plan()
        assert tuple(plan) == KINDS
        config = FesnetConfig(**settings)
        wanted = {name: getattr(config, name) for name in given}
        assert plan["macro"] == plan["micro"] == feature_spec("aligned_faces", **wanted)
    others = {"clip_stride": 5, "clip_frames": 40, "embedding": 9, "normalisation": "fixed", "least_s": 0.3}
    assert new_method("fesnet", {**given, **others}).plan() == new_method("fesnet", given).plan()


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_learned_is_asked_for_and_spotted(random_fesnet_checkpoint, load, tmp_path, kind):
    alone = rewritten(random_fesnet_checkpoint, tmp_path / kind, fitted={"kinds": [kind]})
    method = load_method("fesnet", weights=[alone], settings={"least_s": 0.0})
    assert method.kinds == tuple(method.plan()) == (kind,)
    one = features(60)
    scores = method.score({kind: one})
    assert scores.channels == (kind, f"{kind}/spatial")
    assert {e.kind for e in method.decode(scores).expressions} <= {kind}
    both = load().score(dict.fromkeys(KINDS, one))
    for channel in scores.channels:
        np.testing.assert_array_equal(scores.channel(channel)[0], both.channel(channel)[0])
    assert load().kinds == new_method("fesnet").kinds == KINDS


@pytest.mark.parametrize("settings", [{}, {"least_s": 0.5}, {"least_s": 0.0}, {"rows_per_second": 25.0}], ids=str)
@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0, 60.3, 100.0, 200.0])
def test_a_video_as_long_as_needed_can_hold_an_expression_and_a_shorter_one_cannot(settings, fps):
    method = new_method("fesnet", settings)
    needed = method.rows_needed("macro", fps)
    assert needed == method.rows_needed("micro", fps)
    found = []
    for n_frames in (needed - 1, needed):
        rows = rows_of(method.plan()["macro"], Selection(np.arange(n_frames), fps))
        values = np.tile(np.array([[0.9, 0.0]], dtype=np.float32), (len(rows.frames), 1))
        scores = Scores("video", Timebase(fps, n_frames), KINDS, values, rows.frames, np.isfinite(values), rows.fps)
        found.append((len(rows.frames), len(method.decode(scores).expressions)))
    (before, fewer), (n_rows, enough) = found
    assert (before, enough) == (n_rows - 1, 1)
    # One row alone says nothing, even where it may be spotted.
    assert fewer == 0 or (settings == {"least_s": 0.0} and n_rows == 2)


# Scores.


@pytest.mark.parametrize(
    ("n_rows", "gap", "stride"),
    [(1, (), 8), (5, (), 8), (16, (), 8), (31, (), 8), (60, (0, 20, 21, 40), 8), (60, (30,), 5), (70, (7, 69), 16)],
)
def test_each_frame_has_the_mean_of_the_clips_that_hold_it(
    random_fesnet_checkpoint, load, plain_clips, n_rows, gap, stride
):
    one = features(n_rows, gap=gap)
    scores = load(clip_stride=stride).score(dict.fromkeys(KINDS, one))
    assert (scores.video, scores.channels, scores.fps) == ("video", CHANNELS, 30.0)
    assert scores.timebase == one.timebase
    np.testing.assert_array_equal(scores.frames, one.frames)
    network, said = OnnxNetwork(random_fesnet_checkpoint / "network.onnx"), [[] for _ in range(n_rows)]
    for first, last in plain_clips(one.valid, 16, stride):
        rows = [min(row, last) for row in range(first, first + 16)]
        logits = network.run(one.values[rows][np.newaxis].astype(np.float32))[0]
        for place, row in enumerate(range(first, last + 1)):
            said[row].append(logits[place].astype(np.float64))
    expected = np.full((n_rows, 4), np.nan)
    for row, logits in enumerate(said):
        if logits:
            mean = np.mean(logits, axis=0)
            final, spatial = special.softmax(mean[:3]), special.softmax(mean[3:])
            expected[row] = [*final[1:], *spatial[1:]]
    np.testing.assert_array_equal(scores.valid, np.isfinite(expected))
    assert np.flatnonzero(~scores.valid.any(axis=1)).tolist() == sorted(gap)
    np.testing.assert_allclose(scores.values, expected, atol=1e-5)
    if n_rows > 40:
        assert np.nanstd(expected, axis=0).min() > 0.001
        assert max(len(logits) for logits in said) > 1


@pytest.mark.parametrize("n_rows", [5, 31])
def test_a_video_shorter_than_two_clips_is_decoded(load, n_rows):
    method = load(least_s=0.0)
    scores = method.score(dict.fromkeys(KINDS, features(n_rows)))
    assert scores.valid.all()
    inside = {row for e in method.decode(scores).expressions for row in range(e.onset // 2, e.offset // 2 + 1)}
    assert {row for row, label in enumerate(labels(scores)) if label > 0} <= inside
    assert [curve.kind for curve in method.curves(scores)] == list(KINDS)


def test_no_expression_bridges_a_gap(load):
    gap = [12, 13, 30]
    method = load(least_s=0.0, close_s=1.0)
    found = method.decode(method.score(dict.fromkeys(KINDS, features(50, gap=gap)))).expressions
    assert found
    for expression in found:
        assert not any(expression.onset <= 2 * row <= expression.offset for row in gap)


def test_the_frames_before_a_gap_know_nothing_of_those_after_it(load):
    one = features(60, gap=[25])
    other = replace(one, values=np.concatenate([one.values[:26], features(60, seed=9).values[26:]]))
    first, second = (load().score(dict.fromkeys(KINDS, given)) for given in (one, other))
    np.testing.assert_allclose(first.values[:25], second.values[:25], atol=1e-6)
    assert np.abs(first.values[26:] - second.values[26:]).max() > 1e-4


def test_how_many_clips_are_scored_at_once_changes_nothing(load, monkeypatch):
    method, one = load(), features(100, gap=[50])
    assert fesnet_method.CLIPS_AT_ONCE < 11
    at_once = method.score(dict.fromkeys(KINDS, one))
    monkeypatch.setattr(fesnet_method, "CLIPS_AT_ONCE", 1)
    singly = method.score(dict.fromkeys(KINDS, one))
    np.testing.assert_array_equal(at_once.valid, singly.valid)
    np.testing.assert_allclose(at_once.values, singly.values, atol=1e-5)


class Blind:
    """A network that sees nothing and counts the clips that it gets at once."""

    def __init__(self):
        self.most = self.total = 0

    def run(self, clips, *, batch_size):
        self.most, self.total = max(self.most, len(clips)), self.total + len(clips)
        return np.zeros((*clips.shape[:2], 6), dtype=np.float32)


def test_memory_does_not_grow_with_the_video(load, tmp_path):
    method, peaks = load(), []
    for n_rows in (200, 2000):
        path = tmp_path / f"{n_rows}.npy"
        values = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n_rows, 112, 112, 3))
        short = features(1)
        base, valid = Timebase(30.0, n_rows), np.ones(n_rows, dtype=bool)
        one = Features("video", base, short.spec, values, np.arange(n_rows), valid, 30.0)
        method._network = Blind()
        tracemalloc.start()
        method.score(dict.fromkeys(KINDS, one))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert method._network.most == fesnet_method.CLIPS_AT_ONCE
        assert method._network.total == n_rows / 8 - 1
    # The faces of the longer video take 75 MB as bytes, its sums and scores less than 1 MB.
    assert peaks[1] < peaks[0] + 2_000_000


def test_a_type_without_features_is_left_out(load):
    one = features(40)
    both, alone = load().score(dict.fromkeys(KINDS, one)), load().score({"micro": one})
    assert alone.channels == ("micro", "micro/spatial")
    for channel in alone.channels:
        np.testing.assert_array_equal(alone.channel(channel)[0], both.channel(channel)[0])


def test_a_video_without_a_face_has_no_scores(load):
    method = load(peak_threshold=0.5)
    scores = method.score(dict.fromkeys(KINDS, features(40, gap=range(40))))
    assert not scores.valid.any()
    assert method.decode(scores).expressions == ()
    assert all(curve.threshold is None for curve in method.curves(scores))


def test_settings_of_the_decoding_reach_it(load):
    scores = load().score(dict.fromkeys(KINDS, features(80)))
    found = []
    for settings in ({}, {"least_s": 0.3}, {"close_s": 0.5}, {"peak_threshold": 0.9}):
        method = load(**settings)
        found.append(method.decode(scores))
        assert found[-1] == decode(scores, method.config)
        thresholds = {curve.threshold for curve in method.curves(scores)}
        assert thresholds == {settings.get("peak_threshold")}
    assert found[0].expressions
    assert all(one != found[0] for one in found[1:])
