"""Segments as bars: each where it is in time, in the colour of its type, measured on the pixels."""

import cv2
import numpy as np
import pytest

from facespot.report.segmentation_bars import Segment, SegmentationBar, SegmentationPanel, write_segmentation_bars

# BGR.
BLUE, RED, GROUND = (181, 109, 47), (91, 73, 209), (238, 235, 233)
TRUE = SegmentationBar("annotated", "2 expressions", (Segment(1.0, 3.0, "macro"), Segment(8.0, 8.5, "micro")))
FOUND = SegmentationBar("final result", "1 expression", (Segment(4.0, 6.0, "micro"),))
LOST = SegmentationBar("final result", "nothing", (Segment(0.0, 5.0, None),))


def draw(path, *panels):
    write_segmentation_bars(panels, path)
    return cv2.imread(str(path)).astype(int)[: -round(0.5 * 110)]


def panel(*bars, title="a/video", end_s=10.0):
    return SegmentationPanel(title, end_s, bars)


def places(picture, color):
    return np.nonzero(np.abs(picture - color).sum(axis=2) < 20)


def test_segments_are_where_their_seconds_are(tmp_path):
    picture = draw(tmp_path / "a.png", panel(TRUE, FOUND))
    # Letters have edges of that colour too, but not one below the other.
    left, right = np.flatnonzero(np.bincount(places(picture, GROUND)[1]) > 20)[[0, -1]]
    scale = (right + 1 - left) / 10.0

    def seconds(columns):
        return (columns.min() - left) / scale, (columns.max() + 1 - left) / scale

    assert seconds(places(picture, BLUE)[1]) == pytest.approx((1.0, 3.0), abs=0.03)
    rows, columns = places(picture, RED)
    known = np.unique(rows)
    (between,) = np.flatnonzero(np.diff(known) > 1)
    assert seconds(columns[rows <= known[between]]) == pytest.approx((8.0, 8.5), abs=0.03)
    assert seconds(columns[rows > known[between]]) == pytest.approx((4.0, 6.0), abs=0.03)


def test_bars_stand_in_the_given_order_and_panels_below_one_another(tmp_path):
    blue = SegmentationBar("blue", "", (Segment(0.0, 10.0, "macro"),))
    red = SegmentationBar("red", "", (Segment(0.0, 10.0, "micro"),))
    one = draw(tmp_path / "one.png", panel(blue, red))
    assert places(one, BLUE)[0].max() < places(one, RED)[0].min()
    two = draw(tmp_path / "two.png", panel(blue), panel(red, end_s=3.0))
    assert places(two, BLUE)[0].max() < places(two, RED)[0].min()
    assert two.shape[0] > one.shape[0]


def test_what_is_not_known_is_hatched_and_explained_only_where_it_is(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    labels, plain = [], Figure.legend

    def legend(self, handles, **rest):
        labels.append([one.get_label() for one in handles])
        return plain(self, handles=handles, **rest)

    monkeypatch.setattr(Figure, "legend", legend)
    known = draw(tmp_path / "known.png", panel(TRUE, FOUND))
    lost = draw(tmp_path / "lost.png", panel(TRUE, LOST))
    assert labels == [["neutral", "macro", "micro"], ["neutral", "macro", "micro", "no face"]]
    assert len(places(lost, GROUND)[0]) < len(places(known, GROUND)[0])
    assert len(places(lost, (166, 160, 154))[0]) > 100


def test_signs_in_texts_are_printed_as_they_are(tmp_path):
    odd = SegmentationBar(r"$\frac{", r"a $ b", ())
    assert draw(tmp_path / "a.png", panel(odd, title=r"$\frac{ $")).shape[0] > 50


def test_equal_segments_give_equal_bytes(tmp_path):
    for name, bar in (("a", FOUND), ("b", FOUND), ("c", LOST)):
        draw(tmp_path / f"{name}.png", panel(TRUE, bar))
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != other
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("panels", [[], [panel()]])
def test_nothing_is_refused(panels, tmp_path):
    with pytest.raises(ValueError, match="no segments"):
        write_segmentation_bars(panels, tmp_path / "a.png")
