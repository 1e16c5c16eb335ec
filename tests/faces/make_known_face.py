"""Make `known_face.png` and `known_face.json`: a rendered face whose 68 points are known exactly.

The face is the ICT Face Model Light (MIT licence, USC Institute for Creative Technologies): one random identity in a
pinhole camera, coloured by rule and lit by one lamp. The points are the model's own 68 Multi-PIE vertices, projected
by the same camera. Run once, by hand, and commit the two files:

    python tests/faces/make_known_face.py ../shared/face_model/ict_facekit.npz
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

SKIN = np.array([0.80, 0.56, 0.44])
LIPS = np.array([0.62, 0.27, 0.26])
BROWS = np.array([0.16, 0.10, 0.07])
HAIR = np.array([0.12, 0.08, 0.06])
SCLERA = np.array([0.88, 0.86, 0.84])
IRIS = np.array([0.22, 0.14, 0.08])
BACKGROUND = np.array([0.30, 0.34, 0.38])
HIDDEN_MATERIALS = ("M_LacrimalFluid", "M_EyeBlend", "M_EyeOcclusion", "M_EyeLashes", "M_IrisLeft", "M_IrisRight")
SUPERSAMPLING = 3
CAMERA_DISTANCE_CM = 70.0


@numba.njit(cache=False)
def rasterise(points: Any, depth: Any, faces: Any, height: int, width: int) -> Any:
    """Nearest triangle of each pixel and its barycentric coordinates, by a z-buffer."""
    nearest = np.full((height, width), np.inf)
    triangle = np.full((height, width), -1, np.int64)
    weights = np.zeros((height, width, 3))
    for index in range(len(faces)):
        a, b, c = faces[index]
        ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        for y in range(max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy)))) + 1):
            for x in range(max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx)))) + 1):
                second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                first = 1.0 - second - third
                if first < 0 or second < 0 or third < 0:
                    continue
                z = first * depth[a] + second * depth[b] + third * depth[c]
                if z < nearest[y, x]:
                    nearest[y, x] = z
                    triangle[y, x] = index
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = first, second, third
    return triangle, weights


def distance_to_line(places: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest distance of each place (n, 2) to a polyline (m, 2)."""
    nearest = np.full(len(places), np.inf)
    for start, end in pairwise(line):
        along = np.clip((places - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(places - start - along[:, None] * (end - start), axis=1))
    return nearest


def colour(
    model: Any, neutral: NDArray[np.float64], rest: NDArray[np.float64], material: NDArray[Any]
) -> NDArray[np.float64]:
    """Colour (n, 3) of surface points from their place on the unposed head and the material of their triangle."""
    marks = neutral[model["landmarks68"]][:, :2]
    paint = np.tile(SKIN, (len(rest), 1))
    skin = np.isin(material, ("M_Face", "M_BackHead"))
    front = skin & (rest[:, 2] > 4)
    for brow in (marks[17:22], marks[22:27]):
        paint[front & (distance_to_line(rest[:, :2], brow - [0, 0.05]) < 0.33)] = BROWS
    outer, inner = (part.astype(np.float32).reshape(-1, 1, 2) for part in (marks[48:60], marks[60:68]))
    for index in np.flatnonzero(front & (np.linalg.norm(rest[:, :2] - marks[48:60].mean(axis=0), axis=1) < 4)):
        place = (float(rest[index, 0]), float(rest[index, 1]))
        if cv2.pointPolygonTest(outer, place, False) > 0 > cv2.pointPolygonTest(inner, place, False):
            paint[index] = LIPS
    hairline = np.where(rest[:, 2] > 0, 9.0 - 0.10 * np.abs(rest[:, 0]) ** 1.6 / 2, 2.0)
    paint[skin & (rest[:, 1] > hairline) & ((np.abs(rest[:, 0]) > 6.2) | (rest[:, 1] > 6))] = HAIR
    paint[material == "M_GumsTongue"] = LIPS * 0.6
    paint[material == "M_Teeth"] = SCLERA
    for name, side in (("M_ScleraRight", slice(36, 42)), ("M_ScleraLeft", slice(42, 48))):
        eyeball = material == name
        paint[eyeball] = SCLERA
        centre = rest[eyeball][:, :2].mean(axis=0) if eyeball.any() else np.zeros(2)
        centre = 0.5 * (centre + marks[side].mean(axis=0))
        radius = np.linalg.norm(rest[:, :2] - centre, axis=1)
        paint[eyeball & (radius < 0.62)] = IRIS
        paint[eyeball & (radius < 0.26)] = 0.02
    return paint


def render(
    model: Any,
    width: int,
    height: int,
    *,
    seed: int | None = 0,
    pixels_per_cm: float = 17.0,
    centre: tuple[float, float] | None = None,
    yaw_degrees: float = 0.0,
    roll_degrees: float = 0.0,
    pitch_degrees: float = 0.0,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw one face: (height, width, 3) RGB and its (68, 2) points in pixels, first pixel's centre at (0, 0)."""
    rest = model["neutral"].astype(np.float64)
    if seed is not None:
        weights = np.clip(np.random.default_rng(seed).normal(0, 0.7, 100), -2, 2)
        rest = rest + np.tensordot(weights, model["identity_delta"].astype(np.float32), 1)
    visible = ~np.isin(model["material_names"][model["face_material"]], HIDDEN_MATERIALS)
    faces, material = model["faces"][visible], model["material_names"][model["face_material"]][visible]

    yaw, roll, pitch = np.radians([yaw_degrees, roll_degrees, pitch_degrees])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    posed = rest @ (lean @ nod @ turn).T
    depth = CAMERA_DISTANCE_CM - posed[:, 2]
    zoom = pixels_per_cm * (CAMERA_DISTANCE_CM - 10) / depth
    middle = np.array(centre if centre is not None else (width / 2, height / 2))
    points = middle + zoom[:, None] * np.stack([posed[:, 0], -posed[:, 1]], axis=1)

    fine = SUPERSAMPLING
    triangle, barycentric = rasterise(
        (points + 0.5) * fine - 0.5, depth, faces.astype(np.int64), height * fine, width * fine
    )
    hit = triangle >= 0
    corners, share = faces[triangle[hit]], barycentric[hit][:, :, None]
    normals = np.zeros_like(posed)
    across = np.cross(posed[faces[:, 1]] - posed[faces[:, 0]], posed[faces[:, 2]] - posed[faces[:, 0]])
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normal = (normals[corners] * share).sum(axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    lamp = np.array([-0.35, 0.45, 0.82]) / np.linalg.norm([-0.35, 0.45, 0.82])
    light = 0.30 + 0.75 * np.clip(normal @ lamp, 0, None)
    linear = np.tile(BACKGROUND**2.2, (height * fine, width * fine, 1))
    paint = colour(model, rest, (rest[corners] * share).sum(axis=1), material[triangle[hit]])
    linear[hit] = paint**2.2 * light[:, None]
    linear = linear.reshape(height, fine, width, fine, 3).mean(axis=(1, 3))
    picture = np.clip(np.rint(255 * linear ** (1 / 2.2)), 0, 255).astype(np.uint8)
    return picture, points[model["landmarks68"]]


def main() -> None:
    """Write the picture and its points beside this script."""
    with np.load(sys.argv[1], allow_pickle=False) as archive:
        model = {name: archive[name] for name in archive.files}
    picture, points = render(model, 320, 320, seed=3, pixels_per_cm=13.0, yaw_degrees=4, roll_degrees=3)
    here = Path(__file__).parent
    cv2.imwrite(str(here / "known_face.png"), picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    record = {
        "schema": "facespot/known-face/1",
        "convention": "68 Multi-PIE points, 0-based, x y in pixels, the first pixel's centre at (0, 0)",
        "source": "ICT Face Model Light, MIT licence, (c) 2020 USC Institute for Creative Technologies",
        "landmarks": np.round(points, 3).tolist(),
    }
    (here / "known_face.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
