"""A hand in front of the face: a palm and five fingers as rounded capsules, shaded as if they were solid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facespot.synth.procedural import noise
from facespot.synth.rasteriser import kernel
from facespot.values import FloatArray

# Ends x, y and radius of each capsule, in radii of the hand; the fingers point along -y.
_CAPSULES = np.array(
    [
        [-0.20, -0.05, 0.20, -0.05, 0.42],
        [-0.18, 0.30, 0.18, 0.30, 0.40],
        [-0.42, -0.30, -0.54, -0.86, 0.105],
        [-0.16, -0.36, -0.19, -1.06, 0.115],
        [0.12, -0.36, 0.15, -1.10, 0.115],
        [0.38, -0.30, 0.47, -0.95, 0.110],
        [0.46, 0.22, 0.86, -0.22, 0.135],
        [0.00, 0.55, 0.00, 12.0, 0.34],
    ]
)
_SOFT_EDGE = 1.2  # pixels


@kernel
def _height_map(
    x0: int, y0: int, centre: tuple[float, float], radius: float, angle: float, capsules: NDArray[np.float64],
    height: FloatArray,
) -> None:  # fmt: skip
    """Fill with the distance inside the hand (positive) in radii, capsules blended where they meet."""
    cosine, sine = math.cos(angle), math.sin(angle)
    for row in range(height.shape[0]):
        for column in range(height.shape[1]):
            px, py = (column + x0 - centre[0]) / radius, (row + y0 - centre[1]) / radius
            x, y = cosine * px + sine * py, -sine * px + cosine * py
            best = -9.0
            for k in range(capsules.shape[0]):
                ax, ay = capsules[k, 0], capsules[k, 1]
                bx, by = capsules[k, 2] - ax, capsules[k, 3] - ay
                along = min(1.0, max(0.0, ((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by)))
                inside = capsules[k, 4] - math.hypot(x - ax - along * bx, y - ay - along * by)
                # A smooth maximum: the webs between fingers and palm.
                blend = max(0.05 - abs(inside - best), 0.0) / 0.05
                best = max(inside, best) + blend * blend * 0.0125
            height[row, column] = best


def _window(shape: tuple[int, int], occluder: tuple[float, float, float, float]) -> tuple[int, int, FloatArray] | None:
    """Left and top of the part of a picture (h, w) that the hand can reach, and its map of heights."""
    x, y, radius, angle = occluder
    if radius <= 0:
        return None
    ends = _CAPSULES[:, :4].reshape(-1, 2) * radius
    across = x + np.cos(angle) * ends[:, 0] - np.sin(angle) * ends[:, 1]
    down = y + np.sin(angle) * ends[:, 0] + np.cos(angle) * ends[:, 1]
    # So far reaches the widest capsule, and the shade around it.
    margin = 0.8 * radius + 2.0
    left, right = max(0, int(across.min() - margin)), min(shape[1], int(across.max() + margin) + 1)
    top, bottom = max(0, int(down.min() - margin)), min(shape[0], int(down.max() + margin) + 1)
    if left >= right - 1 or top >= bottom - 1:
        return None
    height = np.empty((bottom - top, right - left), dtype=np.float32)
    _height_map(left, top, (float(x), float(y)), float(radius), float(angle), _CAPSULES, height)
    return left, top, height


def cover_of_hand(shape: tuple[int, int], occluder: tuple[float, float, float, float]) -> FloatArray:
    """How far the hand covers each pixel of a picture (h, w), 0..1; ``occluder`` as in `Pose`."""
    cover = np.zeros(shape, dtype=np.float32)
    window = _window(shape, occluder)
    if window is not None:
        left, top, height = window
        rows, columns = height.shape
        cover[top : top + rows, left : left + columns] = np.clip(0.5 + height * occluder[2] / _SOFT_EDGE, 0.0, 1.0)
    return cover


def draw_hand(
    picture: FloatArray,
    occluder: tuple[float, float, float, float],
    skin: tuple[float, float, float],
    lamps: FloatArray,
    seed: int,
) -> None:
    """Blend a hand of this skin over the picture (h, w, 3), linear light, in place."""
    window = _window(picture.shape[:2], occluder)
    if window is None:
        return
    left, top, height = window
    radius = occluder[2]
    # A rounded rim: the surface rises steeply at the edge and is nearly flat in the middle.
    bulge = np.sqrt(np.clip(height, 0.0, 0.16) * (0.32 - np.clip(height, 0.0, 0.16)) + 1e-5)
    slope_y, slope_x = np.gradient(bulge * 1.3 * radius)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1.0)
    normal = np.stack([-slope_x, slope_y, np.ones_like(slope_x)], axis=-1) / length[..., None]
    y, x = np.mgrid[0 : height.shape[0], 0 : height.shape[1]].astype(np.float32)
    x, y = (x + left - occluder[0]) / radius, (y + top - occluder[1]) / radius
    cosine, sine = math.cos(occluder[3]), math.sin(occluder[3])
    local = np.stack([cosine * x + sine * y, cosine * y - sine * x, np.zeros_like(x)], axis=-1).astype(np.float32)
    texture = 1.0 + 0.05 * noise(local, 0.05, seed + 90) + 0.06 * noise(local, 0.3, seed + 91)
    light = np.full((*height.shape, 3), 0.34, dtype=np.float32)
    for lamp in lamps:
        facing = np.clip((normal @ lamp[:3] + 0.2) / 1.2, 0.0, None)
        light += (facing * 0.55)[..., None] * lamp[3:]
    colour = np.array(skin, dtype=np.float32) * np.array([1.0, 0.94, 0.92], dtype=np.float32)
    shaded = colour * light * texture[..., None]
    cover = np.clip(0.5 + height * radius / _SOFT_EDGE, 0.0, 1.0)[..., None]
    # A hand near the face keeps light from the skin around it.
    shade = 1.0 - 0.35 * np.exp(-np.clip(-height, 0.0, None) / 0.10)[..., None]
    part = picture[top : top + height.shape[0], left : left + height.shape[1]]
    part *= shade
    part += (shaded - part) * cover
