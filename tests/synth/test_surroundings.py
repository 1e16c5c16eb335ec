from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.synth.surroundings import extension


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), reach=st.floats(1.0, 50.0))
def test_the_continuation_keeps_what_is_known_and_never_overshoots(seed, reach):
    rng = np.random.default_rng(seed)
    known = rng.random((14, 17)) < 0.1
    values = rng.normal(size=(14, 17, 2))
    filled = extension(known, reach)(values)
    inner = known.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    np.testing.assert_array_equal(filled[inner], values[inner])
    assert not filled[[0, -1]].any()
    assert not filled[:, [0, -1]].any()
    if inner.any():
        assert filled.max() <= max(values[inner].max(), 0.0) + 1e-9
        assert filled.min() >= min(values[inner].min(), 0.0) - 1e-9


def test_a_value_falls_to_a_third_over_the_reach():
    known = np.zeros((201, 203), bool)
    known[:, 101] = True
    filled = extension(known, 12.0)(np.ones((201, 203, 1)))[100, :, 0]
    np.testing.assert_allclose(filled[101:130], np.exp(-np.arange(29) / 12.0), atol=0.01)


def test_a_grid_that_is_known_everywhere_stays():
    values = np.arange(24.0).reshape(4, 6, 1)
    filled = extension(np.ones((4, 6), bool), 3.0)(values)
    np.testing.assert_array_equal(filled[1:-1, 1:-1], values[1:-1, 1:-1])
