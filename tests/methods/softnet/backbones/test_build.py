"""The five networks of Table 3: sizes, initial weights, training, export."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import SettingsError  # noqa: E402
from facespot.methods.softnet.backbones.build import NETWORKS, build_network, count_parameters  # noqa: E402

BACKBONES = [name for name in NETWORKS if name != "softnet"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# Exact: Keras Applications. Printed: Table 3 in millions, None where there is no Keras original to agree with.
@pytest.mark.parametrize(
    ("name", "exact", "printed"),
    [
        ("softnet", 314_817, 0.3148),
        ("mobilenet_v2", 2_263_105, 2.2631),
        ("resnet18", 11_192_961, None),
        ("resnet50", 23_595_905, 23.5960),
        ("vgg16", 14_715_201, 14.7152),
    ],
)
def test_it_has_the_parameters_of_keras_and_of_table_3(name, exact, printed):
    counted = count_parameters(build_network(name, seeded()))
    assert counted == exact
    if printed is not None:
        # The paper has 23.5960 where 23,595,905 rounds to 23.5959.
        assert counted / 1e6 == pytest.approx(printed, abs=1e-4)


def test_an_unknown_name_is_said_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"no network 'vgg19'.*mobilenet_v2"):
        build_network("vgg19", seeded())


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights_come_from_the_generator_alone(name):
    torch.manual_seed(1)
    first = build_network(name, seeded(3)).state_dict()
    torch.manual_seed(2)
    same, other = build_network(name, seeded(3)).state_dict(), build_network(name, seeded(4)).state_dict()
    assert all(torch.equal(value, same[key]) for key, value in first.items())
    assert not torch.equal(first["score.weight"], other["score.weight"])


@pytest.mark.parametrize("name", BACKBONES)
def test_kernels_are_he_normal(name):
    for module in build_network(name, seeded()).modules():
        if isinstance(module, torch.nn.Conv2d):
            # Variance 2 over the number of inputs of a node; sampling error of n normal draws: 1 / sqrt(2n).
            inputs = module.weight[0].numel()
            relative = module.weight.std().item() / (2 / inputs) ** 0.5
            assert abs(relative - 1) < 5 / (2 * module.weight.numel()) ** 0.5
            assert module.bias is None or not module.bias.any()


@pytest.fixture(scope="module", params=BACKBONES)
def trained(request):
    """Network and losses of five steps with the settings of the paper, on maps of two kinds."""
    network = build_network(request.param, seeded()).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=5e-4)
    generator, losses = seeded(1), []
    for _ in range(5):
        labels = torch.arange(12) % 2
        maps = torch.rand(12, 42, 42, 3, generator=generator)
        maps[labels == 1, 5:20, 5:20] *= 0.3
        loss = torch.nn.functional.mse_loss(network(maps)[:, 0], labels.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return network, losses


def test_the_loss_does_not_diverge_at_the_papers_learning_rate(trained):
    # It would, beyond 10,000, if the blocks of the ResNets did not begin as their shortcuts.
    assert max(trained[1]) < 10


def test_a_last_batch_of_one_sample_trains(trained):
    network = copy.deepcopy(trained[0]).train()
    score = network(torch.rand(1, 42, 42, 3, generator=seeded()))
    (gradient,) = torch.autograd.grad(score.sum(), network.score.weight)
    assert score.shape == (1, 1)
    assert torch.isfinite(score).all()
    assert gradient.abs().sum() > 0


def test_onnxruntime_gives_the_same_scores(trained):
    pytest.importorskip("onnxscript", reason='needs pip install "facespot[train]"')
    onnxruntime = pytest.importorskip("onnxruntime")
    from facespot.training.onnx_export import to_onnx

    network = copy.deepcopy(trained[0]).train()
    # The statistics of some data, as at the end of a training; five steps leave them near where they began.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.rand(24, 42, 42, 3, generator=seeded(2)))
    network.eval()
    session = onnxruntime.InferenceSession(to_onnx(network, (42, 42, 3)), providers=["CPUExecutionProvider"])
    exact = copy.deepcopy(network).double()
    for n in (1, 5):
        maps = torch.rand(n, 42, 42, 3, generator=seeded(n))
        (scores,) = session.run(["score"], {"maps": maps.numpy()})
        with torch.no_grad():
            expected = network(maps).numpy()
            rounding = np.abs(expected - exact(maps.double()).numpy()).max()
        assert scores.shape == (n, 1)
        assert expected.any()
        # MobileNetV2's scores differ from float64 by more than 1e-5 in PyTorch too.
        assert rounding < 1e-4
        np.testing.assert_allclose(scores, expected, atol=max(1e-5, 3 * rounding), rtol=0)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vgg16", (512, 1, 1)),
        ("resnet18", (512, 2, 2)),
        ("resnet50", (2048, 2, 2)),
        ("mobilenet_v2", (1280, 2, 2)),
    ],
)
def test_the_last_maps_have_the_shape_of_keras(name, shape):
    with torch.no_grad():
        assert build_network(name, seeded()).convolutions(torch.zeros(2, 3, 42, 42)).shape == (2, *shape)
