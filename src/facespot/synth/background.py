"""The wall or room behind the person, out of focus and still."""

from __future__ import annotations

import numpy as np

from facespot.synth.camera import Camera
from facespot.synth.procedural import noise, smoothstep
from facespot.values import FloatArray


def background(camera: Camera) -> FloatArray:
    """Picture (h, w, 3) float32 of what is behind the person, linear light."""
    rng = np.random.default_rng(camera.background_seed)
    seed = int(rng.integers(2**20))
    shape = (camera.height, camera.width)
    y, x = (np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) + 0.5) / np.float32(min(shape))
    colour = np.array(camera.background_colour, dtype=np.float32)
    plane = np.stack([x, y, np.zeros_like(x)], axis=-1)
    middle = camera.centre[0] * camera.width / min(shape), camera.centre[1] * camera.height / min(shape)
    level = 1.0 + 0.04 * noise(plane, 0.45, seed) + 0.02 * noise(plane, 0.02, seed + 1)
    side = np.sin(camera.light[0])
    level = level + 0.22 * side * (x - middle[0])
    if camera.background == "wall":
        glow = np.exp(-(((x - middle[0]) / 0.75) ** 2 + ((y - middle[1] + 0.15) / 0.62) ** 2))
        level = level * (0.72 + 0.42 * glow)
    elif camera.background == "gradient":
        angle = rng.uniform(0.0, 2 * np.pi)
        along = (x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)
        level = level * (1.0 + 0.65 * along)
    picture = np.clip(level, 0.05, 2.5)[..., None] * colour
    if camera.background == "room":
        for _ in range(int(rng.integers(4, 9))):
            left, top = rng.uniform(-0.2, x.max()), rng.uniform(-0.2, y.max())
            width, height = rng.uniform(0.12, 0.6), rng.uniform(0.15, 0.9)
            blur = rng.uniform(0.03, 0.07)
            inside = smoothstep(-blur, blur, x - left) * smoothstep(-blur, blur, left + width - x)
            inside = inside * smoothstep(-blur, blur, y - top) * smoothstep(-blur, blur, top + height - y)
            thing = np.clip(colour * rng.uniform(0.35, 1.9) * (1 + rng.normal(0.0, 0.12, 3)), 0.02, 0.95)
            picture += (thing.astype(np.float32) * np.clip(level, 0.2, 2.0)[..., None] - picture) * inside[..., None]
    return np.ascontiguousarray(picture, dtype=np.float32)
