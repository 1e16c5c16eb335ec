"""What a result says of a video that is not good enough for micro-expressions, and what is refused."""

from dataclasses import asdict
from fractions import Fraction

import pytest

from facespot.errors import TooShortError
from facespot.export.document import result_document
from facespot.faces import FaceSettings, measure_quality
from facespot.features import FeatureCache
from facespot.pipeline import ReadSettings, prepare, recognize, spot
from facespot.values import KINDS, Expression, Timebase, Track
from facespot.video import open_video, select

UNRELIABLE = "micro results are unreliable: "
FAST_FLOW = {"flow": "dis"}


@pytest.fixture(scope="session")
def small_video(demo, tmp_path_factory):
    """Two seconds of the demo with a face of about 38 pixels, at 30 and at 20 frames per second."""
    import av

    folder = tmp_path_factory.mktemp("small")

    def make(rate):
        path = folder / f"{rate}.mp4"
        if not path.exists():
            with av.open(str(demo)) as source, av.open(str(path), "w") as target:
                stream = target.add_stream("libx264", rate=rate, options={"crf": "16", "threads": "1"})
                stream.width, stream.height, stream.pix_fmt = 200, 150, "yuv420p"
                for number, frame in zip(range(2 * rate), source.decode(video=0), strict=False):
                    small = frame.reformat(width=200, height=150, format="yuv420p", threads=1)
                    small.pts, small.time_base = number, Fraction(1, rate)
                    target.mux(stream.encode(small))
                target.mux(stream.encode())
        return path

    return make


def spot_fast(path, run, **read):
    return spot(path, method="strain", settings=FAST_FLOW, read=ReadSettings(**read), run=run)


def test_a_good_video_is_said_to_be_one(spotted):
    assert spotted.micro_doubts == ()
    assert result_document(spotted)["micro_reliable"] is True
    assert not any(UNRELIABLE in note for note in spotted.notes)
    assert spotted.provenance["quality"]["fps"] == 30
    assert spotted.provenance["quality"]["face_size_pixels"] == pytest.approx(122, abs=3)


def test_a_small_face_makes_micro_results_unreliable(small_video, run):
    result = spot_fast(small_video(30), run)
    assert "micro" in result.scores.channels
    (doubt,) = [one for one in result.micro_doubts if one.startswith("the face is 38 pixels")]
    assert result.notes[-len(result.micro_doubts) :] == tuple(UNRELIABLE + one for one in result.micro_doubts)
    document = result_document(result)
    assert document["micro_reliable"] is False
    assert UNRELIABLE + doubt in document["notes"]


def test_quality_is_that_of_the_frames_that_are_read(demo, run):
    video = open_video(demo)
    found = spot_fast(demo, run, start_s=1.0, end_s=3.5).provenance["quality"]
    selection = select(video, start_s=1.0, end_s=3.5)
    faces = prepare(video, selection, face=FaceSettings(), cache=FeatureCache(run.cache), run=run).faces
    assert found == pytest.approx(asdict(measure_quality(video, selection, faces)), abs=1e-4)
    assert found != spot_fast(demo, run, end_s=2.5).provenance["quality"]


def test_at_20_frames_per_second_micro_expressions_are_not_looked_for(demo, run):
    result = spot_fast(demo, run, end_s=3.0, fps=20.0)
    assert result.scores.channels == ("macro",)
    assert [curve.kind for curve in result.curves] == ["macro"]
    assert {one.kind for one in result.track.expressions} <= {"macro"}
    note = "too slow for micro-expressions: 20 frames per second, 25 are needed; none was looked for"
    assert result.notes == (note,)
    assert "there are 20 frames per second; micro-expressions need 25 new ones" in result.micro_doubts
    assert result_document(result)["micro_reliable"] is False
    assert result.provenance["quality"]["fps"] == 20


def test_at_25_frames_per_second_they_are(demo, run):
    assert spot_fast(demo, run, end_s=3.0, fps=25.0).scores.channels == KINDS


def test_a_short_slow_clip_is_too_short_for_macro_expressions_and_refused(demo, run):
    with pytest.raises(TooShortError, match=r"it has only 24 frames at 20 per second; .* at least 39 frames"):
        spot_fast(demo, run, end_s=1.2, fps=20.0)


def test_a_method_for_micro_expressions_alone_refuses_a_slow_video(demo, small_video, run, random_mean_checkpoint):
    mean = {"method": "mean", "weights": [random_mean_checkpoint], "run": run}
    with pytest.raises(TooShortError, match=r"it is read at 20 .* need 25; leave out --fps; the method 'mean'"):
        spot(demo, read=ReadSettings(end_s=3.0, fps=20.0), **mean)
    with pytest.raises(TooShortError, match=r"it has 20 frames per second, .* need 25; use a video of 25 or more"):
        spot(small_video(20), **mean)


def test_given_intervals_are_not_judged(demo, read, run, recognizer):
    track = Track("demo", Timebase(30.0, 900), (Expression(60, 100, 140, "micro"),))
    result = recognize(demo, track, method=recognizer, read=read, run=run)
    assert result_document(result)["micro_reliable"] is None
    assert "quality" not in result.provenance
