"""SOFTNet weights in Keras layout, and the network once more in plain numpy."""

from dataclasses import dataclass

import numpy as np
import pytest

SHAPES = (
    ((5, 5, 1, 3), (3,)),
    ((5, 5, 1, 5), (5,)),
    ((5, 5, 1, 8), (8,)),
    ((784, 400), (400,)),
    ((400, 1), (1,)),
)
# What Keras lists for the authors' model: the layers without weights are listed too.
LAYERS = (
    *("input_7", "input_8", "input_9", "conv2d_60", "conv2d_61", "conv2d_62", "max_pooling2d_60"),
    *("max_pooling2d_61", "max_pooling2d_62", "concatenate_2", "max_pooling2d_63", "flatten_54", "dense_8", "dense_9"),
)
WEIGHTED = tuple(name for name in LAYERS if name.startswith(("conv", "dense")))


@dataclass
class KerasLayers:
    """Kernel and bias of the five layers, as Keras orders their axes."""

    arrays: list[tuple[np.ndarray, np.ndarray]]

    def write(self, path, *, whole_model=False, layers=LAYERS, weighted=WEIGHTED):
        h5py = pytest.importorskip("h5py")
        arrays = dict(zip(weighted, self.arrays, strict=True))
        with h5py.File(path, "w") as file:
            root = file.create_group("model_weights") if whole_model else file
            root.attrs["layer_names"] = [name.encode() for name in layers]
            root.attrs["backend"] = b"tensorflow"
            root.attrs["keras_version"] = b"2.4.0"
            for layer in layers:
                group = root.create_group(layer)
                names = [f"{layer}/kernel:0", f"{layer}/bias:0"] if layer in arrays else []
                group.attrs["weight_names"] = [name.encode() for name in names]
                for name, array in zip(names, arrays.get(layer, ()), strict=True):
                    group.create_dataset(name, data=array)
        return path

    def score(self, maps):
        """Plain loops in float64, channels last, as Keras computes it."""
        *convolutions, (dense, dense_bias), (output, output_bias) = [
            (kernel.astype(np.float64), bias.astype(np.float64)) for kernel, bias in self.arrays
        ]
        streams = []
        for channel, (kernel, bias) in enumerate(convolutions):
            padded = np.pad(maps[..., channel].astype(np.float64), ((0, 0), (2, 2), (2, 2)))
            total = np.zeros((*maps.shape[:3], len(bias))) + bias
            for row in range(5):
                for column in range(5):
                    shifted = padded[:, row : row + 42, column : column + 42]
                    total += shifted[..., None] * kernel[row, column, 0]
            streams.append(pooled(np.maximum(total, 0.0), 3))
        flat = pooled(np.concatenate(streams, axis=-1), 2).reshape(len(maps), -1)
        return np.maximum(flat @ dense + dense_bias, 0.0) @ output + output_bias


def pooled(maps, size):
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // size, size, width // size, size, channels).max(axis=(2, 4))


@pytest.fixture
def keras_layers():
    random = np.random.default_rng(11)
    arrays = []
    for kernel_shape, bias_shape in SHAPES:
        scale = 1.0 / np.sqrt(np.prod(kernel_shape[:-1]))
        kernel = random.normal(scale=scale, size=kernel_shape).astype(np.float32)
        arrays.append((kernel, random.normal(scale=0.1, size=bias_shape).astype(np.float32)))
    return KerasLayers(arrays)


@pytest.fixture(scope="session")
def maps():
    """Maps as the features room makes them, with an empty and a full one at the end."""
    random = np.random.default_rng(12)
    return np.concatenate([random.random((16, 42, 42, 3)), np.zeros((1, 42, 42, 3)), np.ones((1, 42, 42, 3))]).astype(
        np.float32
    )
