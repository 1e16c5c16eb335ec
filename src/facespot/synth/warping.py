"""Warps a picture by a mesh of triangles that lies over it: pure functions of arrays, one thread, no fast-math.

A vertex has a place in the source picture, where its colour comes from, and one in the drawn picture. Triangles lie in
layers: a nearer layer hides the farther ones, and within a layer the depth counts. Pixels that no triangle covers are
copied. All positions are pixels, x to the right, y down, the centre of the first pixel at (0, 0).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facespot.synth.rasteriser import Triangles, kernel, rasterise
from facespot.values import BoolArray, FloatArray

Points = NDArray[np.float64]

LAYER_DEPTH = 1000.0
"""Added to the depth (centimetres) for each layer, so that a layer hides those below it."""
SUBPIXELS = 2
SAME_SURFACE = 0.5
"""Two points of a face nearer to each other in depth than this, in centimetres, count as the same surface."""


def cover(
    xy: Points, depth: Points, triangles: Triangles, two_sided: BoolArray, size: tuple[int, int]
) -> tuple[FloatArray, Triangles, FloatArray]:
    """Find the nearest triangle of every pixel.

    Parameters
    ----------
    xy : (n, 2) float64 array
        Positions of the vertices.
    depth : (n,) float64 array
        Larger is nearer.
    triangles : (m, 3) int32 array
        Corners counter-clockwise as the viewer sees them.
    two_sided : (m,) bool array
        Triangles that are seen from behind, too.
    size : tuple of int
        Height and width.

    Returns
    -------
    depth, triangle, weights : (h, w) float32, (h, w) int32 and (h, w, 2) float32 arrays
        Depth of the pixel, index of its triangle (-1 for none), weights of its second and third corners.
    """
    kept = _seen(xy, triangles, two_sided, size)
    nearest, triangle = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.int32)
    weights = np.zeros((*size, 2), dtype=np.float32)
    no_bias = np.zeros(len(kept), dtype=np.float32)
    rasterise(xy, depth.astype(np.float32), triangles[kept], no_bias, False, nearest, triangle, weights)
    _renumber(triangle, kept)
    return nearest, triangle, weights


@kernel
def _seen(xy: Points, triangles: Triangles, two_sided: BoolArray, size: tuple[int, int]) -> Triangles:
    """Triangles that face the viewer and reach into the picture."""
    kept = np.empty(len(triangles), dtype=np.int32)
    n = 0
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        facing = two_sided[t] or (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0.0
        inside = max(ax, bx, cx) >= 0.0 and max(ay, by, cy) >= 0.0
        if facing and inside and min(ax, bx, cx) <= size[1] and min(ay, by, cy) <= size[0]:
            kept[n] = t
            n += 1
    return kept[:n]


@kernel
def _renumber(triangle: Triangles, kept: Triangles) -> None:
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            if triangle[y, x] >= 0:
                triangle[y, x] = kept[triangle[y, x]]


@kernel
def _mixed(values: Points | FloatArray, triangles: Triangles, t: int, wb: float, wc: float, k: int) -> float:
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    mean: float = (1.0 - wb - wc) * values[a, k] + wb * values[b, k] + wc * values[c, k]
    return mean


@kernel
def _cubic(t: float) -> tuple[float, float, float, float]:
    # Keys (1981), a = -1/2: exact for quadratics. OpenCV's own tables know only 32 steps between two pixels.
    return (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )


@kernel
def _add_sample(picture: FloatArray, x: float, y: float, share: float, out: FloatArray, v: int, u: int) -> None:
    """Add a share of the bicubic sample at (x, y), never below black, to a pixel; the border is repeated."""
    height, width = picture.shape[0], picture.shape[1]
    x, y = min(max(x, -1.0), float(width)), min(max(y, -1.0), float(height))
    column, row = math.floor(x), math.floor(y)
    across, down = _cubic(x - column), _cubic(y - row)
    red, green, blue = 0.0, 0.0, 0.0
    for i in range(4):
        r = min(max(row - 1 + i, 0), height - 1)
        for j in range(4):
            c = min(max(column - 1 + j, 0), width - 1)
            weight = down[i] * across[j]
            red += weight * picture[r, c, 0]
            green += weight * picture[r, c, 1]
            blue += weight * picture[r, c, 2]
    out[v, u, 0] += share * max(red, 0.0)
    out[v, u, 1] += share * max(green, 0.0)
    out[v, u, 2] += share * max(blue, 0.0)


@kernel
def _fold_at(folds: FloatArray, corner_uv: FloatArray, t: int, wb: float, wc: float) -> float:
    """Depth of the folds (s, s) at a point of a triangle with these texture coordinates (m, 3, 2), bilinear."""
    size = folds.shape[0]
    u = (1.0 - wb - wc) * corner_uv[t, 0, 0] + wb * corner_uv[t, 1, 0] + wc * corner_uv[t, 2, 0]
    v = (1.0 - wb - wc) * corner_uv[t, 0, 1] + wb * corner_uv[t, 1, 1] + wc * corner_uv[t, 2, 1]
    x, y = min(max(u * size - 0.5, 0.0), size - 1.001), min(max(v * size - 0.5, 0.0), size - 1.001)
    column, row = int(x), int(y)
    x, y = x - column, y - row
    above = (1.0 - x) * folds[row, column] + x * folds[row, column + 1]
    below = (1.0 - x) * folds[row + 1, column] + x * folds[row + 1, column + 1]
    fold: float = (1.0 - y) * above + y * below
    return fold


@kernel
def paint(
    picture: FloatArray,
    lidless: FloatArray,
    zoom: int,
    source: Points,
    unfolded: FloatArray,
    triangles: Triangles,
    triangle: Triangles,
    weights: FloatArray,
    own_colour: FloatArray,
    own_from: int,
    folds: FloatArray,
    corner_uv: FloatArray,
    skin_from: int,
) -> FloatArray:
    """Draw the covered pixels with the colours of the source picture.

    Where the four sub-pixels of a pixel come from one place, that place is sampled once, so that a mesh at rest copies
    the picture exactly; where they come from different surfaces (edges of lids and lips) each is sampled.

    Parameters
    ----------
    picture, lidless : (zoom * h, zoom * w, 3) float32 arrays
        Source, `zoom` times as fine as what is drawn, and the same with the eyes filled in.
    zoom : int
    source : (n, 2) float64 array
        Place of each vertex in the source, in its pixels.
    unfolded : (n, 1) float32 array
        How much of the colour of each vertex comes from `lidless`, 0..1.
    triangles : (m, 3) int32 array
    triangle, weights : (2 h, 2 w) int32 and (2 h, 2 w, 2) float32 arrays
        From `cover`, at two sub-pixels per pixel and direction.
    own_colour : (n, 3) float32 array
        Colours of the vertices of triangles that are not in the picture.
    own_from : int
        First triangle with colours of its own; those before it from `skin_from` on are skin.
    folds : (s, s) float32 array
        Depth of wrinkles on the texture of the face: positive darkens. An empty array for none.
    corner_uv : (own_from - skin_from, 3, 2) float32 array
        Where the corners of the skin lie on that texture, 0..1.
    skin_from : int
    """
    height, width = triangle.shape[0] // SUBPIXELS, triangle.shape[1] // SUBPIXELS
    out = np.zeros((height, width, 3), dtype=np.float32)
    place = np.empty((4, 2))
    from_lid = np.empty(4)
    for y in range(height):
        for x in range(width):
            plain = True
            fold = 0.0
            for k in range(4):
                v, u = SUBPIXELS * y + k // SUBPIXELS, SUBPIXELS * x + k % SUBPIXELS
                t = triangle[v, u]
                from_lid[k] = 0.0
                if t < 0:
                    place[k, 0] = ((u + 0.5) / SUBPIXELS) * zoom - 0.5
                    place[k, 1] = ((v + 0.5) / SUBPIXELS) * zoom - 0.5
                elif t >= own_from:
                    plain = False
                else:
                    wb, wc = weights[v, u, 0], weights[v, u, 1]
                    place[k, 0] = _mixed(source, triangles, t, wb, wc, 0)
                    place[k, 1] = _mixed(source, triangles, t, wb, wc, 1)
                    if t >= skin_from:
                        from_lid[k] = _mixed(unfolded, triangles, t, wb, wc, 0)
                        if folds.size > 0:
                            fold += 0.25 * _fold_at(folds, corner_uv, t - skin_from, wb, wc)
            if plain:
                for i in range(2):
                    low = min(place[0, i], place[1, i], place[2, i], place[3, i])
                    high = max(place[0, i], place[1, i], place[2, i], place[3, i])
                    plain = plain and high - low < 1.2 * zoom
            if plain:
                mean_x = 0.25 * (place[0, 0] + place[1, 0] + place[2, 0] + place[3, 0])
                mean_y = 0.25 * (place[0, 1] + place[1, 1] + place[2, 1] + place[3, 1])
                lid = 0.25 * (from_lid[0] + from_lid[1] + from_lid[2] + from_lid[3])
                if lid < 1.0:
                    _add_sample(picture, mean_x, mean_y, 1.0 - lid, out, y, x)
                if lid > 0.0:
                    _add_sample(lidless, mean_x, mean_y, lid, out, y, x)
            else:
                for k in range(4):
                    v, u = SUBPIXELS * y + k // SUBPIXELS, SUBPIXELS * x + k % SUBPIXELS
                    t = triangle[v, u]
                    if t < own_from:
                        lid = 0.25 * from_lid[k]
                        _add_sample(picture, place[k, 0], place[k, 1], 0.25 - lid, out, y, x)
                        _add_sample(lidless, place[k, 0], place[k, 1], lid, out, y, x)
                        continue
                    for i in range(3):
                        colour = _mixed(own_colour, triangles, t, weights[v, u, 0], weights[v, u, 1], i)
                        out[y, x, i] += 0.25 * colour
            if fold != 0.0:
                # Light in a furrow is reddened by the skin on its sides.
                out[y, x, 0] *= max(0.2, 1.0 - 0.85 * fold)
                out[y, x, 1] *= max(0.2, 1.0 - fold)
                out[y, x, 2] *= max(0.2, 1.0 - 1.15 * fold)
    return out


@kernel
def motion(
    first: Points, second: Points, second_depth: Points, triangles: Triangles,
    triangle: Triangles, weights: FloatArray, nearest: FloatArray,
) -> tuple[FloatArray, BoolArray]:  # fmt: skip
    """Motion of what is seen in one drawn picture to where it is in another.

    Parameters
    ----------
    first, second : (n, 2) float64 arrays
        Positions of the vertices in both.
    second_depth : (n, 1) float64 array
    triangles : (m, 3) int32 array
    triangle, weights : (h, w) int32 and (h, w, 2) float32 arrays
        From `cover` of the first picture, one sample per pixel.
    nearest : (h, w) float32 array
        Depth from `cover` of the second picture.

    Returns
    -------
    flow, known : (h, w, 2) float32 and (h, w) bool arrays
        Pixels; known where the same surface lies inside the second picture and nothing hides it there.
    """
    height, width = triangle.shape
    flow = np.zeros((height, width, 2), dtype=np.float32)
    known = np.zeros((height, width), dtype=np.bool_)
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            depth = -1e9
            x2, y2 = float(x), float(y)
            if t >= 0:
                wb, wc = weights[y, x, 0], weights[y, x, 1]
                x2, y2 = _mixed(second, triangles, t, wb, wc, 0), _mixed(second, triangles, t, wb, wc, 1)
                flow[y, x, 0] = x2 - _mixed(first, triangles, t, wb, wc, 0)
                flow[y, x, 1] = y2 - _mixed(first, triangles, t, wb, wc, 1)
                depth = _mixed(second_depth, triangles, t, wb, wc, 0)
            row, column = round(y2), round(x2)
            if 0 <= row < height and 0 <= column < width:
                known[y, x] = depth > nearest[row, column] - SAME_SURFACE
    return flow, known
