"""The apex of an expression whose annotation names onset and offset only, as in SMIC (MEAN's authors' program).

The flow runs from the onset to each later frame; the apex is where the images of that flow (`mean_images`) sum up to
the most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from facespot.values import FloatArray


def apex_pairs(onset: int, offset: int) -> tuple[tuple[int, int], ...]:
    """Pairs of frames whose flow the search needs: the onset, and each frame between it and the offset.

    The onset itself has no motion, and the offset is not searched (authors' program). Where nothing lies between the
    two, the offset is the only choice; an expression of one frame needs no search.

    >>> apex_pairs(10, 14)
    ((10, 11), (10, 12), (10, 13))
    >>> apex_pairs(10, 11), apex_pairs(10, 10)
    (((10, 11),), ())
    """
    if not 0 <= onset <= offset:
        raise ValueError(f"onset {onset} and offset {offset} do not make an interval")
    frames = range(onset + 1, offset) or range(onset + 1, offset + 1)
    return tuple((onset, frame) for frame in frames)


def map_sums(images: FloatArray) -> FloatArray:
    """Sum of each image over pixels and channels.

    Parameters
    ----------
    images : (n, 42, 42, 3) float32 array
        As `facespot.features.mean_maps.mean_images` makes them of the flow between the frames of `apex_pairs`.

    Returns
    -------
    (n,) float64 array
    """
    sums: FloatArray = np.asarray(images).sum(axis=(1, 2, 3), dtype=np.float64)
    return sums


def apex_by_motion(sums: ArrayLike, onset: int, offset: int) -> int:
    """Frame with the largest sum, the first of equal ones; the onset of an expression of one frame.

    Parameters
    ----------
    sums : (n,) array
        One for each pair of `apex_pairs`; NaN where a frame has no usable face, which is never the apex. Where all are
        NaN, it is the frame in the middle.
    onset, offset : int
        First and last frame of the expression.

    >>> apex_by_motion([300.0, 900.0, 500.0], 10, 14)
    12
    """
    pairs = apex_pairs(onset, offset)
    values = np.asarray(sums, dtype=np.float64)
    if values.shape != (len(pairs),):
        raise ValueError(f"{values.shape} sums for {len(pairs)} pairs of frames")
    if not np.isfinite(values).any():
        return (onset + offset) // 2
    return pairs[int(np.nanargmax(values))][1]
