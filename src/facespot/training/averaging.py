"""A running average of a network's weights, kept beside it while it is trained. Needs PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class AveragedNetwork(nn.Module):
    """A network that learns, and the exponential average of its weights over the steps, which scores.

    While it trains it is the network, and with each call the average first moves towards the network's weights. While
    it does not train it is the average. Both, and the number of moves, are in its ``state_dict``, so that a training
    that is resumed goes on with the same average.

    Parameters
    ----------
    network : nn.Module
        Its parameters are what an optimiser is given.
    decay : float
        Share of the average that a move leaves in place, in [0, 1); the first moves leave less, (n + 1) / (n + 10) at
        the n-th, counted from 0, so that the initial weights are soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {decay}")
        self.decay = decay
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.n_moves: Tensor
        self.register_buffer("n_moves", torch.zeros((), dtype=torch.int64))

    def forward(self, *inputs: Any) -> Any:
        """What the network says, or the average where it does not train."""
        if not self.training:
            return self.average(*inputs)
        self._move()
        return self.network(*inputs)

    def _move(self) -> None:
        n = int(self.n_moves)
        kept = min(self.decay, (n + 1) / (n + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.mul_(kept).add_(value, alpha=1 - kept)
                else:
                    mean.copy_(value)
            self.n_moves += 1
