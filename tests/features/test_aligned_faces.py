"""Aligned faces as rows: which frames have one, and the stream against a plain computation over the whole video."""

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
from facespot.faces import FaceSettings, FaceTrack, crop, load_detector
from facespot.faces.alignment import ALIGNMENT_POINTS, MEAN_POINTS, aligned_crop, alignment
from facespot.faces.boxes import face_from_landmarks
from facespot.features import FeatureCache, extract, feature_spec
from facespot.features.aligned_faces import AlignedFacesStream, places_at, row_rate, rows_of_aligned_faces
from facespot.pipeline import RunSettings, measure, prepare
from facespot.values import Timebase
from facespot.video import Selection, open_video, select

TESTS = Path(__file__).parents[1]
KNOWN_POINTS = np.array(json.loads((TESTS / "faces" / "known_face.json").read_text())["landmarks"])


def spec_of(rate=60.0, smoothing=1 / 30, every=1, **more):
    return feature_spec("aligned_faces", rows_per_second=rate, smoothing_s=smoothing, landmarks_every=every, **more)


# Which frames have a row


@pytest.mark.parametrize("fps", [24.0, 30.0, 59.94, 60.0, 60.2, 60.6])
def test_a_video_at_about_the_rate_or_below_is_kept_whole(fps):
    assert row_rate(60.0, fps) == fps
    np.testing.assert_array_equal(places_at(60.0, fps, 1000), np.arange(1000))


@pytest.mark.parametrize(
    ("fps", "places"),
    [(200.0, [0, 3, 7, 10, 13, 17, 20, 23, 27, 30]), (100.0, [0, 2, 3, 5, 7, 8, 10]), (120.0, [0, 2, 4, 6])],
)
def test_a_faster_video_has_sixty_rows_per_second(fps, places):
    assert row_rate(60.0, fps) == 60.0
    assert places_at(60.0, fps, places[-1] + 1).tolist() == places
    assert len(places_at(60.0, fps, round(10 * fps))) == 600


@given(st.floats(1, 120), st.floats(1.0101, 20), st.integers(1, 400))
def test_each_place_is_the_frame_nearest_to_the_time_of_its_row(rate, ratio, n_frames):
    fps = rate * ratio
    places = places_at(rate, fps, n_frames)
    assert places[0] == 0
    assert np.all(np.diff(places) > 0)
    assert places[-1] < n_frames
    times_s = np.arange(n_frames) / fps
    for row, place in enumerate(places):
        distances = np.abs(times_s - row / rate)
        assert distances[place] <= distances.min() + 1e-9 / fps
    # The next row would be nearer to a frame after the last.
    assert len(places) / rate * fps >= n_frames - 0.5 - 1e-6


def test_rows_are_frames_of_the_source_at_the_rate_of_the_rows():
    selection = Selection(np.arange(1000, 2000), 200.0)
    rows = rows_of_aligned_faces(spec_of(), selection)
    assert rows.fps == 60.0
    base = Timebase(200.0, 5000)
    times_s = np.array([base.seconds(frame) for frame in rows.frames.tolist()])
    np.testing.assert_allclose(times_s, 5.0 + np.arange(300) / 60, atol=1 / 400 + 1e-9)
    whole = rows_of_aligned_faces(spec_of(), Selection(np.arange(1000, 2000), 60.2))
    assert whole.fps == 60.2
    np.testing.assert_array_equal(whole.frames, np.arange(1000, 2000))


# The stream


@dataclass
class Picture:
    """A frame in memory."""

    index: int
    image: np.ndarray

    def rgb(self):
        return self.image

    def gray(self):
        return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)


class Script:
    """A detector that knows the faces of each frame, and which frames it was shown."""

    def __init__(self, faces):
        self.faces, self.seen = faces, []

    def detect(self, rgb, frame):
        self.seen.append(frame)
        return tuple(self.faces[frame])


class Rows(list):
    def append(self, rows):
        assert rows.dtype == np.uint8
        self.extend(np.array(rows))


def face_at(frame, x, y, scale=0.5, turn=0.0, noise=None):
    """The known face with its middle at x, y; `noise` is (68, 2) in pixels."""
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    points = (KNOWN_POINTS - KNOWN_POINTS[27:48].mean(axis=0)) @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return face_from_landmarks(frame, (points if noise is None else points + noise).astype(np.float32))


def smooth_picture(seed, height=150, width=210):
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


PICTURES = [smooth_picture(seed) for seed in range(14)]
HERE, DRIFTED, ELSEWHERE = (70.0, 75.0), (76.0, 72.0), (150.0, 80.0)


def track(reference, references):
    reference = np.asarray(reference)
    return FaceTrack(np.arange(len(reference)), reference, tuple(references), 1, 1, float(np.mean(reference >= 0)))


def stream_of(detector, faces, *, sigma, every=1):
    stream = AlignedFacesStream(
        detector, faces, places=np.arange(len(faces.frames)), sigma_rows=sigma, landmarks_every=every
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


def overlap(one, other):
    x, y = (
        min(getattr(one, at) + one.width, getattr(other, at) + other.width)
        - max(getattr(one, at), getattr(other, at))
        for at in ("left", "top")
    )  # fmt: skip
    shared = max(x, 0) * max(y, 0)
    return shared / (one.width**2 + other.width**2 - shared)


def plain_rows(pictures, detections, faces, *, sigma, every=1):
    """The same with all frames at hand: first the stretches in which one face is seen, then each row by itself."""
    n = len(faces.frames)
    stretch, transforms, number, box = [-1] * n, [None] * n, 0, None
    for row in range(n):
        if faces.reference[row] < 0:
            box = None
            continue
        place = faces.references[faces.reference[row]].box
        found = None
        if box is None or row % every == 0:
            near = [one for one in detections[row] if overlap(place, one.box) > 0]
            found = max(near, key=lambda one: overlap(place, one.box)) if near else None
        now = place if found is None else found.box
        if box is None or overlap(box, now) < 0.5:
            number, box = number + 1, now
        if found is not None:
            box, transforms[row] = found.box, alignment(found.landmarks)
        stretch[row] = number
    # Three standard deviations reach every row between two detections.
    sigma = max(sigma, (every - 1) / 3)
    rows, valid = np.zeros((n, 112, 112, 3), dtype=np.uint8), np.zeros(n, dtype=bool)
    for row in range(n):
        total, weight = np.zeros(4), 0.0
        for other in range(n):
            if stretch[row] >= 0 and stretch[other] == stretch[row] and transforms[other] is not None:
                distance = abs(other - row)
                if distance == 0 or (sigma > 0 and distance < 3 * sigma + 1):
                    share = math.exp(-0.5 * (distance / sigma) ** 2) if sigma else 1.0
                    total, weight = total + share * transforms[other], weight + share
        if weight > 0:
            rows[row], valid[row] = aligned_crop(pictures[row], total / weight), True
    return rows, valid


def assert_same_rows(found, wanted):
    np.testing.assert_array_equal(found[1], wanted[1])
    assert found[0].shape == wanted[0].shape
    # OpenCV keeps places in single precision: one grey level here and there.
    difference = np.abs(found[0].astype(int) - wanted[0])
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    assert not found[0][~found[1]].any()


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
            other = face_at(row, 20.0, 10.0, 0.15)
            detections.append([other] * (rng.random() < 0.3) + [own] * (rng.random() < self.found_share))
        return detections, track(reference, [face_at(0, *place, self.scale, self.turn) for place in places])


SCENES = st.builds(
    Scene,
    st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, -1]), st.integers(1, 7)), min_size=1, max_size=6),
    scale=st.sampled_from([0.4, 0.55]),
    turn=st.sampled_from([-0.35, 0.0, 0.2]),
    found_share=st.sampled_from([1, 0.7, 0.2]),
    # Slow enough for the part around the last box that was found to hold the face while no other is found.
    speed=st.sampled_from([0, 1.5]),
    away_share=st.sampled_from([0, 0.2]),
    seed=st.integers(0, 9999),
)


@settings(max_examples=40)
@given(SCENES, st.sampled_from([0.0, 0.3, 1.0, 1.5]), st.sampled_from([1, 2, 3]))
def test_rows_are_those_of_a_plain_computation(scene, sigma, every):
    detections, faces = scene.make()
    found = rows_of(PICTURES, Script(detections), faces, sigma=sigma, every=every)
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, sigma=sigma, every=every))


def restless(n, place=HERE, seed=0, noise=0.6, **more):
    """A face that rests while its landmarks do not."""
    rng = np.random.default_rng(seed)
    return [(face_at(row, *place, noise=rng.normal(0, noise, (68, 2)), **more),) for row in range(n)]


def test_nothing_is_smoothed_across_a_loss():
    detections, reference = restless(12), [0] * 5 + [-1] * 2 + [0] * 5
    faces = track(reference, [face_at(0, *HERE)])
    values, valid = rows_of(PICTURES, Script(detections), faces, sigma=1.0)
    assert valid.tolist() == [one >= 0 for one in reference]
    assert not values[5:7].any()
    before, _ = rows_of(PICTURES[:5], Script(detections[:5]), track([0] * 5, faces.references), sigma=1.0)
    after, _ = rows_of(PICTURES[7:], Script(detections[7:]), track([0] * 5, faces.references), sigma=1.0)
    np.testing.assert_array_equal(values, np.concatenate([before, values[5:7], after]))
    whole, _ = rows_of(PICTURES, Script(detections), track([0] * 12, faces.references), sigma=1.0)
    assert not np.array_equal(whole[4], values[4])
    assert not np.array_equal(whole[7], values[7])


def test_nothing_is_smoothed_across_a_jump_but_across_a_new_reference_nearby():
    references = [face_at(0, *place) for place in (HERE, DRIFTED, ELSEWHERE)]
    assert references[0].box.iou(references[1].box) > 0.5 > references[0].box.iou(references[2].box)
    for index, smoothed in ((1, True), (2, False)):
        detections = restless(5) + restless(5, (HERE, DRIFTED, ELSEWHERE)[index], seed=1)
        values, valid = rows_of(PICTURES, Script(detections), track([0] * 5 + [index] * 5, references), sigma=1.0)
        assert valid.all()
        alone, _ = rows_of(PICTURES, Script(detections), track([0] * 5, references), sigma=1.0)
        assert np.array_equal(values[1], alone[1])
        assert np.array_equal(values[4], alone[4]) == (not smoothed)


def test_a_jump_in_a_row_without_a_detection_begins_a_new_stretch():
    references = [face_at(0, *place) for place in (HERE, ELSEWHERE)]
    detections = restless(4) + restless(6, ELSEWHERE)
    options = {"sigma": 1.0, "every": 3}
    faces = track([0] * 4 + [1] * 6, references)
    detector = Script(detections)
    found = rows_of(PICTURES, detector, faces, **options)
    assert detector.seen == [0, 3, 6, 9]
    assert found[1].all()
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, **options))


def test_rows_without_landmarks_are_filled_in_and_those_far_from_any_are_not_valid():
    detections = restless(14)
    detections[3], detections[5:12] = (), [()] * 7
    faces = track([0] * 14, [face_at(0, *HERE)])
    found = rows_of(PICTURES, Script(detections), faces, sigma=0.6)
    # The smoothing reaches two rows: 4 and 12 are the last landmarks before and the first after.
    assert np.flatnonzero(~found[1]).tolist() == [7, 8, 9]
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, sigma=0.6))
    none = rows_of(PICTURES, Script([()] * 14), faces, sigma=0.6)
    assert not none[1].any()
    assert not none[0].any()


def test_a_face_that_wanders_off_its_reference_step_by_step_is_smoothed_all_the_way():
    detections = [(face_at(row, HERE[0] + 6.0 * row, HERE[1]),) for row in range(14)]
    faces = track([0] * 14, [face_at(0, *HERE)])
    assert 0 < faces.references[0].box.iou(detections[-1][0].box) < 0.3
    values, valid = rows_of(PICTURES, Script(detections), faces, sigma=1.0)
    # An even motion is what smoothing leaves as it is, away from the ends.
    wanted = [aligned_crop(picture, alignment(face.landmarks))
              for picture, (face,) in zip(PICTURES, detections, strict=True)]  # fmt: skip
    inner = slice(3, -3)
    assert_same_rows((values[inner], valid[inner]), (np.array(wanted)[inner], np.ones(8, dtype=bool)))


def test_landmarks_are_detected_in_every_third_row_and_after_a_loss():
    detections, faces = restless(14), track([0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, -1, 0], [face_at(0, *HERE)])
    detector = Script(detections)
    _, valid = rows_of(PICTURES, detector, faces, sigma=1.0, every=3)
    assert detector.seen == [0, 3, 5, 6, 9, 13]
    assert np.flatnonzero(~valid).tolist() == [4, 12]


@pytest.mark.parametrize("every", [2, 3, 4, 7])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_smoothing_reaches_from_one_detection_to_the_next(every, sigma):
    detections, faces = restless(14), track([0] * 14, [face_at(0, *HERE)])
    found = rows_of(PICTURES, Script(detections), faces, sigma=sigma, every=every)
    assert found[1].all()
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, sigma=sigma, every=every))


def test_without_smoothing_each_row_has_its_own_transform():
    detections, faces = restless(6), track([0] * 6, [face_at(0, *HERE)])
    values, valid = rows_of(PICTURES, Script(detections), faces, sigma=0.0)
    wanted = [aligned_crop(picture, alignment(face.landmarks))
              for picture, (face,) in zip(PICTURES, detections, strict=False)]  # fmt: skip
    assert_same_rows((values, valid), (np.array(wanted), np.ones(6, dtype=bool)))


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_a_video_of_one_frame(sigma):
    detections, faces = restless(1), track([0], [face_at(0, *HERE)])
    values, valid = rows_of(PICTURES, Script(detections), faces, sigma=sigma)
    assert values.shape == (1, 112, 112, 3)
    assert valid.tolist() == [True]
    assert_same_rows((values, valid), plain_rows(PICTURES, detections, faces, sigma=0.0))


def test_of_two_faces_the_tracked_one_counts():
    detections = restless(6)
    larger = face_at(0, 160.0, 60.0, 0.9)
    both = [(larger, *found) for found in detections]
    faces = track([0] * 6, [face_at(0, *HERE)])
    assert larger.box.iou(faces.references[0].box) > 0
    alone, together = (rows_of(PICTURES, Script(script), faces, sigma=1.0)[0] for script in (detections, both))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("place", [(4.0, 75.0), (70.0, 146.0), (230.0, 75.0), (300.0, 300.0), (-80.0, -80.0)])
def test_a_face_at_the_edge_of_the_image_or_beyond(place):
    detections, faces = restless(3, place), track([0] * 3, [face_at(0, *place)])
    found = rows_of(PICTURES, Script(detections), faces, sigma=1.0)
    assert_same_rows(found, plain_rows(PICTURES, detections, faces, sigma=1.0))


@pytest.mark.parametrize("scale", [0.5, 1.3, 2.1])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_a_face_at_rest_gives_crops_at_rest(scale, sigma):
    picture = cv2.resize(PICTURES[0], None, fx=scale / 0.5, fy=scale / 0.5)
    middle = HERE[0] * scale / 0.5, HERE[1] * scale / 0.5
    still = [(face_at(row, *middle, scale=scale),) for row in range(9)]
    faces = track([0] * 9, still[0])
    values, valid = rows_of([picture] * 9, Script(still), faces, sigma=sigma)
    assert valid.all()
    assert values[0].std() > 10
    np.testing.assert_array_equal(values, np.broadcast_to(values[0], values.shape))
    # The other points move the box, and with it the part of the frame that waits; the crop rests all the same.
    rng = np.random.default_rng(0)
    shaken = []
    for row in range(9):
        points = still[0][0].landmarks.copy()
        rest = [point for point in range(27, 48) if point not in ALIGNMENT_POINTS]
        points[rest] += rng.normal(0, 6 * scale, (len(rest), 2)).astype(np.float32)
        shaken.append((face_from_landmarks(row, points),))
    assert len({math.floor(face.box.left) for (face,) in shaken}) > 3
    assert_same_rows(rows_of([picture] * 9, Script(shaken), faces, sigma=sigma), (values, valid))


def test_crops_of_a_face_at_rest_shake_less_than_its_landmarks_by_the_expected_factor():
    sigma, n = 1.0, 60
    noise = np.random.default_rng(3).normal(0, 0.3, (n, 68, 2))
    detections = [(face_at(row, *HERE, noise=noise[row]),) for row in range(n)]
    faces = track([0] * n, [face_at(0, *HERE)])
    pictures = [PICTURES[0]] * n
    shake = [rows_of(pictures, Script(detections), faces, sigma=one)[0].astype(float).std(axis=0)[20:-20, 20:-20].mean()
             for one in (0.0, sigma)]  # fmt: skip
    weights = np.exp(-0.5 * (np.arange(-3, 4) / sigma) ** 2)
    factor = math.sqrt(np.sum(weights**2)) / weights.sum()
    # Rounding to whole grey levels alone gives 0.3.
    assert shake[0] > 2
    assert shake[1] / shake[0] == pytest.approx(factor, rel=0.15)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
def test_no_more_than_a_few_parts_are_kept_and_rows_are_written_when_they_are_complete(sigma):
    radius = math.ceil(3 * sigma)
    detections, faces = restless(14, scale=0.3), track([0] * 14, [face_at(0, *HERE, scale=0.3)])
    stream, written = stream_of(Script(detections), faces, sigma=sigma)
    alive = []
    for row in range(14):
        picture = PICTURES[row].copy()
        alive.append(weakref.ref(picture))
        stream.push(row, Picture(row, picture))
        del picture
        assert not any(reference() is not None for reference in alive)
        assert len(written) == max(0, row + 1 - radius)
        waiting, transforms = stream._segment.waiting, stream._segment.transforms
        assert len(waiting) == min(row + 1, radius)
        assert len(transforms) <= 2 * radius + 1
        for part in waiting:
            assert part.image.base is None
            assert max(part.image.shape[:2]) <= 2 * faces.references[0].box.width * 1.1 + 2
    stream.finish()
    assert len(written) == 14


def test_rows_are_written_to_every_output():
    detections, faces = restless(5), track([0] * 5, [face_at(0, *HERE)])
    stream, first = stream_of(Script(detections), faces, sigma=1.0)
    second = Rows()
    stream.outputs.append((None, second))
    for row in range(5):
        stream.push(row, Picture(row, PICTURES[row]))
    stream.finish()
    np.testing.assert_array_equal(np.array(first), np.array(second))
    assert len(first) == 5


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
    """Extracts features of fourteen frames with one face, lost for a while, shown at some rate."""
    detections, reference = restless(14, seed=5), np.array([0] * 7 + [-1] * 2 + [0] * 5)
    loaded = []

    def run(specs, fps=30.0, first=0, folder="cache", **options):
        def load(name):
            loaded.append(name)
            return Script(detections)

        monkeypatch.setattr("facespot.faces.load_detector", load)
        video = Reel(PICTURES, fps)
        selection = Selection(np.arange(first, 14), fps)
        faces = track(reference[first:], [face_at(0, *HERE)])
        found = extract(video, selection, faces, specs, cache=FeatureCache(tmp_path / folder), context={}, **options)
        return video, loaded, [one.open() for one in found], found

    run.detections, run.reference = detections, reference
    return run


def test_the_cache_holds_bytes_that_are_mapped(extracted, monkeypatch):
    monkeypatch.setattr("facespot.features.kinds.load_flow_engine", None)
    video, loaded, (found,), (stored,) = extracted([spec_of()], detector="dlib")
    assert found.values.dtype == np.uint8
    assert found.values.shape == (14, 112, 112, 3)
    assert isinstance(found.values.base, np.memmap) or isinstance(found.values, np.memmap)
    assert (stored.folder / "values.npy").stat().st_size - 14 * 112 * 112 * 3 in range(64, 257)
    assert np.flatnonzero(~found.valid).tolist() == [7, 8]
    assert not found.values[7:9].any()
    assert found.fps == 30.0
    assert loaded == ["dlib"]
    assert video.reads == 14
    wanted = plain_rows(PICTURES, extracted.detections, track(extracted.reference, [face_at(0, *HERE)]), sigma=1.0)
    assert_same_rows((found.values, found.valid), wanted)
    again, *_ = extracted([spec_of()])
    assert again.reads == 0


def test_of_a_fast_video_only_the_nearest_frames_are_read_and_smoothing_counts_rows(extracted):
    video, _, (found,), _ = extracted([spec_of(smoothing=1 / 60, every=2)], fps=200.0, first=1)
    places = [0, 3, 7, 10]
    assert found.frames.tolist() == [1, 4, 8, 11]
    assert found.fps == 60.0
    assert video.reads == 4
    frames = [1 + place for place in places]
    faces = track(extracted.reference[frames], [face_at(0, *HERE)])
    pictures, detections = [PICTURES[one] for one in frames], [extracted.detections[one] for one in frames]
    assert found.valid.tolist() == [True, True, False, True]
    assert_same_rows((found.values, found.valid), plain_rows(pictures, detections, faces, sigma=1.0, every=2))


def test_one_pass_serves_bytes_and_numbers(extracted):
    specs = [spec_of(), feature_spec("strain", distance_s=0.01, flow="dis"), spec_of(smoothing=0.0)]
    video, loaded, together, _ = extracted(specs, fps=200.0)
    assert video.reads == 14
    assert loaded == ["mediapipe"]
    assert [one.values.dtype for one in together] == [np.uint8, np.float32, np.uint8]
    for number, spec in enumerate(specs):
        _, _, (alone,), _ = extracted([spec], fps=200.0, folder=str(number))
        np.testing.assert_array_equal(together[number].values, alone.values)
        np.testing.assert_array_equal(together[number].frames, alone.frames)
        np.testing.assert_array_equal(together[number].valid, alone.valid)
        assert together[number].fps == alone.fps
    assert not np.array_equal(together[0].values, together[2].values)


def test_the_spec_does_not_depend_on_a_flow_engine_but_on_every_setting():
    digest = spec_of().digest()
    assert spec_of(flow="dis").digest() == digest
    assert set(spec_of().settings) == {"rows_per_second", "smoothing_s", "landmarks_every"}
    for other in (spec_of(rate=30.0), spec_of(smoothing=0.0), spec_of(every=2)):
        assert other.digest() != digest


@pytest.mark.parametrize(
    ("given_setting", "words"),
    [
        ({"rate": 0}, "'rows_per_second': it is 0; give a number above 0"),
        ({"rate": "60"}, "'rows_per_second': '60' is no number from 0 on; give a number"),
        ({"rate": True}, "'rows_per_second': True is no number from 0 on"),
        ({"smoothing": -0.1}, "'smoothing_s': -0.1 is no number from 0 on"),
        ({"smoothing": float("inf")}, "'smoothing_s': inf is no number from 0 on"),
        ({"smoothing": float("nan")}, "'smoothing_s': nan is no number from 0 on"),
        ({"every": 0}, "'landmarks_every': 0 is no number of frames; give a whole number from 1 on"),
        ({"every": 0.5}, "'landmarks_every': 0.5 is no number of frames"),
    ],
)
def test_bad_settings(given_setting, words, extracted):
    with pytest.raises(SettingsError, match=words):
        extracted([spec_of(**given_setting)])


@pytest.fixture(scope="module")
def demo_rows(tmp_path_factory):
    """Aligned crops and crops to one box of the first eighteen frames of the demo video."""
    video = open_video(TESTS.parent / "examples" / "demo.mp4")
    selection = select(video, end_s=0.6)
    cache, run = FeatureCache(tmp_path_factory.mktemp("cache")), RunSettings(workers=1)
    prepared = prepare(video, selection, face=FaceSettings(), cache=cache, run=run)
    (stored,) = measure(prepared, [spec_of()], cache=cache, run=run)
    boxes = [crop(frame.rgb(), prepared.faces.references[0].box, 112) for frame in video.read(selection.frames)]
    return stored.open(), np.array(boxes)


def test_faces_of_a_real_video_lie_on_the_mean_face(demo_rows):
    found, _ = demo_rows
    assert found.values.shape == (18, 112, 112, 3)
    assert found.valid.all()
    detector = load_detector("mediapipe")
    for image in found.values[::8]:
        # Three times as large, the face is found in the crop.
        (face, *_) = detector.detect(cv2.resize(image, (336, 336), interpolation=cv2.INTER_CUBIC), 0)
        points = (face.landmarks[list(ALIGNMENT_POINTS)] + 0.5) / 3 - 0.5
        assert np.abs(points - MEAN_POINTS).max() < 5
        np.testing.assert_allclose(points.mean(axis=0), MEAN_POINTS.mean(axis=0), atol=1.5)


def test_alignment_takes_motion_out_of_a_real_video(demo_rows):
    found, boxes = demo_rows
    # Eyes and nose, which an expression moves least.
    part = np.s_[:, 25:60, 20:92]
    aligned, in_one_box = (np.abs(values[part].astype(float) - values[part][0]).mean()
                           for values in (found.values, boxes))  # fmt: skip
    assert aligned < 0.8 * in_one_box
