"""MobileNetV2 (Sandler et al.: MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018).

A block that carries its input begins as its shortcut, as in `resnet`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from facespot.methods.softnet.backbones.backbone import MOMENTUM, Backbone


class SamePadding(nn.Module):
    """Zeros around maps so that a 3x3 convolution of stride 2 halves them, rounding up: Keras's "same" padding.

    Maps of even size get their zeros below and to the right alone.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) in, padded maps out."""
        height, width = maps.shape[-2:]
        return functional.pad(maps, (width % 2, 1, height % 2, 1))


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel by 3x3, narrow by 1x1 (table 1)."""

    def __init__(self, channels_in: int, channels: int, stride: int, widening: int) -> None:
        super().__init__()
        self.carries = channels_in == channels and stride == 1
        wide = channels_in * widening
        norm = _norm(channels)
        widen = _convolution(channels_in, wide, 1) if widening > 1 else []
        self.residual = nn.Sequential(
            *widen,
            *_convolution(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, channels, 1, bias=False),
            norm,
        )
        if self.carries:
            nn.init.zeros_(norm.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels_in, h, w) in, (n, channels, h / stride, w / stride) out, not rectified."""
        changed: Tensor = self.residual(maps)
        return maps + changed if self.carries else changed


def _convolution(channels_in: int, channels: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = size // 2 if stride == 1 else 0
    convolution = nn.Conv2d(channels_in, channels, size, stride, padding, groups=groups, bias=False)
    return [*([SamePadding()] if stride == 2 else []), convolution, _norm(channels), nn.ReLU6()]


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=MOMENTUM)


def mobilenet_v2(generator: torch.Generator | None = None) -> Backbone:
    """Seventeen inverted residuals (table 2)."""
    layers = _convolution(3, 32, 3, stride=2)
    channels_in = 32
    for widening, channels, depth, first_stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for index in range(depth):
            layers.append(InvertedResidual(channels_in, channels, first_stride if index == 0 else 1, widening))
            channels_in = channels
    layers += _convolution(channels_in, 1280, 1)
    return Backbone(nn.Sequential(*layers), 1280 * 2 * 2, generator)
