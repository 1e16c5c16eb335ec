"""The ICT face model: neutral mesh, identity modes and expression shapes, from its repository or one packed file.

ICT Face Model Light (USC Institute for Creative Technologies, MIT licence, https://github.com/ICT-VGL/ICT-FaceKit);
Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020. facespot does not ship it. Units are
centimetres, x to the subject's left, y up, z out of the face.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError, OutputError
from facespot.synth.obj_files import read_mesh, read_vertices
from facespot.values import FloatArray
from facespot.values.arrays import read_only

# Name, end of its vertices and end of its polygons; each part starts where the one before ends (upstream README).
PARTS = (
    ("face", 9409, 9230),
    ("head_neck", 11248, 11144),
    ("mouth_socket", 13294, 13226),
    ("eye_socket_left", 13678, 13630),
    ("eye_socket_right", 14062, 14034),
    ("gums_tongue", 17039, 17006),
    ("teeth", 21451, 21496),
    ("eyeball_left", 23021, 23094),
    ("eyeball_right", 24591, 24692),
    ("lacrimal_left", 24795, 24855),
    ("lacrimal_right", 24999, 25018),
    ("eye_blend_left", 25023, 25033),
    ("eye_blend_right", 25047, 25048),
    ("eye_occlusion_left", 25199, 25176),
    ("eye_occlusion_right", 25351, 25304),
    ("eyelashes_left", 26035, 25844),
    ("eyelashes_right", 26719, 26384),
)

# Vertices of the 68 Multi-PIE points (upstream README).
LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275, 6200, 6213,
    6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip

NEUTRAL_FILE = "generic_neutral_mesh.obj"
_REMEDY = "clone https://github.com/ICT-VGL/ICT-FaceKit and name its folder, or pack it anew"


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Shapes of the ICT face model; ``n`` vertices, ``m`` triangles.

    Parameters
    ----------
    neutral : (n, 3) float32 array
        Vertices of the mean face in centimetres.
    identity_delta : (k, n, 3) float16 array
        Displacements of the identity modes for a weight of one standard deviation.
    expression_delta : mapping from str to (n, 3) float32 array
        Displacement of each blendshape at weight 1.
    faces, faces_uv : (m, 3) int32 arrays
        Vertices and texture coordinates of each triangle's corners, counter-clockwise seen from outside.
    uv : (t, 2) float32 array
        Texture coordinates, v up; the integer part of u is the number of the tile.
    face_part : (m,) uint8 array
        Index of each triangle's part in `part_names`.
    part_names : tuple of str
    face_is_iris : (m,) bool array
        Triangles of the iris meshes, which lie hidden inside the scleras.
    landmarks : (68,) int64 array
        Vertices of the 68 Multi-PIE points.
    """

    neutral: FloatArray
    identity_delta: NDArray[np.float16]
    expression_delta: Mapping[str, FloatArray]
    faces: NDArray[np.int32]
    faces_uv: NDArray[np.int32]
    uv: FloatArray
    face_part: NDArray[np.uint8]
    part_names: tuple[str, ...]
    face_is_iris: NDArray[np.bool_]
    landmarks: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("neutral", "identity_delta", "faces", "faces_uv", "uv", "face_part", "face_is_iris", "landmarks"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        deltas = {name: read_only(delta) for name, delta in self.expression_delta.items()}
        object.__setattr__(self, "expression_delta", MappingProxyType(deltas))

    def identity(self, weights: FloatArray) -> FloatArray:
        """Neutral vertices (n, 3) in centimetres of the person with these weights (k,) of the identity modes."""
        offset = np.zeros_like(self.neutral)
        for weight, delta in zip(weights, self.identity_delta, strict=True):
            offset += np.float32(weight) * delta.astype(np.float32)
        return self.neutral + offset

    def triangles(self, *parts: str) -> NDArray[np.bool_]:
        """Triangles (m,) that belong to one of these parts."""
        return np.isin(self.face_part, [self.part_names.index(name) for name in parts])


def load_face_model(path: Path) -> FaceModel:
    """Read the model from a packed .npz, or from a checkout of the ICT-FaceKit repository (or its FaceXModel folder).

    Raises
    ------
    FormatError
        If the path does not exist, a file of the model is missing, or one is damaged.
    """
    arrays = _read_folder(path) if path.is_dir() else _read_packed(path)
    return _checked(path, arrays)


def pack_model(folder: Path, out: Path) -> None:
    """Write the model of a checkout of ICT-FaceKit as one compressed .npz, about 16 MB, which loads faster.

    Deltas become float16: the error stays below 0.001 cm. The licence of the model goes with the file.

    Raises
    ------
    FormatError
        If a file of the model is missing or damaged.
    OutputError
        If the file cannot be written.
    """
    arrays = _read_folder(folder)
    _checked(folder, arrays)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        unfinished.replace(out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(str(out), f"it cannot be written ({reason})", "choose another place") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _read_packed(path: Path) -> dict[str, NDArray[Any]]:
    names = ("neutral", "identity_delta", "identity_names", "expression_delta", "expression_names", "faces", "faces_uv",
             "uv", "face_part", "part_names", "face_material", "material_names", "landmarks68")  # fmt: skip
    try:
        with path.open("rb") as stream:
            # np.load leaves a damaged archive open when it opens the file itself.
            data = np.load(stream, allow_pickle=False)
            if not isinstance(data, np.lib.npyio.NpzFile):
                raise FormatError(str(path), "it is not a packed face model", _REMEDY)
            missing = [name for name in names if name not in data.files]
            if missing:
                raise FormatError(str(path), f"the face model lacks the array {missing[0]!r}", _REMEDY)
            return {name: data[name] for name in names}
    except FileNotFoundError as error:
        raise FormatError(str(path), "there is no face model here", _REMEDY) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FormatError(str(path), "it is not a packed face model, or it is damaged", _REMEDY) from error


def _read_folder(folder: Path) -> dict[str, NDArray[Any]]:
    if not folder.is_dir():
        raise FormatError(str(folder), "there is no such folder", _REMEDY)
    if not (folder / NEUTRAL_FILE).exists() and (folder / "FaceXModel").is_dir():
        folder = folder / "FaceXModel"
    mesh = read_mesh(folder / NEUTRAL_FILE)
    others = sorted(path for path in folder.glob("*.obj") if path.name != NEUTRAL_FILE)
    identities = [path for path in others if path.stem.startswith("identity")]
    expressions = [path for path in others if not path.stem.startswith("identity")]
    for shapes, kind, example in (
        (identities, "identity", "identity000.obj"), (expressions, "expression", "jawOpen.obj"),
    ):  # fmt: skip
        if not shapes:
            raise FormatError(str(folder), f"no {kind} shapes are in this folder ({example} and so on)", _REMEDY)
    deltas = [
        np.stack([(read_vertices(path, len(mesh.vertices)) - mesh.vertices).astype(np.float16) for path in paths])
        for paths in (identities, expressions)
    ]
    ends = np.array([end for _, _, end in PARTS])
    return {
        "neutral": mesh.vertices.astype(np.float32),
        "identity_delta": deltas[0],
        "identity_names": np.array([path.stem for path in identities]),
        "expression_delta": deltas[1],
        "expression_names": np.array([path.stem for path in expressions]),
        "faces": mesh.faces,
        "faces_uv": mesh.faces_uv,
        "uv": mesh.uv,
        "face_part": np.searchsorted(ends, mesh.polygon, side="right").clip(max=len(PARTS) - 1).astype(np.uint8),
        "face_quad": mesh.polygon,
        "face_material": mesh.material,
        "material_names": np.array(mesh.material_names),
        "part_names": np.array([name for name, _, _ in PARTS]),
        "part_ranges": np.array(
            [(start, end) for start, (_, end, _) in zip((0, *(e for _, e, _ in PARTS)), PARTS, strict=False)], np.int32
        ),
        "landmarks68": np.array(LANDMARKS, dtype=np.int32),
    }


def _checked(path: Path, arrays: Mapping[str, NDArray[Any]]) -> FaceModel:
    """Check that the arrays belong together."""
    neutral, faces, uv = arrays["neutral"], arrays["faces"], arrays["uv"]
    n_vertices, n_faces = len(neutral), len(faces)
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("neutral", lambda: neutral.shape == (n_vertices, 3) and bool(np.isfinite(neutral).all())),
        ("identity_delta", lambda: arrays["identity_delta"].shape[1:] == (n_vertices, 3)),
        ("expression_delta", lambda: arrays["expression_delta"].shape[1:] == (n_vertices, 3)),
        ("expression_names", lambda: len(arrays["expression_names"]) == len(arrays["expression_delta"])),
        ("faces", lambda: faces.shape == (n_faces, 3) and _within(faces, n_vertices)),
        ("faces_uv", lambda: arrays["faces_uv"].shape == (n_faces, 3) and _within(arrays["faces_uv"], len(uv))),
        ("face_part", lambda: arrays["face_part"].shape == (n_faces,) and _within(arrays["face_part"], len(PARTS))),
        ("face_material", lambda: arrays["face_material"].shape == (n_faces,)),
        ("landmarks68", lambda: arrays["landmarks68"].shape == (68,) and _within(arrays["landmarks68"], n_vertices)),
    )
    for name, holds in tests:
        if not holds():
            raise FormatError(str(path), f"the array {name!r} of the face model does not fit the others", _REMEDY)
    materials = [str(name) for name in arrays["material_names"]]
    iris = [index for index, name in enumerate(materials) if name.startswith("M_Iris")]
    return FaceModel(
        neutral=neutral.astype(np.float32),
        identity_delta=arrays["identity_delta"].astype(np.float16),
        expression_delta={
            str(name): delta.astype(np.float32)
            for name, delta in zip(arrays["expression_names"], arrays["expression_delta"], strict=True)
        },
        faces=faces.astype(np.int32),
        faces_uv=arrays["faces_uv"].astype(np.int32),
        uv=uv.astype(np.float32),
        face_part=arrays["face_part"],
        part_names=tuple(str(name) for name in arrays["part_names"]),
        face_is_iris=np.isin(arrays["face_material"], iris),
        landmarks=arrays["landmarks68"].astype(np.int64),
    )


def _within(index: NDArray[Any], size: int) -> bool:
    return bool(index.size > 0 and index.min() >= 0 and index.max() < size)
