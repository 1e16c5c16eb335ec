"""SOFTNet and the backbones it is compared with, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from facespot.errors import SettingsError
from facespot.methods.softnet.backbones.mobilenet_v2 import mobilenet_v2
from facespot.methods.softnet.backbones.resnet import resnet18, resnet50
from facespot.methods.softnet.backbones.vgg import vgg16
from facespot.methods.softnet.network import SOFTNet

NETWORKS: Mapping[str, Callable[[torch.Generator], nn.Module]] = {
    "softnet": SOFTNet,
    "mobilenet_v2": mobilenet_v2,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "vgg16": vgg16,
}
"""In the order of Table 3."""


def build_network(name: str, generator: torch.Generator) -> nn.Module:
    """A network with initial weights: (n, 42, 42, 3) float32 maps in, (n, 1) float32 scores out.

    Parameters
    ----------
    name : {"softnet", "mobilenet_v2", "resnet18", "resnet50", "vgg16"}
        Which one.
    generator : torch.Generator
        Draws the weights: the same state gives the same weights, bit for bit.

    Raises
    ------
    SettingsError
        There is no network of this name.
    """
    if name not in NETWORKS:
        raise SettingsError("network", f"there is no network '{name}'", f"choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name](generator)


def count_parameters(network: nn.Module) -> int:
    """Number of parameters as Keras counts and Table 3 prints them: running means and variances are among them."""
    running = [buffer for name, buffer in network.named_buffers() if name.endswith(("running_mean", "running_var"))]
    return sum(values.numel() for values in (*network.parameters(), *running))
