"""Training SpoT-GCN: which windows and targets, that it learns a planted pattern, resume, what the checkpoint says."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import SettingsError  # noqa: E402
from facespot.methods import TrainingVideo, load_method, new_method  # noqa: E402
from facespot.methods.learning import validation_subjects  # noqa: E402
from facespot.methods.spotgcn.config import SpotgcnConfig  # noqa: E402
from facespot.methods.spotgcn.fitting import fit_network, loss_of_batch, samples_per_epoch  # noqa: E402
from facespot.methods.spotgcn.losses import Targets  # noqa: E402
from facespot.methods.spotgcn.network import build_network  # noqa: E402
from facespot.methods.spotgcn.samples import WindowSamples, window_samples  # noqa: E402
from facespot.methods.spotgcn.targets import frame_targets  # noqa: E402
from facespot.models import read_checkpoint, read_weights  # noqa: E402
from facespot.training import loop  # noqa: E402
from facespot.values import KINDS, Expression, Features, Timebase, Track  # noqa: E402

ORIGIN = {"corpus": "made up", "held_out_subject": "zoe", "licence": "none"}
SMALL = SpotgcnConfig(window=5, epochs=2, batch_size=32)
TRUTH = {
    "ann": ((10, 16, 25, "macro"), (50, 53, 58, "micro")),
    "ben": ((30, 33, 38, "micro"), (55, 62, 70, "macro")),
    "cid": ((20, 23, 28, "micro"), (44, 50, 60, "macro")),
}


def video(subject, *, kinds=KINDS, reach=4, n_rows=80, step=1, gap=(), strength=3.0, seed=0):
    """Flow of noise; mouth and brows move away from where they were, up to each apex, and back again."""
    base = Timebase(30.0 * step, step * n_rows)
    rng = np.random.default_rng([seed, *subject.encode()])
    truth = Track(subject, base, tuple(Expression(step * onset, step * apex, step * offset, kind)
                                       for onset, apex, offset, kind in TRUTH[subject]))  # fmt: skip
    place = np.zeros((n_rows + reach, 10, 2), dtype=np.float32)
    for onset, apex, offset, kind in TRUTH[subject]:
        hill = np.interp(np.arange(len(place)), [onset - 1, apex, offset + 1], [0, strength, 0])
        place[:, slice(6, 10) if kind == "macro" else slice(0, 3), 1] += hill[:, None]
    place = place[np.minimum(np.arange(len(place)), n_rows - 1)]
    values = np.stack([place[later : later + n_rows] - place[:n_rows] for later in range(reach + 1)], axis=1)
    values += 0.1 * rng.standard_normal(values.shape, dtype=np.float32)
    values[:, 0] = 0
    valid = ~np.isin(np.arange(n_rows), gap)
    for row in range(n_rows):
        later = row + np.arange(reach + 1)
        values[row, ~valid[np.minimum(later, n_rows - 1)]] = np.nan
    values[~valid] = np.nan
    spec = new_method("spotgcn", {"window": reach + 1}).plan()["micro"]
    features = Features(subject, base, spec, values, step * np.arange(n_rows), valid, 30.0, f"digest of {subject}")
    return TrainingVideo(subject, truth, dict.fromkeys(kinds, features))


# Samples.


@pytest.mark.parametrize("motion", ["windows", "adjacent"])
def test_a_batch_holds_the_windows_and_targets_of_its_places(motion):
    config = replace(SMALL, motion=motion)
    videos = [video("ann", gap=[30, 31]), video("ben", kinds=("micro",)), video("cid", kinds=())]
    samples = window_samples(videos, config, KINDS)
    expected = []
    for one in videos[:2]:
        values = one.features["micro"].values
        targets = frame_targets(one.truth, one.features["micro"].frames, config)
        for row in range(80):
            window = np.zeros((5, 10, 2), dtype=np.float32)
            start = max(row - 2, 0)
            for element, frame in enumerate(range(row - 2, row + 3)):
                if motion == "windows":
                    window[element] = values[start, max(frame, 0) - start]
                elif element and 0 < frame < 80:
                    window[element] = values[frame - 1, 1]
            if np.isfinite(window).all() and one.features["micro"].valid[start]:
                expected.append((window, targets.of_rows(np.array([row])), [one is videos[0], True]))
    assert len(samples) == len(expected)
    assert 100 < len(samples) < 160
    indices = np.random.default_rng(0).permutation(len(samples))
    windows, *targets = samples.batch(indices, np.random.default_rng(0))
    found = Targets(*targets)
    for at, index in enumerate(indices):
        window, own, counts = expected[index]
        np.testing.assert_array_equal(windows[at], window)
        assert found.boundary[at].tolist() == own.boundary[0].tolist()
        assert found.apex[at].tolist() == own.apex[0].tolist()
        assert found.action[at].tolist() == own.action[0].tolist()
        assert found.frame_type[at] == own.frame_type[0]
        assert found.counts[at].tolist() == counts
    assert windows.dtype == found.apex.dtype == np.float32
    assert samples.n_expression_frames == sum(
        bool((own.action[0] * counts).any()) for _, own, counts in expected
    )  # fmt: skip


def test_targets_and_places_must_agree():
    targets = frame_targets(video("ann").truth, np.arange(5), SMALL)
    with pytest.raises(ValueError, match=r"\[4, 5, 5, 5, 5\] windows, marks of 5"):
        WindowSamples([], np.zeros((4, 2), dtype=np.int64), targets, np.ones((5, 2), dtype=np.bool_), SMALL)


def test_memory_mapped_features_stay_mapped(tmp_path):
    one = video("ann")
    np.save(tmp_path / "values.npy", one.features["micro"].values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    both = dict.fromkeys(KINDS, replace(one.features["micro"], values=mapped))
    samples = window_samples([replace(one, features=both)], SMALL, KINDS)
    assert all(isinstance(array, np.memmap) for array in samples._arrays)
    windows, *_ = samples.batch(np.arange(9), np.random.default_rng(0))
    windows[:] = 1
    np.testing.assert_array_equal(mapped, one.features["micro"].values)


@pytest.mark.parametrize(
    ("n", "batch", "limit", "expected"),
    [(100, 10, 0, 0), (101, 10, 0, 100), (101, 10, 50, 50), (101, 10, 51, 50), (30, 10, 51, 51), (31, 10, 51, 30),
     (3, 2, 0, 2), (2, 512, 0, 0), (512, 512, 0, 0), (513, 512, 0, 512)],
)  # fmt: skip
def test_no_batch_of_an_epoch_holds_a_single_frame(n, batch, limit, expected):
    found = samples_per_epoch(n, SpotgcnConfig(batch_size=batch, samples_per_epoch=limit))
    assert found == expected
    assert min(n, found or n) % batch != 1


@pytest.mark.parametrize(("n", "limit"), [(1, 0), (10, 1)])
def test_a_single_frame_is_too_few(n, limit):
    with pytest.raises(SettingsError, match="1 usable frame"):
        samples_per_epoch(n, SpotgcnConfig(samples_per_epoch=limit))


# Learning.


@pytest.mark.parametrize("name", ["spotgcn", "stgcn", "cnn"])
def test_the_network_overfits_a_planted_pattern(name):
    config = replace(SMALL, network=name, epochs=1, label_smoothing=0.0)
    samples = window_samples([video("ann"), video("ben")], config, KINDS)
    windows, *targets = (torch.from_numpy(part) for part in samples.batch(np.arange(160), np.random.default_rng(0)))
    wanted = Targets(*targets)
    network = build_network(name, 5, "code", torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01, betas=(0.5, 0.9), weight_decay=0.1)
    losses = []
    for step in range(120):
        # With a rate that stays, the running statistics of the batch norm run behind the weights.
        optimiser.param_groups[0]["lr"] = 0.01 * 0.97**step
        loss = loss_of_batch(network, (windows, *targets), config=config)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    logits = network.eval()(windows)
    for column, first, apex, action in ((0, 3, 7, 9), (1, 0, 6, 8)):
        boundary = wanted.boundary[:, column]
        assert (logits[:, first : first + 3].argmax(dim=1) == boundary)[boundary < 2].float().mean() > 0.9
        there = wanted.action[:, column] > 0
        assert (logits[there, action] > 0).float().mean() > 0.9
        assert (logits[there, apex].mean() - logits[~there, apex].mean()) > 1


def test_the_loss_of_a_batch_is_that_of_the_stages():
    samples = window_samples([video("ann")], SMALL, KINDS)
    batch = tuple(torch.from_numpy(part) for part in samples.batch(np.arange(40), np.random.default_rng(0)))
    network = build_network("spotgcn", 5, "code", torch.Generator().manual_seed(0)).eval()
    with_contrast = loss_of_batch(network, batch, config=SMALL)
    without = loss_of_batch(network, batch, config=replace(SMALL, contrastive_weight=0.0))
    assert with_contrast > without > 0


# What is written.


def trained(out, config=SMALL, videos=None, kinds=KINDS, seed=4, **options):
    chosen = [video("ann", gap=[30]), video("ben")] if videos is None else videos
    return fit_network(chosen, config, kinds=kinds, out=out, seed=seed, origin=ORIGIN, **options)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("checkpoint"))


def test_the_checkpoint_says_what_it_was_trained_with(checkpoint):
    found = read_checkpoint(checkpoint.path, method="spotgcn")
    assert found == checkpoint
    assert (found.method, found.kind, found.path.name) == ("spotgcn", None, "both")
    settings = {"window": 5, "motion": "windows", "flow": "farneback", "landmarks_every": 1}
    assert found.config == {**settings, "epochs": 2, "batch_size": 32}
    fitted = dict(found.fitted)
    assert [sorted(one) for one in fitted["history"]] == [["loss", "validation_loss"]] * 2
    assert all(0 < one["loss"] < 2 and one["validation_loss"] is None for one in fitted.pop("history"))
    lengths = {name: getattr(SMALL, name) for name in fitted if name.endswith("_s")}
    assert len(lengths) == 4
    # Frame 30 of the first video is in the windows of 28 to 32.
    assert fitted == {"kinds": ["macro", "micro"], **lengths, "rows": 155, "expression_rows": 16 + 9 + 9 + 16,
                      "validation_subjects": []}  # fmt: skip
    origin = dict(found.origin)
    assert origin.pop("facespot_version") is not None
    assert {name: value for name, value in origin.items() if value is not None} == {**ORIGIN, "seed": 4}


def test_the_weights_of_the_checkpoint_are_the_network_that_scores(checkpoint):
    network = build_network("spotgcn", 5, "code")
    network.load_state_dict({name: torch.from_numpy(value) for name, value in read_weights(checkpoint).items()})
    method = load_method("spotgcn", weights=[checkpoint.path])
    assert method.config.window == 5
    one = video("cid")
    scores = method.score(one.features)
    samples = window_samples([one], SMALL, KINDS)
    windows, *_ = samples.batch(np.arange(len(samples)), np.random.default_rng(0))
    with torch.no_grad():
        expected = torch.sigmoid(network.eval()(torch.from_numpy(windows))[:, 6:8]).numpy()
    for column, kind in enumerate(("micro", "macro")):
        values, valid = scores.channel(kind)
        assert valid.all()
        np.testing.assert_allclose(values, expected[:, column], atol=1e-5)


def test_settings_of_the_training_reach_the_checkpoint_those_of_spotting_do_not(tmp_path):
    changes = {"network": "cnn", "motion": "adjacent", "epochs": 1, "reach": 4, "overlap": 0.3, "macro_mean_s": 1.5}
    one = trained(tmp_path, replace(SMALL, **changes))
    assert one.config == {"window": 5, "motion": "adjacent", "flow": "farneback", "landmarks_every": 1,
                          "network": "cnn", "epochs": 1, "batch_size": 32}  # fmt: skip
    assert one.fitted["macro_mean_s"] == 1.5
    assert load_method("spotgcn", weights=[one.path]).config.macro_mean_s == 1.5


def test_a_type_that_is_not_learned_moves_nothing(tmp_path):
    shapes = {}
    for name, kinds in (("both", KINDS), ("micro", ("micro",))):
        one = trained(tmp_path / name, replace(SMALL, contrastive_weight=0.0, weight_decay=0.0), kinds=kinds)
        assert one.fitted["kinds"] == list(kinds)
        shapes[name] = read_weights(one)["output.bias"]
    assert (shapes["micro"][[3, 4, 5, 7, 9]] == 0).all()
    assert (shapes["micro"][[0, 1, 2, 6, 8]] != 0).all()
    assert (shapes["both"] != 0).all()


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(checkpoint, tmp_path):
    assert trained(tmp_path / "same").digest == checkpoint.digest
    assert trained(tmp_path / "other", seed=5).digest != checkpoint.digest


def test_a_training_that_was_stopped_goes_on_from_its_state(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    told = []

    def stop(what, done, total):
        told.append((what, total))
        if done == 7:
            raise Stopped

    with pytest.raises(Stopped):
        trained(tmp_path, on_progress=stop)
    assert set(told) == {("both", 10)}
    assert (tmp_path / "both.state.safetensors").exists()
    assert not (tmp_path / "both").exists()
    steps = []
    resumed = trained(tmp_path, on_progress=lambda what, done, total: steps.append(done))
    assert steps == [7, 8, 9, 10]
    assert resumed.digest == checkpoint.digest


def steps_from(checkpoint, folder, config=SMALL, videos=None):
    """Steps that a training takes where the state of the fixture's one lies."""
    name = "both.state.safetensors"
    shutil.copy(checkpoint.path.parent / name, folder / name)
    steps = []
    trained(folder, config, videos, on_progress=lambda what, done, total: steps.append(done))
    return steps


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({"learning_rate": 0.02}, True),
        ({"network": "cnn"}, True),
        ({"overlap": 0.3, "macro_mean_s": 1.0, "most_per_video": 5}, False),
    ],
)
def test_only_a_setting_of_the_training_begins_anew(checkpoint, tmp_path, changes, anew):
    assert steps_from(checkpoint, tmp_path, replace(SMALL, **changes)) == (list(range(1, 11)) if anew else [])


def test_another_truth_begins_anew(checkpoint, tmp_path):
    one, other = video("ann", gap=[30]), video("ben")
    first = other.truth.expressions[0]
    moved = replace(other.truth, expressions=(replace(first, apex=first.apex + 1), *other.truth.expressions[1:]))
    assert steps_from(checkpoint, tmp_path, videos=[one, replace(other, truth=moved)]) == list(range(1, 11))


def test_a_last_batch_of_one_frame_does_no_harm(tmp_path):
    # 80 + 75 frames: 154 and one more.
    one = trained(tmp_path, replace(SMALL, batch_size=77, epochs=1))
    assert one.fitted["rows"] == 155
    assert np.isfinite(one.fitted["history"][0]["loss"])


def test_who_is_held_back_tells_when_to_stop(tmp_path):
    config = replace(SMALL, epochs=4, patience=2, validation_share=0.3)
    one = trained(tmp_path, config, [video(name) for name in TRUTH])
    assert len(one.fitted["validation_subjects"]) == 1
    assert one.fitted["rows"] == 160
    assert all(epoch["validation_loss"] > 0 for epoch in one.fitted["history"])
    nobody = trained(tmp_path / "alone", replace(config, epochs=1, patience=0), [video("ann")])
    assert nobody.fitted["validation_subjects"] == []


def test_what_cannot_be_learned_from_is_said_so(tmp_path):
    with pytest.raises(SettingsError, match="no expression of the training videos has a usable frame"):
        trained(tmp_path, videos=[video("ann", gap=range(8, 80))])
    with pytest.raises(SettingsError, match="the videos hold no expression"):
        trained(tmp_path, videos=[video("ann", kinds=())])
    config = replace(SMALL, patience=1)
    unseen = validation_subjects(list(TRUTH), config, seed=4)
    videos = [video(name, gap=range(80) if name in unseen else ()) for name in TRUTH]
    with pytest.raises(SettingsError, match="no frame of the held-back subjects"):
        trained(tmp_path, config, videos)
    assert not (tmp_path / "both").exists()


def test_a_loss_that_explodes_names_the_setting(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "facespot.methods.spotgcn.fitting.total_loss", lambda stages, *_: stages.logits.sum() * float("inf")
    )
    with pytest.raises(SettingsError, match="learning_rate"):
        trained(tmp_path)
