"""SOFTNet: the shallow optical flow three-stream network (Liong, See and Wong, ICIP 2021, section 2.3, figure 2).

::

    maps (n, 42, 42, 3)
      |-- u ------- conv 5x5, 3 filters, ReLU --- max-pool 3x3 --.
      |-- v ------- conv 5x5, 5 filters, ReLU --- max-pool 3x3 --+-- concat (n, 16, 14, 14)
      `-- strain -- conv 5x5, 8 filters, ReLU --- max-pool 3x3 --'     |
                                                                 max-pool 2x2
                                                                       |
                                                                 flatten (n, 784)
                                                                       |
                                                                 dense 400, ReLU
                                                                       |
                                                                 score (n, 1), linear

Where the paper is silent, this follows the authors' Keras code: ReLU after the 400 nodes (the paper says "a 400-node
layer"), same padding, flattening in the order height, width, channel, Glorot-uniform kernels and zero biases.

Needs PyTorch: import this module only where training, explaining or exporting is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

MAP_SIZE = 42
MAP_SHAPE = (MAP_SIZE, MAP_SIZE, 3)
STREAM_FILTERS = (3, 5, 8)
HIDDEN_NODES = 400


class Stages(NamedTuple):
    """What the layers of `SOFTNet` hold on the way, for n samples.

    Parameters
    ----------
    concat : (n, 16, 14, 14) tensor
        The three pooled streams, channel-wise in the order u, v, strain; Grad-CAM looks here (supplement, figure 5).
    flatten : (n, 784) tensor
        After the second pooling, in the order height, width, channel.
    dense400 : (n, 400) tensor
        After the ReLU of the 400-node layer.
    score : (n, 1) tensor
        The spotting confidence score.
    """

    concat: Tensor
    flatten: Tensor
    dense400: Tensor
    score: Tensor


class SOFTNet(nn.Module):
    """The network: 42x42 maps of u, v and strain in, one spotting confidence score out; 314,817 parameters.

    Parameters
    ----------
    generator : torch.Generator, optional
        Draws the initial weights; None draws from PyTorch's global generator.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(nn.Conv2d(1, filters, kernel_size=5, padding="same"), nn.ReLU(), nn.MaxPool2d(3))
            for filters in STREAM_FILTERS
        )
        self.pool = nn.MaxPool2d(2)
        self.dense = nn.Linear(sum(STREAM_FILTERS) * (MAP_SIZE // 6) ** 2, HIDDEN_NODES)
        self.score = nn.Linear(HIDDEN_NODES, 1)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)

    def forward(self, maps: Tensor) -> Tensor:
        """Scores of a batch.

        Parameters
        ----------
        maps : (n, 42, 42, 3) float32 tensor
            u, v and strain, each scaled to [0, 1] per map.

        Returns
        -------
        (n, 1) float32 tensor
        """
        return self.stages(maps).score

    def stages(self, maps: Tensor) -> Stages:
        """Scores of a batch with the values of the layers before them; parameters as in `forward`."""
        channels = maps.permute(0, 3, 1, 2).chunk(3, dim=1)
        concat = torch.cat([stream(channel) for stream, channel in zip(self.streams, channels, strict=True)], dim=1)
        flatten = self.pool(concat).permute(0, 2, 3, 1).flatten(1)
        dense400 = torch.relu(self.dense(flatten))
        return Stages(concat, flatten, dense400, self.score(dense400))
