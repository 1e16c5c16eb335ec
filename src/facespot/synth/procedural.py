"""Painting by rule: smooth noise, soft edges, curves and spots at points of the generic face, in its centimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facespot.synth.rasteriser import Triangles, kernel, rasterise
from facespot.values import FloatArray


def linear(red: float, green: float, blue: float) -> FloatArray:
    """Linear-light colour of an sRGB colour given in levels 0..255.

    >>> linear(0, 128, 255).round(3).tolist()
    [0.0, 0.2160000056028366, 1.0]
    """
    level = np.array([red, green, blue], dtype=np.float32) / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


@kernel
def _lattice(x: int, y: int, z: int, seed: int) -> float:
    """Pseudo-random number in -1..1 of an integer point."""
    h = (x * 374761393 + y * 668265263 + z * 2147483647 + seed * 144665) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFFFF) / 8388607.5 - 1.0


@kernel
def _value_noise(points: FloatArray, scale: NDArray[np.float64], seed: int) -> FloatArray:
    out = np.empty(points.shape[0], dtype=np.float32)
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0] * scale[0], points[i, 1] * scale[1], points[i, 2] * scale[2]
        ix, iy, iz = math.floor(px), math.floor(py), math.floor(pz)
        fx, fy, fz = px - ix, py - iy, pz - iz
        fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
        total = 0.0
        for corner in range(8):
            cx, cy, cz = corner & 1, (corner >> 1) & 1, corner >> 2
            weight = (fx if cx else 1 - fx) * (fy if cy else 1 - fy) * (fz if cz else 1 - fz)
            total += weight * _lattice(int(ix) + cx, int(iy) + cy, int(iz) + cz, seed)
        out[i] = total
    return out


def noise(points: FloatArray, wavelength: float | tuple[float, float, float], seed: int) -> FloatArray:
    """Smooth noise in -1..1 at points (..., 3); ``wavelength`` in the units of the points, per axis or for all."""
    scale = 1.0 / np.broadcast_to(np.asarray(wavelength, dtype=np.float64), (3,))
    flat = np.ascontiguousarray(points.reshape(-1, 3), dtype=np.float32)
    return np.asarray(_value_noise(flat, np.ascontiguousarray(scale), seed)).reshape(points.shape[:-1])


def smoothstep(low: float, high: float, value: FloatArray) -> FloatArray:
    """0 below ``low``, 1 above ``high`` (or the reverse where low > high), smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def mix(base: FloatArray, colour: FloatArray, amount: FloatArray) -> FloatArray:
    """Blend colours (..., 3): `base` where `amount` (...) is 0, `colour` where it is 1."""
    return (base + (colour - base) * amount[..., None]).astype(np.float32)


def blob(position: FloatArray, centre: tuple[float, float], width: float) -> FloatArray:
    """Gaussian spot on both halves of the face, on its front only."""
    squared = (np.abs(position[..., 0]) - centre[0]) ** 2 + (position[..., 1] - centre[1]) ** 2
    return (np.exp(-squared / (2 * width**2)) * (position[..., 2] > 0)).astype(np.float32)


def mirrored(position: FloatArray) -> FloatArray:
    """Positions with the subject's right half folded onto the left."""
    folded = position.copy()
    folded[..., 0] = np.abs(folded[..., 0])
    return folded


def curve_distance(position: FloatArray, points: Sequence[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Signed distance (above +) in the x-y plane to a polyline, and the place along it 0..1.

    >>> distance, place = curve_distance(np.array([[1.0, 0.5, 0.0]], dtype=np.float32), [(0, 0), (4, 0)])
    >>> distance.tolist(), place.tolist()
    ([0.5], [0.25])
    """
    curve = np.array(points, dtype=np.float64)
    flat = np.ascontiguousarray(position.reshape(-1, position.shape[-1]), dtype=np.float32)
    distance, place = _curve_distance(flat, curve)
    return distance.reshape(position.shape[:-1]), place.reshape(position.shape[:-1])


@kernel
def _curve_distance(points: FloatArray, curve: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    n_pieces = curve.shape[0] - 1
    steps = curve[1:] - curve[:-1]
    lengths = np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2)
    total = lengths.sum()
    signed, place = np.empty(points.shape[0], np.float32), np.empty(points.shape[0], np.float32)
    for i in range(points.shape[0]):
        nearest, start = 1e18, 0.0
        for k in range(n_pieces):
            ux, uy = steps[k, 0] / lengths[k], steps[k, 1] / lengths[k]
            dx, dy = points[i, 0] - curve[k, 0], points[i, 1] - curve[k, 1]
            along = min(max(dx * ux + dy * uy, 0.0), lengths[k])
            ex, ey = dx - along * ux, dy - along * uy
            squared = ex * ex + ey * ey
            if squared < nearest:
                nearest = squared
                signed[i] = math.copysign(math.sqrt(squared), ux * dy - uy * dx)
                place[i] = (start + along) / total
            start += lengths[k]
    return signed, place


def positions_on_texture(
    vertices: FloatArray, faces: Triangles, uv: FloatArray, faces_uv: Triangles, size: int
) -> FloatArray:
    """Position (size, size, 3) of each texel on the mesh; texels off the mesh take their neighbour's near seams."""
    corners_uv = uv[faces_uv].reshape(-1, 2).astype(np.float64)
    xy = np.stack([(corners_uv[:, 0] % 1.0) * size - 0.5, corners_uv[:, 1] * size - 0.5], axis=1)
    corners = vertices[faces].reshape(-1, 3)
    soup = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    z_buffer = np.empty((size, size), dtype=np.float32)
    triangle = np.empty((size, size), dtype=np.int32)
    weights = np.zeros((size, size, 2), dtype=np.float32)
    flat = np.zeros(len(xy), np.float32)
    rasterise(xy, flat, soup, np.zeros(len(soup), np.float32), False, z_buffer, triangle, weights)
    wb, wc = weights[..., :1], weights[..., 1:]
    tri = soup[triangle]
    position = corners[tri[..., 0]] * (1 - wb - wc) + corners[tri[..., 1]] * wb + corners[tri[..., 2]] * wc
    known = triangle >= 0
    position[~known] = (0.0, 0.0, -50.0)
    for _ in range(4):
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            take = ~known & np.roll(known, step, axis)
            position[take] = np.roll(position, step, axis)[take]
            known |= take
    return np.asarray(position, dtype=np.float32)
