"""The pass over a video: which pairs are compared, which rows are valid, what the cache keeps."""

from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
import pytest

from facespot.faces import FaceTrack, crop, to_crop
from facespot.features import FeatureCache, extract, feature_spec
from facespot.features.flow import load_flow_engine
from facespot.features.kinds import FeatureKind, row_type
from facespot.features.maps import softnet_images, strain_sums
from facespot.features.regions import face_regions
from facespot.values import Box, Face, FeatureSpec, Timebase
from facespot.video import Selection


@dataclass
class StillFrame:
    index: int
    image: np.ndarray

    def gray(self):
        return self.image


@dataclass
class MemoryVideo:
    """Frames of smooth noise that drift by a fraction of a pixel; counts what is read."""

    n_frames: int = 24
    name: str = "memory"
    reads: int = 0
    frames: list = field(default_factory=list)

    def __post_init__(self):
        import cv2

        noise = cv2.GaussianBlur(np.random.default_rng(0).random((200, 220)).astype(np.float32), (0, 0), 2)
        noise = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX)
        for index in range(self.n_frames):
            x, y = np.meshgrid(np.arange(220, dtype=np.float32), np.arange(200, dtype=np.float32))
            bump = 1.5 * np.sin(index / 3) * np.exp(-((x - 110) ** 2 + (y - 130) ** 2) / 300)
            self.frames.append(cv2.remap(noise, (x + bump).astype(np.float32), y, cv2.INTER_LINEAR).astype(np.uint8))
        self.timebase = Timebase(30.0, self.n_frames)

    def digest(self):
        return "0" * 64

    def read(self, frames):
        for frame in frames:
            self.reads += 1
            yield StillFrame(int(frame), self.frames[frame])


def landmarks(shift=0.0):
    points = np.full((68, 2), 64.0, dtype=np.float32)
    points[17:22] = [(20, 40), (25, 37), (30, 35), (38, 36), (50, 38)]
    points[22:27] = [(78, 38), (90, 36), (98, 35), (103, 37), (108, 40)]
    points[28] = (64, 60)
    points[36:42] = [(28, 50), (34, 47), (40, 47), (46, 50), (40, 53), (34, 53)]
    points[42:48] = [(82, 50), (88, 47), (94, 47), (100, 50), (94, 53), (88, 53)]
    points[[50, 57, 60, 64]] = [(60, 90), (64, 104), (46, 96), (82, 96)]
    return points + np.float32(40 + shift)


def faces_of(video, reference, references=1):
    found = tuple(Face(0, Box(40.0 + 3 * i, 40.0, 128.0, 128.0), landmarks(3.0 * i), 80.0) for i in range(references))
    reference = np.asarray(reference)
    return FaceTrack(np.arange(video.n_frames), reference, found, 1, 1, float(np.mean(reference >= 0)))


def run(video, faces, specs, tmp_path, **options):
    selection = Selection(np.arange(video.n_frames), 30.0)
    stored = extract(video, selection, faces, specs, cache=FeatureCache(tmp_path), context={}, **options)
    return tuple(one.open() for one in stored)


def test_each_row_compares_its_frame_with_the_one_a_distance_later(tmp_path):
    video = MemoryVideo()
    faces = faces_of(video, [0] * 24)
    specs = [
        feature_spec("strain", distance_s=0.1),
        feature_spec("softnet", distance_s=0.2, reading="code", roi_layout="split"),
    ]
    strain, images = run(video, faces, specs, tmp_path)
    face = faces.references[0]
    regions = face_regions(to_crop(face.landmarks, face.box, 128))
    crops = np.stack([crop(frame, face.box, 128) for frame in video.frames])
    engine = load_flow_engine("tvl1")
    np.testing.assert_array_equal(strain.frames, np.arange(21))
    np.testing.assert_allclose(strain.values, strain_sums(engine.flow(crops[:-3], crops[3:]), regions), rtol=1e-5)
    flow = engine.flow(crops[:-6], crops[6:])
    np.testing.assert_allclose(images.values, softnet_images(flow, regions, roi_layout="split"), atol=1e-6)
    assert video.reads == 24


def test_a_lost_face_gives_no_score_on_either_side_of_a_pair(tmp_path):
    video = MemoryVideo()
    reference = np.zeros(24, dtype=int)
    reference[10:12] = -1
    (strain,) = run(video, faces_of(video, reference), [feature_spec("strain", distance_s=0.1)], tmp_path)
    assert np.flatnonzero(~strain.valid).tolist() == [7, 8, 10, 11]
    np.testing.assert_array_equal(np.isnan(strain.values), ~strain.valid)


def test_a_pair_across_two_references_uses_the_first_frames_box_for_both(tmp_path):
    video = MemoryVideo()
    reference = np.repeat([0, 1], 12)
    (strain,) = run(video, faces_of(video, reference, 2), [feature_spec("strain", distance_s=0.1)], tmp_path)
    (alone,) = run(video, faces_of(video, [0] * 24), [feature_spec("strain", distance_s=0.1)], tmp_path / "alone")
    assert strain.valid.all()
    np.testing.assert_array_equal(strain.values[:12], alone.values[:12])


def test_a_face_whose_regions_leave_the_crop_is_not_usable(tmp_path):
    video = MemoryVideo()
    faces = faces_of(video, [0] * 24)
    outside = Face(0, Box(0.0, 0.0, 60.0, 60.0), landmarks(), 80.0)
    faces = FaceTrack(faces.frames, faces.reference, (outside,), 1, 1, 1.0)
    (strain,) = run(video, faces, [feature_spec("strain", distance_s=0.1)], tmp_path)
    assert not strain.valid.any()


def test_a_second_run_reads_nothing_and_another_setting_reads_again(tmp_path):
    video = MemoryVideo()
    faces = faces_of(video, [0] * 24)
    (first,) = run(video, faces, [feature_spec("strain", distance_s=0.1)], tmp_path)
    (second,) = run(video, faces, [feature_spec("strain", distance_s=0.1)], tmp_path)
    assert video.reads == 24
    np.testing.assert_array_equal(first.values, second.values)
    run(video, faces, [feature_spec("strain", distance_s=0.1, flow="dis")], tmp_path)
    assert video.reads == 48


def test_values_do_not_depend_on_the_number_of_workers(tmp_path):
    video = MemoryVideo()
    faces = faces_of(video, [0] * 24)
    one, two = (
        run(video, faces, [feature_spec("strain", distance_s=0.1)], tmp_path / str(n), workers=n)[0] for n in (1, 2)
    )
    assert one.values.tobytes() == two.values.tobytes()


def test_a_failure_in_the_middle_leaves_no_entry(tmp_path):
    video = MemoryVideo()
    whole = video.read

    def broken(frames):
        yield from whole(frames[:10])
        raise RuntimeError("stop")

    video.read = broken
    with pytest.raises(RuntimeError, match="stop"):
        run(video, faces_of(video, [0] * 24), [feature_spec("strain", distance_s=0.1)], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


class Listener:
    """A stream that notes what it is given."""

    def __init__(self, places):
        self.places, self.outputs, self.pushed = np.array(places), [], []

    def push(self, row, frame):
        self.pushed.append((row, frame.index))
        for _, writer in self.outputs:
            writer.append(np.full((1, 2), row, dtype=np.uint8))

    def finish(self):
        return np.ones(len(self.places), dtype=bool)


def test_each_stream_is_given_the_frames_at_its_places(tmp_path, monkeypatch):
    streams = {"few": Listener([0, 3, 9]), "others": Listener([1, 3, 4])}
    kinds = {
        name: FeatureKind(
            version=1,
            needs=(),
            row_shape=lambda spec: (2,),
            rows=lambda spec, selection, stream=stream: Selection(selection.frames[stream.places], 3.0),
            shared=lambda spec, selection: spec.kind,
            stream=lambda spec, source, stream=stream: stream,
            row_type=numbers,
            uses_flow=False,
        )
        for (name, stream), numbers in zip(streams.items(), ("|u1", "<f4"), strict=True)
    }
    for module in ("extract", "kinds"):
        # The package has a function of the same name as the module.
        monkeypatch.setattr(import_module(f"facespot.features.{module}"), "KINDS", kinds)
    video, done = MemoryVideo(), []
    faces = faces_of(video, [0] * 24)
    selection, specs = Selection(np.arange(2, 24, 2), 15.0), [feature_spec("few"), feature_spec("others")]
    stored = extract(video, selection, faces, specs, cache=FeatureCache(tmp_path), context={},
                     on_progress=lambda *counts: done.append(counts))  # fmt: skip
    assert streams["few"].pushed == [(0, 2), (3, 8), (9, 20)]
    assert streams["others"].pushed == [(1, 4), (3, 8), (4, 10)]
    assert video.reads == 5
    assert done == [(count, 5) for count in range(1, 6)]
    few, others = (one.open() for one in stored)
    assert few.frames.tolist() == [2, 8, 20]
    assert few.fps == others.fps == 3.0
    assert (few.values.dtype, others.values.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(few.values[:, 0], [0, 3, 9])
    np.testing.assert_array_equal(others.values[:, 0], [1, 3, 4])


@pytest.mark.parametrize(("kind", "numbers"), [("strain", "<f4"), ("region_flow", "<f4"), ("aligned_faces", "|u1")])
def test_what_the_numbers_of_a_feature_are(kind, numbers):
    assert row_type(FeatureSpec(kind, 1)) == numbers


@pytest.mark.parametrize(
    ("kind", "settings", "digest"),
    [
        ("strain", {"distance_s": 0.1}, "2f27196a327ded8f"),
        ("softnet", {"distance_s": 0.2, "reading": "code", "roi_layout": "split"}, "e631ee7d7410d12b"),
        ("mean", {"distance_s": 0.2, "flow": "dis", "reading": "paper", "roi_layout": "joined"}, "3eb89b7f884e491d"),
        ("aligned_faces", {"rows_per_second": 60.0, "smoothing_s": 0.03, "landmarks_every": 1}, "7e284935edef6003"),
    ],
)
def test_what_is_in_a_cache_is_found_again(kind, settings, digest):
    # Whoever changes what is computed raises a version, and then these.
    assert feature_spec(kind, **settings).digest() == digest


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("strain", "distance_s"), ("region_flow", "reach"), ("aligned_faces", "rows_per_second")],
)
def test_a_setting_that_is_missing_is_named(kind, missing):
    with pytest.raises(TypeError, match=f"'{kind}' needs '{missing}'"):
        feature_spec(kind)
