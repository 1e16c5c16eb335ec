"""The default detector: MediaPipe's face mesh, offline, with the models inside its wheel.

MediaPipe is loaded for the first picture.
"""

from __future__ import annotations

import weakref
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from facespot.faces.boxes import face_from_landmarks
from facespot.faces.detectors import missing_library
from facespot.faces.mesh_map import N_MESH_VERTICES, landmarks_from_mesh
from facespot.faces.quiet import no_protobuf_deprecation, silent_stderr
from facespot.values import Box, ByteImage, Face

MAX_FACES = 5
MAP_VERSION = 1
"""Raised when `mesh_map` or the search for small faces changes."""

MESH_LIMIT = 1 / 6
FAR_LIMIT = 1 / 12
"""Faces below this share of the frame's longer side may be overlooked by the mesh, and by the far-range detector.
Measured: the mesh finds 8 of 8 faces from 1/8 (640x480) and 1/7 (1920x1080), the other from 1/16 and 1/14
(five rendered faces and three photographs on a plain, noisy ground)."""
CROP_IN_FACES = 2.2
"""Side of the crop around a small face, in sides of its detection: the mesh's own detector wants room around it."""
CROP_PIXELS = 256
"""Small crops are enlarged to this side; the mesh network sees 192 pixels."""
TILE_PIXELS = 640
"""Smallest side of a tile. The far-range detector finds faces from a twentieth of its picture: 32 pixels here."""
TILES_PER_SIDE = 3
"""Tiles are at least a third of the longer side of the frame: at most 16, and 8 in a frame of 16:9."""
SAME_FACE_IOU = 0.3


class MediaPipeDetector:
    """Face mesh on every frame by itself (no state between frames), mapped to 68 points.

    The detector inside the mesh overlooks faces below about a seventh of the frame. Where it finds none that is safely
    larger, MediaPipe's far-range detector looks at the whole frame, then likewise, in a frame longer than 640 pixels,
    at overlapping tiles; the mesh runs on an enlarged crop around each of its finds and confirms it or not.
    """

    name = "mediapipe"

    def __init__(self) -> None:
        self.version = f"{version('mediapipe')}/{MAP_VERSION}"

    @cached_property
    def _graphs(self) -> tuple[Any, Any]:
        """Face mesh and far-range detector, made for the first picture: a run from the cache needs only the version."""
        with silent_stderr(), no_protobuf_deprecation():
            try:
                from mediapipe.python.solutions import face_detection, face_mesh
            except ImportError as error:
                raise missing_library(self.name, error) from error

            mesh = face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=False, max_num_faces=MAX_FACES)
            far = face_detection.FaceDetection(model_selection=1)
            # The graphs open, and complain, in threads of their own: a first picture waits until they have.
            blank = np.zeros((64, 64, 3), dtype=np.uint8)
            mesh.process(blank)
            far.process(blank)
        # MediaPipe frees its graphs only when told to: 30 MB for every detector that is made.
        weakref.finalize(self, _close, mesh, far).atexit = False
        return mesh, far

    def detect(self, rgb: ByteImage, frame: int) -> tuple[Face, ...]:
        """All faces of a frame, at most five, the largest first; see `Detector.detect`."""
        faces = self._mesh_faces(rgb, frame, (0.0, 0.0), 1.0)
        height, width = rgb.shape[:2]
        longer = max(height, width)
        if _largest(faces) < MESH_LIMIT * longer:
            faces += self._small_faces(rgb, frame, [(0, 0, width, height)], faces)
        if _largest(faces) < FAR_LIMIT * longer and longer > TILE_PIXELS:
            faces += self._small_faces(rgb, frame, tiles(width, height), faces)
        return tuple(sorted(faces, key=lambda face: -face.quality))[:MAX_FACES]

    def _mesh_faces(self, rgb: ByteImage, frame: int, origin: tuple[float, float], zoom: float) -> list[Face]:
        """Faces in a picture that was cut from the frame at `origin` and enlarged `zoom` times."""
        with no_protobuf_deprecation():
            found = self._graphs[0].process(np.ascontiguousarray(rgb)).multi_face_landmarks or []
        height, width = rgb.shape[:2]
        faces = []
        for each in found:
            unit = np.array([(point.x, point.y) for point in each.landmark[:N_MESH_VERTICES]])
            # Measured on rendered faces of 25 to 260 pixels: times the width, the mesh counts from pixel centres.
            mesh = (unit * (width, height) + 0.5) / zoom - 0.5 + origin
            faces.append(face_from_landmarks(frame, landmarks_from_mesh(mesh)))
        return faces

    def _small_faces(
        self, rgb: ByteImage, frame: int, windows: list[tuple[int, int, int, int]], known: list[Face]
    ) -> list[Face]:
        """More faces: seen by the far-range detector in a window (left, top, width, height), confirmed by the mesh."""
        finds: list[tuple[float, Box]] = []
        for left, top, width, height in windows:
            window = np.ascontiguousarray(rgb[top : top + height, left : left + width])
            with no_protobuf_deprecation():
                detections = self._graphs[1].process(window).detections or []
            for detection in detections:
                place = detection.location_data.relative_bounding_box
                if place.width > 0 and place.height > 0:
                    box = Box(
                        left + place.xmin * width, top + place.ymin * height, place.width * width, place.height * height
                    )
                    finds.append((detection.score[0], box))
        faces: list[Face] = []
        for box in distinct(finds):
            if not _among(known + faces, box):
                faces += [face for face in self._faces_near(rgb, frame, box) if not _among(known + faces, face.box)]
        return faces

    def _faces_near(self, rgb: ByteImage, frame: int, box: Box) -> list[Face]:
        import cv2

        side = CROP_IN_FACES * max(box.width, box.height)
        x, y = box.left + box.width / 2, box.top + box.height / 2
        left, top = max(0, round(x - side / 2)), max(0, round(y - side / 2))
        part = rgb[top : max(top, round(y + side / 2)), left : max(left, round(x + side / 2))]
        if part.size == 0:
            return []
        zoom = max(1.0, CROP_PIXELS / max(part.shape[:2]))
        if zoom > 1:
            wanted = (max(1, round(part.shape[1] * zoom)), max(1, round(part.shape[0] * zoom)))
            part = np.asarray(cv2.resize(part, wanted, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        return self._mesh_faces(part, frame, (left, top), zoom)


def _close(*graphs: Any) -> None:
    for graph in graphs:
        graph.close()


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Overlapping square windows that cover a frame, as (left, top, width, height) in pixels.

    >>> tiles(1280, 640)
    [(0, 0, 640, 640), (320, 0, 640, 640), (640, 0, 640, 640)]
    """
    side = max(TILE_PIXELS, -(-max(width, height) // TILES_PER_SIDE))
    windows = []
    for top in _starts(height, side):
        windows += [(left, top, min(side, width), min(side, height)) for left in _starts(width, side)]
    return windows


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin so that neighbours share at least a quarter of their side."""
    if length <= side:
        return [0]
    count = -(-(length - side) // (side * 3 // 4)) + 1
    return [round(k * (length - side) / (count - 1)) for k in range(count)]


def distinct(finds: list[tuple[float, Box]]) -> list[Box]:
    """Keep the surest boxes, at most `MAX_FACES`, of which no two show the same face."""
    boxes: list[Box] = []
    for _, box in sorted(finds, key=lambda find: -find[0]):
        if len(boxes) < MAX_FACES and all(box.iou(other) < SAME_FACE_IOU for other in boxes):
            boxes.append(box)
    return boxes


def _among(faces: list[Face], box: Box) -> bool:
    return any(box.iou(face.box) >= SAME_FACE_IOU for face in faces)


def _largest(faces: list[Face]) -> float:
    return max((face.box.width for face in faces), default=0.0)
