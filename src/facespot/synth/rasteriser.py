"""Triangles to pixels: a z-buffer rasteriser in Numba, and the geometry that goes with it.

Everything runs on one thread and without fast-math, so that the same input gives the same bytes. Picture positions are
sub-pixels, x to the right, y down, centre of the first sub-pixel at (0, 0). Depth grows towards the camera.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from facespot.values import FloatArray

Function = TypeVar("Function", bound=Callable[..., Any])
Triangles = NDArray[np.int32]
EDGE: Final = 1e-9  # how far outside a triangle a sub-pixel still counts, so that neighbours leave no gap


def kernel(function: Function) -> Function:
    """Compile with Numba, keeping the function's types for the type checker."""
    compile_as: Any = partial(njit, nogil=True, error_model="numpy")
    try:
        compiled = compile_as(cache=True)(function)
    except RuntimeError:
        # No folder can be written to that would keep the machine code: every process compiles anew, in some seconds.
        compiled = compile_as()(function)
    return cast(Function, compiled)


@kernel
def add_shape(vertices: FloatArray, index: Triangles, delta: FloatArray, weight: float) -> None:
    """``vertices[index] += weight * delta``."""
    w = np.float32(weight)
    for i in range(index.size):
        for k in range(3):
            vertices[index[i], k] += w * delta[i, k]


@kernel
def place(
    vertices: FloatArray,
    sway: FloatArray,
    turn: FloatArray,
    pivot: FloatArray,
    shift: FloatArray,
    breath: float,
    view: NDArray[np.float64],
    xy: NDArray[np.float64],
) -> None:
    """Turn and shift the vertices (n, 3) with the head, in place, and project them to pixels ``xy`` (n, 2).

    ``sway`` (n,) is 1 where a vertex follows the head and 0 where it follows the shoulders. ``view`` holds the focal
    length in pixels, the camera's distance and height in centimetres, and the pixel that it looks at.
    """
    rise = np.float32(breath)
    for i in range(vertices.shape[0]):
        s = sway[i]
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        if s > 0.0:
            px, py, pz = x - pivot[0], y - pivot[1], z - pivot[2]
            x += s * (turn[0, 0] * px + turn[0, 1] * py + turn[0, 2] * pz + pivot[0] + shift[0] - x)
            y += s * (turn[1, 0] * px + turn[1, 1] * py + turn[1, 2] * pz + pivot[1] + shift[1] - y)
            z += s * (turn[2, 0] * px + turn[2, 1] * py + turn[2, 2] * pz + pivot[2] + shift[2] - z)
        y += rise * (np.float32(1.0) - s)
        vertices[i, 0], vertices[i, 1], vertices[i, 2] = x, y, z
        scale = view[0] / (view[1] - z)
        xy[i, 0] = view[3] + x * scale
        xy[i, 1] = view[4] - (y - view[2]) * scale


@kernel
def _inverse(value: float) -> float:
    return 1.0 / value if value != 0.0 else 0.0


@kernel
def rasterise(
    xy: NDArray[np.float64],
    depth: FloatArray,
    faces: Triangles,
    face_bias: FloatArray,
    cull: bool,
    z_buffer: FloatArray,
    triangle: Triangles,
    barycentric: FloatArray,
) -> None:
    """Fill ``triangle`` (index of the nearest face, -1 for none), ``z_buffer`` and ``barycentric`` (last two weights).

    ``face_bias`` is added to the depth of a face (centimetres); negative pushes it back. With ``cull`` faces that turn
    their back to the camera (counter-clockwise in a picture with y down) are left out.
    """
    height, width = z_buffer.shape
    z_buffer[:] = -1e9
    triangle[:] = -1
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = xy[a, 0], xy[a, 1]
        bx, by, cx, cy = xy[b, 0] - ax, xy[b, 1] - ay, xy[c, 0] - ax, xy[c, 1] - ay
        area = bx * cy - by * cx
        if area == 0.0 or (cull and area > 0.0):
            continue
        x0 = max(0, math.ceil(ax + min(0.0, bx, cx)))
        x1 = min(width - 1, math.floor(ax + max(0.0, bx, cx)))
        if x0 > x1:
            continue
        y0 = max(0, math.ceil(ay + min(0.0, by, cy)))
        y1 = min(height - 1, math.floor(ay + max(0.0, by, cy)))
        inverse = 1.0 / area
        za, zb, zc = depth[a] + face_bias[f], depth[b] - depth[a], depth[c] - depth[a]
        # Each weight is linear along a row, so the row's part inside the triangle follows from where they are zero.
        step_b, step_c = cy * inverse, -by * inverse
        step_a = -step_b - step_c
        turn_b, turn_c, turn_a = _inverse(step_b), _inverse(step_c), _inverse(step_a)
        for y in range(y0, y1 + 1):
            dy = y - ay
            row_b, row_c = -dy * cx * inverse, bx * dy * inverse
            row_a = 1.0 - row_b - row_c
            # Not from x0 and x1: rounding on the way back would lose the first or last pixel of the row.
            low, high = -1e9, 1e9
            if step_b > 0.0:
                low = max(low, (-EDGE - row_b) * turn_b)
            elif step_b < 0.0:
                high = min(high, (-EDGE - row_b) * turn_b)
            elif row_b < -EDGE:
                continue
            if step_c > 0.0:
                low = max(low, (-EDGE - row_c) * turn_c)
            elif step_c < 0.0:
                high = min(high, (-EDGE - row_c) * turn_c)
            elif row_c < -EDGE:
                continue
            if step_a > 0.0:
                low = max(low, (-EDGE - row_a) * turn_a)
            elif step_a < 0.0:
                high = min(high, (-EDGE - row_a) * turn_a)
            elif row_a < -EDGE:
                continue
            first, last = max(x0, math.ceil(low + ax)), min(x1, math.floor(high + ax))
            for x in range(first, last + 1):
                dx = x - ax
                wb = row_b + dx * step_b
                wc = row_c + dx * step_c
                z = np.float32(za + wb * zb + wc * zc)
                if z > z_buffer[y, x]:
                    z_buffer[y, x] = z
                    triangle[y, x] = f
                    barycentric[y, x, 0] = wb
                    barycentric[y, x, 1] = wc


@kernel
def cover_lashes(
    xy: NDArray[np.float64],
    depth: FloatArray,
    faces: Triangles,
    opacity: FloatArray,
    z_buffer: FloatArray,
    cover: FloatArray,
) -> None:
    """Fill ``cover`` (h, w) with the opacity of the lash cards that lie before what is drawn, 0..1."""
    height, width = z_buffer.shape
    cover[:] = np.float32(0.0)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = xy[a, 0], xy[a, 1]
        bx, by, cx, cy = xy[b, 0] - ax, xy[b, 1] - ay, xy[c, 0] - ax, xy[c, 1] - ay
        area = bx * cy - by * cx
        if area == 0.0 or opacity[a] + opacity[b] + opacity[c] == 0.0:
            continue
        inverse = 1.0 / area
        x0 = max(0, math.ceil(ax + min(0.0, bx, cx)))
        x1 = min(width - 1, math.floor(ax + max(0.0, bx, cx)))
        y0 = max(0, math.ceil(ay + min(0.0, by, cy)))
        y1 = min(height - 1, math.floor(ay + max(0.0, by, cy)))
        for y in range(y0, y1 + 1):
            dy = y - ay
            for x in range(x0, x1 + 1):
                dx = x - ax
                wb = (dx * cy - dy * cx) * inverse
                wc = (bx * dy - by * dx) * inverse
                if wb < 0.0 or wc < 0.0 or wb + wc > 1.0:
                    continue
                wa = 1.0 - wb - wc
                # The lids' skin is thinner than the distance between the cards and it.
                if wa * depth[a] + wb * depth[b] + wc * depth[c] < z_buffer[y, x] - 0.15:
                    continue
                value = np.float32(wa * opacity[a] + wb * opacity[b] + wc * opacity[c])
                cover[y, x] = max(cover[y, x], value)


@kernel
def vertex_normals(vertices: FloatArray, faces: Triangles) -> FloatArray:
    """Return the unit normal of each vertex: the area-weighted mean of its faces' normals."""
    normals = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        vx, vy, vz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(vertices.shape[0]):
        length = math.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0.0:
            inverse = np.float32(1.0 / length)
            for k in range(3):
                normals[v, k] *= inverse
    return normals


@kernel
def displacement(
    triangle: Triangles,
    barycentric: FloatArray,
    faces: Triangles,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    flow: FloatArray,
) -> None:
    """Fill ``flow`` (h, w, 2) with the way of the surface point seen at each pixel, 0 where there is none."""
    height, width = triangle.shape
    for y in range(height):
        for x in range(width):
            f = triangle[y, x]
            if f < 0:
                flow[y, x, 0] = flow[y, x, 1] = np.float32(0.0)
                continue
            wb, wc = barycentric[y, x, 0], barycentric[y, x, 1]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            for k in range(2):
                way = (second[a, k] - first[a, k]) * (1.0 - wb - wc)
                flow[y, x, k] = way + (second[b, k] - first[b, k]) * wb + (second[c, k] - first[c, k]) * wc
