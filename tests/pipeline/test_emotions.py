"""Recognizers that are not ready, and class probabilities beside the scores of another method."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.errors import SettingsError, WeightsError
from facespot.pipeline import spot, with_classes
from facespot.values import Scores, Timebase

FRAMES = st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True).map(sorted)


def test_weights_that_name_nothing_and_unknown_names_are_refused(demo, read, run, recognizer):
    from facespot.methods.mean.config import MeanConfig
    from facespot.methods.mean.method import MeanMethod

    with pytest.raises((SettingsError, WeightsError), match="name no emotion"):
        spot(demo, method="strain", read=read, run=run, recognize=MeanMethod(MeanConfig()))
    with pytest.raises(SettingsError, match="magic"):
        spot(demo, method="strain", read=read, run=run, recognize="magic")


def scores_of(channels, frames, seed):
    values = np.random.default_rng(seed).random((len(frames), len(channels)), dtype=np.float32)
    return Scores("a", Timebase(30.0, 100), channels, values, frames, np.isfinite(values), 30.0)


@given(FRAMES, FRAMES)
def test_class_probabilities_are_aligned_by_source_frame(own, others):
    scores, classes = (
        scores_of(("macro", "emotion/old"), own, 1),
        scores_of(("micro", "emotion/a", "emotion/b"), others, 2),
    )
    joined = with_classes(scores, classes)
    assert joined.channels == ("macro", "emotion/a", "emotion/b")
    assert joined.frames.tolist() == own
    np.testing.assert_array_equal(joined.channel("macro")[0], scores.channel("macro")[0])
    for row, frame in enumerate(own):
        if frame in others:
            assert joined.values[row, 1:].tolist() == classes.values[others.index(frame), 1:].tolist()
        else:
            assert not joined.valid[row, 1:].any()
