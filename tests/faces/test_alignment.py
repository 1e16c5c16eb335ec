"""Aligned crops: the least-squares transform, its smoothing over time, and the pixels that it picks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.faces.alignment import (
    ALIGNED_SIZE,
    ALIGNMENT_POINTS,
    MEAN_POINTS,
    aligned_crop,
    alignment,
    smoothed_at,
    smoothing_radius,
    to_aligned,
)

MIDDLE = (ALIGNED_SIZE - 1) / 2
TURNS = st.floats(-1.5, 1.5)
SCALES = st.floats(0.2, 8.0)
SHIFTS = st.tuples(st.floats(-500, 2000), st.floats(-500, 2000)).map(np.array)
SEEDS = st.integers(0, 9999)


def rotation(turn):
    return np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])


def from_crop(points, transform, size=ALIGNED_SIZE):
    """Where points of the crop lie in the image, after the module's text."""
    x, y, turn, log_scale = transform
    offsets = (np.asarray(points) - (size - 1) / 2) * ALIGNED_SIZE / size
    return math.exp(log_scale) * offsets @ rotation(turn).T + (x, y)


def landmarks_at(points):
    """Landmarks of which those of eyes and nose are given, and the others are far off."""
    landmarks = np.full((68, 2), -3000.0)
    landmarks[list(ALIGNMENT_POINTS)] = points
    return landmarks


def noisy_face(seed, noise=3.0):
    points = MEAN_POINTS + np.random.default_rng(seed).normal(0, noise, MEAN_POINTS.shape)
    return from_crop(points, (300.0, 200.0, 0.3, math.log(1.7)))


def wrapped(angle):
    return (angle + math.pi) % (2 * math.pi) - math.pi


# The transform


def solved_linearly(points):
    """Crop = [[a, -b], [b, a]] image + (c, d): the four numbers for which the squared error in the crop is least."""
    rows, wanted = [], []
    for (x, y), (crop_x, crop_y) in zip(points, MEAN_POINTS, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [crop_x, crop_y]
    (a, b, c, d), *_ = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)
    matrix = np.array([[a, -b], [b, a]])
    x, y = np.linalg.solve(matrix, (MIDDLE - c, MIDDLE - d))
    return np.array([x, y, -math.atan2(b, a), -math.log(math.hypot(a, b))])


@given(SEEDS, st.floats(0, 6))
def test_the_transform_has_the_least_squared_error_in_the_crop(seed, noise):
    points = noisy_face(seed, noise)
    found = alignment(landmarks_at(points))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, solved_linearly(points), rtol=1e-9, atol=1e-9)


def test_the_error_counts_in_the_crop_and_not_in_the_image():
    # With all noise, the best scale towards the crop shrinks; towards the image it would grow.
    points = noisy_face(1, noise=8.0)
    error = np.sum((to_aligned(points, alignment(landmarks_at(points))) - MEAN_POINTS) ** 2)
    for change in np.concatenate([np.eye(4), -np.eye(4)]) * (0.5, 0.5, 0.01, 0.01):
        other = alignment(landmarks_at(points)) + change
        assert np.sum((to_aligned(points, other) - MEAN_POINTS) ** 2) > error


@given(SHIFTS, st.floats(-3.1, 3.1), SCALES)
def test_a_mean_face_that_is_shifted_turned_and_scaled_is_recovered(shift, turn, scale):
    wanted = np.array([*shift, turn, math.log(scale)])
    found = alignment(landmarks_at(from_crop(MEAN_POINTS, wanted)))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@given(SEEDS, SHIFTS, TURNS, SCALES)
def test_the_transform_of_a_moved_face_is_the_moved_transform(seed, shift, turn, scale):
    points = noisy_face(seed)
    x, y, own_turn, log_scale = alignment(landmarks_at(points))
    moved = alignment(landmarks_at(scale * points @ rotation(turn).T + shift))
    centre = scale * rotation(turn) @ (x, y) + shift
    np.testing.assert_allclose(moved[:2], centre, rtol=1e-9, atol=1e-8)
    assert wrapped(moved[2] - own_turn - turn) == pytest.approx(0, abs=1e-9)
    assert moved[3] == pytest.approx(log_scale + math.log(scale), abs=1e-9)


@pytest.mark.parametrize("place", [(0.0, 0.0), (64.0, 64.0), (0.1, 0.7), (100.1, 50.3)])
def test_points_that_coincide_are_refused(place):
    with pytest.raises(ValueError, match="the points of eyes and nose coincide"):
        alignment(landmarks_at(np.full((9, 2), place)))


def test_points_of_a_tiny_face_do_not_coincide():
    tiny = (1900.0, 1000.0, 0.2, math.log(0.01))
    np.testing.assert_allclose(alignment(landmarks_at(from_crop(MEAN_POINTS, tiny))), tiny, atol=1e-7)


def test_the_mean_face_is_symmetric_and_its_eyes_are_44_pixels_apart():
    mirrored = MEAN_POINTS[[3, 2, 1, 0, 4, 5, 6, 7, 8]] * (-1, 1) + (2 * MIDDLE, 0)
    np.testing.assert_allclose(mirrored, MEAN_POINTS, atol=1e-9)
    left, right = MEAN_POINTS[:2].mean(axis=0), MEAN_POINTS[2:4].mean(axis=0)
    np.testing.assert_allclose(right - left, (44, 0), atol=1e-9)


# The crop


def noise_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_crop_that_fits_the_image_is_the_image():
    image = noise_image(112, 112)
    found = aligned_crop(image, np.array([55.5, 55.5, 0.0, 0.0]))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, image)


def test_a_turn_goes_from_x_to_y():
    image = noise_image(112, 112)
    found = aligned_crop(image, np.array([55.5, 55.5, math.pi / 2, 0.0]))
    # The crop's x axis points along the image's y axis, its y axis against the image's x axis.
    np.testing.assert_array_equal(found, image.transpose(1, 0, 2)[::-1])


@pytest.mark.parametrize("factor", [2, 3])
def test_where_an_image_is_several_times_as_large_whole_pixels_are_averaged(factor):
    side = 112 * factor
    image = noise_image(side, side)
    # Rounding must not make the factor a little too small.
    found = aligned_crop(image, np.array([(side - 1) / 2, (side - 1) / 2, 0.0, math.log(factor) + 1e-9]))
    means = image.reshape(112, factor, 112, factor, 3).mean(axis=(1, 3))
    assert np.abs(found - means).max() <= 0.5


def gaussian_spots(shape, centres, sigma):
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for centre in centres:
        image += 250 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(image)[:, :, np.newaxis], 3, axis=2).astype(np.uint8)


def centre_near(image, place, reach):
    """Mean position of the brightness within some pixels of a place."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    near = np.hypot(x - place[0], y - place[1]) <= reach
    weights = image[:, :, 0] * near
    return np.array([np.sum(weights * x), np.sum(weights * y)]) / weights.sum()


@pytest.mark.parametrize("size", [112, 75, 160])
@pytest.mark.parametrize("scale", [0.8, 1.6, 2.5, 3.3])
def test_spots_on_the_landmarks_are_seen_where_to_aligned_puts_them(scale, size):
    transform = np.array([241.3, 228.8, -0.4, math.log(scale)])
    points = from_crop(MEAN_POINTS, transform)
    np.testing.assert_allclose(to_aligned(points, transform), MEAN_POINTS, atol=1e-4)
    # Outer corners of the eyes, base of the nose: far enough from one another.
    spots = points[[0, 3, 8]]
    sigma = 2 * scale
    crop = aligned_crop(gaussian_spots((460, 480), spots, sigma), transform, size)
    assert crop.shape == (size, size, 3)
    places = to_aligned(spots, transform, size)
    assert places.dtype == np.float32
    assert crop[:, :, 0].max() > 200
    for place in places:
        np.testing.assert_allclose(centre_near(crop, place, 8 * size / 112), place, atol=0.05)


@given(SHIFTS, TURNS, SCALES, st.integers(20, 200))
def test_places_in_the_crop_lead_back_to_the_image(shift, turn, scale, size):
    transform = np.array([*shift, turn, math.log(scale)])
    wanted = np.array([(0.0, 0.0), ((size - 1) / 2, (size - 1) / 2), (size + 5.0, 2.5)])
    found = to_aligned(from_crop(wanted, transform, size), transform, size)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def assert_same_but_for_rounding(one, other):
    """OpenCV keeps places in single precision: one grey level here and there."""
    difference = np.abs(one.astype(int) - other)
    assert difference.max() <= 1
    assert np.mean(difference) < 0.01


@pytest.mark.parametrize("scale", [0.7, 1.6, 2.6, 3.4])
def test_beyond_the_image_its_edge_pixels_are_repeated(scale):
    image = noise_image(90, 110)
    transform = np.array([8.3, 71.9, 0.4, math.log(scale)])
    room = 400
    padded = np.pad(image, ((room, room), (room, room), (0, 0)), mode="edge")
    there = transform + np.array([room, room, 0, 0])
    assert_same_but_for_rounding(aligned_crop(image, transform), aligned_crop(padded, there))


@pytest.mark.parametrize("scale", [0.7, 1.6, 2.6, 3.4])
@pytest.mark.parametrize(("left", "top"), [(1, 0), (0, 1), (7, 5)])
def test_a_crop_does_not_depend_on_where_the_image_begins(scale, left, top):
    image = noise_image(500, 520)
    transform = np.array([262.4, 251.7, 0.2, math.log(scale)])
    part = np.ascontiguousarray(image[top:, left:])
    found = aligned_crop(part, transform - (left, top, 0, 0))
    assert_same_but_for_rounding(found, aligned_crop(image, transform))


# Waves in pixels of the crop: direction times 2 pi / length, height in grey levels, phase.
WAVES = (((0.30, 0.05), 40.0, 0.3), ((-0.12, 0.26), 35.0, 1.1), ((0.10, 0.17), 35.0, 2.0))


def waves_image(transform):
    """A face of smooth waves, drawn by its formula at the centre of each pixel; the crop lies inside."""
    side = math.ceil(2 * (MIDDLE + 6) * math.sqrt(2) * math.exp(transform[3]))
    y, x = np.mgrid[:side, :side].astype(np.float64)
    crop = to_aligned(np.stack([x.ravel(), y.ravel()], axis=1), transform).astype(np.float64)
    image = 127.0 + sum(height * np.sin(crop @ wave + phase) for wave, height, phase in WAVES)
    return np.repeat(np.rint(image).reshape(side, side, 1), 3, axis=2).astype(np.uint8)


def cubic_weights(t, a=-0.75):
    """Weights of the four nearest pixels in OpenCV's cubic interpolation, `t` after the second of them."""
    x = np.abs(np.array([1 + t, t, 1 - t, 2 - t]))
    return np.where(x <= 1, (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4))


def interpolation_error(scale):
    """Most by which the crop of an image of the waves may differ from their formula, in grey levels.

    Sum of what cubic interpolation does to each wave (along both axes), of places rounded to 1/32 of a pixel, of grey
    levels rounded in the image (times the sum of all weights), after interpolation and after averaging, and of the
    average over a pixel of the crop instead of its centre.
    """
    gain = max(np.abs(cubic_weights(t)).sum() for t in np.linspace(0, 1, 33))
    total = 0.5 * gain**2 + 0.5 + 0.5
    for wave, height, _ in WAVES:
        length = math.hypot(*wave)
        step = length / scale
        kept = [np.sum(cubic_weights(t) * np.exp(1j * step * (np.arange(-1, 3) - t))) for t in np.linspace(0, 1, 33)]
        total += height * (2 * max(abs(one - 1) for one in kept) + step * math.sqrt(2) / 64 + length**2 / 24)
    return total


def waves_crop(turn, scale, shift):
    middle = (MIDDLE + 6) * math.sqrt(2) * scale
    transform = np.array([middle + shift[0] * scale, middle + shift[1] * scale, turn, math.log(scale)])
    found = alignment(landmarks_at(from_crop(MEAN_POINTS, transform)))
    return aligned_crop(waves_image(transform), found).astype(int)


@settings(max_examples=12)
@given(
    st.floats(-3.1, 3.1),
    st.sampled_from([0.8, 1.0, 1.4, 1.9, 2.1, 2.5, 3.2]),
    st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
)
def test_a_moved_face_gives_nearly_the_same_crop(turn, scale, shift):
    difference = np.abs(waves_crop(0.0, 1.3, (0, 0)) - waves_crop(turn, scale, shift))
    assert difference.max() <= interpolation_error(1.3) + interpolation_error(scale)
    # A twentieth of a pixel of the crop would be noticed.
    assert difference.mean() < 0.05 * sum(height * math.hypot(*wave) for wave, height, _ in WAVES)


# Smoothing


@given(st.integers(1, 12), st.sampled_from([0.0, 0.2, 0.7, 1.0, 2.5]), SEEDS, st.data())
def test_smoothing_by_a_plain_loop(n, sigma, seed, data):
    rng = np.random.default_rng(seed)
    transforms = rng.normal(size=(n, 4))
    transforms[rng.random(n) < 0.4] = np.nan
    place = data.draw(st.integers(0, n - 1))
    total, weight = np.zeros(4), 0.0
    for other in range(n):
        distance = abs(other - place)
        if distance >= 3 * sigma + 1:
            continue
        if np.isnan(transforms[other]).any():
            continue
        share = math.exp(-0.5 * (distance / sigma) ** 2) if sigma else 1.0
        total, weight = total + share * transforms[other], weight + share
    found = smoothed_at(transforms, place, sigma)
    if weight == 0:
        assert found is None
    else:
        np.testing.assert_allclose(found, total / weight, rtol=1e-12)


def test_landmarks_beyond_three_standard_deviations_do_not_count():
    assert [smoothing_radius(sigma) for sigma in (0, 0.1, 1.0, 1.1, 2.0)] == [0, 1, 3, 4, 6]
    transforms = np.full((9, 4), np.nan)
    transforms[8] = 1.0
    assert smoothed_at(transforms, 1, 2.0) is None
    np.testing.assert_allclose(smoothed_at(transforms, 2, 2.0), 1.0)


def test_without_smoothing_a_transform_stays_and_a_missing_one_is_missing():
    transforms = np.random.default_rng(0).normal(size=(3, 4))
    transforms[1] = np.nan
    np.testing.assert_array_equal(smoothed_at(transforms, 2, 0.0), transforms[2])
    assert smoothed_at(transforms, 1, 0.0) is None


def test_smoothing_leaves_a_face_that_rests_or_moves_evenly_where_it_is():
    path = np.array([100, 80, 0.2, 0.5]) + np.outer(np.arange(15.0), (1.5, -0.4, 0.01, 0.002))
    np.testing.assert_allclose(smoothed_at(path, 7, 2.0), path[7], rtol=1e-12)
    rests = np.tile(path[3], (15, 1))
    for place in (0, 7, 14):
        np.testing.assert_allclose(smoothed_at(rests, place, 2.0), path[3], rtol=1e-14)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_smoothing_reduces_white_noise_by_the_expected_factor(sigma):
    radius = smoothing_radius(sigma)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    noise = np.random.default_rng(0).normal(size=(3000, 4))
    smooth = [
        smoothed_at(noise[place - radius : place + radius + 1], radius, sigma) for place in range(radius, 3000 - radius)
    ]
    # 12 000 numbers, about seven of which in a row are alike: the factor is known to 2 %.
    assert np.std(smooth) == pytest.approx(np.sqrt(np.sum(weights**2)) / weights.sum(), rel=0.06)
