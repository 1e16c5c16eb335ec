"""A network to one ONNX file, which scoring runs without PyTorch. Needs PyTorch, onnx and onnxscript."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

# Readable by onnxruntime 1.14 and later.
ONNX_OPSET = 18


def to_onnx(
    network: nn.Module,
    sample_shape: Sequence[int],
    *,
    input_name: str = "maps",
    output_names: Sequence[str] = ("score",),
) -> bytes:
    """Export to one self-contained ONNX file that takes any number of samples at once.

    The network itself is left as it is. The same weights give the same bytes, and nothing in them tells on which
    machine or path they were made.

    Parameters
    ----------
    network : nn.Module
    sample_shape : sequence of int
        Shape of one sample, without the batch axis.
    input_name : str
        Name of the input.
    output_names : sequence of str
        Names of the outputs, in the network's order.
    """
    still = copy.deepcopy(network).cpu().eval()
    # The exporter takes an axis of length 0 or 1 for a constant.
    sample = torch.zeros(2, *sample_shape)
    with _quiet_exporter():
        program = torch.onnx.export(
            still,
            (sample,),
            dynamo=True,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=ONNX_OPSET,
            verbose=False,
        )
    if program is None:  # pragma: no cover - the declared type allows it, dynamo=True never returns it
        raise RuntimeError("the ONNX exporter returned nothing")
    model = program.model_proto
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep the exporter's deprecation warnings and log lines from the user's screen."""
    # Its note that torchvision is missing: nothing here needs it.
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
