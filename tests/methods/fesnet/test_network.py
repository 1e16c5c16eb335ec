"""The network: every stage against plain numpy, what each proposal depends on, normalisation, learning, onnxruntime."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
onnxruntime = pytest.importorskip("onnxruntime")

from facespot.methods.fesnet.config import FesnetConfig  # noqa: E402
from facespot.methods.fesnet.losses import class_weights, total_loss  # noqa: E402
from facespot.methods.fesnet.network import build_network, normalised  # noqa: E402
from facespot.training.onnx_export import to_onnx  # noqa: E402

DEFAULT = FesnetConfig()
SMALL = FesnetConfig(first_channels=3, middle_channels=4, channels=8, heads=2, depth=2, embedding=10,
                     temporal_channels=7, refinement_channels=6)  # fmt: skip
DILATIONS = (1, 2, 4, 8, 16)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def made(config=SMALL, seed=0):
    return build_network(config, seeded(seed))


def drawn(n_clips, n_frames, seed=0):
    return 255 * torch.rand(n_clips, n_frames, 112, 112, 3, generator=seeded(seed))


def used(network, seed=3):
    """The network as if trained: no weight, bias or running statistic is 0 or 1; ready to score."""
    generator = seeded(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 or name.endswith(("positions", "output.weight")):
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.2 * torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return network.eval()


# Every stage in plain numpy, from the weights alone.


class Plain:
    """The network of section 3 on arrays: loops over kernels, positions, frames and heads."""

    def __init__(self, network):
        self.state = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def norm(self, x, name, axis=1):
        shape = [-1 if a == axis else 1 for a in range(x.ndim)]
        mean, variance, weight, bias = (
            self.state[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    def conv2d(self, x, name, stride, padding):
        w = self.state[f"{name}.weight"]
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        size = w.shape[2]
        side = (x.shape[2] - size) // stride + 1
        out = np.zeros((len(x), len(w), side, side))
        for i in range(size):
            for j in range(size):
                seen = x[:, :, i : i + stride * side : stride, j : j + stride * side : stride][:, :, :side, :side]
                out += np.einsum("nchw,oc->nohw", seen, w[:, :, i, j])
        return out

    def residual(self, x, name, stride):
        inner = np.maximum(self.norm(self.conv2d(x, f"{name}.first", stride, 1), f"{name}.first_norm"), 0)
        inner = self.norm(self.conv2d(inner, f"{name}.second", 1, 1), f"{name}.second_norm")
        if f"{name}.around.0.weight" in self.state:
            x = self.norm(self.conv2d(x, f"{name}.around.0", stride, 0), f"{name}.around.1")
        return np.maximum(inner + x, 0)

    def linear(self, x, name):
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def layer_norm(self, x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        standard = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return standard * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def attention(self, x, name, heads):
        standard = self.layer_norm(x, f"{name}.norm")
        queries, keys, values = np.split(self.linear(standard, f"{name}.queries_keys_values"), 3, axis=-1)
        found, width = np.zeros_like(x), x.shape[-1] // heads
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            alike = np.exp(queries[..., own] @ np.swapaxes(keys[..., own], 1, 2) / np.sqrt(width))
            found[..., own] = alike / alike.sum(axis=-1, keepdims=True) @ values[..., own]
        return x + self.linear(found, f"{name}.output")

    def lsdm(self, frames, depth, heads):
        b, t = frames.shape[:2]
        x = frames.reshape(b * t, 112, 112, 3).transpose(0, 3, 1, 2)
        x = np.maximum(self.norm(self.conv2d(x, "lsdm.convolution", 4, 2), "lsdm.norm"), 0)
        for block, stride in enumerate((1, 2, 2)):
            x = self.residual(x, f"lsdm.blocks.{block}", stride)
        tokens = x.reshape(b * t, -1, 49).transpose(0, 2, 1) + self.state["lsdm.positions"]
        for layer in range(depth):
            tokens = self.attention(tokens, f"lsdm.attention.{layer}", heads)
        tokens = self.layer_norm(tokens, "lsdm.attention_norm")
        attended = tokens.transpose(0, 2, 1).reshape(b * t, -1, 7, 7)
        deep = self.residual(self.residual(attended, "lsdm.deeper.0", 2), "lsdm.deeper.1", 1)
        return (one.reshape(b, t, *one.shape[1:]) for one in (x, attended, deep))

    def equation_1(self, deep, attended):
        """x'' from x' and X_Atten, frame by frame: each of the 4x4 places of the discrepancy paints 3x3 of 7x7."""
        w = self.state["lsdm.deconvolution.weight"]
        motion = np.zeros_like(attended)
        for clip in range(len(deep)):
            for frame in range(deep.shape[1]):
                discrepancy = deep[clip, frame] - deep[clip, 0]
                painted = np.zeros((w.shape[1], 9, 9))
                for row in range(4):
                    for column in range(4):
                        patch = np.einsum("c,coij->oij", discrepancy[:, row, column], w)
                        painted[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += patch
                summed = self.norm(painted[:, 1:8, 1:8], "lsdm.motion_norm", axis=0) + attended[clip, frame]
                motion[clip, frame] = np.maximum(summed, 0)
        return motion

    def conv1d(self, x, name, dilation):
        """(b, T, channels) to the same; frames before and after the clip are 0."""
        w = self.state[f"{name}.weight"]
        out = np.zeros((*x.shape[:2], len(w))) + self.state.get(f"{name}.bias", 0)
        for frame in range(x.shape[1]):
            for tap in range(w.shape[2]):
                other = frame + (tap - w.shape[2] // 2) * dilation
                if 0 <= other < x.shape[1]:
                    out[:, frame] += x[:, other] @ w[:, :, tap].T
        return out

    def temporal_layer(self, x, name, dilation):
        return np.maximum(self.norm(self.conv1d(x, f"{name}.convolution", dilation), f"{name}.norm", axis=2), 0)

    def mtam(self, embedding, spatial):
        x = self.temporal_layer(embedding, "mtam.layers.0", 1)
        for index, dilation in list(enumerate(DILATIONS))[1:]:
            x = x + self.temporal_layer(x, f"mtam.layers.{index}", dilation)
        temporal = self.conv1d(x, "mtam.proposals", 1)
        previous, refined = np.concatenate([softmax(spatial), softmax(temporal)], axis=2), []
        for s in range(2):
            layers = [self.conv1d(previous, f"mtam.blocks.{s}.first", 1)]
            for layer in range(1, 5):
                layers.append(self.temporal_layer(layers[-1], f"mtam.blocks.{s}.others.{layer - 1}", 2**layer))
            refined.append([self.conv1d(x, f"mtam.blocks.{s}.proposals.{i}", 1) for i, x in enumerate(layers)])
            previous = softmax(refined[-1][-1])
        return temporal, refined


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("kind", ["fixed", "clip"])
@pytest.mark.parametrize("config", [SMALL, replace(DEFAULT, depth=3)])
def test_every_stage_is_that_of_plain_numpy(config, kind):
    network = used(made(replace(config, normalisation=kind))).double()
    frames = drawn(2, 5).double()
    with torch.no_grad():
        stages = network.stages(frames)
    pixels, plain = frames.numpy() / 255, Plain(network)
    if kind == "fixed":
        pixels = (pixels - 0.5) / 0.25
    else:
        for clip in pixels:
            for colour in range(3):
                values = clip[..., colour]
                values[:] = (values - values.mean()) / np.sqrt(values.var() + 1e-6)
    x_init, x_attention, x_deep = plain.lsdm(pixels, config.depth, config.heads)
    x_motion = plain.equation_1(x_deep, x_attention)
    embedding = x_motion.reshape(2, 5, -1) @ plain.state["lsdm.embedding.weight"].T
    embedding = np.maximum(plain.norm(embedding, "lsdm.embedding_norm", axis=2), 0)
    spatial = plain.linear(embedding, "lsdm.proposals")
    temporal, refined = plain.mtam(embedding, spatial)
    base = np.repeat(x_deep[:, :1], 5, axis=1)
    expected = [x_init, x_attention, x_deep, base, x_motion, embedding, spatial, temporal, *refined[0], *refined[1]]
    ours = [stages.x_init, stages.x_attention, stages.x_deep, stages.x_deep_base, stages.x_motion, stages.embedding,
            stages.spatial, stages.temporal, *stages.refined[0], *stages.refined[1]]  # fmt: skip
    for one, other in zip(ours, expected, strict=True):
        assert one.shape == other.shape
        assert other.std() > 0.05
        np.testing.assert_allclose(one.numpy(), other, atol=1e-9, rtol=1e-9)
    assert torch.equal(stages.final, stages.refined[-1][-1])


def test_the_stages_have_the_shapes_that_the_widths_give():
    stages, outputs = made(DEFAULT).stages(drawn(2, 3)), made(DEFAULT)(drawn(2, 3))
    for one, shape in (
        (stages.x_init, (2, 3, 32, 7, 7)),
        (stages.x_attention, (2, 3, 32, 7, 7)),
        (stages.x_deep, (2, 3, 32, 4, 4)),
        (stages.x_deep_base, (2, 3, 32, 4, 4)),
        (stages.x_motion, (2, 3, 32, 7, 7)),
        (stages.embedding, (2, 3, 64)),
        (stages.spatial, (2, 3, 3)),
        (stages.temporal, (2, 3, 3)),
        (stages.final, (2, 3, 3)),
    ):
        assert one.shape == shape
    assert [[tuple(one.shape) for one in block] for block in stages.refined] == [[(2, 3, 3)] * 5] * 2
    assert torch.equal(outputs, torch.cat([stages.final, stages.spatial], dim=2))


def test_there_are_as_many_parameters_as_the_description_says():
    network = made(DEFAULT)
    lsdm, whole = (sum(one.numel() for one in part.parameters()) for part in (network.lsdm, network))
    assert (lsdm, whole) == (186_955, 276_236)


def test_without_the_mtam_the_spatial_proposals_are_the_result():
    network, frames = made(replace(SMALL, use_mtam=False)), drawn(2, 4)
    assert all(name.startswith("lsdm.") for name in network.state_dict())
    stages, whole = network.stages(frames), made(SMALL)
    assert (stages.temporal, stages.refined) == (None, ())
    assert torch.equal(stages.final, stages.spatial)
    assert torch.equal(network(frames), torch.cat([stages.spatial, stages.spatial], dim=2))
    whole.load_state_dict(network.state_dict(), strict=False)
    torch.testing.assert_close(whole.stages(frames).spatial, stages.spatial)


# What depends on what.


def test_the_first_frame_differs_from_itself_by_nothing():
    stages = used(made()).stages(drawn(3, 4))
    discrepancy = stages.x_deep - stages.x_deep_base
    assert not discrepancy[:, 0].any()
    assert discrepancy[:, 1:].abs().amax(dim=(2, 3, 4)).min() > 0.1
    added = torch.where(stages.x_motion > 0, stages.x_motion - stages.x_attention, torch.nan).flatten(3)
    spread = torch.nan_to_num(added - added.nanmedian(dim=3, keepdim=True).values).abs()
    assert spread[:, 0].max() < 1e-5
    assert spread[:, 1:].amax(dim=(2, 3)).min() > 0.1


def test_spatial_proposals_know_their_own_and_the_first_frame_alone():
    network = used(made(replace(SMALL, normalisation="fixed")))
    frames = drawn(2, 6).requires_grad_()
    spatial = network.stages(frames).spatial
    for frame in range(6):
        gradient = torch.autograd.grad(spatial[:, frame].square().sum(), frames, retain_graph=True)[0]
        assert gradient.abs().amax(dim=(2, 3, 4)).gt(0).tolist() == [[t in (0, frame) for t in range(6)]] * 2
    order = torch.tensor([0, 4, 2, 5, 1, 3])
    with torch.no_grad():
        torch.testing.assert_close(network.stages(frames[:, order]).spatial, spatial[:, order], atol=1e-5, rtol=0)
    assert (spatial[:, 1:] - spatial[:, :-1]).abs().amax(dim=2).min() > 1e-3


def reach(output, source, frame):
    """First and last frame of the source that a frame of the output depends on, less that frame."""
    gradient = torch.autograd.grad(output[:, frame].square().sum(), source, retain_graph=True)[0]
    reached = gradient.abs().amax(dim=(0, 2)).nonzero()[:, 0] - frame
    return reached.min().item(), reached.max().item()


def test_the_temporal_reach_is_that_of_the_dilations():
    network = used(made()).double()
    embedding = torch.rand(8, 251, SMALL.embedding, generator=seeded(1), dtype=torch.float64).requires_grad_()
    spatial = torch.randn(8, 251, 3, generator=seeded(2), dtype=torch.float64).requires_grad_()
    temporal, refined = network.mtam(embedding, spatial)
    # A kernel of three frames reaches its dilation to each side.
    assert reach(temporal, embedding, 125) == (-31, 31)
    for block, proposals in enumerate(refined):
        for layer, proposal in enumerate(proposals):
            own = 31 * block + sum(DILATIONS[: layer + 1])
            assert reach(proposal, spatial, 125) == (-own, own)
            assert reach(proposal, embedding, 125) == (-31 - own, 31 + own)


def test_equal_frames_have_equal_proposals_but_near_the_ends_of_the_clip():
    network = used(made())
    frames = drawn(1, 1).expand(1, 200, -1, -1, -1)
    with torch.no_grad():
        stages = network.stages(frames)
    torch.testing.assert_close(stages.spatial, stages.spatial[:, :1].expand(-1, 200, -1), atol=1e-5, rtol=0)
    # No convolution sees past the ends from here: the five of the MTAM and ten of its blocks reach 93 frames.
    inner = stages.final[:, 93:107]
    torch.testing.assert_close(inner, inner[:, :1].expand(-1, 14, -1), atol=1e-5, rtol=0)
    assert (stages.final[:, [0, 199]] - inner[:, :2]).abs().amax() > 1e-2


@pytest.mark.parametrize("kind", ["fixed", "clip"])
def test_clips_know_nothing_of_one_another_when_scoring(kind):
    network = used(made(replace(SMALL, normalisation=kind)))
    clips = drawn(4, 6) * torch.tensor([0.3, 0.5, 0.8, 1.0]).view(4, 1, 1, 1, 1)
    with torch.no_grad():
        together = network(clips)
        alone = torch.cat([network(one[None]) for one in clips])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)
    assert (together[:-1] - together[1:]).abs().amax(dim=(1, 2)).min() > 1e-2


# Normalisation.


def test_the_clip_normalisation_takes_away_gain_and_offset_of_each_colour():
    frames = drawn(2, 6)
    changed = frames * torch.tensor([0.5, 0.8, 0.3]) + torch.tensor([10.0, 5.0, 100.0])
    for kind, least, most in (("clip", 0.0, 1e-3), ("fixed", 1e-2, np.inf)):
        network = used(made(replace(SMALL, normalisation=kind)))
        with torch.no_grad():
            difference = (network(changed) - network(frames)).abs().max().item()
        assert least <= difference < most


@pytest.mark.parametrize("level", [0.0, 128.0, 255.0])
def test_a_clip_of_one_grey_has_finite_logits_and_gradients(level):
    network = made(replace(SMALL, normalisation="clip"))
    frames = torch.full((2, 4, 112, 112, 3), level, requires_grad=True)
    outputs = network(frames)
    outputs.square().sum().backward()
    assert torch.isfinite(outputs).all()
    assert torch.isfinite(frames.grad).all()
    assert not normalised(frames, "clip").any()


# Weights and learning.


def test_initial_weights_come_from_the_generator():
    first, same, other = made(seed=1), made(seed=1), made(seed=2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    for (name, one), another in zip(first.named_parameters(), other.parameters(), strict=True):
        drawn = not (name.endswith(("bias", "output.weight")) or "norm.weight" in name or one.ndim == 1)
        assert torch.equal(one, another) == (not drawn), name


def test_initial_weights_are_kaiming_normal_with_the_gain_of_what_follows():
    network = made(DEFAULT)
    for weight, variance in (
        (network.lsdm.convolution.weight, 2 / 75),
        (network.lsdm.blocks[2].first.weight, 2 / (16 * 9)),
        (network.lsdm.attention[3].queries_keys_values.weight, 1 / 32),
        (network.lsdm.deconvolution.weight, 2 / (32 * 9)),
        (network.lsdm.embedding.weight, 2 / (32 * 49)),
        (network.mtam.layers[4].convolution.weight, 2 / (64 * 3)),
        (network.mtam.blocks[1].first.weight, 1 / 9),
        (network.mtam.blocks[1].others[3].convolution.weight, 2 / (32 * 3)),
    ):
        spread = 4 / np.sqrt(2 * weight.numel())  # four standard errors of a standard deviation
        assert weight.std().item() == pytest.approx(np.sqrt(variance), rel=spread)


def moving_clips(n_clips, n_frames, seed=0):
    """A face of noise in which a large or a small patch lights up for some frames: clips and their labels."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.uniform(60, 160, (n_clips, 1, 112, 112, 3)), n_frames, axis=1)
    labels = np.zeros((n_clips, n_frames), dtype=np.int64)
    for clip in range(n_clips):
        for label, start, stop, size in ((1, 3, 7, 48), (2, 9, 12, 16)):
            labels[clip, start:stop] = label
            frames[clip, start:stop, 20 : 20 + size, 30 : 30 + size] += 60
    return torch.from_numpy(frames).float(), torch.from_numpy(labels)


def trained(config, clips, labels, steps):
    network, weights = made(config), class_weights(torch.bincount(labels.flatten(), minlength=3).numpy(), "inverse")
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = total_loss(network.stages(clips), labels, weights, config)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return network, losses


@pytest.mark.parametrize("change", [{}, {"use_mtam": False}, {"supervision": "final", "normalisation": "clip"}])
def test_it_learns_two_clips_by_heart(change):
    clips, labels = moving_clips(2, 14)
    network, losses = trained(replace(SMALL, **change), clips, labels, 60)
    assert losses[-1] < losses[0] - 0.5
    with torch.no_grad():
        stages = network.eval().stages(clips)
    assert torch.equal(stages.final.argmax(dim=2), labels)
    if "supervision" not in change:
        assert torch.equal(stages.spatial.argmax(dim=2), labels)


def test_training_twice_gives_the_same_bits():
    clips, labels = moving_clips(2, 14)
    (first, losses), (second, again) = (trained(SMALL, clips, labels, 3) for _ in range(2))
    assert losses == again
    assert len(set(losses)) == 3
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


# Export.


@pytest.mark.parametrize("config", [DEFAULT, replace(SMALL, normalisation="clip", depth=1, use_mtam=False)])
def test_onnxruntime_gives_the_same_logits(config):
    network = used(made(config))
    exported = to_onnx(network, (32, 112, 112, 3), input_name="clips", output_names=("logits",))
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [32, 112, 112, 3]
    for n in (0, 1, 3):
        clips = drawn(n, 32, seed=n)
        (logits,) = session.run(["logits"], {"clips": clips.numpy()})
        assert logits.shape == (n, 32, 6)
        with torch.no_grad():
            np.testing.assert_allclose(logits, network(clips).numpy(), atol=2e-5, rtol=1e-5)
