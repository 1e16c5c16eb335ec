"""Motion of 25 face regions over six distances in time, the head's motion, and the shape of brows, lids and lips.

What `regiontcn` sees. There are about 30 rows per second whatever the frame rate. Each row compares a frame with the
ones before it, so a row is known as soon as its frame is aligned. Frames are aligned as in `facespot.faces.alignment`,
128x128 pixels, and every number is in pixels of that crop, in which the middles of the eyes are 50 pixels apart.

A row is a vector of `WIDTH` numbers: `motion`, then `nose`, `head` and `shape`, in the order of `PARTS`.

``motion`` (25, 6, 2)
    Mean flow (u, v) of each region from the frame one of `DISTANCES_S` earlier, minus that of the nose. At the start of
    a video, and where a face comes back, the distance ends at the first frame.
``nose`` (6, 2)
    Flow of the nose itself: what is left of the head's motion.
``head`` (6, 4)
    How far the head moved over each distance: x, y, turn and log scale of the alignment, the last two times
    `LEVER_PIXELS`.
``shape`` (11,)
    Measures of the landmarks (`SHAPE_MEASURES`) minus their own slow mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from facespot.features.region_flow import row_step
from facespot.values import FeatureSpec, FloatArray, IntArray
from facespot.video import Selection

KIND = "region_motion"
CROP_SIDE = 128
DISTANCES_S = (2 / 30, 4 / 30, 8 / 30, 16 / 30, 32 / 30, 64 / 30)
"""From a fifth of a micro-expression to all of a macro-expression's rise."""
REGIONS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "left outer brow": (18,),
        "left brow": (19, 20),
        "left inner brow": (21,),
        "right inner brow": (22,),
        "right brow": (23, 24),
        "right outer brow": (25,),
        "glabella": (21, 22, 27),
        "left upper lid": (37, 38),
        "right upper lid": (43, 44),
        "left lower lid": (40, 41),
        "right lower lid": (46, 47),
        "nose root": (27, 28),
        "left nose wing": (31,),
        "right nose wing": (35,),
        "left cheek": (41, 48),
        "right cheek": (46, 54),
        "left upper lip": (50,),
        "middle upper lip": (51,),
        "right upper lip": (52,),
        "left lip corner": (48,),
        "right lip corner": (54,),
        "lower lip": (57,),
        "chin": (57, 8),
        "left of the chin": (48, 6),
        "right of the chin": (54, 10),
    }
)
"""Name of each region, left and right in the image, and the landmarks in whose middle it lies."""
NOSE_POINTS = (29, 30, 33)
REGION_RADIUS = 5
"""Regions are squares of 11x11 pixels."""
LEVER_PIXELS = 50.0
"""A turn of one radian moves a point so far from the centre by as much."""
SLOW_MEAN_S = 3.0
SETTLED_S = 1.0
"""Time constants of the slow mean of the shape, and of the landmarks on which the regions lie."""
SHAPE_MEASURES = (
    "left eye opening",
    "right eye opening",
    "left inner brow height",
    "right inner brow height",
    "left outer brow height",
    "right outer brow height",
    "brow distance",
    "mouth width",
    "mouth opening",
    "left lip corner height",
    "right lip corner height",
)
PARTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "motion": (len(REGIONS), len(DISTANCES_S), 2),
        "nose": (len(DISTANCES_S), 2),
        "head": (len(DISTANCES_S), 4),
        "shape": (len(SHAPE_MEASURES),),
    }
)
WIDTH = sum(math.prod(shape) for shape in PARTS.values())
_OTHER_SIDE = {"left": "right", "right": "left"}


def _mirrored_places(names: Sequence[str]) -> tuple[int, ...]:
    other = (" ".join(_OTHER_SIDE.get(word, word) for word in name.split()) for name in names)
    return tuple(names.index(name) for name in other)


MIRRORED_REGIONS = _mirrored_places(tuple(REGIONS))
MIRRORED_MEASURES = _mirrored_places(SHAPE_MEASURES)
"""Of the same face seen in a mirror, each region or measure takes the values of the one on the other side."""
_MIRRORED_VECTOR = np.array([-1, 1], dtype=np.float32)
_MIRRORED_HEAD = np.array([-1, 1, -1, 1], dtype=np.float32)


def part(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """One part of the rows.

    Parameters
    ----------
    values : (..., WIDTH) float32 array
    name : str
        Key of `PARTS`.

    Returns
    -------
    (..., *shape) float32 array
        A view where numpy can make one.

    Raises
    ------
    KeyError
        There is no such part.
    """
    start = 0
    for one, shape in PARTS.items():
        size = math.prod(shape)
        if one == name:
            return values[..., start : start + size].reshape(*values.shape[:-1], *shape)
        start += size
    raise KeyError(name)


def mirrored(values: NDArray[np.float32]) -> FloatArray:
    """Rows (..., WIDTH) of the same face in a mirror.

    >>> rows = np.random.default_rng(1).normal(size=(2, WIDTH)).astype(np.float32)
    >>> bool((mirrored(mirrored(rows)) == rows).all())
    True
    """
    motion = part(values, "motion")[..., MIRRORED_REGIONS, :, :] * _MIRRORED_VECTOR
    nose = part(values, "nose") * _MIRRORED_VECTOR
    head = part(values, "head") * _MIRRORED_HEAD
    shape = part(values, "shape")[..., MIRRORED_MEASURES]
    flat = [one.reshape(*values.shape[:-1], -1) for one in (motion, nose, head, shape)]
    return np.concatenate(flat, axis=-1).astype(np.float32)


def rows_of_region_motion(selection: Selection) -> Selection:
    """Frames that have a row, about 30 per second, and rows per second."""
    step = row_step(selection.fps)
    return Selection(selection.frames[::step], selection.fps / step)


def region_motion_shape(spec: FeatureSpec) -> tuple[int, ...]:
    """Shape of a row."""
    return (WIDTH,)


def distances_in_rows(rows_per_second: float) -> tuple[int, ...]:
    """`DISTANCES_S` in rows, at least one.

    >>> distances_in_rows(30.0)
    (2, 4, 8, 16, 32, 64)
    """
    return tuple(max(1, math.floor(seconds * rows_per_second + 0.5)) for seconds in DISTANCES_S)


def region_centres(landmarks: FloatArray) -> IntArray:
    """Middle of each region and, last, of the nose in whole pixels, moved so far that all squares lie inside the crop.

    Parameters
    ----------
    landmarks : (68, 2) array
        x, y in pixels of the crop.

    Returns
    -------
    (26, 2) int64 array
        x, y.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    middles = [points[list(numbers)].mean(axis=0) for numbers in (*REGIONS.values(), NOSE_POINTS)]
    centres = np.floor(np.stack(middles) + 0.5).astype(np.int64)
    # A face that looks far up or down has the chin or the brows at the edge; what is seen there still tells something.
    return np.clip(centres, REGION_RADIUS, CROP_SIDE - 1 - REGION_RADIUS)


def region_means(flow: FloatArray, centres: IntArray) -> NDArray[np.float64]:
    """Mean flow (..., n, 2) over the square around each centre (n, 2); `flow` is (..., 128, 128, 2)."""
    around = np.arange(-REGION_RADIUS, REGION_RADIUS + 1)
    columns, rows = centres[:, 0, np.newaxis] + around, centres[:, 1, np.newaxis] + around
    squares = flow[..., rows[:, :, np.newaxis], columns[:, np.newaxis, :], :]
    return np.asarray(squares.mean(axis=(-3, -2), dtype=np.float64))


def shape_measures(landmarks: FloatArray) -> NDArray[np.float64]:
    """`SHAPE_MEASURES` of aligned landmarks (68, 2), in pixels of the crop; (11,) float64."""
    p = np.asarray(landmarks, dtype=np.float64)

    def height(point: int, *others: int) -> float:
        return float(p[list(others), 1].mean() - p[point, 1])

    left_opening = p[[40, 41], 1].mean() - p[[37, 38], 1].mean()
    right_opening = p[[46, 47], 1].mean() - p[[43, 44], 1].mean()
    return np.array(
        [
            left_opening,
            right_opening,
            height(21, 36, 39),
            height(22, 42, 45),
            height(18, 36, 39),
            height(25, 42, 45),
            p[22, 0] - p[21, 0],
            p[54, 0] - p[48, 0],
            p[66, 1] - p[62, 1],
            height(48, 33),
            height(54, 33),
        ]
    )
