"""From the time stamps of a stream's packets to a `Timebase`. Pure functions.

A packet's presentation time stamp (pts) counts in ticks of the stream's time base. Packets come in decoding order,
which differs from display order where frames are predicted from later ones (B-frames).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from facespot.values import IntArray, Timebase

# Containers round times to their tick; Matroska's is 1 ms, so a frame lies up to half a millisecond off.
ROUNDING_S = 0.0005


def timebase_from_pts(pts: IntArray, tick_s: Fraction, stated_rates: Sequence[float] = ()) -> Timebase:
    """Frame times of a stream whose packets carry time stamps.

    Parameters
    ----------
    pts : (n,) int64 array
        Time stamps in ticks, in display order; equal ones are allowed. n >= 1.
    tick_s : Fraction
        Length of a tick in seconds.
    stated_rates : sequence of float
        Frame rates that the header gives, likeliest first; the first that fits the time stamps is taken as exact.

    Returns
    -------
    Timebase
        Without timestamps where the frames are evenly spaced up to the rounding of containers (half a millisecond
        either way, at most a quarter of the frame interval), else with the true ones.

    >>> timebase_from_pts(np.array([0, 33, 67, 100]), Fraction(1, 1000), [30.0])
    Timebase(fps=30.0, n_frames=4, timestamps_s=None)
    >>> timebase_from_pts(np.array([5, 6, 8, 9]), Fraction(1, 10)).timestamps_s
    array([0. , 0.1, 0.3, 0.4])
    """
    count = len(pts)
    rates = [rate for rate in stated_rates if rate > 0 and np.isfinite(rate)]
    times_s = (spread_equal(pts) - float(pts[0])) * float(tick_s)
    if count == 1 or times_s[-1] <= 0:
        return Timebase(rates[0] if rates else 25.0, count)
    mean_rate = (count - 1) / float(times_s[-1])
    spread_allowed_s = 2 * min(ROUNDING_S, 0.25 / mean_rate) + 1e-9
    for rate in [*rates, mean_rate]:
        if _spread(times_s, 1.0 / rate) <= spread_allowed_s:
            return Timebase(rate, count)
    # First and last time are rounded too. Other intervals than theirs can fit only where theirs nearly does.
    if _spread(times_s, 1.0 / mean_rate) <= 2 * spread_allowed_s:
        interval_s = _best_interval(times_s, spread_allowed_s)
        if _spread(times_s, interval_s) <= spread_allowed_s:
            return Timebase(1.0 / interval_s, count)
    return Timebase(mean_rate, count, times_s)


def _spread(times_s: NDArray[np.float64], interval_s: float) -> float:
    return float(np.ptp(times_s - np.arange(len(times_s)) * interval_s))


def _best_interval(times_s: NDArray[np.float64], spread_s: float) -> float:
    """Find the interval whose multiples stay nearest to the times; the spread is convex in it."""
    steps = len(times_s) - 1
    low, high = (times_s[-1] - spread_s) / steps, (times_s[-1] + spread_s) / steps
    for _ in range(40):
        third = (high - low) / 3
        if _spread(times_s, low + third) <= _spread(times_s, high - third):
            high -= third
        else:
            low += third
    return float((low + high) / 2)


def spread_equal(pts: IntArray) -> NDArray[np.float64]:
    """Place frames that carry the same time stamp evenly before the next one, so that times increase strictly.

    Frames that share the last time stamp follow it at the mean interval.

    >>> spread_equal(np.array([0, 10, 10, 20, 20]))
    array([ 0., 10., 15., 20., 30.])
    """
    distinct, counts = np.unique(pts, return_counts=True)
    if len(distinct) == len(pts):
        return pts.astype(np.float64)
    if len(distinct) == 1:
        return np.asarray(distinct[0] + np.arange(len(pts)), dtype=np.float64)
    gaps = np.diff(distinct).astype(np.float64)
    steps = np.append(gaps / counts[:-1], gaps.mean())
    within = np.arange(len(pts)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(np.repeat(distinct, counts) + within * np.repeat(steps, counts), dtype=np.float64)


def complete_frames(pts: IntArray) -> int:
    """Count the frames at the start of a cut stream that no missing packet lies between.

    At the cut, frames may be there whose predecessors in display order are not. If a packet is shown at most d places
    earlier than it is decoded, then no packet after the n-th is shown before place n - d.

    Parameters
    ----------
    pts : (n,) int64 array
        Time stamps of the packets that are there, in decoding order.

    >>> complete_frames(np.array([0, 3, 1, 2, 6]))
    4
    >>> complete_frames(np.array([0, 1, 2]))
    3
    """
    if len(pts) == 0:
        return 0
    places = np.empty(len(pts), dtype=np.int64)
    places[np.argsort(pts, kind="stable")] = np.arange(len(pts))
    return len(pts) - int(np.max(np.arange(len(pts)) - places))
