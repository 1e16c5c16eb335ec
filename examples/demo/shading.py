"""Light on what the rasteriser found: texture, soft light from baked visibility, gloss; all in linear light."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from demo.rasteriser import FloatArray, IntArray, jit, rasterise

SKIN: Final = 0  # also the scalp: the texture says how much of it is hair
MOUTH: Final = 1
GUMS: Final = 2
TEETH: Final = 3
EYE: Final = 4
SHIRT: Final = 5

# Unit direction towards the light, then RGB radiance: warm key from the upper left, cool fill, rim from behind.
LIGHTS: Final = np.array(
    [
        [-0.46, 0.52, 0.72, 1.62, 1.55, 1.46],
        [0.80, 0.10, 0.59, 0.36, 0.39, 0.43],
        [0.66, 0.42, -0.62, 0.55, 0.58, 0.62],
    ],
    dtype=np.float32,
)
SKY: Final = np.array([0.46, 0.47, 0.50], dtype=np.float32)
GROUND: Final = np.array([0.25, 0.21, 0.185], dtype=np.float32)
# Colour of what has no texture, by material.
PLAIN: Final = np.array(
    [[0, 0, 0], [0.17, 0.045, 0.04], [0.36, 0.10, 0.09], [0.74, 0.64, 0.50], [0, 0, 0], [0, 0, 0]], dtype=np.float32
)
# Red light travels furthest under the skin and softens the edge of the shade most.
WRAP: Final = np.array([0.34, 0.20, 0.15], dtype=np.float32)
LID_SHADOW: Final = 9  # reach of the lids' shadow on the eyeball, sub-pixels


@jit
def _sample(image: FloatArray, u: float, v: float, channel: int) -> Any:
    """Bilinear sample of one channel of a texture (size, size, channels)."""
    size = image.shape[0]
    x = min(max(u * size - 0.5, 0.0), size - 1.001)
    y = min(max(v * size - 0.5, 0.0), size - 1.001)
    ix, iy = int(x), int(y)
    fx, fy = x - ix, y - iy
    top = image[iy, ix, channel] * (1 - fx) + image[iy, ix + 1, channel] * fx
    bottom = image[iy + 1, ix, channel] * (1 - fx) + image[iy + 1, ix + 1, channel] * fx
    return top * (1 - fy) + bottom * fy


@jit
def shade(
    image: FloatArray,
    triangle: IntArray,
    barycentric: FloatArray,
    faces: IntArray,
    corner_uv: FloatArray,
    tile: IntArray,
    material: IntArray,
    normals: FloatArray,
    visibility: FloatArray,
    tiles: FloatArray,
    wrinkle: FloatArray,
) -> None:
    """Overwrite ``image`` (height, width, 3) wherever a triangle was found.

    ``visibility`` (n, 2) is each vertex's share of open sky and of the key light; ``wrinkle`` (size, size, 1) darkens
    (positive) or lightens the face tile.
    """
    height, width = triangle.shape
    texel = np.empty(5, dtype=np.float32)
    for y in range(height):
        for x in range(width):
            f = triangle[y, x]
            if f < 0:
                continue
            wb, wc = barycentric[y, x, 0], barycentric[y, x, 1]
            wa = 1.0 - wb - wc
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
            ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
            nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
            length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / length, ny / length, nz / length
            sky = wa * visibility[a, 0] + wb * visibility[b, 0] + wc * visibility[c, 0]
            key = wa * visibility[a, 1] + wb * visibility[b, 1] + wc * visibility[c, 1]
            kind = material[f]
            u = wa * corner_uv[f, 0, 0] + wb * corner_uv[f, 1, 0] + wc * corner_uv[f, 2, 0]
            v = wa * corner_uv[f, 0, 1] + wb * corner_uv[f, 1, 1] + wc * corner_uv[f, 2, 1]
            if tile[f] >= 0:
                for k in range(5):
                    texel[k] = _sample(tiles[tile[f]], u, v, k)
            else:
                texel[:3] = PLAIN[kind]
                texel[3] = 1.0 if kind != MOUTH else 0.3
                texel[4] = 0.0
            if tile[f] == 0:
                fold = _sample(wrinkle, u, v, 0)
                for k in range(3):
                    texel[k] *= max(0.2, 1.0 - fold * (0.85 + 0.15 * k))
            if kind == EYE:
                # The upper lid and its lashes shade the ball below them.
                reach = LID_SHADOW
                for step in range(1, LID_SHADOW):
                    above = triangle[max(y - step, 0), x]
                    if above < 0 or material[above] != EYE:
                        reach = step
                        break
                sky *= 0.35 + 0.65 * reach / LID_SHADOW
                key *= 0.30 + 0.70 * reach / LID_SHADOW
            hair = texel[4]
            for k in range(3):
                ambient = (GROUND[k] + (SKY[k] - GROUND[k]) * (0.5 + 0.5 * ny)) * sky
                light = ambient * texel[k]
                for j in range(3):
                    seen = key if j == 0 else sky
                    facing = nx * LIGHTS[j, 0] + ny * LIGHTS[j, 1] + nz * LIGHTS[j, 2]
                    wrap = WRAP[k] if kind == SKIN else 0.05
                    diffuse = max(0.0, (facing + wrap) / (1.0 + wrap)) * seen
                    light += texel[k] * diffuse * LIGHTS[j, 3 + k] * 0.62
                image[y, x, k] = light
            for j in range(3):
                hx, hy, hz = LIGHTS[j, 0], LIGHTS[j, 1], LIGHTS[j, 2] + 1.0
                half = math.sqrt(hx * hx + hy * hy + hz * hz)
                cosine = max(0.0, (nx * hx + ny * hy + nz * hz) / half)
                facing = max(0.0, nx * LIGHTS[j, 0] + ny * LIGHTS[j, 1] + nz * LIGHTS[j, 2])
                seen = (key if j == 0 else sky) * min(1.0, 4.0 * facing)
                if kind == EYE:
                    gloss = 3.5 * cosine**420
                elif kind == SKIN:
                    edge = (1.0 - min(1.0, max(0.0, nz))) ** 4
                    gloss = texel[3] * (0.075 * cosine**14 + 0.10 * cosine**50 + 0.10 * edge) * (1.0 - 0.8 * hair)
                    gloss += hair * 0.9 * (texel[0] + 0.01) * cosine**10
                elif kind == SHIRT:
                    gloss = 0.0
                else:
                    gloss = 0.35 * texel[3] * cosine**60
                for k in range(3):
                    image[y, x, k] += gloss * seen * LIGHTS[j, 3 + k]


@jit
def blend_lashes(
    image: FloatArray,
    z_buffer: FloatArray,
    lash_z: FloatArray,
    lash_triangle: IntArray,
    lash_barycentric: FloatArray,
    lash_faces: IntArray,
    opacity: FloatArray,
) -> None:
    """Darken ``image`` where a lash card lies before what is drawn; ``opacity`` is one value per vertex."""
    height, width = z_buffer.shape
    for y in range(height):
        for x in range(width):
            f = lash_triangle[y, x]
            if f < 0 or lash_z[y, x] < z_buffer[y, x] - 0.15:
                continue
            wb, wc = lash_barycentric[y, x, 0], lash_barycentric[y, x, 1]
            a, b, c = lash_faces[f, 0], lash_faces[f, 1], lash_faces[f, 2]
            cover = (1.0 - wb - wc) * opacity[a] + wb * opacity[b] + wc * opacity[c]
            for k in range(3):
                image[y, x, k] = image[y, x, k] * (1.0 - cover) + 0.012 * cover


def light_visibility(vertices: FloatArray, normals: FloatArray, faces: IntArray) -> FloatArray:
    """Share of the sky, weighted by its cosine, and of a broad key light that each vertex sees, (n, 2) in 0..1.

    Ninety-six depth maps from directions spread over the sphere, and sixteen from around the key light; then smoothed
    over the mesh, since a depth map answers only yes or no.
    """
    index = np.arange(96) + 0.5
    polar, turn = np.arccos(1 - 2 * index / 96), np.pi * (1 + 5**0.5) * index
    sphere = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], axis=1)
    spread = np.sqrt((np.arange(16) + 0.5) / 16) * 0.30
    lamp = LIGHTS[0, :3] + np.stack(
        [spread * np.cos(turn[:16]), spread * np.sin(turn[:16]), np.zeros(16)], axis=1
    )  # the key light's disc, nearly facing the camera
    seen_sky, weight_sky = np.zeros(len(vertices)), np.full(len(vertices), 1e-6)
    for direction in sphere:
        weight = np.clip(normals @ direction, 0.0, None)
        seen_sky += weight * _sees(vertices, normals, faces, direction)
        weight_sky += weight
    seen_key = np.mean([_sees(vertices, normals, faces, d / np.linalg.norm(d)) for d in lamp], axis=0)
    visibility = np.stack([seen_sky / weight_sky, seen_key], axis=1).astype(np.float32)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    degree = np.maximum(np.bincount(edges[:, 0], minlength=len(vertices)), 1)[:, None]
    for _ in range(3):
        around = np.stack(
            [np.bincount(edges[:, 0], visibility[edges[:, 1], k], len(vertices)) for k in range(2)], axis=1
        )
        visibility = (0.5 * visibility + 0.5 * around / degree).astype(np.float32)
    return visibility


def _sees(
    vertices: FloatArray, normals: FloatArray, faces: IntArray, direction: NDArray[np.float64], size: int = 640
) -> NDArray[np.float64]:
    """1.0 for each vertex that nothing hides from ``direction``, else 0.0, by a depth map of 0.08 cm."""
    side = np.cross([0.0, 1.0, 0.001], direction)
    side /= np.linalg.norm(side)
    up = np.cross(direction, side)
    plane = np.stack([side, up], axis=1)
    centre = np.array([0.0, 0.0, 1.0])
    xy = (vertices - centre) @ plane * (size / 52.0) + size / 2
    z_buffer = np.empty((size, size), dtype=np.float32)
    triangle = np.empty((size, size), dtype=np.int32)
    rasterise(
        xy, (vertices @ direction).astype(np.float64), faces, np.zeros(len(faces), np.float32), False,
        z_buffer, triangle, np.empty((size, size, 2), np.float32),
    )  # fmt: skip
    probe = vertices + 0.10 * normals
    cell = np.clip(np.rint((probe - centre) @ plane * (size / 52.0) + size / 2).astype(int), 0, size - 1)
    return np.asarray(probe @ direction > z_buffer[cell[:, 1], cell[:, 0]] - 0.06, dtype=np.float64)
