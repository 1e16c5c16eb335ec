"""What is measured of a video: known noise, known detail, known repetition, and the limits laid on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.faces import FaceTrack, VideoQuality, measure_quality, quality_findings, too_slow_for_micro
from facespot.faces.boxes import face_from_landmarks
from facespot.faces.quality import RUN_PAIRS, SEEK_FRAMES, sampled_rows
from facespot.faces.quality_rule import MICRO_RULE, QualityRule
from facespot.values import Box, ByteImage, Face
from facespot.video import Selection, open_video, select

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"
LANDMARKS = np.random.default_rng(0).uniform(0, 100, (68, 2)).astype(np.float32)


@dataclass
class Picture:
    index: int
    pixels: ByteImage

    def gray(self):
        return self.pixels


@dataclass
class PaintedVideo:
    """A video whose frames a function paints; it notes which ones were read, call by call."""

    paint: Callable[[int], ByteImage]
    read_frames: list[list[int]] = field(default_factory=list)

    def read(self, frames):
        self.read_frames.append([int(frame) for frame in frames])
        for frame in frames:
            yield Picture(int(frame), self.paint(int(frame)))


def still(box, n_rows, *, reference=None, sizes=(90.0,)):
    """A face that stays in a box."""
    rows = np.zeros(n_rows, dtype=np.int64) if reference is None else np.asarray(reference)
    references = tuple(Face(0, box, LANDMARKS, size) for size in sizes)
    return FaceTrack(np.arange(n_rows), rows, references, 1, 1, 1.0)


def measure(paint, n_frames, box, *, fps=30.0, **options):
    video = PaintedVideo(paint)
    return measure_quality(video, Selection(np.arange(n_frames), fps), still(box, n_frames, **options))


def noisy(picture, sigma, frame):
    """The picture with white noise of its own in each frame."""
    noise = np.random.default_rng([7, frame]).normal(0, sigma, picture.shape) if sigma else 0
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def face_picture(known_image) -> ByteImage:
    return np.asarray(cv2.cvtColor(known_image, cv2.COLOR_RGB2GRAY))


@pytest.fixture(scope="session")
def face_place(known_points) -> Box:
    return face_from_landmarks(0, known_points.astype(np.float32)).box


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 8.0])
def test_white_noise_on_a_flat_picture_is_found_to_a_few_per_cent(sigma):
    flat = np.full((160, 160), 120.0)
    found = measure(lambda frame: noisy(flat, sigma, frame), 60, Box(0, 0, 160, 160))
    # Rounding to whole levels is noise too.
    expected = math.sqrt(sigma**2 + 1 / 12)
    assert found.noise == pytest.approx(expected, rel=0.05)
    assert found.motion_noise == pytest.approx(expected, rel=0.03)
    assert found.frozen == 0
    assert found.repeated == 0


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0])
def test_noise_on_a_face_is_found_whatever_its_texture(sigma, face_picture, face_place):
    found = measure(lambda frame: noisy(face_picture, sigma, frame), 60, face_place)
    assert found.noise == pytest.approx(sigma, rel=0.15)
    assert found.motion_noise == pytest.approx(sigma, rel=0.05)


def test_motion_raises_one_noise_and_texture_the_other_but_not_both(face_picture, face_place):
    clean = measure(lambda frame: np.roll(face_picture, frame, axis=1), 60, face_place)
    assert clean.motion_noise > 2 * clean.noise
    grain = noisy(face_picture, 6.0, 0)
    stopped = measure(lambda frame: noisy(grain, 1.0, frame), 60, face_place)
    assert stopped.noise > 5
    assert stopped.motion_noise < 1.2
    assert not any("noise" in one for found in (clean, stopped) for one in quality_findings(found))


def test_the_size_of_the_face_is_the_median_over_its_references():
    found = measure(lambda frame: np.zeros((64, 64), np.uint8), 20, Box(0, 0, 64, 64), sizes=(40.0, 90.0, 50.0))
    assert found.face_size_pixels == 50
    assert found.fps == 30


def detail_of(picture, box):
    return measure(lambda frame: picture, 20, box).detail


def scaled(box, times):
    return Box(box.left * times, box.top * times, box.width * times, box.height * times)


def test_blur_and_enlargement_lower_the_detail_below_the_limit(face_picture, face_place):
    sharp = detail_of(face_picture, face_place)
    assert sharp > MICRO_RULE.detail
    for sigma in (1.0, 2.0):
        assert detail_of(cv2.GaussianBlur(face_picture, (0, 0), sigma), face_place) < MICRO_RULE.detail
    small = cv2.resize(face_picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    size = face_picture.shape[::-1]
    assert detail_of(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), face_place) < MICRO_RULE.detail


def test_detail_finer_than_the_methods_see_is_not_asked_for(face_picture, face_place):
    larger = np.kron(face_picture, np.ones((3, 3), np.uint8))
    assert detail_of(larger, scaled(face_place, 3)) == pytest.approx(detail_of(face_picture, face_place), rel=0.15)
    assert detail_of(larger, scaled(face_place, 3)) > MICRO_RULE.detail


@pytest.mark.parametrize(("times", "share"), [(1, 0.0), (2, 0.5), (3, 2 / 3)])
def test_repeated_frames_are_counted_and_left_out_of_the_rest(times, share, face_picture, face_place):
    found = measure(lambda frame: noisy(face_picture, 2.0, frame // times), 200, face_place)
    assert found.repeated == pytest.approx(share, abs=0.15)
    assert found.motion_noise == pytest.approx(2.0, rel=0.05)
    assert found.frozen == 0
    assert bool(quality_findings(replace(found, face_size_pixels=90.0, detail=1.0))) == (times > 1)


def test_what_does_not_change_is_frozen(face_picture):
    """The left half of the blocks keeps its pixels."""
    kept = face_picture[:128, :128]

    def paint(frame):
        picture = noisy(kept, 2.0, frame)
        picture[:, :64] = kept[:, :64]
        return picture

    assert measure(paint, 60, Box(0, 0, 128, 128)).frozen == pytest.approx(0.5)


def test_a_flat_picture_has_nothing_and_says_so():
    found = measure(lambda frame: np.full((100, 100), 90, np.uint8), 30, Box(10, 10, 60, 60))
    assert found == VideoQuality(90.0, 30.0, noise=0.0, motion_noise=0.0, detail=0.0, frozen=1.0, repeated=1.0)


@pytest.mark.parametrize("box", [Box(5, 5, 34, 34), Box(-10, -10, 34, 34)], ids=["whole", "partly outside"])
def test_a_tiny_face_is_measured_by_its_few_blocks(box):
    found = measure(lambda frame: noisy(np.full((60, 60), 99.0), 3.0, frame), 60, box, sizes=(20.0,))
    assert found.motion_noise == pytest.approx(3.0, rel=0.25)
    assert quality_findings(found)[0].startswith("the face is 20 pixels")


@pytest.mark.parametrize(
    ("box", "reference"),
    [
        (Box(200, 200, 50, 50), [0] * 9),
        (Box(-60, 0, 50, 50), [0] * 9),
        (Box(0, 0, 8, 8), [0] * 9),
        (Box(0, 0, 90, 90), [0, -1] * 4 + [0]),
        (Box(0, 0, 90, 90), [0]),
    ],
    ids=["beyond the picture", "before the picture", "smaller than a block", "in single frames", "in one frame"],
)
def test_where_nothing_can_be_compared_only_size_and_rate_are_known(box, reference):
    found = measure(lambda frame: np.zeros((100, 100), np.uint8), len(reference), box, reference=reference)
    assert found == VideoQuality(90.0, 30.0, None, None, None, None, None)
    assert quality_findings(found) == ()


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 60))
def test_rows_are_usable_and_hardly_more_than_asked_for(usable, pairs):
    rows = sampled_rows(np.array(usable, dtype=bool), pairs)
    assert all(usable[row] for row in rows)
    assert list(rows) == sorted(set(rows.tolist()))
    assert len(rows) <= max(RUN_PAIRS, pairs + RUN_PAIRS / 2)
    assert bool(len(rows)) == any(usable)


def frames_read(n_frames):
    video = PaintedVideo(lambda frame: noisy(np.full((32, 32), 99.0), 1.0, frame))
    found = measure_quality(video, Selection(np.arange(0, 2 * n_frames, 2), 30.0), still(Box(0, 0, 32, 32), n_frames))
    return video.read_frames, found


def test_a_long_video_is_read_in_short_runs_over_its_whole_length():
    calls, found = frames_read(20000)
    assert len(calls) == 24 // RUN_PAIRS
    for frames in calls:
        assert np.diff(frames).tolist() == [2] * RUN_PAIRS
    starts = [frames[0] for frames in calls]
    assert starts[0] < 8000
    assert starts[-1] > 32000
    assert found == frames_read(20000)[1]


def test_a_short_video_is_read_in_one_pass():
    (frames,), _ = frames_read(3 * SEEK_FRAMES)
    assert np.count_nonzero(np.diff(frames) == 2) >= 24


def still_of_demo(n_rows):
    return still(Box(215, 125, 220, 220), n_rows)


def encoded(path, crf, pictures):
    import av

    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"crf": str(crf), "preset": "veryfast", "threads": "1"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())
    return path


def test_compression_freezes_the_face_and_takes_its_noise(tmp_path):
    source = open_video(DEMO)
    rng = np.random.default_rng(3)
    pictures: Sequence[ByteImage] = [
        np.clip(np.rint(frame.rgb() + rng.normal(0, 1.5, (480, 640, 1))), 0, 255).astype(np.uint8)
        for frame in source.read(np.arange(60, 90))
    ]
    found = []
    for crf in (10, 23, 36):
        video = open_video(encoded(tmp_path / f"{crf}.mp4", crf, pictures))
        found.append(measure_quality(video, select(video), still_of_demo(30)))
    light, middle, strong = found
    assert light.frozen < 0.01
    assert light.frozen < middle.frozen < strong.frozen
    assert strong.frozen > 0.5
    assert light.motion_noise > 1
    assert strong.motion_noise < 0.2
    assert light.noise > middle.noise > strong.noise


GOOD = VideoQuality(90.0, 30.0, 1.0, 0.8, 0.35, 0.02, 0.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"face_size_pixels": 41.2}, "the face is 41 pixels between the outer eye corners; micro-expressions need 60"),
        ({"noise": 5.0, "motion_noise": 4.26}, "the noise is 4.3 grey levels; micro-expressions allow 3"),
        ({"detail": 0.2}, "its fine detail is 0.200; micro-expressions need 0.3"),
        ({"frozen": 0.55}, "55 % of the face does not change from frame to frame"),
        ({"fps": 20.0}, "there are 20 frames per second; micro-expressions need 25 new ones"),
        ({"repeated": 0.5}, "there are 30 frames per second, 50 % of them like the one before"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_shortfall_is_one_plain_sentence(changes, sentence):
    rule = QualityRule(face_size_pixels=60.0, noise=3.0, detail=0.3, frozen=0.2)
    assert quality_findings(GOOD, rule) == ()
    (found,) = quality_findings(replace(GOOD, **changes), rule)
    assert sentence in found


@pytest.mark.parametrize(
    "changes",
    [
        {"noise": 9.0},
        {"motion_noise": 9.0},
        {"repeated": 0.1},
        {"fps": 200.0, "repeated": 0.8},
        {"fps": 60.0, "frozen": 0.9},
    ],
)
def test_what_does_no_harm_is_not_found(changes):
    assert quality_findings(replace(GOOD, **changes)) == ()


def test_several_shortfalls_are_several_sentences():
    assert len(quality_findings(VideoQuality(20.0, 15.0, 9.0, 9.0, 0.1, 0.9, 0.5))) == 5


@pytest.mark.parametrize(("fps", "slow"), [(30.0, False), (25.0, False), (24.97, False), (24.0, True), (23.976, True)])
def test_rates_within_one_per_cent_of_25_count_as_25(fps, slow):
    assert too_slow_for_micro(fps) == slow
