"""The multi-scale spatio-temporal graph network (section III-B, figure 4) and what Table I compares it with.

::

    windows (n, 17, 10, 2)
      ST-GCN, temporal kernel 3, batch norm        (n, 64, 15) on 10 nodes
      FLGP to 3 nodes (brow, brow, mouth), ReLU    (n, 64, 15) on 3 nodes
      ST-GCN, temporal kernel 5, batch norm        (n, 64, 11) on 3 nodes
      FLGP to 1 node, ReLU                         (n, 64, 11)
      TCN, kernel 5, batch norm, ReLU              (n, 64, 7)
      TCN, kernel 7, batch norm, ReLU              (n, 64, 1) = z, the representation
      fully connected                              (n, 10) logits

The logits are, in this order: micro onset, offset, neither; macro onset, offset, neither; micro apex; macro apex; micro
expression frame; macro expression frame. The threes go through a softmax, the others through a sigmoid (`losses`).

Kernels, channels, batch norm and FLGP before ReLU are those of the authors' program. Where it and the paper are silent:
ReLU after the last TCN too, because eq. 3 has it in each of them; without FLGP ("stgcn") the largest value of the ten
nodes after the second ST-GCN; convolutions without bias, which the batch norm behind them would take away.

Needs PyTorch: import this module only where training, explaining or exporting is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from facespot.methods.spotgcn.config import Network, Reading
from facespot.methods.spotgcn.decoding import N_LOGITS

N_NODES = 10
EDGES = ((1, 2), (0, 1), (4, 3), (5, 4), (8, 6), (8, 7), (6, 9), (7, 9), (0, 3), (3, 8), (0, 8))
"""Facial graph of the ten regions (figure 2; authors' code)."""
GROUPS = (3, 3, 4)
"""Nodes that FLGP makes one of: nodes 0 to 2, 3 to 5 and 6 to 9, the two brows and the mouth (figure 4)."""
GROUP_EDGES = ((0, 1), (0, 2), (1, 2))
CHANNELS = 64
NORM_EPSILON = 1e-5
NORM_MOMENTUM = 0.1
"""Share of the new value in the running statistics of batch norm; both are PyTorch's defaults."""


class Stages(NamedTuple):
    """What the layers hold on the way, for n windows; t is what a layer's kernel leaves of the frames.

    Parameters
    ----------
    first : (n, 64, t, nodes) tensor
        After the first layer: 3 nodes, 10 without FLGP, 1 without a graph.
    second : (n, 64, t) tensor
        After the second layer.
    third : (n, 64, t) tensor
        After the third layer.
    represented : (n, 64) tensor
        z, the output of the last TCN: what the supervised contrastive loss sees (section III-C).
    logits : (n, 10) tensor
        In the order of this module's description.
    """

    first: Tensor
    second: Tensor
    third: Tensor
    represented: Tensor
    logits: Tensor


def kernel_sizes(window: int) -> tuple[int, int, int, int]:
    """Temporal kernels of the four layers, whose receptive field is exactly the window; ours beside 17.

    Kernels of 2 h + 1 frames take ``2 h`` frames away each, so the four h sum to (w - 1) / 2. They share it 1 : 2 : 2
    : 3, as the kernels 3, 5, 5 and 7 of the published network do, by largest remainder, ties to the later layer.

    Parameters
    ----------
    window : int
        w, odd, >= 1.

    >>> kernel_sizes(17), kernel_sizes(5), kernel_sizes(29)
    ((3, 5, 5, 7), (1, 1, 3, 3), (5, 7, 9, 11))
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window has an odd number of frames, not {window}")
    total, parts = (window - 1) // 2, (1, 2, 2, 3)
    halves = [total * part // sum(parts) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda layer: (total * parts[layer] % sum(parts), layer))
    for layer in by_remainder[len(parts) - (total - sum(halves)) :]:
        halves[layer] += 1
    first, second, third, fourth = (2 * half + 1 for half in halves)
    return first, second, third, fourth


def adjacency_matrix(n_nodes: int, edges: Sequence[tuple[int, int]], reading: Reading) -> Tensor:
    """What a graph layer multiplies by.

    Parameters
    ----------
    n_nodes : int
    edges : sequence of (int, int)
        Without direction, each once; every node has one.
    reading : {"code", "paper"}
        The symmetric normalised Laplacian I - D^-1/2 A D^-1/2, or the adjacency matrix A with 1 for each edge and 0
        elsewhere, its diagonal too (eq. 2).

    Returns
    -------
    (n_nodes, n_nodes) float32 tensor

    >>> adjacency_matrix(3, [(0, 1), (0, 2), (1, 2)], "code").tolist()
    [[1.0, -0.5, -0.5], [-0.5, 1.0, -0.5], [-0.5, -0.5, 1.0]]
    """
    adjacent = torch.zeros(n_nodes, n_nodes, dtype=torch.float64)
    for one, other in edges:
        adjacent[one, other] = adjacent[other, one] = 1.0
    if reading == "code":
        scale = adjacent.sum(dim=0).rsqrt()
        adjacent = torch.eye(n_nodes, dtype=torch.float64) - scale[:, None] * adjacent * scale
    return adjacent.float()


def pool_graph(values: Tensor, groups: Sequence[int]) -> Tensor:
    """Facial local graph pooling, FLGP: the largest value of each group of nodes.

    Parameters
    ----------
    values : (nodes, ...) tensor
    groups : sequence of int
        How many nodes, one after the other, each group has.

    Returns
    -------
    (groups, ...) tensor
    """
    return torch.stack([group.amax(dim=0) for group in torch.split(values, list(groups))])


class SpotGCN(nn.Module):
    """The network with its graph layers: windows of region flow in, logits of the middle frame out.

    Parameters
    ----------
    window : int
        w, the receptive field; odd.
    pooled : bool
        With FLGP, or without: "+STGCN" of Table I.
    adjacency : {"code", "paper"}
        See `adjacency_matrix`.
    generator : torch.Generator, optional
        Draws the initial weights, Kaiming-normal; None draws from PyTorch's global generator.
    """

    def __init__(
        self,
        window: int = 17,
        *,
        pooled: bool = True,
        adjacency: Reading = "code",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        kernels = kernel_sizes(window)
        regions = adjacency_matrix(N_NODES, EDGES, adjacency)
        groups = adjacency_matrix(len(GROUPS), GROUP_EDGES, adjacency)
        self.first = _InputGraphLayer(kernels[0], regions, GROUPS if pooled else (1,) * N_NODES)
        self.second = _GraphLayer(kernels[1], groups if pooled else regions)
        self.third = _TemporalLayer(CHANNELS, kernels[2])
        self.fourth = _TemporalLayer(CHANNELS, kernels[3])
        self.output = nn.Linear(CHANNELS, N_LOGITS)
        _draw_weights(self, generator)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch.

        Parameters
        ----------
        windows : (n, w, 10, 2) float32 tensor
            Mean flow of each region, x and y.

        Returns
        -------
        (n, 10) float32 tensor
        """
        return self.stages(windows).logits

    def stages(self, windows: Tensor) -> Stages:
        """Logits of a batch with the values of the layers before them; parameters as in `forward`."""
        first = self.first(windows)
        second = self.second(first)
        third = self.third(second)
        represented = self.fourth(third).squeeze(2)
        return Stages(first.permute(1, 3, 2, 0), second, third, represented, self.output(represented))


class RegionCNN(nn.Module):
    """Without a graph: the same kernels as one-dimensional convolutions over the flattened regions (Table I).

    The baseline and "+SLO", which differ in what the windows hold.

    Parameters
    ----------
    window, generator
        As in `SpotGCN`.
    """

    def __init__(self, window: int = 17, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        kernels = kernel_sizes(window)
        self.first = _TemporalLayer(2 * N_NODES, kernels[0])
        self.second, self.third, self.fourth = (_TemporalLayer(CHANNELS, kernel) for kernel in kernels[1:])
        self.output = nn.Linear(CHANNELS, N_LOGITS)
        _draw_weights(self, generator)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch; as in `SpotGCN`."""
        return self.stages(windows).logits

    def stages(self, windows: Tensor) -> Stages:
        """Logits of a batch with the values of the layers before them; as in `SpotGCN`."""
        first = self.first(windows.flatten(2).transpose(1, 2))
        second = self.second(first)
        third = self.third(second)
        represented = self.fourth(third).squeeze(2)
        return Stages(first.unsqueeze(3), second, third, represented, self.output(represented))


def build_network(
    name: Network, window: int, adjacency: Reading, generator: torch.Generator | None = None
) -> SpotGCN | RegionCNN:
    """A network of Table I with initial weights.

    Parameters
    ----------
    name, window, adjacency
        As in `SpotgcnConfig`.
    generator : torch.Generator, optional
        Draws the weights: the same state gives the same weights, bit for bit.
    """
    if name == "cnn":
        return RegionCNN(window, generator=generator)
    return SpotGCN(window, pooled=name == "spotgcn", adjacency=adjacency, generator=generator)


class _InputGraphLayer(nn.Module):
    """ST-GCN on the two numbers of each region, batch norm, FLGP, ReLU: (n, w, 10, 2) to (groups, n, t, 64).

    Its output before FLGP is by far the largest array of the network; batch norm as a layer of its own makes a whole
    training step about a quarter longer. But what goes in are few numbers (2 k for each value), and mean and variance
    of a linear map follow from mean and covariance of its input; so the batch norm becomes a factor of the weights
    and, after FLGP, a summand.
    """

    adjacency: Tensor
    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, kernel: int, adjacency: Tensor, groups: Sequence[int]) -> None:
        super().__init__()
        self.kernel, self.groups = kernel, tuple(groups)
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.convolution = nn.Linear(2 * kernel, CHANNELS, bias=False)
        self.scale = nn.Parameter(torch.ones(CHANNELS))
        self.shift = nn.Parameter(torch.zeros(CHANNELS))
        self.register_buffer("running_mean", torch.zeros(CHANNELS))
        self.register_buffer("running_variance", torch.ones(CHANNELS))

    def forward(self, windows: Tensor) -> Tensor:
        mixed = torch.einsum("vu,nwuc->vnwc", self.adjacency, windows)
        length = windows.shape[1] - self.kernel + 1
        seen = torch.cat([mixed[:, :, start : start + length] for start in range(self.kernel)], dim=3)
        mean, variance = self._batch_statistics(seen) if self.training else (self.running_mean, self.running_variance)
        factor = self.scale * torch.rsqrt(variance + NORM_EPSILON)
        values = seen @ (factor[:, None] * self.convolution.weight).t()
        pooled = values if max(self.groups) == 1 else pool_graph(values, self.groups)
        return torch.relu(pooled + (self.shift - factor * mean))

    def _batch_statistics(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        rows, weight = seen.flatten(0, 2), self.convolution.weight
        centre = rows.mean(dim=0)
        centred = rows - centre
        covariance = centred.t() @ centred / len(rows)
        mean, variance = weight @ centre, ((weight @ covariance) * weight).sum(dim=1)
        with torch.no_grad():
            self.running_mean.lerp_(mean, NORM_MOMENTUM)
            self.running_variance.lerp_(variance * len(rows) / (len(rows) - 1), NORM_MOMENTUM)
        return mean, variance


class _GraphLayer(nn.Module):
    """ST-GCN, batch norm, FLGP to one node, ReLU: (nodes, n, t, 64) to (n, 64, t')."""

    adjacency: Tensor

    def __init__(self, kernel: int, adjacency: Tensor) -> None:
        super().__init__()
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.convolution = nn.Conv1d(CHANNELS, CHANNELS, kernel, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)

    def forward(self, nodes: Tensor) -> Tensor:
        mixed = (self.adjacency @ nodes.flatten(1)).view(nodes.shape)
        values = self.norm(self.convolution(mixed.flatten(0, 1).transpose(1, 2).contiguous()))
        return torch.relu(values.view(*nodes.shape[:2], CHANNELS, values.shape[2]).amax(dim=0))


class _TemporalLayer(nn.Module):
    """TCN, batch norm, ReLU (eq. 3): (n, channels, t) to (n, 64, t')."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, CHANNELS, kernel, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(self.norm(self.convolution(values)))


def _draw_weights(network: nn.Module, generator: torch.Generator | None) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
