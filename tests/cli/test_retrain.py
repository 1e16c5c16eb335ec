"""``facespot models retrain`` as its user gives it, with the recipe that comes with facespot and with a small one."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer.main

from facespot.cli.main import app
from facespot.cli.main import run as facespot_main
from facespot.experiments.recipe import read_recipe
from facespot.methods.registry import METHODS

TABLE = Path(__file__).parents[2] / "examples" / "demo_truth.csv"
SMALL = """
[[steps]]
name = "table"
command = "convert {face_model} {dir}/one.json"

[[steps]]
name = "mean"
method = "mean"
command = "convert {dir}/one.json {dir}/two.csv"

[[steps]]
name = "softnet"
method = "softnet"
command = "convert {dir}/nowhere.csv {dir}/three.csv"
"""


@pytest.fixture
def facespot(monkeypatch, capfd):
    """Runs ``facespot models retrain`` in this process: exit code, stdout and stderr, those of its steps included."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["facespot", "models", "retrain", *map(str, arguments)])
        try:
            facespot_main()
        except SystemExit as ended:
            code = ended.code
        out, err = capfd.readouterr()
        return int(code or 0), out, err

    return call


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small recipe in place of the real one, and a table in place of the face model."""
    (tmp_path / "recipe.toml").write_text(SMALL)
    monkeypatch.setattr("facespot.experiments.recipe.RECIPE", tmp_path / "recipe.toml")
    model = tmp_path / "model.csv"
    shutil.copy(TABLE, model)
    return model


def test_the_commands_are_printed_and_nothing_is_done(facespot, tmp_path):
    code, out, err = facespot(tmp_path / "made", "--face-model", "ict.npz", "--workers", "3", "--dry-run")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(read_recipe())
    assert all(line.startswith("facespot ") for line in lines)
    assert "{" not in out
    assert f" {tmp_path / 'made'}/" in lines[0]
    assert " --workers 3" in lines[0]
    assert not (tmp_path / "made").exists()


def test_every_method_that_learns_is_in_the_recipe():
    assert {step.method for step in read_recipe()} - {""} == {
        name for name, entry in METHODS.items() if entry.needs_weights
    }


@pytest.mark.parametrize("step", read_recipe(), ids=lambda step: step.name)
def test_every_step_of_the_recipe_is_a_command_of_facespot(step):
    words = list(step.command({"dir": "made", "face_model": "ict.npz", "workers": "2"}))
    command, path = typer.main.get_command(app), []
    while hasattr(command, "commands"):
        path.append(words.pop(0))
        assert path[-1] in command.commands, " ".join(path)
        command = command.commands[path[-1]]
    # Unknown options, missing ones and values of a wrong type end in an error here; nothing is run.
    context = command.make_context(" ".join(path), words)
    if path == ["train"]:
        assert context.params["method"] in METHODS
        assert context.params["out"].name == context.params["method"] == step.method


def test_steps_are_printed_and_done_and_the_first_failure_ends_it(facespot, small, tmp_path):
    made = tmp_path / "made"
    code, out, err = facespot(made, "--face-model", small)
    assert code == 2
    steps = [line for line in out.splitlines() if line.startswith("[")]
    first, second, third = (f"facespot convert {one}" for one in (
        f"{small} {made}/one.json", f"{made}/one.json {made}/two.csv", f"{made}/nowhere.csv {made}/three.csv"
    ))  # fmt: skip
    assert steps == [f"[1/3] {first}", f"[2/3] {second}", f"[3/3] {third}"]
    assert (made / "two.csv").exists()
    of_the_step, own = err.splitlines()
    assert "nowhere.csv" in of_the_step
    assert own.startswith("facespot: step 'softnet': it ended with exit code 2; ")
    (made / "nowhere.csv").write_text(small.read_text())
    code, out, err = facespot(made, "--face-model", small)
    assert (code, err) == (0, "")
    steps = [line for line in out.splitlines() if line.startswith("[")]
    assert steps == [f"[1/3] {first}  (done before)", f"[2/3] {second}  (done before)", f"[3/3] {third}"]
    assert (made / "three.csv").exists()


def test_only_one_method(facespot, small, tmp_path):
    code, out, err = facespot(tmp_path / "made", "--face-model", small, "--method", "mean")
    assert (code, err) == (0, "")
    assert [line[:5] for line in out.splitlines() if line.startswith("[")] == ["[1/2]", "[2/2]"]


def test_stopping_it_says_how_to_go_on(facespot, small, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("facespot.experiments.recipe.subprocess.run", stop)
    code, _, err = facespot(tmp_path / "made", "--face-model", small)
    assert code == 130
    assert err == "facespot: stopped; give the same command again to go on\n"
    assert list((tmp_path / "made" / "steps").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("made --face-model nowhere", "nowhere is not there"),
        ("made --face-model MODEL --method strain", "no weights of 'strain'"),
        ("made --face-model MODEL --workers 0", "--workers"),
    ],
)
def test_bad_input_ends_in_one_line_and_nothing_is_made(facespot, small, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = facespot(*shlex.split(arguments.replace("MODEL", str(small))))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("facespot: ")
    assert words in err
    assert not (tmp_path / "made").exists()
