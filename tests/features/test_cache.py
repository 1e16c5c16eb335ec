"""The cache: whole entries or none."""

import numpy as np
import pytest

from facespot.errors import OutputError
from facespot.features.cache import FeatureCache, RowWriter, read_arrays, write_arrays
from facespot.values import FeatureSpec

SPEC = FeatureSpec("strain", 1, {"distance_s": 0.2})


def test_an_entry_is_found_by_video_and_spec(tmp_path):
    cache = FeatureCache(tmp_path)
    with cache.create("video", SPEC) as folder:
        assert cache.find("video", SPEC) is None
        write_arrays(folder, {"values": np.arange(3.0)})
    found = cache.find("video", SPEC)
    np.testing.assert_array_equal(read_arrays(found)["values"], [0, 1, 2])
    assert cache.find("other", SPEC) is None
    assert cache.find("video", FeatureSpec("strain", 2, SPEC.settings)) is None


def test_a_failure_leaves_nothing(tmp_path):
    cache = FeatureCache(tmp_path)
    with pytest.raises(RuntimeError, match="stop"), cache.create("video", SPEC):
        raise RuntimeError("stop")
    assert cache.find("video", SPEC) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not list(cache.place("video", SPEC).parent.iterdir())


def test_two_writers_of_one_entry_do_not_disturb_each_other(tmp_path):
    cache = FeatureCache(tmp_path)
    with cache.create("video", SPEC) as first:
        with cache.create("video", SPEC) as second:
            write_arrays(second, {"values": np.ones(2)})
        write_arrays(first, {"values": np.ones(2)})
    np.testing.assert_array_equal(read_arrays(cache.find("video", SPEC))["values"], [1, 1])
    assert len(list(cache.place("video", SPEC).parent.iterdir())) == 1


def test_a_damaged_entry_is_made_again(tmp_path):
    cache = FeatureCache(tmp_path)
    with cache.create("video", SPEC) as folder:
        write_arrays(folder, {"values": np.zeros(2)})
    (cache.place("video", SPEC) / "spec.json").write_text("{")
    assert cache.find("video", SPEC) is None
    with cache.create("video", SPEC) as folder:
        write_arrays(folder, {"values": np.ones(2)})
    np.testing.assert_array_equal(read_arrays(cache.find("video", SPEC))["values"], [1, 1])


def test_a_place_that_is_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), FeatureCache(tmp_path / "cache").create("v", SPEC):
        pass


def test_rows_are_appended_to_a_readable_array(tmp_path):
    rows = np.random.default_rng(0).random((5, 2, 3)).astype(np.float32)
    with RowWriter(tmp_path / "values.npy", 5, (2, 3)) as writer:
        writer.append(rows[:2])
        writer.append(rows[2:])
    np.testing.assert_array_equal(np.load(tmp_path / "values.npy"), rows)


def test_bytes_are_written_as_bytes_and_mapped(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    with RowWriter(tmp_path / "values.npy", 5, (4, 4, 3), "|u1") as writer:
        writer.append(rows[:4])
        writer.append(rows[4:])
    values = read_arrays(tmp_path)["values"]
    assert isinstance(values, np.memmap)
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values, rows)
    # The header of a .npy file is padded to 128 bytes.
    assert (tmp_path / "values.npy").stat().st_size == 128 + rows.size


def test_rows_are_float32_unless_told_otherwise(tmp_path):
    with RowWriter(tmp_path / "values.npy", 2, (3,)) as writer:
        writer.append(np.arange(6, dtype=np.uint8).reshape(2, 3))
    values = read_arrays(tmp_path)["values"]
    assert values.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(values, [[0, 1, 2], [3, 4, 5]])


def test_missing_rows_are_noticed(tmp_path):
    with pytest.raises(ValueError, match="5 rows were not written"), RowWriter(tmp_path / "values.npy", 5, ()):
        pass
