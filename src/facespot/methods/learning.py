"""What the fitting of every network shares: random streams, who is held back, what names and what tells of a training.

No PyTorch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any, Protocol

import numpy as np

from facespot.training.sampling import held_back_subjects
from facespot.values import Features, Setting

WEIGHTS_STREAM, ROWS_STREAM, SUBJECTS_STREAM = range(3)
"""Random streams of one seed that must not meet: initial weights, choice of rows, choice of validation subjects."""


class StopsEarly(Protocol):
    """Settings of a training that may stop early."""

    @property
    def patience(self) -> int:
        """Epochs without a lower validation loss before it stops; 0 never."""

    @property
    def validation_share(self) -> float:
        """Share of the training subjects that is held back."""


def derived_seed(seed: int, stream: int) -> int:
    """Seed of one of the random streams."""
    return int(np.random.default_rng([seed, stream]).integers(2**63))


def validation_subjects(subjects: Sequence[str], config: StopsEarly, seed: int) -> set[str]:
    """Who is held back to tell when to stop: a share of the training subjects, drawn by the seed, at least one.

    Nobody where `patience` is 0 or there is only one subject.
    """
    if config.patience == 0:
        return set()
    return held_back_subjects(subjects, config.validation_share, np.random.default_rng([seed, SUBJECTS_STREAM]))


def training_digest(*parts: Any) -> str:
    """SHA-256 of what a training depends on, hexadecimal; differs where the training would differ.

    Parameters
    ----------
    parts : JSON values
        Settings, videos, truth.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def features_identity(features: Features) -> list[Any]:
    """What the features are, for `training_digest`: of which video, of which kind, how many rows."""
    return [features.source, features.spec.digest(), len(features.frames)]


def settings_but(config: Any, names: Collection[str]) -> dict[str, Setting]:
    """All settings but some, for `training_digest`."""
    return {name: value for name, value in asdict(config).items() if name not in names}


def trained_settings(config: Any, *, always: Collection[str], never: Collection[str]) -> dict[str, Setting]:
    """What a checkpoint tells of the settings: what the network's input needs, and all that differs from the default.

    Parameters
    ----------
    config : dataclass
        Settings of a method.
    always : collection of str
        Names of those that the input needs.
    never : collection of str
        Names of those that decide what is spotted but not what is learned.
    """
    default = type(config)()
    return {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if field.name not in never
        and (field.name in always or getattr(config, field.name) != getattr(default, field.name))
    }
