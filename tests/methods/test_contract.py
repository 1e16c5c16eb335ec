"""What every method must hold: shapes, gaps, determinism, bounds, thresholds without new inference."""

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.features.extract import ROW_SHAPES
from facespot.methods import METHODS, load_method
from facespot.values import KINDS, Features, Timebase, distance_in_frames

FPS = 30.0


@pytest.fixture(params=METHODS)
def method(request):
    weights = request.getfixturevalue("random_checkpoints") if METHODS[request.param].needs_weights else ()
    return load_method(request.param, weights=weights)


def features_of(method, n_frames=200, seed=0, gap=()):
    """Random features of every kind that a method asks for, NaN in the gap."""
    rng, base = np.random.default_rng(seed), Timebase(FPS, n_frames)
    made = {}
    for kind, spec in method.plan().items():
        n_rows = n_frames - distance_in_frames(spec.settings["distance_s"], FPS)
        values = rng.random((n_rows, *ROW_SHAPES[spec.kind]), dtype=np.float32)
        valid = ~np.isin(np.arange(n_rows), gap)
        values[~valid] = np.nan
        made[kind] = Features("video", base, spec, values, np.arange(n_rows), valid, FPS)
    return made


def test_there_is_a_score_exactly_where_there_is_a_feature(method):
    features = features_of(method, gap=range(50, 60))
    scores = method.score(features)
    assert scores.channels == tuple(kind for kind in KINDS if kind in features)
    for kind, one in features.items():
        _, valid = scores.channel(kind)
        np.testing.assert_array_equal(valid[: len(one.valid)], one.valid)
        assert not valid[len(one.valid) :].any()


def test_the_same_features_give_the_same_result(method):
    first, second = (method.score(features_of(method)) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()
    assert method.decode(first) == method.decode(second)


def test_what_stands_in_a_gap_changes_nothing_elsewhere(method):
    whole, broken = method.score(features_of(method)), method.score(features_of(method, gap=range(50, 60)))
    both = whole.valid & broken.valid
    np.testing.assert_allclose(whole.values[both], broken.values[both], rtol=1e-6)


def test_expressions_lie_in_the_video_with_the_apex_at_the_peak(method):
    scores = method.score(features_of(method))
    track = method.decode(scores)
    assert track.expressions
    curves = {curve.kind: curve for curve in method.curves(scores)}
    for one in track.expressions:
        assert 0 <= one.onset < one.apex < one.offset < track.timebase.n_frames
        curve = curves[one.kind]
        peak = curve.values[np.flatnonzero(curve.frames == one.apex)[0]]
        assert one.score == pytest.approx(float(peak), rel=1e-6)
        assert one.score >= curve.threshold


def test_a_higher_threshold_spots_a_subset(method):
    scores = method.score(features_of(method))
    few = type(method)(*_with_p(method, 0.9)).decode(scores)
    many = type(method)(*_with_p(method, 0.1)).decode(scores)
    assert {e.apex for e in few.expressions} <= {e.apex for e in many.expressions}
    assert len(few.expressions) < len(many.expressions)


def _with_p(method, p):
    from dataclasses import replace

    config = replace(method.config, p=p)
    return (config, method.checkpoints) if hasattr(method, "checkpoints") else (config,)


def test_one_type_alone_is_enough(method):
    features = features_of(method)
    alone = method.score({"macro": features["macro"]})
    assert alone.channels == ("macro",)
    together = method.score(features)
    assert method.decode(alone).expressions == method.decode(together).of_kind("macro").expressions


def test_a_video_without_any_face_yields_nothing(method):
    scores = method.score(features_of(method, gap=range(200)))
    assert not scores.valid.any()
    assert method.decode(scores).expressions == ()
    assert all(curve.threshold is None for curve in method.curves(scores))


def test_the_shortest_video_that_is_allowed_can_hold_a_peak(method):
    for kind in method.plan():
        rows = method.rows_needed(kind, FPS)
        features = {kind: features_of(method, n_frames=rows)[kind]}
        curve = method.curves(method.score(features))[0]
        assert np.isfinite(curve.values).sum() >= 3


def test_frames_of_a_resampled_video_keep_their_numbers(method):
    features = features_of(method)
    resampled = {
        kind: Features(one.video, Timebase(60.0, 500), one.spec, one.values, 7 + 2 * one.frames, one.valid, FPS)
        for kind, one in features.items()
    }
    plain, doubled = (method.decode(method.score(one)).expressions for one in (features, resampled))
    assert [(e.onset, e.apex, e.offset) for e in doubled] == [
        (7 + 2 * e.onset, 7 + 2 * e.apex, 7 + 2 * e.offset) for e in plain
    ]


def test_weights_and_methods_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="no method 'magic'; choose one of strain, softnet"):
        load_method("magic")
    with pytest.raises(SettingsError, match="needs weights"):
        load_method("softnet")
    with pytest.raises(SettingsError, match="has no weights"):
        load_method("strain", weights=[tmp_path])
