"""The temporal network: dilated convolutions over rows of region motion, and a head for each question. Needs PyTorch.

No convolution pads. A prediction for one row needs `CONTEXT_ROWS` rows before and after it, 2.3 seconds at 30 rows per
second, and depends on nothing else; so predictions of a video do not depend on how it is cut into pieces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facespot.features.region_motion import WIDTH
from facespot.methods.regiontcn.outputs import N_OUTPUTS
from facespot.methods.regiontcn.windows import CONTEXT_ROWS, DILATIONS, INPUTS

__all__ = ["CONTEXT_ROWS", "DILATIONS", "INPUTS", "KERNEL", "RegionTCN", "ResidualBlock"]

KERNEL = 3


class ResidualBlock(nn.Module):
    """Two convolutions, the first dilated, added to the middle of their input; the length shrinks by two dilations."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.BatchNorm1d(channels)
        self.wide = nn.Conv1d(channels, channels, KERNEL, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, t) to (b, channels, t - 2 * dilation)."""
        inner: Tensor = self.mix(self.dropout(torch.relu(self.wide(torch.relu(self.norm(x))))))
        middle: Tensor = x[..., self.dilation : x.shape[-1] - self.dilation]
        return middle + inner


class RegionTCN(nn.Module):
    """From rows of region motion to the outputs of `facespot.methods.regiontcn.outputs`.

    Parameters
    ----------
    channels : int
        Width of all layers.
    dropout : float
    scale : sequence of WIDTH floats
        Root mean square of each number of a row over the training rows.
    generator : torch.Generator
        Of the initial weights.
    """

    def __init__(self, channels: int, dropout: float, scale: Sequence[float], generator: torch.Generator) -> None:
        super().__init__()
        self.scale: Tensor
        self.register_buffer("scale", torch.tensor(list(scale), dtype=torch.float32))
        self.first = nn.Conv1d(INPUTS, channels, KERNEL)
        self.blocks = nn.ModuleList([ResidualBlock(channels, dilation, dropout) for dilation in DILATIONS])
        self.norm = nn.BatchNorm1d(channels)
        self.heads = nn.Conv1d(channels, N_OUTPUTS, 1)
        _initialise(self, generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Outputs (b, t - 2 * CONTEXT_ROWS, N_OUTPUTS) of rows (b, t, INPUTS), the last number 1 where a row is valid.

        Rows that are not valid, and those before and after the video, hold 0.
        """
        valid = rows[..., WIDTH:]
        x = rows[..., :WIDTH] / self.scale
        x = torch.sign(x) * torch.log1p(3.0 * torch.abs(x))
        x = self.first(torch.cat([x * valid, valid], dim=-1).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        outputs: Tensor = self.heads(torch.relu(self.norm(x))).transpose(1, 2)
        return outputs


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """He initialisation, drawn from the generator alone; what a block adds begins small."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d):
            inputs = module.weight.shape[1] * module.weight.shape[2]
            with torch.no_grad():
                module.weight.normal_(0.0, math.sqrt(2.0 / inputs), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            with torch.no_grad():
                module.mix.weight.mul_(0.3)
        if isinstance(module, RegionTCN):
            with torch.no_grad():
                module.heads.weight.mul_(0.1)
