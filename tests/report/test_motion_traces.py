"""Motion over time as a picture: curve, interval and marks are where they belong, in all panels alike."""

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes

from facespot.report.motion_traces import (
    DOTS_PER_INCH,
    PANEL_INCHES,
    REST_INCHES,
    WIDTH_INCHES,
    MotionTrace,
    ShadedInterval,
    write_motion_traces,
)

TIMES = np.linspace(-1, 1, 61)
RISING = MotionTrace("rising", "", TIMES.astype(np.float32))
FLAT = MotionTrace("flat", "", np.zeros(61, dtype=np.float32))
MARKS = {"onset": -0.5, "apex": 0.0, "offset": 0.5}
MICRO, MACRO = ShadedInterval(-0.5, 0.5, "micro"), ShadedInterval(0.7, 1.0, "macro")
LINE = (34, 34, 34)


def draw(path, *traces, marks=MARKS, intervals=(MICRO,), most=1.2):
    labels = ("time", "motion")
    write_motion_traces(traces, TIMES, path, heading="", labels=labels, marks=marks, intervals=intervals, most=most)
    return cv2.imread(str(path)).astype(int)


def shaded(picture):
    """Columns in the tint of micro-expressions, by panel; the legend is left out."""
    tint = np.array([255 - 0.18 * (255 - one) for one in (91, 73, 209)])
    return (np.abs(picture - tint).sum(axis=2) < 8)[:-80]


def test_the_curve_rises_and_the_interval_is_in_the_middle(tmp_path):
    picture = draw(tmp_path / "a.png", RISING, marks={})
    rows, columns = np.nonzero(np.abs(picture - LINE).sum(axis=2) < 20)
    tinted = shaded(picture).any(axis=0).nonzero()[0]
    inside = (columns > tinted.min()) & (columns < tinted.max()) & (rows > 60)
    slope = np.polyfit(columns[inside], rows[inside], 1)[0]
    assert slope < -0.05, "rows count from the top"
    # Quarters of the time axis are shaded, the outer ones are not.
    spine = np.nonzero((np.abs(picture).sum(axis=2) < 30).sum(axis=1) > 500)[0]
    axis = np.nonzero(np.abs(picture[spine[-1]]).sum(axis=1) < 30)[0]
    width = axis.max() - axis.min()
    assert (tinted.min() - axis.min()) / width == pytest.approx(0.25, abs=0.02)
    assert (tinted.max() - axis.min()) / width == pytest.approx(0.75, abs=0.02)


def test_panels_have_one_scale_and_their_marks(tmp_path, monkeypatch):
    drawn, texts, plain_line, plain_text = [], [], Axes.axvline, Axes.text
    monkeypatch.setattr(
        Axes, "axvline", lambda self, x, **rest: (drawn.append((self, x)), plain_line(self, x, **rest))[1]
    )
    monkeypatch.setattr(
        Axes, "text", lambda self, *one, **rest: (texts.append(one[2]), plain_text(self, *one, **rest))[1]
    )
    far = MotionTrace("far", "", np.where(TIMES < 0, np.nan, -7 * TIMES).astype(np.float32))
    picture = draw(tmp_path / "a.png", RISING, far, intervals=(MICRO, MACRO))
    assert [x for _, x in drawn] == [*MARKS.values()] * 2
    assert {axes.get_ylim() for axes, _ in drawn} == {(-1.2, 1.2)}
    assert {axes.get_xlim() for axes, _ in drawn} == {(-1.0, 1.0)}
    assert texts == ["beyond the scale, to -7.0"]
    inches = 2 * PANEL_INCHES + REST_INCHES, WIDTH_INCHES
    assert picture.shape[:2] == pytest.approx([DOTS_PER_INCH * one for one in inches], abs=1)


def test_a_kind_is_named_once_in_the_legend(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    names, plain = [], Figure.legend
    monkeypatch.setattr(
        Figure, "legend", lambda self, one, labels, **rest: (names.extend(labels), plain(self, one, labels, **rest))[1]
    )
    draw(tmp_path / "a.png", FLAT, FLAT, intervals=(MICRO, MACRO, ShadedInterval(-0.9, -0.8, "micro")))
    assert names == ["micro-expression", "macro-expression", *MARKS]


def test_equal_motion_gives_equal_bytes(tmp_path):
    for name, trace in (("a", RISING), ("b", RISING), ("c", FLAT)):
        draw(tmp_path / f"{name}.png", trace)
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != other


@pytest.mark.parametrize(("traces", "marks"), [((), MARKS), ((FLAT,), {**MARKS, "another": 0.1})])
def test_what_cannot_be_drawn_is_refused(traces, marks, tmp_path):
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw(tmp_path / "a.png", *traces, marks=marks)
