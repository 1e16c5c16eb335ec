"""A mesh over the picture of a face: the face model where there is skin, a grid around it that carries the rest along.

Three layers. The grid covers eyes, hair, neck and background: its displacements are those of what the model shows
there, continued smoothly and dying away (`surroundings`). Above it lies the inside of the mouth, which no picture of a
closed mouth shows. On top lies the model's skin, coloured by the picture, whose lids close over the eyes of the grid
and whose lips open over the mouth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facespot.synth import warping
from facespot.synth.face_fit import FaceFit, HeadPosition, Points
from facespot.synth.face_grid import MOUTH, FaceGrid
from facespot.synth.face_model import FaceModel
from facespot.synth.original import Original, Placement
from facespot.synth.procedural import positions_on_texture
from facespot.synth.rasteriser import Triangles
from facespot.synth.source import Pose
from facespot.synth.wrinkles import WRINKLES, wrinkle_maps
from facespot.values import BoolArray, FloatArray

NECK_PIVOT = np.array([0.0, -9.0, -2.0])
CAMERA_DISTANCE = 100.0  # cm, for the growth of a head that comes nearer
CORRECTION_WIDTH = 1.5
"""Centimetres over which what the fit misses at a landmark is carried to the skin around it."""
OPEN_MOUTH = 0.04
"""A gap between the lips beyond this, in distances between the outer eye corners, shows teeth of its own."""
MOUTH_FADE_PIXELS = 1.2
"""How far lips part until the model's inside of the mouth is drawn in full: no speck where they close badly."""

INNER_FACE = 2.0
"""Skin within so many centimetres of the points of brows, eyes, nose and mouth is a layer of its own; the outline of
the face, of which a picture shows one side only, is left to the grid."""
FOREHEAD = 2.2  # cm above the points of the brows, where AU 1 and 2 wrinkle it
UNFOLDING = (1.25, 2.5)
"""Growth of the visible area of lid skin from which on, and at which fully, it is painted as if there were no eye."""
LID_EDGES = 0.08
"""Centimetres between the points of the upper and the lower lid when the lids touch: the edges with their lashes."""
FOLD_TEXTURE = 512  # texels per side

_MOUTH_COLOURS = {"mouth_socket": (0.24, 0.07, 0.065), "gums_tongue": (0.42, 0.15, 0.14), "teeth": (0.80, 0.70, 0.57)}


class LayeredFace:
    """The mesh of one person.

    Parameters
    ----------
    model : FaceModel
    fit : FaceFit
        Of this person to the reference picture.
    landmarks : (68, 2) float array
        Of the reference picture, in its pixels.
    """

    def __init__(self, model: FaceModel, fit: FaceFit, landmarks: FloatArray | Points) -> None:
        self._model, self._shape = model, fit.shape.astype(np.float64)
        upright = self._shape @ fit.position.upright().T
        at = model.landmarks
        centres = upright[at, :2]
        # The jaw line is where the detector saw the outline, and no fixed skin: it is followed only roughly.
        loose = np.where(np.arange(68) < 17, 1.0, 1e-4)
        self._to_coefficients = np.linalg.inv(_carried(centres, centres) + np.diag(loose))
        correction = _carried(upright[:, :2], centres)
        self._reference_misses = self._misses(fit.position, landmarks)
        places = upright.copy()
        places[:, :2] += correction @ self._reference_misses
        plane = places[:, :2]
        self.mouth_is_open = _lip_gap(plane[at]) > OPEN_MOUTH * float(np.linalg.norm(plane[at[45]] - plane[at[36]]))

        self._grid = FaceGrid(model, places, fit.position.upright())
        self._node_correction = _carried(self._grid.nodes, centres)
        n_nodes = len(self._grid.nodes)
        skin, mouth = self._inner_skin(), model.triangles(*MOUTH)
        kept = np.union1d(model.faces[skin | mouth], at)
        number = np.full(len(model.neutral), -1, dtype=np.int64)
        number[kept] = np.arange(len(kept)) + n_nodes
        self._kept, self._correction = kept, correction[kept]
        self._deltas = {name: delta[kept] for name, delta in model.expression_delta.items()}
        self.landmark_rows = number[at]
        grid, face, inside = self._grid.triangles, number[model.faces[skin]], number[model.faces[mouth]]
        self._triangles = np.ascontiguousarray(np.concatenate([grid, face, inside]), dtype=np.int32)
        self._skin_from, self._mouth_from = len(grid), len(grid) + len(face)
        self._two_sided = np.arange(len(self._triangles)) < len(grid)
        self._corner_uv = np.ascontiguousarray(model.uv[model.faces_uv[skin]] % 1.0, dtype=np.float32)
        self._lid_faces = face[self._near_eyes(model.faces[skin], plane)]
        self._lid_vertices = np.unique(self._lid_faces)
        layer = np.zeros(n_nodes + len(kept))
        layer[np.unique(inside)] = 1.0
        layer[np.unique(face)] = 2.0
        self._layer_depth = layer * warping.LAYER_DEPTH
        self._mouth_colours = self._paint_mouth(layer, upright[kept, 2], upright[at[62], 2])
        self.reference = self.place(fit.position, landmarks)

    def _misses(self, position: HeadPosition, landmarks: FloatArray | Points) -> Points:
        """Coefficients (68, 2) of the correction from where the model has the landmarks to where they are."""
        model_points = self._shape[self._model.landmarks] @ position.upright()[:2].T
        wanted = position.to_plane(np.asarray(landmarks, dtype=np.float64))
        return np.asarray(self._to_coefficients @ (wanted - model_points))

    def place(self, position: HeadPosition, landmarks: FloatArray | Points) -> Placement:
        """Put the mesh on the landmarks (68, 2), in pixels, of a picture in which the head has this position."""
        misses = self._misses(position, landmarks)
        nodes = self._grid.nodes + self._node_correction @ (misses - self._reference_misses)
        skin = self._shape[self._kept] @ position.upright().T
        skin[:, :2] += self._correction @ misses
        return Placement(position, nodes, skin)

    def move(self, placement: Placement, pose: Pose) -> tuple[Points, Points]:
        """Vertices in a pose: positions (n, 2) in pixels, and depths (n,) in which layers lie over one another."""
        upright = placement.position.upright()
        used = [(name, np.float32(weight)) for name, weight in pose.weights.items() if weight != 0.0]
        points = np.empty((len(self._layer_depth), 3))
        nodes, skin = points[: len(self._grid.nodes)], points[len(self._grid.nodes) :]
        nodes[:, :2], nodes[:, 2], skin[:] = placement.nodes, self._grid.depth, placement.skin
        if used:
            nodes[:, :2] += sum(weight * self._grid.delta[name] for name, weight in used)
            skin += sum(weight * self._deltas[name] for name, weight in used) @ upright.T.astype(np.float32)
        if any(pose.rotation) or any(pose.shift):
            turned = _turned(points, upright @ NECK_PIVOT, pose)
            nodes += self._grid.sway[:, None] * (turned[: len(nodes)] - nodes)
            skin[:] = turned[len(nodes) :]
        return placement.position.to_image(points[:, :2]), points[:, 2] + self._layer_depth

    def landmarks(self, placement: Placement, pose: Pose) -> FloatArray:
        """The 68 points of a pose, (68, 2) float32 pixels."""
        return self.move(placement, pose)[0][self.landmark_rows].astype(np.float32)

    def draw(self, original: Original, pose: Pose) -> FloatArray:
        """Draw the weights, wrinkles, rotation and shift of a pose, (h, w, 3) float32, linear light."""
        moved, depth = self.move(original.placement, pose)
        opening = _lip_gap(moved[self.landmark_rows] * (1, -1)) - _lip_gap(original.landmarks * (1, -1))
        inside = 0.0 if self.mouth_is_open else float(np.clip(opening / MOUTH_FADE_PIXELS, 0.0, 1.0))
        picture, zoom, k = original.picture, original.zoom, warping.SUBPIXELS
        fine, size = (moved + 0.5) * k - 0.5, (picture.shape[0] // zoom * k, picture.shape[1] // zoom * k)
        unfolded = self._unfolded(original.rest, moved)
        lidless = original.lidless if unfolded.any() else picture
        mouth, folds = self._mouth_colours * original.light, self._folds(pose)

        def drawn(triangles: Triangles) -> FloatArray:
            _, triangle, weights = warping.cover(fine, depth, triangles, self._two_sided[: len(triangles)], size)
            return warping.paint(
                picture, lidless, zoom, original.source, unfolded[:, None], triangles, triangle, weights,
                mouth, self._mouth_from, folds, self._corner_uv, self._skin_from,
            )  # fmt: skip

        closed = drawn(self._triangles[: self._mouth_from]) if inside < 1.0 else np.float32(0.0)
        if inside == 0.0:
            return np.asarray(closed)
        opened = drawn(self._shown(moved))
        return np.asarray(closed + np.float32(inside) * (opened - closed), dtype=np.float32)

    def flow(
        self, size: tuple[int, int], first: tuple[Placement, Pose], second: tuple[Placement, Pose]
    ) -> tuple[FloatArray, BoolArray]:
        """Motion (h, w, 2) in pixels between two pictures of this size (h, w), and where it is known (h, w)."""
        (from_xy, from_depth), (to_xy, to_depth) = self.move(*first), self.move(*second)
        triangles, later = self._shown(from_xy), self._shown(to_xy)
        _, triangle, weights = warping.cover(from_xy, from_depth, triangles, self._two_sided[: len(triangles)], size)
        nearest, _, _ = warping.cover(to_xy, to_depth, later, self._two_sided[: len(later)], size)
        return warping.motion(from_xy, to_xy, to_depth[:, None], triangles, triangle, weights, nearest)

    def _shown(self, moved: Points) -> Triangles:
        """All triangles, of the inside of the mouth only those between the lips of this pose."""
        skin, mouth = self._triangles[: self._mouth_from], self._triangles[self._mouth_from :]
        if self.mouth_is_open:
            return skin
        lips = moved[self.landmark_rows[48:60]]
        # The outline of the lips is nearly convex; its bulges are inside the skin that covers them.
        from scipy.spatial import ConvexHull

        x, y = moved[mouth[:, 0]].T
        inside = np.ones(len(mouth), dtype=np.bool_)
        around = lips[ConvexHull(lips).vertices]
        for (ax, ay), (bx, by) in zip(around, np.roll(around, -1, axis=0), strict=True):
            inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0
        return np.concatenate([skin, mouth[inside]])

    def facial_motion(self, weights: Mapping[str, float]) -> float:
        """Largest motion of a visible point of the skin, the head upright and still, in centimetres."""
        total = np.zeros((len(self._grid.skin_vertices), 3))
        for name, weight in weights.items():
            total += weight * self._model.expression_delta[name][self._grid.skin_vertices]
        moved = total @ self.reference.position.upright()[:2].T
        return float(np.sqrt(np.max(np.sum(moved**2, axis=1))))

    @cached_property
    def blink_weight(self) -> float:
        """Weight of the two eyeBlink shapes that closes the lids just so."""
        upright = self.reference.position.upright()
        rest = self.reference.skin[self.landmark_rows - len(self._grid.nodes)]
        closing = (self._model.expression_delta["eyeBlink_L"] + self._model.expression_delta["eyeBlink_R"])[
            self._model.landmarks
        ] @ upright[:2].T
        upper, lower = [37, 38, 43, 44], [41, 40, 47, 46]
        gap, way = rest[upper, 1] - rest[lower, 1] - LID_EDGES, closing[lower, 1] - closing[upper, 1]
        return float(np.clip(gap.sum() / way.sum(), 0.4, 1.4))

    def _inner_skin(self) -> BoolArray:
        """Triangles of brows, eyes, nose and mouth: what slides over something else, away from the outline."""
        model = self._model
        points = model.neutral[model.landmarks[17:68]]
        forehead = points[:10] + np.array([0.0, FOREHEAD, 0.0], dtype=np.float32)
        near = _near(model.neutral, np.concatenate([points, forehead]), INNER_FACE)
        return model.triangles("face") & np.isin(model.faces, near).all(axis=1)

    def _near_eyes(self, faces: NDArray[np.int32], plane: Points) -> BoolArray:
        near = _near(plane, plane[self._model.landmarks[36:48]], 1.3)
        return np.asarray(np.isin(faces, near).all(axis=1))

    def _unfolded(self, rest: Points, moved: Points) -> FloatArray:
        """How far the skin of lids has come out of folds, (n,): by the growth of what is seen of the triangles."""
        grown = np.zeros(len(rest))
        areas = [np.repeat(_areas(xy[self._lid_faces]), 3) for xy in (rest, moved)]
        before, after = (np.bincount(self._lid_faces.ravel(), area, len(rest)) + 1e-9 for area in areas)
        lids = self._lid_vertices
        low, high = UNFOLDING
        grown[lids] = np.clip((after[lids] / before[lids] - low) / (high - low), 0.0, 1.0)
        return grown.astype(np.float32)

    def _folds(self, pose: Pose) -> FloatArray:
        """Depth of the wrinkles of a pose on the texture of the face; empty where there are none."""
        total = np.zeros((0, 0), dtype=np.float32)
        half = FOLD_TEXTURE // 2
        for name, (left, right) in pose.wrinkles.items():
            if total.size == 0 and (left or right):
                total = np.zeros((FOLD_TEXTURE, FOLD_TEXTURE), dtype=np.float32)
            strength = self._fold_maps[WRINKLES.index(name)]
            # The subject's left lies at u > 0.5.
            if left:
                total[:, half:] += np.float32(left) * strength[:, half:]
            if right:
                total[:, :half] += np.float32(right) * strength[:, :half]
        return total

    @cached_property
    def _fold_maps(self) -> FloatArray:
        model = self._model
        face = model.triangles("face")
        places = positions_on_texture(model.neutral, model.faces[face], model.uv, model.faces_uv[face], FOLD_TEXTURE)
        return wrinkle_maps(places, 0)

    def _paint_mouth(self, layer: Points, depth: Points, lips: float) -> FloatArray:
        """Colours of the inside of the mouth in full light: it darkens with the way behind the lips."""
        colours = np.zeros((len(layer), 3), dtype=np.float32)
        behind = 0.05 + 0.75 * np.clip((depth - (lips - 3.2)) / 3.0, 0.0, 1.0) ** 1.5
        for name, colour in _MOUTH_COLOURS.items():
            vertices = np.unique(self._model.faces[self._model.triangles(name)])
            rows = np.searchsorted(self._kept, vertices)
            colours[rows + len(self._grid.nodes)] = np.array(colour) * behind[rows, None]
        return colours


def _near(points: Points | FloatArray, centres: Points | FloatArray, distance: float) -> NDArray[np.int64]:
    """Indices of the points no farther than this from any centre."""
    from scipy.spatial import cKDTree

    return np.nonzero(cKDTree(centres).query(points, distance_upper_bound=distance)[0] < distance)[0]


def _areas(corners: Points) -> Points:
    """Areas (m,) of what is seen of triangles (m, 3, 2), y down; 0 where they turn their back."""
    side, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(np.maximum(side[:, 1] * other[:, 0] - side[:, 0] * other[:, 1], 0.0))


def _carried(points: Points, centres: Points) -> Points:
    """Matrix (n, 68) from the coefficients at the landmarks to the correction of points, which dies away."""
    from scipy.spatial.distance import cdist

    r = cdist(points, centres) / CORRECTION_WIDTH
    return np.asarray((1 + r) * np.exp(-r))


def _lip_gap(points: Points) -> float:
    """Mean distance of the inner lips, y up, in the unit of the points."""
    return float(np.mean(points[[61, 62, 63], 1] - points[[67, 66, 65], 1]))


def _turned(points: Points, pivot: Points, pose: Pose) -> Points:
    """Points (n, 3) with the head turned about the neck and shifted, nearer ones grown."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose.rotation), np.sin(pose.rotation)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turned = (points - pivot) @ (about_z @ about_y @ about_x).T + pivot
    turned[:, :2] += pose.shift[:2]
    turned[:, :2] *= CAMERA_DISTANCE / (CAMERA_DISTANCE - pose.shift[2])
    return np.asarray(turned)
