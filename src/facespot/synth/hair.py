"""Hair on skin: the scalp's, the brows, beard and moustache, as cover and colour at points of the generic face."""

from __future__ import annotations

import numpy as np

from facespot.synth.appearance import Appearance
from facespot.synth.procedural import curve_distance, mirrored, noise, smoothstep
from facespot.values import FloatArray


def hair_amount(position: FloatArray, appearance: Appearance) -> FloatArray:
    """How far inside the scalp's hair a point is: 0 skin, 1 full hair, smooth over about 1 cm."""
    if appearance.hair_style == "bald":
        return np.zeros(position.shape[:-1], dtype=np.float32)
    x, y, z = np.abs(position[..., 0]), position[..., 1], position[..., 2]
    line = appearance.hairline
    # Front hair line, a little higher at the corners; it falls steeply at the temples.
    corners = (0.5 + 0.6 * max(line, 0.0)) * np.exp(-(((x - 4.0) / 1.5) ** 2))
    front = y - (9.9 + line - 0.035 * x**2 + corners)
    temple = np.minimum(3.6 - 0.4 * line + 0.22 * np.maximum(y - 5.5, 0.0) - z, y - 1.2)
    sideburn = np.minimum(np.minimum(3.6 - z, z - 1.4), y - 1.2)
    above_ear = np.minimum(temple, y - 4.1)
    behind_ear = np.minimum(-1.9 - z, 0.8 * (y + 5.5))
    inside = np.maximum(np.maximum(front, sideburn), np.maximum(above_ear, behind_ear))
    return smoothstep(-0.35, 0.65, inside + 0.25 * noise(position, 1.1, appearance.seed + 71))


def strands(position: FloatArray, seed: int) -> FloatArray:
    """Hair combed from the forehead backwards: noise, long along the strand and short across it."""
    x, y, z = position[..., 0], position[..., 1] - 3.0, position[..., 2]
    across = np.arctan2(x, np.maximum(y, -2.0) + 4.0) * 10.0 + 0.35 * noise(position, 2.2, seed + 20)
    flow = np.stack([across, z + 0.3 * np.abs(x), np.zeros_like(across)], axis=-1).astype(np.float32)
    fine = 0.6 * noise(flow, (0.13, 1.8, 1.0), seed + 21) + 0.55 * noise(flow, (0.33, 3.0, 1.0), seed + 22)
    return np.asarray(fine + 0.4 * noise(flow, (1.0, 5.0, 1.0), seed + 23), dtype=np.float32)


def brows(position: FloatArray, appearance: Appearance) -> FloatArray:
    """Cover of the brows, 0..1."""
    folded = mirrored(position)
    folded[..., 1] -= appearance.brow_height
    distance, place = curve_distance(folded, [(1.25, 5.55), (2.4, 5.95), (3.8, 6.2), (4.9, 5.95), (5.75, 5.2)])
    half_width = 0.46 * smoothstep(1.08, 0.45, place) * smoothstep(-0.25, 0.12, place) + 0.03
    half_width = half_width * appearance.brow_thickness
    shear = np.stack([place * 5.0 - 0.6 * distance, distance, np.sign(position[..., 0])], axis=-1).astype(np.float32)
    strokes = 0.90 + 0.22 * noise(shear, (0.11, 0.7, 1.0), appearance.seed + 30)
    ends = smoothstep(-0.02, 0.16, place) * smoothstep(1.0, 0.9, place)
    cover = appearance.brow_density * smoothstep(1.25, 0.30, np.abs(distance) / half_width) * ends * strokes
    return np.asarray(np.clip(cover, 0.0, 0.92) * (position[..., 2] > 5), dtype=np.float32)


def beard(position: FloatArray, lip: FloatArray, appearance: Appearance) -> tuple[FloatArray, FloatArray]:
    """Cover of beard and moustache (0..1), and of stubble, whose skin shows through."""
    x, y, z = np.abs(position[..., 0]), position[..., 1], position[..., 2]
    edge = 0.30 * noise(position, 0.9, appearance.seed + 33)
    # Down from the sideburn along the cheek to the corner of the mouth, then below the lower lip.
    cheek = np.interp(x, [0.0, 0.9, 1.6, 2.9, 4.2, 5.6, 6.6, 7.2], [-5.3, -5.2, -4.9, -2.9, -2.4, -1.5, -0.2, 2.0])
    below = smoothstep(-0.3, 0.6, cheek - y + edge)
    soul_patch = smoothstep(1.0, 0.1, x + 0.5 * edge) * smoothstep(-4.3, -5.2, y)
    throat = smoothstep(-9.6, -7.6, y + edge) * smoothstep(0.6, 2.0, z) * smoothstep(7.35, 6.9, x)
    jaw = np.maximum(below, soul_patch) * throat
    upper = smoothstep(3.3, 2.3, x) * smoothstep(-1.35, -1.95, y + 0.16 * x + 0.5 * edge)
    corner = smoothstep(3.5, 2.7, x + 0.5 * edge) * smoothstep(1.7, 2.6, x) * smoothstep(-2.0, -2.6, y)
    lip_side = np.maximum(upper * smoothstep(-3.9, -3.4, y), corner) * (z > 6) * smoothstep(-6.0, -5.0, y)
    bare = (1.0 - smoothstep(0.15, 0.6, lip)) * (z > -1.0)
    grain = noise(position, (0.13, 0.34, 0.2), appearance.seed + 34)
    region = np.maximum(appearance.beard * jaw, appearance.moustache * lip_side) * bare
    full = np.clip(1.25 * region + 0.30 * grain * region, 0.0, 0.94)
    short = np.maximum(jaw, lip_side) * bare * appearance.stubble * (0.55 + 0.45 * grain)
    return full.astype(np.float32), np.clip(0.62 * short, 0.0, 0.62).astype(np.float32)
