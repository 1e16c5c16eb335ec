import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
pytest.importorskip("onnxscript", reason='needs pip install "facespot[train]"')

from facespot.methods.mean.network import HEAD_PENALTY, MAP_SHAPE, MEAN, STREAM_PENALTY  # noqa: E402
from facespot.training.onnx_export import to_onnx  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network_of(*arguments, seed=1, **settings):
    return MEAN(*arguments, generator=torch.Generator().manual_seed(seed), **settings)


def size(network):
    return sum(array.size for array in network.weights().values())


@pytest.mark.parametrize(
    ("n_classes", "settings", "expected"),
    [
        (0, {}, 3621),
        (3, {}, 7608),
        (5, {}, 8394),
        (3, {"transfer": False}, 8028),
        (0, {"batch_norm": False}, 3565),
        (3, {"batch_norm": False}, 7552),
        (5, {"batch_norm": False}, 8338),
        (3, {"batch_norm": False, "transfer": False}, 7916),
    ],
)
def test_it_has_as_many_numbers_as_the_paper_counts(n_classes, settings, expected):
    # The paper prints 7,608; Keras counts running means and variances, so the sum of the parameters alone is less.
    network = network_of(n_classes, **settings)
    assert size(network) == expected
    running = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected - running


def test_the_stages_have_the_shapes_of_figure_2(maps):
    network = network_of(5).eval()
    with torch.no_grad():
        stages = network.stages(torch.from_numpy(maps))
        outputs = network(torch.from_numpy(maps))
    n = len(maps)
    assert stages.concat.shape == (n, 14, 14, 14)
    assert stages.spotting_flat.shape == stages.recognition_flat.shape == (n, 392)
    assert stages.score.shape == (n, 1)
    assert stages.logits.shape == stages.probabilities.shape == (n, 5)
    torch.testing.assert_close(stages.probabilities.sum(dim=1), torch.ones(n))
    assert torch.equal(outputs, torch.cat([stages.score, stages.probabilities], dim=1))
    assert stages.recognition_concat is stages.concat


def test_one_head_alone(maps):
    inputs = torch.from_numpy(maps)
    spotting, recognition = network_of().eval(), network_of(3, spotting=False).eval()
    with torch.no_grad():
        assert spotting(inputs).shape == (len(maps), 1)
        assert recognition(inputs).shape == (len(maps), 3)
    assert spotting.stages(inputs).probabilities is None
    assert recognition.stages(inputs).score is None
    with pytest.raises(ValueError, match="no recognition head"):
        spotting.penalty("recognition")
    with pytest.raises(ValueError, match="no spotting head"):
        recognition.parts("spotting")
    for n_classes, has_score in ((0, False), (1, True), (-1, True)):
        with pytest.raises(ValueError, match="no network has"):
            MEAN(n_classes, spotting=has_score)


@pytest.mark.parametrize(("channel", "filters"), [(0, slice(0, 3)), (1, slice(3, 6)), (2, slice(6, 14))])
def test_each_channel_feeds_its_own_stream(channel, filters):
    network = network_of().eval()
    maps = torch.rand(4, 42, 42, 3, generator=torch.Generator().manual_seed(0))
    other = maps.clone()
    other[..., channel] = 1.0 - other[..., channel]
    with torch.no_grad():
        changed = (network.stages(maps).concat != network.stages(other).concat).flatten(2).any(dim=2).any(dim=0)
    expected = torch.zeros(14, dtype=torch.bool)
    expected[filters] = True
    assert not changed[~expected].any()
    assert changed[expected].any()


def test_without_transfer_nothing_of_one_task_reaches_the_other(maps):
    inputs = torch.from_numpy(maps)
    apart, shared = network_of(3, transfer=False), network_of(3)
    for network, reaches in ((apart, False), (shared, True)):
        network.stages(inputs).logits.square().sum().backward()
        gradients = [parameter.grad for parameter in network.streams.parameters()]
        assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients) is reaches
        assert all(parameter.grad is None for parameter in network.spotting.parameters())


def test_dropout_and_batch_norm_are_named_options(maps):
    inputs = torch.from_numpy(maps)
    paper = network_of(3, batch_norm=False, dropout=False).train()
    assert torch.equal(paper(inputs), paper(inputs))
    code = network_of(3).train()
    assert not torch.equal(code(inputs), code(inputs))
    assert torch.equal(code.eval()(inputs), code(inputs))


def test_the_network_is_made_again_from_its_weights(maps):
    inputs = torch.from_numpy(maps)
    for settings in ({}, {"transfer": False}, {"batch_norm": False}, {"spotting": False}):
        network = network_of(4, **settings).train()
        network(inputs)
        again = MEAN.of_weights(network.weights())
        with torch.no_grad():
            assert torch.equal(again.eval()(inputs), network.eval()(inputs))


@pytest.mark.parametrize("task", ["spotting", "recognition"])
def test_the_penalty_is_that_of_the_kernels_of_one_task(task):
    network = network_of(3)
    kernels = [stream[0].weight for stream in network.streams]
    head = network.spotting if task == "spotting" else network.recognition
    expected = (
        STREAM_PENALTY * sum((kernel**2).sum() for kernel in kernels) + HEAD_PENALTY * (head.conv.weight**2).sum()
    )
    torch.testing.assert_close(network.penalty(task), expected)
    gradients = torch.autograd.grad(network.penalty(task), [*kernels, head.conv.weight])
    torch.testing.assert_close(gradients[0], 2 * 0.001 * kernels[0])
    torch.testing.assert_close(gradients[3], 2 * 0.1 * head.conv.weight)


@pytest.mark.parametrize("transfer", [True, False])
def test_step_two_changes_the_recognition_head_alone(maps, transfer):
    inputs = torch.from_numpy(maps)
    network = network_of(3, transfer=transfer)
    network.freeze_for_recognition()
    before = network.weights()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=0.1)
    targets = torch.arange(len(maps)) % 3
    for _ in range(3):
        network.train()
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network.stages(inputs).logits, targets) + network.penalty(
            "recognition"
        )
        loss.backward()
        optimiser.step()
    for name, value in network.weights().items():
        assert np.array_equal(value, before[name]) is not name.startswith("recognition"), name
    frozen = network.state_dict()["streams.0.2.num_batches_tracked"]
    assert frozen == 0


def test_step_two_penalises_only_what_it_trains():
    network = network_of(3)
    network.freeze_for_recognition()
    torch.testing.assert_close(
        network.penalty("recognition"), HEAD_PENALTY * network.recognition.conv.weight.square().sum()
    )
    assert network.penalty("spotting") == 0
    with pytest.raises(ValueError, match="no recognition head"):
        network_of().freeze_for_recognition()


def test_initial_weights_come_from_the_generator():
    first, same, other = (network_of(3, seed=seed).weights() for seed in (1, 1, 2))
    assert all(np.array_equal(array, same[name]) for name, array in first.items())
    assert not np.array_equal(first["recognition.conv.weight"], other["recognition.conv.weight"])
    bound = np.sqrt(6 / (392 + 3))
    assert 0.98 * bound < np.abs(first["recognition.output.weight"]).max() <= bound
    assert not first["spotting.conv.bias"].any()


@pytest.mark.parametrize("settings", [{"transfer": False}, {"batch_norm": False}])
def test_onnxruntime_gives_the_same_outputs(settings):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = network_of(3, **settings)
    with torch.no_grad():
        network(torch.rand(8, *MAP_SHAPE, generator=torch.Generator().manual_seed(0)))
    exported = to_onnx(network, MAP_SHAPE, output_names=("outputs",))
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for n in (0, 1, 70):
        maps = np.random.default_rng(n).random((n, *MAP_SHAPE), dtype=np.float32)
        (outputs,) = session.run(None, {"maps": maps})
        with torch.no_grad():
            expected = network.eval()(torch.from_numpy(maps)).numpy()
        assert outputs.shape == (n, 4)
        np.testing.assert_allclose(outputs, expected, atol=1e-5, rtol=0)
