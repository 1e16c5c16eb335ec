"""FESNet: local spatial discrepancy and multi-scale temporal aggregation (sections 3.3 and 3.4, figures 3 and 4).

::

    frames (b, T, 112, 112, 3), normalised
      LSDM, each frame for itself:
      conv 5x5 stride 4, 3 residual blocks                 X_init       (b, T, 32, 7, 7)
      multi-head attention over the 49 positions, depth 4  X_Atten      (b, T, 32, 7, 7)
      2 residual blocks                                    x'           (b, T, 32, 4, 4)
      eq. 1 with x' of the clip's first frame              x''          (b, T, 32, 7, 7)
      fully connected, batch norm, ReLU                    embedding    (b, T, 64)
      fully connected                                      spatial proposals (b, T, 3)

      MTAM, along the frames:
      5 convolutions, dilations 1, 2, 4, 8, 16             temporal proposals (b, T, 3)
      softmax of both proposals, S = 2 blocks of eq. 2     5 refined proposals each (b, T, 3)

The last refined proposal is the result. Classes are in the order of `facespot.metrics.framewise.LABELS`; proposals are
logits. Widths are those of the default configuration, with which the network has 276,236 parameters, 186,955 of them in
the LSDM.

The paper gives the order of the layers, depth and heads of the attention, the five dilations, S and the equations. All
else is ours: widths, kernels and strides; layer norm before each attention and after the last, learned positions and
residual sums, but no feed-forward layers; what turns x'' into proposals, with a batch norm, without which most of the
embedding stays 0; residual sums from the second temporal convolution on; the 1x1 convolutions that make proposals of
X_l^s; that residual blocks and attention begin as if they were not there (Goyal et al. 2017). Layers before a batch
norm have no bias, which it would take away (eq. 2 prints one). Nor has the deconvolution: where the discrepancy is 0,
as in the first frame, eq. 1 adds the same number all over a channel.

Needs PyTorch: import this module only where training, explaining or exporting is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from facespot.methods.fesnet.config import FesnetConfig, Normalisation
from facespot.metrics.framewise import LABELS

SIDE = 112
"""Height and width of a frame in pixels (section 3.2)."""
GRID = 7
"""Height and width of X_init, X_Atten and x''."""
DILATIONS = (1, 2, 4, 8, 16)
"""Of the five convolutions (figure 3) and of the five layers of a refinement block (eq. 2)."""
N_BLOCKS = 2
"""S (section 3.4)."""
N_CLASSES = len(LABELS)
PIXEL_MEAN, PIXEL_DEVIATION = 0.5, 0.25
"""Of the fixed normalisation, for pixels in 0..1."""
LEAST_DEVIATION = 1e-3
"""Keeps the division by a clip's deviation finite where it is black throughout."""


@dataclass(frozen=True, eq=False)
class Stages:
    """What the layers hold on the way, for b clips of T frames, with the default widths.

    Parameters
    ----------
    x_init : (b, T, 32, 7, 7) tensor
        X_init, after the three residual blocks.
    x_attention : (b, T, 32, 7, 7) tensor
        X_Atten.
    x_deep : (b, T, 32, 4, 4) tensor
        x', after two more residual blocks.
    x_deep_base : (b, T, 32, 4, 4) tensor
        x'_base, x' of the clip's first frame, repeated.
    x_motion : (b, T, 32, 7, 7) tensor
        x'', the local spatial motion features (eq. 1); >= 0.
    embedding : (b, T, 64) tensor
        What classifier and MTAM see of x''; >= 0.
    spatial : (b, T, 3) tensor
        Spatial proposals, logits of each frame for itself.
    temporal : (b, T, 3) tensor or None
        Temporal proposals; None without the MTAM.
    refined : tuple of tuple of (b, T, 3) tensor
        The proposals p^{s|l} of each block s and each of its layers l; empty without the MTAM.
    final : (b, T, 3) tensor
        The result: the last refined proposal, or the spatial ones without the MTAM.
    """

    x_init: Tensor
    x_attention: Tensor
    x_deep: Tensor
    x_deep_base: Tensor
    x_motion: Tensor
    embedding: Tensor
    spatial: Tensor
    temporal: Tensor | None
    refined: tuple[tuple[Tensor, ...], ...]
    final: Tensor


class FESNet(nn.Module):
    """The network: clips of aligned faces in, logits of neutral, macro and micro of each frame out.

    Parameters
    ----------
    config : FesnetConfig
        Widths, depth, heads, `normalisation` and `use_mtam` are read.
    generator : torch.Generator, optional
        Draws the initial weights; None draws from PyTorch's global generator.
    """

    def __init__(self, config: FesnetConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.normalisation = config.normalisation
        self.lsdm = SpatialDiscrepancy(config)
        self.mtam = TemporalAggregation(config) if config.use_mtam else None
        _draw_weights(self, generator)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits of a batch: the result, then the spatial proposals.

        Parameters
        ----------
        frames : (b, T, 112, 112, 3) float32 tensor
            RGB, 0 to 255; the first frame of each clip is what the others are compared with.

        Returns
        -------
        (b, T, 6) float32 tensor
        """
        stages = self.stages(frames)
        return torch.cat([stages.final, stages.spatial], dim=2)

    def stages(self, frames: Tensor, *, spatial_only: bool = False) -> Stages:
        """All proposals of a batch with the values of the layers before them; parameters as in `forward`.

        With `spatial_only` the MTAM is left out, as if there were none.
        """
        x_init, x_attention, x_deep, x_deep_base, x_motion = self.lsdm(normalised(frames, self.normalisation))
        embedding, spatial = self.lsdm.propose(x_motion)
        maps = (x_init, x_attention, x_deep, x_deep_base, x_motion)
        if self.mtam is None or spatial_only:
            return Stages(*maps, embedding, spatial, None, (), spatial)
        temporal, refined = self.mtam(embedding, spatial)
        return Stages(*maps, embedding, spatial, temporal, refined, refined[-1][-1])


class SpatialDiscrepancy(nn.Module):
    """LSDM, the local spatial discrepancy module (section 3.3, figure 4): what differs from the clip's first frame.

    Parameters
    ----------
    config : FesnetConfig
    """

    def __init__(self, config: FesnetConfig) -> None:
        super().__init__()
        first, middle, channels = config.first_channels, config.middle_channels, config.channels
        self.convolution = nn.Conv2d(3, first, 5, stride=4, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(first)
        self.blocks = nn.Sequential(
            _ResidualBlock(first, first, 1), _ResidualBlock(first, middle, 2), _ResidualBlock(middle, channels, 2)
        )
        self.positions = nn.Parameter(torch.zeros(GRID * GRID, channels))
        self.attention = nn.ModuleList(_Attention(channels, config.heads) for _ in range(config.depth))
        self.attention_norm = nn.LayerNorm(channels)
        self.deeper = nn.Sequential(_ResidualBlock(channels, channels, 2), _ResidualBlock(channels, channels, 1))
        self.deconvolution = nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, bias=False)
        self.motion_norm = nn.BatchNorm2d(channels)
        self.embedding = nn.Linear(channels * GRID * GRID, config.embedding, bias=False)
        self.embedding_norm = nn.BatchNorm1d(config.embedding)
        self.proposals = nn.Linear(config.embedding, N_CLASSES)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """X_init, X_Atten, x', x'_base and x'' of normalised frames, (b, T, 112, 112, 3); see `Stages`."""
        n_clips, n_frames = frames.shape[:2]
        # Colours stay the innermost axis, as they come (PyTorch's "channels last"): with contiguous channels a training
        # step takes 1.4 times as long.
        images = frames.flatten(0, 1).permute(0, 3, 1, 2)
        x_init = self.blocks(torch.relu(self.norm(self.convolution(images))))
        x_attention = self._attend(x_init)
        x_deep = _of_clips(self.deeper(x_attention), n_clips, n_frames)
        x_deep_base = x_deep[:, :1].expand_as(x_deep)
        discrepancy = (x_deep - x_deep_base).flatten(0, 1)
        x_motion = torch.relu(self.motion_norm(self.deconvolution(discrepancy)) + x_attention)
        x_init, x_attention, x_motion = (_of_clips(one, n_clips, n_frames) for one in (x_init, x_attention, x_motion))
        return x_init, x_attention, x_deep, x_deep_base, x_motion

    def propose(self, x_motion: Tensor) -> tuple[Tensor, Tensor]:
        """Embedding (b, T, 64) and spatial proposals (b, T, 3) of x''."""
        of_frames = self.embedding_norm(self.embedding(x_motion.flatten(2).flatten(0, 1)))
        embedding = _of_clips(torch.relu(of_frames), *x_motion.shape[:2])
        return embedding, self.proposals(embedding)

    def _attend(self, x_init: Tensor) -> Tensor:
        values = x_init.permute(0, 2, 3, 1).flatten(1, 2) + self.positions
        for layer in self.attention:
            values = layer(values)
        attended: Tensor = self.attention_norm(values)
        return attended.view(-1, GRID, GRID, attended.shape[2]).permute(0, 3, 1, 2)


class TemporalAggregation(nn.Module):
    """MTAM, the multi-scale temporal aggregation module (section 3.4): temporal proposals and their refinement.

    Parameters
    ----------
    config : FesnetConfig
    """

    def __init__(self, config: FesnetConfig) -> None:
        super().__init__()
        width = config.temporal_channels
        widths = (config.embedding,) + (width,) * (len(DILATIONS) - 1)
        self.layers = nn.ModuleList(
            _TemporalLayer(before, width, dilation) for before, dilation in zip(widths, DILATIONS, strict=True)
        )
        self.proposals = nn.Conv1d(width, N_CLASSES, 1)
        self.blocks = nn.ModuleList(
            _RefinementBlock((1 if block else 2) * N_CLASSES, config.refinement_channels) for block in range(N_BLOCKS)
        )

    def forward(self, embedding: Tensor, spatial: Tensor) -> tuple[Tensor, tuple[tuple[Tensor, ...], ...]]:
        """Temporal proposals, and those of every refinement block and layer; see `Stages`.

        Parameters
        ----------
        embedding : (b, T, 64) tensor
        spatial : (b, T, 3) tensor
            Spatial proposals, logits.
        """
        first, *others = self.layers
        values = first(embedding.transpose(1, 2))
        for layer in others:
            values = values + layer(values)
        temporal = self.proposals(values)
        shares = torch.cat([torch.softmax(spatial.transpose(1, 2), dim=1), torch.softmax(temporal, dim=1)], dim=1)
        refined = []
        for block in self.blocks:
            proposals = block(shares)
            shares = torch.softmax(proposals[-1], dim=1)
            refined.append(tuple(one.transpose(1, 2) for one in proposals))
        return temporal.transpose(1, 2), tuple(refined)


def build_network(config: FesnetConfig, generator: torch.Generator | None = None) -> FESNet:
    """The network with initial weights.

    Parameters
    ----------
    config : FesnetConfig
    generator : torch.Generator, optional
        Draws the weights: the same state gives the same weights, bit for bit.
    """
    return FESNet(config, generator)


def normalised(frames: Tensor, kind: Normalisation) -> Tensor:
    """Pixels as the first layer sees them.

    Parameters
    ----------
    frames : (b, T, height, width, 3) float tensor
        0 to 255.
    kind : {"fixed", "clip"}
        Pixels in 0..1 less 0.5 and divided by 0.25, or less the mean and divided by the standard deviation of their
        colour in the whole clip; that takes away a gain and an offset of each colour.

    Returns
    -------
    tensor of the same shape

    >>> normalised(torch.tensor([[[[[0.0, 51.0, 255.0]]]]]), "fixed")
    tensor([[[[[-2.0000, -1.2000,  2.0000]]]]])
    """
    if kind == "fixed":
        # One pass over the largest array of all.
        return torch.add(frames.new_tensor(-PIXEL_MEAN / PIXEL_DEVIATION), frames, alpha=1 / (255 * PIXEL_DEVIATION))
    centred = frames - _clip_mean(frames)
    variance = _clip_mean(centred.square())
    return centred * torch.rsqrt(variance + (255 * LEAST_DEVIATION) ** 2)


def _of_clips(values: Tensor, n_clips: int, n_frames: int) -> Tensor:
    return values.view(n_clips, n_frames, *values.shape[1:])


def _clip_mean(values: Tensor) -> Tensor:
    # One axis after the other: onnxruntime adds up a million pixels at once too roughly for the fifth digit of a logit.
    return values.mean(dim=1, keepdim=True).mean(dim=2, keepdim=True).mean(dim=3, keepdim=True)


class _ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a way around them: (n, before, h, w) to (n, after, h / stride, w / stride)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.around = (
            nn.Identity()
            if before == after and stride == 1
            else nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, values: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(values)))
        return torch.relu(self.second_norm(self.second(inner)) + self.around(values))


class _Attention(nn.Module):
    """Layer norm, multi-head attention of positions to each other, residual sum: (n, positions, channels)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.queries_keys_values = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, values: Tensor) -> Tensor:
        n, positions, channels = values.shape
        together = self.queries_keys_values(self.norm(values))
        queries, keys, found = together.view(n, positions, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        heads = scaled_dot_product_attention(queries, keys, found)
        attended: Tensor = self.output(heads.transpose(1, 2).flatten(2))
        return values + attended


class _TemporalLayer(nn.Module):
    """Dilated convolution of three frames, batch norm, ReLU: (b, before, T) to (b, after, T)."""

    def __init__(self, before: int, after: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(before, after, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(after)

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(self.norm(self.convolution(values)))


class _RefinementBlock(nn.Module):
    """One block of eq. 2: shares (b, before, T) to the proposals (b, 3, T) of its five layers."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(before, width, 3, padding=1)
        self.others = nn.ModuleList(_TemporalLayer(width, width, dilation) for dilation in DILATIONS[1:])
        self.proposals = nn.ModuleList(nn.Conv1d(width, N_CLASSES, 1) for _ in DILATIONS)

    def forward(self, shares: Tensor) -> list[Tensor]:
        layers = [self.first(shares)]
        for layer in self.others:
            layers.append(layer(layers[-1]))
        return [propose(values) for propose, values in zip(self.proposals, layers, strict=True)]


def _draw_weights(network: FESNet, generator: torch.Generator | None) -> None:
    """Kaiming-normal weights, zero biases; positions nearly 0; residual blocks and attention add 0 at first."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Conv1d | nn.Linear):
            # Attention, proposals and the first layer of eq. 2 have a bias and no ReLU behind them.
            rectified = module.bias is None
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu" if rectified else "linear", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, _ResidualBlock):
            nn.init.zeros_(module.second_norm.weight)
        if isinstance(module, _Attention):
            nn.init.zeros_(module.output.weight)
    nn.init.normal_(network.lsdm.positions, std=0.02, generator=generator)
