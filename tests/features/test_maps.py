"""Motion maps and region images: invariants, and hand-made cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.features.maps import (
    motion_maps,
    region_images,
    scale_min_max,
    softnet_images,
    spread_over_face,
    strain_sums,
)
from facespot.features.regions import Rectangle, Regions


@pytest.fixture
def regions():
    """Plain regions of a 128x128 crop; the eyes are one block."""
    eyes = np.zeros((128, 128), dtype=bool)
    eyes[40:60, 20:108] = True
    return Regions(Rectangle(55, 66, 59, 70), eyes, Rectangle(20, 62, 10, 52), Rectangle(24, 66, 76, 118),
                   Rectangle(80, 122, 40, 82))  # fmt: skip


def random_flow(seed=0, n=3):
    return np.random.default_rng(seed).normal(0, 1, (n, 128, 128, 2)).astype(np.float32)


def test_a_motion_of_the_whole_head_leaves_nothing(regions):
    flow = np.empty((1, 128, 128, 2), dtype=np.float32)
    flow[..., 0], flow[..., 1] = 3.5, -1.25
    assert np.abs(motion_maps(flow, regions)).max() < 1e-5
    assert abs(strain_sums(flow, regions)[0]) < 1e-3


def test_the_mean_over_the_nose_is_taken_off_each_channel(regions):
    flow = random_flow()
    maps = motion_maps(flow, regions, reading="paper")
    shift = flow[0, 55:66, 59:70, 0].mean()
    assert maps[0, 100, 30, 0] == pytest.approx(flow[0, 100, 30, 0] - shift, abs=1e-5)


def test_readings_differ_in_the_sign_of_the_flow_alone(regions):
    flow = random_flow()
    paper, code = (motion_maps(flow, regions, reading=reading) for reading in ("paper", "code"))
    np.testing.assert_array_equal(code[..., :2], np.abs(paper[..., :2]))
    np.testing.assert_array_equal(code[..., 2], paper[..., 2])
    assert paper[..., :2].min() < 0


def test_the_eyes_are_zero_in_every_channel(regions):
    maps = motion_maps(random_flow(), regions)
    assert np.all(maps[:, regions.eyes] == 0)
    assert np.all(np.any(maps[:, ~regions.eyes] != 0, axis=0))


def test_split_layout_puts_each_region_where_the_paper_draws_it(regions):
    maps = np.zeros((1, 128, 128, 3), dtype=np.float32)
    for value, part in enumerate((regions.left_brow, regions.right_brow, regions.mouth), start=1):
        maps[(0, *part.slices)] = value
    image = region_images(maps, regions, roi_layout="split")[0]
    assert np.all(image[:21, :21] == 1)
    assert np.all(image[:21, 21:] == 2)
    assert np.all(image[21:] == 3)


def test_joined_layout_reads_one_strip_over_both_brows(regions):
    maps = np.zeros((1, 128, 128, 3), dtype=np.float32)
    maps[0, :, :, 0] = np.arange(128)
    image = region_images(maps, regions, roi_layout="joined")[0, :, :, 0]
    # x runs from 10 to 118: 108 pixels onto 42, sampled at pixel centres.
    expected = 10 + (np.arange(42) + 0.5) * 108 / 42 - 0.5
    np.testing.assert_allclose(image[:21], np.tile(expected, (21, 1)), atol=1e-3)


def test_scaling_spans_zero_to_one_per_channel_and_keeps_constants_at_zero():
    images = np.random.default_rng(1).normal(5, 3, (2, 42, 42, 3)).astype(np.float32)
    images[1, :, :, 2] = 7.0
    scaled = scale_min_max(images)
    assert scaled.min() == 0.0
    np.testing.assert_allclose(scaled.max(axis=(1, 2)), [[1, 1, 1], [1, 1, 0]])
    assert np.all(scaled[1, :, :, 2] == 0)


def test_no_motion_gives_zero_images(regions):
    flow = np.zeros((2, 128, 128, 2), dtype=np.float32)
    assert not softnet_images(flow, regions).any()
    assert not strain_sums(flow, regions).any()


def test_strain_sum_equals_a_plain_sum_over_the_map(regions):
    flow = random_flow()
    maps = motion_maps(flow, regions)
    np.testing.assert_allclose(strain_sums(flow, regions), maps[..., 2].sum(axis=(1, 2), dtype=np.float64), rtol=1e-4)


@st.composite
def rectangles(draw):
    top, left = draw(st.integers(0, 100)), draw(st.integers(0, 100))
    return Rectangle(top, draw(st.integers(top + 1, 128)), left, draw(st.integers(left + 1, 128)))


@given(rectangles(), rectangles(), rectangles(), st.sampled_from(["joined", "split"]))
def test_a_warm_image_warms_exactly_the_regions(left_brow, right_brow, mouth, roi_layout):
    regions = Regions(Rectangle(55, 66, 59, 70), np.zeros((128, 128), dtype=bool), left_brow, right_brow, mouth)
    expected = np.zeros((128, 128), dtype=np.float32)
    brows = [left_brow, right_brow] if roi_layout == "split" else [left_brow.union(right_brow)]
    for top, bottom, left, right in (*brows, mouth):
        expected[top:bottom, left:right] = 1.0
    face = spread_over_face(np.ones((42, 42), dtype=np.float32), regions, roi_layout=roi_layout)
    assert face.dtype == np.float32
    np.testing.assert_array_equal(face, expected)


@pytest.mark.parametrize("roi_layout", ["joined", "split"])
@pytest.mark.parametrize("part", ["left_brow", "right_brow", "mouth"])
def test_a_spot_on_the_face_comes_back_to_its_place(regions, part, roi_layout):
    top, bottom, left, right = getattr(regions, part)
    center = np.array([(top + bottom - 1) / 2, (left + right - 1) / 2])
    y, x = np.mgrid[:128, :128]
    spot = np.exp(-((y - center[0]) ** 2 + (x - center[1]) ** 2) / (2 * 5.0**2)).astype(np.float32)
    maps = np.repeat(spot[np.newaxis, ..., np.newaxis], 3, axis=-1)
    back = spread_over_face(region_images(maps, regions, roi_layout=roi_layout)[0, ..., 0], regions,
                            roi_layout=roi_layout)  # fmt: skip
    np.testing.assert_allclose(np.unravel_index(back.argmax(), back.shape), center, atol=1.5)
    assert back.max() > 0.9


def test_the_warmer_region_counts_where_two_overlap(regions):
    overlapping = Regions(regions.nose, regions.eyes, regions.left_brow, regions.right_brow, Rectangle(40, 100, 30, 90))
    heat = np.full((42, 42), 0.25, dtype=np.float32)
    heat[:21] = 0.75
    face = spread_over_face(heat, overlapping)
    assert face[50, 60] == 0.75
    assert face[90, 60] == 0.25
