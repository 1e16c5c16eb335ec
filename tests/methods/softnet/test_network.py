import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")
onnxruntime = pytest.importorskip("onnxruntime")

from facespot.methods.softnet.network import MAP_SHAPE, SOFTNet  # noqa: E402
from facespot.training.onnx_export import to_onnx  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network():
    return SOFTNet(torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def exported(network):
    return to_onnx(network, MAP_SHAPE)


def test_it_has_the_parameters_of_the_paper(network):
    # Table 3 prints 0.3148 million.
    assert sum(parameter.numel() for parameter in network.parameters()) == 314_817


def test_the_stages_have_the_shapes_of_figure_2(network, maps):
    with torch.no_grad():
        stages = network.stages(torch.from_numpy(maps))
    assert stages.concat.shape == (18, 16, 14, 14)
    assert stages.flatten.shape == (18, 784)
    assert stages.dense400.shape == (18, 400)
    assert stages.score.shape == (18, 1)
    assert torch.equal(stages.score, network(torch.from_numpy(maps)))


@pytest.mark.parametrize(("channel", "filters"), [(0, slice(0, 3)), (1, slice(3, 8)), (2, slice(8, 16))])
def test_each_channel_feeds_its_own_stream(network, channel, filters):
    maps = torch.rand(4, 42, 42, 3, generator=torch.Generator().manual_seed(0))
    other = maps.clone()
    other[..., channel] = 1.0 - other[..., channel]
    with torch.no_grad():
        changed = (network.stages(maps).concat != network.stages(other).concat).flatten(2).any(dim=2).any(dim=0)
    expected = torch.zeros(16, dtype=torch.bool)
    expected[filters] = True
    assert not changed[~expected].any()
    assert changed[expected].any()


def test_the_concatenated_layer_has_a_gradient_for_heat_maps(network, maps):
    stages = network.stages(torch.from_numpy(maps))
    (gradient,) = torch.autograd.grad(stages.score.sum(), stages.concat)
    assert gradient.shape == stages.concat.shape
    assert gradient.abs().sum() > 0


def test_initial_weights_come_from_the_generator():
    first, same, other = (SOFTNet(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.dense.weight, other.dense.weight)


def test_initial_weights_are_glorot_uniform(network):
    bound = np.sqrt(6 / (784 + 400))
    largest = network.dense.weight.abs().max().item()
    assert 0.99 * bound < largest <= bound
    assert not network.dense.bias.any()


@pytest.mark.parametrize("n", [0, 1, 18, 256])
def test_onnxruntime_gives_the_same_scores(network, exported, n):
    maps = np.random.default_rng(n).random((n, 42, 42, 3), dtype=np.float32)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["score"], {"maps": maps})
    with torch.no_grad():
        expected = network(torch.from_numpy(maps)).numpy()
    assert scores.shape == (n, 1)
    np.testing.assert_allclose(scores, expected, atol=1e-5, rtol=0)


def test_the_same_weights_give_the_same_bytes(network, exported):
    assert to_onnx(network, MAP_SHAPE) == exported


def test_the_file_is_self_contained_and_tells_no_path(exported):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(exported)
    onnx.checker.check_model(model, full_check=True)
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    for trace in (b".py", b"facespot", b"stack_trace", b"namespace"):
        assert trace not in exported


def test_exporting_is_silent_and_leaves_the_network_alone(network, capfd):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        to_onnx(network, MAP_SHAPE)
    assert caught == []
    assert capfd.readouterr() == ("", "")
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
