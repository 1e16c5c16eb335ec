"""Learning curves as a picture: what changes in the figures is seen, equal figures give equal bytes."""

import cv2
import numpy as np
import pytest

from facespot.report.learning_curves import EpochFigures, LearningCurves, write_learning_curves

FALLING = EpochFigures(tuple(np.exp(-np.arange(40) / 10)), tuple(1 - np.exp(-np.arange(40) / 10)))
RISING = EpochFigures(tuple(1 + np.arange(40) / 40), (0.5,) * 40)


def draw(path, *curves):
    write_learning_curves(curves, path, losses="loss", accuracies="accuracy")
    return cv2.imread(str(path)).astype(int)


def blue(picture):
    """Pixels in the colour of the first training, by half of the picture."""
    matching = np.abs(picture - [181, 109, 47]).sum(axis=2) < 30
    half = matching.shape[1] // 2
    return matching[:-60, :half], matching[:-60, half:]


def test_the_curves_fall_and_rise_as_the_figures_do(tmp_path):
    loss, accuracy = blue(draw(tmp_path / "curves.png", LearningCurves("one", FALLING, FALLING)))
    for part, falls in ((loss, True), (accuracy, False)):
        columns = np.flatnonzero(part.any(axis=0))
        first, last = (part[:, some].nonzero()[0].mean() for some in (columns[:5], columns[-5:]))
        assert (first < last) == falls, "rows count from the top"


def test_held_out_figures_are_seen(tmp_path):
    first = draw(tmp_path / "a.png", LearningCurves("one", FALLING, FALLING))
    other = draw(tmp_path / "b.png", LearningCurves("one", FALLING, RISING))
    assert (first != other).any()
    again = draw(tmp_path / "c.png", LearningCurves("one", FALLING, FALLING))
    assert (first == again).all()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "c.png").read_bytes()


@pytest.mark.parametrize("number", [0, 5])
def test_none_or_too_many_are_refused(number, tmp_path):
    with pytest.raises(ValueError, match=f"{number} trainings"):
        draw(tmp_path / "curves.png", *[LearningCurves("one", FALLING, FALLING)] * number)
