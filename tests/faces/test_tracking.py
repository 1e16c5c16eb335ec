from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from facespot.errors import FaceError, SettingsError
from facespot.faces import FaceSettings, FaceTrack, track_face
from facespot.faces.boxes import face_from_landmarks
from facespot.faces.tracking import MAX_WAITING_FRAMES
from facespot.values import Timebase


@dataclass
class FakeFrame:
    index: int
    video: FakeVideo

    def rgb(self):
        return np.full((1, 1, 3), self.index % 256, np.uint8)


@dataclass
class FakeVideo:
    """A video of which only the faces are known: `script(frame)` gives (x, size) of each."""

    script: object
    n_frames: int
    name: str = "fake"
    timebase: Timebase = field(init=False)

    def __post_init__(self):
        self.timebase = Timebase(30.0, self.n_frames)

    def read(self, frames):
        for frame in frames:
            yield FakeFrame(int(frame), self)


@pytest.fixture
def follow(known_points):
    unit = (known_points - known_points[27]) / np.linalg.norm(known_points[45] - known_points[36])

    def run(script, n_frames, *, frames=None, fps=30.0, on_progress=None, **settings):
        examined = []

        def detect(rgb, frame):
            examined.append(frame)
            found = [face_from_landmarks(frame, unit * size + (x, 0)) for x, size in script(frame)]
            return tuple(sorted(found, key=lambda face: -face.quality))

        frames = np.arange(n_frames) if frames is None else frames
        selection = SimpleNamespace(frames=frames, fps=fps)
        detector = SimpleNamespace(name="fake", version="1", detect=detect)
        video = FakeVideo(script, n_frames)
        track = track_face(video, selection, detector, FaceSettings(**settings), on_progress=on_progress)
        return track, examined

    return run


def test_a_still_face_is_detected_at_the_checks_only(follow):
    track, examined = follow(lambda frame: [(100, 90)], 100)
    assert examined == [*range(0, 100, 3)]
    assert track.reference.tolist() == [0] * 100
    assert [face.frame for face in track.references] == [0]
    assert (track.n_faces, track.chosen, track.coverage) == (1, 1, 1.0)
    assert track.valid.all()


def test_the_last_frames_are_looked_at_too(follow):
    track, examined = follow(lambda frame: [(100, 90)] if frame < 99 else [], 101)
    assert examined[-1] == 100
    assert np.flatnonzero(~track.valid).tolist() == [99, 100]


def test_loss_and_return_are_found_to_the_frame(follow):
    track, examined = follow(lambda frame: [] if 41 <= frame <= 58 else [(100, 90)], 100)
    assert np.flatnonzero(~track.valid).tolist() == [*range(41, 59)]
    assert track.reference[40] == 0
    assert track.reference[59] == 1
    assert [face.frame for face in track.references] == [0, 59]
    assert track.coverage == 0.82
    assert len(examined) < 45


def test_a_face_that_comes_late_starts_at_its_first_frame(follow):
    track, _ = follow(lambda frame: [(100, 90)] if frame >= 50 else [], 100)
    assert track.reference.tolist() == [-1] * 50 + [0] * 50
    assert track.references[0].frame == 50


def test_a_drifting_face_gets_references_no_farther_than_asked(follow):
    def place(frame):
        return 100 + max(0, frame - 50) * 1.3

    track, _ = follow(lambda frame: [(place(frame), 90)], 120)
    assert track.valid.all()
    assert len(track.references) > 2
    width = track.references[0].box.width
    moved = [abs(place(row) - place(track.references[index].frame)) for row, index in enumerate(track.reference)]
    assert max(moved) <= 0.1 * width + 1e-3
    starts = [int(np.flatnonzero(track.reference == index)[0]) for index in range(len(track.references))]
    assert [face.frame for face in track.references] == starts


def test_a_face_that_nods_within_the_tolerance_keeps_its_reference(follow):
    track, examined = follow(lambda frame: [(100 + 8 * np.sin(frame / 5), 90)], 200)
    assert len(track.references) == 1
    assert examined == [*range(0, 200, 3), 199]


def test_a_flicker_between_two_checks_is_not_seen(follow):
    track, _ = follow(lambda frame: [] if frame == 31 else [(100, 90)], 90)
    assert track.valid.all()


def test_a_flicker_on_a_check_costs_that_frame_alone(follow):
    track, _ = follow(lambda frame: [] if frame == 30 else [(100, 90)], 90)
    assert np.flatnonzero(~track.valid).tolist() == [30]
    assert track.reference[31:].tolist() == [1] * 59


def test_the_largest_face_that_persists_is_the_default(follow):
    def script(frame):
        passing = [(2000, 200)] if 40 <= frame < 44 else []
        return [(100, 60), (700, 90), *passing]

    track, _ = follow(script, 150)
    assert (track.n_faces, track.chosen) == (2, 1)
    assert track.references[0].quality == pytest.approx(90, rel=1e-5)
    second, _ = follow(script, 150, face=2)
    assert (second.n_faces, second.chosen) == (2, 2)
    assert second.references[0].quality == pytest.approx(60, rel=1e-5)


def test_a_large_face_in_few_frames_yields_to_a_lasting_one(follow):
    track, _ = follow(lambda frame: [(100, 60), *([(900, 100)] if frame >= 110 else [])], 150)
    assert track.n_faces == 2
    assert track.references[0].quality == pytest.approx(60, rel=1e-5)


def test_the_loss_of_the_other_face_does_not_touch_the_chosen_one(follow):
    track, _ = follow(lambda frame: [(100, 90), *([(700, 60)] if frame % 20 < 10 else [])], 120)
    assert track.valid.all()
    assert len(track.references) == 1


def test_asking_for_more_faces_than_there_are_tells_how_many(follow):
    with pytest.raises(FaceError, match="face 3 was asked for, but 2 faces were found; choose from 1 to 2"):
        follow(lambda frame: [(100, 60), (700, 90)], 60, face=3)


def test_no_face_at_all_is_an_error_that_counts_the_frames(follow):
    with pytest.raises(FaceError, match="fake: no face found in any of the 21 frames examined"):
        follow(lambda frame: [], 60)


def test_faces_that_are_too_small_are_not_usable(follow):
    track, _ = follow(lambda frame: [(100, 15 if frame < 30 else 25)], 60)
    assert np.flatnonzero(track.valid).tolist() == [*range(30, 60)]
    with pytest.raises(FaceError, match="15 pixels between the outer eye corners, and 20 are needed"):
        follow(lambda frame: [(100, 15)], 60)


def test_rows_are_rows_of_the_selection(follow):
    frames = np.arange(10, 300, 7)
    track, examined = follow(lambda frame: [(100, 90)] if frame >= 100 else [], 300, frames=frames, fps=30 / 7)
    np.testing.assert_array_equal(track.frames, frames)
    np.testing.assert_array_equal(track.valid, frames >= 100)
    assert track.references[0].frame == frames[frames >= 100][0]
    assert set(examined) <= set(frames.tolist())


def test_frames_waiting_for_a_check_are_bounded(follow):
    _, examined = follow(lambda frame: [(100, 90)], 1000, check_every_s=100)
    assert max(np.diff(examined)) <= MAX_WAITING_FRAMES


def test_progress_counts_up_to_the_end(follow):
    calls = []
    follow(lambda frame: [(100, 90)], 100, on_progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (100, 100)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert {total for _, total in calls} == {100}


def test_a_track_survives_an_archive_without_pickling(follow, tmp_path):
    track, _ = follow(lambda frame: [] if 41 <= frame <= 58 else [(100, 90), (700, 50)], 100, face=2)
    np.savez(tmp_path / "track.npz", **track.to_arrays())
    with np.load(tmp_path / "track.npz", allow_pickle=False) as archive:
        again = FaceTrack.from_arrays(archive)
    np.testing.assert_array_equal(again.frames, track.frames)
    np.testing.assert_array_equal(again.reference, track.reference)
    assert (again.n_faces, again.chosen, again.coverage) == (track.n_faces, track.chosen, track.coverage)
    assert len(again.references) == len(track.references) == 2
    for face, other in zip(again.references, track.references, strict=True):
        assert (face.frame, face.box, face.quality) == (other.frame, other.box, other.quality)
        np.testing.assert_array_equal(face.landmarks, other.landmarks)


def test_a_row_cannot_refer_to_a_face_that_is_not_there():
    with pytest.raises(ValueError, match="outside the 0 references"):
        FaceTrack(np.arange(2), np.array([-1, 0]), (), 1, 1, 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"face": 0},
        {"check_every_s": -1.0},
        {"max_drift": float("nan")},
        {"min_presence": 1.5},
        {"min_eye_distance": -3},
    ],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        FaceSettings(**wrong)
