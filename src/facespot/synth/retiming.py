"""Frames at another rate: which frame is shown when, and where an annotated frame comes to lie."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from facespot.values import IntArray


def frame_count(n_frames: int, ratio: Fraction) -> int:
    """Frames at the new rate, so that the last old frame has one.

    Parameters
    ----------
    n_frames : int
        At the old rate, at least 1.
    ratio : Fraction
        New over old frames per second.

    >>> frame_count(100, Fraction(25, 100)), frame_count(3, Fraction(2))
    (26, 5)
    """
    return new_frame(n_frames - 1, ratio) + 1


def new_frame(frame: int, ratio: Fraction) -> int:
    """Frame at the new rate that is nearest in time to one at the old rate, both from 0; the later one of two."""
    return int(frame * ratio + Fraction(1, 2))


def picked_frames(n_frames: int, ratio: Fraction) -> IntArray:
    """Old frame that is nearest in time to each new one, (m,) int64, from 0.

    >>> picked_frames(5, Fraction(1, 2)).tolist(), picked_frames(2, Fraction(2)).tolist()
    ([0, 2, 4], [0, 1, 1])
    """
    count = frame_count(n_frames, ratio)
    picked = [min(n_frames - 1, int(k / ratio + Fraction(1, 2))) for k in range(count)]
    return np.array(picked, dtype=np.int64)


def repeat_dropped(frames: IntArray, dropped: IntArray) -> IntArray:
    """Put the one before in the place of each dropped frame, as recorders do.

    Parameters
    ----------
    frames : (n,) int64 array
        What is shown.
    dropped : (m,) int64 array
        Places that are lost, each at least 1, in any order.

    >>> repeat_dropped(np.arange(6), np.array([2, 3, 5])).tolist()
    [0, 1, 1, 1, 4, 4]
    """
    place = np.arange(len(frames))
    place[dropped] = 0
    return frames[np.maximum.accumulate(place)]
