"""MEAN weights in Keras layout, and the network once more in plain numpy."""

from dataclasses import dataclass, field

import numpy as np
import pytest

FILTERS = (3, 3, 8)


@dataclass
class KerasMean:
    """Arrays of a made-up network by the names of its layers, as Keras orders axes and layers."""

    arrays: dict[str, tuple[np.ndarray, ...]] = field(default_factory=dict)

    def write(self, path, *, whole_model=False, order=None):
        h5py = pytest.importorskip("h5py")
        names = {1: (), 2: ("kernel:0", "bias:0"), 4: ("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0")}
        with h5py.File(path, "w") as file:
            root = file.create_group("model_weights") if whole_model else file
            layers = ["input_1", *(order or self.arrays), "flatten_1"]
            root.attrs["layer_names"] = [layer.encode() for layer in layers]
            for layer in layers:
                arrays = self.arrays.get(layer, ())
                group = root.create_group(layer)
                listed = [f"{layer}/{name}" for name in names[len(arrays) or 1]]
                group.attrs["weight_names"] = [name.encode() for name in listed]
                for name, array in zip(listed, arrays, strict=True):
                    group.create_dataset(name, data=array)
        return path

    def only(self, *heads):
        """The network without the heads that are not named."""
        kept = {name: value for name, value in self.arrays.items() if name.split("_")[0] not in ("spot", "recog")}
        return KerasMean(kept | {name: self.arrays[name] for head in heads for name in (f"{head}_conv", f"{head}_out")})

    def concat(self, maps):
        streams = []
        for index in range(3):
            kernel, bias = self.arrays[f"conv_{index}"]
            gamma, beta, mean, variance = self.arrays[f"norm_{index}"]
            positive = np.maximum(convolved(maps[..., index : index + 1], kernel, bias), 0.0)
            streams.append(pooled((positive - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 3))
        return np.concatenate(streams, axis=-1)

    def output(self, maps, head):
        kernel, bias = self.arrays[f"{head}_conv"]
        flat = pooled(np.maximum(convolved(self.concat(maps), kernel, bias), 0.0), 2).reshape(len(maps), -1)
        kernel, bias = self.arrays[f"{head}_out"]
        values = flat @ kernel.astype(float) + bias
        if head == "spot":
            return values
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def convolved(maps, kernel, bias):
    n, height, width, _ = maps.shape
    padded = np.pad(maps.astype(float), ((0, 0), (2, 2), (2, 2), (0, 0)))
    total = np.zeros((n, height, width, len(bias))) + bias
    for row, column in np.ndindex(5, 5):
        total += padded[:, row : row + height, column : column + width] @ kernel[row, column].astype(float)
    return total


def pooled(maps, size):
    n, height, width, channels = maps.shape
    return maps.reshape(n, height // size, size, width // size, size, channels).max(axis=(2, 4))


@pytest.fixture
def keras_mean():
    """A network with both heads and three classes, its layers in the order of the authors' files."""
    random = np.random.default_rng(11)

    def layer(*shape):
        kernel = random.normal(scale=1.0 / np.sqrt(np.prod(shape[:-1])), size=shape).astype(np.float32)
        return kernel, random.normal(scale=0.1, size=shape[-1:]).astype(np.float32)

    arrays = {f"conv_{index}": layer(5, 5, 1, filters) for index, filters in enumerate(FILTERS)}
    for index, filters in enumerate(FILTERS):
        arrays[f"norm_{index}"] = tuple(random.uniform(0.5, 1.5, (4, filters)).astype(np.float32))
    arrays |= {"spot_conv": layer(5, 5, 14, 8), "recog_conv": layer(5, 5, 14, 8)}
    return KerasMean(arrays | {"spot_out": layer(392, 1), "recog_out": layer(392, 3)})


@pytest.fixture(scope="session")
def maps():
    """Maps as the features room makes them, with an empty and a full one at the end."""
    random = np.random.default_rng(12)
    return np.concatenate([random.random((6, 42, 42, 3)), np.zeros((1, 42, 42, 3)), np.ones((1, 42, 42, 3))]).astype(
        np.float32
    )
