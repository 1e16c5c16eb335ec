"""The network: shapes on the way, receptive field, graph, parity with plain layers and with onnxruntime."""

import numpy as np
import pytest
from scipy.sparse.csgraph import laplacian

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
onnxruntime = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402

from facespot.methods.spotgcn.network import (  # noqa: E402
    EDGES,
    GROUP_EDGES,
    GROUPS,
    RegionCNN,
    SpotGCN,
    adjacency_matrix,
    build_network,
    kernel_sizes,
    pool_graph,
)
from facespot.training.onnx_export import to_onnx  # noqa: E402

NAMES = ["spotgcn", "stgcn", "cnn"]
# Table II, with the kernels by the rule; those of 17 are printed.
KERNELS = {
    5: (1, 1, 3, 3),
    9: (1, 3, 3, 5),
    11: (3, 3, 3, 5),
    15: (3, 5, 5, 5),
    17: (3, 5, 5, 7),
    19: (3, 5, 5, 9),
    21: (3, 5, 7, 9),
    25: (3, 7, 7, 11),
    29: (5, 7, 9, 11),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(name="spotgcn", window=17, adjacency="code", seed=0):
    return build_network(name, window, adjacency, torch.Generator().manual_seed(seed))


def drawn(n, window=17, seed=0):
    return torch.randn(n, window, 10, 2, generator=torch.Generator().manual_seed(seed))


def used(network, n=64, seed=3):
    """The network after some batches, so that its running statistics are no longer 0 and 1."""
    network.train()
    with torch.no_grad():
        for step in range(4):
            network(0.5 + 2.0 * drawn(n, seed=seed + step))
        for name, parameter in network.named_parameters():
            if name.endswith(("scale", "shift", "norm.weight", "norm.bias")):
                parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name)))
    return network.eval()


@pytest.mark.parametrize("window", KERNELS)
def test_the_kernels_take_the_window_away_exactly(window):
    assert kernel_sizes(window) == KERNELS[window]
    assert sum(size - 1 for size in kernel_sizes(window)) == window - 1


@pytest.mark.parametrize("window", range(3, 102, 2))
def test_every_odd_window_has_odd_kernels_that_grow(window):
    kernels = kernel_sizes(window)
    assert all(size % 2 for size in kernels)
    assert sum(size - 1 for size in kernels) == window - 1
    assert list(kernels) == sorted(kernels)


@pytest.mark.parametrize("window", [0, -1, 16])
def test_a_window_without_a_middle_is_refused(window):
    with pytest.raises(ValueError, match="odd number"):
        kernel_sizes(window)


@pytest.mark.parametrize(("name", "nodes"), [("spotgcn", 3), ("stgcn", 10), ("cnn", 1)])
def test_the_stages_have_the_shapes_of_figure_4(name, nodes):
    network, windows = made(name), drawn(6)
    stages = network.stages(windows)
    assert [tuple(one.shape) for one in stages] == [(6, 64, 15, nodes), (6, 64, 11), (6, 64, 7), (6, 64), (6, 10)]
    network.eval()
    assert torch.equal(network(windows), network.stages(windows).logits)
    assert all((one >= 0).all() for one in network.stages(windows)[:4])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("window", KERNELS)
def test_the_receptive_field_is_the_window(name, window):
    network = made(name, window).eval()
    windows = drawn(16, window).requires_grad_()
    # ReLUs and pooling hide a value here and there, not in 16 samples and 10 outputs.
    reached = torch.autograd.grad(network(windows).square().sum(), windows)[0].abs().amax(dim=(0, 3))
    assert (reached > 0).all(dim=1).tolist() == [True] * window
    assert network.fourth(network.stages(drawn(2, window)).third).shape == (2, 64, 1)
    with pytest.raises(RuntimeError):
        network(drawn(2, window - 2))
    with pytest.raises(RuntimeError):
        network(drawn(2, window + 2))


@pytest.mark.parametrize("name", NAMES)
def test_samples_know_nothing_of_one_another_when_scoring(name):
    network, windows = used(made(name)), drawn(9)
    order = torch.tensor([4, 0, 8, 2, 1, 7, 3, 6, 5])
    with torch.no_grad():
        together = network(windows)
        torch.testing.assert_close(network(windows[order]), together[order], atol=1e-5, rtol=0)
        alone = torch.cat([network(one[None]) for one in windows])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)
    assert (together[:-1] - together[1:]).abs().max() > 0.1


# The graph.


@pytest.mark.parametrize(("n_nodes", "edges"), [(10, EDGES), (3, GROUP_EDGES)])
def test_the_adjacency_of_the_program_is_the_normalised_laplacian(n_nodes, edges):
    dense = np.zeros((n_nodes, n_nodes))
    for one, other in edges:
        dense[one, other] = dense[other, one] = 1
    expected = laplacian(dense, normed=True)
    np.testing.assert_allclose(adjacency_matrix(n_nodes, edges, "code").numpy(), expected, atol=1e-7)
    paper = adjacency_matrix(n_nodes, edges, "paper").numpy()
    np.testing.assert_array_equal(paper, dense)
    assert paper.sum() == 2 * len(edges)
    assert (paper.sum(axis=0) > 0).all()


def test_pooling_takes_the_largest_of_each_group():
    values = drawn(10).permute(2, 0, 1, 3)
    pooled = pool_graph(values, GROUPS)
    assert sum(GROUPS) == len(values)
    for group, nodes in enumerate(([0, 1, 2], [3, 4, 5], [6, 7, 8, 9])):
        expected = values[nodes[0]]
        for node in nodes[1:]:
            expected = torch.where(values[node] > expected, values[node], expected)
        assert torch.equal(pooled[group], expected)


class Plain(nn.Module):
    """The same network from PyTorch's own layers, in the order of the paper: graph, convolution, norm, pool, ReLU."""

    def __init__(self, network, pooled):
        super().__init__()
        kernels, self.pooled = kernel_sizes(17), pooled
        self.regions = network.first.adjacency.double()
        self.groups = network.second.adjacency.double()
        self.first = nn.Conv2d(2, 64, (kernels[0], 1), bias=False)
        self.second = nn.Conv2d(64, 64, (kernels[1], 1), bias=False)
        self.third = nn.Conv1d(64, 64, kernels[2], bias=False)
        self.fourth = nn.Conv1d(64, 64, kernels[3], bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(64), nn.BatchNorm2d(64), nn.BatchNorm1d(64), nn.BatchNorm1d(64)])
        self.output = nn.Linear(64, 10)
        own = dict(network.named_parameters())
        with torch.no_grad():
            weight = own["first.convolution.weight"].view(64, kernels[0], 2)
            self.first.weight.copy_(weight.permute(0, 2, 1)[..., None])
            self.norms[0].weight.copy_(own["first.scale"])
            self.norms[0].bias.copy_(own["first.shift"])
            self.second.weight.copy_(own["second.convolution.weight"][..., None])
            self.third.weight.copy_(own["third.convolution.weight"])
            self.fourth.weight.copy_(own["fourth.convolution.weight"])
            for norm, name in zip(self.norms[1:], ("second", "third", "fourth"), strict=True):
                norm.weight.copy_(own[f"{name}.norm.weight"])
                norm.bias.copy_(own[f"{name}.norm.bias"])
            self.output.load_state_dict(network.output.state_dict())

    def forward(self, windows):
        x = windows.permute(0, 3, 1, 2) @ self.regions
        x = self.norms[0](self.first(x))
        if self.pooled:
            x = torch.stack([x[..., 0:3].amax(-1), x[..., 3:6].amax(-1), x[..., 6:10].amax(-1)], dim=-1)
        x = self.norms[1](self.second(torch.relu(x) @ self.groups))
        x = torch.relu(x.amax(-1))
        x = torch.relu(self.norms[2](self.third(x)))
        return self.output(torch.relu(self.norms[3](self.fourth(x)))[..., 0])


@pytest.mark.parametrize("adjacency", ["code", "paper"])
@pytest.mark.parametrize("name", ["spotgcn", "stgcn"])
def test_outputs_gradients_and_running_statistics_are_those_of_plain_layers(name, adjacency):
    network = used(made(name, adjacency=adjacency))
    plain = Plain(network, name == "spotgcn").double().train()
    network.first.running_mean.zero_()
    network.first.running_variance.fill_(1.0)
    network.double().train()
    windows = 0.7 + 1.5 * drawn(20, seed=5).double()
    ours, theirs = network(windows), plain(windows)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    weights = torch.randn(20, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    expected = plain.first.weight.grad[..., 0].permute(0, 2, 1).flatten(1)
    for gradient, other in (
        (network.first.convolution.weight.grad, expected),
        (network.first.scale.grad, plain.norms[0].weight.grad),
        (network.first.shift.grad, plain.norms[0].bias.grad),
        (network.second.convolution.weight.grad, plain.second.weight.grad[..., 0]),
        (network.fourth.convolution.weight.grad, plain.fourth.weight.grad),
        (network.output.weight.grad, plain.output.weight.grad),
    ):
        torch.testing.assert_close(gradient, other, atol=1e-8, rtol=1e-7)
        assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(network.first.running_mean, plain.norms[0].running_mean)
    torch.testing.assert_close(network.first.running_variance, plain.norms[0].running_var)
    for norm, layer in zip(plain.norms[1:], (network.second, network.third, network.fourth), strict=True):
        norm.running_mean, norm.running_var = layer.norm.running_mean, layer.norm.running_var
    torch.testing.assert_close(network.eval()(windows), plain.eval()(windows), atol=1e-9, rtol=1e-9)


def test_without_a_graph_each_layer_is_a_plain_convolution():
    network, windows = used(made("cnn")), drawn(5)
    x = windows.reshape(5, 17, 20).transpose(1, 2)
    for layer in (network.first, network.second, network.third, network.fourth):
        x = torch.relu(layer.norm(nn.functional.conv1d(x, layer.convolution.weight)))
    torch.testing.assert_close(network(windows), network.output(x[..., 0]))


# Weights.


@pytest.mark.parametrize("name", NAMES)
def test_initial_weights_come_from_the_generator(name):
    first, same, other = made(name, seed=1), made(name, seed=1), made(name, seed=2)
    torch.manual_seed(0)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.output.weight, other.output.weight)


def test_initial_weights_are_kaiming_normal():
    network = made()
    for weight, fan_in in (
        (network.first.convolution.weight, 2 * 3),
        (network.second.convolution.weight, 64 * 5),
        (network.third.convolution.weight, 64 * 5),
        (network.fourth.convolution.weight, 64 * 7),
    ):
        assert weight.numel() == 64 * fan_in
        spread = 4 / np.sqrt(2 * weight.numel())  # four standard errors of a standard deviation
        assert weight.std().item() == pytest.approx(np.sqrt(2 / fan_in), rel=spread)
    assert not network.output.bias.any()


def test_the_names_are_those_of_table_1():
    assert isinstance(made("cnn"), RegionCNN)
    assert isinstance(made("stgcn"), SpotGCN)
    assert (made("spotgcn").first.groups, made("stgcn").first.groups) == ((3, 3, 4), (1,) * 10)
    assert made("stgcn", adjacency="paper").second.adjacency.shape == (10, 10)
    assert set(made(adjacency="paper").second.adjacency.unique().tolist()) == {0.0, 1.0}


# Export.


@pytest.mark.parametrize(("name", "window", "adjacency"), [("spotgcn", 17, "code"), ("spotgcn", 5, "paper"),
                                                           ("stgcn", 17, "code"), ("cnn", 9, "code")])  # fmt: skip
def test_onnxruntime_gives_the_same_logits(name, window, adjacency):
    network = made(name, window, adjacency).eval()
    exported = to_onnx(network, (window, 10, 2), input_name="windows", output_names=("logits",))
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [window, 10, 2]
    for n in (0, 1, 7, 256):
        windows = drawn(n, window, seed=n)
        (logits,) = session.run(["logits"], {"windows": windows.numpy()})
        assert logits.shape == (n, 10)
        with torch.no_grad():
            np.testing.assert_allclose(logits, network(windows).numpy(), atol=1e-5, rtol=1e-5)
    assert to_onnx(network, (window, 10, 2), input_name="windows", output_names=("logits",)) == exported
