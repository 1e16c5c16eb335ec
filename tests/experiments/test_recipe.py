"""Recipes: the order of steps, their marks, what a change does again, and what is no recipe."""

import json
import sys
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest

from facespot.errors import FacespotError, FormatError, OutputError, SettingsError
from facespot.experiments.recipe import Placeholders, follow, read_recipe, steps_for

RECIPE = """
[shared]
data = "--data {dir}/faces"

[[steps]]
name = "faces"
command = "synth make {dir}/faces --face-model {face_model} --workers {workers}"

[[steps]]
name = "softnet"
method = "softnet"
command = "train softnet {data} --set epochs=3 --out '{dir}/the weights'"

[[steps]]
name = "mean"
method = "mean"
command = "train mean {data} --out {dir}/mean"

[[steps]]
name = "softnet-figures"
method = "softnet"
command = "bench --method softnet"
"""


@pytest.fixture
def recipe(tmp_path):
    """Writes a recipe and reads it."""

    def read(text=RECIPE):
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return read_recipe(path)

    return read


@pytest.fixture
def ran(monkeypatch):
    """What was run in place of facespot: lists of words; a word in `fails` gives the exit code."""
    commands, fails = [], {}

    def run(words, **rest):
        assert words[:3] == [sys.executable, "-m", "facespot"]
        commands.append(list(words[3:]))
        return CompletedProcess(words, next((code for word, code in fails.items() if word in words), 0))

    monkeypatch.setattr("facespot.experiments.recipe.subprocess.run", run)
    return SimpleNamespace(commands=commands, fails=fails)


def given(folder, face_model="/models/ict.npz", workers=2):
    return Placeholders(Path(folder), Path(face_model), workers)


def quiet(step, done):
    """Tells nobody."""


def names(ran):
    """First words of what was run, which are then forgotten."""
    found = [words[1] for words in ran.commands]
    ran.commands.clear()
    return found


def test_steps_are_done_in_order_with_the_placeholders_filled(recipe, ran, tmp_path):
    told = []
    folder = tmp_path / "a folder"
    follow(recipe(), given(folder), lambda step, done: told.append((step.name, done, len(ran.commands))))
    assert ran.commands == [
        ["synth", "make", f"{folder}/faces", "--face-model", "/models/ict.npz", "--workers", "2"],
        ["train", "softnet", "--data", f"{folder}/faces", "--set", "epochs=3", "--out", f"{folder}/the weights"],
        ["train", "mean", "--data", f"{folder}/faces", "--out", f"{folder}/mean"],
        ["bench", "--method", "softnet"],
    ]
    assert told == [("faces", False, 0), ("softnet", False, 1), ("mean", False, 2), ("softnet-figures", False, 3)]
    assert sorted(path.name for path in (folder / "steps").iterdir()) == [
        "faces.json", "mean.json", "softnet-figures.json", "softnet.json",
    ]  # fmt: skip
    assert json.loads((folder / "steps" / "softnet.json").read_text())["command"] == (
        f"train softnet --data '{folder}/faces' --set epochs=3 --out '{folder}/the weights'"
    )


def test_a_step_that_failed_is_the_first_one_of_the_next_time(recipe, ran, tmp_path):
    ran.fails["mean"] = 2
    with pytest.raises(FacespotError, match=r"^step 'mean': it ended with exit code 2; .* go on$"):
        follow(recipe(), given(tmp_path), quiet)
    assert names(ran) == ["make", "softnet", "mean"]
    ran.fails.clear()
    told = []
    follow(recipe(), given(tmp_path), lambda step, done: told.append((step.name, done)))
    assert names(ran) == ["mean", "--method"]
    assert told == [("faces", True), ("softnet", True), ("mean", False), ("softnet-figures", False)]


@pytest.mark.parametrize(("code", "stops"), [(0, False), (1, False), (2, True), (-9, True)])
def test_a_step_may_say_that_videos_can_fail(recipe, ran, tmp_path, code, stops):
    steps = recipe(RECIPE.replace('name = "mean"\n', 'name = "mean"\npartly = true\n'))
    ran.fails["mean"] = code
    if stops:
        with pytest.raises(FacespotError, match=f"exit code {code}"):
            follow(steps, given(tmp_path), quiet)
    else:
        follow(steps, given(tmp_path), quiet)
    assert (tmp_path / "steps" / "mean.json").exists() is not stops


def test_without_that_a_video_that_fails_stops(recipe, ran, tmp_path):
    ran.fails["mean"] = 1
    with pytest.raises(FacespotError, match="exit code 1"):
        follow(recipe(), given(tmp_path), quiet)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("epochs=3", "epochs=4", ["softnet", "--method"]),
        ("train mean", "train mean --seed 1", ["mean"]),
        ("synth make", "synth make --seed 1", ["make", "softnet", "mean", "--method"]),
        ("--method softnet", "--method softnet --seed 1", ["--method"]),
    ],
)
def test_a_changed_step_and_what_builds_on_it_are_done_again(recipe, ran, tmp_path, old, new, again):
    follow(recipe(), given(tmp_path), quiet)
    names(ran)
    follow(recipe(RECIPE.replace(old, new)), given(tmp_path), quiet)
    assert names(ran) == again
    follow(recipe(RECIPE.replace(old, new)), given(tmp_path), quiet)
    assert names(ran) == []


def test_another_number_of_workers_and_a_moved_folder_do_nothing_again(recipe, ran, tmp_path):
    follow(recipe(), given(tmp_path / "made"), quiet)
    names(ran)
    (tmp_path / "made").rename(tmp_path / "moved")
    follow(recipe(), given(tmp_path / "moved", workers=7), quiet)
    assert names(ran) == []
    follow(recipe(), given(tmp_path / "moved", face_model="/models/other.npz"), quiet)
    assert len(names(ran)) == 4


def test_a_damaged_mark_counts_as_none(recipe, ran, tmp_path):
    follow(recipe(), given(tmp_path), quiet)
    names(ran)
    (tmp_path / "steps" / "mean.json").write_text("[]")
    follow(recipe(), given(tmp_path), quiet)
    assert names(ran) == ["mean"]


def test_only_the_steps_of_some_methods_and_those_of_all(recipe, ran, tmp_path):
    steps = recipe()
    assert [one.name for one in steps_for(steps, ["mean"])] == ["faces", "mean"]
    assert [one.name for one in steps_for(steps, ["mean", "softnet"])] == [one.name for one in steps]
    assert steps_for(steps, []) == steps
    with pytest.raises(SettingsError, match="no weights of 'strain'; choose from softnet, mean"):
        steps_for(steps, ["strain"])
    # What was done for one method stays done when all are asked for.
    follow(steps_for(steps, ["mean"]), given(tmp_path), quiet)
    names(ran)
    follow(steps, given(tmp_path), quiet)
    assert names(ran) == ["softnet", "--method"]


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_run(recipe, ran, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file"):
        follow(recipe(), given(tmp_path / "file"), quiet)
    assert ran.commands == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[steps", "no recipe"),
        ("", "'steps' is missing"),
        ('[[steps]]\nname = "a"', "'command' is missing"),
        ('[[steps]]\nname = "a"\ncommand = "x"\nmethods = "mean"', "'methods' is unknown"),
        ('[[steps]]\nname = "a"\ncommand = "x"\npartly = 1', "'partly' is unknown or of another type"),
        ('[[steps]]\nname = "a/b"\ncommand = "x"', "other characters"),
        ('[[steps]]\nname = "a"\ncommand = "x {place}"', "'place' is no placeholder"),
        ('[[steps]]\nname = "a"\ncommand = "x"\n' * 2, "'a' is given twice"),
        ('[[steps]]\nname = "a"\ncommand = "say \'x"', "No closing quotation"),
    ],
)
def test_what_is_no_recipe_is_refused(recipe, text, words):
    with pytest.raises(FormatError, match=words) as caught:
        recipe(text)
    assert "recipe.toml" in caught.value.where


def test_there_must_be_a_file(tmp_path):
    with pytest.raises(FormatError, match="no recipe"):
        read_recipe(tmp_path / "none.toml")
