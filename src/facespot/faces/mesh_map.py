"""From MediaPipe's face mesh to the 68 iBUG / Multi-PIE points: one literal table.

The mesh has 468 vertices of its own topology and no library gives the correspondence, so it is written out here. Each
of the 68 points is one mesh vertex or the midpoint of two. They were chosen by hand among those with the smallest mean
error over three sources: the exact points of rendered faces (ICT Face Model, 14 identities), dlib's predictor on the
same pictures, and dlib's predictor on eight photographs of four people. Midpoints stand where that error fell clearly,
mostly where every single vertex was biased to the same side in all three.

Right and left are the subject's own; the right side lies on the left of the picture. The inner lips follow the
68-point annotations as dlib learned them, which lie nearer to the middle of the mouth than the ICT model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from facespot.values import FloatArray

Vertices: TypeAlias = tuple[int, ...]

N_MESH_VERTICES = 468

#: Facial part -> mesh vertices of its points, in the order of the 68-point convention.
MESH_VERTICES: Mapping[str, tuple[Vertices, ...]] = MappingProxyType(
    {
        # 0-16, from the right ear over the chin (8) to the left ear. Only near: the mesh ends at another contour.
        "jaw": (
            (127,), (234,), (93, 132), (132, 58), (172,), (136, 150), (149,), (176, 148),
            (152,),
            (377, 400), (378,), (365, 379), (397,), (288, 361), (323, 361), (454,), (356,),
        ),
        # 17-21, from the temple to the nose.
        "right brow": ((70,), (63,), (105, 66), (66, 107), (107, 55)),
        # 22-26, from the nose to the temple.
        "left brow": ((285, 336), (296, 336), (296, 334), (293,), (300,)),
        # 27-30, downwards.
        "nose bridge": ((168, 6), (197,), (5, 195), (4,)),
        # 31-35, from right to left; 33 is the base of the septum.
        "nostrils": ((75,), (97,), (2,), (326,), (305,)),
        # 36-41: outer corner, upper lid (2), inner corner, lower lid (2).
        "right eye": ((7, 246), (160,), (158,), (133,), (153,), (144,)),
        # 42-47: inner corner, upper lid (2), outer corner, lower lid (2).
        "left eye": ((362,), (385,), (387,), (249, 466), (373,), (380,)),
        # 48-59: right corner, upper contour (5), left corner, lower contour (5) from left to right.
        "outer lips": (
            (61,), (39, 40), (37,), (0,), (267,), (269, 270),
            (291,), (321, 405), (314,), (17,), (84,), (91, 181),
        ),
        # 60-67: right corner, upper edge (3), left corner, lower edge (3) from left to right.
        "inner lips": ((78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,)),
    }
)  # fmt: skip


def part_slices() -> dict[str, slice]:
    """Where each facial part lies among the 68 points.

    >>> part_slices()["left eye"]
    slice(42, 48, None)
    """
    slices, start = {}, 0
    for part, points in MESH_VERTICES.items():
        slices[part] = slice(start, start + len(points))
        start += len(points)
    return slices


def landmarks_from_mesh(mesh: NDArray[np.floating]) -> FloatArray:
    """Take the 68 points out of one face mesh.

    Parameters
    ----------
    mesh : (468 or more, 2) float array
        x, y of the mesh vertices, any unit.

    Returns
    -------
    (68, 2) float32 array
        x, y of the points, the same unit.
    """
    if mesh.ndim != 2 or mesh.shape[0] < N_MESH_VERTICES or mesh.shape[1] != 2:
        raise ValueError(f"a face mesh has the shape (468, 2), got {mesh.shape}")
    points = [mesh[list(vertices)].mean(axis=0) for part in MESH_VERTICES.values() for vertices in part]
    return np.asarray(points, dtype=np.float32)
