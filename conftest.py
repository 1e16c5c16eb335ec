"""Doctests are collected from every module; those that need PyTorch are left out where it is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["src/facespot/methods/softnet/network.py"]
