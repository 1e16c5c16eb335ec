"""What a row of region motion holds: regions on landmarks, shape measures, parts, the mirror, distances in seconds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.features import feature_spec
from facespot.features.kinds import row_shape, rows_of
from facespot.features.region_motion import (
    DISTANCES_S,
    MIRRORED_MEASURES,
    MIRRORED_REGIONS,
    NOSE_POINTS,
    PARTS,
    REGIONS,
    SHAPE_MEASURES,
    WIDTH,
    distances_in_rows,
    mirrored,
    part,
    region_centres,
    region_means,
    shape_measures,
)
from facespot.values import Timebase
from facespot.video import Selection

# Each of the 68 points as it is numbered on the same face in a mirror.
MIRRORED_POINTS = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30),
    *(35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48),
    *(59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60),
    *(67, 66, 65),
]


def spec_of(flow="dis-fine", smoothing=0.05, every=2):
    return feature_spec("region_motion", flow=flow, smoothing_s=smoothing, landmarks_every=every)


def points_inside(seed):
    return np.random.default_rng(seed).uniform(20, 100, (68, 2))


# Regions


def test_a_region_lies_in_the_middle_of_its_landmarks_and_the_nose_is_last():
    points = points_inside(0)
    centres = region_centres(points.astype(np.float32))
    assert centres.shape == (26, 2)
    for centre, numbers in zip(centres, [*REGIONS.values(), (29, 30, 33)], strict=True):
        assert np.abs(centre - sum(points[number] for number in numbers) / len(numbers)).max() <= 0.5 + 1e-4
    assert centres.dtype == np.int64


@pytest.mark.parametrize(("at", "centre"), [(-30.0, 5), (5.4, 5), (5.6, 6), (60.5, 61), (122.4, 122), (140.0, 122)])
def test_a_region_at_the_edge_is_moved_until_its_square_lies_inside(at, centre):
    points = np.full((68, 2), 64.0, dtype=np.float32)
    points[8], points[57] = (64.0, at), (64.0, at)
    found = dict(zip(REGIONS, region_centres(points).tolist(), strict=False))
    assert found["chin"] == found["lower lip"] == [64, centre]
    assert found["nose root"] == [64, 64]


@given(st.integers(0, 9999))
def test_squares_never_leave_the_crop(seed):
    flow = np.zeros((128, 128, 2), dtype=np.float32)
    centres = region_centres(np.random.default_rng(seed).normal(64, 90, (68, 2)).astype(np.float32))
    assert centres.min() - 5 >= 0
    assert centres.max() + 5 < 128
    assert (region_means(flow, centres) == 0).all()


def test_means_are_those_over_squares_of_eleven_pixels():
    flow = np.random.default_rng(1).normal(size=(3, 128, 128, 2)).astype(np.float32)
    centres = np.array([[5, 5], [122, 60], [64, 122]])
    found = region_means(flow, centres)
    assert found.shape == (3, 3, 2)
    for one in range(3):
        for region, (x, y) in enumerate(centres):
            wanted = sum(flow[one, row, column].astype(float) for row in range(y - 5, y + 6)
                         for column in range(x - 5, x + 6)) / 121  # fmt: skip
            np.testing.assert_allclose(found[one, region], wanted, atol=1e-9)
    np.testing.assert_array_equal(region_means(flow[1], centres), found[1])


# The shape of brows, lids and lips


@pytest.mark.parametrize(
    ("points", "move", "changes"),
    [
        ((37, 38), (0, -2), {"left eye opening": 2}),
        ((41,), (0, 2), {"left eye opening": 1}),
        ((46, 47), (0, 2), {"right eye opening": 2}),
        ((43,), (0, -2), {"right eye opening": 1}),
        ((21,), (0, -3), {"left inner brow height": 3}),
        ((22,), (0, -3), {"right inner brow height": 3}),
        ((18,), (0, -3), {"left outer brow height": 3}),
        ((25,), (0, -3), {"right outer brow height": 3}),
        ((21,), (-1, 0), {"brow distance": 1}),
        ((22,), (1, 0), {"brow distance": 1}),
        ((36,), (0, 2), {"left inner brow height": 1, "left outer brow height": 1}),
        ((42,), (0, 2), {"right inner brow height": 1, "right outer brow height": 1}),
        ((48,), (-2, 0), {"mouth width": 2}),
        ((54,), (2, 0), {"mouth width": 2}),
        ((48,), (0, -2), {"left lip corner height": 2}),
        ((54,), (0, -2), {"right lip corner height": 2}),
        ((33,), (0, 2), {"left lip corner height": 2, "right lip corner height": 2}),
        ((66,), (0, 4), {"mouth opening": 4}),
        ((62,), (0, -4), {"mouth opening": 4}),
        ((8,), (5, 5), {}),
    ],
)
def test_measures_follow_their_landmarks_alone(points, move, changes):
    before = points_inside(2).astype(np.float32)
    after = before.copy()
    after[list(points)] += move
    difference = shape_measures(after) - shape_measures(before)
    wanted = [changes.get(name, 0) for name in SHAPE_MEASURES]
    np.testing.assert_allclose(difference, wanted, atol=1e-4)


def test_measures_rest_when_the_face_moves_as_a_whole():
    points = points_inside(3)
    np.testing.assert_allclose(shape_measures(points + np.array([7.0, -4.0])), shape_measures(points), atol=1e-9)


# Parts of a row, and the mirror


def test_the_parts_make_up_the_row_in_order():
    assert WIDTH == 25 * 6 * 2 + 6 * 2 + 6 * 4 + 11
    rows = np.arange(2 * WIDTH, dtype=np.float32).reshape(2, WIDTH)
    found = [part(rows, name) for name in PARTS]
    assert [one.shape[1:] for one in found] == list(PARTS.values())
    np.testing.assert_array_equal(np.concatenate([one.reshape(2, -1) for one in found], axis=1), rows)
    np.testing.assert_array_equal(part(rows[1], "head"), part(rows, "head")[1])
    with pytest.raises(KeyError, match="eyes"):
        part(rows, "eyes")


def test_a_part_is_a_view():
    row = np.zeros(WIDTH, dtype=np.float32)
    part(row, "head")[5, 3] = 1
    assert np.flatnonzero(row).tolist() == [25 * 6 * 2 + 6 * 2 + 6 * 4 - 1]


def test_names_of_regions_and_their_landmarks_have_the_same_mirror():
    numbers = list(REGIONS.values())
    for region, other in enumerate(MIRRORED_REGIONS):
        assert {MIRRORED_POINTS[point] for point in numbers[region]} == set(numbers[other])
    assert {MIRRORED_POINTS[point] for point in NOSE_POINTS} == set(NOSE_POINTS)


def test_measures_of_a_mirrored_face_are_those_of_the_other_side():
    points = points_inside(4)
    seen = np.stack([127 - points[MIRRORED_POINTS, 0], points[MIRRORED_POINTS, 1]], axis=1)
    np.testing.assert_allclose(shape_measures(seen), shape_measures(points)[list(MIRRORED_MEASURES)], atol=1e-9)


def test_a_mirror_turns_motion_to_the_side_and_the_turn_of_the_head_round():
    row = np.zeros(WIDTH, dtype=np.float32)
    names = list(REGIONS)
    part(row, "motion")[names.index("left lip corner"), 3] = (-1.0, -2.0)
    part(row, "nose")[1] = (3.0, 4.0)
    part(row, "head")[2] = (5.0, 6.0, 7.0, 8.0)
    part(row, "shape")[SHAPE_MEASURES.index("right eye opening")] = 9.0
    seen = mirrored(row)
    assert seen.dtype == np.float32
    assert np.count_nonzero(seen) == np.count_nonzero(row)
    assert part(seen, "motion")[names.index("right lip corner"), 3].tolist() == [1.0, -2.0]
    assert part(seen, "nose")[1].tolist() == [-3.0, 4.0]
    assert part(seen, "head")[2].tolist() == [-5.0, 6.0, -7.0, 8.0]
    assert part(seen, "shape")[SHAPE_MEASURES.index("left eye opening")] == 9.0
    stacked = np.stack([[row, seen], [seen, row]])
    np.testing.assert_array_equal(mirrored(stacked), stacked[:, ::-1])


# Rows and distances


@pytest.mark.parametrize("fps", [25.0, 29.97, 30.0, 50.0, 60.0, 100.0, 200.0])
def test_distances_are_the_same_in_seconds_at_every_frame_rate(fps):
    rows = rows_of(spec_of(), Selection(np.arange(1000, 3000), fps))
    distances = distances_in_rows(rows.fps)
    assert 25.0 <= rows.fps <= 100 / 3
    assert np.abs(np.array(distances) / rows.fps - DISTANCES_S).max() <= 0.5 / rows.fps + 1e-9
    assert list(distances) == sorted(distances)
    base = Timebase(fps, 5000)
    times_s = np.array([base.seconds(frame) for frame in rows.frames.tolist()])
    np.testing.assert_allclose(times_s, 1000 / fps + np.arange(len(times_s)) / rows.fps, atol=1e-9)
    assert rows.frames[0] == 1000


def test_the_shortest_distance_is_one_row():
    assert distances_in_rows(3.0)[0] == 1
    assert distances_in_rows(3.0)[-1] == math.floor(64 / 30 * 3 + 0.5)


# The specification


def test_the_spec_names_engine_and_settings_and_has_rows_of_one_width():
    assert spec_of().settings == {
        "flow": "dis-fine",
        "flow.version": 1,
        "flow.preset": "fast",
        "flow.finest_scale": 1,
        "smoothing_s": 0.05,
        "landmarks_every": 2,
    }
    assert spec_of().version == 1
    assert row_shape(spec_of()) == (WIDTH,)
    digests = {spec.digest() for spec in (spec_of(), spec_of(flow="dis"), spec_of(smoothing=0.0), spec_of(every=1))}
    assert len(digests) == 4


@pytest.mark.parametrize("name", ["smoothing_s", "landmarks_every"])
def test_a_missing_setting_is_named(name):
    given_settings = {"smoothing_s": 0.05, "landmarks_every": 2}
    del given_settings[name]
    with pytest.raises(TypeError, match=f"'region_motion' needs '{name}'"):
        feature_spec("region_motion", flow="dis", **given_settings)
