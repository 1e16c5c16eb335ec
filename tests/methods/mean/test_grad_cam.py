"""Grad-CAM of both heads against finite differences through the layers above, computed in numpy."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.methods.mean.grad_cam import recognition_heat, spotting_heat  # noqa: E402
from facespot.methods.mean.network import MEAN  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network_of(transfer=True):
    """Biases that keep what is pooled above 0: where values are equal, a pooling has no derivative."""
    network = MEAN(3, transfer=transfer, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for streams in filter(None, (network.streams, network.recognition_streams)):
            for stream in streams:
                stream[0].bias.fill_(1.0)
        for head in (network.spotting, network.recognition):
            head.conv.bias.fill_(1.0)
    return network.eval()


def output_above(head, concat, output):
    """One output of a head from (14, 14, 14) activations in float64: convolution, ReLU, pooling, linear."""
    kernel, bias = (one.detach().numpy().astype(float) for one in (head.conv.weight, head.conv.bias))
    padded = np.pad(concat, ((0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
    found = np.einsum("chwij,fcij->fhw", windows, kernel, optimize=True) + bias[:, None, None]
    pooled = np.maximum(found, 0).reshape(8, 7, 2, 7, 2).max(axis=(2, 4)).transpose(1, 2, 0).ravel()
    return pooled @ head.output.weight[output].detach().numpy().astype(float)


def independent_heat(head, concat, output):
    """Heat of one map: a shift of a whole channel changes the output by the sum of its gradient."""
    step = 1e-6
    weights = []
    for channel in range(14):
        moved = np.zeros_like(concat)
        moved[channel] = step
        weights.append(
            (output_above(head, concat + moved, output) - output_above(head, concat - moved, output)) / (2 * step) / 196
        )
    coarse = np.maximum(np.tensordot(weights, concat, axes=1), 0)
    heat = cv2.resize(coarse, (42, 42), interpolation=cv2.INTER_LINEAR)
    return heat / heat.max() if heat.max() > 0 else heat


@pytest.mark.parametrize("transfer", [True, False])
def test_both_heads_equal_finite_differences(transfer):
    network = network_of(transfer)
    maps = np.random.default_rng(0).random((4, 42, 42, 3), dtype=np.float32)
    with torch.no_grad():
        stages = network.stages(torch.from_numpy(maps))
    spotting = [independent_heat(network.spotting, one.numpy().astype(float), 0) for one in stages.concat]
    np.testing.assert_allclose(spotting_heat(network, maps), spotting, atol=5e-4)
    for index in range(3):
        expected = [
            independent_heat(network.recognition, one.numpy().astype(float), index) for one in stages.recognition_concat
        ]
        np.testing.assert_allclose(recognition_heat(network, maps, index), expected, atol=5e-4)
    assert 0 < np.count_nonzero(spotting) <= np.size(spotting)
    assert (stages.concat is stages.recognition_concat) == transfer


def test_a_network_with_one_head_explains_that_one_only(maps):
    spotting = MEAN(generator=torch.Generator().manual_seed(0)).eval()
    recognition = MEAN(3, spotting=False, generator=torch.Generator().manual_seed(0)).eval()
    assert spotting_heat(spotting, maps).shape == recognition_heat(recognition, maps, 2).shape == (len(maps), 42, 42)
    with pytest.raises(ValueError, match="no recognition head"):
        recognition_heat(spotting, maps, 0)
    with pytest.raises(ValueError, match="no spotting head"):
        spotting_heat(recognition, maps)
