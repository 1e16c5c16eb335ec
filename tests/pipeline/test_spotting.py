"""Emotions of what was spotted, and what happens where the video is too short to name them."""

from collections import Counter

import numpy as np
import pytest

from facespot.pipeline import spot

CLASSES = ("negative", "positive", "surprise")
CHANNELS = tuple(f"emotion/{name}" for name in CLASSES)


def test_a_recognizer_names_what_another_method_spotted(spotted, named, bare):
    assert spotted.track.expressions
    assert bare(named.track) == list(spotted.track.expressions)
    for one in named.track.expressions:
        rows = (named.scores.frames >= one.onset) & (named.scores.frames < one.apex)
        probabilities = np.stack([named.scores.channel(name)[0][rows] for name in CHANNELS], axis=1)
        votes = Counter(probabilities.argmax(axis=1).tolist())
        assert votes[CLASSES.index(one.emotion)] == max(votes.values())
        mean = probabilities[:, CLASSES.index(one.emotion)].mean(dtype=np.float64)
        assert one.emotion_probability == pytest.approx(mean)


def test_scores_of_the_spotting_method_stay_as_they_are(spotted, named):
    assert named.scores.channels == (*spotted.scores.channels, *CHANNELS)
    np.testing.assert_array_equal(named.scores.frames, spotted.scores.frames)
    for name in spotted.scores.channels:
        np.testing.assert_array_equal(named.scores.channel(name)[0], spotted.scores.channel(name)[0])
    rows = named.scores.valid[:, -3:].all(axis=1)
    assert rows.all()
    np.testing.assert_allclose(named.scores.values[:, -3:].sum(axis=1), 1, atol=1e-5)


def test_a_video_too_short_for_the_recognizer_is_spotted_and_says_so(demo, read, run, spotted, random_mean_checkpoint):
    from facespot.methods.mean.method import MeanMethod

    slow = MeanMethod.load([random_mean_checkpoint], {"distance_s": 6.0})
    result = spot(demo, method="strain", read=read, run=run, recognize=slow)
    assert result.track == spotted.track
    assert result.scores.channels == spotted.scores.channels
    assert result.notes == ("too short to name emotions: 150 frames, 181 are needed",)
