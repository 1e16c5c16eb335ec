"""Altered copies: what a mirror does to a flow field, and the blur and the noise by an independent computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.features.maps import scale_min_max
from facespot.training.augmentation import VARIANTS, add_noise, blur, flip, vary


def flow_maps(seed=0, n=4):
    """A flow field (n, 42, 42, 2) with its strain as a third channel: none of it symmetric."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(0, 1, (n, 42, 42, 3)).astype(np.float32)
    maps[..., 2] = np.abs(maps[..., 2])
    return maps


def mirrored(maps, *, signed):
    """The maps of the mirrored pair of frames: every point and every horizontal motion changes its side."""
    other = np.empty_like(maps)
    for column in range(maps.shape[2]):
        other[:, :, column] = maps[:, :, maps.shape[2] - 1 - column]
    if signed:
        other[..., 0] *= -1
    return other


@pytest.mark.parametrize("signed", [True, False])
def test_flipping_the_scaled_maps_is_scaling_the_flipped_flow(signed):
    maps = flow_maps()
    if not signed:
        maps[..., :2] = np.abs(maps[..., :2])
    expected = scale_min_max(mirrored(maps, signed=signed))
    np.testing.assert_allclose(flip(scale_min_max(maps), signed=signed), expected, atol=1e-6)


def test_a_signed_flip_leaves_a_face_at_rest_at_rest():
    maps = flow_maps()
    maps[0, ..., 0] = 0.7  # a constant channel: no motion within the face, scaled to 0
    scaled = scale_min_max(maps)
    flipped = flip(scaled, signed=True)
    np.testing.assert_allclose(flipped, scale_min_max(mirrored(maps, signed=True)), atol=1e-6)
    assert np.all(flipped[0, ..., 0] == 0)


@given(st.integers(0, 1000), st.booleans())
def test_flipping_twice_changes_nothing(seed, signed):
    images = scale_min_max(flow_maps(seed, n=2))
    before = images.copy()
    np.testing.assert_allclose(flip(flip(images, signed=signed), signed=signed), images, atol=1e-6)
    np.testing.assert_array_equal(images, before)


def test_the_blur_is_a_7x7_window_of_nearly_sigma_1_4():
    images = scale_min_max(flow_maps(n=2))
    weights = np.array([2, 7, 14, 18, 14, 7, 2]) / 64
    # OpenCV's table for 7 values is no sampled Gaussian, but near that of sigma 1.4.
    gauss = np.exp(-(np.arange(-3.0, 4.0) ** 2) / (2 * 1.4**2))
    assert np.abs(weights - gauss / gauss.sum()).max() < 0.007
    padded = np.pad(images.astype(np.float64), ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    expected = np.zeros(images.shape)
    for row in range(7):
        for column in range(7):
            expected += weights[row] * weights[column] * padded[:, row : row + 42, column : column + 42]
    np.testing.assert_allclose(blur(images), expected, atol=1e-5)


def test_the_noise_of_the_program_has_variance_a_hundredth_and_is_clipped():
    grey = np.full((20, 42, 42, 3), 0.5, dtype=np.float32)
    noisy = add_noise(grey, np.random.default_rng(0), "code")
    assert noisy.dtype == np.float32
    assert float((noisy - grey).var()) == pytest.approx(0.01, rel=0.02)
    assert abs(float((noisy - grey).mean())) < 1e-3
    edge = add_noise(np.zeros_like(grey), np.random.default_rng(0), "code")
    assert edge.min() == 0
    assert 0.45 < np.mean(edge == 0) < 0.55
    assert add_noise(np.ones_like(grey), np.random.default_rng(0), "code").max() == 1


def test_the_noise_of_the_paper_has_variance_one_and_is_not_clipped():
    noisy = add_noise(np.full((20, 42, 42, 3), 0.5, dtype=np.float32), np.random.default_rng(0), "paper")
    assert float((noisy - 0.5).var()) == pytest.approx(1.0, rel=0.02)
    assert noisy.min() < -1
    assert noisy.max() > 2


def test_each_image_gets_its_own_variant():
    images = scale_min_max(flow_maps(n=8))
    before = images.copy()
    chosen = np.array([0, 1, 2, 3, 3, 2, 1, 0])
    varied = vary(images, chosen, np.random.default_rng(5), signed=True, noise="code")
    np.testing.assert_array_equal(images, before)
    assert VARIANTS == ("plain", "flip", "blur", "noise")
    np.testing.assert_array_equal(varied[chosen == 0], images[chosen == 0])
    np.testing.assert_array_equal(varied[chosen == 1], flip(images[chosen == 1], signed=True))
    np.testing.assert_array_equal(varied[chosen == 2], blur(images[chosen == 2]))
    np.testing.assert_array_equal(varied[chosen == 3], add_noise(images[chosen == 3], np.random.default_rng(5)))
