"""Meshes beside the face model's: a T-shirt, and long hair that hangs behind the ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.synth.rasteriser import Triangles
from facespot.values import FloatArray


@dataclass(frozen=True, eq=False)
class Sheet:
    """Vertices (n, 3) in centimetres, triangles (m, 3), and texture coordinates (m, 3, 2) of their corners."""

    vertices: FloatArray
    faces: Triangles
    uv: FloatArray


def shirt() -> Sheet:
    """T-shirt around the model's shoulders."""
    # From the collar down: half width, half depth, middle depth, height at the sides, in front and at the back, cm.
    rings = np.array(
        [
            [6.55, 6.7, -2.3, -10.9, -14.3, -10.0],
            [7.2, 7.3, -2.3, -11.0, -15.0, -10.2],
            [9.8, 8.3, -2.2, -11.9, -16.3, -11.0],
            [13.5, 9.4, -2.0, -13.2, -18.0, -12.5],
            [17.0, 10.4, -2.0, -15.0, -20.0, -14.5],
            [19.6, 11.2, -2.0, -18.0, -22.5, -17.5],
            [21.0, 11.6, -2.0, -23.5, -26.0, -23.0],
            [21.6, 11.9, -2.0, -32.0, -34.0, -32.0],
            [22.0, 12.0, -2.0, -60.0, -60.0, -60.0],
        ]
    )
    down = np.linspace(0, len(rings) - 1, 36)
    profile = _smoothed(np.stack([np.interp(down, np.arange(len(rings)), column) for column in rings.T], axis=1), 3)
    angle = np.linspace(0, 2 * np.pi, 101)
    sine, cosine = np.sin(angle), np.cos(angle)
    wide, deep, middle, side, front, back = (column[:, None] for column in profile.T)
    height = side + np.where(cosine > 0, (front - side) * np.abs(cosine) ** 1.6, (back - side) * np.abs(cosine) ** 1.6)
    vertices = np.stack([wide * sine, height, middle + deep * cosine], axis=-1)
    v, u = np.meshgrid(down / down[-1] * 0.999, angle / (2 * np.pi) * 0.999, indexing="ij")
    return _grid(vertices, u, v)


def long_hair(half_width: float, crown: float, wave: NDArray[np.float64]) -> Sheet:
    """Hair from the crown to the shoulders, open in front; it is seen from both sides, so every triangle comes twice.

    ``half_width``: of the head over the ears; ``crown``: height of the top of the head, centimetres; ``wave`` (2,):
    depth of the curls and their phase.
    """
    # Height, half width, half depth, and how far past the ears it reaches, degrees.
    rings = np.array(
        [
            [10.5, 5.6, 7.0, 96.0],
            [9.0, 7.0, 8.3, 106.0],
            [7.0, 7.9, 9.2, 114.0],
            [4.5, 8.5, 9.8, 124.0],
            [2.0, 9.0, 10.0, 131.0],
            [-1.0, 9.3, 10.0, 136.0],
            [-4.5, 9.2, 9.4, 138.0],
            [-8.0, 9.0, 8.8, 137.0],
            [-11.5, 9.4, 8.8, 134.0],
            [-14.5, 10.2, 9.4, 130.0],
        ]
    )
    n_down, n_around = 34, 72
    down = np.linspace(0, len(rings) - 1, n_down)
    profile = _smoothed(np.stack([np.interp(down, np.arange(len(rings)), column) for column in rings.T], axis=1), 2)
    profile[:, 0] = np.where(profile[:, 0] > 0, profile[:, 0] * crown / 13.5, profile[:, 0])
    profile[:, 1:3] *= half_width / 9.0
    share = np.linspace(-1, 1, n_around)
    height, wide, deep, reach = (column[:, None] for column in profile.T)
    curls = wave[0] * np.sin(height / 1.7 + wave[1] + 9.0 * share) * np.clip((6.0 - height) / 10.0, 0.0, 1.0)
    locks = 0.16 * np.sin(31.0 * share + 0.4 * np.sin(height / 3.0)) + 0.10 * np.sin(73.0 * share + wave[1])
    angle = np.deg2rad(reach) * share + 0.02 * curls
    swell = 1.0 + (curls + locks) / 10.0
    # In front of the ears it lies closer than behind them.
    depth = np.where(np.cos(angle) < 0, 0.62 * deep, deep)
    vertices = np.stack(
        [wide * swell * np.sin(angle), height + 0.0 * angle, -0.8 - depth * swell * np.cos(angle)], axis=-1
    )
    v, u = np.meshgrid(down / down[-1] * 0.999, (share + 1) / 2 * 0.999, indexing="ij")
    # Seen from outside, u runs from the subject's right over the back to the left.
    outer = _grid(vertices[:, ::-1], u[:, ::-1], v)
    inner = _grid(vertices, u, v)
    return Sheet(
        np.concatenate([outer.vertices, inner.vertices]),
        np.concatenate([outer.faces, inner.faces + np.int32(len(outer.vertices))]),
        np.concatenate([outer.uv, inner.uv]),
    )


def _smoothed(profile: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    window = np.ones(2 * reach + 1) / (2 * reach + 1)
    columns = [
        np.convolve(np.pad(column, reach, "reflect", reflect_type="odd"), window, "valid") for column in profile.T
    ]
    return np.stack(columns, axis=1)


def _grid(vertices: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]) -> Sheet:
    """Triangles of a grid of vertices (rows, columns, 3), whose columns run counter-clockwise seen from above."""
    rows, columns = vertices.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    uv = np.stack([u, v], axis=-1).reshape(-1, 2)
    return Sheet(vertices.reshape(-1, 3).astype(np.float32), faces, uv[faces].astype(np.float32))
