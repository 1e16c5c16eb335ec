"""Wavefront OBJ meshes as the ICT face model uses them: vertices, texture coordinates, polygons with materials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError
from facespot.values import FloatArray

_REMEDY = "clone https://github.com/ICT-VGL/ICT-FaceKit anew"


@dataclass(frozen=True, eq=False)
class Mesh:
    """A mesh whose polygons were cut into triangles fanning out from their first corner.

    ``vertices`` (n, 3) float64; ``uv`` (t, 2) float32; ``faces`` and ``faces_uv`` (m, 3) int32, counted from 0;
    ``polygon`` (m,) int32, the polygon of the file that a triangle comes from; ``material`` (m,) uint8.
    """

    vertices: NDArray[np.float64]
    uv: FloatArray
    faces: NDArray[np.int32]
    faces_uv: NDArray[np.int32]
    polygon: NDArray[np.int32]
    material: NDArray[np.uint8]
    material_names: tuple[str, ...]


def read_vertices(path: Path, n_vertices: int) -> NDArray[np.float64]:
    """Vertices (n, 3) of an OBJ file.

    Raises
    ------
    FormatError
        If the file cannot be read or has another number of vertices.
    """
    vertices = _floats(path, [line for line in _lines(path) if line.startswith("v ")], 3)
    if len(vertices) != n_vertices:
        what = f"it has {len(vertices)} vertices where the neutral face has {n_vertices}"
        raise FormatError(str(path), what, _REMEDY)
    return vertices


def read_mesh(path: Path) -> Mesh:
    """Read an OBJ file whose corners have texture coordinates.

    Raises
    ------
    FormatError
        If the file cannot be read, or its polygons do not fit its vertices.
    """
    lines = _lines(path)
    vertices = _floats(path, [line for line in lines if line.startswith("v ")], 3)
    uv = _floats(path, [line for line in lines if line.startswith("vt ")], 2).astype(np.float32)
    corners: list[tuple[int, int]] = []
    polygon: list[int] = []
    material: list[int] = []
    names: list[str] = []
    current = n_polygons = 0
    try:
        for line in lines:
            if line.startswith("usemtl"):
                name = line.split(maxsplit=1)[1].strip()
                if name not in names:
                    names.append(name)
                current = names.index(name)
            elif line.startswith("f "):
                indices = [corner.split("/") for corner in line.split()[1:]]
                ring = [(int(corner[0]) - 1, int(corner[1]) - 1) for corner in indices]
                for k in range(1, len(ring) - 1):
                    corners += [ring[0], ring[k], ring[k + 1]]
                    polygon.append(n_polygons)
                    material.append(current)
                n_polygons += 1
    except (ValueError, IndexError) as error:
        raise FormatError(str(path), "a polygon cannot be read", _REMEDY) from error
    table = np.array(corners, dtype=np.int32).reshape(-1, 3, 2)
    if not len(table) or table.min() < 0 or table[..., 0].max() >= len(vertices) or table[..., 1].max() >= len(uv):
        raise FormatError(str(path), "its polygons do not fit its vertices", _REMEDY)
    return Mesh(
        vertices, uv, np.ascontiguousarray(table[..., 0]), np.ascontiguousarray(table[..., 1]),
        np.array(polygon, dtype=np.int32), np.array(material, dtype=np.uint8), tuple(names),
    )  # fmt: skip


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError as error:
        raise FormatError(str(path), "this file of the face model is missing", _REMEDY) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(str(path), "it cannot be read as an OBJ file", _REMEDY) from error


def _floats(path: Path, lines: list[str], columns: int) -> NDArray[np.float64]:
    try:
        table = np.array([line.split()[1 : 1 + columns] for line in lines], dtype=np.float64).reshape(-1, columns)
    except ValueError as error:
        raise FormatError(str(path), "a vertex cannot be read", _REMEDY) from error
    if not len(table) or not np.isfinite(table).all():
        raise FormatError(str(path), "it holds no vertices, or some are no numbers", _REMEDY)
    return table
