"""Weights that come with facespot: found by method, whole, small, and in every wheel."""

import subprocess
from pathlib import Path

import pytest

from facespot.methods import METHODS, load_method
from facespot.models import OnnxNetwork, read_checkpoint, read_weights, shipped_card, shipped_methods, shipped_weights
from facespot.models.shipped import WEIGHTS, shipped_folder

ROOT = Path(__file__).parents[2]
SHIPPED = [path for name in shipped_methods() for path in shipped_weights(name)]
NOTHING = [pytest.param(None, marks=pytest.mark.skip(reason="no weights are shipped yet"))]


@pytest.fixture
def root(tmp_path, write):
    write(tmp_path / "softnet" / "micro")
    write(tmp_path / "softnet" / "macro", kind="macro")
    write(tmp_path / "spotgcn" / "both", method="spotgcn", kind=None)
    (tmp_path / "spotgcn" / "card.md").write_text("Größe\nmore\n", encoding="utf-8")
    (tmp_path / "mean").mkdir()
    (tmp_path / "mean" / "card.md").write_text("a card without weights")
    (tmp_path / "README.md").write_text("no method")
    return tmp_path


def test_weights_are_found_by_method(root):
    assert shipped_methods(root) == ("softnet", "spotgcn")
    assert shipped_weights("softnet", root) == (root / "softnet" / "macro", root / "softnet" / "micro")
    assert shipped_weights("spotgcn", root) == (root / "spotgcn" / "both",)
    assert shipped_weights("mean", root) == shipped_weights("README.md", root) == shipped_weights("magic", root) == ()


def test_a_card_is_the_text_of_its_file(root):
    assert shipped_card("spotgcn", root) == "Größe\nmore\n"
    assert shipped_card("softnet", root) is None


def test_without_the_folder_nothing_is_shipped(tmp_path):
    assert shipped_methods(tmp_path / "absent") == ()
    assert shipped_weights("softnet", tmp_path / "absent") == ()


def test_the_folder_of_the_package_is_taken(monkeypatch, root):
    assert ROOT / "src" / "facespot" / "weights" == WEIGHTS
    monkeypatch.setattr("facespot.models.shipped.WEIGHTS", root)
    assert shipped_methods() == ("softnet", "spotgcn")
    assert shipped_folder("softnet") == root / "softnet"
    assert len(shipped_weights("softnet")) == 2
    assert shipped_card("spotgcn").startswith("Größe")


def test_no_file_of_weights_is_kept_out_of_a_wheel_by_the_ignored_names():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: the build reads .gitignore")
    names = ["card.md", "facts.toml", "both/network.onnx", "both/weights.safetensors", "both/method.json"]
    paths = [f"src/facespot/weights/{method}/{name}" for method in METHODS for name in names]
    found = subprocess.run(["git", "check-ignore", "--no-index", *paths], cwd=ROOT, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (1, "")


def test_what_is_shipped_belongs_to_methods_and_is_small():
    assert set(shipped_methods()) <= {name for name, entry in METHODS.items() if entry.needs_weights}
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 30e6
    # Data only: nothing that runs, is unpickled, or was left half-written.
    assert {path.suffix for path in files} <= {".md", ".toml", ".json", ".onnx", ".safetensors"}
    assert not [path for path in WEIGHTS.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("path", SHIPPED or NOTHING, ids=lambda path: path and f"{path.parent.name}-{path.name}")
def test_every_shipped_checkpoint_is_whole_and_tells_where_it_comes_from(path):
    checkpoint = read_checkpoint(path, method=path.parent.name)
    assert path.name == (checkpoint.kind or "both")
    assert OnnxNetwork(checkpoint.network_path).input_shape
    assert read_weights(checkpoint)
    assert all(checkpoint.origin[key] is not None for key in ("corpus", "seed", "licence", "facespot_version"))


@pytest.mark.parametrize("name", shipped_methods() or NOTHING)
def test_every_method_loads_its_shipped_weights(name):
    used = [one["sha256"] for one in load_method(name).weights_used()]
    assert sorted(used) == sorted(read_checkpoint(path).digest for path in shipped_weights(name))
    assert shipped_card(name) is not None
