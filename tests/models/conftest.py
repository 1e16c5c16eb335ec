"""A small network and a checkpoint of it, made without PyTorch."""

import numpy as np
import pytest

from facespot.models import write_checkpoint

ORIGIN = {
    "corpus": "CAS(ME)2",
    "held_out_subject": "s15",
    "licence": "MIT",
    "source_file": "s1.hdf5",
    "source_sha256": "0" * 64,
    "seed": 3,
    "facespot_version": "0.1.0",
}


def _affine_network(weight, bias, *, n_inputs=1, input_type=None):
    """ONNX bytes of ``maps @ weight + bias`` for maps (n, 4): built with onnx alone."""
    onnx = pytest.importorskip("onnx")
    kind = onnx.TensorProto.FLOAT if input_type is None else getattr(onnx.TensorProto, input_type)
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    inputs = [helper.make_tensor_value_info(f"maps{i}", kind, ["n", weight.shape[0]]) for i in range(n_inputs)]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["maps0", "weight", "bias"], ["score"])],
        "affine",
        inputs,
        [helper.make_tensor_value_info("score", kind, ["n", weight.shape[1]])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def weights():
    random = np.random.default_rng(5)
    return {"weight": random.normal(size=(4, 1)).astype(np.float32), "bias": np.array([0.5], dtype=np.float32)}


@pytest.fixture(scope="session")
def affine_network():
    return _affine_network


@pytest.fixture(scope="session")
def network_bytes(weights):
    return _affine_network(weights["weight"], weights["bias"])


@pytest.fixture
def write(weights):
    """Write a checkpoint; any argument can be replaced. The network's bytes need not be a network."""

    def write_with(path, **changes):
        arguments = {
            "method": "softnet",
            "kind": "micro",
            "config": {"roi_layout": "joined", "p": 0.55, "absolute": True, "limit": None},
            "fitted": {"distance_s": 0.2, "thresholds": [0.1, 0.2]},
            "origin": ORIGIN,
            "onnx_bytes": b"any network",
            "weights": weights,
        }
        return write_checkpoint(path, **{**arguments, **changes})

    return write_with
