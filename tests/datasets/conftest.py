"""Tiny copies of the corpora in their true layouts: real JPEG frames, real .xlsx, made when a test asks."""

import av
import cv2
import numpy as np
import pytest
from openpyxl import Workbook


def write_frames(folder, names):
    """Small JPEG files of these names; the codec runs once, the content does not matter here."""
    folder.mkdir(parents=True)
    picture = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (12, 1))
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    for name in names:
        (folder / name).write_bytes(data)


def write_workbook(path, *sheets):
    """An .xlsx whose sheets hold these rows."""
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def write_video(path, n_frames, rate):
    """A small video file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(n_frames):
            picture = np.full((32, 32, 3), number % 256, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture
def frames():
    return write_frames


@pytest.fixture
def workbook():
    return write_workbook


@pytest.fixture
def video():
    return write_video


@pytest.fixture
def reasons():
    """Reasons of one kind of finding, each after its place."""
    return lambda dataset, action: [f"{one.where}: {one.reason}" for one in dataset.report.of(action)]


def numbered(pattern, last, first=1):
    """Names of frames first..last."""
    return [pattern.format(number) for number in range(first, last + 1)]


def make_cas_me_2(tmp_path):
    """Subjects 15, 16 and 23; participant numbers differ from folder numbers as in the true sheets."""
    raw = tmp_path / "CAS(ME)^2" / "rawpic"
    write_frames(raw / "s15" / "15_0401girlcrashing", numbered("img{:04d}.jpg", 120))
    write_frames(raw / "s15" / "15_0503unnyfarting", numbered("img{}.jpg", 30))
    write_frames(raw / "s16" / "16_0101disgustingteeth", numbered("img{:03d}.jpg", 60))
    write_frames(raw / "s19" / "23_0503funnyfarting", numbered("img{:04d}.jpg", 40))
    macro, micro = "macro-expression", "micro-expression"
    write_workbook(
        tmp_path / "CAS(ME)^2" / "CAS(ME)^2code_final.xlsx",
        [
            [1, "anger1_1", 10, 14, 20, "4+10+14", "negative", macro, "anger"],
            [1, "anger1_2", 18, 24, 30, 12, "positive", macro, "happy"],
            [1, "anger1_3", 40, 46, 0, "4", "others", macro, "anger"],
            [1, "anger1_4", 60, 75, 70, None, "negative", macro, "anger"],
            [1, "anger1_5", 80, 0, 90, "R12A", "surprise", macro, "anger"],
            [1, "anger1_6", 100, 103, 108, "4(B/C)+7B", "surprise", micro, "anger"],
            [1, "happy3_1", 2, 5, 9, "6", "positive", micro, "happy"],
            [2, "disgust1_1", 5, 8, 12, "9", "negative", micro, "disgust"],
            [3, "happy3_1", 5, 9, 38, "6+12", "positive", macro, "happy"],
        ],
        [["x", "s15", 1], ["x", "s16", 2], ["x", "s23", 3]],
        [["0401", "anger1"], ["0503", "happy3"], ["0101", "disgust1"]],
    )
    return tmp_path / "CAS(ME)^2"


@pytest.fixture
def cas_me_2(tmp_path):
    return make_cas_me_2(tmp_path)
