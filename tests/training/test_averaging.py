"""The average of a network's weights against a loop, with buffers, and through a resumed training."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from torch import nn  # noqa: E402

from facespot.training import loop  # noqa: E402
from facespot.training.averaging import AveragedNetwork  # noqa: E402
from facespot.training.loop import Schedule, train  # noqa: E402
from facespot.training.samples import RowSamples  # noqa: E402


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 1))


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_the_average_follows_the_network(decay):
    averaged = AveragedNetwork(network(), decay)
    optimiser = torch.optim.SGD(averaged.network.parameters(), lr=0.1)
    generator, expected = torch.Generator().manual_seed(1), state(averaged.network)
    for step in range(30):
        before = state(averaged.network)
        averaged(torch.randn(8, 5, generator=generator)).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        kept = min(decay, (step + 1) / (step + 10))
        for name, value in before.items():
            floating = value.dtype.is_floating_point
            expected[name] = kept * expected[name] + (1 - kept) * value if floating else value
    assert int(averaged.n_moves) == 30
    found = state(averaged.average)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)
    assert found["1.num_batches_tracked"] == 29
    distance = max((found[name] - averaged.network.state_dict()[name]).abs().max() for name in ("0.weight", "4.bias"))
    assert distance > 1e-4


def test_it_trains_as_the_network_and_scores_as_the_average():
    averaged, rows = AveragedNetwork(network(), 0.9), torch.randn(8, 5)
    with torch.no_grad():
        averaged.network[0].weight += 1
    averaged.eval()
    before = int(averaged.n_moves)
    torch.testing.assert_close(averaged(rows), averaged.average(rows))
    assert int(averaged.n_moves) == before
    assert (averaged(rows) - averaged.network(rows)).abs().max() > 1e-3
    averaged.train()
    torch.manual_seed(3)
    found = averaged(rows)
    torch.manual_seed(3)
    torch.testing.assert_close(found, averaged.network(rows))
    assert int(averaged.n_moves) == before + 1


def test_only_the_network_learns():
    averaged = AveragedNetwork(network(), 0.9)
    averaged(torch.randn(4, 5)).sum().backward()
    assert all(one.grad is not None for one in averaged.network.parameters())
    assert all(one.grad is None and not one.requires_grad for one in averaged.average.parameters())
    with pytest.raises(ValueError, match="below 1"):
        AveragedNetwork(network(), 1.0)


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


def fit(state_file=None, stop=0, decay=0.4):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((22, 5)).astype(np.float32)
    places = np.stack([np.zeros(22, dtype=int), np.arange(22)], axis=1)
    samples = RowSamples([rows], places, (rows[:, 0] > 0).astype(np.float32))
    averaged = AveragedNetwork(network(), decay)

    def on_progress(done, total):
        if done == stop:
            raise Stopped

    def loss(module, batch):
        return (module(batch[0]) - batch[1]).square().mean()

    optimiser = torch.optim.AdamW(averaged.network.parameters(), lr=0.02)
    train(averaged, optimiser, samples, loss, Schedule(3, 6, 5, clip_norm=0.4), validation=samples,
          state_file=state_file, on_progress=on_progress)  # fmt: skip
    return {name: value.numpy().tobytes() for name, value in averaged.state_dict().items()}


@pytest.mark.parametrize("step", [1, 4, 6, 11])
def test_a_training_that_is_stopped_and_resumed_ends_with_the_same_average(tmp_path, monkeypatch, step):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    with pytest.raises(Stopped):
        fit(tmp_path / "state", stop=step)
    assert fit(tmp_path / "state") == fit()
    assert fit() != fit(decay=0.3)
