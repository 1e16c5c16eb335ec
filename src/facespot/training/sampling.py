"""Which rows are trained on: expression frames are rare, so only a share of the others is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facespot.values import BoolArray, FloatArray, IntArray


def keep_share_of_negatives(targets: FloatArray, share: float, rng: np.random.Generator) -> BoolArray:
    """Keep every positive row and a random share of the others (SOFTNet section 2.3: 1 of every 2).

    Parameters
    ----------
    targets : (n,) array
        A row is positive where its target is above 0.
    share : float
        Share of the negative rows that is kept, in [0, 1]; their number is rounded up.

    Returns
    -------
    (n,) bool array
    """
    kept: BoolArray = np.asarray(targets) > 0
    negative = np.flatnonzero(~kept)
    count = int(np.ceil(share * len(negative)))
    kept[rng.permutation(negative)[:count]] = True
    return kept


def keep_negatives_per_positive(targets: FloatArray, ratio: float, rng: np.random.Generator) -> BoolArray:
    """Keep every positive row and so many times as many others, drawn at random (MEAN section 4.3: 8 to 1).

    Parameters
    ----------
    targets : (n,) array
        A row is positive where its target is above 0.
    ratio : float
        Negative rows per positive one; all of them where there are not so many.

    Returns
    -------
    (n,) bool array
    """
    kept: BoolArray = np.asarray(targets) > 0
    count = int(np.ceil(ratio * np.count_nonzero(kept)))
    kept[rng.permutation(np.flatnonzero(~kept))[:count]] = True
    return kept


def held_back_subjects(subjects: Sequence[str], share: float, rng: np.random.Generator) -> set[str]:
    """Who is held back for validation: a share of the subjects, at least one; nobody where there is only one."""
    names = sorted(set(subjects))
    if len(names) < 2:
        return set()
    count = min(max(1, round(share * len(names))), len(names) - 1)
    return {names[index] for index in rng.permutation(len(names))[:count]}


def epoch_order(n_samples: int, limit: int, *, seed: int, epoch: int) -> IntArray:
    """Order of the samples in one epoch; depends on seed and epoch alone, so that a resumed epoch goes on as it began.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    limit : int
        At most so many of them, a new random choice in each epoch; 0 for all.

    >>> sorted(epoch_order(4, 0, seed=1, epoch=0).tolist())
    [0, 1, 2, 3]
    """
    order = np.random.default_rng([seed, epoch]).permutation(n_samples)
    return order[:limit] if limit else order
