"""Where SOFTNet looks: Grad-CAM on its channel-wise concatenated layer (paper's supplement, section II, figure 5).

Selvaraju et al.: Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017, equations
1 and 2.

Needs PyTorch: import this module only where explaining is asked for.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facespot.methods.softnet.network import SOFTNet
from facespot.values import FloatArray

UPSAMPLING = 3
MAPS_AT_ONCE = 64


def grad_cam(network: SOFTNet, maps: FloatArray) -> FloatArray:
    """How much each place of a map adds to its score.

    The 16 channels of the concatenated layer are summed, each weighted by the mean of the score's gradient over its
    14x14 places; what is left above 0 is upsampled to the maps' size.

    Parameters
    ----------
    network : SOFTNet
        Left as it is.
    maps : (n, 42, 42, 3) float32 array
        u, v and strain, each scaled to [0, 1] per map.

    Returns
    -------
    (n, 42, 42) float32 array
        Heat of each map from 0 to its own largest value 1; all 0 where nothing raises the score.
    """
    parameter = next(network.parameters())
    heat = [np.zeros((0, *maps.shape[1:3]), dtype=np.float32)]
    for start in range(0, len(maps), MAPS_AT_ONCE):
        some = torch.tensor(maps[start : start + MAPS_AT_ONCE], dtype=parameter.dtype, device=parameter.device)
        heat.append(_heat(network, some).cpu().numpy())
    joined: FloatArray = np.concatenate(heat).astype(np.float32)
    return joined


def _heat(network: SOFTNet, maps: Tensor) -> Tensor:
    with torch.enable_grad():
        # Gradients are needed even where the network's own parameters are frozen.
        stages = network.stages(maps.requires_grad_())
        # No map's score depends on another map, so the gradient of the sum holds each one's own.
        (gradient,) = torch.autograd.grad(stages.score.sum(), stages.concat)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    coarse = torch.relu((weights * stages.concat.detach()).sum(dim=1, keepdim=True))
    heat = functional.interpolate(coarse, scale_factor=UPSAMPLING, mode="bilinear")[:, 0]
    largest = heat.amax(dim=(1, 2), keepdim=True)
    return heat / torch.where(largest > 0, largest, 1.0)
