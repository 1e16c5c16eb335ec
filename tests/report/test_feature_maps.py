"""Feature maps as pictures: what must be on them, measured on their pixels."""

import numpy as np
import pytest

from facespot.report import feature_maps as drawn
from facespot.report.feature_maps import FeatureMapRow, write_feature_maps

GRAY = 120
NOTHING = np.zeros((112, 112), dtype=np.float32)
LEFT_HALF = NOTHING.copy()
LEFT_HALF[:, :56] = 1.0


def row(*maps, title="frame 12: apex"):
    return FeatureMapRow(title, np.full((112, 112, 3), GRAY, dtype=np.uint8), maps)


def pictures(path, n_rows, n_columns):
    """Each picture, cut out by its place in the figure."""
    from matplotlib.image import imread

    image = np.round(imread(path)[..., :3] * 255).astype(int)
    per_inch, step = drawn.DOTS_PER_INCH, drawn.PICTURE_INCHES + drawn.GAP_INCHES
    first_top = drawn.MARGIN_INCHES + drawn.HEADINGS_INCHES + drawn.TITLE_INCHES
    found = []
    for index in range(n_rows):
        top = first_top + index * (drawn.TITLE_INCHES + step)
        high = slice(round(top * per_inch) + 2, round((top + drawn.PICTURE_INCHES) * per_inch) - 2)
        lefts = [drawn.MARGIN_INCHES + column * step for column in range(n_columns)]
        found.append(
            [image[high, round(x * per_inch) + 2 : round((x + drawn.PICTURE_INCHES) * per_inch) - 2] for x in lefts]
        )
    return found


def is_face(image):
    return np.all(np.abs(image - GRAY) <= 2, axis=-1)


def test_each_map_lies_over_the_face_of_its_row_below_its_heading(tmp_path):
    write_feature_maps(("x'", "x''"), [row(NOTHING, LEFT_HALF), row(LEFT_HALF, NOTHING)], tmp_path / "maps.png")
    (face, empty, left), (_, left_below, empty_below) = pictures(tmp_path / "maps.png", 2, 3)
    for image in (face, empty, empty_below):
        assert is_face(image).all()
    for image in (left, left_below):
        half = image.shape[1] // 2
        assert not is_face(image[:, : half - 5]).any()
        assert is_face(image[:, half + 5 :]).all()
        assert image[:, : half - 5, 0].mean() > image[:, : half - 5, 1].mean() + 40, "the most heat is red"


def test_equal_rows_give_equal_bytes(tmp_path):
    for name, values in (("a", LEFT_HALF), ("b", LEFT_HALF), ("c", NOTHING)):
        write_feature_maps(("x'",), [row(values)], tmp_path / f"{name}.png")
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again != other
    assert not list(tmp_path.glob(".*"))


def test_signs_in_texts_are_printed_as_they_are(tmp_path):
    write_feature_maps((r"$\frac{ $",), [row(NOTHING, title=r"a $\frac{ $ b")], tmp_path / "maps.png")
    assert (tmp_path / "maps.png").stat().st_size > 1000


@pytest.mark.parametrize("rows", [[], [row()], [row(NOTHING), row(NOTHING, NOTHING)]])
def test_rows_that_do_not_fit_the_headings_are_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="maps for 1 headings"):
        write_feature_maps(("x'",), rows, tmp_path / "maps.png")
