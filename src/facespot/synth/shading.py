"""Light on what the rasteriser found: per vertex first, then texture, gloss and lashes per sub-pixel; linear light."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facespot.synth.rasteriser import Triangles, kernel
from facespot.values import FloatArray

SKIN: Final = 0  # also the scalp: the texture says how much of it is hair
MOUTH: Final = 1
GUMS: Final = 2
TEETH: Final = 3
EYE: Final = 4
CLOTH: Final = 5
LONG_HAIR: Final = 6

SKY: Final = np.array([0.46, 0.47, 0.50], dtype=np.float32)
GROUND: Final = np.array([0.25, 0.21, 0.185], dtype=np.float32)
# Colour of what has no texture, by material.
PLAIN: Final = np.array(
    [[0, 0, 0], [0.17, 0.045, 0.04], [0.36, 0.10, 0.09], [0.74, 0.64, 0.50], [0, 0, 0], [0, 0, 0], [0, 0, 0]],
    dtype=np.float32,
)
# Red light travels furthest under the skin and softens the edge of the shade most.
WRAP: Final = np.array([0.34, 0.20, 0.15], dtype=np.float32)
LASH: Final = np.float32(0.012)  # linear grey of the lashes
LIGHT_CHANNELS: Final = 5  # red, green, blue, gloss of skin, gloss of hair
COLOUR_STEPS: Final = 46000.0  # of the square root of a colour, in 16 bits
SHEEN_RANGE, SHEEN_STEPS = 4.0, 8000.0
TEXEL: Final = 4  # red, green, blue, sheen: gloss of skin where positive, share of hair where negative


@kernel
def light_vertices(
    normals: FloatArray,
    material: Triangles,
    visibility: FloatArray,
    lamps: FloatArray,
    ambient: float,
    light: FloatArray,
) -> None:
    """Fill ``light`` (n, LIGHT_CHANNELS).

    ``visibility`` (n, 2) is each vertex's share of open sky and of the key light; ``lamps`` (k, 6) hold the unit
    direction and the RGB radiance of the lights, the key light first.
    """
    for v in range(normals.shape[0]):
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        sky, key = visibility[v, 0], visibility[v, 1]
        kind = material[v]
        red = green = blue = gloss = hair = np.float32(0.0)
        up = np.float32(0.5) + np.float32(0.5) * ny
        share = np.float32(ambient) * sky
        red += (GROUND[0] + (SKY[0] - GROUND[0]) * up) * share
        green += (GROUND[1] + (SKY[1] - GROUND[1]) * up) * share
        blue += (GROUND[2] + (SKY[2] - GROUND[2]) * up) * share
        if nz < -0.35:
            # Turned away: at most the rim of a triangle that faces the camera.
            light[v, 0], light[v, 1], light[v, 2], light[v, 3], light[v, 4] = red, green, blue, gloss, hair
            continue
        edge = np.float32(1.0) - min(np.float32(1.0), max(np.float32(0.0), nz))
        edge *= edge
        edge *= edge
        for j in range(lamps.shape[0]):
            seen = key if j == 0 else sky
            lx, ly, lz = lamps[j, 0], lamps[j, 1], lamps[j, 2]
            facing = nx * lx + ny * ly + nz * lz
            soft = seen * np.float32(0.62)
            for k in range(3):
                wrap = WRAP[k] if kind == SKIN else np.float32(0.05)
                part = max(np.float32(0.0), (facing + wrap) / (np.float32(1.0) + wrap)) * soft * lamps[j, 3 + k]
                if k == 0:
                    red += part
                elif k == 1:
                    green += part
                else:
                    blue += part
            half = np.float32(math.sqrt(lx * lx + ly * ly + (lz + 1.0) * (lz + 1.0)))
            cosine = max(np.float32(0.0), (facing + nz) / half)
            c2 = cosine * cosine
            c4 = c2 * c2
            c8 = c4 * c4
            c16 = c8 * c8
            c32 = c16 * c16
            strength = (lamps[j, 3] + lamps[j, 4] + lamps[j, 5]) / np.float32(3.0)
            strength *= seen * min(np.float32(1.0), np.float32(4.0) * max(np.float32(0.0), facing))
            if kind == SKIN:
                lobes = np.float32(0.075) * c8 * c4 * c2 + np.float32(0.10) * c32 * c16 * c2 + np.float32(0.10) * edge
                gloss += strength * lobes
            elif kind in (MOUTH, GUMS, TEETH):
                gloss += strength * np.float32(0.35) * c32 * c16 * c8 * c4
            hair += strength * np.float32(0.9) * c8 * c2
        light[v, 0], light[v, 1], light[v, 2], light[v, 3], light[v, 4] = red, green, blue, gloss, hair


@kernel
def _lid_reach(triangle: Triangles, face_material: Triangles, y: int, x: int, lid_shadow: int) -> int:
    """Sub-pixels between a point of the eyeball and the lid above it, at most `lid_shadow`."""
    for step in range(1, lid_shadow):
        above = triangle[max(y - step, 0), x]
        if above < 0 or face_material[above] != EYE:
            return step
    return lid_shadow


def packed(tiles: FloatArray) -> NDArray[np.uint16]:
    """Textures (k, size, size, TEXEL) in half the memory, which is what their sampling waits for.

    Colours are kept as square roots, as eyes weigh them; 2 is the brightest.
    """
    colour = np.sqrt(np.clip(tiles[..., :3], 0.0, 2.0)) * COLOUR_STEPS
    sheen = (np.clip(tiles[..., 3:], -SHEEN_RANGE, SHEEN_RANGE) + SHEEN_RANGE) * SHEEN_STEPS
    return np.ascontiguousarray(np.rint(np.concatenate([colour, sheen], axis=-1)), dtype=np.uint16)


def to_texels(uv: FloatArray, size: int) -> FloatArray:
    """Texture coordinates (m, 3, 2) as places between the texels' centres, kept inside the tile."""
    return np.asarray(np.clip(uv * size - 0.5, 0.0, size - 1.001), dtype=np.float32)


@kernel
def _between(texels: NDArray[np.uint16], p: int, q: int, w00: float, w01: float, w10: float, w11: float) -> np.float32:
    """One channel between four texels: p and its neighbour in one row, q and its neighbour in the next."""
    above = np.float32(texels[p]) * w00 + np.float32(texels[p + TEXEL]) * w01
    return np.float32(above + np.float32(texels[q]) * w10 + np.float32(texels[q + TEXEL]) * w11)


@kernel
def _colour(root: np.float32) -> np.float32:
    level = root * np.float32(1.0 / COLOUR_STEPS)
    return np.float32(level * level)


@kernel
def shade(
    picture: FloatArray,
    triangle: Triangles,
    barycentric: FloatArray,
    lashes: FloatArray,
    faces: Triangles,
    corner_texel: FloatArray,
    tile: Triangles,
    face_material: Triangles,
    normals: FloatArray,
    light: FloatArray,
    lamps: FloatArray,
    tiles: NDArray[np.uint16],
    wrinkle: FloatArray,
    wrinkled: bool,
    lid_shadow: int,
) -> None:
    """Shade every sub-pixel and average 2x2 of them into ``picture`` (h, w, 3), which holds the background.

    ``corner_texel`` (m, 3, 2) is where the corners of the triangles lie on their tile, in texels, at least 0 and less
    than size - 1. ``wrinkle`` (size, size) darkens (positive) or lightens the face tile where ``wrinkled``; ``lashes``
    (2h, 2w) is the opacity of lashes; ``lid_shadow`` is how far the lids shade the eyeball, sub-pixels.
    """
    height, width = picture.shape[0], picture.shape[1]
    size = tiles.shape[1]
    # Flat: a view of each texel would cost more than the arithmetic on it.
    texels = tiles.ravel()
    one = np.float32(1.0)
    for y in range(height):
        for x in range(width):
            red = green = blue = np.float32(0.0)
            for corner in range(4):
                sy, sx = 2 * y + (corner >> 1), 2 * x + (corner & 1)
                f = triangle[sy, sx]
                if f < 0:
                    red += picture[y, x, 0]
                    green += picture[y, x, 1]
                    blue += picture[y, x, 2]
                    continue
                wb, wc = barycentric[sy, sx, 0], barycentric[sy, sx, 1]
                wa = one - wb - wc
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                lr = wa * light[a, 0] + wb * light[b, 0] + wc * light[c, 0]
                lg = wa * light[a, 1] + wb * light[b, 1] + wc * light[c, 1]
                lb = wa * light[a, 2] + wb * light[b, 2] + wc * light[c, 2]
                gloss = wa * light[a, 3] + wb * light[b, 3] + wc * light[c, 3]
                kind = face_material[f]
                t = tile[f]
                if t < 0:
                    shine = one if kind != MOUTH else np.float32(0.3)
                    r, g, bl = PLAIN[kind, 0] * lr, PLAIN[kind, 1] * lg, PLAIN[kind, 2] * lb
                    gloss *= shine
                else:
                    u = wa * corner_texel[f, 0, 0] + wb * corner_texel[f, 1, 0] + wc * corner_texel[f, 2, 0]
                    v = wa * corner_texel[f, 0, 1] + wb * corner_texel[f, 1, 1] + wc * corner_texel[f, 2, 1]
                    ix, iy = int(u), int(v)
                    fx, fy = u - np.float32(ix), v - np.float32(iy)
                    w00, w01, w10, w11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
                    p = ((t * size + iy) * size + ix) * TEXEL
                    q = p + size * TEXEL
                    r = _colour(_between(texels, p, q, w00, w01, w10, w11))
                    g = _colour(_between(texels, p + 1, q + 1, w00, w01, w10, w11))
                    bl = _colour(_between(texels, p + 2, q + 2, w00, w01, w10, w11))
                    if t == 0 and wrinkled:
                        fold = wrinkle[iy, ix] * w00 + wrinkle[iy, ix + 1] * w01
                        fold += wrinkle[iy + 1, ix] * w10 + wrinkle[iy + 1, ix + 1] * w11
                        r *= max(np.float32(0.2), one - fold * np.float32(0.85))
                        g *= max(np.float32(0.2), one - fold)
                        bl *= max(np.float32(0.2), one - fold * np.float32(1.15))
                    if kind in (SKIN, LONG_HAIR):
                        sheen = _between(texels, p + 3, q + 3, w00, w01, w10, w11)
                        sheen = sheen * np.float32(1.0 / SHEEN_STEPS) - np.float32(SHEEN_RANGE)
                        if sheen >= 0.0:
                            gloss *= sheen
                        else:
                            hair_gloss = wa * light[a, 4] + wb * light[b, 4] + wc * light[c, 4]
                            gloss = -sheen * hair_gloss * (r + np.float32(0.01))
                    elif kind == EYE:
                        nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
                        ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
                        nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
                        gloss = _eye_gloss(nx, ny, nz, lamps)
                        reach = np.float32(
                            0.32 + 0.68 * _lid_reach(triangle, face_material, sy, sx, lid_shadow) / lid_shadow
                        )
                        lr, lg, lb, gloss = lr * reach, lg * reach, lb * reach, gloss * reach
                    else:
                        gloss = np.float32(0.0)
                    r, g, bl = r * lr, g * lg, bl * lb
                cover = lashes[sy, sx]
                r, g, bl = r + gloss, g + gloss, bl + gloss
                red += r * (one - cover) + LASH * cover
                green += g * (one - cover) + LASH * cover
                blue += bl * (one - cover) + LASH * cover
            picture[y, x, 0] = np.float32(0.25) * red
            picture[y, x, 1] = np.float32(0.25) * green
            picture[y, x, 2] = np.float32(0.25) * blue


@kernel
def _eye_gloss(nx: float, ny: float, nz: float, lamps: FloatArray) -> np.float32:
    """Highlights of the wet eyeball; in every pixel of its own, since they are smaller than its triangles."""
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    total = 0.0
    for j in range(lamps.shape[0]):
        lx, ly, lz = lamps[j, 0], lamps[j, 1], lamps[j, 2]
        half = math.sqrt(lx * lx + ly * ly + (lz + 1.0) * (lz + 1.0))
        facing = (nx * lx + ny * ly + nz * lz) / length
        cosine = max(0.0, (facing + nz / length) / half)
        if cosine > 0.98:
            total += 3.5 * cosine**420 * (lamps[j, 3] + lamps[j, 4] + lamps[j, 5]) / 3.0
    return np.float32(total)


def lamps_of(key_direction: tuple[float, float, float], colour: tuple[float, float, float], fill: float) -> FloatArray:
    """Key, fill and rim lights (3, 6): unit direction, then RGB radiance."""
    x, y, z = key_direction
    side = -1.0 if x > 0 else 1.0
    key = np.array(colour)
    grey = float(key.mean())
    directions = np.array([[x, y, z], [0.80 * side, 0.10, 0.59], [0.66 * side, 0.42, -0.62]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # The fill is a little cooler than the key light, the rim behind the head nearly as strong as it.
    radiance = np.stack([key, grey * fill * np.array([0.93, 1.0, 1.08]), grey * 0.36 * np.array([0.96, 1.0, 1.06])])
    return np.concatenate([directions, radiance], axis=1).astype(np.float32)


def opacity_of_lashes(
    generic: FloatArray, skin: NDArray[np.int64], lash: NDArray[np.int64], thickness: float
) -> FloatArray:
    """Opacity (n,) by distance from the lid: full at the root, none at the tip; the lower lashes are thin."""
    from scipy.spatial import cKDTree

    opacity = np.zeros(len(generic), dtype=np.float32)
    near = skin[generic[skin, 2] > 7.5]
    distance, _ = cKDTree(generic[near]).query(generic[lash])
    upper = np.clip((generic[lash, 1] - 3.2) / 0.3, 0.0, 1.0)
    opacity[lash] = np.clip(thickness * (0.16 + 0.76 * upper) * np.maximum(0.0, 1.0 - distance / 0.48), 0.0, 1.0)
    return opacity
