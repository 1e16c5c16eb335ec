"""What one set of weights is learned from, and how: the same plan on the same corpora gives the same weights."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facespot.errors import SettingsError
from facespot.experiments.several_corpora import SYNTHETIC
from facespot.faces import FaceSettings
from facespot.methods import method_entry, new_method
from facespot.methods.registry import METHODS
from facespot.values import Kind


@dataclass(frozen=True)
class TrainingPlan:
    """A method and what it learns from.

    Parameters
    ----------
    method : str
        Name of a method that learns, see `facespot.methods`.
    roots : tuple of Path
        Folders of the corpora.
    dataset : str
        What they are, see `facespot.datasets`.
    options : mapping
        Options of the data set.
    settings : mapping
        Overrides of the method's settings.
    kinds : tuple of str
        Types to learn; none stands for all that the method spots.
    seed : int
        Of all random draws.
    emotions : str, optional
        Table by which the annotated emotions are grouped.
    fps : float, optional
        Frames per second to pick; default: all frames.
    detector : str
        Face and landmark detector.

    Raises
    ------
    SettingsError
        If the method does not learn, or a value does not fit.
    """

    method: str
    roots: tuple[Path, ...]
    dataset: str = SYNTHETIC
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    seed: int = 0
    emotions: str | None = None
    fps: float | None = None
    detector: str = "mediapipe"

    def __post_init__(self) -> None:
        if not method_entry(self.method).needs_weights:
            learning = ", ".join(name for name, entry in METHODS.items() if entry.needs_weights)
            raise SettingsError("METHOD", f"{self.method!r} learns nothing", f"choose one of {learning}")
        spotted = tuple(new_method(self.method, self.settings).plan())
        for kind in self.kinds:
            if kind not in spotted:
                what = f"{kind!r} is no type that {self.method!r} spots"
                raise SettingsError("--kinds", what, f"choose from {', '.join(spotted)}")
        chosen = tuple(kind for kind in spotted if kind in (self.kinds or spotted))
        object.__setattr__(self, "kinds", chosen)
        if self.seed < 0:
            raise SettingsError("--seed", f"{self.seed} is out of range", "give 0 or more")

    def command(self, names: Sequence[str]) -> str:
        """The command line, folders by their names, without what changes no result.

        >>> TrainingPlan("fesnet", (Path("/data/train30"),), settings={"epochs": "3"}).command(["train30"])
        'facespot train fesnet --data train30 --set epochs=3 --kinds macro,micro --seed 0 --out DIR'
        """
        words = ["facespot", "train", self.method]
        words += [word for name in names for word in ("--data", name)]
        if self.dataset != SYNTHETIC:
            words += ["--dataset", self.dataset]
        words += [word for name, value in sorted(self.options.items()) for word in ("--data-option", f"{name}={value}")]
        words += [word for name, value in sorted(self.settings.items()) for word in ("--set", f"{name}={value}")]
        words += ["--kinds", ",".join(self.kinds)]
        words += ["--emotions", self.emotions] if self.emotions is not None else []
        words += ["--fps", str(self.fps)] if self.fps is not None else []
        words += ["--detector", self.detector] if self.detector != FaceSettings().detector else []
        return shlex.join([*words, "--seed", str(self.seed), "--out", "DIR"])
