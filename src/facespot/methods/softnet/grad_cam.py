"""Where SOFTNet looks: Grad-CAM on its channel-wise concatenated layer (paper's supplement, section II, figure 5).

Needs PyTorch: import this module only where explaining is asked for.
"""

from __future__ import annotations

from torch import Tensor

from facespot.methods.softnet.network import SOFTNet
from facespot.training import grad_cam as shared
from facespot.values import FloatArray


def grad_cam(network: SOFTNet, maps: FloatArray) -> FloatArray:
    """How much each place of a map adds to its score; see `facespot.training.grad_cam`.

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

    def explained(inputs: Tensor) -> tuple[Tensor, Tensor]:
        stages = network.stages(inputs)
        return stages.concat, stages.score

    return shared.grad_cam(network, explained, maps)
