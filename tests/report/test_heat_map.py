"""Heat maps as pictures: what must be on them, measured on their pixels."""

import numpy as np
import pytest

from facespot.errors import OutputError
from facespot.report.heat_map import HeatMapRow, write_heat_maps

GRAY = 120


def row(heat, motion=None, title="s01_1 frame 123, macro, happiness, score 0.71"):
    return HeatMapRow(title, np.full((64, 64, 3), GRAY, dtype=np.uint8), heat, motion)


def pixels(path):
    from matplotlib.image import imread

    return np.round(imread(path)[..., :3] * 255).astype(int)


def is_face(image):
    return np.all(np.abs(image - GRAY) <= 2, axis=-1)


def columns_of(path):
    """Pictures of the first row, cut out by their places in the figure."""
    from facespot.report import heat_map as drawn

    image = pixels(path)
    per_inch = drawn.DOTS_PER_INCH
    top = drawn.MARGIN_INCHES + drawn.HEADINGS_INCHES + drawn.TITLE_INCHES
    lefts = [drawn.MARGIN_INCHES + column * (drawn.PICTURE_INCHES + drawn.GAP_INCHES) for column in range(3)]
    high = slice(round(top * per_inch) + 1, round((top + drawn.PICTURE_INCHES) * per_inch) - 1)
    return [
        image[high, round(left * per_inch) + 1 : round((left + drawn.PICTURE_INCHES) * per_inch) - 1] for left in lefts
    ]


def test_the_face_shows_through_where_there_is_no_heat(tmp_path):
    heat = np.zeros((128, 128), dtype=np.float32)
    heat[64:96, 32:64] = 1.0
    write_heat_maps([row(heat)], tmp_path / "heat.png")
    face, warm, _ = columns_of(tmp_path / "heat.png")
    assert is_face(face).all()
    changed = np.argwhere(~is_face(warm)) / len(warm)
    np.testing.assert_allclose(changed.min(axis=0), [0.5, 0.25], atol=0.02)
    np.testing.assert_allclose(changed.max(axis=0), [0.75, 0.5], atol=0.02)
    hot = warm[int(0.62 * len(warm)), int(0.37 * len(warm))]
    assert hot[0] > hot[1] + 40, "the most heat is red, and the face is still under it"
    assert hot[1] > 20


def test_heat_keeps_one_scale_over_all_rows(tmp_path):
    low, high = (np.full((42, 42), value, dtype=np.float32) for value in (0.4, 1.0))
    for name, first, second in (("one.png", low, high), ("two.png", low, low)):
        write_heat_maps([row(first), row(second)], tmp_path / name)
    _, with_high, _ = columns_of(tmp_path / "one.png")
    _, without, _ = columns_of(tmp_path / "two.png")
    np.testing.assert_array_equal(with_high, without)


def test_motion_has_a_column_of_its_own_only_where_given(tmp_path):
    heat = np.zeros((128, 128), dtype=np.float32)
    motion = np.zeros((128, 128), dtype=np.float32)
    motion[:64] = 0.003
    write_heat_maps([row(heat)], tmp_path / "without.png")
    write_heat_maps([row(heat, motion), row(heat)], tmp_path / "with.png")
    assert pixels(tmp_path / "without.png").shape[1] < pixels(tmp_path / "with.png").shape[1]
    _, _, drawn = columns_of(tmp_path / "with.png")
    half = len(drawn) // 2
    assert drawn[: half - 4].mean() > 150
    assert drawn[half + 4 :].max() < 10


def test_no_motion_at_all_is_black(tmp_path):
    nothing = np.zeros((128, 128), dtype=np.float32)
    write_heat_maps([row(nothing, nothing)], tmp_path / "heat.png")
    assert columns_of(tmp_path / "heat.png")[2].max() < 10


def test_signs_in_a_title_are_printed_as_they_are(tmp_path):
    nothing = np.zeros((42, 42), dtype=np.float32)
    write_heat_maps([row(nothing, title=r"a $\frac{ $ b")], tmp_path / "heat.png")
    assert pixels(tmp_path / "heat.png").shape[0] > 100


def test_the_same_rows_give_the_same_bytes(tmp_path):
    heat = np.random.default_rng(0).random((42, 42), dtype=np.float32)
    for name in ("one.png", "two.png"):
        write_heat_maps([row(heat, heat)], tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_nothing_to_draw_and_nowhere_to_write_are_said(tmp_path):
    with pytest.raises(ValueError, match="no heat maps"):
        write_heat_maps([], tmp_path / "heat.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_heat_maps([row(np.zeros((42, 42), dtype=np.float32))], tmp_path / "file" / "heat.png")
