"""Points by class as a picture: each class in its colour and its panel, equal points give equal bytes."""

import cv2
import numpy as np
import pytest

from facespot.report.scatter import DOTS_PER_INCH, LEGEND_INCHES, PANEL_INCHES, ScatterPanel, write_scatter

# BGR of the opaque colours over white, where points lie upon one another.
BLUE, RED, GRAY = (181, 109, 47), (91, 73, 209), (148, 143, 139)
LEFT, RIGHT, ABOVE = (
    (np.random.default_rng(0).normal(size=(400, 2)) * 0.2 + place) for place in ((-3, 0), (3, 0), (0, 3))
)
NONE = np.zeros((0, 2))
AXES = ("PC 1", "PC 2")


def panel(**points):
    return ScatterPanel("title", "subtitle", points, AXES)


def draw(path, *panels):
    write_scatter(panels, path)
    return cv2.imread(str(path)).astype(int)


def places(picture, color):
    """Rows and columns of pixels whose colour is nearly that one; the legend is left out."""
    above = picture[: -round(LEGEND_INCHES * DOTS_PER_INCH)]
    return np.nonzero(np.abs(above - color).sum(axis=2) < 45)


def test_classes_lie_where_their_points_are(tmp_path):
    picture = draw(tmp_path / "a.png", panel(macro=LEFT, micro=RIGHT), panel(normal=ABOVE, micro=RIGHT))
    width = picture.shape[1] / 2
    (_, blue), (gray_rows, gray), (red_rows, red) = (places(picture, color) for color in (BLUE, GRAY, RED))
    first_red, second_red = red < width, red > width
    assert len(blue) > 50
    assert blue.max() < red[first_red].min()
    assert gray[gray > width].size > 50
    assert np.median(gray_rows[gray > width]) < np.median(red_rows[second_red]), "rows count from the top"


def test_frames_without_expression_have_one_look_by_both_names(tmp_path):
    normal = draw(tmp_path / "normal.png", panel(normal=ABOVE, micro=RIGHT))
    neutral = draw(tmp_path / "neutral.png", panel(neutral=ABOVE, micro=RIGHT))
    above = slice(0, -round(LEGEND_INCHES * DOTS_PER_INCH))
    np.testing.assert_array_equal(normal[above], neutral[above])
    assert (normal != neutral).any(), "the legend names them"


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2)])
def test_two_panels_stand_in_a_row(count, rows, columns, tmp_path):
    picture = draw(tmp_path / "a.png", *[panel(macro=LEFT, micro=RIGHT)] * count)
    inches = rows * PANEL_INCHES[1] + LEGEND_INCHES, columns * PANEL_INCHES[0]
    assert picture.shape[:2] == pytest.approx([DOTS_PER_INCH * one for one in inches], abs=1)


def test_a_class_without_points_is_named(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    texts, plain = [], Axes.text
    monkeypatch.setattr(
        Axes, "text", lambda self, x, y, text, **rest: (texts.append(text), plain(self, x, y, text, **rest))
    )
    draw(
        tmp_path / "a.png",
        panel(macro=LEFT, micro=NONE),
        panel(normal=NONE, micro=NONE),
        panel(macro=LEFT, micro=RIGHT),
    )
    assert texts == ["no micro frame", "no normal and no micro frame"]


def test_equal_points_give_equal_bytes(tmp_path):
    for name, points in (("a", LEFT), ("b", LEFT), ("c", LEFT + 1)):
        draw(tmp_path / f"{name}.png", panel(macro=points, micro=RIGHT))
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != other
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no points"):
        write_scatter([], tmp_path / "a.png")
