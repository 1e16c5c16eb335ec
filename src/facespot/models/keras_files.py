"""Layers with weights in a Keras HDF5 file, as the authors of SOFTNet and MEAN publish them; no TensorFlow.

Layout of the file: the attribute ``layer_names`` lists the layers in order, each layer is a group whose attribute
``weight_names`` lists its arrays (a kernel before its bias; of batch normalisation gamma, beta, moving mean, moving
variance). The names differ from file to file (conv2d, conv2d_60), so layers are told by order and shape. A file of a
whole model holds the same under ``model_weights``. Convolution kernels are (height, width, in, out), dense kernels
(in, out).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from facespot.errors import MissingDependencyError, WeightsError
from facespot.values import FloatArray

Shapes: TypeAlias = tuple[tuple[int, ...], ...]


class KerasLayer(NamedTuple):
    """One layer with weights.

    Parameters
    ----------
    name : str
        Its name in the file.
    arrays : list of float32 array
        Its weights, in the order of the file and with the axes of Keras.
    """

    name: str
    arrays: list[FloatArray]

    @property
    def shapes(self) -> Shapes:
        """Shape of each array."""
        return tuple(array.shape for array in self.arrays)


def read_keras_layers(
    file: str | Path, *, network: str, fits: Callable[[Shapes], bool], remedy: str
) -> list[KerasLayer]:
    """Layers of a file that have weights, in order.

    Parameters
    ----------
    file : str or Path
        Keras HDF5, weights only or a whole model.
    network : str
        Name of the network whose weights are expected, for the messages.
    fits : callable
        Whether the network has a layer with arrays of these shapes. Other layers are refused before their weights are
        read: a file of a large network costs nothing to refuse.
    remedy : str
        What to do where the file is of another kind.

    Raises
    ------
    WeightsError
        No such file, not HDF5, damaged, or of another network.
    MissingDependencyError
        h5py is not installed.
    """
    file = Path(file)
    where = str(file)
    if not file.exists():
        raise WeightsError(where, "the file does not exist", "check the path")
    try:
        import h5py
    except ImportError as error:
        raise missing_library(error, network) from None
    if not file.is_file() or not h5py.is_hdf5(file):
        raise WeightsError(where, "is not a Keras HDF5 file", remedy)
    try:
        with h5py.File(file, "r") as content:
            return _weighted_layers(content, where, network, fits, remedy)
    # h5py raises any of these where a file is damaged inside.
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise WeightsError(where, f"the HDF5 file is damaged ({error})", "download the file again") from None


def check_finite(layer: KerasLayer, where: str) -> None:
    """Raise a `WeightsError` where a layer holds NaN or infinity."""
    if not all(np.isfinite(array).all() for array in layer.arrays):
        raise WeightsError(where, f"the layer '{layer.name}' holds numbers that are not finite", "use another file")


def in_torch_order(kernel: FloatArray) -> FloatArray:
    """A kernel with the axes of PyTorch: (out, in, height, width) of a convolution, (out, in) of a dense layer.

    >>> in_torch_order(np.zeros((5, 3, 1, 8), np.float32)).shape, in_torch_order(np.zeros((784, 400), np.float32)).shape
    ((8, 1, 5, 3), (400, 784))
    """
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T)


def missing_library(error: ImportError, network: str) -> MissingDependencyError:
    """The error to raise where a library that the import of weights needs is not installed."""
    missing = error.name or "a library"
    return MissingDependencyError(
        f"importing {network} weights", f"{missing} is not installed", 'run pip install "facespot[train]"'
    )


def _weighted_layers(
    content: Any, where: str, network: str, fits: Callable[[Shapes], bool], remedy: str
) -> list[KerasLayer]:
    root = content.get("model_weights", content)
    if "layer_names" not in root.attrs:
        raise WeightsError(where, "is an HDF5 file but holds no Keras layers", remedy)
    layers = []
    for name in _texts(root.attrs["layer_names"]):
        arrays = [root[name][array] for array in _texts(root[name].attrs["weight_names"])]
        if any(array.dtype.kind != "f" for array in arrays):
            raise WeightsError(where, f"the layer '{name}' holds no floating-point weights", remedy)
        if arrays and not fits(tuple(array.shape for array in arrays)):
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise WeightsError(where, f"the layer '{name}' with {shapes} does not belong to {network}", remedy)
        if arrays:
            layers.append(KerasLayer(name, [np.asarray(array[()], dtype=np.float32) for array in arrays]))
    return layers


def _texts(attribute: Any) -> Sequence[str]:
    return [item.decode() if isinstance(item, bytes) else str(item) for item in np.atleast_1d(attribute)]
