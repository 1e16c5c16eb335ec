"""The grid around a face: how far each of its nodes goes with the head, and with every expression shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facespot.synth import warping
from facespot.synth.face_fit import Points
from facespot.synth.face_model import FaceModel
from facespot.synth.surroundings import extension
from facespot.values import BoolArray, FloatArray

NODE_SPACING = 0.25  # cm
LEFT, RIGHT, BOTTOM, TOP = -16.0, 16.0, -20.0, 20.0  # cm, around the origin of the model
EXPRESSION_REACH, HEAD_REACH = 3.0, 5.0  # cm, how far beyond the head its motion is carried

SKIN = ("face", "head_neck")
EYES = ("eyeball_left", "eyeball_right", "lacrimal_left", "lacrimal_right")
MOUTH = ("mouth_socket", "gums_tongue", "teeth")
OVER_THE_EYE = ("eyeBlink", "eyeSquint", "eyeLook", "cheekSquint", "cheekRaiser", "PupilDilate")
"""Shapes under which lids slide over an eye that stays or turns; under the others the eye's rim goes with the lids."""


class FaceGrid:
    """A regular grid of nodes, row by row from the top, in the upright camera plane of the reference picture.

    Parameters
    ----------
    model : FaceModel
    places : (n, 3) float64 array
        The vertices on the reference picture: x right, y up, z to the camera, centimetres.
    upright : (3, 3) float64 array
        Rotation from the model's axes to these.

    Attributes
    ----------
    nodes : (g, 2) float64 array
        Positions in centimetres.
    depth, sway : (g,) float64 arrays
        Depth of what is seen at each node, in centimetres, and how far it goes with the head, 0..1.
    delta : dict from str to (g, 2) float32 array
        Displacement of the nodes for each shape at weight 1, centimetres.
    triangles : (t, 3) int64 array
    skin_vertices : (v,) int64 array
        Vertices of the face that are seen.
    """

    def __init__(self, model: FaceModel, places: Points, upright: Points) -> None:
        x, y = np.meshgrid(np.arange(LEFT, RIGHT + 1e-9, NODE_SPACING), np.arange(TOP, BOTTOM - 1e-9, -NODE_SPACING))
        self._model, self._shape = model, (x.shape[0], x.shape[1])
        self.nodes: Points = np.stack([x.ravel(), y.ravel()], axis=1)
        self.triangles = _triangles(self._shape)
        seen = _Seen(model, places, self._shape, (*SKIN, *EYES, *MOUTH))
        self.skin_vertices = np.unique(model.faces[seen.triangle[seen.of(("face",))]])
        self.depth, self.sway = self._head_field(seen, places[:, 2])
        self.delta = self._expression_fields(seen, places, upright)

    def _head_field(self, seen: _Seen, depth: Points) -> tuple[Points, Points]:
        """Depth of each node in centimetres, and how far it goes with the head, 0..1."""
        head = seen.of((*SKIN, *EYES, *MOUTH))
        height = self._model.neutral[:, 1].astype(np.float64)
        t = np.clip((height + 15.0) / 9.0, 0.0, 1.0)
        values = seen.values(np.stack([t * t * (3 - 2 * t), depth], axis=1))
        filled = extension(head, HEAD_REACH / NODE_SPACING)(values)
        return filled[..., 1].ravel(), filled[..., 0].ravel()

    def _expression_fields(self, seen: _Seen, places: Points, upright: Points) -> dict[str, FloatArray]:
        """Displacement of each node (n, 2) for each shape at weight 1, centimetres."""
        model, reach = self._model, EXPRESSION_REACH / NODE_SPACING
        shown, eyes = seen.of((*SKIN, *MOUTH)), seen.of(EYES)
        ball = _Seen(model, places, self._shape, ("eyeball_left", "eyeball_right"))
        middle = places[model.landmarks[36:48], 1].mean()
        lower_eye = eyes & (self.nodes[:, 1].reshape(self._shape) <= middle)
        sliding = extension(shown | eyes | ball.any, reach)
        carried = extension(shown | lower_eye, reach)
        fields = {}
        for name, delta in model.expression_delta.items():
            flat = delta.astype(np.float64) @ upright[:2].T
            values = seen.values(flat)
            if name.startswith(OVER_THE_EYE):
                values[ball.any] = ball.values(flat)[ball.any]
                values = sliding(values)
            else:
                values[lower_eye] = 0.0
                values = carried(values)
            fields[name] = values.reshape(-1, 2).astype(np.float32)
        return fields


class _Seen:
    """What of the model is in front at each node of the grid."""

    def __init__(self, model: FaceModel, places: Points, shape: tuple[int, int], parts: tuple[str, ...]) -> None:
        kept = np.nonzero(model.triangles(*parts))[0]
        one_sided = np.zeros(len(kept), dtype=np.bool_)
        on_grid = np.stack([places[:, 0] - LEFT, TOP - places[:, 1]], axis=1) / NODE_SPACING
        triangles = np.ascontiguousarray(model.faces[kept])
        _, triangle, weights = warping.cover(on_grid, places[:, 2], triangles, one_sided, shape)
        self.any: BoolArray = triangle >= 0
        self.triangle = kept[triangle]
        self._model = model
        self._weights = weights.astype(np.float64)

    def of(self, parts: tuple[str, ...]) -> BoolArray:
        """Nodes (h, w) at which one of these parts is seen."""
        return self.any & self._model.triangles(*parts)[self.triangle]

    def values(self, of_vertices: Points) -> Points:
        """Values (h, w, c) of what is seen, from those of the vertices (n, c)."""
        corners = of_vertices[self._model.faces[self.triangle]]
        wb, wc = self._weights[..., :1], self._weights[..., 1:]
        return np.asarray(corners[..., 0, :] * (1 - wb - wc) + corners[..., 1, :] * wb + corners[..., 2, :] * wc)


def _triangles(shape: tuple[int, int]) -> NDArray[np.int64]:
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
