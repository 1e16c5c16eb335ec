"""Windows of rows: what is read, what is 0, and that pieces say what the whole says."""

import numpy as np
import pytest

from facespot.features.region_motion import WIDTH, mirrored
from facespot.methods.regiontcn.windows import (
    CONTEXT_ROWS,
    DILATIONS,
    INPUTS,
    WINDOW_ROWS,
    WINDOW_SHAPE,
    outputs_of,
    rows_between,
)


class Watched:
    """Rows that note which of them were read, as a memory-mapped file would be read."""

    def __init__(self, values):
        self.values, self.read = values, []

    def __getitem__(self, rows):
        self.read.append((rows.start, rows.stop))
        return self.values[rows]


def made(n_rows, gap=()):
    values = np.random.default_rng(1).standard_normal((n_rows, WIDTH)).astype(np.float32)
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = np.nan
    return values, valid


def test_context_is_the_reach_of_all_convolutions():
    assert CONTEXT_ROWS == 69 == 1 + sum(DILATIONS)
    assert WINDOW_SHAPE == (WINDOW_ROWS + 2 * CONTEXT_ROWS, INPUTS)


@pytest.mark.parametrize("span", [(0, 20), (-7, 4), (15, 29), (-5, 30), (-9, -2), (22, 25), (6, 6)])
def test_rows_are_those_of_the_video_and_0_elsewhere(span):
    values, valid = made(20, gap=[3, 17])
    rows = rows_between(values, valid, *span)
    assert rows.shape == (span[1] - span[0], INPUTS)
    for row, found in zip(range(*span), rows, strict=True):
        if 0 <= row < 20 and valid[row]:
            np.testing.assert_array_equal(found, [*values[row], 1])
        else:
            assert not found.any()


def test_only_the_rows_of_a_window_are_read():
    values, valid = made(1000)
    watched = Watched(values)
    outputs_of(lambda windows: windows[:, :WINDOW_ROWS, :2], watched, valid, 400, 500)
    assert watched.read == [(400 - CONTEXT_ROWS, 400 + WINDOW_ROWS + CONTEXT_ROWS)]


def mean_of_context(windows):
    """A stand-in for the network: the mean of all that a row may depend on."""
    sums = np.cumsum(np.concatenate([np.zeros((len(windows), 1, INPUTS)), windows], axis=1), axis=1)
    length = 2 * CONTEXT_ROWS + 1
    return ((sums[:, length:] - sums[:, :-length]) / length).astype(np.float32)


@pytest.mark.parametrize("n_rows", [0, 1, 200, WINDOW_ROWS, WINDOW_ROWS + 1, 3 * WINDOW_ROWS - 5])
def test_pieces_say_what_the_whole_says(n_rows):
    values, valid = made(n_rows, gap=range(100, 110))
    whole = rows_between(values, valid, -CONTEXT_ROWS, n_rows + CONTEXT_ROWS)
    mirror = np.concatenate([mirrored(whole[:, :WIDTH]), whole[:, WIDTH:]], axis=1)
    expected = mean_of_context(np.stack([whole, mirror])).mean(axis=0)
    np.testing.assert_allclose(outputs_of(mean_of_context, values, valid), expected, atol=1e-5)
    if n_rows > 50:
        np.testing.assert_allclose(outputs_of(mean_of_context, values, valid, 30, 45), expected[30:45], atol=1e-5)


def test_a_mirror_changes_nothing():
    values, valid = made(300, gap=range(100, 110))
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((INPUTS, 4)).astype(np.float32)

    def run(windows):
        return np.tanh(windows[:, CONTEXT_ROWS:-CONTEXT_ROWS] @ weights / 20)

    np.testing.assert_allclose(outputs_of(run, mirrored(values), valid), outputs_of(run, values, valid), atol=1e-5)
