"""What the readers of other authors' weights share; the whole files are tested where each method imports them."""

import sys

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason='needs pip install "facespot[train]"')

from facespot.errors import MissingDependencyError, WeightsError  # noqa: E402
from facespot.models.keras_files import KerasLayer, check_finite, in_torch_order, read_keras_layers  # noqa: E402

NORM = ((3,),) * 4
DENSE = ((7, 2), (2,))


def write(path, layers, *, whole_model=False):
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        root.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, arrays in layers:
            group = root.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{number}:0".encode() for number in range(len(arrays))]
            for number, array in enumerate(arrays):
                group.create_dataset(f"{name}/{number}:0", data=array)
    return path


def made(shapes, seed=0):
    return [np.random.default_rng(seed).random(shape).astype(np.float32) for shape in shapes]


def read(path, fits=lambda shapes: True):
    return read_keras_layers(path, network="ANY", fits=fits, remedy="give another file")


@pytest.mark.parametrize("whole_model", [False, True])
def test_layers_with_weights_come_in_the_order_of_the_file(tmp_path, whole_model):
    layers = [("z", made(DENSE)), ("pool", []), ("a", made(NORM))]
    found = read(write(tmp_path / "file.hdf5", layers, whole_model=whole_model))
    assert [layer.name for layer in found] == ["z", "a"]
    assert [layer.shapes for layer in found] == [DENSE, NORM]
    for layer, (_, arrays) in zip(found, [layers[0], layers[2]], strict=True):
        assert all(np.array_equal(array, wanted) for array, wanted in zip(layer.arrays, arrays, strict=True))
        assert all(array.dtype == np.float32 for array in layer.arrays)


def test_a_layer_that_does_not_fit_is_refused_by_name_and_shape(tmp_path):
    file = write(tmp_path / "file.hdf5", [("first", made(DENSE)), ("second", made(NORM))])
    with pytest.raises(
        WeightsError, match=r"'second' with \(3,\), \(3,\), \(3,\), \(3,\) does not belong to ANY; give"
    ):
        read(file, fits=lambda shapes: shapes == DENSE)


def test_whole_numbers_are_no_weights(tmp_path):
    file = write(tmp_path / "file.hdf5", [("first", [np.arange(3)])])
    with pytest.raises(WeightsError, match="no floating-point weights"):
        read(file)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_any_number_that_is_not_finite_is_found(value):
    arrays = made(NORM)
    check_finite(KerasLayer("norm", arrays), "file")
    arrays[3][1] = value
    with pytest.raises(WeightsError, match="'norm' holds numbers that are not finite"):
        check_finite(KerasLayer("norm", arrays), "file")


def test_kernels_keep_their_entries_in_the_axes_of_pytorch():
    convolution, dense = made(((5, 4, 2, 3), (7, 2)))
    assert in_torch_order(convolution)[2, 1, 4, 3] == convolution[4, 3, 1, 2]
    assert in_torch_order(dense)[1, 6] == dense[6, 1]
    assert in_torch_order(convolution).flags.c_contiguous


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    file = write(tmp_path / "file.hdf5", [])
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r"importing ANY weights: h5py is not installed"):
        read(file)
