"""Batches from the rows of many videos, read from memory-mapped features only when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from facespot.values import FloatArray, IntArray

Alter = Callable[[FloatArray, IntArray, np.random.Generator], FloatArray]


class Samples(Protocol):
    """What the loop trains on: numbered samples that are gathered batch by batch."""

    def __len__(self) -> int:
        """Number of samples."""

    def batch(self, indices: IntArray, rng: np.random.Generator) -> tuple[FloatArray, ...]:
        """Inputs and targets of some samples, as the loss takes them; all randomness comes from `rng`."""


class RowSamples:
    """Rows of several arrays, each with a target.

    Parameters
    ----------
    arrays : sequence of (n, ...) float32 array
        One per video, memory-mapped or not.
    places : (m, 2) int array
        Array and row of each sample.
    targets : (m,) float32 array
    variants : (m,) int array, optional
        Number that `alter` gets for each sample, such as an index into `augmentation.VARIANTS`; default: all 0.
    alter : callable, optional
        From inputs, variants and generator to altered inputs.

    Raises
    ------
    ValueError
        If the lengths differ.
    """

    def __init__(
        self,
        arrays: Sequence[FloatArray],
        places: IntArray,
        targets: FloatArray,
        *,
        variants: IntArray | None = None,
        alter: Alter | None = None,
    ) -> None:
        self._arrays = arrays
        self._places = np.asarray(places, dtype=np.int64).reshape(-1, 2)
        self._targets = np.asarray(targets, dtype=np.float32)
        self._variants = np.zeros(len(self._targets), dtype=np.int64) if variants is None else np.asarray(variants)
        self._alter = alter
        if not len(self._places) == len(self._targets) == len(self._variants):
            raise ValueError(
                f"{len(self._places)} places, {len(self._targets)} targets, {len(self._variants)} variants"
            )

    def __len__(self) -> int:
        return len(self._targets)

    def batch(self, indices: IntArray, rng: np.random.Generator) -> tuple[FloatArray, ...]:
        """Rows (b, ...) and targets (b, 1)."""
        inputs = np.stack([self._arrays[array][row] for array, row in self._places[indices].tolist()])
        if self._alter is not None:
            inputs = self._alter(inputs, self._variants[indices], rng)
        return inputs, self._targets[indices, np.newaxis]
