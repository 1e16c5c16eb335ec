"""How much of the sky and of the key light each vertex sees, baked once per person by depth maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facespot.synth.rasteriser import Triangles, rasterise
from facespot.values import FloatArray

N_SKY, N_KEY = 64, 12  # depth maps
MAP_SIZE = 480  # pixels over 52 cm


def light_visibility(
    vertices: FloatArray, normals: FloatArray, faces: Triangles, key_direction: tuple[float, float, float]
) -> FloatArray:
    """Share of the sky, weighted by its cosine, and of a broad key light that each vertex sees, (n, 2) in 0..1.

    Depth maps from directions spread over the sphere, and around the key light; then smoothed over the mesh, since a
    depth map answers only yes or no.
    """
    index = np.arange(N_SKY) + 0.5
    polar, turn = np.arccos(1 - 2 * index / N_SKY), np.pi * (1 + 5**0.5) * index
    sphere = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], axis=1)
    sphere = sphere[sphere[:, 2] > -0.6]  # what comes from far behind hardly touches the side that the camera sees
    spread = np.sqrt((np.arange(N_KEY) + 0.5) / N_KEY) * 0.30
    disc = np.stack([spread * np.cos(turn[:N_KEY]), spread * np.sin(turn[:N_KEY]), np.zeros(N_KEY)], axis=1)
    lamp = np.array(key_direction) + disc
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
    vertices: FloatArray, normals: FloatArray, faces: Triangles, direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """1.0 for each vertex that nothing hides from ``direction``, else 0.0, by a depth map of 0.11 cm."""
    side = np.cross([0.0, 1.0, 0.001], direction)
    side /= np.linalg.norm(side)
    plane = np.stack([side, np.cross(direction, side)], axis=1)
    scale = MAP_SIZE / 52.0
    xy = (vertices - np.array([0.0, 0.0, 1.0])) @ plane * scale + MAP_SIZE / 2
    z_buffer = np.empty((MAP_SIZE, MAP_SIZE), dtype=np.float32)
    rasterise(
        xy, (vertices @ direction).astype(np.float32), faces, np.zeros(len(faces), np.float32), False,
        z_buffer, np.empty((MAP_SIZE, MAP_SIZE), np.int32), np.empty((MAP_SIZE, MAP_SIZE, 2), np.float32),
    )  # fmt: skip
    probe = vertices + 0.10 * normals
    cell = (probe - np.array([0.0, 0.0, 1.0])) @ plane * scale + MAP_SIZE / 2
    cell = np.clip(np.rint(cell).astype(int), 0, MAP_SIZE - 1)
    return np.asarray(probe @ direction > z_buffer[cell[:, 1], cell[:, 0]] - 0.06, dtype=np.float64)
