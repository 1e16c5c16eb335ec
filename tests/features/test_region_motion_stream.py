"""Region motion as a stream: against a plain computation of the whole video, true motions, gaps, memory, the cache."""

import json
import math
import weakref
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.errors import SettingsError
from facespot.faces import FaceTrack
from facespot.faces.alignment import aligned_crop, alignment, to_aligned
from facespot.faces.boxes import face_from_landmarks
from facespot.features import FeatureCache, extract, feature_spec
from facespot.features.flow import load_flow_engine
from facespot.features.region_motion import DISTANCES_S, REGIONS, WIDTH, mirrored, part, shape_measures
from facespot.features.region_motion_stream import RegionMotionStream, smoothing
from facespot.values import Timebase
from facespot.video import Selection

TESTS = Path(__file__).parents[1]
KNOWN_POINTS = np.array(json.loads((TESTS / "faces" / "known_face.json").read_text())["landmarks"])
# The known face as it lies in its aligned crop.
CROP_POINTS = to_aligned(KNOWN_POINTS, alignment(KNOWN_POINTS), 128).astype(np.float64)


@dataclass
class Picture:
    """A grey frame in memory."""

    index: int
    image: np.ndarray

    def gray(self):
        return self.image

    def rgb(self):
        return np.repeat(self.image[:, :, np.newaxis], 3, axis=2)


class Script:
    """A detector that knows the faces of each frame, and which frames it was shown."""

    def __init__(self, faces):
        self.faces, self.seen = faces, []

    def detect(self, rgb, frame):
        self.seen.append(frame)
        return tuple(self.faces[frame])


class Rows(list):
    def append(self, rows):
        assert rows.shape == (1, WIDTH)
        assert rows.dtype == np.float32
        self.extend(np.array(rows))


class Difference:
    """No flow, but it tells which two crops are compared, and in which order; it counts them."""

    name, version, settings, pairs = "difference", 1, {}, 0

    def flow(self, first, second):
        self.pairs += len(first)
        one, other = first.astype(np.float32), second.astype(np.float32)
        return np.stack([other - one, other * one / 256], axis=-1)


class Still(Difference):
    def flow(self, first, second):
        return np.zeros((*first.shape, 2), dtype=np.float32)


def face_at(frame, x, y, scale=1.0, turn=0.0, noise=None):
    """The known face, its crop's centre at x, y; `scale` is the image pixels per pixel of the crop."""
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    points = (CROP_POINTS - 63.5) @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return face_from_landmarks(frame, (points if noise is None else points + noise).astype(np.float32))


def smooth_picture(seed, height=150, width=210, sigma=2):
    noise = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), sigma), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


PICTURES = [smooth_picture(seed) for seed in range(14)]
HERE, DRIFTED, ELSEWHERE = (70.0, 75.0), (76.0, 72.0), (150.0, 80.0)
SMALL = 0.6


def track(reference, references):
    reference = np.asarray(reference)
    return FaceTrack(np.arange(len(reference)), reference, tuple(references), 1, 1, float(np.mean(reference >= 0)))


def one_track(n, **face):
    return track([0] * n, [face_at(0, *HERE, **({"scale": SMALL} | face))])


def stream_of(detector, faces, *, engine=None, rate=30.0, sigma=0.0, every=1):
    stream = RegionMotionStream(
        engine or Difference(),
        detector,
        faces,
        step=1,
        rows_per_second=rate,
        smoothing_rows=sigma,
        landmarks_every=every,
    )
    written = Rows()
    stream.outputs.append((None, written))
    return stream, written


def rows_of(pictures, detector, faces, **options):
    """All rows and which are valid, from images in memory."""
    stream, written = stream_of(detector, faces, **options)
    for row in range(len(faces.frames)):
        stream.push(row, Picture(row, pictures[row]))
    valid = stream.finish()
    return np.array(written), valid


def restless(n, place=HERE, seed=0, noise=0.6, **more):
    """A face that rests while its landmarks do not."""
    rng = np.random.default_rng(seed)
    options = {"scale": SMALL} | more
    return [(face_at(row, *place, noise=rng.normal(0, noise, (68, 2)), **options),) for row in range(n)]


# Against a plain computation


def overlap(one, other):
    x, y = (
        min(getattr(one, at) + one.width, getattr(other, at) + other.width)
        - max(getattr(one, at), getattr(other, at))
        for at in ("left", "top")
    )  # fmt: skip
    shared = max(x, 0) * max(y, 0)
    return shared / (one.width**2 + other.width**2 - shared)


def stretches(detections, faces, every):
    """Number of the stretch of rows in which one face is seen (-1: none) and the landmarks found in each row."""
    n = len(faces.frames)
    stretch, landmarks, number, box = [-1] * n, [None] * n, 0, None
    for row in range(n):
        if faces.reference[row] < 0:
            box = None
            continue
        place = faces.references[faces.reference[row]].box
        near = [one for one in detections[row] if overlap(place, one.box) > 0]
        due = box is None or row % every == 0
        found = max(near, key=lambda one: overlap(place, one.box)) if due and near else None
        now = place if found is None else found.box
        if box is None or overlap(box, now) < 0.5:
            number, box = number + 1, now
        if found is not None:
            box, landmarks[row] = found.box, found.landmarks.astype(np.float64)
        stretch[row] = number
    return stretch, landmarks


def plain_transform(near, row, sigma):
    """Gaussian mean of the transforms near a row; `near` are pairs of row and landmarks."""
    weights = [math.exp(-0.5 * ((other - row) / sigma) ** 2) if sigma else 1.0 for other, _ in near]
    return sum(w * alignment(one) for w, (_, one) in zip(weights, near, strict=True)) / sum(weights)


def plain_means(engine, first, second, points):
    """Mean flow over squares of 11x11 pixels around each region and the nose."""
    flow, means = engine.flow(first[np.newaxis], second[np.newaxis])[0].astype(np.float64), []
    for numbers in [*REGIONS.values(), (29, 30, 33)]:
        x, y = (min(max(math.floor(one + 0.5), 5), 122) for one in points[list(numbers)].mean(axis=0))
        means.append(flow[y - 5 : y + 6, x - 5 : x + 6].mean(axis=(0, 1)))
    return np.array(means)


def plain_rows(pictures, detections, faces, *, rate=30.0, sigma=0.0, every=1):
    """The same with all frames at hand: first the stretches, then each row by itself from those before it."""
    n, engine = len(faces.frames), Difference()
    stretch, landmarks = stretches(detections, faces, every)
    # Three standard deviations reach every row between two detections.
    sigma = max(sigma, (every - 1) / 3)
    reach = math.ceil(3 * sigma)
    rows, valid = np.full((n, WIDTH), np.nan), np.zeros(n, dtype=bool)
    done, settled, slow = [], None, None
    for row in range(n):
        if row == 0 or stretch[row] != stretch[row - 1]:
            done, settled, slow = [], None, None
        own = [one for one in range(n) if stretch[row] >= 0 and stretch[one] == stretch[row]]
        # At the end of a stretch as many rows are looked at as everywhere else.
        held = [one for one in own if min(row + reach, own[-1]) - 2 * reach <= one <= row + reach]
        found = [(one, landmarks[one]) for one in held if landmarks[one] is not None]
        near = [(one, points) for one, points in found if abs(one - row) <= reach]
        if not near:
            done = []
            continue
        transform = plain_transform(near, row, sigma)
        at, known = [one for one, _ in found], np.array([points for _, points in found])
        here = [np.interp(row, at, column) for column in known.reshape(len(at), -1).T]
        points = to_aligned(np.reshape(here, (68, 2)), transform, 128).astype(np.float64)
        settled = points if settled is None else settled + (points - settled) / max(1, rate)
        shape = shape_measures(points)
        slow = shape if slow is None else slow + (shape - slow) / max(1, 3 * rate)
        done.append((aligned_crop(pictures[row], transform, 128), transform))
        rows[row], valid[row] = 0, True
        if len(done) == 1:
            continue
        # Landmarks have single precision; half a pixel rounds by it.
        placed = settled.astype(np.float32).astype(np.float64)
        values = rows[row]
        for index, seconds in enumerate((2 / 30, 4 / 30, 8 / 30, 16 / 30, 32 / 30, 64 / 30)):
            crop, before = done[max(0, len(done) - 1 - max(1, math.floor(seconds * rate + 0.5)))]
            means = plain_means(engine, crop, done[-1][0], placed)
            moved = transform - before
            pixel = math.exp(transform[3]) * 112 / 128
            values[:300].reshape(25, 6, 2)[:, index] = means[:25] - means[25]
            values[300:312].reshape(6, 2)[index] = means[25]
            values[312:336].reshape(6, 4)[index] = [*moved[:2] / pixel, *50 * moved[2:]]
        values[336:] = shape - slow
    return rows, valid


def assert_same_rows(found, wanted):
    np.testing.assert_array_equal(found[1], wanted[1])
    assert found[0].dtype == np.float32
    # OpenCV keeps places in single precision: one grey level here and there, which a square of 121 pixels evens out.
    np.testing.assert_allclose(found[0], wanted[0], atol=0.1)
    assert np.isnan(found[0][~found[1]]).all()


@dataclass(frozen=True)
class Scene:
    """Runs of rows with one reference each (-1: lost), and how often and where the face is found in them."""

    runs: list[tuple[int, int]]
    scale: float
    turn: float
    found_share: float
    speed: float
    away_share: float
    seed: int

    def make(self):
        """Detections, and the face as it was followed: with gaps, drift and jumps, other faces, nothing found."""
        rng = np.random.default_rng(self.seed)
        reference = [index for index, n in self.runs for _ in range(n)][: len(PICTURES)]
        places, detections = (HERE, DRIFTED, ELSEWHERE), []
        for row, index in enumerate(reference):
            x, y = places[index]
            x += self.speed * row + 60 * (rng.random() < self.away_share) + rng.normal()
            turn = self.turn + 0.03 * rng.normal()
            own = face_at(row, x, y + rng.normal(), self.scale, turn, rng.normal(0, 0.5, (68, 2)))
            other = face_at(row, 20.0, 10.0, 0.2)
            detections.append([other] * (rng.random() < 0.3) + [own] * (rng.random() < self.found_share))
        return detections, track(reference, [face_at(0, *place, self.scale, self.turn) for place in places])


SCENES = st.builds(
    Scene,
    st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, -1]), st.integers(1, 9)), min_size=1, max_size=5),
    scale=st.sampled_from([0.5, 0.7]),
    turn=st.sampled_from([-0.35, 0.0, 0.2]),
    found_share=st.sampled_from([1, 0.7, 0.2]),
    # Slow enough for the part around the last box that was found to hold the face while no other is found.
    speed=st.sampled_from([0, 1.5]),
    away_share=st.sampled_from([0, 0, 0.2]),
    seed=st.integers(0, 9999),
)


@settings(max_examples=40)
@given(SCENES, st.sampled_from([0.0, 0.3, 1.0, 1.5]), st.sampled_from([1, 2, 3]), st.sampled_from([0.4, 10.0, 30.0]))
def test_rows_are_those_of_a_plain_computation(scene, sigma, every, rate):
    detections, faces = scene.make()
    options = {"sigma": sigma, "every": every, "rate": rate}
    found = rows_of(PICTURES, Script(detections), faces, **options)
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, **options))


def test_the_slow_means_of_landmarks_and_shape_end_where_the_face_is_lost():
    detections = restless(14, noise=2.0)
    faces = track([0] * 6 + [-1] + [0] * 7, [face_at(0, *HERE, SMALL)])
    found = rows_of(PICTURES, Script(detections), faces, rate=2.0)
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, rate=2.0))
    # A row without landmarks in reach empties what can be compared, but the face is the same: its means go on.
    detections[3] = ()
    faces = one_track(14)
    found = rows_of(PICTURES, Script(detections), faces, rate=2.0)
    assert np.flatnonzero(~found[1]).tolist() == [3]
    assert (found[0][4] == 0).all()
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, rate=2.0))


# True motions: the image pixels of this face are those of its crop

SIDE, MIDDLE = 180, 89.5
BACKGROUND = smooth_picture(3, 260, 260, 1.5)
STILL = BACKGROUND[40 : 40 + SIDE, 40 : 40 + SIDE].copy()


def moved_patch(image, at, move, inside=13, outside=24):
    """The picture in which a round patch is moved as a whole and what is around it less and less; the true motion."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    distance = np.hypot(x - at[0], y - at[1])
    share = np.clip((outside - distance) / (outside - inside), 0, 1)[..., np.newaxis]
    motion = (share * np.array(move)).astype(np.float32)
    picture = cv2.remap(image, x - motion[..., 0], y - motion[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return picture, motion


def resting(n, **face):
    return [(face_at(row, MIDDLE, MIDDLE, **face),) for row in range(n)]


def fine_rows(pictures, detections, engine="dis-fine", **options):
    faces = track([0] * len(pictures), detections[0])
    return rows_of(pictures, Script(detections), faces, engine=load_flow_engine(engine), **options)


def true_means(motion):
    """Mean of the true motion of the image over each region of the resting face, minus that over the nose."""
    offset = round(MIDDLE - 63.5)
    crop = motion[offset : offset + 128, offset : offset + 128]

    class Known:
        def flow(self, first, second):
            return crop[np.newaxis]

    means = plain_means(Known(), crop, crop, CROP_POINTS)
    return means[:25] - means[25], means[25]


@pytest.mark.parametrize("move", [(1.0, 0.0), (0.0, -1.0)])
@pytest.mark.parametrize("name", ["left outer brow", "right inner brow", "left lower lid", "right lip corner", "chin"])
def test_a_region_that_moves_by_a_pixel_shows_it_and_others_rest(name, move):
    at = CROP_POINTS[list(REGIONS[name])].mean(axis=0) + MIDDLE - 63.5
    picture, motion = moved_patch(STILL, at, move)
    values, valid = fine_rows([STILL, picture], resting(2))
    assert valid.all()
    found, (wanted, nose) = part(values[1], "motion"), true_means(motion)
    region = list(REGIONS).index(name)
    assert np.abs(wanted[region] - move).max() < 0.02
    # In the second row all distances end at the first.
    for index in range(6):
        np.testing.assert_allclose(found[region, index], move, atol=0.2)
        far = np.abs(wanted).max(axis=1) < 0.02
        assert far.sum() >= 8
        assert np.abs(found[far, index]).max() < 0.1
        np.testing.assert_allclose(part(values[1], "nose")[index], nose, atol=0.2)
    assert (part(values[1], "head") == 0).all()
    assert (part(values[1], "shape") == 0).all()


def test_motion_stays_for_as_long_as_the_distance_and_ends_at_the_first_row():
    region, moves_at = list(REGIONS).index("left lip corner"), 4
    picture, _ = moved_patch(STILL, CROP_POINTS[48] + MIDDLE - 63.5, (-1.0, -1.0))
    values, _ = fine_rows([STILL] * moves_at + [picture] * 8, resting(12), rate=10.0)
    # 2, 4, .. 64 thirtieths of a second at ten rows per second.
    for row in range(12):
        for index, distance in enumerate((1, 1, 3, 5, 11, 21)):
            seen = max(0, row - distance) < moves_at <= row
            np.testing.assert_allclose(part(values[row], "motion")[region, index], -1.0 * seen, atol=0.25)


@pytest.mark.parametrize("move", [(1, 0), (-3, 2), (0, -5)])
def test_a_head_that_moves_as_a_whole_shows_in_the_head_alone(move):
    x, y = (np.arange(5)[:, np.newaxis] * move).T
    pictures = [BACKGROUND[40 - b : 40 - b + SIDE, 40 - a : 40 - a + SIDE].copy() for a, b in zip(x, y, strict=True)]
    detections = [(face_at(row, MIDDLE + x[row], MIDDLE + y[row]),) for row in range(5)]
    values, _ = fine_rows(pictures, detections)
    assert np.abs(part(values, "motion")).max() < 0.05
    assert np.abs(part(values, "nose")).max() < 0.05
    assert np.abs(part(values, "shape")).max() < 1e-3
    for row in range(5):
        wanted = np.array([[min(row, distance) * one for one in move] for distance in (2, 4, 8, 16, 32, 64)])
        np.testing.assert_allclose(part(values[row], "head")[:, :2], wanted, atol=1e-3)
    assert np.abs(part(values, "head")[..., 2:]).max() < 1e-3


def test_motion_of_the_head_that_the_landmarks_miss_shows_in_the_nose_alone():
    moved = BACKGROUND[41 : 41 + SIDE, 39 : 39 + SIDE].copy()
    values, _ = fine_rows([STILL, moved], resting(2))
    np.testing.assert_allclose(part(values[1], "nose"), np.broadcast_to((1.0, -1.0), (6, 2)), atol=0.05)
    assert np.abs(part(values[1], "motion")).max() < 0.1
    assert (part(values[1], "head") == 0).all()


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ({"turn": 0.1}, {"turn": 0.3}, (0, 0, 10, 0)),
        ({"turn": 3.1}, {"turn": 3.2}, (0, 0, 5, 0)),
        ({"scale": 0.5}, {"scale": 0.6}, (0, 0, 0, 50 * math.log(1.2))),
        ({"scale": 0.5}, {"scale": 0.5, "x": 73.0, "y": 74.0}, (6, -2, 0, 0)),
        ({"scale": 0.4}, {"scale": 0.5, "x": 73.0}, (6, 0, 0, 50 * math.log(1.25))),
    ],
)
def test_the_head_part_counts_pixels_of_the_newest_crop_and_turns_and_scale_by_the_lever(first, second, wanted):
    options = {"x": 70.0, "y": 75.0, "scale": 0.6}
    detections = [(face_at(row, **(options | one)),) for row, one in enumerate((first, second))]
    values, _ = rows_of(PICTURES, Script(detections), track([0, 0], detections[0]), engine=Still())
    np.testing.assert_allclose(part(values[1], "head"), np.broadcast_to(wanted, (6, 4)), atol=1e-3)


def test_shape_is_measured_in_the_crop_and_from_its_own_slow_mean():
    rate, n, opening = 4.0, 40, 3.0
    detections = []
    for row in range(n):
        face = face_at(row, *HERE, SMALL)
        points = face.landmarks.copy()
        points[66, 1] += opening * SMALL * (row >= 2)
        detections.append((face_from_landmarks(row, points),))
    values, _ = rows_of([PICTURES[0]] * n, Script(detections), track([0] * n, detections[0]), engine=Still(), rate=rate)
    shape = part(values, "shape")
    mouth = 8
    # Three seconds are twelve rows; it falls by a twelfth of what is left in each.
    left = opening * (11 / 12) ** np.arange(1, n - 1)
    np.testing.assert_allclose(shape[2:, mouth], left, atol=1e-3)
    assert np.abs(np.delete(shape, mouth, axis=1)).max() < 1e-3
    assert (shape[:2] == 0).all()


MIRRORED_POINTS = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
                   39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66,
                   65]  # fmt: skip


def test_a_mirrored_video_has_mirrored_rows():
    rng = np.random.default_rng(8)
    pictures, detections, seen = [STILL], [], []
    for _ in range(5):
        at, move = rng.uniform(50, 130, 2), rng.normal(0, 1, 2)
        pictures.append(moved_patch(pictures[-1], at, move)[0])
    for row in range(6):
        face = face_at(row, MIDDLE + row, MIDDLE - row / 2, 1.05, 0.02 * row, rng.normal(0, 0.4, (68, 2)))
        points = np.stack([SIDE - 1 - face.landmarks[:, 0], face.landmarks[:, 1]], axis=1)[MIRRORED_POINTS]
        detections.append((face,))
        seen.append((face_from_landmarks(row, points.astype(np.float32)),))
    values, _ = fine_rows(pictures, detections, sigma=1.0)
    found, _ = fine_rows([picture[:, ::-1].copy() for picture in pictures], seen, sigma=1.0)
    wanted = mirrored(values)
    for name in ("head", "shape"):
        np.testing.assert_allclose(part(found, name), part(wanted, name), atol=1e-4)
    # The engine's patches begin at the upper left, so its flow is not quite that of the mirrored images.
    for name in ("motion", "nose"):
        size = np.abs(part(wanted, name))
        difference = np.abs(part(found, name) - part(wanted, name))
        assert size.max() > 1
        assert difference.mean() < 0.02
        assert difference.max() < 0.15


# Gaps, time, memory


def test_a_lost_face_leaves_invalid_rows_and_nothing_is_compared_across():
    detections, reference = restless(14), [0] * 5 + [-1] * 2 + [0] * 7
    values, valid = rows_of(PICTURES, Script(detections), track(reference, one_track(1).references), sigma=1.0)
    assert valid.tolist() == [one >= 0 for one in reference]
    assert np.isnan(values[5:7]).all()
    assert np.isfinite(values[valid]).all()
    assert (values[[0, 7]] == 0).all()
    assert np.abs(values[8]).max() > 1
    before, _ = rows_of(PICTURES[:5], Script(detections[:5]), one_track(5), sigma=1.0)
    after, _ = rows_of(PICTURES[7:], Script(detections[7:]), one_track(7), sigma=1.0)
    np.testing.assert_array_equal(values, np.concatenate([before, values[5:7], after]))


def test_a_jump_to_another_place_starts_anew_and_a_new_reference_nearby_does_not():
    references = [face_at(0, *place, SMALL) for place in (HERE, DRIFTED, ELSEWHERE)]
    assert references[0].box.iou(references[1].box) > 0.5 > references[0].box.iou(references[2].box)
    for index, anew in ((1, False), (2, True)):
        detections = restless(5) + restless(5, (HERE, DRIFTED, ELSEWHERE)[index], seed=1)
        values, valid = rows_of(PICTURES, Script(detections), track([0] * 5 + [index] * 5, references), sigma=1.0)
        assert valid.all()
        assert not values[0].any()
        assert values[1:5].any(axis=1).all()
        assert values[5].any() == (not anew)
        alone, _ = rows_of(PICTURES[5:], Script(detections[5:]), track([0] * 5, [references[index]]), sigma=1.0)
        assert np.array_equal(values[5:], alone) == anew


def test_a_video_without_a_face_and_one_without_landmarks_are_not_valid():
    for detections, reference in ((restless(4), [-1] * 4), ([()] * 4, [0] * 4)):
        values, valid = rows_of(PICTURES, Script(detections), track(reference, one_track(1).references), sigma=1.0)
        assert not valid.any()
        assert values.shape == (4, WIDTH)
        assert np.isnan(values).all()


def test_of_two_faces_the_tracked_one_counts():
    detections = restless(6)
    larger = face_at(0, 160.0, 60.0, 1.2)
    both = [(larger, *found) for found in detections]
    assert larger.box.iou(one_track(1).references[0].box) > 0
    alone, together = (rows_of(PICTURES, Script(script), one_track(6))[0] for script in (detections, both))
    np.testing.assert_array_equal(together, alone)


def test_landmarks_are_detected_in_every_third_row_and_after_a_loss():
    faces = track([0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, -1, 0], one_track(1).references)
    detector = Script(restless(14))
    _, valid = rows_of(PICTURES, detector, faces, every=3)
    assert detector.seen == [0, 3, 5, 6, 9, 13]
    assert np.flatnonzero(~valid).tolist() == [4, 12]


@pytest.mark.parametrize(("sigma", "every"), [(0.0, 1), (1.0, 1), (0.0, 3), (2.0, 3)])
def test_a_row_needs_no_frame_later_than_the_radius_of_the_smoothing(sigma, every):
    _, radius = smoothing(sigma, every)
    assert radius == math.ceil(3 * max(sigma, (every - 1) / 3))
    detections, faces = restless(14), one_track(14)
    whole, _ = rows_of(PICTURES, Script(detections), faces, sigma=sigma, every=every)
    stream, written = stream_of(Script(detections), faces, sigma=sigma, every=every)
    for row in range(14):
        stream.push(row, Picture(row, PICTURES[row]))
        assert len(written) == max(0, row + 1 - radius)
        np.testing.assert_array_equal(written, whole[: len(written)].reshape(-1, WIDTH) if written else [])
    stream.finish()
    np.testing.assert_array_equal(written, whole)


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_no_frame_is_held_and_no_more_crops_than_are_in_reach(sigma):
    rate, n = 3.0, 30
    longest, radius = math.floor(64 / 30 * rate + 0.5), math.ceil(3 * sigma)
    engine = Difference()
    stream, _ = stream_of(Script(restless(n)), one_track(n), engine=engine, rate=rate, sigma=sigma)
    alive = []
    for row in range(n):
        picture = PICTURES[row % 14].copy()
        alive.append(weakref.ref(picture))
        stream.push(row, Picture(row, picture))
        del picture
        assert not any(reference() is not None for reference in alive)
        segment = stream._segment
        assert len(segment.waiting) == min(row + 1, radius)
        assert len(segment.done) == min(max(0, row + 1 - radius), longest + 1)
        assert max(len(segment.transforms), len(segment.landmarks)) <= 2 * radius + 1
        for held in segment.waiting:
            assert held.image.base is None
            assert max(held.image.shape) <= 2 * one_track(1).references[0].box.width * 1.1 + 2
    # At three rows per second the six distances are 1, 1, 1, 2, 3 and 6 rows: four pairs.
    stream.finish()
    assert engine.pairs == sum(len({min(distance, row) for distance in (1, 2, 3, 6)}) for row in range(1, n))


def test_rows_are_written_to_every_output():
    stream, first = stream_of(Script(restless(5)), one_track(5), sigma=1.0)
    second = Rows()
    stream.outputs.append((None, second))
    for row in range(5):
        stream.push(row, Picture(row, PICTURES[row]))
    stream.finish()
    assert len(first) == 5
    np.testing.assert_array_equal(first, second)


# The pass over a video


@dataclass
class Reel:
    """A video in memory that counts what is read."""

    images: list
    fps: float
    name: str = "reel"
    reads: int = 0

    @property
    def timebase(self):
        return Timebase(self.fps, len(self.images))

    def digest(self):
        return "0" * 64

    def read(self, frames):
        for frame in frames:
            self.reads += 1
            yield Picture(int(frame), self.images[frame])


@pytest.fixture
def extracted(monkeypatch, tmp_path):
    """Extracts features of a video in memory, at rest unless told otherwise."""

    def run(specs, detections, fps=30.0, reference=None, folder="cache", images=PICTURES, **options):
        monkeypatch.setattr("facespot.faces.load_detector", lambda name: Script(detections))
        n = len(detections)
        video, selection = Reel(images, fps), Selection(np.arange(n), fps)
        faces = one_track(n) if reference is None else track(reference, one_track(1).references)
        found = extract(video, selection, faces, specs, cache=FeatureCache(tmp_path / folder), context={}, **options)
        return video, [one.open() for one in found], found

    return run


def spec_of(flow="dis-fine", smoothing_s=1 / 30, every=1):
    return feature_spec("region_motion", flow=flow, smoothing_s=smoothing_s, landmarks_every=every)


def test_the_cache_holds_the_rows_of_the_stream(extracted):
    reference = np.array([0] * 7 + [-1] * 2 + [0] * 5)
    video, (found,), (stored,) = extracted([spec_of()], restless(14), reference=reference)
    assert video.reads == 14
    assert (found.values.shape, found.values.dtype, found.fps) == ((14, WIDTH), np.float32, 30.0)
    assert np.flatnonzero(~found.valid).tolist() == [7, 8]
    faces, engine = track(reference, one_track(1).references), load_flow_engine("dis-fine")
    values, _ = rows_of(PICTURES, Script(restless(14)), faces, engine=engine, sigma=1.0)
    np.testing.assert_array_equal(found.values, values)
    again, (mapped,), _ = extracted([spec_of()], restless(14), reference=reference)
    assert again.reads == 0
    np.testing.assert_array_equal(mapped.values, values)
    # The same bytes from another run, whatever the number of threads.
    *_, (other,) = extracted([spec_of()], restless(14), reference=reference, folder="other", workers=3)
    for name in ("values.npy", "valid.npy", "frames.npy"):
        assert (other.folder / name).read_bytes() == (stored.folder / name).read_bytes()


def test_one_pass_serves_several_features(extracted):
    aligned = feature_spec("aligned_faces", rows_per_second=60.0, smoothing_s=0.0, landmarks_every=1)
    specs = [spec_of(), aligned, spec_of(smoothing_s=0.0), spec_of(flow="dis")]
    video, together, _ = extracted(specs, restless(14))
    assert video.reads == 14
    for number, spec in enumerate(specs):
        _, (alone,), _ = extracted([spec], restless(14), folder=str(number))
        np.testing.assert_array_equal(together[number].values, alone.values)
    assert not np.array_equal(together[0].values, together[2].values)
    assert not np.array_equal(together[0].values, together[3].values)


@pytest.mark.parametrize(("fps", "step"), [(25.0, 1), (30.0, 1), (60.0, 2), (100.0, 3), (200.0, 7)])
def test_distances_and_smoothing_are_in_seconds_at_every_frame_rate(fps, step, extracted, monkeypatch):
    monkeypatch.setattr("facespot.features.kinds.load_flow_engine", lambda name, workers=1: Still())
    n, speed, scale = round(2.6 * fps), 20.0, 0.5
    # The head moves evenly, in pixels of the crop per second: over each distance as far as it is long.
    detections = [(face_at(frame, 45 + speed * scale * frame / fps, 75.0, scale),) for frame in range(n)]
    faces = [0] * n
    video, (found,), _ = extracted([spec_of(smoothing_s=0.1)], detections, fps, faces, images=[PICTURES[0]] * n)
    assert video.reads == len(found.values) == math.ceil(n / step)
    np.testing.assert_array_equal(found.frames, np.arange(0, n, step))
    rate = found.fps
    assert rate == pytest.approx(fps / step)
    radius = math.ceil(3 * 0.1 * rate)
    # Away from the ends, where smoothing leaves an even motion as it is.
    rows = np.arange(radius + max(2, math.ceil(rate)), len(found.values) - radius)
    for index, seconds in enumerate(DISTANCES_S):
        far = rows[rows - seconds * rate > radius + 1]
        moved_s = part(found.values[far], "head")[:, index, 0] / speed
        assert len(far) > 5 or index == 5
        np.testing.assert_allclose(moved_s, seconds, atol=0.5 / rate + 1e-4)


@pytest.mark.parametrize(
    ("given_setting", "words"),
    [
        ({"smoothing_s": -0.1}, "'smoothing_s': -0.1 is no number from 0 on"),
        ({"smoothing_s": float("nan")}, "'smoothing_s': nan is no number from 0 on"),
        ({"smoothing_s": "0.1"}, "'smoothing_s': '0.1' is no number from 0 on"),
        ({"every": 0}, "'landmarks_every': 0 is no number of frames; give a whole number from 1 on"),
        ({"every": 0.5}, "'landmarks_every': 0.5 is no number of frames"),
    ],
)
def test_bad_settings(given_setting, words, extracted):
    with pytest.raises(SettingsError, match=words):
        extracted([spec_of(**given_setting)], restless(14))
