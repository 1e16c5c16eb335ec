from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from facespot.synth.face_fit import HeadPosition, fit_face, weak_perspective
from facespot.synth.face_model import load_face_model

positions = st.builds(
    lambda turn, scale, offset: HeadPosition(Rotation.from_euler("YXZ", turn).as_matrix(), scale, np.array(offset)),
    st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    st.floats(2.0, 50.0),
    st.tuples(st.floats(-500, 1500), st.floats(-500, 1500)),
)


def projected(points, position):
    turned = points @ position.rotation.T
    return position.offset + position.scale * turned[:, :2] * (1, -1)


@given(position=positions)
def test_the_position_of_a_rigid_shape_is_found(position):
    points = np.random.default_rng(1).normal(0, 5, (20, 3))
    found = weak_perspective(points, projected(points, position))
    np.testing.assert_allclose(found.rotation, position.rotation, atol=1e-8)
    assert found.scale == pytest.approx(position.scale)
    np.testing.assert_allclose(found.offset, position.offset, atol=1e-6)


@given(position=positions)
def test_the_upright_plane_is_the_picture_without_roll(position):
    points = np.random.default_rng(2).normal(0, 5, (20, 3))
    plane = (points @ position.upright().T)[:, :2]
    np.testing.assert_allclose(position.to_image(plane), projected(points, position), atol=1e-6)
    np.testing.assert_allclose(position.to_plane(projected(points, position)), plane, atol=1e-8)
    assert np.arctan2(position.upright()[1, 0], position.upright()[0, 0]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_person_of_the_model_is_fitted(face_model_path, seed):
    model = load_face_model(face_model_path)
    rng = np.random.default_rng(seed)
    weights = np.clip(rng.normal(0, 0.9, len(model.identity_delta)), -2, 2).astype(np.float32)
    points = model.identity(weights)[model.landmarks].astype(np.float64)
    truth = HeadPosition(Rotation.from_euler("YXZ", rng.normal(0, 0.15, 3)).as_matrix(), 9.0, np.array([160.0, 150.0]))
    pixels = projected(points, truth)
    fit = fit_face(model, (pixels + rng.normal(0, 0.3, pixels.shape)).astype(np.float32))
    eyes = np.linalg.norm(pixels[45] - pixels[36])
    assert fit.rms < 0.02 * eyes
    turned = Rotation.from_matrix(fit.position.rotation @ truth.rotation.T).magnitude()
    # Depth hardly shows in 68 points of one picture, so a little turning is taken for shape.
    assert turned < np.radians(6)
    assert fit.position.scale == pytest.approx(truth.scale, rel=0.12)
    assert np.abs(fit.identity).max() <= 2.5
