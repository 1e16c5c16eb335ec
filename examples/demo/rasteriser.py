"""Triangles to pixels: a z-buffer rasteriser in Numba.

Everything runs on one thread and without fast-math, so that the same input gives the same bytes. Image positions are
in sub-pixels, x to the right, y down, centre of the first sub-pixel at (0, 0). Depth grows towards the camera.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile with Numba; keep the function's types for the type checker."""
    return cast(Function, numba.njit(cache=True)(function))


@jit
def rasterise(
    xy: NDArray[np.float64],
    depth: NDArray[np.float64],
    faces: IntArray,
    face_bias: FloatArray,
    cull: bool,
    z_buffer: FloatArray,
    triangle: IntArray,
    barycentric: FloatArray,
) -> None:
    """Fill ``triangle`` (index of the nearest face, -1 for none), ``z_buffer`` and ``barycentric`` (last two weights).

    ``face_bias`` is added to the depth of a face (cm); negative pushes it back. With ``cull`` faces that turn their
    back to the camera (counter-clockwise in an image with y down) are left out.
    """
    height, width = z_buffer.shape
    z_buffer[:] = -1e9
    triangle[:] = -1
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or (cull and area > 0.0):
            continue
        x0, x1 = max(0, math.ceil(min(ax, bx, cx))), min(width - 1, math.floor(max(ax, bx, cx)))
        y0, y1 = max(0, math.ceil(min(ay, by, cy))), min(height - 1, math.floor(max(ay, by, cy)))
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
                wa = 1.0 - wb - wc
                if wa < -1e-9 or wb < -1e-9 or wc < -1e-9:
                    continue
                z = wa * depth[a] + wb * depth[b] + wc * depth[c] + face_bias[f]
                if z > z_buffer[y, x]:
                    z_buffer[y, x] = z
                    triangle[y, x] = f
                    barycentric[y, x, 0] = wb
                    barycentric[y, x, 1] = wc


@jit
def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Return the unit normal of each vertex: the area-weighted mean of its faces' normals."""
    normals = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        for v in (a, b, c):
            normals[v, 0] += uy * vz - uz * vy
            normals[v, 1] += uz * vx - ux * vz
            normals[v, 2] += ux * vy - uy * vx
    for v in range(vertices.shape[0]):
        length = math.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0.0:
            normals[v] /= length
    return normals
