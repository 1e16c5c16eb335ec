"""Methods with the weights that come with facespot, with the user's own, and without any."""

import shutil

import pytest

from facespot.errors import SettingsError, WeightsError
from facespot.methods import load_method, load_recognizer, new_method
from facespot.models import read_checkpoint, write_checkpoint
from facespot.pipeline import ready_recognizer


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """An empty folder in place of that of the shipped weights."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("facespot.models.shipped.WEIGHTS", folder)
    return folder


def digests(method):
    return [one["sha256"] for one in method.weights_used()]


def test_the_shipped_weights_of_both_types_are_used_where_none_are_given(shipped, random_checkpoints):
    for folder in random_checkpoints:
        shutil.copytree(folder, shipped / "softnet" / folder.name)
    assert digests(load_method("softnet")) == [read_checkpoint(folder).digest for folder in random_checkpoints]
    assert load_method("softnet", settings={"p": "0.7"}).config.p == 0.7
    assert digests(load_method("softnet", weights=random_checkpoints[1:])) == [
        read_checkpoint(random_checkpoints[1]).digest
    ]


@pytest.mark.parametrize("name", ["spotgcn", "fesnet"])
def test_one_shipped_network_of_both_types_is_used(shipped, name, request):
    folder = request.getfixturevalue(f"random_{name}_checkpoint")
    shutil.copytree(folder, shipped / name / "both")
    assert digests(load_method(name)) == [read_checkpoint(folder).digest]


def test_a_method_that_is_to_be_trained_starts_from_nothing(shipped, random_spotgcn_checkpoint):
    before = new_method("spotgcn").config
    shutil.copytree(random_spotgcn_checkpoint, shipped / "spotgcn" / "both")
    assert load_method("spotgcn").config != before
    assert new_method("spotgcn").config == before
    assert new_method("spotgcn").weights_used() == []


def test_emotions_are_named_with_the_shipped_weights(shipped, random_mean_checkpoint):
    shutil.copytree(random_mean_checkpoint, shipped / "mean" / "micro")
    assert load_recognizer("mean").classes == ready_recognizer("mean").classes == ("negative", "positive", "surprise")
    assert digests(load_recognizer("mean")) == [read_checkpoint(random_mean_checkpoint).digest]


def test_shipped_weights_that_only_spot_name_no_emotions(shipped, tmp_path):
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.mean.network import MAP_SHAPE, MEAN
    from facespot.training.onnx_export import to_onnx

    network = MEAN(0, generator=torch.Generator().manual_seed(3))
    write_checkpoint(shipped / "mean" / "micro", method="mean", kind="micro", config={}, fitted={"classes": []},
                     origin={}, onnx_bytes=to_onnx(network, MAP_SHAPE, output_names=("outputs",)),
                     weights=network.weights())  # fmt: skip
    with pytest.raises(SettingsError, match="the shipped weights of 'mean': these weights only spot"):
        load_recognizer("mean")


@pytest.mark.parametrize(
    ("name", "released"), [("softnet", True), ("mean", True), ("spotgcn", False), ("fesnet", False)]
)
def test_a_method_without_weights_says_where_they_come_from(shipped, name, released):
    with pytest.raises(SettingsError) as caught:
        load_method(name)
    line = str(caught.value)
    assert line.startswith(f"--weights: the method {name!r} needs weights; pass --weights DIR, made by 'facespot run'")
    assert line.endswith("or choose a method that comes with weights, see 'facespot models list'")
    assert (f"facespot models import {name}" in line) == released
    assert "\n" not in line


def test_damaged_shipped_weights_are_not_passed_over(shipped, random_spotgcn_checkpoint):
    shutil.copytree(random_spotgcn_checkpoint, shipped / "spotgcn" / "both")
    (shipped / "spotgcn" / "both" / "method.json").unlink()
    with pytest.raises(WeightsError, match=r"no method\.json"):
        load_method("spotgcn")


def test_strain_takes_none(shipped, tmp_path):
    assert load_method("strain").weights_used() == []
    with pytest.raises(SettingsError, match="has no weights"):
        load_method("strain", weights=[tmp_path])
