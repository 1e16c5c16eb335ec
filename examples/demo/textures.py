"""What the person is painted with: colour, gloss and hair, drawn by rule on the face model's texture coordinates.

Every rule is written in the generic neutral face's own centimetres (x to the subject's left, y up, z out of the
face), so it holds for any identity. Colours are linear light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.rasteriser import FloatArray, IntArray, jit, rasterise

SIZE = 1024
FACE_TILE, HEAD_TILE, EYE_TILE, SHIRT_TILE = range(4)
CHANNELS = 5  # red, green, blue, gloss, hair
WRINKLES = ("forehead", "glabella", "crow_feet", "nasolabial", "nose_root")


@dataclass(frozen=True)
class Paint:
    """Textures (4, SIZE, SIZE, CHANNELS) float32 and wrinkle maps (5, SIZE, SIZE) float32, signed, of the face tile."""

    tiles: FloatArray
    wrinkles: FloatArray


def linear(red: float, green: float, blue: float) -> FloatArray:
    """Linear-light colour of an sRGB colour given in levels 0..255."""
    level = np.array([red, green, blue], dtype=np.float32) / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


@jit
def _lattice(x: int, y: int, z: int, seed: int) -> float:
    """Pseudo-random number in -1..1 of an integer point."""
    h = (x * 374761393 + y * 668265263 + z * 2147483647 + seed * 144665) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFFFF) / 8388607.5 - 1.0


@jit
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


def positions_on_texture(
    vertices: FloatArray, faces: IntArray, uv: FloatArray, faces_uv: IntArray, size: int = SIZE
) -> FloatArray:
    """Position (size, size, 3) of each texel on the mesh; texels off the mesh take their neighbour's near seams."""
    corners_uv = uv[faces_uv].reshape(-1, 2).astype(np.float64)
    xy = np.stack([(corners_uv[:, 0] % 1.0) * size - 0.5, corners_uv[:, 1] * size - 0.5], axis=1)
    corners = vertices[faces].reshape(-1, 3)
    soup = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    z_buffer = np.empty((size, size), dtype=np.float32)
    triangle = np.empty((size, size), dtype=np.int32)
    weights = np.zeros((size, size, 2), dtype=np.float32)
    rasterise(xy, np.zeros(len(xy)), soup, np.zeros(len(soup), np.float32), False, z_buffer, triangle, weights)
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


def hair_amount(position: FloatArray) -> FloatArray:
    """How far inside the hair a point of the generic head is: 0 skin, 1 full hair, smooth over about 1 cm."""
    x, y, z = np.abs(position[..., 0]), position[..., 1], position[..., 2]
    # Front hairline, a little higher at the corners; it falls steeply at the temples.
    front = y - (9.9 - 0.035 * x**2 + 0.5 * np.exp(-(((x - 4.0) / 1.5) ** 2)))
    temple = np.minimum(3.6 + 0.22 * np.maximum(y - 5.5, 0.0) - z, y - 1.2)
    sideburn = np.minimum(np.minimum(3.6 - z, z - 1.4), y - 1.2)
    above_ear = np.minimum(temple, y - 4.1)
    behind_ear = np.minimum(-1.9 - z, 0.8 * (y + 5.5))
    inside = np.maximum(np.maximum(front, sideburn), np.maximum(above_ear, behind_ear))
    return smoothstep(-0.35, 0.65, inside)


def _curve_distance(position: FloatArray, points: list[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Signed distance (above +) in the x-y plane to a polyline, and the place along it 0..1."""
    curve = np.array(points, dtype=np.float32)
    lengths = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    best = np.full(position.shape[:-1], 1e9, dtype=np.float32)
    signed = best.copy()
    place = np.zeros_like(best)
    for k in range(len(curve) - 1):
        direction = (curve[k + 1] - curve[k]) / lengths[k]
        dx, dy = position[..., 0] - curve[k, 0], position[..., 1] - curve[k, 1]
        along = np.clip(dx * direction[0] + dy * direction[1], 0.0, lengths[k])
        ex, ey = dx - along * direction[0], dy - along * direction[1]
        distance = np.hypot(ex, ey)
        nearer = distance < best
        side = np.sign(direction[0] * dy - direction[1] * dx)
        best = np.where(nearer, distance, best)
        signed = np.where(nearer, distance * side, signed)
        place = np.where(nearer, (starts[k] + along) / starts[-1], place)
    return signed.astype(np.float32), place.astype(np.float32)


def _blob(position: FloatArray, centre: tuple[float, float], width: float) -> FloatArray:
    """Gaussian spot on both halves of the face, on its front only."""
    squared = (np.abs(position[..., 0]) - centre[0]) ** 2 + (position[..., 1] - centre[1]) ** 2
    return (np.exp(-squared / (2 * width**2)) * (position[..., 2] > 0)).astype(np.float32)


def _mix(base: FloatArray, colour: FloatArray, amount: FloatArray) -> FloatArray:
    return (base + (colour - base) * amount[..., None]).astype(np.float32)


def _skin(position: FloatArray, lip: FloatArray, brow: FloatArray, seed: int) -> FloatArray:
    """Colour, gloss and hair of skin and scalp at each texel."""
    colour = np.broadcast_to(linear(206, 158, 132), (*position.shape[:-1], 3)).astype(np.float32)
    flush = linear(196, 108, 92)
    for centre, width, amount in (
        ((4.3, 0.4), 1.5, 0.34), ((0.0, 0.5), 0.8, 0.30), ((0.0, -6.6), 1.1, 0.16), ((8.2, 1.0), 1.6, 0.35),
    ):  # fmt: skip
        colour = _mix(colour, flush, amount * _blob(position, centre, width))
    colour = _mix(colour, linear(150, 96, 84), 0.38 * _blob(position, (2.6, 2.75), 0.55))
    colour = _mix(colour, linear(172, 112, 92), 0.35 * _blob(position, (3.1, 4.4), 0.75))
    mottle = 0.055 * noise(position, 1.7, seed) + 0.05 * noise(position, 0.6, seed + 1)
    pores = 0.065 * noise(position, 0.24, seed + 2) + 0.07 * noise(position, 0.13, seed + 3)
    colour *= (1 + mottle + pores)[..., None]
    colour = _mix(colour, flush, 0.16 * np.clip(noise(position, 0.9, seed + 4), 0, 1))
    freckle = smoothstep(0.62, 0.82, noise(position, 0.22, seed + 5)) * smoothstep(
        0.0, 0.6, noise(position, 1.3, seed + 6)
    )
    colour = _mix(colour, linear(144, 92, 68), 0.4 * freckle)
    rng = np.random.default_rng(seed)
    for _ in range(5):  # moles
        centre = (rng.choice([-1, 1]) * rng.uniform(2.2, 5.5), rng.uniform(-6.0, 2.0))
        distance = np.hypot(position[..., 0] - centre[0], position[..., 1] - centre[1]) / rng.uniform(0.07, 0.14)
        mole = np.exp(-(distance**2)) * (position[..., 2] > 3)
        colour = _mix(colour, linear(88, 52, 42), 0.75 * mole.astype(np.float32))
    gloss = 0.55 + 0.35 * (_blob(position, (0.0, 1.0), 1.2) + _blob(position, (0.0, 8.0), 2.2)) + 0.25 * pores / 0.1
    lip_tint = linear(172, 92, 88) * (1 + 0.14 * noise(position, (0.11, 0.8, 0.8), seed + 7))[..., None]
    colour = colour + (lip_tint - colour) * (0.85 * lip)[..., None]
    gloss = gloss + 0.5 * lip
    hair = hair_amount(position)
    strand, _ = _strands(position, seed)
    # Single strands reach over the hairline, so that its edge is ragged.
    hair = smoothstep(0.30, 0.62, hair + 0.38 * strand * (1 - np.abs(2 * hair - 1)))
    dark = linear(62, 44, 34) * (1 + 0.55 * strand)[..., None]
    colour = colour + (dark - colour) * hair[..., None]
    colour = _mix(colour, linear(46, 29, 21), brow)
    return np.concatenate([colour, gloss[..., None], np.maximum(hair, brow)[..., None]], axis=-1).astype(np.float32)


def _strands(position: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """Hair strands combed from the forehead backwards: noise, long along the strand and short across it."""
    x, y, z = position[..., 0], position[..., 1] - 3.0, position[..., 2]
    across = np.arctan2(x, np.maximum(y, -2.0) + 4.0) * 10.0 + 0.35 * noise(position, 2.2, seed + 20)
    along = z + 0.3 * np.abs(x)
    flow = np.stack([across, along, np.zeros_like(across)], axis=-1).astype(np.float32)
    fine = 0.6 * noise(flow, (0.13, 1.8, 1.0), seed + 21) + 0.55 * noise(flow, (0.33, 3.0, 1.0), seed + 22)
    return (fine + 0.4 * noise(flow, (1.0, 5.0, 1.0), seed + 23)).astype(np.float32), across.astype(np.float32)


def _brows(position: FloatArray, seed: int) -> FloatArray:
    mirrored = position.copy()
    mirrored[..., 0] = np.abs(mirrored[..., 0])
    distance, place = _curve_distance(mirrored, [(1.25, 5.55), (2.4, 5.95), (3.8, 6.2), (4.9, 5.95), (5.75, 5.2)])
    half_width = 0.46 * smoothstep(1.08, 0.45, place) * smoothstep(-0.25, 0.12, place) + 0.03
    shear = np.stack([place * 5.0 - 0.6 * distance, distance, np.sign(position[..., 0])], axis=-1).astype(np.float32)
    strokes = 0.94 + 0.14 * noise(shear, (0.10, 0.7, 1.0), seed + 30)
    ends = smoothstep(-0.02, 0.16, place) * smoothstep(1.0, 0.9, place)
    cover = 0.92 * smoothstep(1.25, 0.35, np.abs(distance) / half_width) * ends * strokes
    return np.asarray(np.clip(cover, 0.0, 0.92) * (position[..., 2] > 5), dtype=np.float32)


def _lips(position: FloatArray, outline: FloatArray) -> FloatArray:
    """Soft mask of the lips: inside the closed outline (n, 2) of their outer border, generic face, x and y in cm."""
    dense = _closed_spline(outline)
    inside = np.zeros(position.shape[:-1], dtype=bool)
    x, y = position[..., 0], position[..., 1]
    for (ax, ay), (bx, by) in zip(dense, np.roll(dense, -1, axis=0), strict=True):
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay + 1e-12) + ax)
    distance, _ = _curve_distance(position, [*map(tuple, dense), tuple(dense[0])])
    return smoothstep(-0.10, 0.10, np.where(inside, 1.0, -1.0) * np.abs(distance)) * (position[..., 2] > 8)


def _closed_spline(points: FloatArray, steps: int = 6) -> FloatArray:
    """Catmull-Rom curve through closed control points."""
    t = (np.arange(steps) / steps)[:, None]
    pieces = []
    for k in range(len(points)):
        p0, p1, p2, p3 = (points[(k + i - 1) % len(points)] for i in range(4))
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3)
        )
    return np.concatenate(pieces).astype(np.float32)


def _eye(seed: int) -> FloatArray:
    """Sclera with the iris painted on its disc: centre (0.5, 0.5), iris radius 0.115 of the tile."""
    v, u = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE - 0.5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    polar = np.stack([np.cos(angle) * 6, np.sin(angle) * 6, radius * 14], axis=-1).astype(np.float32)
    colour = np.broadcast_to(linear(222, 214, 206), (SIZE, SIZE, 3)).astype(np.float32)
    veins = smoothstep(0.55, 0.95, 1 - np.abs(noise(polar, (0.5, 0.5, 2.0), seed + 40)) * 3)
    colour = _mix(colour, linear(190, 96, 86), 0.22 * veins * smoothstep(0.13, 0.3, radius))
    colour = _mix(colour, linear(214, 150, 136), 0.5 * smoothstep(0.2, 0.42, radius))
    fibres = noise(polar, (0.25, 0.25, 6.0), seed + 41) * 0.5 + 0.5
    iris = linear(58, 78, 74) * (0.7 + 0.7 * fibres)[..., None]
    iris = _mix(iris, linear(120, 92, 52), smoothstep(0.085, 0.05, radius) * 0.7)
    iris = _mix(iris, linear(20, 22, 24), smoothstep(0.096, 0.116, radius) * 0.9)
    iris = _mix(iris, linear(6, 5, 5), smoothstep(0.047, 0.041, radius))
    colour = colour + (iris - colour) * smoothstep(0.121, 0.113, radius)[..., None]
    rest = np.broadcast_to(np.array([1.0, 0.0], dtype=np.float32), (SIZE, SIZE, 2))
    return np.concatenate([colour, rest], axis=-1).astype(np.float32)


def _shirt(seed: int) -> FloatArray:
    """Knitted T-shirt: u around the body, v from the collar down."""
    v, u = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    around = np.stack([np.cos(u * 2 * np.pi) * 18, np.sin(u * 2 * np.pi) * 18, v * 26], axis=-1).astype(np.float32)
    shade = 1 + 0.10 * noise(around, (0.25, 0.25, 0.12), seed + 50) + 0.08 * noise(around, (3.0, 3.0, 5.0), seed + 51)
    shade *= 1 + 0.25 * (
        smoothstep(0.10, 0.085, v) * np.sin(u * 2 * np.pi * 170) * 0.4 - np.exp(-(((v - 0.1) / 0.006) ** 2))
    )
    colour = linear(58, 76, 104) * shade[..., None]
    rest = np.broadcast_to(np.array([0.05, 0.0], dtype=np.float32), (SIZE, SIZE, 2))
    return np.concatenate([colour, rest], axis=-1).astype(np.float32)


def _crease(position: FloatArray, points: list[tuple[float, float]], width: float) -> FloatArray:
    """Draw a fold: a dark valley with a lighter ridge below it, fading at its ends; mirrored to both halves."""
    mirrored = position.copy()
    mirrored[..., 0] = np.abs(mirrored[..., 0])
    distance, place = _curve_distance(mirrored, points)
    ends = smoothstep(0.0, 0.25, place) * smoothstep(1.0, 0.75, place)
    valley = np.exp(-((distance / width) ** 2)) - 0.45 * np.exp(-(((distance + 1.9 * width) / (1.4 * width)) ** 2))
    return np.asarray(valley * ends * (position[..., 2] > 2), dtype=np.float32)


def _wrinkles(position: FloatArray, seed: int) -> FloatArray:
    wavy = position.copy()
    wavy[..., 1] += 0.12 * noise(position, 1.6, seed + 60)
    forehead = sum(
        _crease(wavy, [(-0.6, y), (1.0, y + 0.1), (2.8, y + 0.25), (4.6, y - 0.25)], 0.11) for y in (7.5, 8.3, 9.1)
    )
    glabella = _crease(wavy, [(0.55, 4.9), (0.62, 5.7), (0.5, 6.9)], 0.13)
    crow = sum(_crease(wavy, [(4.75, 3.4), (5.5, y)], 0.08) for y in (2.75, 3.3, 3.95))
    under = _crease(wavy, [(1.9, 2.7), (2.9, 2.3), (4.2, 2.45)], 0.10)
    nasolabial = _crease(wavy, [(1.55, 0.2), (2.1, -0.9), (2.75, -2.2), (3.1, -3.7), (3.0, -4.3)], 0.19)
    nose_root = sum(_crease(wavy, [(0.1, y + 0.1), (0.6, y), (1.1, y - 0.35)], 0.09) for y in (3.3, 2.7))
    return np.stack([forehead, glabella, crow + 0.7 * under, nasolabial, nose_root]).astype(np.float32)


def paint(face: FloatArray, head: FloatArray, lip_outline: FloatArray, seed: int) -> Paint:
    """Paint all tiles; ``face`` and ``head`` are `positions_on_texture` of the generic neutral model."""
    nothing = np.zeros((SIZE, SIZE), dtype=np.float32)
    tiles = np.stack(
        [
            _skin(face, _lips(face, lip_outline), _brows(face, seed), seed),
            _skin(head, nothing, nothing, seed),
            _eye(seed),
            _shirt(seed),
        ]
    )
    return Paint(np.ascontiguousarray(tiles), np.ascontiguousarray(_wrinkles(face, seed)))
