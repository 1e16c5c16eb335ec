"""Where MEAN looks: Grad-CAM on the concatenated layer that each head reads (section 5.4, figure 7).

Needs PyTorch: import this module only where explaining is asked for.
"""

from __future__ import annotations

from torch import Tensor

from facespot.methods.mean.network import MEAN
from facespot.training import grad_cam as shared
from facespot.values import FloatArray


def spotting_heat(network: MEAN, maps: FloatArray) -> FloatArray:
    """How much each place of a map adds to its spotting confidence score; see `facespot.training.grad_cam`.

    Parameters
    ----------
    network : MEAN
        With a spotting head; left as it is.
    maps : (n, 42, 42, 3) float32 array
        u, v and strain, scaled to [0, 1].

    Returns
    -------
    (n, 42, 42) float32 array
        Heat of each map from 0 to its own largest value 1; all 0 where nothing raises the score.

    Raises
    ------
    ValueError
        If the network has no spotting head.
    """

    def explained(inputs: Tensor) -> tuple[Tensor, Tensor]:
        stages = network.stages(inputs)
        if stages.score is None:
            raise ValueError("the network has no spotting head")
        return stages.concat, stages.score

    return shared.grad_cam(network, explained, maps)


def recognition_heat(network: MEAN, maps: FloatArray, class_index: int) -> FloatArray:
    """How much each place of a map adds to a class, before the softmax; see `facespot.training.grad_cam`.

    Parameters
    ----------
    network : MEAN
        With a recognition head; left as it is.
    maps : (n, 42, 42, 3) float32 array
        u, v and strain, scaled to [0, 1].
    class_index : int
        Which class.

    Returns
    -------
    (n, 42, 42) float32 array
        As `spotting_heat` gives it.

    Raises
    ------
    ValueError
        If the network has no recognition head.
    """

    def explained(inputs: Tensor) -> tuple[Tensor, Tensor]:
        stages = network.stages(inputs)
        if stages.recognition_concat is None or stages.logits is None:
            raise ValueError("the network has no recognition head")
        return stages.recognition_concat, stages.logits[:, class_index]

    return shared.grad_cam(network, explained, maps)
