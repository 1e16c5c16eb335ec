"""MEVIEW: videos and one table, on a tiny copy."""

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError, SettingsError
from facespot.values import Expression

HEADER = ["Person", "Video", "Onset", "Offset", "Emotion", "AUs"]


@pytest.fixture
def meview(tmp_path, video, workbook):
    video(tmp_path / "videos" / "02_01.mp4", 50, 25)
    video(tmp_path / "videos" / "03_02.mp4", 40, 25)
    video(tmp_path / "videos" / "09_09.mp4", 10, 25)

    def make(*rows):
        workbook(tmp_path / "MEVIEW.xlsx", [HEADER, *rows])
        return tmp_path

    return make


def test_recordings(meview, reasons):
    root = meview([2, "02_01", 11, 20, "Contempt", "R14A"], [3, "03_02.mp4", 1, 5, "Surprise", "1+2"])
    dataset = load_dataset("meview", root)
    first, second = dataset.recordings
    assert (first.id, first.subject, first.timebase.fps, first.timebase.n_frames) == ("videos/02_01", "2", 25.0, 50)
    assert first.truth.expressions == (Expression(10, None, 19, "micro", "contempt", ("R14A",)),)
    assert second.truth.expressions == (Expression(0, None, 4, "micro", "surprise", ("1", "2")),)
    noted = reasons(dataset, "noted")
    assert any("frames are taken to count from 1" in one for one in noted)
    assert any("09_09.mp4: no row names this video" in one for one in noted)


def test_frames_may_count_from_zero(meview):
    dataset = load_dataset("meview", meview([2, "02_01", 10, 20, "Fear", None]), index_base=0)
    assert dataset.recordings[0].truth.expressions[0].onset == 10
    with pytest.raises(SettingsError, match="cannot count from 2"):
        load_dataset("meview", meview([2, "02_01", 10, 20, "Fear", None]), index_base=2)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([2, "05_05", 1, 5, "Fear", "1"], "its video is not there: 05_05"),
        ([None, "02_01", 1, 5, "Fear", "1"], "no person is named"),
        ([8, "02_01", 1, 5, "Fear", "1"], "the person '8' is another than that of the video's first row, '2'"),
        ([2, "02_01", 1.5, 5, "Fear", "1"], "'1.5' is not a whole number"),
        ([2, "02_01", 9, 5, "Fear", "1"], "onset 9 comes after offset 5"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped(meview, reasons, row, reason):
    dataset = load_dataset("meview", meview([2, "02_01", 11, 20, "Fear", "4"], row))
    assert reasons(dataset, "dropped") == [f"MEVIEW.xlsx, sheet 'Sheet1', row 3: {reason}"]


def test_another_frame_rate_is_reported(tmp_path, video, workbook, reasons):
    video(tmp_path / "a.mp4", 30, 30)
    workbook(tmp_path / "MEVIEW.xlsx", [HEADER, [1, "a", 1, 5, "Fear", "4"]])
    assert "30 frames per second, 25 are published" in reasons(load_dataset("meview", tmp_path), "frame count")[0]


def test_without_a_table(tmp_path):
    with pytest.raises(FormatError, match=r"no \.xlsx or \.csv"):
        load_dataset("meview", tmp_path)
