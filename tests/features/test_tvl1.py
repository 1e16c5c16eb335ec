"""Our TV-L1 flow: accuracy on exact warps beside OpenCV's, invariants, each step against another computation."""

import subprocess
import sys
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread
from scipy import ndimage

from facespot.errors import SettingsError
from facespot.features import tvl1_steps
from facespot.features.flow import load_flow_engine
from facespot.features.tvl1 import TVL1Flow, TVL1Settings

SIZE = 128


def waves(seed):
    """Grey levels at any (x, y): a sum of sinusoids of 4 to 80 pixels, long ones stronger."""
    rng = np.random.default_rng(seed)
    wavelengths = np.exp(rng.uniform(np.log(4), np.log(80), 100))
    angles, phases = rng.uniform(0, 2 * np.pi, (2, 100))
    amplitudes = wavelengths**0.8
    amplitudes *= 30 / np.sqrt((amplitudes**2).sum() / 2)
    frequencies = 2 * np.pi / wavelengths

    def grey(x, y):
        total = np.full(x.shape, 128.0)
        for f, angle, phase, amplitude in zip(frequencies, angles, phases, amplitudes, strict=True):
            total += amplitude * np.cos(f * (np.cos(angle) * x + np.sin(angle) * y) + phase)
        return total

    return grey


def photograph(seed):
    """Grey levels at any (x, y) of a portrait three times as fine as the images made of it, by cubic splines."""
    pixels = imread(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") @ [0.299, 0.587, 0.114]
    left, top = np.random.default_rng(seed).integers(60, 90), np.random.default_rng(seed + 1).integers(10, 40)
    fine = pixels[top : top + 400, left : left + 400]
    scale = 400 / SIZE
    spline = ndimage.spline_filter(ndimage.gaussian_filter(fine, scale / 2), 3)

    def grey(x, y):
        places = [(y + 0.5) * scale - 0.5, (x + 0.5) * scale - 0.5]
        return ndimage.map_coordinates(spline, places, order=3, mode="nearest", prefilter=False)

    return grey


def bumps(seed, peak):
    """Five smooth local motions, the strongest of `peak` pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    motion = np.zeros((SIZE, SIZE, 2))
    for _ in range(5):
        centre_x, centre_y = rng.uniform(0.15 * SIZE, 0.85 * SIZE, 2)
        width, angle = rng.uniform(0.05, 0.11) * SIZE, rng.uniform(0, 2 * np.pi)
        bump = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * width**2))
        motion += bump[..., np.newaxis] * [np.cos(angle), np.sin(angle)]
    return motion * peak / np.hypot(*np.moveaxis(motion, -1, 0)).max()


def warped_pair(grey, motion, *, seed=0, noise=1.5):
    """Two 8-bit images of which the second, sampled at (x + u, y + v), is exactly the first, but for noise."""
    y, x = np.mgrid[: motion.shape[0], : motion.shape[1]].astype(float)
    rng = np.random.default_rng(seed)
    images = grey(x + motion[..., 0], y + motion[..., 1]), grey(x, y)
    return [np.clip(np.rint(image + rng.normal(0, noise, x.shape)), 0, 255).astype(np.uint8) for image in images]


def end_point_error(flows, motions):
    """Mean distance to the true motion where that is above a tenth of its peak, in pixels."""
    errors = []
    for flow, motion in zip(flows, motions, strict=True):
        strength = np.hypot(*np.moveaxis(motion, -1, 0))
        errors.append(np.hypot(*np.moveaxis(flow - motion, -1, 0))[strength > 0.1 * strength.max()].mean())
    return np.mean(errors)


@pytest.fixture(scope="module")
def one_opencv_thread():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.usefixtures("one_opencv_thread")
@pytest.mark.parametrize("texture", [waves, photograph])
@pytest.mark.parametrize("peak", [0.1, 0.25, 0.5, 1.0, 2.0])
def test_error_is_no_higher_than_that_of_opencv_tvl1(texture, peak):
    motions = [bumps(seed, peak) for seed in range(4)]
    pairs = [warped_pair(texture(seed), motion, seed=seed) for seed, motion in enumerate(motions)]
    first, second = (np.stack(images) for images in zip(*pairs, strict=True))
    ours, opencv = (load_flow_engine(name).flow(first, second) for name in ("tvl1", "opencv-tvl1"))
    assert end_point_error(ours, motions) <= end_point_error(opencv, motions)


def test_direction_and_unit():
    motion = np.broadcast_to([0.75, -0.5], (48, 64, 2))
    first, second = warped_pair(waves(3), motion, noise=0)
    flow = TVL1Flow().flow(first[np.newaxis], second[np.newaxis])[0]
    np.testing.assert_allclose(flow[8:-8, 8:-8].mean(axis=(0, 1)), [0.75, -0.5], atol=0.03)


def test_no_motion_gives_zero_flow():
    image, _ = warped_pair(waves(1), np.zeros((40, 50, 2)))
    assert not TVL1Flow().flow(image[np.newaxis], image[np.newaxis]).any()


@pytest.mark.parametrize("levels", [(0, 0), (0, 255), (90, 91)])
def test_constant_images_give_zero_flow(levels):
    first, second = (np.full((1, 33, 40), level, np.uint8) for level in levels)
    assert not TVL1Flow().flow(first, second).any()


def test_horizontal_flip_mirrors_and_negates_u():
    first, second = warped_pair(waves(5), bumps(5, 1.5))
    flow = TVL1Flow().flow(first[np.newaxis], second[np.newaxis])[0]
    mirrored = TVL1Flow().flow(first[np.newaxis, :, ::-1], second[np.newaxis, :, ::-1])[0, :, ::-1] * [-1, 1]
    assert np.abs(mirrored - flow).mean() < 0.01
    assert np.abs(flow).max() > 1


def test_transposed_images_swap_u_and_v():
    first, second = warped_pair(waves(6), bumps(6, 1.0))
    flow = TVL1Flow().flow(first[np.newaxis], second[np.newaxis])[0]
    swapped = TVL1Flow().flow(first.T[np.newaxis], second.T[np.newaxis])[0].transpose(1, 0, 2)[..., ::-1]
    np.testing.assert_allclose(swapped, flow, atol=1e-3)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (65, 16), (101, 127)])
def test_every_size_from_16_pixels(size):
    motion = np.broadcast_to([0.4, 0.2], (*size, 2))
    first, second = warped_pair(waves(2), motion, noise=0.5)
    flow = TVL1Flow(TVL1Settings(scales=5)).flow(first[np.newaxis], second[np.newaxis])[0]
    assert flow.shape == (*size, 2)
    assert np.abs(flow[2:-2, 2:-2].mean(axis=(0, 1)) - [0.4, 0.2]).max() < 0.1


def test_number_of_workers_does_not_change_a_byte():
    pairs = [warped_pair(waves(seed), bumps(seed, 1), seed=seed) for seed in range(5)]
    first, second = (np.stack(images)[:, :50, :61] for images in zip(*pairs, strict=True))
    one, two, again = (TVL1Flow(workers=workers).flow(first, second).tobytes() for workers in (1, 2, 2))
    assert one == two == again


def test_a_pair_does_not_depend_on_its_batch_nor_on_the_type_of_its_grey_levels():
    pairs = [warped_pair(waves(seed), bumps(seed, 1), seed=seed) for seed in range(3)]
    first, second = (np.stack(images) for images in zip(*pairs, strict=True))
    together = TVL1Flow().flow(first, second)
    np.testing.assert_array_equal(
        TVL1Flow().flow(first[1:2].astype(np.float32), second[1:2].astype(np.float32))[0], together[1]
    )


def test_no_pairs_give_no_flow():
    nothing = np.zeros((0, 20, 30), np.uint8)
    assert TVL1Flow(workers=2).flow(nothing, nothing).shape == (0, 20, 30, 2)


@pytest.mark.parametrize(
    "bad",
    [
        {"scales": 0},
        {"warps": 0},
        {"iterations": 0},
        {"tau": 0.3},
        {"tau": 0},
        {"lambda_": -1},
        {"theta": float("nan")},
        {"scale_step": 1.0},
        {"smoothing": -1},
    ],
)
def test_settings_out_of_range(bad):
    with pytest.raises(SettingsError, match=next(iter(bad))):
        TVL1Settings(**bad)


def random_field(seed, *shape):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3])
def test_smooth_is_a_gaussian_filter(sigma):
    image = random_field(0, 19, 23)
    expected = ndimage.gaussian_filter(image, sigma, mode="nearest", radius=int(np.ceil(3 * sigma)))
    np.testing.assert_allclose(tvl1_steps.smooth(tvl1_steps.with_margin(image), sigma)[1:-1, 1:-1], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(10, 12), (40, 33)])
def test_resample_is_bilinear_between_pixel_centres(size):
    field = random_field(1, 20, 24)
    y, x = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(size, field.shape, strict=True))
    expected = 2 * ndimage.map_coordinates(field, np.meshgrid(y, x, indexing="ij"), order=1, mode="nearest")
    np.testing.assert_allclose(
        tvl1_steps.resample(tvl1_steps.with_margin(field), *size, 2.0)[1:-1, 1:-1], expected, atol=1e-5
    )


def test_median_filter():
    field = random_field(2, 20, 31)
    with_margin = tvl1_steps.with_margin(field)
    tvl1_steps.median_filter(with_margin)
    np.testing.assert_array_equal(with_margin[1:-1, 1:-1], ndimage.median_filter(field, 3, mode="nearest"))


def test_warp_is_exact_for_quadratic_images():
    def grey(x, y):
        return 0.2 * x * x - 0.1 * y * y + 0.3 * x * y + 2 * x

    y, x = np.mgrid[:24, :30].astype(np.float32)
    first, second = 0.1 * x * x + 0.2 * x * y - y, grey(x, y)
    flow = np.stack([tvl1_steps.with_margin(random_field(seed, 24, 30)) for seed in (4, 5)])
    gradient, constant, inverse = np.zeros_like(flow), np.zeros_like(flow[0]), np.zeros_like(flow[0])
    tvl1_steps.warp(tvl1_steps.with_margin(first), tvl1_steps.with_margin(second), flow, gradient, constant, inverse)
    u, v = flow[0, 1:-1, 1:-1], flow[1, 1:-1, 1:-1]
    there_x, there_y = x + u, y + v
    along_x = ((0.2 * x + 0.2 * y) + (0.4 * there_x + 0.3 * there_y + 2)) / 2
    along_y = ((0.2 * x - 1) + (0.3 * there_x - 0.2 * there_y)) / 2
    rho_without_flow = grey(there_x, there_y) - along_x * u - along_y * v - first
    expected = (along_x, along_y, rho_without_flow, 1 / (along_x**2 + along_y**2))
    for values, wanted in zip((*gradient, constant, inverse), expected, strict=True):
        np.testing.assert_allclose(values[1:-1, 1:-1][6:-6, 6:-6], wanted[6:-6, 6:-6], rtol=1e-3, atol=5e-3)


def test_points_that_leave_the_image_have_no_data_term():
    flow = np.zeros((2, 22, 22), np.float32)
    flow[0] = 5
    image = tvl1_steps.with_margin(random_field(6, 20, 20))
    gradient, constant, inverse = np.ones_like(flow), np.ones_like(image), np.ones_like(image)
    tvl1_steps.warp(image, image, flow, gradient, constant, inverse)
    for values in (gradient[0], gradient[1], constant, inverse):
        assert not values[1:-1, 16:-1].any()
    assert gradient[0, 1:-1, 1:16].all()


def test_threshold_minimises_the_energy_of_the_auxiliary_flow():
    # lambda |rho(v)| + |v - u|^2 / (2 theta), point by point
    lambda_, theta = 0.15, 0.3
    u, v, gradient_x, gradient_y, constant = (random_field(seed, 500) * 3 for seed in range(5))
    step, inverse = np.empty(500, np.float32), 1 / (gradient_x**2 + gradient_y**2)
    tvl1_steps.threshold(step, u, v, gradient_x, gradient_y, constant, inverse, np.float32(lambda_ * theta))

    def energy(du, dv):
        rho = constant + gradient_x * (u + du) + gradient_y * (v + dv)
        return lambda_ * np.abs(rho) + (du**2 + dv**2) / (2 * theta)

    best = energy(step * gradient_x, step * gradient_y)
    rng = np.random.default_rng(9)
    for distance in (1e-3, 1e-2, 0.1):
        for du, dv in rng.normal(0, distance, (50, 2)):
            assert (best <= energy(step * gradient_x + du, step * gradient_y + dv) + 1e-4).all()


def test_dual_and_primal_update_against_numpy():
    height, width, theta, rate = 12, 17, 0.3, 0.25 / 0.3
    flow = np.stack([tvl1_steps.with_margin(random_field(seed, height, width)) for seed in (1, 2)])
    inner = np.s_[:, 1:-1, 1:-1]
    p_x, p_y = np.zeros_like(flow), np.zeros_like(flow)
    nothing, step = np.zeros_like(flow[0]), np.empty(height * (width + 2), np.float32)
    expected = flow[inner].astype(float)
    dual = np.zeros((2, *expected.shape))
    for _ in range(5):
        tvl1_steps.iterate(
            flow,
            p_x,
            p_y,
            np.zeros_like(flow),
            nothing,
            nothing,
            step,
            np.float32(0.1),
            np.float32(theta),
            np.float32(rate),
        )
        padded_x, padded_y = np.pad(dual[0], ((0, 0), (0, 0), (1, 0))), np.pad(dual[1], ((0, 0), (1, 0), (0, 0)))
        expected = expected + theta * (np.diff(padded_x, axis=2) + np.diff(padded_y, axis=1))
        gradient = np.stack(
            [np.diff(expected, axis=2, append=expected[:, :, -1:]), np.diff(expected, axis=1, append=expected[:, -1:])]
        )
        dual = (dual + rate * gradient) / (1 + rate * np.hypot(*gradient))
        np.testing.assert_allclose(flow[inner], expected, atol=1e-5)
        np.testing.assert_allclose(p_x[inner], dual[0], atol=1e-5)
        np.testing.assert_allclose(p_y[inner], dual[1], atol=1e-5)


def test_works_where_no_machine_code_can_be_kept():
    code = (
        "from numba.core import caching; caching.CacheImpl._locator_classes = []; "
        "import facespot.features.tvl1_steps as t; print(t.threshold.__name__)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "threshold"
