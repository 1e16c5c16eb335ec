import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.methods.mean.apex import apex_by_motion, apex_pairs, map_sums

INTERVALS = st.tuples(st.integers(0, 500), st.integers(0, 60)).map(lambda one: (one[0], one[0] + one[1]))


@given(INTERVALS)
def test_each_pair_runs_from_the_onset_to_a_frame_inside(interval):
    onset, offset = interval
    pairs = apex_pairs(onset, offset)
    assert all(first == onset and onset < second <= offset for first, second in pairs)
    assert [second for _, second in pairs] == sorted({second for _, second in pairs})
    assert len(pairs) == (offset - onset - 1 if offset > onset + 1 else offset - onset)


@given(INTERVALS, st.randoms(use_true_random=False))
def test_the_apex_is_where_most_moves_as_the_authors_loop_finds_it(interval, random):
    onset, offset = interval
    pairs = apex_pairs(onset, offset)
    sums = [random.choice([1.0, 2.0, 5.0]) for _ in pairs]
    apex, largest = onset, 0.0
    for (_, frame), total in zip(pairs, sums, strict=True):
        if largest < total:
            apex, largest = frame, total
    assert apex_by_motion(sums, onset, offset) == apex


def test_a_frame_without_a_face_is_no_apex():
    assert apex_by_motion([np.nan, 2.0, np.nan], 10, 14) == 12
    assert apex_by_motion([np.nan, np.nan, np.nan], 10, 14) == 12
    assert apex_by_motion([np.nan] * 5, 10, 16) == 13


def test_sums_run_over_pixels_and_channels():
    images = np.random.default_rng(0).random((3, 42, 42, 3), dtype=np.float32)
    np.testing.assert_allclose(map_sums(images), [sum(image.ravel().tolist()) for image in images], rtol=1e-9)


def test_bad_input():
    with pytest.raises(ValueError, match="do not make an interval"):
        apex_pairs(5, 4)
    with pytest.raises(ValueError, match="2 pairs"):
        apex_by_motion([1.0], 5, 8)
