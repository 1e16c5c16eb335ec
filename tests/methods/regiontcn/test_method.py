"""The method: pieces and the whole, how far it looks, settings, what does not fit, emotions of others' intervals."""

import json
import shutil
from dataclasses import fields, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import SettingsError, WeightsError  # noqa: E402
from facespot.features.region_motion import WIDTH, mirrored  # noqa: E402
from facespot.methods import load_method, load_recognizer, new_method  # noqa: E402
from facespot.methods.regiontcn.config import RegiontcnConfig  # noqa: E402
from facespot.methods.regiontcn.decoding import scores_of_outputs  # noqa: E402
from facespot.methods.regiontcn.network import RegionTCN  # noqa: E402
from facespot.methods.regiontcn.windows import CONTEXT_ROWS, WINDOW_ROWS, rows_between  # noqa: E402
from facespot.models import read_weights  # noqa: E402
from facespot.values import KINDS, Expression, Features, Timebase, Track  # noqa: E402


@pytest.fixture(scope="module")
def method(random_regiontcn_checkpoint):
    return load_method("regiontcn", weights=[random_regiontcn_checkpoint])


def random_features(method, n_rows, seed=0, gap=()):
    values = np.random.default_rng(seed).standard_normal((n_rows, WIDTH)).astype(np.float32)
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = np.nan
    rows, base = np.arange(n_rows), Timebase(30.0, n_rows)
    return Features("a", base, method.plan()["micro"], values, rows, valid, 30.0)


def both(features):
    return dict.fromkeys(KINDS, features)


@pytest.mark.parametrize("n_rows", [10, WINDOW_ROWS, 2 * WINDOW_ROWS + 30])
def test_pieces_say_what_the_network_says_of_the_whole_video(method, n_rows):
    features = random_features(method, n_rows, gap=[5, 6])
    weights = {name: torch.from_numpy(value) for name, value in read_weights(method.checkpoint).items()}
    network = RegionTCN(weights["first.weight"].shape[0], 0.0, [1.0] * WIDTH, torch.Generator())
    network.load_state_dict(weights)
    whole = rows_between(features.values, features.valid, -CONTEXT_ROWS, n_rows + CONTEXT_ROWS)
    other = np.concatenate([mirrored(whole[:, :WIDTH]), whole[:, WIDTH:]], axis=1)
    with torch.no_grad():
        outputs = network.eval()(torch.from_numpy(np.stack([whole, other]))).mean(dim=0).numpy()
    np.testing.assert_allclose(method.outputs(features), outputs, rtol=1e-3, atol=1e-4)
    expected = scores_of_outputs(outputs, features, KINDS, method.classes, method.action_units)
    scores = method.score(both(features))
    assert scores.channels == expected.channels
    np.testing.assert_allclose(scores.values, expected.values, rtol=1e-3, atol=1e-4)
    if n_rows > 100:
        np.testing.assert_allclose(method.outputs(features, 20, 41), outputs[20:41], rtol=1e-3, atol=1e-4)


def test_a_row_changes_what_is_said_as_far_as_the_context_reaches_and_no_farther(method):
    features = random_features(method, 400)
    values = features.values.copy()
    values[200] += 5
    changed = replace(features, values=values)
    differs = (method.outputs(features) != method.outputs(changed)).any(axis=1)
    assert np.flatnonzero(differs)[[0, -1]].tolist() == [200 - CONTEXT_ROWS, 200 + CONTEXT_ROWS]


def test_the_look_ahead_is_context_and_smoothing(method):
    # A deviation of 2 rows counts over 6; to reach from every 30th row to the next it is widened to 29 / 3.
    for every, smoothing_s, radius in ((3, 2 / 30, 6), (1, 0.0, 0), (30, 0.05, 29)):
        settings = {"smoothing_s": smoothing_s, "landmarks_every": every}
        found = load_method("regiontcn", weights=[method.checkpoint.path], settings=settings)
        assert found.look_ahead_s == pytest.approx((CONTEXT_ROWS + radius) / 30)


def test_it_asks_for_one_feature_for_both_types(method):
    plan = method.plan()
    assert list(plan) == list(KINDS)
    assert plan["macro"] is plan["micro"]
    assert plan["macro"].settings["landmarks_every"] == 30
    assert method.adapt([]) is method
    assert method.pairs(Track("a", Timebase(30.0, 9))) == ()
    assert [method.rows_needed("micro", fps) for fps in (25.0, 30.0, 60.0, 200.0)] == [10, 10, 19, 64]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_rows": "4"}, "'window_rows': 4 is out of range"),
        ({"averaging": "1"}, "'averaging'"),
        ({"macro_threshold": "1.5"}, "'macro_threshold': 1.5 is out of range"),
        ({"macro_threshold": "much"}, "'much' is not a number"),
        ({"sensitivity": "extreme"}, "choose one of low, normal, high"),
        ({"rule": "paper", "sensitivity": "high"}, "knows no sensitivity"),
        ({"slowest": "1.5"}, "'slowest'"),
        ({"least_score": "0"}, "'least_score'"),
        ({"emotion_weight": "-1"}, "'emotion_weight'"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(method, changes, message):
    with pytest.raises(SettingsError, match=message):
        load_method("regiontcn", weights=[method.checkpoint.path], settings=changes)


def test_a_threshold_may_be_left_to_the_checkpoint(method):
    path = method.checkpoint.path
    assert load_method("regiontcn", weights=[path], settings={"micro_threshold": "0.25"}).config.micro_threshold == 0.25
    assert load_method("regiontcn", weights=[path], settings={"micro_threshold": "none"}).config.micro_threshold is None
    curves = {one.kind: one.threshold for one in method.curves(method.score(both(random_features(method, 50))))}
    assert curves == {kind: method.points[kind]["normal"].threshold for kind in KINDS}


def test_weights_that_do_not_fit_are_refused(method, random_fesnet_checkpoint, tmp_path):
    path = method.checkpoint.path
    with pytest.raises(WeightsError, match="one network for both types"):
        load_method("regiontcn", weights=[path, path])
    with pytest.raises(WeightsError, match="weights of 'fesnet', not of 'regiontcn'"):
        load_method("regiontcn", weights=[random_fesnet_checkpoint])
    damaged = tmp_path / "damaged"
    shutil.copytree(path, damaged)
    description = json.loads((damaged / "method.json").read_text())
    description["fitted"]["calibration"]["macro"]["slope"] = "steep"
    (damaged / "method.json").write_text(json.dumps(description))
    with pytest.raises(WeightsError, match="its calibration is damaged"):
        load_method("regiontcn", weights=[damaged])


def test_a_method_that_has_learned_nothing_cannot_score():
    fresh = new_method("regiontcn")
    assert (fresh.classes, fresh.action_units, fresh.weights_used()) == ((), (), [])
    with pytest.raises(ValueError, match="without a network"):
        fresh.score(both(random_features(fresh, 20)))


def test_it_names_the_emotions_of_anybodys_intervals(method):
    recognizer = load_recognizer("regiontcn", weights=[method.checkpoint.path])
    assert recognizer.classes == ("happiness", "surprise", "others")
    scores = recognizer.score(both(random_features(method, 120)))
    emotions = [name for name in scores.channels if name.startswith("emotion/")]
    assert emotions == [f"emotion/{name}" for name in recognizer.classes]
    track = Track("a", scores.timebase, (Expression(10, 14, 30, "micro", action_units=("1",)),))
    (one,) = recognizer.name_emotions(scores, track).expressions
    assert one.emotion in (*recognizer.classes, "uncertain")
    assert 1 / 3 <= one.emotion_probability <= 1
    assert replace(one, emotion=None, emotion_probability=None) == track.expressions[0]


def test_every_setting_is_described():
    described = RegiontcnConfig.__doc__
    for field in fields(RegiontcnConfig):
        assert field.name in described
