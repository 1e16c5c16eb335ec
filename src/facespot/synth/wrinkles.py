"""Folds that come with the muscles: where the skin darkens in a furrow and brightens on the ridge below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facespot.synth.procedural import curve_distance, mirrored, noise, smoothstep
from facespot.values import FloatArray

# forehead: AU 1, 2; glabella: AU 4; crow_feet: AU 6; nasolabial: AU 9, 10, 12; nose_root: AU 9; chin: AU 17.
WRINKLES = ("forehead", "glabella", "crow_feet", "nasolabial", "nose_root", "chin")


def wrinkle_maps(position: FloatArray, seed: int) -> FloatArray:
    """Depth of each of `WRINKLES` at points (..., 3) of the generic face: (6, ...), positive in furrows."""
    wavy = mirrored(position)
    wavy[..., 1] += 0.12 * noise(position, 1.6, seed + 60)
    forehead = sum(
        _crease(wavy, [(-0.6, y), (1.0, y + 0.1), (2.8, y + 0.25), (4.6, y - 0.25)], 0.11) for y in (7.5, 8.3, 9.1)
    )
    glabella = _crease(wavy, [(0.55, 4.9), (0.62, 5.7), (0.5, 6.9)], 0.20)
    crow = sum(_crease(wavy, [(4.75, 3.4), (5.5, y)], 0.08) for y in (2.75, 3.3, 3.95))
    under = _crease(wavy, [(1.9, 2.7), (2.9, 2.3), (4.2, 2.45)], 0.10)
    nasolabial = _crease(wavy, [(1.55, 0.2), (2.1, -0.9), (2.75, -2.2), (3.1, -3.7), (3.0, -4.3)], 0.19)
    nose_root = sum(_crease(wavy, [(0.1, y + 0.1), (0.6, y), (1.1, y - 0.35)], 0.09) for y in (3.3, 2.7))
    chin = _crease(wavy, [(-0.8, -5.55), (0.8, -5.6), (1.9, -6.1)], 0.24)
    return np.stack([forehead, glabella, crow + 0.7 * under, nasolabial, nose_root, chin]).astype(np.float32)


def _crease(folded: FloatArray, points: Sequence[tuple[float, float]], width: float) -> FloatArray:
    distance, place = curve_distance(folded, points)
    ends = smoothstep(0.0, 0.25, place) * smoothstep(1.0, 0.75, place)
    valley = np.exp(-((distance / width) ** 2)) - 0.30 * np.exp(-(((distance + 1.9 * width) / (1.4 * width)) ** 2))
    return np.asarray(valley * ends * (folded[..., 2] > 2), dtype=np.float32)
