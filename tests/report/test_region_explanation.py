"""The picture of an explanation: pairs together, motion and bars where they belong, equal bytes."""

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes

from facespot.report.region_explanation import drawing_order, write_region_explanation

REGIONS = ("left brow", "left lid", "right brow", "nose", "right lid")
TIMES = np.linspace(2.0, 3.0, 31)
MARKS = {"onset": 2.2, "apex": 2.5, "offset": 2.9}


def picture_of(path, motion=None, importance=None, marks=MARKS, kind="micro"):
    motion = np.zeros((31, 5), dtype=np.float32) if motion is None else motion
    importance = np.zeros(5, dtype=np.float32) if importance is None else importance
    write_region_explanation(REGIONS, TIMES, motion, importance, path, kind=kind, heading="one",
                             motion_label="motion (pixels)", marks=marks)  # fmt: skip
    return cv2.imread(str(path))


def test_the_right_side_follows_the_left_one():
    assert [REGIONS[place] for place in drawing_order(REGIONS)] == [
        "left brow", "right brow", "left lid", "right lid", "nose",
    ]  # fmt: skip
    assert drawing_order(["chin", "right lip", "left lip"]) == [0, 1, 2]
    assert drawing_order([]) == []


def test_motion_is_drawn_at_its_time_in_the_row_of_its_region(tmp_path):
    motion = np.zeros((31, 5), dtype=np.float32)
    motion[20:25, 3] = 2.0
    motion[:6, 0] = np.nan
    picture = picture_of(tmp_path / "a.png", motion, marks={})
    moved, unseen = (largest_patch(picture, color) for color in ((191, 253, 252), (0xDD, 0xDD, 0xDD)))
    width, height = unseen[2] / 6, unseen[3]
    # The nose is the last of five rows, the left brow the first.
    assert moved[0] == pytest.approx(unseen[0] + 20 * width, abs=2)
    assert moved[1] == pytest.approx(unseen[1] + 4 * height, abs=3)
    assert moved[2:] == pytest.approx([5 * width, height], abs=2)


def largest_patch(picture, color):
    """Left, top, width and height of the largest patch of a colour."""
    alike = (np.abs(picture.astype(int) - color).sum(axis=2) < 12).astype(np.uint8)
    patches = cv2.connectedComponentsWithStats(alike, connectivity=4)[2][1:]
    return patches[patches[:, cv2.CC_STAT_AREA].argmax()][:4].tolist()


def test_bars_and_marks_are_what_was_given(tmp_path, monkeypatch):
    bars, lines, names = [], [], []
    plain_bar, plain_line, plain_name = Axes.barh, Axes.axvline, Axes.annotate

    def barh(self, y, x, **rest):
        bars.append((list(y), list(x), rest["color"]))
        return plain_bar(self, y, x, **rest)

    def axvline(self, x, **rest):
        lines.append(x)
        return plain_line(self, x, **rest)

    def annotate(self, text, at, **rest):
        names.append((text, at[0]))
        return plain_name(self, text, at, **rest)

    for one in (barh, axvline, annotate):
        monkeypatch.setattr(Axes, one.__name__, one)
    importance = np.array([0.5, -0.1, 0.25, 0.0, 0.125], dtype=np.float32)
    picture_of(tmp_path / "a.png", importance=importance, kind="macro")
    ((places, values, colors),) = bars
    assert places == [0, 1, 2, 3, 4]
    assert values == pytest.approx([0.5, 0.25, -0.1, 0.125, 0.0])
    assert colors == ["#2f6db5", "#2f6db5", "#999999", "#2f6db5", "#2f6db5"]
    assert lines[:3] == list(MARKS.values())
    assert names == list(MARKS.items())


def test_equal_explanations_give_equal_bytes(tmp_path):
    motion = np.random.default_rng(0).random((31, 5)).astype(np.float32)
    for name in ("a.png", "b.png"):
        picture_of(tmp_path / name, motion)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"motion": np.zeros((30, 5), dtype=np.float32)},
        {"importance": np.zeros(4, dtype=np.float32)},
        {"marks": dict.fromkeys("abcd", 2.0)},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(tmp_path, changes):
    with pytest.raises(ValueError, match="motion"):
        picture_of(tmp_path / "a.png", **changes)
    assert not list(tmp_path.iterdir())


def test_no_face_at_all_can_be_drawn(tmp_path):
    assert picture_of(tmp_path / "a.png", np.full((31, 5), np.nan, dtype=np.float32)) is not None
