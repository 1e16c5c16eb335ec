"""The person: the ICT face model with one identity, hair and a shirt, posed and drawn frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo import shading, textures
from demo.rasteriser import FloatArray, IntArray, rasterise, vertex_normals

WIDTH, HEIGHT = 640, 480
SUPERSAMPLING = 2
OUTER_EYE_DISTANCE = 120.0  # pixels, in the resting pose
CAMERA_DISTANCE = 100.0  # cm from the origin of the model
CAMERA_HEIGHT = 1.4  # cm: the height that falls on the middle of the image
NECK_PIVOT = np.array([0.0, -9.0, -2.0], dtype=np.float32)
EYE_BIAS = -0.12  # cm: half-closed lids, a linear blend, would otherwise pierce the eyeball
HAIR_THICKNESS = 1.4  # cm

_PARTS = {
    "face": (shading.SKIN, textures.FACE_TILE),
    "head_neck": (shading.SKIN, textures.HEAD_TILE),
    "mouth_socket": (shading.MOUTH, -1),
    "eye_socket_left": (shading.MOUTH, -1),
    "eye_socket_right": (shading.MOUTH, -1),
    "gums_tongue": (shading.GUMS, -1),
    "teeth": (shading.TEETH, -1),
    "eyeball_left": (shading.EYE, textures.EYE_TILE),
    "eyeball_right": (shading.EYE, textures.EYE_TILE),
}


@dataclass(frozen=True)
class Pose:
    """What the person does in one frame.

    ``weights``: blendshape name to weight. ``rotation``: yaw, pitch, roll in radians. ``shift``: centimetres.
    ``wrinkles``: strength by name in `textures.WRINKLES`, for the subject's (left, right) half. ``breath``: cm.
    """

    weights: Mapping[str, float]
    rotation: tuple[float, float, float]
    shift: tuple[float, float, float]
    wrinkles: Mapping[str, tuple[float, float]]
    breath: float


REST = Pose({}, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), {}, 0.0)


class Person:
    """One identity of the face model, painted and ready to be drawn.

    Parameters
    ----------
    model : Path
        ``ict_facekit.npz``.
    seed : int
        Chooses identity and skin.
    """

    def __init__(self, model: Path, seed: int) -> None:
        with np.load(model, allow_pickle=False) as data:
            generic = data["neutral"]
            names = [str(name) for name in data["part_names"]]
            part, faces, faces_uv, uv = data["face_part"], data["faces"], data["faces_uv"], data["uv"]
            materials = [str(name) for name in data["material_names"]]
            iris = np.isin(data["face_material"], [k for k, name in enumerate(materials) if name.startswith("M_Iris")])
            self.landmarks: NDArray[np.int64] = data["landmarks68"].astype(np.int64)
            self._deltas: dict[str, FloatArray] = dict(
                zip(map(str, data["expression_names"]), data["expression_delta"].astype(np.float32), strict=True)
            )
            identity = np.clip(np.random.default_rng(seed).normal(0.0, 0.9, len(data["identity_delta"])), -2.0, 2.0)
            own = np.tensordot(identity.astype(np.float32), data["identity_delta"].astype(np.float32), 1)
        # Every identity keeps the generic foot of the neck, which the collar is cut for.
        base = generic + own * textures.smoothstep(-12.0, -6.5, generic[:, 1])[:, None]
        # The iris mesh lies hidden behind the closed sclera: the iris is painted on the sclera instead.
        kept = np.isin(part, [names.index(name) for name in _PARTS]) & ~iris
        centre_y, centre_x = generic[faces][..., 1].mean(1), np.abs(generic[faces][..., 0]).mean(1)
        under_shirt = (part == names.index("head_neck")) & (centre_y < -8.0) & (centre_x > 6.6)
        kept &= ~under_shirt & (centre_y > -18.0)
        lash = np.isin(part, [names.index("eyelashes_left"), names.index("eyelashes_right")])

        shirt_vertices, shirt_faces, shirt_uv = _shirt()
        self._n_model = len(generic)
        self._faces: IntArray = np.concatenate([faces[kept], shirt_faces + len(generic)]).astype(np.int32)
        self._corner_uv: FloatArray = np.concatenate([uv[faces_uv[kept]] % 1.0, shirt_uv]).astype(np.float32)
        looks = np.array([_PARTS.get(name, (0, 0)) for name in names], dtype=np.int32)[part[kept]]
        shirt_look = np.tile(np.array([[shading.SHIRT, textures.SHIRT_TILE]], dtype=np.int32), (len(shirt_faces), 1))
        self._material, self._tile = np.ascontiguousarray(np.concatenate([looks, shirt_look]).T)
        self._bias: FloatArray = np.where(self._material == shading.EYE, EYE_BIAS, 0.0).astype(np.float32)
        self._lash_faces: IntArray = np.ascontiguousarray(faces[lash])

        skin = np.isin(part, [0, 1])
        self.skin_vertices: NDArray[np.int64] = np.unique(faces[part == names.index("face")]).astype(np.int64)
        paint_face, paint_head = (
            textures.positions_on_texture(generic, faces[part == k], uv, faces_uv[part == k]) for k in (0, 1)
        )
        outline = generic[self.landmarks[48:60], :2]
        painted = textures.paint(paint_face, paint_head, outline, seed)
        self._tiles, self._wrinkle_maps = painted.tiles, painted.wrinkles

        hair = np.zeros(len(generic), dtype=np.float32)
        scalp = np.unique(faces[skin])
        hair[scalp] = textures.hair_amount(generic[scalp]) * textures.smoothstep(-7.0, 1.0, generic[scalp, 1])
        # Short at the sides, fuller on top.
        lift = HAIR_THICKNESS * hair * (0.08 + 0.92 * textures.smoothstep(5.0, 14.0, generic[:, 1]))
        lift *= 1 + 0.25 * textures.noise(generic, 1.8, seed + 70)
        base = base + vertex_normals(base, np.ascontiguousarray(faces[skin])) * lift[:, None]
        base += self._close_lips(base)
        self.blink_weight = self._closing_weight(base)
        self._base: FloatArray = np.concatenate([base, shirt_vertices]).astype(np.float32)
        self._sway: FloatArray = np.concatenate(
            [textures.smoothstep(-15.0, -6.0, generic[:, 1]), np.zeros(len(shirt_vertices), dtype=np.float32)]
        )[:, None]
        self._visibility = self._bake_visibility(generic, part, faces)
        self._lash_opacity = _lash_opacity(generic, np.unique(faces[part == 0]), np.unique(faces[lash]))

        outer = self._base[self.landmarks[[36, 45]]]
        spread = np.abs(outer[0, 0] - outer[1, 0]) / (CAMERA_DISTANCE - outer[:, 2].mean())
        self._focal = OUTER_EYE_DISTANCE / float(spread)  # pixels
        size = (HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING)
        self._buffers = [
            (np.empty(size, np.float32), np.empty(size, np.int32), np.empty((*size, 2), np.float32)) for _ in range(2)
        ]
        self._background = _background(size, seed)

    def _close_lips(self, base: FloatArray) -> FloatArray:
        """Displacement that closes the gap an identity may leave between the lips."""
        upper, lower = self.landmarks[[61, 62, 63]], self.landmarks[[67, 66, 65]]
        closing = self._deltas["mouthClose"]
        gap = float(np.mean(base[upper, 1] - base[lower, 1]))
        gain = float(np.mean(closing[lower, 1] - closing[upper, 1]))
        return np.asarray(closing * np.clip((gap - 0.02) / gain, 0.0, 0.4), dtype=np.float32)

    def _closing_weight(self, base: FloatArray) -> float:
        """Weight of the blink shapes that lets this identity's lids just meet."""
        upper, lower = self.landmarks[[37, 38, 43, 44]], self.landmarks[[41, 40, 47, 46]]
        closing = self._deltas["eyeBlink_L"] + self._deltas["eyeBlink_R"]
        gap = base[upper, 1] - base[lower, 1] + 0.03
        return float(np.clip(np.max(gap / (closing[lower, 1] - closing[upper, 1])), 0.9, 1.35))

    def _bake_visibility(self, generic: FloatArray, part: NDArray[np.uint8], faces: IntArray) -> FloatArray:
        opaque = np.isin(part, [0, 1])
        occluders = np.ascontiguousarray(faces[opaque])
        vertices = np.ascontiguousarray(self._base[: self._n_model])
        visibility = np.ones((len(self._base), 2), dtype=np.float32)
        visibility[: self._n_model] = shading.light_visibility(vertices, vertex_normals(vertices, occluders), occluders)
        # The lips' inner faces touch at rest, yet are lit when the mouth opens.
        from_mouth = np.hypot(generic[:, 0] / 3.6, (generic[:, 1] + 3.4) / 2.0)
        opened = 0.34 * textures.smoothstep(1.0, 0.6, from_mouth) * (generic[:, 2] > 7.0)
        visibility[: self._n_model] += (1 - visibility[: self._n_model]) * opened[:, None]
        # Inside the mouth, which opens only later, the light falls off with the way from the lips.
        inner = np.unique(faces[np.isin(part, [2, 5, 6])])
        behind_lips = np.clip((vertices[inner, 2] - (vertices[self.landmarks[62], 2] - 3.2)) / 3.0, 0.0, 1.0)
        visibility[inner] = (0.06 + 0.72 * behind_lips**1.5)[:, None]
        visibility[np.unique(faces[np.isin(part, [7, 8])])] = 0.85
        visibility[np.unique(faces[np.isin(part, [3, 4])])] = 0.45
        return visibility

    def vertices(self, pose: Pose) -> FloatArray:
        """Posed vertices (n, 3) in centimetres, camera space without the camera's own shift."""
        posed = self._base.copy()
        for name, weight in pose.weights.items():
            if weight != 0.0:
                posed[: self._n_model] += np.float32(weight) * self._deltas[name]
        turned = (posed - NECK_PIVOT) @ _rotation(*pose.rotation).T + NECK_PIVOT
        turned += np.array(pose.shift, dtype=np.float32)
        posed += (turned - posed) * self._sway
        posed[:, 1] += np.float32(pose.breath) * (1 - self._sway[:, 0])
        return posed.astype(np.float32)

    def project(self, vertices: FloatArray) -> NDArray[np.float64]:
        """Image positions (n, 2) in pixels, centre of the first pixel at (0, 0)."""
        scale = self._focal / (CAMERA_DISTANCE - vertices[:, 2].astype(np.float64))
        x = (WIDTH - 1) / 2 + vertices[:, 0] * scale
        return np.stack([x, (HEIGHT - 1) / 2 - (vertices[:, 1] - CAMERA_HEIGHT) * scale], axis=1)

    def draw(self, pose: Pose) -> FloatArray:
        """Image (HEIGHT, WIDTH, 3) in linear light, 1 for white."""
        vertices = self.vertices(pose)
        xy = (self.project(vertices) + 0.5) * SUPERSAMPLING - 0.5
        depth = vertices[:, 2].astype(np.float64)
        (z, triangle, weights), (lash_z, lash_triangle, lash_weights) = self._buffers
        rasterise(xy, depth, self._faces, self._bias, True, z, triangle, weights)
        image = self._background.copy()
        shading.shade(
            image, triangle, weights, self._faces, self._corner_uv, self._tile, self._material,
            vertex_normals(vertices, self._faces), self._visibility, self._tiles, self._wrinkle(pose),
        )  # fmt: skip
        no_bias = np.zeros(len(self._lash_faces), dtype=np.float32)
        rasterise(xy, depth, self._lash_faces, no_bias, False, lash_z, lash_triangle, lash_weights)
        shading.blend_lashes(image, z, lash_z, lash_triangle, lash_weights, self._lash_faces, self._lash_opacity)
        k = SUPERSAMPLING
        return np.asarray(image.reshape(HEIGHT, k, WIDTH, k, 3).mean(axis=(1, 3)), dtype=np.float32)

    def _wrinkle(self, pose: Pose) -> FloatArray:
        total = np.zeros((textures.SIZE, textures.SIZE), dtype=np.float32)
        half = textures.SIZE // 2
        for name, (left, right) in pose.wrinkles.items():
            strength = self._wrinkle_maps[textures.WRINKLES.index(name)]
            # The subject's left lies at u > 0.5.
            if left:
                total[:, half:] += np.float32(left) * strength[:, half:]
            if right:
                total[:, :half] += np.float32(right) * strength[:, :half]
        return total[..., None]


def _rotation(yaw: float, pitch: float, roll: float) -> FloatArray:
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float32)


def _lash_opacity(generic: FloatArray, skin: NDArray[np.int32], lash: NDArray[np.int32]) -> FloatArray:
    """Opacity by distance from the lid: full at the root, none at the tip; the lower lashes are thin."""
    opacity = np.zeros(len(generic), dtype=np.float32)
    near = skin[generic[skin, 2] > 7.5]
    for vertex in lash:
        distance = float(np.min(np.linalg.norm(generic[near] - generic[vertex], axis=1)))
        upper = float(np.clip((generic[vertex, 1] - 3.2) / 0.3, 0.0, 1.0))
        opacity[vertex] = (0.16 + 0.76 * upper) * max(0.0, 1.0 - distance / 0.48)
    return opacity


def _shirt() -> tuple[FloatArray, IntArray, FloatArray]:
    """T-shirt around the model's shoulders: vertices (n, 3), faces (m, 3) and their corners' texture (m, 3, 2)."""
    # From the collar down: half width, half depth, middle depth, height at the sides, in front and at the back, cm.
    rings = np.array(
        [
            [6.55, 6.7, -2.3, -10.9, -14.3, -10.0],
            [7.2, 7.3, -2.3, -11.0, -15.0, -10.2],
            [9.8, 8.3, -2.2, -11.9, -16.3, -11.0],
            [13.5, 9.4, -2.0, -13.2, -18.0, -12.5],
            [17.0, 10.4, -2.0, -15.0, -20.0, -14.5],
            [19.6, 11.2, -2.0, -18.0, -22.5, -17.5],
            [21.0, 11.6, -2.0, -23.5, -26.0, -23.0],
        ]
    )
    n_down, n_around = 40, 120
    down = np.linspace(0, len(rings) - 1, n_down)
    profile = np.stack([np.interp(down, np.arange(len(rings)), column) for column in rings.T], axis=1)
    smooth = np.apply_along_axis(
        lambda c: np.convolve(np.pad(c, 3, "reflect", reflect_type="odd"), np.ones(7) / 7, "valid"), 0, profile
    )
    angle = np.linspace(0, 2 * np.pi, n_around + 1)
    sine, cosine = np.sin(angle), np.cos(angle)
    wide, deep, middle, side, front, back = (column[:, None] for column in smooth.T)
    height = side + np.where(cosine > 0, (front - side) * np.abs(cosine) ** 1.6, (back - side) * np.abs(cosine) ** 1.6)
    vertices = np.stack([wide * sine, height, middle + deep * cosine], axis=-1)
    grid = np.arange(n_down * (n_around + 1)).reshape(n_down, n_around + 1)
    a, b, c, d = (g.ravel() for g in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    v, u = np.meshgrid(down / down[-1] * 0.999, angle / (2 * np.pi) * 0.999, indexing="ij")
    uv = np.stack([u, v], axis=-1).reshape(-1, 2)
    return vertices.reshape(-1, 3).astype(np.float32), faces.astype(np.int32), uv[faces].astype(np.float32)


def _background(size: tuple[int, int], seed: int) -> FloatArray:
    """Plain wall out of focus, brighter around the head."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32) / np.float32(size[0])
    glow = np.exp(-(((x - 0.78) / 0.75) ** 2 + ((y - 0.38) / 0.62) ** 2))
    cloud = textures.noise(np.stack([x, y, np.zeros_like(x)], axis=-1), 0.45, seed + 80)
    level = 0.20 + 0.17 * glow + 0.012 * cloud
    return np.asarray(level[..., None] * np.array([0.93, 1.0, 1.06], dtype=np.float32), dtype=np.float32)
