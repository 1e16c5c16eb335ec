"""Batches from the rows of several videos."""

import numpy as np
import pytest

from facespot.training.samples import RowSamples

PLACES = np.array([[0, 3], [1, 0], [1, 4], [0, 0], [2, 1]])
TARGETS = np.array([0.0, 1.0, 0.5, 0.0, 1.0], dtype=np.float32)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.random((n, 4, 3), dtype=np.float32) for n in (5, 6, 2)]


def test_a_batch_is_what_the_places_say(arrays):
    samples = RowSamples(arrays, PLACES, TARGETS)
    assert len(samples) == 5
    inputs, targets = samples.batch(np.array([4, 0, 2]), np.random.default_rng(0))
    np.testing.assert_array_equal(inputs, np.stack([arrays[2][1], arrays[0][3], arrays[1][4]]))
    assert targets.tolist() == [[1.0], [0.0], [0.5]]
    assert inputs.dtype == targets.dtype == np.float32


def test_the_altering_gets_the_variants_of_the_batch_and_its_generator(arrays):
    got = []

    def alter(inputs, variants, rng):
        got.append((variants.tolist(), rng.random()))
        return inputs + 1

    samples = RowSamples(arrays, PLACES, TARGETS, variants=np.arange(5), alter=alter)
    inputs, _ = samples.batch(np.array([1, 3]), np.random.default_rng(7))
    np.testing.assert_array_equal(inputs, np.stack([arrays[1][0], arrays[0][0]]) + 1)
    assert got == [([1, 3], np.random.default_rng(7).random())]


class Watched:
    """An array that counts the rows read from it."""

    def __init__(self, array):
        self.array, self.read = array, 0

    def __getitem__(self, row):
        assert isinstance(row, int)
        self.read += 1
        return self.array[row]


def test_only_the_rows_of_a_batch_are_read(arrays):
    watched = [Watched(one) for one in arrays]
    samples = RowSamples(watched, PLACES, TARGETS)
    assert [one.read for one in watched] == [0, 0, 0]
    samples.batch(np.array([0, 1, 2]), np.random.default_rng(0))
    assert [one.read for one in watched] == [1, 2, 0]


def test_memory_mapped_rows_stay_mapped(arrays, tmp_path):
    for number, one in enumerate(arrays):
        np.save(tmp_path / f"{number}.npy", one)
    mapped = [np.load(tmp_path / f"{number}.npy", mmap_mode="r") for number in range(3)]
    samples = RowSamples(mapped, PLACES, TARGETS)
    assert all(isinstance(one, np.memmap) for one in samples._arrays)
    inputs, _ = samples.batch(np.array([2]), np.random.default_rng(0))
    assert inputs.flags.writeable
    inputs[:] = 0
    np.testing.assert_array_equal(mapped[1], arrays[1])


def test_lengths_must_agree(arrays):
    with pytest.raises(ValueError, match="5 places, 4 targets"):
        RowSamples(arrays, PLACES, TARGETS[:4])
    with pytest.raises(ValueError, match="3 variants"):
        RowSamples(arrays, PLACES, TARGETS, variants=np.zeros(3, dtype=np.int64))
