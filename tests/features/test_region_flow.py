"""Region flow: a plain computation window by window, each pair once, head motion taken out, gaps, bounded memory."""

import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.errors import SettingsError
from facespot.faces import FaceTrack, crop, load_detector, to_crop
from facespot.features import FeatureCache, extract, feature_spec
from facespot.features.flow import load_flow_engine
from facespot.features.kinds import row_shape
from facespot.features.region_flow import (
    N_REGIONS,
    adjacent_windows,
    flow_regions,
    gather_windows,
    row_step,
    valid_windows,
    windows,
)
from facespot.features.region_flow_stream import RegionFlowStream
from facespot.values import Box, Face, Timebase
from facespot.video import Selection, open_video

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"
# An expression of the demo video begins here.
CLIP = np.arange(297, 322)


@dataclass
class Picture:
    """A frame in memory."""

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


class Counting:
    """A flow engine that counts the pairs it is given."""

    def __init__(self, engine):
        self.engine, self.pairs = engine, 0

    def flow(self, first, second):
        self.pairs += len(first)
        return self.engine.flow(first, second)


class Rows(list):
    def append(self, rows):
        self.extend(np.array(rows))


def track(reference, face, frames=None):
    reference = np.asarray(reference)
    frames = np.arange(len(reference)) if frames is None else frames
    return FaceTrack(frames, reference, (face,), 1, 1, float(np.mean(reference >= 0)))


def rows_of(images, detector, *, reach, face, reference=None, every=1, engine=None, on_row=None):
    """All rows and which are valid, from images in memory."""
    engine = engine or load_flow_engine("farneback")
    faces = track([0] * len(images) if reference is None else reference, face)
    stream = RegionFlowStream(engine, detector, faces, step=1, reach=reach, landmarks_every=every)
    written = Rows()
    stream.outputs.append((None, written))
    for row, image in enumerate(images):
        stream.push(row, Picture(row, image))
        if on_row is not None:
            on_row(row, stream, written)
    valid = stream.finish()
    return np.array(written), valid


@pytest.fixture(scope="module")
def clip():
    """Grey images of 25 frames of the demo video and the face in each."""
    detector, images, faces = load_detector("mediapipe"), [], []
    for number, frame in enumerate(open_video(DEMO).read(CLIP)):
        images.append(np.array(frame.gray()))
        faces.append(detector.detect(frame.rgb(), number)[:1])
    return images, faces


@pytest.fixture(scope="module")
def clip_rows(clip):
    images, faces = clip
    return rows_of(images, Script(faces), reach=8, face=faces[0][0])


def shifted(image, x, y):
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    return cv2.warpAffine(image, matrix, image.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def shifted_face(face, frame, x, y):
    box = replace(face.box, left=face.box.left + x, top=face.box.top + y)
    return Face(frame, box, face.landmarks + np.array([x, y]), face.quality)


def mean_over(flow, top, bottom, left, right):
    """Mean flow over rows top..bottom and columns left..right, both ends included."""
    total, count = np.zeros(2), 0
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            total += flow[y, x]
            count += 1
    return total / count


def nearest(value):
    return int(np.floor(float(value) + 0.5))


def plain_window(images, faces, engine):
    """Section III-A for one window, literally: `images` are its frames, `faces` those of its first frame."""
    (face,) = faces
    points = to_crop(face.landmarks, face.box, 128).astype(np.float64)
    first = crop(images[0], face.box, 128)
    margin = 0.35 * np.hypot(*(points[42] - points[39])) / 2
    left, right = nearest(min(points[29:31, 0]) - margin), nearest(max(points[29:31, 0]) + margin)
    top, bottom = nearest(min(points[29:31, 1]) - margin), nearest(max(points[29:31, 1]) + margin)
    x, y = (left + right + 1) // 2 - 32, (top + bottom + 1) // 2 - 32
    assert 0 <= x <= 64
    assert 0 <= y <= 64
    result = [np.zeros((10, 2))]
    for image in images[1:]:
        later = crop(image, face.box, 128)
        patches = first[np.newaxis, y : y + 64, x : x + 64], later[np.newaxis, y : y + 64, x : x + 64]
        head = mean_over(engine.flow(*patches)[0], top - y, bottom - y, left - x, right - x)
        box = Box(
            face.box.left + head[0] * face.box.width / 128,
            face.box.top + head[1] * face.box.height / 128,
            face.box.width,
            face.box.height,
        )
        flow = engine.flow(first[np.newaxis], crop(image, box, 128)[np.newaxis])[0]
        means = []
        for number in (18, 19, 20, 23, 24, 25, 48, 51, 54, 57):
            column, row = nearest(points[number, 0]), nearest(points[number, 1])
            means.append(mean_over(flow, row - 5, row + 5, column - 5, column + 5))
        result.append(np.array(means))
    return np.array(result)


@pytest.mark.parametrize("w", [5, 9])
def test_windows_are_those_of_a_plain_computation(w, clip, clip_rows):
    images, faces = clip
    values, valid = clip_rows
    assert values.shape == (25, 9, 10, 2)
    assert values.dtype == np.float32
    assert valid.all()
    engine, n = load_flow_engine("farneback"), len(images)
    # The two ends, where frames are repeated, and windows between them.
    for centre in sorted({*range(w // 2 + 1), 11, 12, *range(n - w // 2 - 1, n)}):
        places = [min(max(centre - w // 2 + t, 0), n - 1) for t in range(w)]
        wanted = plain_window([images[place] for place in places], faces[places[0]], engine)
        (found,) = windows(values, np.array([centre]), w)
        repeated = np.array(places) == places[0]
        np.testing.assert_allclose(found[~repeated], wanted[~repeated], atol=1e-5, err_msg=str(centre))
        # OpenCV's flow from a frame to itself is not quite 0, ours is.
        np.testing.assert_allclose(wanted[repeated], 0, atol=1e-3)
        assert (found[repeated] == 0).all()
    assert np.abs(values).max() > 0.5


def test_each_pair_of_frames_is_computed_once(clip):
    images, faces = clip
    engine = Counting(load_flow_engine("dis"))
    rows_of(images[:12], Script(faces), reach=4, face=faces[0][0], engine=engine)
    distinct = sum(min(4, 11 - a) for a in range(12))
    assert engine.pairs == 2 * distinct
    assert engine.pairs < 2 * 12 * 4


@pytest.mark.parametrize("flow", ["farneback", "dis"])
def test_values_do_not_depend_on_the_number_of_workers(flow, clip):
    images, faces = clip
    one, three = (
        rows_of(images[:7], Script(faces), reach=4, face=faces[0][0], engine=load_flow_engine(flow, workers=workers))[0]
        for workers in (1, 3)
    )
    assert one.tobytes() == three.tobytes()


# Farneback's flow of the nose falls short of a motion of 4 to 8 pixels of the crop by up to 0.2 pixels, that of DIS by
# up to 0.07; the alignment leaves as much.
@pytest.mark.parametrize(
    ("flow", "step", "bound"),
    [
        ("farneback", (0.3, -0.2), 0.1),
        ("farneback", (-2.5, 1.5), 0.3),
        ("dis", (0.3, -0.2), 0.1),
        ("dis", (-2.5, 1.5), 0.1),
    ],
)
def test_a_head_that_moves_as_a_whole_leaves_no_motion(flow, step, bound, clip):
    images, ((face,), *_) = clip
    moved = [shifted(images[0], step[0] * t, step[1] * t) for t in range(5)]
    faces = [(shifted_face(face, t, step[0] * t, step[1] * t),) for t in range(5)]
    engine = load_flow_engine(flow)
    values, _ = rows_of(moved, Script(faces), reach=4, face=face, engine=engine)
    assert np.abs(values).max() < bound
    crops = np.stack([crop(image, face.box, 128) for image in moved])
    raw = engine.flow(crops[:1], crops[4:])
    expected = np.array(step) * 4 * 128 / face.box.width
    assert abs(raw[0, 40:90, 40:90].mean(axis=(0, 1)) - expected).max() < 0.25 * np.abs(expected).max()


@pytest.mark.parametrize(("landmark", "region", "pull"), [(48, 6, (-2.0, -1.5)), (54, 8, (2.0, -1.5))])
def test_a_mouth_corner_that_is_pulled_shows_in_its_region(landmark, region, pull, clip):
    images, ((face,), *_) = clip
    height, width = images[0].shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    spread = 0.08 * face.box.width
    where = face.landmarks[landmark]
    bump = np.exp(-((x - where[0]) ** 2 + (y - where[1]) ** 2) / (2 * spread**2))
    pulled = cv2.remap(images[0], x - pull[0] * bump, y - pull[1] * bump, cv2.INTER_CUBIC)
    values, _ = rows_of([images[0], pulled], Script([(face,)] * 2), reach=1, face=face)
    # Over a square of 11 pixels of the crop the bump is still nearly as high as in its middle.
    expected = np.array(pull) * 128 / face.box.width
    np.testing.assert_allclose(values[0, 1, region], expected, rtol=0.3)
    others = [one for one in range(N_REGIONS) if one < 6]
    assert np.abs(values[0, 1, others]).max() < 0.1


def test_frames_without_a_face_leave_gaps(clip):
    images, faces = clip
    reference = np.zeros(14, dtype=int)
    reference[[6, 7]] = -1
    detector = Script(faces)
    values, valid = rows_of(images[:14], detector, reach=4, face=faces[0][0], reference=reference, every=5)
    whole, _ = rows_of(images[:14], Script(faces), reach=4, face=faces[0][0], every=5)
    assert valid.tolist() == (reference >= 0).tolist()
    missing = np.isnan(values).all(axis=(2, 3))
    for a in range(14):
        for s in range(5):
            assert missing[a, s] == (reference[a] < 0 or reference[min(a + s, 13)] < 0), (a, s)
    # Detection starts anew after the gap, and goes on with every fifth frame.
    assert detector.seen == [0, 5, 8, 10]
    there = ~missing[:6]
    np.testing.assert_array_equal(values[:6][there], whole[:6][there])


def test_the_last_frame_is_repeated_even_if_it_has_no_face(clip):
    images, faces = clip
    values, _ = rows_of(images[:5], Script(faces), reach=6, face=faces[0][0], reference=[0, 0, 0, 0, -1])
    assert np.isnan(values[0, 4:]).all()
    assert np.isfinite(values[0, :4]).all()
    assert np.isnan(values[4]).all()


def test_a_video_shorter_than_the_window(clip):
    images, faces = clip
    values, valid = rows_of(images[:3], Script(faces), reach=8, face=faces[0][0])
    longer, _ = rows_of([*images[:3], *[images[2]] * 6], Script([*faces[:3], *[faces[2]] * 6]), reach=8,
                        face=faces[0][0])  # fmt: skip
    assert valid.all()
    assert (values[2] == 0).all()
    for a in range(3):
        assert (values[a, 2 - a :] == values[a, 2 - a]).all()
    np.testing.assert_array_equal(values[:2], longer[:2])
    seen = windows(values, np.arange(3), 9)
    np.testing.assert_array_equal(seen[1, :4], 0)
    np.testing.assert_array_equal(seen[1, 4:], values[0, [1, 2, 2, 2, 2]])


def test_of_two_faces_the_tracked_one_counts(clip):
    images, faces = clip
    larger = Face(0, Box(-300.0, -300.0, 280.0, 280.0), faces[0][0].landmarks - 400, 200.0)
    both = [(larger, *found) for found in faces]
    alone, _ = rows_of(images[:6], Script(faces), reach=2, face=faces[0][0])
    together, valid = rows_of(images[:6], Script(both), reach=2, face=faces[0][0])
    assert valid.all()
    np.testing.assert_array_equal(together, alone)


def test_a_frame_whose_detection_fails_has_the_face_before_it_carried_on(clip):
    images, faces = clip
    elsewhere = Face(0, Box(-300.0, -300.0, 280.0, 280.0), faces[0][0].landmarks - 400, 200.0)
    for failing in ((), (elsewhere,)):
        script = [*faces[:3], failing, *faces[4:8]]
        values, valid = rows_of(images[:8], Script(script), reach=2, face=faces[0][0])
        whole, _ = rows_of(images[:8], Script(faces), reach=2, face=faces[0][0])
        assert valid.all()
        np.testing.assert_array_equal(np.delete(values, 3, 0), np.delete(whole, 3, 0))
        np.testing.assert_allclose(values[3], whole[3], atol=0.3)
        assert not np.array_equal(values[3], whole[3])
    # Nothing can be carried to the first frame: it is not valid, and its motion is not known.
    values, valid = rows_of(images[:4], Script([(), *faces[1:4]]), reach=2, face=faces[0][0])
    assert valid.tolist() == [False, True, True, True]
    assert np.isnan(values[0]).all()
    assert np.isfinite(values[1:]).all()


def test_a_new_reference_asks_for_a_detection(clip):
    images, faces = clip
    detector = Script(faces)
    both = FaceTrack(np.arange(8), np.repeat([0, 1], [3, 5]), (faces[0][0], faces[3][0]), 1, 1, 1.0)
    engine = load_flow_engine("dis")
    stream = RegionFlowStream(engine, detector, both, step=1, reach=1, landmarks_every=6)
    for row in range(8):
        stream.push(row, Picture(row, images[row]))
    assert detector.seen == [0, 3, 6]


def test_a_face_whose_regions_leave_the_crop_is_not_valid(clip):
    images, faces = clip
    close = Face(1, replace(faces[1][0].box, width=90.0, height=90.0), faces[1][0].landmarks, 80.0)
    script = [faces[0], (close,), faces[2], faces[3]]
    values, valid = rows_of(images[:4], Script(script), reach=2, face=faces[0][0])
    assert valid.tolist() == [True, False, True, True]
    assert np.isnan(values[1]).all()
    assert np.isfinite(values[[0, 2, 3]]).all()


@pytest.mark.parametrize(("margin", "inside"), [(0.0, True), (0.49, True), (0.51, False)])
def test_regions_must_lie_inside_the_crop(margin, inside):
    points = np.full((68, 2), 64.0)
    points[39], points[42] = (54, 50), (74, 50)
    points[48] = (5 - margin, 90)
    assert (flow_regions(points) is not None) == inside


def test_carried_landmarks_stay_with_a_moving_face(clip):
    images, ((face,), *_) = clip
    path = [(6 * np.sin(t / 3), 0.8 * t) for t in range(12)]
    moved = [shifted(images[0], x, y) for x, y in path]
    faces = [(shifted_face(face, t, x, y),) for t, (x, y) in enumerate(path)]
    errors = []

    def look(row, stream, written):
        errors.append(np.abs(stream.face.landmarks - faces[row][0].landmarks).max())

    detector = Script(faces)
    carried, valid = rows_of(moved, detector, reach=3, face=face, every=5, on_row=look)
    assert detector.seen == [0, 5, 10]
    assert valid.all()
    assert max(errors) < 0.5
    assert max(errors) > 0
    every, _ = rows_of(moved, Script(faces), reach=3, face=face)
    assert np.abs(carried - every).max() < 0.1


def test_carried_landmarks_of_a_real_face_differ_from_detected_ones_by_less_than_a_pixel(clip, clip_rows):
    images, faces = clip
    errors = []

    def look(row, stream, written):
        nose_and_eyes = slice(27, 48)
        off = (stream.face.landmarks - faces[row][0].landmarks)[nose_and_eyes]
        errors.append(np.abs(off.mean(axis=0)).max() * 128 / faces[0][0].box.width)

    carried, _ = rows_of(images, Script(faces), reach=8, face=faces[0][0], every=5, on_row=look)
    assert max(errors) < 1
    assert np.abs(carried - clip_rows[0]).max() < 1


def test_no_frame_is_held_and_rows_are_written_when_they_are_complete(clip):
    images, faces = clip
    alive = []
    n = len(images)
    stream = RegionFlowStream(load_flow_engine("dis"), Script(faces), track([0] * n, faces[0][0]), step=1, reach=3,
                              landmarks_every=1)  # fmt: skip
    written = Rows()
    stream.outputs.append((None, written))
    for row, image in enumerate(images):
        frame = Picture(row, image.copy())
        alive.append(weakref.ref(frame.image))
        stream.push(row, frame)
        del frame
        assert len(written) == max(0, row - 2)
        assert not any(reference() is not None for reference in alive)
    stream.finish()
    assert len(written) == n


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
def extracted(clip, monkeypatch, tmp_path):
    """Extracts features of the first frames of the clip, shown at some rate."""
    images, faces = clip
    loaded = []

    def run(specs, fps=30.0, n=22, folder="cache", **options):
        def load(name):
            loaded.append(name)
            return Script(faces)

        monkeypatch.setattr("facespot.faces.load_detector", load)
        video = Reel(images[:n], fps)
        selection = Selection(np.arange(n), fps)
        found = extract(video, selection, track([0] * n, faces[0][0]), specs, cache=FeatureCache(tmp_path / folder),
                        context={}, **options)  # fmt: skip
        return video, loaded, tuple(one.open() for one in found)

    return run


def spec_of(flow="dis", reach=2, every=1):
    return feature_spec("region_flow", flow=flow, reach=reach, landmarks_every=every)


@pytest.mark.parametrize(("fps", "step"), [(200.0, 7), (60.0, 2), (45.0, 2), (44.9, 1), (30.0, 1), (29.97, 1), (9, 1)])
def test_about_thirty_frames_per_second_are_picked(fps, step):
    assert row_step(fps) == step


def test_only_the_picked_frames_are_read(clip, extracted):
    images, faces = clip
    video, _, (found,) = extracted([spec_of()], fps=200.0)
    assert found.frames.tolist() == [0, 7, 14, 21]
    assert found.fps == pytest.approx(200 / 7)
    assert video.reads == 4
    wanted, _ = rows_of(images[:22:7], Script(faces[::7]), reach=2, face=faces[0][0], engine=load_flow_engine("dis"))
    np.testing.assert_array_equal(found.values, wanted)
    _, _, (every,) = extracted([spec_of()], fps=29.97, folder="every")
    assert every.frames.tolist() == list(range(22))
    assert every.fps == 29.97


def test_one_pass_serves_all_features(extracted):
    strain = feature_spec("strain", distance_s=0.02, flow="dis")
    specs = [strain, spec_of(), spec_of(reach=3)]
    done = []
    video, loaded, together = extracted(specs, fps=200.0, on_progress=lambda *counts: done.append(counts))
    assert video.reads == 22
    assert done == [(count, 22) for count in range(1, 23)]
    assert loaded == ["mediapipe"]
    for number, spec in enumerate(specs):
        _, _, (alone,) = extracted([spec], fps=200.0, folder=str(number))
        np.testing.assert_array_equal(together[number].values, alone.values)
        np.testing.assert_array_equal(together[number].frames, alone.frames)
        np.testing.assert_array_equal(together[number].valid, alone.valid)
        assert together[number].fps == alone.fps
    assert together[0].values.shape == (18, *row_shape(strain))
    np.testing.assert_array_equal(together[1].values[0], together[2].values[0, :3])


def test_the_detector_is_loaded_by_name_and_only_where_it_is_needed(extracted):
    assert extracted([feature_spec("strain", distance_s=0.1, flow="dis")], n=6)[1] == []
    assert extracted([spec_of()], n=6, detector="dlib")[1] == ["dlib"]


@pytest.mark.parametrize("settings", [{"reach": 0, "landmarks_every": 1}, {"reach": 2, "landmarks_every": 0}])
def test_bad_settings(settings, extracted):
    with pytest.raises(SettingsError, match="0 is no number of frames; give a whole number from 1 on"):
        extracted([feature_spec("region_flow", flow="dis", **settings)], n=6)


# Windows


@st.composite
def rows_and_window(draw):
    n, w = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    reach = draw(st.integers(max(w - 1, 1), 10))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.normal(size=(n, reach + 1, N_REGIONS, 2)).astype(np.float32)
    usable = rng.random(n) < draw(st.sampled_from([1.0, 0.9, 0.6]))
    for a in range(n):
        values[a, 0] = 0
        for s in range(reach + 1):
            if s > n - 1 - a:
                values[a, s] = values[a, n - 1 - a]
            if not (usable[a] and usable[min(a + s, n - 1)]):
                values[a, s] = np.nan
    return values, usable, w


@given(rows_and_window())
def test_windows_by_a_plain_loop(made):
    values, usable, w = made
    n = len(values)
    seen, adjacent = windows(values, np.arange(n), w), adjacent_windows(values, np.arange(n), w)
    assert seen.shape == adjacent.shape == (n, w, N_REGIONS, 2)
    assert seen.dtype == adjacent.dtype == np.float32
    for centre in range(n):
        frames = [centre - w // 2 + t for t in range(w)]
        start = max(frames[0], 0)
        for t, frame in enumerate(frames):
            np.testing.assert_array_equal(seen[centre, t], values[start, max(frame, 0) - start])
            here, before = (min(max(one, 0), n - 1) for one in (frame, frame - 1))
            wanted = values[before, 1] if t > 0 and here > before else np.zeros((N_REGIONS, 2))
            np.testing.assert_array_equal(adjacent[centre, t], wanted)
    # A window is valid where every one of its frames has a face.
    for one in (False, True):
        found = valid_windows(values, usable, w, adjacent=one)
        for centre in range(n):
            places = [min(max(centre - w // 2 + t, 0), n - 1) for t in range(w)]
            assert found[centre] == all(usable[place] for place in places)


def test_windows_of_a_mapped_file_and_in_parts(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 6, N_REGIONS, 2)).astype(np.float32)
    values[20, 3] = np.nan
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    centres = np.array([30, 0, 49, 7])
    for adjacent in (False, True):
        found = gather_windows(mapped, centres, 5, adjacent=adjacent)
        np.testing.assert_array_equal(found, gather_windows(values, centres, 5, adjacent=adjacent))
        assert type(found) is np.ndarray
    whole = valid_windows(values, np.ones(50, dtype=bool), 5)
    assert np.flatnonzero(~whole).tolist() == [22]
    monkeypatch.setattr("facespot.features.region_flow.WINDOWS_AT_ONCE", 7)
    np.testing.assert_array_equal(valid_windows(mapped, np.ones(50, dtype=bool), 5), whole)


def test_a_window_longer_than_the_reach_is_refused():
    with pytest.raises(ValueError, match="hold no windows of 7 frames"):
        windows(np.zeros((4, 6, N_REGIONS, 2), np.float32), np.array([1]), 7)
