"""Training SOFTNet: targets by plain loops, counts of samples, no leak of labels, what the checkpoint says."""

import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import MissingDependencyError, SettingsError  # noqa: E402
from facespot.methods import TrainingVideo, load_method, new_method  # noqa: E402
from facespot.methods.softnet.config import SoftnetConfig  # noqa: E402
from facespot.methods.softnet.fitting import (  # noqa: E402
    fit_kind,
    label_softnet_rows,
    mean_squared_error,
    training_samples,
    validation_subjects,
)
from facespot.methods.softnet.network import SOFTNet  # noqa: E402
from facespot.models import read_checkpoint, read_weights  # noqa: E402
from facespot.training import loop  # noqa: E402
from facespot.training.augmentation import VARIANTS  # noqa: E402
from facespot.values import Expression, Features, Timebase, Track  # noqa: E402

ORIGIN = {"corpus": "made up", "held_out_subject": "zoe", "licence": "none"}
PATTERN = np.random.default_rng(99).random((42, 42, 3), dtype=np.float32)


def video(subject, *intervals, kind="micro", n_rows=60, seed=0, gap=(), signal=()):
    """Features of noise, with a pattern in the rows named in `signal`."""
    base = Timebase(30.0, n_rows + 6)
    values = 0.5 * np.random.default_rng([seed, len(subject), *subject.encode()]).random(
        (n_rows, 42, 42, 3), np.float32
    )
    values[list(signal)] += 0.5 * PATTERN
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = np.nan
    spec = new_method("softnet").plan()[kind]
    features = Features(subject, base, spec, values, np.arange(n_rows), valid, 30.0)
    truth = Track(subject, base, tuple(Expression(onset, None, offset, kind) for onset, offset in intervals))
    return TrainingVideo(subject, truth, {kind: features})


@pytest.mark.parametrize("onset_counted", [True, False])
@pytest.mark.parametrize("function", ["unit_step", "linear", "step"])
def test_every_valid_row_gets_the_target_of_its_window(function, onset_counted):
    videos = [video("ann", (10, 17), (30, 30), gap=[12, 13]), video("ben", n_rows=20), video("cid", (50, 62))]
    config = SoftnetConfig(pseudo_label=function, onset_counted=onset_counted)
    k = 6  # 0.2 s at 30 frames/s
    places, targets = [], []
    for number, one in enumerate(videos):
        for row in range(len(one.features["micro"].frames)):
            if not one.features["micro"].valid[row]:
                continue
            best = 0.0
            for true in one.truth.expressions:
                onset = true.onset if onset_counted else min(true.onset + 1, true.offset)
                window, interval = set(range(row, row + k)), set(range(onset, true.offset + 1))
                best = max(best, len(window & interval) / len(window | interval))
            step = 0.0 if best == 0 else 0.25 * (1 + sum(best >= bound for bound in (0.25, 0.5, 0.75)))
            places.append([number, row])
            targets.append({"unit_step": float(best > 0), "linear": best, "step": step}[function])
    rows = label_softnet_rows("micro", videos, config)
    assert rows.places.tolist() == places
    np.testing.assert_allclose(rows.targets, targets, rtol=1e-6)
    assert rows.n_positive == sum(target > 0 for target in targets)
    for array, one in zip(rows.arrays, videos, strict=True):
        assert array is one.features["micro"].values


def test_a_video_without_features_of_the_type_gives_no_rows():
    rows = label_softnet_rows("macro", [video("ann", (10, 17))], SoftnetConfig())
    assert (len(rows.arrays), len(rows.places), len(rows.targets), rows.n_positive) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("augmentation", "kind", "copies"),
    [("micro", "micro", 4), ("micro", "macro", 1), ("both", "macro", 4), ("none", "micro", 1)],
)
def test_half_of_the_others_and_each_positive_row_in_its_variants(augmentation, kind, copies):
    videos = [video("ann", (10, 17), kind=kind), video("ben", (20, 25), kind=kind)]
    config = SoftnetConfig(augmentation=augmentation, macro_distance_s=0.2)
    rows = label_softnet_rows(kind, videos, config)
    n_positive, n_other = 13 + 11, 120 - 24
    assert rows.n_positive == n_positive
    samples = training_samples(kind, rows, config, np.random.default_rng(0))
    assert len(samples) == copies * n_positive + n_other // 2
    inputs, targets = samples.batch(np.arange(len(samples)), np.random.default_rng(0))
    assert targets.sum() == copies * n_positive
    # Each positive row as it is, once; the altered ones are others.
    positive = {rows.arrays[array][row].tobytes() for array, row in rows.places[rows.targets > 0]}
    plain = [one.tobytes() for one, target in zip(inputs, targets[:, 0], strict=True) if target > 0]
    assert sum(one in positive for one in plain) == n_positive
    assert len(set(plain)) == copies * n_positive
    assert len(VARIANTS) == 4


def test_no_row_without_a_face_is_trained_on():
    rows = label_softnet_rows("micro", [video("ann", (10, 17), gap=range(5, 30))], SoftnetConfig())
    samples = training_samples("micro", rows, SoftnetConfig(), np.random.default_rng(0))
    inputs, _ = samples.batch(np.arange(len(samples)), np.random.default_rng(0))
    assert np.isfinite(inputs).all()


def test_who_is_held_back_is_the_same_for_one_seed_and_nobody_without_patience():
    names = [f"s{number}" for number in range(10)]
    config = SoftnetConfig(patience=2)
    held = validation_subjects(names * 2, config, 0)
    assert len(held) == 2
    assert held == validation_subjects(names[::-1], config, 0)
    assert {frozenset(validation_subjects(names, config, seed)) for seed in range(8)} != {frozenset(held)}
    assert validation_subjects(names, SoftnetConfig(), 0) == set()


# No leak: what a network trained on shuffled targets knows of unseen people.


def area_under_curve(scores, positive):
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def people(seed):
    """Eight people; the pattern stands wherever the window meets an expression."""
    rng, made = np.random.default_rng(seed), []
    for number in range(8):
        onset = int(rng.integers(8, 40))
        signal = range(onset - 5, onset + 11)
        made.append(video(f"p{number}", (onset, onset + 10), seed=seed, signal=signal))
    return made


def held_out_areas(seed, *, shuffled):
    videos = people(seed)
    learned, unseen = videos[:6], videos[6:]
    config = SoftnetConfig(negative_share=1.0, augmentation="none", epochs=4, learning_rate=0.02)
    rows = label_softnet_rows("micro", learned, config)
    if shuffled:
        rows = replace(rows, targets=np.random.default_rng(seed).permutation(rows.targets))
    samples = training_samples("micro", rows, config, np.random.default_rng(seed))
    network = SOFTNet(torch.Generator().manual_seed(seed))
    loop.train(network, torch.optim.SGD(network.parameters(), lr=config.learning_rate), samples, mean_squared_error,
               loop.Schedule(config.epochs, 12, seed))  # fmt: skip
    truth = label_softnet_rows("micro", unseen, config)
    with torch.no_grad():
        maps = np.concatenate(truth.arrays)
        scores = network(torch.from_numpy(maps)).numpy()[:, 0]
    return area_under_curve(scores, truth.targets > 0)


def test_shuffled_labels_teach_nothing_and_true_ones_do():
    assert min(held_out_areas(seed, shuffled=False) for seed in range(4)) > 0.95
    # Shuffled targets leave to chance whether the pattern raises or lowers the score: 14 seeds gave areas of 0.05 to
    # 0.89 with a standard deviation of 0.22, so the mean of twelve lies within 0.2 of a half unless labels leak.
    areas = [held_out_areas(seed, shuffled=True) for seed in range(12)]
    assert float(np.mean(areas)) == pytest.approx(0.5, abs=0.2), areas
    assert min(areas) < 0.5 < max(areas), areas


# What is written.

QUICK = SoftnetConfig(epochs=2, network="softnet", micro_distance_s=0.2)


def trained(out, config=QUICK, **options):
    videos = [video("ann", (10, 17), signal=range(5, 18)), video("ben", (30, 40), signal=range(25, 41))]
    return fit_kind("micro", videos, config, out=out, seed=4, origin=ORIGIN, **options)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("checkpoint"))


def test_the_checkpoint_says_what_it_was_trained_with(checkpoint):
    found = read_checkpoint(checkpoint.path, method="softnet")
    assert found == checkpoint
    assert (found.method, found.kind, found.path.name) == ("softnet", "micro", "micro")
    assert found.config == {"reading": "code", "roi_layout": "joined", "epochs": 2}
    fitted = found.fitted
    assert (fitted["distance_s"], fitted["positive_rows"], fitted["validation_subjects"]) == (0.2, 13 + 16, [])
    assert fitted["rows"] == 4 * 29 + int(np.ceil((120 - 29) / 2))
    assert [sorted(one) for one in fitted["history"]] == [["loss", "validation_loss"]] * 2
    assert all(0 < one["loss"] < 2 and one["validation_loss"] is None for one in fitted["history"])
    origin = dict(found.origin)
    assert origin.pop("facespot_version") is not None
    assert {name: value for name, value in origin.items() if value is not None} == {**ORIGIN, "seed": 4}


def test_the_weights_of_the_checkpoint_are_the_network_that_scores(checkpoint):
    network = SOFTNet()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in read_weights(checkpoint).items()})
    method = load_method("softnet", weights=[checkpoint.path])
    one = video("ann", (10, 17), signal=range(5, 18))
    with torch.no_grad():
        expected = network(torch.from_numpy(one.features["micro"].values.copy())).numpy()[:, 0]
    np.testing.assert_allclose(method.score(one.features).values[:, 0], expected, atol=1e-6)


def test_settings_of_the_training_reach_the_checkpoint_and_the_loaded_method(tmp_path):
    config = replace(QUICK, epochs=1, reading="paper", roi_layout="split", micro_distance_s=0.1, pseudo_label="linear")
    checkpoint = trained(tmp_path, config)
    assert checkpoint.config == {"reading": "paper", "roi_layout": "split", "epochs": 1, "pseudo_label": "linear"}
    loaded = load_method("softnet", weights=[checkpoint.path]).config
    assert (loaded.reading, loaded.roi_layout, loaded.micro_distance_s) == ("paper", "split", 0.1)


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


def test_a_training_that_was_stopped_goes_on_from_its_state(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)

    def stop(done, total):
        if done == total - 3:
            raise Stopped

    with pytest.raises(Stopped):
        trained(tmp_path, on_progress=stop)
    assert (tmp_path / "micro.state.safetensors").exists()
    assert not (tmp_path / "micro").exists()
    steps = []
    resumed = trained(tmp_path, on_progress=lambda done, total: steps.append(done))
    assert len(steps) == 4
    assert resumed.digest == checkpoint.digest


def test_another_truth_or_setting_does_not_go_on_from_the_state(checkpoint, tmp_path):
    trained(tmp_path, replace(QUICK, epochs=1))
    first = []
    assert trained(tmp_path, on_progress=lambda done, total: first.append(done)).digest == checkpoint.digest
    assert first[0] == 1
    videos = [video("ann", (10, 18), signal=range(5, 18)), video("ben", (30, 40), signal=range(25, 41))]
    first.clear()
    fit_kind("micro", videos, QUICK, out=tmp_path, seed=4, origin=ORIGIN,
             on_progress=lambda done, total: first.append(done))  # fmt: skip
    assert first[0] == 1


def test_a_loss_that_explodes_names_the_setting(tmp_path):
    with pytest.raises(SettingsError, match="learning_rate"), np.errstate(all="ignore"):
        trained(tmp_path, replace(QUICK, learning_rate=10.0, epochs=50))
    assert not (tmp_path / "micro").exists()


def test_expressions_without_a_usable_row_are_said_so(tmp_path):
    with pytest.raises(SettingsError, match="no micro-expression of the training videos has a usable row"):
        fit_kind("micro", [video("ann", (10, 17), gap=range(60))], QUICK, out=tmp_path, seed=0, origin=ORIGIN)


def test_without_pytorch_the_message_says_what_to_install(tmp_path, monkeypatch):
    for name in [one for one in sys.modules if one == "torch" or one.startswith("torch.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "facespot.methods.softnet.fitting")

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "torch":
                raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(sys, "meta_path", [Refuse(), *sys.meta_path])
    with pytest.raises(MissingDependencyError) as failure:
        new_method("softnet").fit([video("ann", (10, 17))], out=tmp_path, seed=0, origin=ORIGIN)
    assert str(failure.value) == 'training SOFTNet: torch is not installed; run pip install "facespot[train]"'
