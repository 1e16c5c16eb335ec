"""The confusion matrix as a picture: shares by row, colours by share, equal bytes for equal counts."""

import cv2
import numpy as np
import pytest

from facespot.report.confusion_matrix import (
    CELL_INCHES,
    DOTS_PER_INCH,
    MARGIN_INCHES,
    row_shares,
    write_confusion_matrix,
)

CLASSES = ("negative", "positive", "surprise")


def cells(path, n_rows, n_columns):
    """Colour near the upper left corner of each cell, from the bottom right of the picture upwards."""
    picture = cv2.imread(str(path))
    side, margin = CELL_INCHES * DOTS_PER_INCH, MARGIN_INCHES * DOTS_PER_INCH
    height, width = picture.shape[:2]
    inset = 12
    rows = [round(height - margin - side * (n_rows - row)) + inset for row in range(n_rows)]
    columns = [round(width - margin - side * (n_columns - column)) + inset for column in range(n_columns)]
    return np.array([[picture[row, column].astype(int).sum() for column in columns] for row in rows])


def test_the_darker_a_cell_the_larger_its_share_of_the_row(tmp_path):
    counts = np.array([[8, 1, 1], [0, 2, 2], [30, 0, 10]])
    write_confusion_matrix(CLASSES, counts, tmp_path / "matrix.png")
    brightness = cells(tmp_path / "matrix.png", 3, 3)
    shares = row_shares(counts)
    assert shares.sum(axis=1) == pytest.approx(100)
    order = np.argsort(shares, axis=None, kind="stable")
    assert (np.diff(brightness.ravel()[order]) <= 0).all()
    assert brightness[1, 1] == brightness[1, 2] < brightness[1, 0]


def test_samples_without_a_class_get_a_column_where_there_are_any(tmp_path):
    with_none = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    write_confusion_matrix(CLASSES, with_none, tmp_path / "four.png")
    write_confusion_matrix(CLASSES, with_none * [1, 1, 1, 0], tmp_path / "three.png")
    wide, narrow = (cv2.imread(str(tmp_path / name)).shape[1] for name in ("four.png", "three.png"))
    assert wide - narrow == pytest.approx(CELL_INCHES * DOTS_PER_INCH, abs=1)
    assert len(set(cells(tmp_path / "four.png", 3, 4)[2])) == 1, "a class without samples has no shares"


def test_equal_counts_give_equal_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        write_confusion_matrix(CLASSES, np.eye(3, dtype=int), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 5)])
def test_another_shape_is_refused(shape, tmp_path):
    with pytest.raises(ValueError, match="no confusion matrix"):
        write_confusion_matrix(CLASSES, np.zeros(shape, dtype=int), tmp_path / "matrix.png")
