"""VGG-16 (Simonyan and Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015)."""

from __future__ import annotations

import torch
from torch import nn

from facespot.methods.softnet.backbones.backbone import Backbone


def vgg16(generator: torch.Generator | None = None) -> Backbone:
    """Thirteen 3x3 convolutions in five stages, each ended by a max-pool (table 1, column D)."""
    layers: list[nn.Module] = []
    channels_in = 3
    for channels, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU()]
            channels_in = channels
        layers.append(nn.MaxPool2d(2))
    return Backbone(nn.Sequential(*layers), channels_in, generator)
