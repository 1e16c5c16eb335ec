"""A rendered person: any pose drawn, with its exact landmarks and motion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facespot.synth import shading
from facespot.synth.appearance import Appearance
from facespot.synth.background import background
from facespot.synth.body import build_body
from facespot.synth.camera import Camera
from facespot.synth.face_model import FaceModel
from facespot.synth.hand import cover_of_hand, draw_hand
from facespot.synth.posing import Points
from facespot.synth.procedural import positions_on_texture
from facespot.synth.rasteriser import cover_lashes, displacement, rasterise, vertex_normals
from facespot.synth.source import REST, Pose
from facespot.synth.textures import Paint, paint
from facespot.synth.wrinkles import WRINKLES
from facespot.values import BoolArray, FloatArray

CAMERA_HEIGHT = 1.0  # cm: the height of the face that falls on the camera's centre
LID_SHADOW = 0.0375  # reach of the lids' shadow on the eyeballs, eye distances
OPEN_LIPS = 0.06  # cm between the lips from which teeth and tongue are drawn
FACE_BRIGHTNESS, METERING = 0.30, 0.55  # linear light that the exposure strives for, and how far it goes
TEXELS_PER_PIXEL = 1.9  # resolution of the textures against that of the picture
TEXTURE_WIDTH_CM, EYE_DISTANCE_CM = 24.4, 9.4  # of the generic face


class Person:
    """One person before one camera.

    Making one takes a few seconds: the skin is painted and the light baked.

    Parameters
    ----------
    model : FaceModel
    appearance : Appearance
    camera : Camera
    """

    def __init__(self, model: FaceModel, appearance: Appearance, camera: Camera) -> None:
        self.appearance, self.camera = appearance, camera
        self._body = body = build_body(model, appearance, camera.key_direction)
        self._view = _view(camera, body.rest[body.landmarks])
        self._points = Points(body.rest, body.sway, body.shapes, self._view)
        self._landmarks = self._points.subset(body.landmarks)
        self._skin = self._points.subset(body.skin)
        self._paint = _painted(model, appearance, _texture_size(self.eye_distance()))
        self._tiles = shading.packed(self._paint.tiles)
        self._corner_texel = shading.to_texels(body.corner_uv, self._tiles.shape[1])
        self._wrinkle_boxes = [_box(wrinkle) for wrinkle in self._paint.wrinkles]
        self._lamps = shading.lamps_of(camera.key_direction, camera.light_colour, camera.fill)
        self._background = background(camera)
        self._light = np.zeros((len(body.rest), shading.LIGHT_CHANNELS), dtype=np.float32)
        self._wrinkle: FloatArray = np.zeros(self._paint.wrinkles.shape[1:], dtype=np.float32)
        self._ambient = camera.ambient
        self._lid_shadow = max(3, round(LID_SHADOW * 2 * self.eye_distance()))
        self._buffers = _Buffers(2 * camera.height, 2 * camera.width)
        if camera.automatic_exposure:
            self._expose()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels."""
        return self.camera.width, self.camera.height

    @property
    def blink_weight(self) -> float:
        """Weight of the two eyeBlink shapes that closes the lids just so."""
        return self._body.blink_weight

    def draw(self, pose: Pose, frame: int = 0) -> FloatArray:
        """Picture of a pose, (h, w, 3) float32, linear light, 1 for white; highlights may pass it."""
        body, buffers = self._body, self._buffers
        vertices, xy = self._points.placed(pose)
        xy += 0.5
        xy *= 2.0
        xy -= 0.5
        depth = np.ascontiguousarray(vertices[:, 2])
        faces = body.faces if self._mouth_is_open(vertices) else body.faces[: body.n_outside]
        normals = vertex_normals(vertices, faces)
        rasterise(xy, depth, faces, body.bias, True, buffers.z, buffers.triangle, buffers.weights)
        cover_lashes(xy, depth, body.lash_faces, body.lash_opacity, buffers.z, buffers.lashes)
        shading.light_vertices(normals, body.vertex_material, body.visibility, self._lamps, self._ambient, self._light)
        picture = self._background.copy()
        wrinkled = self._fold(pose)
        shading.shade(
            picture, buffers.triangle, buffers.weights, buffers.lashes, faces, self._corner_texel, body.tile,
            body.face_material, normals, self._light, self._lamps, self._tiles, self._wrinkle, wrinkled,
            self._lid_shadow,
        )  # fmt: skip
        if pose.occluder is not None:
            draw_hand(picture, pose.occluder, self.appearance.skin, self._lamps, self.appearance.seed)
        if pose.light != 1.0:
            picture *= np.float32(pose.light)
        return picture

    def landmarks(self, pose: Pose, frame: int = 0) -> FloatArray:
        """The 68 points of a pose, (68, 2) float32 pixels, visible or not."""
        return self._landmarks.placed(pose)[1].astype(np.float32)

    def flow(self, first: Pose, second: Pose, frames: tuple[int, int] = (0, 0)) -> tuple[FloatArray, BoolArray]:
        """Exact motion from one picture to the other: (h, w, 2) float32 pixels, and where it is known (h, w) bool.

        It is the way of the surface point that the first picture shows at the centre of a pixel, whether the second
        shows it or not. The wall has none. Nothing is known where a hand covers the first picture.
        """
        body = self._body
        vertices, start = self._points.placed(first)
        end = self._points.placed(second)[1]
        buffers = _Buffers(self.camera.height, self.camera.width)
        depth = np.ascontiguousarray(vertices[:, 2])
        rasterise(start, depth, body.faces, body.bias, True, buffers.z, buffers.triangle, buffers.weights)
        flow = np.empty((self.camera.height, self.camera.width, 2), dtype=np.float32)
        displacement(buffers.triangle, buffers.weights, body.faces, start, end, flow)
        known = np.ones(flow.shape[:2], dtype=bool)
        if first.occluder is not None:
            known &= cover_of_hand(flow.shape[:2], first.occluder) <= 0.0
        return flow, known

    def facial_motion(self, weights: Mapping[str, float]) -> float:
        """Largest motion of a point of the skin against rest, the head still, in pixels."""
        moved, rest = self._skin.placed(Pose(weights))[1], self._skin.placed(REST)[1]
        return float(np.max(np.hypot(*(moved - rest).T)))

    def eye_distance(self) -> float:
        """Distance between the outer eye corners at rest in pixels."""
        right, left = self._landmarks.placed(REST)[1][[36, 45]]
        return float(np.hypot(*(left - right)))

    def _expose(self) -> None:
        """Scale the light, and the wall that it falls on, by the brightness of the face at rest."""
        left, top = np.maximum(self.landmarks(REST).min(axis=0).astype(int), 0)
        right, bottom = np.maximum(self.landmarks(REST).max(axis=0).astype(int) + 1, 1)
        face = self.draw(REST)[top:bottom, left:right]
        if face.size == 0:
            return
        brightness = max(float(np.median(face @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32))), 1e-3)
        gain = np.float32(np.clip((FACE_BRIGHTNESS / brightness) ** METERING, 0.6, 1.6))
        self._lamps[:, 3:] *= gain
        self._ambient *= float(gain)
        self._background *= gain

    def _mouth_is_open(self, vertices: FloatArray) -> bool:
        upper, lower = vertices[self._body.landmarks[[61, 62, 63]]], vertices[self._body.landmarks[[67, 66, 65]]]
        return bool(np.linalg.norm(upper - lower, axis=1).max() > OPEN_LIPS)

    def _fold(self, pose: Pose) -> bool:
        """Sum the pose's wrinkles into one map; False if there are none."""
        active = [(name, sides) for name, sides in pose.wrinkles.items() if sides[0] or sides[1]]
        if not active:
            return False
        self._wrinkle[:] = 0.0
        half = self._wrinkle.shape[1] // 2
        for name, (left, right) in active:
            index = WRINKLES.index(name)
            depth, (top, bottom, start, end) = self._paint.wrinkles[index], self._wrinkle_boxes[index]
            rows = slice(top, bottom)
            # The subject's left lies at u > 0.5.
            for strength, columns in ((right, slice(start, min(end, half))), (left, slice(max(start, half), end))):
                if strength and columns.stop > columns.start:
                    self._wrinkle[rows, columns] += np.float32(strength) * depth[rows, columns]
        return True


class _Buffers:
    """What the rasteriser fills, made once."""

    def __init__(self, height: int, width: int) -> None:
        self.z = np.empty((height, width), np.float32)
        self.triangle = np.empty((height, width), np.int32)
        self.weights = np.empty((height, width, 2), np.float32)
        self.lashes = np.empty((height, width), np.float32)


def _view(camera: Camera, landmarks: FloatArray) -> NDArray[np.float64]:
    outer = landmarks[[36, 45]]
    spread = float(np.abs(outer[0, 0] - outer[1, 0])) / (camera.distance - float(outer[:, 2].mean()))
    focal = camera.eye_distance * min(camera.width, camera.height) / spread
    centre = camera.centre[0] * camera.width - 0.5, camera.centre[1] * camera.height - 0.5
    # The middle of this person's face, not of the mean face, lies at the centre.
    height = CAMERA_HEIGHT + 0.5 * (float(landmarks[27, 1] + landmarks[8, 1]) + 2.6)
    return np.array([focal, camera.distance, height, *centre])


def _texture_size(eye_distance: float) -> int:
    texels = TEXELS_PER_PIXEL * eye_distance / EYE_DISTANCE_CM * TEXTURE_WIDTH_CM
    return int(np.clip(64 * np.ceil(texels / 64), 256, 1024))


def _painted(model: FaceModel, appearance: Appearance, size: int) -> Paint:
    face, head = (
        positions_on_texture(model.neutral, model.faces[shown], model.uv, model.faces_uv[shown], size)
        for shown in (model.triangles("face"), model.triangles("head_neck"))
    )
    return paint(face, head, model.neutral[model.landmarks[48:60], :2], appearance)


def _box(wrinkle: FloatArray) -> tuple[int, int, int, int]:
    """Rows and columns [start, end) outside of which a map is nearly zero."""
    rows, columns = (np.flatnonzero((np.abs(wrinkle) > 1e-3).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
