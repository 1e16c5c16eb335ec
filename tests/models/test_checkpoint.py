import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from facespot.errors import OutputError, WeightsError
from facespot.models import read_checkpoint, read_weights, write_checkpoint

FILES = ("network.onnx", "weights.safetensors", "method.json")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def assert_one_line(caught, *parts):
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_what_was_written_is_read(tmp_path, write, weights):
    written = write(tmp_path / "new" / "softnet")
    read = read_checkpoint(str(tmp_path / "new" / "softnet"), method="softnet")
    assert read == written
    assert (read.method, read.kind) == ("softnet", "micro")
    assert read.config == {"roi_layout": "joined", "p": 0.55, "absolute": True, "limit": None}
    assert read.fitted == {"distance_s": 0.2, "thresholds": [0.1, 0.2]}
    assert read.origin["held_out_subject"] == "s15"
    assert read.origin["seed"] == 3
    assert read.network_path.read_bytes() == b"any network"
    read_back = read_weights(read)
    assert read_back.keys() == weights.keys()
    for name, array in weights.items():
        assert read_back[name].dtype == array.dtype
        np.testing.assert_array_equal(read_back[name], array)


def test_a_folder_holds_the_three_files_and_nothing_else(tmp_path, write):
    write(tmp_path / "softnet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["softnet"]
    assert sorted(entry.name for entry in (tmp_path / "softnet").iterdir()) == sorted(FILES)


def test_same_input_same_bytes(tmp_path, write, weights):
    first = write(tmp_path / "a")
    reordered = dict(reversed(weights.items()))
    second = write(tmp_path / "b", weights=reordered, config=dict(reversed(first.config.items())))
    assert contents(first.path) == contents(second.path)
    assert first.digest == second.digest


def test_the_digest_is_over_the_three_files_in_order(tmp_path, write):
    checkpoint = write(tmp_path / "softnet")
    assert checkpoint.digest == hashlib.sha256(b"".join(contents(checkpoint.path)[name] for name in FILES)).hexdigest()


def test_any_change_changes_the_digest(tmp_path, write, weights):
    shifted = {**weights, "bias": weights["bias"] + 1}
    digests = {
        write(tmp_path / "a").digest,
        write(tmp_path / "b", kind="macro").digest,
        write(tmp_path / "c", weights=shifted).digest,
        write(tmp_path / "d", onnx_bytes=b"another network").digest,
    }
    assert len(digests) == 4


def test_unknown_origin_is_null_and_the_version_is_filled_in(tmp_path, write):
    origin = write(tmp_path / "softnet", origin={"corpus": "SAMM-LV"}).origin
    assert origin["corpus"] == "SAMM-LV"
    assert origin["held_out_subject"] is None
    assert set(origin) == {
        "corpus",
        "held_out_subject",
        "licence",
        "source_file",
        "source_sha256",
        "seed",
        "facespot_version",
    }


@given(
    array=npst.arrays(
        npst.floating_dtypes(sizes=(32, 64), endianness="<") | npst.integer_dtypes(sizes=64, endianness="<"),
        npst.array_shapes(min_dims=0, max_dims=4),
        elements={"allow_nan": False},
    ).map(np.transpose)
)
def test_weights_of_any_shape_and_memory_order_come_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("weights") / "c"
    checkpoint = write_checkpoint(
        path, method="m", kind=None, config={}, fitted={}, origin={}, onnx_bytes=b"x", weights={"w": array}
    )
    read_back = read_weights(checkpoint)["w"]
    assert read_back.dtype == array.dtype
    assert read_back.shape == array.shape
    np.testing.assert_array_equal(read_back, array)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(fitted=st.dictionaries(st.text(), json_values))
def test_fitted_values_come_back(tmp_path_factory, fitted):
    path = tmp_path_factory.mktemp("fitted") / "c"
    written = write_checkpoint(
        path, method="m", kind=None, config={}, fitted=fitted, origin={}, onnx_bytes=b"x", weights={}
    )
    assert written.fitted == fitted


def test_an_existing_folder_is_kept(tmp_path, write):
    before = contents(write(tmp_path / "softnet").path)
    with pytest.raises(OutputError) as caught:
        write(tmp_path / "softnet", kind="macro")
    assert_one_line(caught, "already exists")
    assert contents(tmp_path / "softnet") == before


def test_overwrite_replaces_the_whole_checkpoint(tmp_path, write):
    write(tmp_path / "softnet")
    replaced = write(tmp_path / "softnet", kind="macro", overwrite=True)
    assert read_checkpoint(tmp_path / "softnet") == replaced
    assert replaced.kind == "macro"
    assert [entry.name for entry in tmp_path.iterdir()] == ["softnet"]


def test_overwrite_through_a_link_replaces_what_it_points_to(tmp_path, write):
    write(tmp_path / "softnet")
    (tmp_path / "link").symlink_to(tmp_path / "softnet")
    write(tmp_path / "link", kind="macro", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert read_checkpoint(tmp_path / "softnet").kind == "macro"


def test_overwrite_never_removes_anything_but_a_checkpoint(tmp_path, write):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    for name in ("thesis", "file"):
        with pytest.raises(OutputError) as caught:
            write(tmp_path / name, overwrite=True)
        assert_one_line(caught, "not a checkpoint")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "a file"


@pytest.mark.parametrize("failing", FILES)
def test_a_full_disk_leaves_nothing_behind(tmp_path, write, monkeypatch, failing):
    before = contents(write(tmp_path / "softnet").path)
    write_bytes = Path.write_bytes

    def full_disk(path, content):
        if path.name == failing:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    for name in ("softnet", "other"):
        with pytest.raises(OutputError) as caught:
            write(tmp_path / name, kind="macro", overwrite=True)
        assert_one_line(caught, "No space left on device")
    assert [entry.name for entry in tmp_path.iterdir()] == ["softnet"]
    assert contents(tmp_path / "softnet") == before


def test_a_failed_swap_puts_the_old_checkpoint_back(tmp_path, write, monkeypatch):
    before = contents(write(tmp_path / "softnet").path)
    rename = Path.rename

    def failing_rename(path, target):
        if path.suffix == ".partial":
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing_rename)
    with pytest.raises(OutputError):
        write(tmp_path / "softnet", kind="macro", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["softnet"]
    assert contents(tmp_path / "softnet") == before


def test_a_parent_that_is_a_file_is_named(tmp_path, write):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        write(tmp_path / "file" / "softnet")
    assert_one_line(caught, "cannot write the checkpoint")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"kind": "nano"}, "'kind'"),
        ({"method": ""}, "'method'"),
        ({"config": {"sizes": [1, 2]}}, "'config.sizes'"),
        ({"config": {"p": float("nan")}}, "cannot be written as JSON"),
        ({"fitted": {"p": np.float32(0.5)}}, "cannot be written as JSON"),
        ({"origin": {"author": "someone"}}, "'origin.author'"),
        ({"origin": {"seed": 0.5}}, "'origin.seed'"),
    ],
)
def test_values_that_cannot_be_kept_are_refused(tmp_path, write, changes, part):
    with pytest.raises(WeightsError) as caught:
        write(tmp_path / "softnet", **changes)
    assert_one_line(caught, part)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "nowhere")
    assert_one_line(caught, str(tmp_path / "nowhere"), "does not exist", "check the path")


def test_a_file_instead_of_a_folder_points_to_the_import(tmp_path):
    (tmp_path / "s1.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "s1.hdf5")
    assert_one_line(caught, "not a checkpoint folder", "facespot models import")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, write, name):
    write(tmp_path / "softnet")
    (tmp_path / "softnet" / name).unlink()
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "softnet")
    assert_one_line(caught, f"the checkpoint has no {name}")


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_a_files_place_is_named(tmp_path, write, name):
    write(tmp_path / "softnet")
    (tmp_path / "softnet" / name).unlink()
    (tmp_path / "softnet" / name).mkdir()
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "softnet")
    assert_one_line(caught, name, "cannot be read")


@pytest.mark.parametrize("name", ["network.onnx", "weights.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "flipped"])
def test_a_damaged_file_is_named(tmp_path, write, name, damage):
    write(tmp_path / "softnet")
    path = tmp_path / "softnet" / name
    content = path.read_bytes()
    flipped = content[:5] + bytes([content[5] ^ 1]) + content[6:]
    path.write_bytes({"cut": content[:-1], "empty": b"", "flipped": flipped}[damage])
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "softnet")
    assert_one_line(caught, name, "cut short or was changed")


def test_weights_of_another_method_are_refused(tmp_path, write):
    write(tmp_path / "mean", method="mean")
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(tmp_path / "mean", method="softnet")
    assert_one_line(caught, "these are weights of 'mean', not of 'softnet'", "--method mean")


def test_damaged_weights_are_named_when_read_alone(tmp_path, write):
    checkpoint = write(tmp_path / "softnet")
    path = checkpoint.path / "weights.safetensors"
    for content in (path.read_bytes()[:-1], b"", os.urandom(100), b"\xff" * 8):
        path.write_bytes(content)
        with pytest.raises(WeightsError) as caught:
            read_weights(checkpoint)
        assert_one_line(caught, "weights.safetensors", "damaged")
    path.unlink()
    with pytest.raises(WeightsError) as caught:
        read_weights(checkpoint)
    assert_one_line(caught, "no weights.safetensors")


def test_a_checkpoint_is_frozen(tmp_path, write):
    with pytest.raises(dataclasses.FrozenInstanceError):
        write(tmp_path / "softnet").method = "mean"
