"""Emotions of given intervals: what is kept of them, which frames vote, what is refused."""

import numpy as np
import pytest

from facespot.errors import FormatError, TooShortError
from facespot.pipeline import GIVEN, recognize
from facespot.values import Expression, Timebase, Track

CLASSES = ("negative", "positive", "surprise")
CHANNELS = tuple(f"emotion/{name}" for name in CLASSES)


def test_given_expressions_keep_all_but_their_emotion(demo, read, run, recognizer, bare):
    kept = (
        Expression(79, 85, 91, "micro", "joy", ("6", "R12"), 0.5),
        Expression(80, None, 120, "macro", "old", (), None, 0.25),
        Expression(200, 210, 220, "macro", "beyond"),
    )
    # Annotations end with their last expression and may be of another name.
    track = Track("notes", Timebase(25.0, 221), kept)
    result = recognize(demo, track, method=recognizer, read=read, run=run)
    assert (result.track.video, result.track.timebase.n_frames, result.track.timebase.fps) == ("demo", 900, 30.0)
    assert bare(result.track) == bare(track)
    first, second, third = result.track.expressions
    assert {first.emotion, second.emotion} <= set(CLASSES)
    assert 1 / 3 < first.emotion_probability <= 1
    assert third == kept[2]
    (note,) = result.notes
    assert note.startswith("the emotion of 1 expression could not be named")
    assert result.curves == ()
    assert result.scores.channels == ("micro", *CHANNELS)
    assert result.provenance["method"] == GIVEN
    assert result.provenance["recognizer"]["name"] == "mean"


def test_the_case_decides_which_frames_vote(demo, read, run, random_mean_checkpoint):
    from facespot.methods.mean.method import MeanMethod

    track = Track("demo", Timebase(30.0, 900), (Expression(60, 100, 140, "macro"),))
    found = {}
    for case, frames in (("apex", slice(100, 101)), ("onset_to_offset", slice(60, 141))):
        method = MeanMethod.load([random_mean_checkpoint], {"case": case})
        result = recognize(demo, track, method=method, read=read, run=run)
        (one,) = result.track.expressions
        values = result.scores.channel(f"emotion/{one.emotion}")[0]
        assert one.emotion_probability == pytest.approx(values[frames].mean(dtype=np.float64))
        found[case] = one.emotion_probability
    assert found["apex"] != found["onset_to_offset"]


def test_expressions_outside_the_video_are_refused(demo, run, recognizer):
    track = Track("other", Timebase(30.0, 2000), (Expression(890, None, 900, "macro"),))
    with pytest.raises(FormatError, match=r"intervals of other: an expression ends at frame 900, the video has 900"):
        recognize(demo, track, method=recognizer, run=run)


def test_a_video_too_short_for_the_recognizer_is_refused(demo, read, run, random_mean_checkpoint):
    from facespot.methods.mean.method import MeanMethod

    slow = MeanMethod.load([random_mean_checkpoint], {"distance_s": 6.0})
    track = Track("demo", Timebase(30.0, 900), (Expression(60, 100, 140, "macro"),))
    with pytest.raises(TooShortError, match="it has only 150 frames at 30 per second; the method 'mean' needs"):
        recognize(demo, track, method=slow, read=read, run=run)
