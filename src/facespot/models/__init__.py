"""Checkpoints: trained networks on disk, those that come with facespot, and running them without PyTorch.

In: a folder with ``network.onnx``, ``weights.safetensors`` and ``method.json``. Out: a checked `Checkpoint`, its
weights as numpy arrays, and an `OnnxNetwork` that maps a batch of inputs to outputs.
"""

from facespot.models.checkpoint import Checkpoint, read_checkpoint, read_weights, write_checkpoint
from facespot.models.network import OnnxNetwork
from facespot.models.shipped import shipped_card, shipped_methods, shipped_weights

__all__ = [
    "Checkpoint",
    "OnnxNetwork",
    "read_checkpoint",
    "read_weights",
    "shipped_card",
    "shipped_methods",
    "shipped_weights",
    "write_checkpoint",
]
