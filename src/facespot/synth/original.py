"""The picture that a layered face is drawn from, and where the face lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from facespot.synth.face_fit import HeadPosition, Points
from facespot.synth.lids import without_eyes
from facespot.synth.source import REST
from facespot.values import FloatArray

if TYPE_CHECKING:
    from facespot.synth.layered_face import LayeredFace


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a layered face lies in one picture.

    Parameters
    ----------
    position : HeadPosition
    nodes : (g, 2) float64 array
        The grid at rest in the upright camera plane, centimetres.
    skin : (k, 3) float64 array
        The vertices of the model at rest, corrected to meet the landmarks, with their depth.
    """

    position: HeadPosition
    nodes: Points
    skin: Points

    def scaled(self, factor: float) -> Placement:
        """The same in a picture enlarged by a factor; pixel centres are half a pixel from the border."""
        old = self.position
        offset = (old.offset + 0.5) * factor - 0.5
        return Placement(HeadPosition(old.rotation, old.scale * factor, offset), self.nodes, self.skin)


class Original:
    """A picture with the mesh at rest on it: what every pose is drawn from.

    Parameters
    ----------
    face : LayeredFace
    picture : (zoom * h, zoom * w, 3) float32 array
        In linear light, `zoom` times as fine as what is drawn.
    zoom : int
    placement : Placement
        In the pixels of what is drawn.
    """

    def __init__(self, face: LayeredFace, picture: FloatArray, zoom: int, placement: Placement) -> None:
        self.picture, self.zoom, self.placement = picture, zoom, placement
        self.rest = face.move(placement, REST)[0]
        self.source = (self.rest + 0.5) * zoom - 0.5
        self.landmarks = self.rest[face.landmark_rows]
        self._points = self.source[face.landmark_rows]

    @cached_property
    def lidless(self) -> FloatArray:
        """The picture with its eyes filled in."""
        return without_eyes(self.picture, self._points)

    @cached_property
    def light(self) -> FloatArray:
        """Colour (3,) of the light in the mouth, 1 for plain daylight, judged by the skin around nose and lips."""
        points = self._points[[29, 30, 31, 35, 48, 54]]
        x, y = np.clip(np.rint(points), 0, np.array(self.picture.shape[1::-1]) - 1).astype(np.int64).T
        skin = np.median(self.picture[y, x], axis=0)
        grey = float(skin.mean())
        # Half the cast of the skin: part of it is that of the light.
        light = np.sqrt((skin + 1e-3) / (grey + 1e-3)) * np.clip(grey / 0.28, 0.15, 1.5)
        return np.asarray(light, dtype=np.float32)
