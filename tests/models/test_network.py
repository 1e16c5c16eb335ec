import numpy as np
import pytest

from facespot.errors import WeightsError
from facespot.models import OnnxNetwork


@pytest.fixture
def network(tmp_path, network_bytes):
    (tmp_path / "network.onnx").write_bytes(network_bytes)
    return OnnxNetwork(tmp_path / "network.onnx")


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(2).normal(size=(1000, 4)).astype(np.float32)


def by_hand(samples, weights):
    return samples.astype(np.float64) @ weights["weight"].astype(np.float64) + weights["bias"].astype(np.float64)


@pytest.mark.parametrize("batch_size", [1, 7, 256, 1000, 5000])
def test_outputs_are_those_of_the_network_whatever_the_batch(network, samples, weights, batch_size):
    outputs = network.run(samples, batch_size=batch_size)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, by_hand(samples, weights), atol=1e-5)


def test_the_shape_of_one_sample_is_told(network):
    assert network.input_shape == (4,)


def test_no_samples_give_no_outputs(network):
    assert network.run(np.empty((0, 4), dtype=np.float32)).shape == (0, 1)


def test_other_dtypes_and_memory_orders_are_converted(network, samples, weights):
    for given in (samples.astype(np.float64), np.asfortranarray(samples), samples[::-1][::-1]):
        np.testing.assert_allclose(network.run(given), by_hand(samples, weights), atol=1e-5)


def test_a_memory_map_is_read_a_batch_at_a_time(network, samples, weights, tmp_path):
    class Watched(np.memmap):
        taken: list[int] = []  # noqa: RUF012

        def __getitem__(self, index):
            part = super().__getitem__(index)
            self.taken.append(len(part))
            return part

    np.save(tmp_path / "samples.npy", samples)
    mapped = np.load(tmp_path / "samples.npy", mmap_mode="r").view(Watched)
    np.testing.assert_allclose(network.run(mapped, batch_size=300), by_hand(samples, weights), atol=1e-5)
    assert Watched.taken == [300, 300, 300, 100]


@pytest.mark.parametrize("shape", [(3, 5), (3,), (3, 4, 1), (0, 3), ()])
def test_another_input_shape_is_refused(network, shape):
    with pytest.raises(WeightsError, match="takes 4 per frame") as caught:
        network.run(np.zeros(shape, dtype=np.float32))
    assert "\n" not in str(caught.value)


def test_a_batch_holds_at_least_one_sample(network, samples):
    with pytest.raises(ValueError, match="batch_size"):
        network.run(samples, batch_size=0)


def test_the_file_is_opened_at_first_use(tmp_path):
    network = OnnxNetwork(tmp_path / "network.onnx")
    with pytest.raises(WeightsError, match="does not exist"):
        network.run(np.zeros((1, 4), dtype=np.float32))


@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_a_damaged_network_is_one_line(tmp_path, network_bytes, damage, capfd):
    content = {"cut": network_bytes[: len(network_bytes) // 2], "empty": b"", "noise": bytes(range(256))}[damage]
    (tmp_path / "network.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match="not a network that can be run") as caught:
        OnnxNetwork(tmp_path / "network.onnx").run(np.zeros((1, 4), dtype=np.float32))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_folder_in_the_networks_place_is_one_line(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        OnnxNetwork(tmp_path).run(np.zeros((1, 4), dtype=np.float32))


@pytest.mark.parametrize("form", [{"n_inputs": 2}, {"input_type": "DOUBLE"}])
def test_a_network_of_another_form_is_refused(tmp_path, affine_network, form):
    dtype = np.float64 if "input_type" in form else np.float32
    content = affine_network(np.ones((4, 1), dtype), np.ones(1, dtype), **form)
    (tmp_path / "network.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match="one float32 input and one output"):
        OnnxNetwork(tmp_path / "network.onnx").run(np.zeros((1, 4), dtype=np.float32))
