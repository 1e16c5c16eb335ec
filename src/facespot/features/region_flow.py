"""Motion of ten regions of the face from one frame to each of the later ones (Deng et al., FG 2024, section III-A).

SpoT-GCN describes a window of w frames by the mean optical flow of each region from its first frame to every frame.
Windows that start at the same frame share these flows, so they are kept by frame: row a holds the flow from frame a to
frame a + s for s = 0 .. reach. `windows` and `adjacent_windows` cut the paper's windows out of the rows.

How a row is computed is told in `facespot.features.region_flow_stream`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.errors import SettingsError
from facespot.features.regions import CROP_SIZE, Rectangle
from facespot.values import BoolArray, FeatureSpec, FloatArray, IntArray
from facespot.video import Selection

KIND = "region_flow"
REGION_POINTS = (18, 19, 20, 23, 24, 25, 48, 51, 54, 57)
"""Landmarks in the middle of the regions: left and right brow, then mouth corner, upper lip, corner, lower lip."""
N_REGIONS = len(REGION_POINTS)
REGION_RADIUS = 5
"""Regions are squares of 11 x 11 pixels of the crop."""
NOSE_MARGIN_IN_HALF_EYE_DISTANCES = 0.35
NOSE_PATCH = 64
"""Side in pixels of the part of the crop on which the flow of the nose tip is computed, a quarter of its area and cost.
Ours. Measured on three faces moved as a whole: Farneback follows 8 pixels of the crop (then off by .2 to .7) and loses
the nose at 10, DIS at 12; on the whole crop 10 and more than 12."""
ROWS_PER_SECOND = 30.0
"""The paper keeps CAS(ME)2 as it is (30 fps) and every 7th frame of SAMM-LV (28.6 fps)."""
WINDOWS_AT_ONCE = 4096


def row_step(fps: float) -> int:
    """Every how many-th frame has a row, so that there are about 30 rows per second.

    >>> [row_step(fps) for fps in (200.0, 60.0, 29.97, 25.0)]
    [7, 2, 1, 1]
    """
    return max(1, math.floor(fps / ROWS_PER_SECOND + 0.5))


def rows_of_region_flow(selection: Selection) -> Selection:
    """Frames that have a row, and rows per second."""
    step = row_step(selection.fps)
    return Selection(selection.frames[::step], selection.fps / step)


def reach_of(spec: FeatureSpec) -> int:
    """Number of later frames to which a row holds the flow.

    Raises
    ------
    SettingsError
        It is not 1 or more.
    """
    return _count(spec, "reach")


def landmarks_every_of(spec: FeatureSpec) -> int:
    """Landmarks are detected in every so many-th row.

    Raises
    ------
    SettingsError
        It is not 1 or more.
    """
    return _count(spec, "landmarks_every")


def _count(spec: FeatureSpec, name: str) -> int:
    value = spec.settings[name]
    if not isinstance(value, int) or value < 1:
        raise SettingsError(f"setting {name!r}", f"{value!r} is no number of frames", "give a whole number from 1 on")
    return value


def region_flow_shape(spec: FeatureSpec) -> tuple[int, ...]:
    """Shape of a row: later frame, region, (u, v)."""
    return reach_of(spec) + 1, N_REGIONS, 2


@dataclass(frozen=True, eq=False)
class FlowRegions:
    """Parts of one 128x128 face crop whose mean flow is taken.

    Parameters
    ----------
    nose : Rectangle
        Tip of the nose: its mean motion is taken for the motion of the head.
    patch : Rectangle
        `NOSE_PATCH` pixels around it, moved so far that it lies inside the crop.
    centres : (10, 2) int64 array
        x, y of the middle of each region in whole pixels.
    """

    nose: Rectangle
    patch: Rectangle
    centres: IntArray

    def head_motion(self, flow: FloatArray) -> NDArray[np.float64]:
        """Mean (u, v) over the nose tip in pixels; `flow` is (64, 64, 2), that of the patch."""
        top, left = self.patch.top, self.patch.left
        rows, columns = (
            slice(self.nose.top - top, self.nose.bottom - top),
            slice(self.nose.left - left, self.nose.right - left),
        )
        return np.asarray(flow[rows, columns].mean(axis=(0, 1), dtype=np.float64))

    def means(self, flow: FloatArray) -> FloatArray:
        """Mean (u, v) over each region, (10, 2) in pixels; `flow` is (128, 128, 2)."""
        around = np.arange(-REGION_RADIUS, REGION_RADIUS + 1)
        columns, rows = self.centres[:, 0, np.newaxis] + around, self.centres[:, 1, np.newaxis] + around
        squares = flow[rows[:, :, np.newaxis], columns[:, np.newaxis, :]]
        return np.asarray(squares.mean(axis=(1, 2), dtype=np.float64), dtype=np.float32)


def flow_regions(landmarks: FloatArray) -> FlowRegions | None:
    """Regions of a 128x128 crop; None where one of them does not lie inside, so that the face cannot be read.

    Parameters
    ----------
    landmarks : (68, 2) array
        x, y in pixels of the crop.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    margin = NOSE_MARGIN_IN_HALF_EYE_DISTANCES * float(np.linalg.norm(points[42] - points[39])) / 2
    left, top = (int(value) for value in _whole(points[29:31].min(axis=0) - margin))
    right, bottom = (int(value) + 1 for value in _whole(points[29:31].max(axis=0) + margin))
    nose = Rectangle(top, bottom, left, right)
    centres = _whole(points[list(REGION_POINTS)])
    inside = centres.min() >= REGION_RADIUS and centres.max() < CROP_SIZE - REGION_RADIUS
    if not inside or nose != nose.clipped(CROP_SIZE):
        return None
    patch_left, patch_top = (
        min(max((low + high) // 2 - NOSE_PATCH // 2, 0), CROP_SIZE - NOSE_PATCH)
        for low, high in ((left, right), (top, bottom))
    )
    patch = Rectangle(patch_top, patch_top + NOSE_PATCH, patch_left, patch_left + NOSE_PATCH)
    return FlowRegions(nose, patch, centres)


def _whole(values: NDArray[np.float64]) -> IntArray:
    return np.floor(values + 0.5).astype(np.int64)


def windows(values: FloatArray, centres: IntArray, w: int) -> FloatArray:
    """Flow from the first frame of each window to all of its frames: the paper's features o.

    The video is padded by repeating its first and its last frame.

    Parameters
    ----------
    values : (n, reach + 1, 10, 2) float32 array
        Rows of a video, possibly memory-mapped: only what is needed is read.
    centres : (m,) int array
        Rows in the middle of the windows: ``w // 2`` frames come before, ``w - 1 - w // 2`` after.
    w : int
        Frames of a window, at most reach + 1.

    Returns
    -------
    (m, w, 10, 2) float32 array
    """
    _check_window(values, w)
    places = np.asarray(centres, dtype=np.int64)[:, np.newaxis] - w // 2 + np.arange(w)
    starts = np.maximum(places[:, :1], 0)
    return np.asarray(values[starts, np.maximum(places, 0) - starts])


def adjacent_windows(values: FloatArray, centres: IntArray, w: int) -> FloatArray:
    """Flow from each frame of a window to its next one, the baseline of the paper's Table I.

    Parameters
    ----------
    values, centres, w
        As in `windows`, but any reach suffices.

    Returns
    -------
    (m, w, 10, 2) float32 array
        Element t is the flow from the window's frame t - 1 to t; 0 for t = 0 and where the padding repeats a frame.
    """
    _check_window(values, 1)
    places = np.asarray(centres, dtype=np.int64)[:, np.newaxis] - w // 2 + np.arange(w)
    frames = np.clip(places, 0, len(values) - 1)
    result = np.zeros((*frames.shape, N_REGIONS, 2), dtype=np.float32)
    moved = np.zeros(frames.shape, dtype=np.bool_)
    moved[:, 1:] = frames[:, 1:] > frames[:, :-1]
    result[moved] = values[frames[moved] - 1, 1]
    return result


def gather_windows(values: FloatArray, centres: IntArray, w: int, *, adjacent: bool = False) -> FloatArray:
    """Cut out `adjacent_windows` or `windows`."""
    return adjacent_windows(values, centres, w) if adjacent else windows(values, centres, w)


def valid_windows(values: FloatArray, valid: BoolArray, w: int, *, adjacent: bool = False) -> BoolArray:
    """Which rows are the centre of a window that can be scored.

    Parameters
    ----------
    values, w
        As in `windows`.
    valid : (n,) bool array
        Which rows are valid; the first frame of a window must be.
    adjacent : bool
        Of `adjacent_windows` rather than `windows`.

    Returns
    -------
    (n,) bool array
        False where a frame of the window has no usable face.
    """
    result = np.array(valid, dtype=np.bool_)[np.maximum(np.arange(len(valid)) - w // 2, 0)]
    for begin in range(0, len(values), WINDOWS_AT_ONCE):
        centres = np.arange(begin, min(begin + WINDOWS_AT_ONCE, len(values)))
        seen = gather_windows(values, centres, w, adjacent=adjacent)
        result[centres] &= np.isfinite(seen).all(axis=(1, 2, 3))
    return result


def _check_window(values: FloatArray, w: int) -> None:
    if w < 1 or values.ndim != 4 or values.shape[1] < max(w, 2) or values.shape[2:] != (N_REGIONS, 2):
        raise ValueError(f"rows of shape {values.shape[1:]} hold no windows of {w} frames")
