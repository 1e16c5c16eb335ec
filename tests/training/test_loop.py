"""The loop: one step by an independent computation, bitwise resume from every step, seeds, early stopping."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from torch import nn  # noqa: E402

from facespot.methods.softnet.fitting import mean_squared_error  # noqa: E402
from facespot.methods.softnet.network import SOFTNet  # noqa: E402
from facespot.training import loop  # noqa: E402
from facespot.training.loop import Schedule, train  # noqa: E402
from facespot.training.samples import RowSamples  # noqa: E402
from facespot.training.sampling import epoch_order  # noqa: E402


class Numpy:
    """SOFTNet in float64: the loss of a batch and its gradient by hand."""

    def __init__(self, weights):
        self.w = {name: value.astype(np.float64) for name, value in weights.items()}

    def loss(self, maps, targets):
        return self.loss_and_gradient(maps, targets)[0]

    def loss_and_gradient(self, maps, targets):
        w, n, grad = self.w, len(maps), {}
        padded = np.pad(maps.astype(np.float64), ((0, 0), (2, 2), (2, 2), (0, 0)))
        before, pooled = [], []
        for stream in range(3):
            kernel = w[f"streams.{stream}.0.weight"]
            z = np.zeros((n, len(kernel), 42, 42)) + w[f"streams.{stream}.0.bias"][:, None, None]
            for row in range(5):
                for column in range(5):
                    seen = padded[:, None, row : row + 42, column : column + 42, stream]
                    z += kernel[:, 0, row, column][:, None, None] * seen
            before.append(z)
            pooled.append(pool(np.maximum(z, 0), 3))
        concat = np.concatenate(pooled, axis=1)
        flat = pool(concat, 2).transpose(0, 2, 3, 1).reshape(n, 784)
        h = flat @ w["dense.weight"].T + w["dense.bias"]
        score = np.maximum(h, 0) @ w["score.weight"].T + w["score.bias"]
        loss = np.mean((score - targets) ** 2)

        d_score = 2 * (score - targets) / n
        grad["score.weight"], grad["score.bias"] = d_score.T @ np.maximum(h, 0), d_score.sum(axis=0)
        d_h = (d_score @ w["score.weight"]) * (h > 0)
        grad["dense.weight"], grad["dense.bias"] = d_h.T @ flat, d_h.sum(axis=0)
        d_flat = (d_h @ w["dense.weight"]).reshape(n, 7, 7, 16).transpose(0, 3, 1, 2)
        d_concat = unpool(d_flat, concat, 2)
        start = 0
        for stream, z in enumerate(before):
            d_pooled = d_concat[:, start : start + z.shape[1]]
            start += z.shape[1]
            d_z = unpool(d_pooled, np.maximum(z, 0), 3) * (z > 0)
            kernel = np.empty((z.shape[1], 1, 5, 5))
            for row in range(5):
                for column in range(5):
                    seen = padded[:, row : row + 42, column : column + 42, stream]
                    kernel[:, 0, row, column] = np.einsum("nfyx,nyx->f", d_z, seen)
            grad[f"streams.{stream}.0.weight"], grad[f"streams.{stream}.0.bias"] = kernel, d_z.sum(axis=(0, 2, 3))
        return loss, grad


def blocks(maps, size):
    n, channels, height, width = maps.shape
    cut = maps.reshape(n, channels, height // size, size, width // size, size)
    return cut.transpose(0, 1, 2, 4, 3, 5).reshape(n, channels, height // size, width // size, size * size)


def pool(maps, size):
    return blocks(maps, size).max(axis=-1)


def unpool(gradient, maps, size):
    """Each block's gradient at its (first) largest value."""
    n, channels, height, width = gradient.shape
    spread = np.zeros((n, channels, height, width, size * size))
    np.put_along_axis(spread, blocks(maps, size).argmax(axis=-1)[..., None], gradient[..., None], axis=-1)
    cut = spread.reshape(n, channels, height, width, size, size).transpose(0, 1, 2, 4, 3, 5)
    return cut.reshape(maps.shape)


def weights_of(network):
    return {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}


def test_the_hand_made_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(0)
    maps, targets = rng.random((3, 42, 42, 3)), rng.random((3, 1))
    reference = Numpy(weights_of(SOFTNet(torch.Generator().manual_seed(0))))
    _, gradient = reference.loss_and_gradient(maps, targets)
    step = 1e-6
    for name, value in gradient.items():
        for place in rng.permutation(value.size)[:7]:
            index = np.unravel_index(place, value.shape)
            kept = reference.w[name][index]
            reference.w[name][index] = kept + step
            above = reference.loss(maps, targets)
            reference.w[name][index] = kept - step
            below = reference.loss(maps, targets)
            reference.w[name][index] = kept
            assert (above - below) / (2 * step) == pytest.approx(value[index], rel=1e-4, abs=1e-7), (name, index)


def test_one_step_of_sgd_equals_an_independent_computation_in_float64():
    rng = np.random.default_rng(1)
    maps = rng.random((12, 42, 42, 3), dtype=np.float32)
    targets = (rng.random(12) < 0.5).astype(np.float32)
    network = SOFTNet(torch.Generator().manual_seed(1))
    before = weights_of(network)
    samples = RowSamples([maps], np.stack([np.zeros(12, dtype=int), np.arange(12)], axis=1), targets)
    # A learning rate of 0.5 makes every layer move far more than the tolerance.
    history = train(network, torch.optim.SGD(network.parameters(), lr=0.5), samples, mean_squared_error,
                    Schedule(epochs=1, batch_size=12, seed=0))  # fmt: skip
    loss, gradient = Numpy(before).loss_and_gradient(maps, targets[:, None])
    assert history[0].loss == pytest.approx(loss, rel=1e-5)
    assert gradient.keys() == before.keys()
    for name, value in weights_of(network).items():
        np.testing.assert_allclose(value, before[name] - 0.5 * gradient[name], rtol=1e-5, atol=1e-5, err_msg=name)
        assert np.abs(0.5 * gradient[name]).max() > 1e-3


# A small training with everything that has a state: dropout, batch norm, Adam, altered samples, decay.


class Small(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1)
        )  # fmt: skip
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.5, generator=generator)

    def forward(self, rows):
        return self.layers(rows)


def small_samples(n=22, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 6)).astype(np.float32)
    targets = (rows[:, 0] > 0).astype(np.float32)
    places = np.stack([np.zeros(n, dtype=int), np.arange(n)], axis=1)

    def alter(inputs, variants, rng):
        return inputs + 0.1 * rng.standard_normal(inputs.shape, dtype=np.float32)

    return RowSamples([rows], places, targets, alter=alter)


STEPS = 4  # of an epoch: 22 samples in batches of 6
SCHEDULE = Schedule(epochs=3, batch_size=6, seed=5, learning_rate_decay=0.8)


def fit(schedule=SCHEDULE, *, samples=None, loss=mean_squared_error, weights_seed=0, **options):
    network = Small(weights_seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.5, 0.9))
    history = train(network, optimiser, small_samples() if samples is None else samples, loss, schedule, **options)
    return history, {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


def stop_at(step):
    def on_progress(done, total):
        if done == step:
            raise Stopped

    return on_progress


@pytest.fixture(scope="module")
def undisturbed():
    return fit()


def test_the_same_seed_gives_the_same_bytes(undisturbed, tmp_path):
    assert fit() == undisturbed
    assert fit(state_file=tmp_path / "state", on_progress=lambda done, total: None) == undisturbed


def test_another_seed_gives_another_network(undisturbed):
    other = fit(Schedule(epochs=3, batch_size=6, seed=6, learning_rate_decay=0.8))
    assert other[1] != undisturbed[1]


@pytest.mark.parametrize("step", range(1, 3 * STEPS + 1))
@pytest.mark.parametrize("seconds", [-1.0, 1e9], ids=["state at every step", "state at every epoch"])
def test_stopped_at_any_step_and_resumed_it_ends_with_the_same_bytes(undisturbed, tmp_path, monkeypatch, step, seconds):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", seconds)
    with pytest.raises(Stopped):
        fit(state_file=tmp_path / "state", on_progress=stop_at(step))
    assert (tmp_path / "state").exists() == (step > 1 if seconds < 0 else step > STEPS)
    done = []
    assert fit(state_file=tmp_path / "state", on_progress=lambda at, total: done.append((at, total))) == undisturbed
    kept = step - 1 if seconds < 0 else (step - 1) // STEPS * STEPS
    assert done == [(at, 3 * STEPS) for at in range(kept + 1, 3 * STEPS + 1)]


@pytest.mark.parametrize("step", range(1, 3 * STEPS + 1))
def test_stopped_within_a_step_it_ends_with_the_same_bytes(undisturbed, tmp_path, monkeypatch, step):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    calls = []

    def loss(network, batch):
        calls.append(None)
        value = mean_squared_error(network, batch)
        if len(calls) == step:
            raise Stopped
        return value

    with pytest.raises(Stopped):
        fit(state_file=tmp_path / "state", loss=loss)
    assert fit(state_file=tmp_path / "state") == undisturbed


def test_stopped_again_and_again_it_ends_with_the_same_bytes(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    for step in range(2, 3 * STEPS + 1):
        with pytest.raises(Stopped):
            fit(state_file=tmp_path / "state", on_progress=stop_at(step))
    assert fit(state_file=tmp_path / "state") == undisturbed


def test_a_training_that_ended_takes_no_step_more(undisturbed, tmp_path):
    fit(state_file=tmp_path / "state")
    assert fit(state_file=tmp_path / "state", on_progress=stop_at(1)) == undisturbed


def test_what_was_trained_otherwise_is_begun_anew(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    state = tmp_path / "state"
    with pytest.raises(Stopped):
        fit(state_file=state, fingerprint="other features", on_progress=stop_at(7))
    assert fit(state_file=state) == undisturbed
    for changed in ({"schedule": Schedule(epochs=2, batch_size=6, seed=5)}, {"samples": small_samples(21)}):
        first = []
        fit(state_file=state, on_progress=lambda done, _, first=first: first.append(done), **changed)
        assert first[0] == 1
    state.write_bytes(b"damaged")
    assert fit(state_file=state) == undisturbed


def recorded(orders, n=22):
    """Samples that note in which order they are asked for."""
    samples = small_samples(n)
    plain = samples.batch

    def batch(indices, rng):
        orders.append(indices.tolist())
        return plain(indices, rng)

    samples.batch = batch
    return samples


def test_an_epoch_takes_every_sample_once_in_its_own_order():
    asked = []
    fit(samples=recorded(asked))
    assert [len(one) for one in asked] == [6, 6, 6, 4] * 3
    for epoch in range(3):
        order = [index for batch in asked[4 * epoch : 4 * epoch + 4] for index in batch]
        assert order == epoch_order(22, 0, seed=5, epoch=epoch).tolist()
        assert sorted(order) == list(range(22))


def test_an_epoch_may_be_limited_to_some_samples():
    asked, progress = [], []
    fit(Schedule(epochs=2, batch_size=6, seed=5, samples_per_epoch=9), samples=recorded(asked),
        on_progress=lambda done, total: progress.append((done, total)))  # fmt: skip
    assert [len(one) for one in asked] == [6, 3, 6, 3]
    assert set(asked[0] + asked[1]) != set(asked[2] + asked[3])
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples():
    losses = []

    def loss(network, batch):
        value = mean_squared_error(network, batch)
        losses.append((value.item(), len(batch[0])))
        return value

    history, _ = fit(loss=loss)
    for epoch, figures in enumerate(history):
        part = losses[STEPS * epoch : STEPS * (epoch + 1)]
        assert figures.loss == pytest.approx(sum(value * n for value, n in part) / 22, rel=1e-12)
        assert figures.validation_loss is None


def test_the_learning_rate_decays_after_each_epoch():
    network = Small()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    rates = []

    def loss(one, batch):
        rates.append(optimiser.param_groups[0]["lr"])
        return mean_squared_error(one, batch)

    train(network, optimiser, small_samples(), loss, Schedule(3, 6, 0, learning_rate_decay=0.5))
    assert rates == [0.1] * 4 + [0.05] * 4 + [0.025] * 4


def scripted(values, marks):
    """A loss whose validation values are given in advance; each epoch leaves its mark in the first bias."""
    left = iter(values)

    def loss(network, batch):
        if network.training:
            return mean_squared_error(network, batch)
        marks.append(network.layers[0].bias.detach().clone())
        return torch.tensor(next(left))

    return loss


@pytest.mark.parametrize(
    ("values", "patience", "epochs", "best"),
    [
        ([3.0, 2.0, 2.5, 2.5, 9.0], 2, 4, 1),
        ([3.0, 2.0, 2.5, 1.0, 1.5, 1.5, 9.0], 2, 6, 3),
        ([1.0, 1.0, 1.0, 9.0], 2, 3, 0),
        ([1.0, 2.0, 9.0], 1, 2, 0),
        ([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.0], 3, 8, 7),
    ],
)
def test_stopping_early_keeps_the_best_epoch(tmp_path, values, patience, epochs, best):
    schedule, marks = Schedule(epochs=8, batch_size=6, seed=0, patience=patience), []
    network = Small()
    history = train(network, torch.optim.Adam(network.parameters(), lr=0.01), small_samples(),
                    scripted(values, marks), schedule, validation=small_samples(5, seed=9))  # fmt: skip
    assert [one.validation_loss for one in history] == [np.float32(value) for value in values[:epochs]]
    assert torch.equal(network.layers[0].bias, marks[best])
    assert not network.training


def test_stopping_early_survives_being_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    schedule = Schedule(epochs=30, batch_size=6, seed=0, patience=2)
    whole = fit(schedule, validation=small_samples(9, seed=9))
    assert len(whole[0]) < 30
    for step in range(2, STEPS * len(whole[0]) + 1, 3):
        with pytest.raises(Stopped):
            fit(schedule, validation=small_samples(9, seed=9), state_file=tmp_path / "state", on_progress=stop_at(step))
    assert fit(schedule, validation=small_samples(9, seed=9), state_file=tmp_path / "state") == whole


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_long_gradient_is_shortened_and_a_short_one_left(factor):
    rng = np.random.default_rng(1)
    maps = rng.random((12, 42, 42, 3), dtype=np.float32)
    targets = (rng.random(12) < 0.5).astype(np.float32)
    places = np.stack([np.zeros(12, dtype=int), np.arange(12)], axis=1)
    network = SOFTNet(torch.Generator().manual_seed(1))
    before = weights_of(network)
    _, gradient = Numpy(before).loss_and_gradient(maps, targets[:, None])
    norm = float(np.sqrt(sum(np.square(one).sum() for one in gradient.values())))
    train(network, torch.optim.SGD(network.parameters(), lr=0.5), RowSamples([maps], places, targets),
          mean_squared_error, Schedule(1, 12, 0, clip_norm=factor * norm))  # fmt: skip
    step = np.sqrt(sum(np.square(value - before[name]).sum() for name, value in weights_of(network).items()))
    assert step == pytest.approx(0.5 * norm * min(factor, 1), rel=1e-4)


def test_validation_changes_no_weight(undisturbed):
    watched = fit(validation=small_samples(300, seed=9))
    assert watched[1] == undisturbed[1]
    assert all(one.validation_loss is not None for one in watched[0])


def test_what_cannot_be_trained_is_refused():
    nobody = RowSamples([], np.empty((0, 2)), np.empty(0))
    with pytest.raises(ValueError, match="no samples"):
        fit(samples=nobody)
    for validation in (None, nobody):
        with pytest.raises(ValueError, match="validation"):
            fit(Schedule(2, 6, 0, patience=1), validation=validation)


def test_a_loss_that_is_not_finite_ends_the_training_and_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    calls = []

    def loss(network, batch):
        calls.append(None)
        return mean_squared_error(network, batch) * (float("nan") if len(calls) == 6 else 1.0)

    with pytest.raises(FloatingPointError, match="nan in epoch 2, step 2"):
        fit(loss=loss, state_file=tmp_path / "state")
    from safetensors.torch import load_file

    assert all(torch.isfinite(value).all() for value in load_file(tmp_path / "state").values())


def test_the_callers_threads_and_random_numbers_are_left_alone():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        network, inside = Small(), []
        optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
        torch.manual_seed(42)
        expected = torch.rand(3)

        def loss(one, batch):
            inside.append(torch.get_num_threads())
            return mean_squared_error(one, batch)

        torch.manual_seed(42)
        train(network, optimiser, small_samples(), loss, SCHEDULE)
        assert set(inside) == {1}
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.rand(3), expected)
        torch.manual_seed(42)
        with pytest.raises(Stopped):
            train(network, optimiser, small_samples(), loss, SCHEDULE, on_progress=stop_at(2))
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.rand(3), expected)
    finally:
        torch.set_num_threads(threads)


def test_the_callers_random_numbers_change_nothing(undisturbed):
    torch.manual_seed(1)
    np.random.default_rng(1)
    assert fit() == undisturbed


def test_a_look_at_each_epoch_changes_nothing(undisturbed):
    seen = []

    network = Small()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.5, 0.9))

    def look(epoch):
        assert not network.training
        torch.rand(3)
        seen.append(epoch)

    history = train(network, optimiser, small_samples(), mean_squared_error, SCHEDULE, on_epoch=look)
    assert seen == [1, 2, 3]
    assert history == undisturbed[0]
    assert {name: value.numpy().tobytes() for name, value in network.state_dict().items()} == undisturbed[1]
