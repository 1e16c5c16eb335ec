"""Which rows are trained on: expression frames are rare, so only a share of the others is kept."""

from __future__ import annotations

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
