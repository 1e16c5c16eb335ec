"""Doctests are collected from every module; those that need PyTorch are left out where it is not installed."""

from importlib.util import find_spec

NEED_TORCH = (
    "src/facespot/methods/*/network.py",
    "src/facespot/methods/*/fitting.py",
    "src/facespot/methods/*/losses.py",
    "src/facespot/methods/softnet/backbones*",
    "src/facespot/methods/*/grad_cam.py",
    "src/facespot/training/averaging.py",
    "src/facespot/training/grad_cam.py",
    "src/facespot/training/loop.py",
    "src/facespot/training/onnx_export.py",
    "src/facespot/training/state.py",
)
collect_ignore_glob = [] if find_spec("torch") else list(NEED_TORCH)
