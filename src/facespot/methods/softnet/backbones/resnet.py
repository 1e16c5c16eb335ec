"""ResNet-18 and ResNet-50 (He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016).

As in Keras Applications: biases in the convolutions, and a stage halves its maps in the first convolution of its first
block. The last batch normalisation of each block begins at 0, so that the block begins as its shortcut (Goyal et al.:
Accurate, Large Minibatch SGD, 2017, section 5.1). With 1 there, the 8,192 features of ResNet-50 begin so large that
SGD diverges at SOFTNet's learning rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facespot.methods.softnet.backbones.backbone import MOMENTUM, Backbone


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around which the input is carried (figure 5, left)."""

    expansion = 1

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(channels_in, channels, 3, stride),
            nn.ReLU(),
            *_convolution(channels, channels, 3, adds_at_first=False),
        )
        self.shortcut = _shortcut(channels_in, channels, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels_in, h, w) in, (n, channels, h / stride, w / stride) out."""
        return torch.relu(self.residual(maps) + self.shortcut(maps))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, around which the input is carried (figure 5, right)."""

    expansion = 4

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        channels_out = channels * self.expansion
        self.residual = nn.Sequential(
            *_convolution(channels_in, channels, 1, stride),
            nn.ReLU(),
            *_convolution(channels, channels, 3),
            nn.ReLU(),
            *_convolution(channels, channels_out, 1, adds_at_first=False),
        )
        self.shortcut = _shortcut(channels_in, channels_out, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels_in, h, w) in, (n, 4 * channels, h / stride, w / stride) out."""
        return torch.relu(self.residual(maps) + self.shortcut(maps))


def _convolution(
    channels_in: int, channels: int, size: int, stride: int = 1, *, adds_at_first: bool = True
) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels, size, stride=stride, padding=size // 2)
    norm = nn.BatchNorm2d(channels, eps=1.001e-5, momentum=MOMENTUM)
    if not adds_at_first:
        nn.init.zeros_(norm.weight)
    return [convolution, norm]


def _shortcut(channels_in: int, channels: int, stride: int) -> nn.Module:
    if channels_in == channels and stride == 1:
        return nn.Identity()
    return nn.Sequential(*_convolution(channels_in, channels, 1, stride))


def resnet18(generator: torch.Generator | None = None) -> Backbone:
    """Eight basic blocks (table 1)."""
    return _resnet(BasicBlock, (2, 2, 2, 2), generator)


def resnet50(generator: torch.Generator | None = None) -> Backbone:
    """Sixteen bottlenecks (table 1)."""
    return _resnet(Bottleneck, (3, 4, 6, 3), generator)


def _resnet(
    block: type[BasicBlock] | type[Bottleneck], depths: tuple[int, ...], generator: torch.Generator | None
) -> Backbone:
    layers = [*_convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)]
    channels_in = 64
    for stage, (channels, depth) in enumerate(zip((64, 128, 256, 512), depths, strict=True)):
        for index in range(depth):
            layers.append(block(channels_in, channels, stride=2 if stage > 0 and index == 0 else 1))
            channels_in = channels * block.expansion
    return Backbone(nn.Sequential(*layers), channels_in * 2 * 2, generator)
