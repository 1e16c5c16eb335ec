"""Grad-CAM against finite differences through the upper layers, computed in numpy."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.methods.softnet.grad_cam import grad_cam  # noqa: E402
from facespot.methods.softnet.network import SOFTNet  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network():
    """Biases that keep what is pooled above 0: where values are equal, a pooling has no derivative."""
    network = SOFTNet(torch.Generator().manual_seed(0))
    with torch.no_grad():
        for stream in network.streams:
            stream[0].bias.fill_(1.0)
        network.dense.bias.copy_(torch.linspace(-1, 1, 400))
    return network


def scores_above(network, concat):
    """Score of (n, 16, 14, 14) activations in float64: pooling, 400 nodes, one node."""
    dense, score = network.dense, network.score
    pooled = concat.reshape(len(concat), 16, 7, 2, 7, 2).max(axis=(3, 5)).transpose(0, 2, 3, 1).reshape(len(concat), -1)
    hidden = np.maximum(pooled @ dense.weight.detach().numpy().astype(float).T + dense.bias.detach().numpy(), 0)
    return (hidden @ score.weight.detach().numpy().astype(float).T + score.bias.detach().numpy())[:, 0]


def independent_heat(network, single):
    """Heat of one map from central differences of its score."""
    with torch.no_grad():
        concat = network.stages(torch.from_numpy(single[np.newaxis])).concat[0].numpy().astype(float)
    assert concat.min() > 0
    step, weights = 1e-6, np.empty(16)
    for channel in range(16):
        moved = np.zeros((196, 16, 14, 14))
        moved[np.arange(196), channel, np.arange(196) // 14, np.arange(196) % 14] = step
        slopes = (scores_above(network, concat + moved) - scores_above(network, concat - moved)) / (2 * step)
        weights[channel] = slopes.mean()
    coarse = np.maximum(np.tensordot(weights, concat, axes=1), 0)
    heat = cv2.resize(coarse, (42, 42), interpolation=cv2.INTER_LINEAR)
    return heat / heat.max() if heat.max() > 0 else heat


def test_it_equals_finite_differences(network):
    maps = np.random.default_rng(0).random((5, 42, 42, 3), dtype=np.float32)
    expected = np.stack([independent_heat(network, single) for single in maps])
    assert 0 < np.count_nonzero(expected) < expected.size, "the example must test the cut at 0 too"
    heat = grad_cam(network, maps)
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, expected, atol=2e-4)


def test_heat_runs_from_zero_to_one_per_map(maps):
    heat = grad_cam(SOFTNet(torch.Generator().manual_seed(5)), maps)
    assert heat.shape == (18, 42, 42)
    assert heat.min() >= 0
    assert set(heat.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}


def test_a_map_of_zeros_has_no_heat():
    # Without biases and input all activations are 0.
    assert not grad_cam(SOFTNet(torch.Generator().manual_seed(5)), np.zeros((2, 42, 42, 3), dtype=np.float32)).any()


def test_a_map_keeps_its_heat_among_any_others(network):
    maps = np.random.default_rng(1).random((70, 42, 42, 3), dtype=np.float32)
    np.testing.assert_allclose(grad_cam(network, maps)[66:68], grad_cam(network, maps[66:68]), atol=1e-5)
    assert grad_cam(network, maps[:0]).shape == (0, 42, 42)


def test_a_unit_at_one_place_is_found_there():
    network = SOFTNet(torch.Generator().manual_seed(5))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.streams[2][0].weight[0, 0, 2, 2] = 1.0
        network.dense.weight[0, 8::16] = 1.0  # channel 8, the first of the strain, wherever it is
        network.score.weight[0, 0] = 1.0
    maps = np.zeros((1, 42, 42, 3), dtype=np.float32)
    maps[0, 30, 12, 2] = 1.0
    row, column = np.unravel_index(grad_cam(network, maps)[0].argmax(), (42, 42))
    assert (row, column) == (31, 13), "the middle of the 3x3 pixels that were pooled"


def test_the_network_is_left_as_it_is_and_may_be_frozen(network, maps):
    given = maps.copy()
    free = grad_cam(network, given)
    network.requires_grad_(False)
    with torch.no_grad():
        frozen = grad_cam(network, given)
    np.testing.assert_array_equal(free, frozen)
    np.testing.assert_array_equal(given, maps)
    assert all(parameter.grad is None for parameter in network.parameters())
