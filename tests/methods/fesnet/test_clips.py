"""Clips against a plain loop over rows; what they cover; their mean against a mean in lists; its memory."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.methods.fesnet.clips import ClipAverage, Clips, clips_of


def average_clips(logits, clips, n_rows):
    average = ClipAverage(n_rows, logits.shape[-1])
    average.add(clips.rows, clips.counted, logits)
    return average.result()


VALID = st.lists(st.integers(0, 40), max_size=6).map(
    lambda lengths: [bool(place % 2) for place, length in enumerate(lengths) for _ in range(length)]
)
LENGTH, STRIDE = st.integers(1, 12), st.integers(1, 20)


def plain_clips(valid, length, stride):
    """Rows of each clip without the padding, row by row."""
    clips, row = [], 0
    while row < len(valid):
        if not valid[row]:
            row += 1
            continue
        run = []
        while row < len(valid) and valid[row]:
            run.append(row)
            row += 1
        begin = 0
        while begin + length < len(run):
            clips.append(run[begin : begin + length])
            begin += stride
        clips.append(run[-length:])
    return clips


def counted_rows(clips):
    return [rows[counted].tolist() for rows, counted in zip(clips.rows, clips.counted, strict=True)]


@given(VALID, LENGTH, STRIDE)
def test_clips_are_those_of_a_loop(valid, length, stride):
    clips = clips_of(np.array(valid, dtype=bool), length, stride)
    assert counted_rows(clips) == plain_clips(valid, length, stride)
    assert clips.rows.shape == clips.counted.shape == (len(clips), length)
    assert (clips.rows.dtype, clips.counted.dtype) == (np.int64, np.bool_)


@given(VALID, LENGTH, STRIDE)
def test_no_clip_meets_an_invalid_row_and_padding_repeats_the_last(valid, length, stride):
    clips = clips_of(np.array(valid, dtype=bool), length, stride)
    for rows, counted in zip(clips.rows.tolist(), clips.counted.tolist(), strict=True):
        assert all(valid[row] for row in rows)
        n_counted = sum(counted)
        assert counted == [True] * n_counted + [False] * (length - n_counted)
        assert rows == [min(rows[0] + place, rows[0] + n_counted - 1) for place in range(length)]
    assert np.all(np.diff(clips.rows[:, 0]) > 0)


@given(VALID, LENGTH, st.data())
def test_every_valid_row_is_covered_where_clips_touch(valid, length, data):
    clips = clips_of(np.array(valid, dtype=bool), length, data.draw(st.integers(1, length)))
    assert {row for rows in counted_rows(clips) for row in rows} == set(np.flatnonzero(valid).tolist())


@pytest.mark.parametrize(
    ("n_rows", "first_rows", "n_counted"),
    [
        (0, [], 0),
        (1, [0], 1),
        (20, [0], 20),
        (32, [0], 32),
        (33, [0, 1], 64),
        (48, [0, 16], 64),
        (49, [0, 16, 17], 96),
    ],
)
def test_the_last_clip_ends_with_the_video(n_rows, first_rows, n_counted):
    clips = clips_of(np.ones(n_rows, dtype=bool), 32, 16)
    assert clips.rows[:, 0].tolist() == first_rows
    assert clips.rows[:, -1].tolist() == [min(first + 31, n_rows - 1) for first in first_rows]
    assert clips.counted.sum() == n_counted


def test_a_video_without_a_face_has_no_clip():
    clips = clips_of(np.zeros(50, dtype=bool), 32, 16)
    assert clips.rows.shape == clips.counted.shape == (0, 32)
    empty = average_clips(np.zeros((0, 32, 6), dtype=np.float32), clips, 50)
    assert empty.shape == (50, 6)
    assert np.isnan(empty).all()


@pytest.mark.parametrize(("length", "stride"), [(0, 1), (4, 0)])
def test_clips_without_frames_are_refused(length, stride):
    with pytest.raises(ValueError, match="at least 1"):
        clips_of([True], length, stride)


@given(VALID, LENGTH, STRIDE, st.integers(0, 2**31))
def test_the_mean_is_that_of_lists(valid, length, stride, seed):
    clips = clips_of(np.array(valid, dtype=bool), length, stride)
    logits = np.random.default_rng(seed).normal(scale=10, size=(len(clips), length, 2)).astype(np.float32)
    found = average_clips(logits, clips, len(valid))
    said = [[] for _ in valid]
    for clip, rows in enumerate(plain_clips(valid, length, stride)):
        for place, row in enumerate(rows):
            said[row].append(logits[clip, place].tolist())
    expected = [[math.fsum(one) / len(one) for one in zip(*of, strict=True)] if of else [math.nan] * 2 for of in said]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(expected).reshape(-1, 2), rtol=1e-6, atol=1e-9)


@given(st.integers(0, 100), st.integers(1, 9), st.data())
def test_the_mean_does_not_depend_on_the_division_into_batches(n_rows, stride, data):
    clips = clips_of(np.ones(n_rows, dtype=bool), 9, stride)
    logits = np.random.default_rng(n_rows).normal(size=(len(clips), 9, 3)).astype(np.float32)
    average, start = ClipAverage(n_rows, 3), 0
    while start < len(clips):
        batch = slice(start, start + data.draw(st.integers(1, 5)))
        average.add(clips.rows[batch], clips.counted[batch], logits[batch])
        start = batch.stop
    assert average.result().tobytes() == average_clips(logits, clips, n_rows).tobytes()


def test_what_stands_in_padded_places_is_ignored():
    clips = clips_of([True, True, False], 4, 2)
    logits = np.array([[[1.0], [2.0], [np.nan], [1e30]]], dtype=np.float32)
    np.testing.assert_array_equal(average_clips(logits, clips, 3), np.array([[1], [2], [np.nan]], dtype=np.float32))


def test_sums_are_kept_in_double_precision():
    # In float32 the three ones would vanish beside 2**25.
    rows, counted = np.zeros((4, 1), dtype=np.int64), np.ones((4, 1), dtype=bool)
    logits = np.array([2.0**25, 1, 1, 2], dtype=np.float32).reshape(4, 1, 1)
    assert average_clips(logits, Clips(rows, counted), 1).tolist() == [[2.0**23 + 1]]


def test_memory_does_not_grow_with_the_number_of_clips():
    n_rows, n_channels = 2000, 6
    logits = np.ones((1, 32, n_channels), dtype=np.float32)
    counted = np.ones((1, 32), dtype=bool)
    tracemalloc.start()
    average = ClipAverage(n_rows, n_channels)
    for clip in range(4000):
        average.add(np.arange(32)[np.newaxis] + clip % (n_rows - 31), counted, logits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Sums and counts; the logits of all clips would be 3 MB.
    assert peak < 2 * 8 * n_rows * (n_channels + 1)
    assert (average.result() == 1).all()


def test_logits_of_another_shape_are_refused():
    average, clips = ClipAverage(8, 6), clips_of([True] * 8, 4, 4)
    with pytest.raises(ValueError, match=r"not \(2, 4, 6\)"):
        average.add(clips.rows, clips.counted, np.zeros((2, 4, 3), dtype=np.float32))
