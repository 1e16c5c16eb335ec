"""MEAN's images: invariants, and the authors' order of steps done once more with other libraries."""

import cv2
import numpy as np
import pytest

from facespot.features.maps import region_images, softnet_images
from facespot.features.mean_maps import mean_images
from facespot.features.regions import Rectangle, Regions
from facespot.features.strain import optical_strain

READINGS = ("code", "paper")


@pytest.fixture
def regions():
    """Plain regions of a 128x128 crop; the eyes are one block."""
    eyes = np.zeros((128, 128), dtype=bool)
    eyes[40:60, 20:108] = True
    return Regions(Rectangle(55, 66, 59, 70), eyes, Rectangle(20, 62, 10, 52), Rectangle(24, 66, 76, 118),
                   Rectangle(80, 122, 40, 82))  # fmt: skip


def random_flow(seed=0, n=3):
    return np.random.default_rng(seed).normal(0, 1, (n, 128, 128, 2)).astype(np.float32)


def test_code_scales_the_whole_crop_and_then_cuts(regions):
    flow = random_flow()
    for pair, image in zip(flow, mean_images(flow, regions), strict=True):
        u, v = pair[..., 0].astype(float), pair[..., 1].astype(float)
        u_x, v_x = (np.diff(one, axis=1, prepend=one[:, :1]) for one in (u, v))
        u_y, v_y = (np.diff(one, axis=0, prepend=one[:1]) for one in (u, v))
        maps = np.dstack([u, v, np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2)])
        for channel in range(3):
            maps[..., channel] = cv2.normalize(maps[..., channel], None, 0, 1, cv2.NORM_MINMAX)
        expected = np.concatenate(
            [cv2.resize(maps[20:66, 10:118], (42, 21)), cv2.resize(maps[80:122, 40:82], (42, 21))]
        )
        np.testing.assert_allclose(image, expected, atol=1e-5)


def test_paper_cuts_and_then_scales_with_central_differences(regions):
    flow = random_flow()
    images = mean_images(flow, regions, reading="paper", roi_layout="split")
    strain = optical_strain(flow, differences="central")[..., np.newaxis]
    cut = region_images(np.concatenate([flow, strain], axis=-1), regions, roi_layout="split")
    low, high = cut.min(axis=(1, 2), keepdims=True), cut.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(images, (cut - low) / (high - low), atol=1e-5)


@pytest.mark.parametrize("reading", READINGS)
def test_images_lie_in_zero_to_one(regions, reading):
    images = mean_images(random_flow(), regions, reading=reading)
    assert (images.shape, images.dtype) == ((3, 42, 42, 3), np.float32)
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("reading", READINGS)
def test_no_motion_gives_zero_images(regions, reading):
    assert not mean_images(np.zeros((2, 128, 128, 2), np.float32), regions, reading=reading).any()


@pytest.mark.parametrize("reading", READINGS)
def test_a_stronger_motion_of_the_same_form_gives_the_same_image(regions, reading):
    flow = random_flow()
    strong = mean_images(3 * flow, regions, reading=reading)
    np.testing.assert_allclose(strong, mean_images(flow, regions, reading=reading), atol=1e-5)


@pytest.mark.parametrize("reading", READINGS)
def test_a_motion_to_the_other_side_is_seen(regions, reading):
    flow = random_flow()
    turned = mean_images(-flow, regions, reading=reading)
    images = mean_images(flow, regions, reading=reading)
    np.testing.assert_allclose(turned[..., :2], 1 - images[..., :2], atol=1e-5)
    np.testing.assert_allclose(turned[..., 2], images[..., 2], atol=1e-5)


def test_the_eyes_are_seen(regions):
    flow = np.zeros((1, 128, 128, 2), np.float32)
    flow[:, 48:54, 40:90] = 1.0
    assert mean_images(flow, regions).any()
    assert not softnet_images(flow, regions)[..., :2].any()
