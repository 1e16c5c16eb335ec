from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.errors import VideoError
from facespot.values import Timebase
from facespot.video import Selection, select


def a_video(fps=25.0, n_frames=100, timestamps_s=None, promised_frames=None):
    return SimpleNamespace(
        path=Path("talk.mp4"), timebase=Timebase(fps, n_frames, timestamps_s), promised_frames=promised_frames
    )


def test_everything_by_default():
    selection = select(a_video())
    assert selection.frames.tolist() == list(range(100))
    assert selection.fps == 25.0


def test_a_stretch_holds_its_start_and_not_its_end():
    assert select(a_video(), start_s=1.0, end_s=2.0).frames.tolist() == list(range(25, 50))
    assert select(a_video(30.0, 300), start_s=0.1, end_s=0.7).frames.tolist() == list(range(3, 21))
    assert select(a_video(), start_s=3.9).frames.tolist() == [98, 99]


def test_the_duration_as_shown_is_a_valid_end():
    assert len(select(a_video(29.97, 1000), end_s=33.37).frames) == 1000


def test_true_times_decide_where_they_vary():
    times = np.array([0.0, 0.5, 0.6, 0.7, 2.0])
    selection = select(a_video(2.0, 5, times), start_s=0.55, end_s=2.0)
    assert selection.frames.tolist() == [2, 3]
    assert selection.fps == pytest.approx(10)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start_s": 4.0}, "--start 4 .*lasts 4.00 s"),
        ({"start_s": -1.0}, "--start -1 .*lasts 4.00 s"),
        ({"end_s": 9.0}, "--end 9 .*lasts 4.00 s"),
        ({"end_s": 0.0}, "--end 0 "),
        ({"start_s": 3.0, "end_s": 2.0}, "not after --start"),
        ({"start_s": 2.0, "end_s": 2.0}, "not after --start"),
        ({"start_s": 1.001, "end_s": 1.002}, "no frame"),
        ({"start_s": float("nan")}, "finite"),
        ({"fps": 30.0}, "higher than the video's 25 .*up to 25"),
        ({"fps": 0.0}, "not a frame rate"),
        ({"fps": float("inf")}, "not a frame rate"),
    ],
)
def test_impossible_settings_are_one_clear_line(settings, words):
    with pytest.raises(VideoError, match=words) as raised:
        select(a_video(), **settings)
    assert str(raised.value).startswith("talk.mp4: ")
    assert "\n" not in str(raised.value)


def test_a_truncated_file_is_selected_within_its_readable_part():
    video = a_video(30.0, 412, promised_frames=900)
    with pytest.raises(VideoError) as raised:
        select(video)
    assert str(raised.value) == (
        "talk.mp4: the file is truncated: the header promises 900 frames, only 412 can be read; "
        "copy it again, or spot only the readable part with --end 13.7"
    )
    assert len(select(video, end_s=13.7).frames) == 411


def test_a_rate_within_one_percent_means_all_frames():
    selection = select(a_video(29.97, 300), fps=30.0)
    assert len(selection.frames) == 300
    assert selection.fps == 29.97


@given(st.floats(1, 240), st.integers(1, 2000), st.floats(0.02, 0.985))
def test_a_lower_rate_picks_the_nearest_frames(own_rate, count, part):
    fps = own_rate * part
    selection = select(a_video(own_rate, count), fps=fps)
    assert selection.frames[0] == 0
    assert selection.frames[-1] < count
    wanted_s = np.arange(len(selection.frames)) / fps
    off_s = np.abs(selection.frames / own_rate - wanted_s)
    assert np.all(off_s <= 0.5 / own_rate + 2e-6)
    assert len(selection.frames) == pytest.approx(count * part, abs=1.01)
    assert selection.fps == fps


def test_half_the_rate_is_every_second_frame():
    selection = select(a_video(50.0, 100), start_s=0.2, end_s=1.2, fps=25.0)
    assert selection.frames.tolist() == list(range(10, 60, 2))
    assert selection.fps == 25.0


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=80), st.floats(0.05, 0.95))
def test_picking_from_varying_times(gaps, part):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    rate = len(gaps) / times[-1]
    selection = select(a_video(rate, len(times), times), fps=rate * part)
    frames = selection.frames
    assert np.all(np.diff(frames) > 0)
    assert 0 <= frames[0] <= frames[-1] < len(times)
    assert selection.fps <= rate * part * (1 + 1e-9)


def test_selection_is_a_checked_value():
    selection = Selection(np.array([1, 4]), 2.0)
    with pytest.raises(ValueError, match="read-only"):
        selection.frames[0] = 0
    for frames, fps in (([], 2.0), ([2, 2], 2.0), ([1, 2], 0.0), ([[1]], 1.0)):
        with pytest.raises(ValueError, match=r"frames|fps"):
            Selection(np.array(frames, dtype=np.int64), fps)
