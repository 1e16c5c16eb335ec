"""Training MEAN: one step beside plain numpy, what step two leaves alone, which samples the recognition sees."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.features.pairs import PairFeatures  # noqa: E402
from facespot.methods.base import TrainingVideo  # noqa: E402
from facespot.methods.mean.config import MeanConfig  # noqa: E402
from facespot.methods.mean.fitting import (  # noqa: E402
    fit_networks,
    recognition_loss,
    recognition_samples,
    spotting_loss,
)
from facespot.methods.mean.method import MeanMethod  # noqa: E402
from facespot.methods.mean.network import MEAN  # noqa: E402
from facespot.models.checkpoint import read_weights  # noqa: E402
from facespot.training.loop import Schedule, train  # noqa: E402
from facespot.values import Expression, Features, FeatureSpec, Timebase, Track  # noqa: E402

BASE = Timebase(30.0, 120)


# The loss in plain numpy, float64: what the paper and the authors' program write down, without any of our code.


def convolved(maps, kernel, bias):
    """Same padding; maps (n, h, w, c), kernel (filters, c, 5, 5)."""
    padded = np.pad(maps, ((0, 0), (2, 2), (2, 2), (0, 0)))
    total = np.zeros((*maps.shape[:3], len(bias))) + bias
    for row, column in np.ndindex(5, 5):
        window = padded[:, row : row + maps.shape[1], column : column + maps.shape[2]]
        total += window @ kernel[:, :, row, column].T
    return total


def pooled(maps, size):
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // size, size, width // size, size, channels).max(axis=(2, 4))


def loss_of(weights, maps, targets, task):
    """Streams normalised by their batch in step one, by their running figures in step two, where they are frozen."""
    streams = []
    for number in range(3):
        channel = np.maximum(
            convolved(maps[..., [number]], weights[f"streams.{number}.0.weight"], weights[f"streams.{number}.0.bias"]),
            0.0,
        )
        norm = {
            name: weights[f"streams.{number}.2.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        }
        mean, variance = norm["running_mean"], norm["running_var"]
        if task == "spotting":
            mean, variance = channel.mean(axis=(0, 1, 2)), channel.var(axis=(0, 1, 2))
        streams.append(pooled((channel - mean) / np.sqrt(variance + 1e-3) * norm["weight"] + norm["bias"], 3))
    concat = np.concatenate(streams, axis=-1)
    head = np.maximum(convolved(concat, weights[f"{task}.conv.weight"], weights[f"{task}.conv.bias"]), 0.0)
    outputs = (
        pooled(head, 2).reshape(len(maps), -1) @ weights[f"{task}.output.weight"].T + weights[f"{task}.output.bias"]
    )
    if task == "spotting":
        return ((outputs - targets) ** 2).mean()
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(maps)), targets[:, 0].astype(int)].mean()


def penalty_slope(name, value, task):
    """What the authors' program adds: 0.001 w^2 of the stream kernels, 0.1 w^2 of the head's convolution."""
    if name == f"{task}.conv.weight":
        return 2 * 0.1 * value
    return 2 * 0.001 * value if name.startswith("streams.") and name.endswith(".0.weight") else 0.0


class OneBatch:
    def __init__(self, maps, targets):
        self.maps, self.targets = maps, targets

    def __len__(self):
        return len(self.maps)

    def batch(self, indices, rng):
        return self.maps[indices], self.targets[indices]


@pytest.mark.parametrize(("task", "loss"), [("spotting", spotting_loss), ("recognition", recognition_loss)])
def test_one_step_is_that_of_an_independent_computation(task, loss):
    random = np.random.default_rng(5)
    maps = random.random((8, 42, 42, 3), dtype=np.float32)
    targets = random.integers(0, 2 if task == "spotting" else 3, (8, 1)).astype(np.float32)
    # In float64: batch normalisation sums over 14,112 places, where float32 rounds by more than is compared here.
    network = MEAN(3, dropout=False, generator=torch.Generator().manual_seed(1)).double()
    maps, targets = maps.astype(np.float64), targets.astype(np.float64)
    if task == "recognition":
        network.freeze_for_recognition()
    before = {name: value.astype(np.float64) for name, value in network.weights().items()}
    trained = [one for one in network.parameters() if one.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=1.0)
    train(network, optimiser, OneBatch(maps, targets), partial(loss, penalty=True), Schedule(1, 8, 0))
    after = network.weights()
    names = [name for name in before if name.startswith(task)]
    if task == "spotting":
        names += [name for name in before if name.startswith("streams.") and "running" not in name]
    checked = 0
    for name in names:
        places = random.permutation(before[name].size)[:6]
        for place in places:
            # So small a step in float64 crosses hardly any kink of ReLU and maximum.
            steps = []
            for sign in (1, -1):
                moved = {**before, name: before[name].copy()}
                moved[name].flat[place] += sign * 1e-7
                steps.append(loss_of(moved, maps, targets, task))
            slope = (steps[0] - steps[1]) / 2e-7 + penalty_slope(name, before[name].flat[place], task)
            step = before[name].flat[place] - after[name].flat[place]
            assert step == pytest.approx(slope, abs=1e-5), (name, place)
            checked += 1
    assert checked >= 20


# What the recognition learns from.


def video(name="v", *, emotions=("negative", "positive"), apex=True, seed=0, pairs=True):
    """Two micro-expressions at rows 20 and 70 of random images."""
    random = np.random.default_rng(seed)
    truth = Track(name, BASE, tuple(
        Expression(start, start + 4 if apex else None, start + 8, "micro", emotion)
        for start, emotion in zip((20, 70), emotions, strict=True)
    ))  # fmt: skip
    spec = FeatureSpec("mean", 1, {"distance_s": 0.1})
    rows = random.random((117, 42, 42, 3), dtype=np.float32)
    features = Features(name, BASE, spec, rows, np.arange(117), np.ones(117, dtype=bool), 30.0)
    wanted = MeanMethod(MeanConfig()).pairs(truth)
    images = random.random((len(wanted), 42, 42, 3), dtype=np.float32)
    found = PairFeatures(np.array(wanted).reshape(-1, 2), images, np.ones(len(wanted), dtype=bool))
    return TrainingVideo(name, truth, {"micro": features}, found if pairs else None)


def test_the_recognition_learns_from_onset_to_apex_of_each_labelled_expression():
    one = video()
    assert one.pairs.pairs.tolist() == [[20, 24], [70, 74]]
    images, emotions = recognition_samples([one, video("w", emotions=(None, "positive"), seed=1)])
    assert emotions == ["negative", "positive", "positive"]
    np.testing.assert_array_equal(images[:2], one.pairs.values)


def test_where_no_apex_is_annotated_it_is_the_frame_that_moved_most():
    one = video(apex=False)
    assert one.pairs.pairs.tolist() == [[start, frame] for start in (20, 70) for frame in range(start + 1, start + 8)]
    values = one.pairs.values.copy()
    values[[3, 12]] += 1.0
    marked = TrainingVideo(
        "v", one.truth, one.features, PairFeatures(one.pairs.pairs, values, one.pairs.valid)
    )  # fmt: skip
    images, emotions = recognition_samples([marked])
    assert emotions == ["negative", "positive"]
    np.testing.assert_array_equal(images, values[[3, 12]])


def test_expressions_without_a_face_or_without_pairs_are_left_out():
    one = video()
    hidden = PairFeatures(one.pairs.pairs, one.pairs.values, np.array([False, True]))
    _, emotions = recognition_samples([TrainingVideo("v", one.truth, one.features, hidden), video("w", pairs=False)])
    assert emotions == ["positive"]


# Both steps together.


def fit(tmp_path, videos, **changes):
    config = MeanConfig(spotting_epochs=2, recognition_epochs=3, **changes)
    return fit_networks(videos, config, out=tmp_path, seed=3, origin={})


@pytest.mark.parametrize("transfer", [True, False])
def test_step_two_leaves_streams_and_spotting_head_bit_for_bit(tmp_path, transfer):
    both = read_weights(fit(tmp_path / "both", [video()], transfer=transfer))
    unnamed = video(emotions=(None, None))
    alone = read_weights(fit(tmp_path / "alone", [unnamed], transfer=transfer))
    assert set(alone) == {name for name in both if not name.startswith("recognition")}
    for name, value in alone.items():
        np.testing.assert_array_equal(value, both[name], err_msg=name)


def test_both_steps_and_the_classes_stand_in_the_checkpoint(tmp_path):
    fitted = fit(tmp_path, [video()]).fitted
    assert fitted["classes"] == ["negative", "positive"]
    assert fitted["expressions"] == {"negative": 1, "positive": 1}
    assert (len(fitted["history"]), len(fitted["recognition_history"])) == (2, 3)
    # Windows of 6 rows that meet a closed interval of 9 frames: 14 for each expression, and 5 others for each of them.
    assert (fitted["positive_rows"], fitted["rows"]) == (28, 28 + 89)


def test_fewer_than_two_emotions_teach_no_recognition(tmp_path):
    checkpoint = fit(tmp_path, [video(emotions=("negative", "negative"))])
    assert checkpoint.fitted["classes"] == []
    method = MeanMethod(MeanConfig(), checkpoint)
    scores = method.score(video().features)
    assert scores.channels == ("micro",)
    assert all(one.emotion is None for one in method.decode(scores).expressions)


def test_what_was_learned_names_emotions_with_their_probability(tmp_path):
    method = MeanMethod(MeanConfig(), fit(tmp_path, [video()]))
    scores = method.score(video().features)
    assert scores.channels == ("micro", "emotion/negative", "emotion/positive")
    np.testing.assert_allclose(scores.values[:, 1:].sum(axis=1), 1.0, atol=1e-5)
    found = method.decode(scores).expressions
    assert found
    assert {one.emotion for one in found} <= {"negative", "positive"}
    assert all(0.0 < one.emotion_probability <= 1.0 for one in found)
