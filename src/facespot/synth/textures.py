"""What the person is painted with: colour and sheen on the face model's texture coordinates.

Every rule is written in the generic neutral face's own centimetres, so it holds for any identity. Colours are linear
light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facespot.synth.appearance import Appearance
from facespot.synth.hair import beard, brows, hair_amount, strands
from facespot.synth.procedural import blob, curve_distance, linear, mix, noise, smoothstep
from facespot.synth.wrinkles import wrinkle_maps
from facespot.values import FloatArray

FACE_TILE, HEAD_TILE, EYE_TILE, SHIRT_TILE, HAIR_TILE = range(5)
CHANNELS = 4  # red, green, blue, and sheen: gloss of skin where it is positive, share of hair where negative


@dataclass(frozen=True, eq=False)
class Paint:
    """Textures (5, size, size, CHANNELS) and wrinkle maps (k, size, size) of the face tile, float32."""

    tiles: FloatArray
    wrinkles: FloatArray


def paint(face: FloatArray, head: FloatArray, lip_outline: FloatArray, appearance: Appearance) -> Paint:
    """Paint all tiles; ``face`` and ``head`` are `positions_on_texture` of the generic neutral model."""
    size = len(face)
    wrinkles = wrinkle_maps(face, appearance.seed)
    tiles = np.stack(
        [
            _skin(face, _lips(face, lip_outline), brows(face, appearance), appearance),
            _skin(head, np.zeros((size, size), np.float32), np.zeros((size, size), np.float32), appearance),
            _eye(size, appearance),
            _shirt(size, appearance),
            _long_hair(size, appearance),
        ]
    )
    # Lines that age has left, in the order of WRINKLES.
    lines = np.tensordot(np.array([0.20, 0.12, 0.22, 0.30, 0.05, 0.08], np.float32) * appearance.age, wrinkles, 1)
    tiles[FACE_TILE, ..., :3] *= np.clip(1.0 - lines[..., None] * np.array([0.85, 1.0, 1.15]), 0.3, 1.5)
    return Paint(np.ascontiguousarray(tiles, dtype=np.float32), np.ascontiguousarray(wrinkles))


def _skin(position: FloatArray, lip: FloatArray, brow: FloatArray, appearance: Appearance) -> FloatArray:
    """Colour and sheen of skin and scalp at each texel."""
    seed = appearance.seed
    skin = np.array(appearance.skin, dtype=np.float32)
    colour = np.broadcast_to(skin, (*position.shape[:-1], 3)).astype(np.float32)
    flush = skin * np.array([0.92, 0.50, 0.50], dtype=np.float32)
    for centre, width, amount in (
        ((4.3, 0.4), 1.5, 0.42), ((0.0, 0.5), 0.8, 0.38), ((0.0, -6.6), 1.1, 0.2), ((8.2, 1.0), 1.6, 0.42),
    ):  # fmt: skip
        colour = mix(colour, flush, appearance.redness * amount * blob(position, centre, width))
    shade = skin * np.array([0.52, 0.38, 0.40], dtype=np.float32)
    colour = mix(colour, shade, (0.28 + 0.2 * appearance.age) * blob(position, (2.6, 2.75), 0.55))
    colour = mix(colour, skin * np.array([0.70, 0.50, 0.50], np.float32), 0.35 * blob(position, (3.1, 4.4), 0.75))
    mottle = 0.055 * noise(position, 1.7, seed) + 0.05 * noise(position, 0.6, seed + 1)
    pores = 0.065 * noise(position, 0.24, seed + 2) + 0.07 * noise(position, 0.13, seed + 3)
    colour *= (1 + mottle + pores)[..., None]
    colour = mix(colour, flush, 0.16 * np.clip(noise(position, 0.9, seed + 4), 0, 1))
    if appearance.freckles > 0:
        spots = smoothstep(0.50, 0.75, noise(position, 0.22, seed + 5))
        where = smoothstep(0.1, 0.6, noise(position, 1.3, seed + 6) + 1.2 * blob(position, (2.4, 1.2), 2.4))
        colour = mix(
            colour, skin * np.array([0.50, 0.36, 0.28], np.float32), 0.75 * appearance.freckles * spots * where
        )
    rng = np.random.default_rng(seed)
    for _ in range(appearance.moles):
        centre = (rng.choice([-1, 1]) * rng.uniform(2.2, 5.5), rng.uniform(-6.0, 2.0))
        distance = np.hypot(position[..., 0] - centre[0], position[..., 1] - centre[1]) / rng.uniform(0.06, 0.12)
        spot = (np.exp(-(distance**2)) * (position[..., 2] > 3)).astype(np.float32)
        colour = mix(colour, skin * np.array([0.20, 0.13, 0.11], np.float32), 0.75 * spot)
    gloss = 0.55 + 0.35 * (blob(position, (0.0, 1.0), 1.2) + blob(position, (0.0, 8.0), 2.2)) + 1.4 * pores
    # Highlights on dark skin are as strong as on light skin; a little less keeps them from looking like metal.
    gloss = gloss * (0.55 + 0.3 * min(1.0, 2.2 * appearance.skin[0]))
    # Lips keep the skin's own darkness; the redder they are, the less of its brown.
    lip_colour = skin * np.array([0.80, 0.42, 0.46], np.float32)
    lip_colour = lip_colour + appearance.lip_redness * 0.35 * (linear(186, 84, 88) * (0.35 + skin[0]) - lip_colour)
    tint = lip_colour * (1 + 0.14 * noise(position, (0.11, 0.8, 0.8), seed + 7))[..., None]
    colour = mix(colour, tint, 0.85 * lip)
    gloss = gloss + 0.5 * lip
    hair = hair_amount(position, appearance)
    strand = strands(position, seed)
    # Single strands reach over the hair line, so that its edge is ragged.
    ragged = smoothstep(0.30, 0.62, hair + 0.38 * strand * (1 - np.abs(2 * hair - 1)))
    own = np.array(appearance.hair_colour, dtype=np.float32)
    if appearance.hair_style == "shaved":
        grain = 0.72 + 0.16 * noise(position, 0.16, seed + 24)
        ragged, strand = np.asarray(hair * grain, dtype=np.float32), 0.3 * strand
    colour = mix(colour, own * (1 + 0.55 * strand)[..., None], ragged)
    full, short = beard(position, lip, appearance)
    beard_colour = own * 0.97 + np.float32(0.03) * flush
    tuft = 1 + 0.45 * noise(position, (0.14, 0.5, 0.3), seed + 25)
    colour = mix(colour, 0.75 * own + 0.1 * skin, short)
    colour = mix(colour, beard_colour * tuft[..., None], full)
    colour = mix(colour, np.array(appearance.brow_colour, dtype=np.float32), brow)
    gloss = gloss * (1.0 - brow) * (1.0 - 0.7 * full)
    shaggy = 0.35 if appearance.hair_style == "shaved" else 1.0
    cover = np.maximum(np.maximum(shaggy * ragged, 0.5 * brow), 0.6 * full)
    sheen = gloss * (1.0 - cover) - cover
    return np.concatenate([np.maximum(colour, 0.0), sheen[..., None]], axis=-1).astype(np.float32)


def _lips(position: FloatArray, outline: FloatArray) -> FloatArray:
    """Soft mask of the lips: inside the closed outline (n, 2) of their outer border, generic face, x and y in cm."""
    dense = _closed_spline(outline)
    inside = np.zeros(position.shape[:-1], dtype=bool)
    x, y = position[..., 0], position[..., 1]
    for (ax, ay), (bx, by) in zip(dense, np.roll(dense, -1, axis=0), strict=True):
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay + 1e-12) + ax)
    closed = [(float(px), float(py)) for px, py in (*dense, dense[0])]
    distance, _ = curve_distance(position, closed)
    signed = np.where(inside, np.abs(distance), -np.abs(distance)).astype(np.float32)
    return np.asarray(smoothstep(-0.10, 0.10, signed) * (position[..., 2] > 8), dtype=np.float32)


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


def _eye(size: int, appearance: Appearance) -> FloatArray:
    """Sclera with the iris painted on its disc: centre (0.5, 0.5), iris radius 0.115 of the tile."""
    seed = appearance.seed
    v, u = (np.mgrid[0:size, 0:size].astype(np.float32) + 0.5) / size - 0.5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    polar = np.stack([np.cos(angle) * 6, np.sin(angle) * 6, radius * 14], axis=-1).astype(np.float32)
    colour = np.broadcast_to(linear(204, 195, 188), (size, size, 3)).astype(np.float32)
    veins = smoothstep(0.55, 0.95, 1 - np.abs(noise(polar, (0.5, 0.5, 2.0), seed + 40)) * 3)
    colour = mix(colour, linear(190, 96, 86), 0.22 * veins * smoothstep(0.13, 0.3, radius))
    colour = mix(colour, linear(214, 150, 136), 0.5 * smoothstep(0.2, 0.42, radius))
    fibres = noise(polar, (0.25, 0.25, 6.0), seed + 41) * 0.5 + 0.5
    iris = np.array(appearance.eye_colour, np.float32) * (0.7 + 0.7 * fibres)[..., None]
    iris = mix(iris, np.array(appearance.eye_centre_colour, np.float32), smoothstep(0.085, 0.05, radius) * 0.7)
    iris = mix(iris, 0.15 * np.array(appearance.eye_colour, np.float32), smoothstep(0.096, 0.116, radius) * 0.9)
    iris = mix(iris, linear(6, 5, 5), smoothstep(0.047, 0.041, radius))
    colour = mix(colour, iris, smoothstep(0.121, 0.113, radius))
    return _with(colour, 1.0)


def _shirt(size: int, appearance: Appearance) -> FloatArray:
    """Knitted T-shirt: u around the body, v from the collar down."""
    seed = appearance.seed
    v, u = np.mgrid[0:size, 0:size].astype(np.float32) / size
    around = np.stack([np.cos(u * 2 * np.pi) * 18, np.sin(u * 2 * np.pi) * 18, v * 26], axis=-1).astype(np.float32)
    shade = 1 + 0.10 * noise(around, (0.25, 0.25, 0.12), seed + 50) + 0.08 * noise(around, (3.0, 3.0, 5.0), seed + 51)
    ribs = smoothstep(0.10, 0.085, v) * np.sin(u * 2 * np.pi * 170) * 0.4
    shade *= 1 + 0.25 * (ribs - np.exp(-(((v - 0.1) / 0.006) ** 2)))
    return _with(np.array(appearance.shirt, np.float32) * shade[..., None], 0.05)


def _long_hair(size: int, appearance: Appearance) -> FloatArray:
    """Hanging hair: u around the head, v from the crown down, strands along v."""
    seed = appearance.seed
    v, u = np.mgrid[0:size, 0:size].astype(np.float32) / size
    across = u * 50 + 0.5 * noise(np.stack([u * 14, v * 4, u * 0], axis=-1), 1.0, seed + 72)
    flow = np.stack([across, v * 24, np.zeros_like(u)], axis=-1).astype(np.float32)
    strand = 0.6 * noise(flow, (0.16, 5.0, 1.0), seed + 73) + 0.55 * noise(flow, (0.4, 8.0, 1.0), seed + 74)
    shade = 1 + 0.55 * (strand + 0.4 * noise(flow, (1.3, 12.0, 1.0), seed + 75)).astype(np.float32)
    return _with(np.array(appearance.hair_colour, np.float32) * shade[..., None], -1.0)


def _with(colour: FloatArray, sheen: float) -> FloatArray:
    rest = np.full((*colour.shape[:2], 1), sheen, dtype=np.float32)
    return np.concatenate([colour, rest], axis=-1).astype(np.float32)
