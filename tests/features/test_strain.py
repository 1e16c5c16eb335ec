"""Optical strain against analytic fields and independent difference schemes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from facespot.errors import SettingsError
from facespot.features.strain import optical_strain
from facespot.features.tvl1 import TVL1Flow

DIFFERENCES = ("forward", "backward", "central")
FLOWS = arrays(np.float32, st.tuples(st.just(2), st.integers(2, 7), st.integers(2, 7), st.just(2)),
               elements=st.floats(-8, 8, width=32))  # fmt: skip


def linear_flow(u_x=0.0, u_y=0.0, v_x=0.0, v_y=0.0, size=(9, 12)):
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return np.stack([u_x * x + u_y * y + 3, v_x * x + v_y * y - 2], axis=-1)[np.newaxis]


@pytest.mark.parametrize("differences", DIFFERENCES)
@pytest.mark.parametrize(
    ("slopes", "magnitude"),
    [
        ({}, 0.0),
        ({"u_x": 0.25}, 0.25),
        ({"v_y": -0.5}, 0.5),
        ({"u_x": 0.3, "v_y": 0.4}, 0.5),
        ({"u_y": 0.2}, np.sqrt(0.02)),
        ({"u_y": 0.2, "v_x": 0.2}, np.sqrt(0.08)),
        ({"u_y": 0.1, "v_x": -0.1}, 0.0),
    ],
    ids=["translation", "stretch", "compression", "expansion", "simple shear", "pure shear", "rotation"],
)
def test_linear_fields(differences, slopes, magnitude):
    strain = optical_strain(linear_flow(**slopes), differences=differences)
    assert (strain.shape, strain.dtype) == ((1, 9, 12), np.float32)
    inner = strain[:, 1:, 1:] if differences == "backward" else strain
    np.testing.assert_allclose(inner, magnitude, atol=1e-5)


def one_by_one(flow, differences):
    """The definition, pixel by pixel in double precision; the border as the authors' codes have it."""
    strain = np.zeros(flow.shape[:3])
    height, width = flow.shape[1:3]
    for i, y, x in np.ndindex(strain.shape):
        if differences == "forward":
            row, column = min(y, height - 2), min(x, width - 2)
            here, left_or_right, above_or_below = (row, column), (row, column + 1), (row + 1, column)
        else:
            here, left_or_right, above_or_below = (y, x), (y, max(x - 1, 0)), (max(y - 1, 0), x)
        pair = flow[i].astype(float)
        u_x, v_x = pair[here] - pair[left_or_right]
        u_y, v_y = pair[here] - pair[above_or_below]
        e_xy = (u_y + v_x) / 2
        strain[i, y, x] = np.sqrt(u_x**2 + v_y**2 + 2 * e_xy**2)
    return strain


@given(FLOWS)
def test_forward_and_backward_by_definition(flow):
    for differences in ("forward", "backward"):
        expected = one_by_one(flow, differences)
        np.testing.assert_allclose(optical_strain(flow, differences=differences), expected, rtol=1e-5, atol=1e-5)


@given(FLOWS)
def test_forward_is_backward_of_the_field_turned_by_half(flow):
    turned = -flow[:, ::-1, ::-1]
    forward = optical_strain(flow, differences="forward")[:, :-1, :-1]
    backward = optical_strain(turned, differences="backward")[:, ::-1, ::-1][:, :-1, :-1]
    np.testing.assert_allclose(forward, backward, rtol=1e-5, atol=1e-5)


def test_central_differences_inside_against_a_convolution():
    flow = np.random.default_rng(0).normal(0, 1, (3, 15, 11, 2)).astype(np.float32)
    (u_y, u_x), (v_y, v_x) = (
        [ndimage.correlate1d(flow[..., c].astype(float), [-0.5, 0, 0.5], axis=axis) for axis in (1, 2)] for c in (0, 1)
    )
    expected = np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)
    strain = optical_strain(flow, differences="central")
    np.testing.assert_allclose(strain[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-5)


@given(FLOWS, st.floats(-5, 5, width=16), st.sampled_from(DIFFERENCES))
def test_a_translation_changes_nothing_and_a_factor_scales(flow, shift, differences):
    strain = optical_strain(flow, differences=differences)
    np.testing.assert_allclose(optical_strain(flow + np.float32(shift), differences=differences), strain, atol=1e-4)
    np.testing.assert_allclose(optical_strain(-2 * flow, differences=differences), 2 * strain, rtol=1e-5, atol=1e-5)


def test_strain_of_a_moved_image_is_near_zero_inside():
    rng = np.random.default_rng(4)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (80, 80)), 2, mode="wrap")
    texture = 128 + 40 * texture / texture.std()
    moved = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(texture), (0.5, 0.8))).real
    flow = TVL1Flow().flow(texture[np.newaxis].astype(np.float32), moved[np.newaxis].astype(np.float32))
    assert np.abs(flow[0, 10:-10, 10:-10].mean(axis=(0, 1)) - [0.8, 0.5]).max() < 0.02
    assert optical_strain(flow)[0, 10:-10, 10:-10].mean() < 0.01
    still = TVL1Flow().flow(texture[np.newaxis].astype(np.float32), texture[np.newaxis].astype(np.float32))
    assert not optical_strain(still).any()


def test_bad_input():
    with pytest.raises(SettingsError, match="choose one of forward, backward, central"):
        optical_strain(linear_flow(), differences="sideways")
    for shape in ((9, 12, 2), (1, 9, 12, 3), (1, 1, 12, 2)):
        with pytest.raises(ValueError, match="flow must have the shape"):
            optical_strain(np.zeros(shape, np.float32))
