"""``facespot methods``, ``models`` and the help pages."""

import subprocess
import sys
from inspect import signature

import pytest

from facespot.models import shipped_methods


def facespot(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "facespot", *map(str, arguments)], capture_output=True, text=True, cwd=cwd
    )


def test_methods_are_listed_with_what_they_need():
    done = facespot("methods", "list")
    assert done.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert list(listed) == ["strain", "softnet", "mean", "spotgcn", "fesnet", "regiontcn"]
    assert "needs no weights" in listed.pop("strain")
    with_weights = [name for name, summary in listed.items() if "weights come with facespot" in summary]
    assert with_weights == [name for name in listed if name in shipped_methods()]
    assert "regiontcn" in with_weights
    assert all("needs --weights" in summary for name, summary in listed.items() if name not in with_weights)
    assert [name for name, summary in listed.items() if "the default" in summary] == ["regiontcn"]


def test_the_default_method_is_the_same_everywhere():
    from facespot import spot
    from facespot.cli.bench import DEFAULT_METHOD as OF_BENCH
    from facespot.cli.spot import spot_command
    from facespot.methods import DEFAULT_METHOD

    assert signature(spot).parameters["method"].default == DEFAULT_METHOD
    assert signature(spot_command).parameters["method"].default == DEFAULT_METHOD
    assert OF_BENCH == DEFAULT_METHOD


@pytest.mark.parametrize("name", ["strain", "softnet", "mean", "spotgcn", "fesnet", "regiontcn"])
def test_every_setting_of_a_method_is_shown_and_explained(name):
    from dataclasses import fields

    from facespot.methods.fesnet.config import FesnetConfig
    from facespot.methods.mean.config import MeanConfig
    from facespot.methods.regiontcn.config import RegiontcnConfig
    from facespot.methods.softnet.method import SoftnetConfig
    from facespot.methods.spotgcn.config import SpotgcnConfig
    from facespot.methods.strain.method import StrainConfig

    done = facespot("methods", "show", name)
    shown, explained = done.stdout.split("Settings of", 1)
    configs = {"strain": StrainConfig, "softnet": SoftnetConfig, "mean": MeanConfig, "spotgcn": SpotgcnConfig,
               "fesnet": FesnetConfig, "regiontcn": RegiontcnConfig}  # fmt: skip
    for field in fields(configs[name]):
        assert f"  {field.name} = {field.default}" in shown
        assert field.name in explained


@pytest.mark.parametrize(
    "command", [[], ["spot"], ["evaluate"], ["methods"], ["methods", "show"], ["models"], ["models", "import"]], ids=str
)
def test_help_has_an_example(command):
    done = facespot(*command, "--help")
    assert done.returncode == 0
    if command not in (["methods"], ["models"]):
        assert f"facespot {' '.join(command)}".strip() in done.stdout.split("xample")[1]


def test_an_unknown_method_ends_in_one_line():
    done = facespot("methods", "show", "magic")
    assert (done.returncode, done.stdout) == (2, "")
    known = "strain, softnet, mean, spotgcn, fesnet, regiontcn"
    assert done.stderr == f"facespot: --method: there is no method 'magic'; choose one of {known}\n"


def test_the_authors_weights_become_a_checkpoint(reference_file, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    file = reference_file("softnet_CASME_sq_macro_s1.hdf5")
    done = facespot("models", "import", "softnet", file, "--out", "weights", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "softnet macro, sha256 " in done.stdout
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == [
        "method.json", "network.onnx", "weights.safetensors",
    ]  # fmt: skip
    again = facespot("models", "import", "softnet", file, "--out", "weights", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["magic", "x.hdf5"], "choose softnet or mean"),
        (["softnet", "nowhere.hdf5"], "does not exist"),
        (["softnet", "a.hdf5", "b.hdf5"], "2 files of softnet are given"),
        (["softnet", "a.hdf5", "--classes", "a,b"], "softnet names no emotions"),
        (["mean", "nowhere.hdf5"], "does not exist"),
        (["mean", "a.hdf5", "b.hdf5", "c.hdf5"], "3 files of mean are given"),
        (["mean", "a.hdf5", "--corpus", "SAMMLV"], "leave --corpus out"),
    ],
)
def test_weights_that_cannot_be_imported_end_in_one_line(tmp_path, arguments, words):
    done = facespot("models", "import", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
