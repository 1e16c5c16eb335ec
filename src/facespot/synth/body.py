"""One identity of the face model with hair and a shirt: the mesh that is posed and drawn, and what lies on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.synth import shading, textures
from facespot.synth.appearance import Appearance
from facespot.synth.clothes import Sheet, long_hair, shirt
from facespot.synth.face_model import FaceModel
from facespot.synth.hair import hair_amount
from facespot.synth.posing import Shapes, sparse
from facespot.synth.procedural import noise, smoothstep
from facespot.synth.rasteriser import Triangles, vertex_normals
from facespot.synth.visibility import light_visibility
from facespot.values import FloatArray

EYE_BIAS = -0.12  # cm: half-closed lids, a linear blend, would otherwise pierce the eyeball
LIP_GAP = 0.02  # cm that stay between the closed lips

# Material and texture of the parts that are drawn; teeth and gums last, since a closed mouth hides them.
_SHOWN = {
    "face": (shading.SKIN, textures.FACE_TILE),
    "head_neck": (shading.SKIN, textures.HEAD_TILE),
    "mouth_socket": (shading.MOUTH, -1),
    "eye_socket_left": (shading.MOUTH, -1),
    "eye_socket_right": (shading.MOUTH, -1),
    "eyeball_left": (shading.EYE, textures.EYE_TILE),
    "eyeball_right": (shading.EYE, textures.EYE_TILE),
    "gums_tongue": (shading.GUMS, -1),
    "teeth": (shading.TEETH, -1),
}
_INSIDE = ("gums_tongue", "teeth")


@dataclass(frozen=True, eq=False)
class Body:
    """Arrays of the mesh at rest.

    Of the triangles the first ``n_outside`` suffice while the mouth is closed. ``corner_uv`` (m, 3, 2) lies in 0..1;
    ``bias`` (m,) is added to a triangle's depth, centimetres; ``visibility`` (n, 2) is the share of sky and key light.
    """

    rest: FloatArray
    sway: FloatArray
    shapes: Shapes
    faces: Triangles
    n_outside: int
    corner_uv: FloatArray
    tile: Triangles
    face_material: Triangles
    vertex_material: Triangles
    bias: FloatArray
    visibility: FloatArray
    lash_faces: Triangles
    lash_opacity: FloatArray
    landmarks: NDArray[np.int64]
    skin: NDArray[np.int64]
    blink_weight: float


def build_body(model: FaceModel, appearance: Appearance, key_direction: tuple[float, float, float]) -> Body:
    """Shape the model after a person, dress it, and bake how much light reaches each vertex."""
    generic, faces = model.neutral, model.faces
    own = model.identity(appearance.identity) - generic
    # Every identity keeps the generic foot of the neck, which the collar is cut for.
    base = (generic + own * smoothstep(-12.0, -6.5, generic[:, 1])[:, None]).astype(np.float32)
    skin_faces = np.ascontiguousarray(faces[model.triangles("face", "head_neck")])
    base += _close_lips(model, base)
    blink_weight = _closing_weight(model, base)
    base += vertex_normals(base, skin_faces) * _hair_lift(model, appearance)[:, None]

    sheets = [(shirt(), shading.CLOTH, textures.SHIRT_TILE)]
    if appearance.hair_style == "long":
        rng = np.random.default_rng(appearance.seed)
        ears = np.abs(base[np.abs(generic[:, 1] - 1.5) < 3.0, 0]).max()
        wave = np.array([rng.uniform(0.0, 0.7), rng.uniform(0.0, 6.28)])
        sheet = long_hair(float(ears), float(base[:, 1].max()), wave)
        sheets.append((sheet, shading.LONG_HAIR, textures.HAIR_TILE))

    shown = _shown_triangles(model, base)
    outside = shown & ~model.triangles(*_INSIDE)
    looks = np.array([_SHOWN.get(name, (0, -1)) for name in model.part_names], dtype=np.int32)[model.face_part]
    uv = (model.uv[model.faces_uv] % 1.0).astype(np.float32)
    mesh = _Assembly(generic, base)
    mesh.add_model(faces[outside], uv[outside], looks[outside])
    for sheet, its_material, its_tile in sheets:
        mesh.add_sheet(sheet, its_material, its_tile)
    n_outside = sum(map(len, mesh.faces))
    inside = shown & model.triangles(*_INSIDE)
    mesh.add_model(faces[inside], uv[inside], looks[inside])

    lash_triangles = faces[model.triangles("eyelashes_left", "eyelashes_right")]
    opacity = shading.opacity_of_lashes(
        generic, np.unique(faces[model.triangles("face")]), np.unique(lash_triangles), appearance.lashes
    )
    whole = np.concatenate(mesh.vertices)
    sway = np.concatenate(mesh.sway)
    all_faces = np.concatenate(mesh.faces)
    material = np.concatenate(mesh.material)
    vertex_material = np.zeros(len(whole), dtype=np.int32)
    vertex_material[all_faces] = material[:, None]
    visibility = _bake(model, whole, skin_faces, all_faces, material, key_direction)

    # Only what is drawn or measured is kept, so that posing stays cheap.
    used = np.unique(np.concatenate([all_faces.ravel(), lash_triangles.ravel(), model.landmarks]))
    place = np.full(len(whole), -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    shapes = {}
    for name, delta in model.expression_delta.items():
        padded = np.zeros((len(whole), 3), dtype=np.float32)
        padded[: len(generic)] = delta
        shapes[name] = sparse(padded[used])
    lashes = np.concatenate([opacity, np.zeros(len(whole) - len(generic), dtype=np.float32)])
    return Body(
        rest=np.ascontiguousarray(whole[used]),
        sway=np.ascontiguousarray(sway[used]),
        shapes=shapes,
        faces=np.ascontiguousarray(place[all_faces], dtype=np.int32),
        n_outside=n_outside,
        corner_uv=np.ascontiguousarray(np.concatenate(mesh.uv)),
        tile=np.concatenate(mesh.tile),
        face_material=material,
        vertex_material=np.ascontiguousarray(vertex_material[used]),
        bias=np.where(material == shading.EYE, EYE_BIAS, 0.0).astype(np.float32),
        visibility=np.ascontiguousarray(visibility[used]),
        lash_faces=np.ascontiguousarray(place[lash_triangles], dtype=np.int32),
        lash_opacity=np.ascontiguousarray(lashes[used]),
        landmarks=place[model.landmarks],
        skin=place[np.intersect1d(np.unique(faces[model.triangles("face")]), used)],
        blink_weight=blink_weight,
    )


class _Assembly:
    """Collects the triangles of the model and of the sheets around it."""

    def __init__(self, generic: FloatArray, base: FloatArray) -> None:
        self.vertices = [base]
        self.sway = [smoothstep(-15.0, -6.0, generic[:, 1])]
        self.faces: list[Triangles] = []
        self.uv: list[FloatArray] = []
        self.material: list[Triangles] = []
        self.tile: list[Triangles] = []

    def add_model(self, faces: Triangles, uv: FloatArray, looks: Triangles) -> None:
        self.faces.append(faces)
        self.uv.append(uv)
        self.material.append(looks[:, 0])
        self.tile.append(looks[:, 1])

    def add_sheet(self, sheet: Sheet, material: int, tile: int) -> None:
        start = sum(map(len, self.vertices))
        self.vertices.append(sheet.vertices)
        moving = material == shading.LONG_HAIR
        self.sway.append(smoothstep(-15.0, -6.0, sheet.vertices[:, 1]) * np.float32(moving))
        self.faces.append(sheet.faces + np.int32(start))
        self.uv.append(sheet.uv)
        self.material.append(np.full(len(sheet.faces), material, dtype=np.int32))
        self.tile.append(np.full(len(sheet.faces), tile, dtype=np.int32))


def _shown_triangles(model: FaceModel, base: FloatArray) -> NDArray[np.bool_]:
    """Triangles that can ever be seen: not the hidden iris, the trunk under the shirt, or the back of the head."""
    generic, faces = model.neutral, model.faces
    corners = generic[faces]
    middle = corners.mean(axis=1)
    under_shirt = model.triangles("head_neck") & (middle[:, 1] < -8.0) & (np.abs(middle[:, 0]) > 6.6)
    normal = np.cross(base[faces[:, 1]] - base[faces[:, 0]], base[faces[:, 2]] - base[faces[:, 0]])
    away = normal[:, 2] < -0.8 * np.linalg.norm(normal, axis=1)
    behind = away & model.triangles("face", "head_neck") & (middle[:, 2] < 2.0)
    shown = model.triangles(*_SHOWN) & ~model.face_is_iris & ~under_shirt & ~behind & (middle[:, 1] > -18.0)
    return np.asarray(shown)


def _hair_lift(model: FaceModel, appearance: Appearance) -> FloatArray:
    """How far hair lifts each vertex of the scalp off the skin, centimetres."""
    generic = model.neutral
    lift = np.zeros(len(generic), dtype=np.float32)
    if appearance.hair_style in ("bald", "shaved"):
        return lift
    scalp = np.unique(model.faces[model.triangles("face", "head_neck")])
    amount = hair_amount(generic[scalp], appearance) * smoothstep(-7.0, 1.0, generic[scalp, 1])
    # Short at the sides, fuller on top.
    side = {"short": 0.08, "full": 0.35, "long": 0.30}[appearance.hair_style]
    height = side + (1 - side) * smoothstep(5.0, 14.0, generic[scalp, 1])
    shape = 1 + 0.25 * noise(generic[scalp], 1.8, appearance.seed + 70)
    lift[scalp] = appearance.hair_volume * amount * height * shape
    return lift


def _close_lips(model: FaceModel, base: FloatArray) -> FloatArray:
    """Displacement that closes the gap an identity may leave between the lips."""
    upper, lower = model.landmarks[[61, 62, 63]], model.landmarks[[67, 66, 65]]
    closing = model.expression_delta["mouthClose"]
    gap = float(np.mean(base[upper, 1] - base[lower, 1]))
    gain = float(np.mean(closing[lower, 1] - closing[upper, 1]))
    return np.asarray(closing * np.clip((gap - LIP_GAP) / gain, 0.0, 0.4), dtype=np.float32)


def _closing_weight(model: FaceModel, base: FloatArray) -> float:
    """Weight of the blink shapes that lets this identity's lids just meet."""
    upper, lower = model.landmarks[[37, 38, 43, 44]], model.landmarks[[41, 40, 47, 46]]
    closing = model.expression_delta["eyeBlink_L"] + model.expression_delta["eyeBlink_R"]
    gap = base[upper, 1] - base[lower, 1] + 0.03
    return float(np.clip(np.max(gap / (closing[lower, 1] - closing[upper, 1])), 0.9, 1.35))


def _bake(
    model: FaceModel,
    vertices: FloatArray,
    skin_faces: Triangles,
    faces: Triangles,
    material: Triangles,
    key_direction: tuple[float, float, float],
) -> FloatArray:
    """Share of sky and key light that reaches each vertex (n, 2)."""
    generic = model.neutral
    hair = faces[material == shading.LONG_HAIR]
    outer = hair[: len(hair) // 2]
    occluders = np.ascontiguousarray(np.concatenate([skin_faces, outer]))
    visibility = np.ones((len(vertices), 2), dtype=np.float32)
    baked = light_visibility(vertices, vertex_normals(vertices, occluders), occluders, key_direction)
    touched = np.unique(occluders)
    visibility[touched] = baked[touched]
    # Hair lets light through that a solid sheet would keep off; its inner side sees little of it.
    visibility[np.unique(outer)] = 0.25 + 0.75 * visibility[np.unique(outer)]
    visibility[np.unique(hair[len(hair) // 2 :])] = 0.22
    # The lips' inner faces touch at rest, yet are lit when the mouth opens.
    n = len(generic)
    from_mouth = np.hypot(generic[:, 0] / 3.6, (generic[:, 1] + 3.4) / 2.0)
    opened = 0.34 * smoothstep(1.0, 0.6, from_mouth) * (generic[:, 2] > 7.0)
    visibility[:n] += (1 - visibility[:n]) * opened[:, None]
    # Inside the mouth, which opens only later, the light falls off with the way from the lips.
    inner = np.unique(model.faces[model.triangles("mouth_socket", "gums_tongue", "teeth")])
    behind_lips = np.clip((vertices[inner, 2] - (vertices[model.landmarks[62], 2] - 3.2)) / 3.0, 0.0, 1.0)
    visibility[inner] = (0.06 + 0.72 * behind_lips**1.5)[:, None]
    visibility[np.unique(model.faces[model.triangles("eyeball_left", "eyeball_right")])] = 0.85
    visibility[np.unique(model.faces[model.triangles("eye_socket_left", "eye_socket_right")])] = 0.45
    return visibility
