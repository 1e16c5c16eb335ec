"""Checkpoints: trained networks on disk, and running them without PyTorch.

In: a folder with ``network.onnx``, ``weights.safetensors`` and ``method.json``. Out: a checked `Checkpoint`, its
weights as numpy arrays, and an `OnnxNetwork` that maps a batch of inputs to outputs.
"""

from facespot.models.checkpoint import Checkpoint, read_checkpoint, read_weights, write_checkpoint
from facespot.models.network import OnnxNetwork

__all__ = ["Checkpoint", "OnnxNetwork", "read_checkpoint", "read_weights", "write_checkpoint"]
