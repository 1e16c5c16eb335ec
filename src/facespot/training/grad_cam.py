"""Where a network looks: Grad-CAM on one of its layers.

Selvaraju et al.: Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017, equations
1 and 2.

Needs PyTorch: import this module only where explaining is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facespot.values import FloatArray

Explained: TypeAlias = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From (n, h, w, c) maps to the (n, channels, h', w') activations of the layer and to the n outputs above it."""
MAPS_AT_ONCE = 64


def grad_cam(network: nn.Module, explained: Explained, maps: FloatArray) -> FloatArray:
    """How much each place of a map adds to its output.

    The channels of the layer are summed, each weighted by the mean of the output's gradient over its places; what is
    left above 0 is upsampled to the maps' size.

    Parameters
    ----------
    network : nn.Module
        Left as it is.
    explained : callable
        What is explained of the network, and by which layer.
    maps : (n, h, w, c) float32 array

    Returns
    -------
    (n, h, w) float32 array
        Heat of each map from 0 to its own largest value 1; all 0 where nothing raises the output.
    """
    parameter = next(network.parameters())
    heat = [np.zeros((0, *maps.shape[1:3]), dtype=np.float32)]
    for start in range(0, len(maps), MAPS_AT_ONCE):
        some = torch.tensor(maps[start : start + MAPS_AT_ONCE], dtype=parameter.dtype, device=parameter.device)
        heat.append(_heat(explained, some).cpu().numpy())
    joined: FloatArray = np.concatenate(heat).astype(np.float32)
    return joined


def _heat(explained: Explained, maps: Tensor) -> Tensor:
    with torch.enable_grad():
        # Gradients are needed even where the network's own parameters are frozen.
        activations, outputs = explained(maps.requires_grad_())
        # No map's output depends on another map, so the gradient of the sum holds each one's own.
        (gradient,) = torch.autograd.grad(outputs.sum(), activations)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    coarse = torch.relu((weights * activations.detach()).sum(dim=1, keepdim=True))
    heat = functional.interpolate(coarse, size=tuple(maps.shape[1:3]), mode="bilinear")[:, 0]
    largest = heat.amax(dim=(1, 2), keepdim=True)
    return heat / torch.where(largest > 0, largest, 1.0)
