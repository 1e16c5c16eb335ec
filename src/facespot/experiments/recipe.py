"""How the weights that come with facespot are made from nothing: ``recipe.toml`` beside this file, step by step.

::

    [shared]
    corpora = "--data {dir}/train30"          for {corpora} in the commands

    [[steps]]
    name = "train30"                          of its mark, letters, digits and dashes
    command = "synth make {dir}/train30 ..."  a command line of facespot, without the first word
    method = "softnet"                        left out in steps that all methods need
    partly = true                             videos may fail (exit code 1); left out where none may

``{dir}``, ``{face_model}`` and ``{workers}`` stand for what is given. A step that ended leaves a mark in ``DIR/steps``,
with the digest of its command line and of the steps before it: a step whose command has changed, and all that build on
it, are done again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facespot.errors import FacespotError, FormatError, OutputError, SettingsError
from facespot.export.atomic import write_text

RECIPE = Path(__file__).with_name("recipe.toml")
MARKS = "steps"
PARTLY_DONE = 1
_KEYS = {"name": str, "command": str, "method": str, "partly": bool}


@dataclass(frozen=True)
class Step:
    """One command of a recipe.

    Parameters
    ----------
    name : str
    words : tuple of str
        After ``facespot``, with placeholders.
    method : str
        Whose weights it serves; empty where all methods need it.
    partly : bool
        Whether it is done where some videos failed.
    """

    name: str
    words: tuple[str, ...]
    method: str = ""
    partly: bool = False

    def command(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The words with the placeholders filled.

        >>> Step("one", ("synth", "make", "{dir}/one")).command({"dir": "/my data"})
        ('synth', 'make', '/my data/one')
        """
        return tuple(word.format_map(values) for word in self.words)


OnStep = Callable[[Step, bool], None]


@dataclass(frozen=True)
class Placeholders:
    """What is given: where everything is made, of what, and by how many.

    Parameters
    ----------
    folder : Path
        For everything that is made.
    face_model : Path
    workers : int
        Processes of each step.
    """

    folder: Path
    face_model: Path
    workers: int

    @property
    def values(self) -> dict[str, str]:
        """What the placeholders stand for."""
        folder, face_model = (str(path.absolute()) for path in (self.folder, self.face_model))
        return {"dir": folder, "face_model": face_model, "workers": str(self.workers)}


def read_recipe(path: Path | None = None) -> tuple[Step, ...]:
    """The steps of a recipe, in order.

    Parameters
    ----------
    path : Path, optional
        Default: the one that comes with facespot.

    Raises
    ------
    FormatError
        If the file cannot be read, or a step does not fit.
    """
    path = path or RECIPE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        shared = {f"{{{name}}}": str(text) for name, text in content.get("shared", {}).items()}
        steps = [_step(entry, shared) for entry in content["steps"]]
        names = [step.name for step in steps]
        if len(set(names)) < len(names):
            raise ValueError(f"the name {next(one for one in names if names.count(one) > 1)!r} is given twice")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise FormatError(str(path), f"it is no recipe ({reason})", "mend it") from None
    return tuple(steps)


def steps_for(steps: Sequence[Step], methods: Sequence[str]) -> tuple[Step, ...]:
    """Only the steps that some methods need; all where none is named.

    Raises
    ------
    SettingsError
        If the recipe makes no weights of a method.
    """
    known = list(dict.fromkeys(step.method for step in steps if step.method))
    for name in methods:
        if name not in known:
            what = f"the recipe makes no weights of {name!r}"
            raise SettingsError("--method", what, f"choose from {', '.join(known)}")
    return tuple(step for step in steps if not methods or not step.method or step.method in methods)


def follow(steps: Sequence[Step], given: Placeholders, on_step: OnStep) -> None:
    """Do step after step; those that have their mark are left out.

    Parameters
    ----------
    steps : sequence of Step
    given : Placeholders
    on_step : callable
        Called with each step and whether it was done before, before it is begun.

    Raises
    ------
    FacespotError
        If a step fails; the steps before it keep their marks.
    OutputError
        If the folder cannot be written.
    """
    digests: list[tuple[Step, str]] = []
    for step in steps:
        before = [digest for one, digest in digests if one.method in ("", step.method)]
        digest = step_digest(step, given, before)
        digests.append((step, digest))
        mark, command = given.folder / MARKS / f"{step.name}.json", step.command(given.values)
        done = _digest_of(mark) == digest
        on_step(step, done)
        if not done:
            _make_folder(mark.parent)
            mark.unlink(missing_ok=True)
            _do(step, command)
            write_text(mark, json.dumps({"command": shlex.join(command), "sha256": digest}, indent=1) + "\n")


def step_digest(step: Step, given: Placeholders, before: Sequence[str]) -> str:
    """SHA-256 of a command line and of the steps that it builds on, hexadecimal.

    Neither the place of the folder nor the number of workers counts: they change no result.
    """
    words = step.command({"dir": "DIR", "face_model": given.values["face_model"], "workers": "N"})
    return hashlib.sha256(json.dumps([words, list(before)]).encode()).hexdigest()


def _step(entry: Mapping[str, Any], shared: Mapping[str, str]) -> Step:
    name, text = entry["name"], entry["command"]
    for key, value in entry.items():
        if key not in _KEYS or type(value) is not _KEYS[key]:
            raise ValueError(f"step {name!r}: {key!r} is unknown or of another type")
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError(f"step {name!r}: the name has other characters than letters, digits and dashes")
    for placeholder, value in shared.items():
        text = text.replace(placeholder, value)
    step = Step(name, tuple(shlex.split(text)), entry.get("method", ""), entry.get("partly", False))
    try:
        step.command({"dir": "", "face_model": "", "workers": ""})
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"step {name!r}: {error} is no placeholder") from None
    return step


def _digest_of(mark: Path) -> str | None:
    try:
        digest = json.loads(mark.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(digest)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(folder), f"it cannot be made ({error.strerror})", "choose another folder") from None


def _do(step: Step, command: Sequence[str]) -> None:
    # The words are those of the recipe, and no shell reads them.
    ended = subprocess.run([sys.executable, "-m", "facespot", *command], check=False)  # noqa: S603
    if ended.returncode == PARTLY_DONE and step.partly:
        return
    if ended.returncode != 0:
        raise FacespotError(
            f"step {step.name!r}",
            f"it ended with exit code {ended.returncode}",
            "mend what it says above, then give the same command again to go on",
        )
