"""Whether groups of people differ: the spread of a figure over groups, and how often chance makes one as large.

The test exchanges people, not videos: under the hypothesis that the groups do not matter, the labels of all videos of
one person could as well have been those of another person. Those with equally many videos exchange theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.metrics.bootstrap import N_RESAMPLES, f1_of_counts


@dataclass(frozen=True)
class Spread:
    """How far groups lie apart.

    Parameters
    ----------
    largest, smallest : float or None
        F1 of the best and of the worst group; None where no group holds anything.
    spread : float or None
        Their difference.
    p : float or None
        Share of the exchanges, the observed one included, that spread as much; None with fewer than two groups.
    """

    largest: float | None
    smallest: float | None
    spread: float | None
    p: float | None


def spread_of_f1(
    counts: Mapping[str, tuple[int, int, int]],
    subjects: Mapping[str, str],
    groups: Mapping[str, str],
    *,
    seed: int,
    n_permutations: int = N_RESAMPLES,
) -> Spread:
    """Spread of the pooled F1 over groups, with its permutation test.

    Parameters
    ----------
    counts : mapping from video to (TP, FP, FN)
    subjects, groups : mapping from video to subject, and to group
    seed : int
    n_permutations : int

    >>> counts = {"a": (9, 1, 0), "b": (9, 0, 1), "c": (5, 5, 0), "d": (5, 0, 5)}
    >>> groups = {"a": "light", "b": "light", "c": "dark", "d": "dark"}
    >>> found = spread_of_f1(counts, {video: video for video in counts}, groups, seed=0)
    >>> round(found.spread, 3), 0.2 < found.p < 0.5
    (0.281, True)
    """
    names = sorted(set(groups.values()))
    people: dict[str, list[str]] = {}
    for video in sorted(counts):
        people.setdefault(subjects[video], []).append(video)
    amounts = [np.array([counts[video] for video in videos], dtype=np.float64) for videos in people.values()]
    labels = [np.array([names.index(groups[video]) for video in videos]) for videos in people.values()]
    observed = _f1_by_group(amounts, labels, len(names))
    if len(observed) < 2:
        only = float(observed[0]) if len(observed) else None
        return Spread(only, only, None, None)
    generator = np.random.default_rng(seed)
    spread = float(observed.max() - observed.min())
    beyond = 1
    for _ in range(n_permutations):
        exchanged = _f1_by_group(amounts, _exchanged(labels, generator), len(names))
        # Sums in another order differ in the last bits; what is equal must count as equal.
        beyond += bool(exchanged.max() - exchanged.min() >= spread - 1e-12)
    return Spread(float(observed.max()), float(observed.min()), spread, beyond / (n_permutations + 1))


def _exchanged(labels: Sequence[NDArray[np.int64]], generator: np.random.Generator) -> list[NDArray[np.int64]]:
    """The labels of each person, given to another one with as many videos."""
    sizes = np.array([len(one) for one in labels])
    order = np.arange(len(labels))
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        order[alike] = generator.permutation(alike)
    return [labels[place] for place in order.tolist()]


def _f1_by_group(
    amounts: Sequence[NDArray[np.float64]], labels: Sequence[NDArray[np.int64]], n_groups: int
) -> NDArray[np.float64]:
    """F1 of each group in which there is anything."""
    totals = np.zeros((n_groups, 3))
    np.add.at(totals, np.concatenate(labels), np.concatenate(amounts))
    return f1_of_counts(totals[totals.sum(axis=1) > 0])
