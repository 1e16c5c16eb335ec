"""SpoT-GCN's figures: each number against a plain computation, and both figures made whole from small runs."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score

from facespot.errors import FormatError
from facespot.experiments.papers import spotgcn_figures, spotgcn_representation, spotgcn_strategies
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.papers.spotgcn_representation import (
    draw_frames,
    of_length_1,
    principal_components,
    representations,
    separation,
    shown_fold,
)
from facespot.experiments.papers.spotgcn_strategies import MOUTH_CORNER, signal_and_noise, vertical_flow
from facespot.experiments.plan import RunPlan
from facespot.experiments.run import Execution
from facespot.features.region_flow import REGION_POINTS
from facespot.models.checkpoint import read_weights
from facespot.values import Features, FeatureSpec

QUICK = {"epochs": "2", "batch_size": "64", "window": "5", "flow": "dis", "landmarks_every": "30"}


def cloud(rng, n=60):
    return rng.normal(size=(n, 7)) * [5, 4, 3, 1, 1, 0.5, 0] + rng.normal(size=7)


def test_principal_components_are_those_of_scikit_learn(rng):
    values = cloud(rng)
    places, shares = principal_components(values)
    known = PCA(2).fit(values)
    np.testing.assert_allclose(shares, known.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(places), np.abs(known.transform(values)), atol=1e-9)
    again, _ = principal_components(values[::-1])
    np.testing.assert_allclose(again[::-1], places, atol=1e-9, err_msg="the signs do not depend on the order")


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_few_or_equal_points_have_components_too(n):
    places, shares = principal_components(np.ones((n, 4)))
    assert places.shape == (n, 2)
    assert not places.any()
    assert not shares.any()


def test_separation_is_the_ratio_that_scikit_learn_scales(rng):
    one, other = cloud(rng), cloud(rng)
    score = calinski_harabasz_score(np.concatenate([one, other]), np.repeat([0, 1], 60))
    assert separation(one, other) == pytest.approx(score / (2 * 60 - 2))
    assert separation(one, np.concatenate([other, other])) == pytest.approx(separation(one, other))
    assert np.isnan(separation(one, other[:0]))
    assert np.isnan(separation(one[:1], one[:1]))


def test_lengths_are_1_or_0(rng):
    values = np.concatenate([cloud(rng), np.zeros((1, 7))])
    np.testing.assert_allclose(np.linalg.norm(of_length_1(values), axis=1), [1.0] * 60 + [0.0])


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def moving():
    """A mouth corner whose place is known in each of 90 rows; flow is the difference of two places."""
    place = np.cumsum(np.random.default_rng(1).normal(size=90)).astype(np.float32)
    values = np.zeros((90, 13, 10, 2), dtype=np.float32)
    for start in range(90):
        for step in range(13):
            values[start, step, MOUTH_CORNER, 1] = place[min(start + step, 89)] - place[start]
    return place, values


def test_flow_is_that_of_the_mouth_corner_from_an_earlier_frame(moving):
    place, values = moving
    assert REGION_POINTS[MOUTH_CORNER] == 48
    rows = np.array([0, 3, 8, 40])
    np.testing.assert_allclose(vertical_flow(values, rows, 8), place[rows] - place[[0, 0, 0, 32]], rtol=1e-5)


def test_noise_is_measured_where_it_is_quiet():
    values = np.array([0.1, -0.3, np.nan, 2.0, -3.0, 9.0], dtype=np.float32)
    inside, quiet = np.array([0, 0, 0, 1, 1, 0], bool), np.array([1, 1, 1, 0, 0, 0], bool)
    assert signal_and_noise(values, inside, quiet) == pytest.approx((3.0, 0.2))
    assert np.isnan(signal_and_noise(values, ~np.ones(6, bool), ~np.ones(6, bool))).all()


@pytest.mark.parametrize("absent", ["macro", "micro", "both"])
def test_a_panel_without_a_class_is_made(absent, rng):
    values = {name: cloud(rng)[: 0 if absent in (name, "both") else 60] for name in ("macro", "micro")}
    panel = spotgcn_figures._panel("a", ("macro", "micro"), "with", values)
    assert "separation unknown" in panel.subtitle
    assert {name: len(points) for name, points in panel.points.items()} == {
        name: len(points) for name, points in values.items()
    }


@pytest.fixture(scope="module")
def reproduction(small_corpus, small_cache, tmp_path_factory):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    plan = RunPlan("own_data", str(small_corpus), "spotgcn", settings=dict(QUICK), protocol="kfold:2", published=True)
    return Reproduction(plan, tmp_path_factory.mktemp("spotgcn_out"), Execution(cache=small_cache))


@pytest.fixture(scope="module")
def outcomes(reproduction):
    return reproduction.run("spotgcn", contrastive_weight=0.0), reproduction.run("spotgcn")


def test_figure_5_is_made_from_both_runs(reproduction, outcomes):
    made = spotgcn_figures.figure5(reproduction)
    names = {path.name.partition("-epochs")[0] for path in (reproduction.out / "runs").iterdir()}
    assert len(outcomes) == len(list((reproduction.out / "runs").iterdir())) == 2, names
    (path,) = made.paths
    first = path.read_bytes()
    assert first[:4] == b"\x89PNG"
    assert "at most 300 of each type" in made.text()
    assert "z has length 1" in made.text()
    assert spotgcn_figures.figure5(reproduction) == made
    assert path.read_bytes() == first


def test_the_fold_has_the_most_micro_expression_frames(outcomes):
    counts = {}
    for fold in outcomes[0].folds:
        counts[fold.name] = 0
        for recording in outcomes[0].tested:
            if recording.id in fold.test:
                scores = outcomes[0].scores(recording)
                known = scores.frames[scores.valid.all(axis=1)]
                for one in recording.truth.of_kind("micro").expressions:
                    counts[fold.name] += int(((known >= one.onset) & (known <= one.offset)).sum())
    name, n_micro = shown_fold(*outcomes)
    assert counts[name] == n_micro == max(counts.values()) > 0
    with pytest.raises(FormatError, match="no fold ended in both runs"):
        shown_fold(outcomes[0], replace(outcomes[1], folds=()))


def test_frames_are_drawn_by_type_and_seed(outcomes, monkeypatch):
    name, n_micro = shown_fold(*outcomes)
    every = draw_frames(outcomes, name, seed=0)
    assert {one: len(rows) for one, rows in every.by_type().items()} == every.available
    assert every.available["micro"] == n_micro
    recordings = {one.id: one for one in outcomes[0].tested}
    for (video, row), number in zip(every.places, every.types, strict=True):
        recording = recordings[every.videos[video]]
        frame = outcomes[0].scores(recording).frames[row]
        kinds = {one.kind for one in recording.truth.expressions if one.onset <= frame <= one.offset}
        assert kinds == ({spotgcn_representation.TYPES[number]} if number else set())
    monkeypatch.setattr(spotgcn_representation, "MOST_PER_TYPE", 5)
    few, again, others = (draw_frames(outcomes, name, seed=seed) for seed in (0, 0, 1))
    assert [len(rows) for rows in few.by_type().values()] == [5, 5, 5]
    assert len(np.unique(few.places, axis=0)) == 15
    np.testing.assert_array_equal(few.places, again.places)
    assert not np.array_equal(few.places, others.places)


@pytest.mark.parametrize("which", [0, 1])
def test_z_gives_the_scores_of_the_run(outcomes, reproduction, which, monkeypatch):
    outcome, (name, _) = outcomes[which], shown_fold(*outcomes)
    drawn = draw_frames(outcomes, name, seed=0)
    lengths = np.linalg.norm(representations(outcome, name, drawn, reproduction), axis=1)
    np.testing.assert_allclose(lengths, 1.0)
    monkeypatch.setattr(spotgcn_representation, "of_length_1", lambda values: values)
    z = representations(outcome, name, drawn, reproduction)
    assert z.shape == (len(drawn.types), 64)
    (checkpoint,) = next(fold for fold in outcome.folds if fold.name == name).checkpoints()
    weights = read_weights(checkpoint)
    logits = z @ weights["output.weight"].T + weights["output.bias"]
    recordings = {one.id: one for one in outcome.tested}
    for (video, row), apexes in zip(drawn.places, 1 / (1 + np.exp(-logits[:, 6:8])), strict=True):
        scores = outcome.scores(recordings[drawn.videos[video]])
        assert [scores.channel(kind)[0][row] for kind in ("micro", "macro")] == pytest.approx(apexes, abs=1e-4)


def test_features_that_are_gone_are_told_of(outcomes, reproduction, monkeypatch):
    name, _ = shown_fold(*outcomes)
    drawn = draw_frames(outcomes, name, seed=0)
    monkeypatch.setattr(spotgcn_representation, "features_of_run", lambda *_: _NoFeatures())
    with pytest.raises(FormatError, match="the disk is gone"):
        representations(outcomes[1], name, drawn, reproduction)


class _NoFeatures:
    failed = dict.fromkeys(("ann", "ben", "cid"), "the disk is gone")

    def of(self, *_):
        return {}


@pytest.fixture
def short_windows(monkeypatch):
    """A large window that is quickly computed."""
    for module in (spotgcn_strategies, spotgcn_figures):
        monkeypatch.setattr(module, "LARGE_WINDOW_S", 0.4)


@pytest.mark.usefixtures("short_windows")
def test_figure_6_shows_the_largest_motion_or_what_is_named(outcomes, reproduction):
    made = spotgcn_figures.figure6(reproduction)
    assert made.paths[0].read_bytes()[:4] == b"\x89PNG"
    assert sum(", ratio " in note for note in made.notes) == 3
    assert "ours is 0.4 s" in made.text()
    (shown, truth), others = spotgcn_strategies.shown_expression(outcomes[1], reproduction), []
    for recording in outcomes[1].tested:
        named = replace(reproduction, videos=(recording.id,))
        found, one = spotgcn_strategies.shown_expression(outcomes[1], named)
        assert found.id == recording.id
        assert one.kind == "micro"
        motion = spotgcn_strategies.motion_around(outcomes[1], found, one, named)
        assert [len(way.values) for way in motion.strategies] == [len(motion.times_s)] * 3
        assert all(np.isfinite(way.values).all() for way in motion.strategies)
        assert all(way.largest > 0 < way.noise for way in motion.strategies)
        others.append((motion.strategies[1].largest, found.id, one))
    assert (shown.id, truth) == max(others, key=lambda other: other[0])[1:]
    with pytest.raises(FormatError, match="no micro-expression"):
        spotgcn_strategies.shown_expression(without_videos(outcomes[1]), reproduction)


def without_videos(outcome):
    return replace(outcome, dataset=replace(outcome.dataset, recordings=()))


@pytest.mark.usefixtures("short_windows")
def test_signal_and_noise_by_hand(outcomes, reproduction, moving, monkeypatch):
    place, values = moving
    (recording,) = (one for one in outcomes[1].tested if one.id == "ann")
    (truth,) = recording.truth.of_kind("micro").expressions
    # The made-up rows are the last 90 frames before a second after the apex.
    frames = np.arange(truth.apex + 12 - 89, truth.apex + 13)

    def made_up(prepared, config, reach, _):
        assert reach == 12
        spec, valid = FeatureSpec("region_flow", 1, {}), np.ones(90, dtype=bool)
        return Features("ann", recording.timebase, spec, values, frames, valid, 30.0)

    monkeypatch.setattr(spotgcn_strategies, "_region_flow", made_up)
    motion = spotgcn_strategies.motion_around(outcomes[1], recording, truth, reproduction)
    expressing = {frame for one in recording.truth.expressions for frame in range(one.onset, one.offset + 1)}
    shown = [row for row in range(90) if truth.apex - 30 <= frames[row] <= truth.apex + 30]
    np.testing.assert_allclose(motion.times_s, frames[shown] / 30)
    for strategy, distance in zip(motion.strategies, (1, 2, 12), strict=True):
        flow = {row: place[row] - place[row - distance] for row in shown}
        inside = [abs(flow[row]) for row in shown if truth.onset <= frames[row] <= truth.offset]
        quiet = [flow[row] for row in shown if not {frames[row], frames[row - distance]} & expressing]
        assert 0 < len(quiet) < len(shown) - len(inside)
        np.testing.assert_allclose(strategy.values, list(flow.values()), rtol=1e-4, atol=1e-5)
        assert strategy.largest == pytest.approx(max(inside), rel=1e-4)
        assert strategy.noise == pytest.approx(np.std(quiet), rel=1e-4)
        assert strategy.figures("px").endswith(f"ratio {max(inside) / np.std(quiet):.1f}")


def test_the_scale_is_that_of_the_expression():
    calm = spotgcn_strategies.Strategy("calm", np.array([0.1, -0.2], np.float32), 0.2, 0.1)
    far = spotgcn_strategies.Strategy("far", np.array([9.0, np.nan], np.float32), 0.5, 0.1)
    gap = spotgcn_strategies.Strategy("gap", np.array([np.nan, np.nan], np.float32), np.nan, np.nan)
    around = {one.name: spotgcn_strategies.MotionAround(np.arange(2.0), (one,)) for one in (calm, far, gap)}
    scales = {name: spotgcn_figures._scale(one) for name, one in around.items()}
    assert scales == pytest.approx({"calm": 1.08 * 0.2, "far": 1.0, "gap": 1.0})
    assert gap.figures("px").endswith("ratio unknown")
