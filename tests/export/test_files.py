"""Formats out and in again, and clear refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.errors import FormatError, OutputError
from facespot.export import read_tracks, write_result, write_tracks
from facespot.export.atomic import output_folder, write_text
from facespot.export.document import format_document, parse_document, result_document
from facespot.export.table import format_table, parse_table
from facespot.values import Curve, Expression, Result, Scores, Timebase, Track

HEADER = "video,kind,onset,apex,offset,onset_s,apex_s,offset_s,emotion,score\n"
NAMED = "video,kind,onset,apex,offset,emotion,emotion_probability\n"


@st.composite
def tracks(draw):
    n_frames = draw(st.integers(30, 400))
    expressions = []
    for _ in range(draw(st.integers(1, 6))):
        onset, offset = sorted(draw(st.tuples(*[st.integers(0, n_frames - 1)] * 2)))
        apex = draw(st.none() | st.integers(onset, offset))
        emotion = draw(st.none() | st.sampled_from(["happiness", "surprise, masked"]))
        score = draw(st.none() | st.floats(-1e3, 1e3, width=16))
        probability = draw(st.none() | st.floats(0, 1)) if emotion else None
        kind = draw(st.sampled_from(["macro", "micro"]))
        expressions.append(Expression(onset, apex, offset, kind, emotion, score=score, emotion_probability=probability))
    name = draw(st.sampled_from(["talk", "s15_0401 a", 'quo"te', "Grüße,見"]))
    return Track(name, Timebase(draw(st.sampled_from([25.0, 30.0, 200.0])), n_frames), tuple(expressions))


def result_of(track):
    frames = np.arange(3)
    values = np.array([[0.5], [1.0], [np.nan]], dtype=np.float32)
    scores = Scores(track.video, track.timebase, ("macro",), values, frames, np.isfinite(values), track.timebase.fps)
    curve = Curve("macro", frames, values[:, 0], 0.7)
    return Result(track, scores, (curve,), {"method": "strain", "settings": {"p": 0.5}}, ("a note",))


@given(tracks())
def test_a_table_comes_back_to_the_frame(track):
    (read,) = parse_table(format_table([track]), "x.csv")
    assert read.video == track.video
    assert read.expressions == track.expressions


@given(tracks())
def test_a_document_comes_back_whole(track):
    text = format_document(result_document(result_of(track)))
    assert parse_document(text, "x.json") == track


def test_variable_frame_times_survive_the_document():
    track = Track("a", Timebase(30.0, 3, np.array([0.0, 0.04, 0.1])), (Expression(0, 1, 2, "micro"),))
    assert parse_document(format_document(result_document(result_of(track))), "x.json") == track


def test_a_document_says_what_made_it_and_what_it_is_not():
    document = result_document(result_of(Track("a", Timebase(30.0, 9))))
    assert document["schema"] == "facespot.result/1"
    assert document["provenance"]["settings"] == {"p": 0.5}
    assert "lies" in document["limits"]
    assert document["thresholds"] == {"macro": 0.7}
    assert document["notes"] == ["a note"]


@pytest.mark.parametrize(
    ("doubts", "reliable"),
    [((), True), (("the face is small",), False), (None, None)],
    ids=["good", "bad", "not judged"],
)
def test_a_document_says_whether_micro_expressions_are_reliable(doubts, reliable):
    result = replace(result_of(Track("a", Timebase(30.0, 9))), micro_doubts=doubts)
    assert result_document(result)["micro_reliable"] is reliable


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,kind,onset\na,macro,1\n", "columns apex, offset missing"),
        (HEADER + "a,huge,1,2,3,,,,,\n", "line 2: the type 'huge' is unknown"),
        (HEADER + "a,macro,1,2,3,,,,,\na,macro,5,,2,,,,,\n", "line 3: onset 5 and offset 2"),
        (HEADER + "a,macro,1,9,3,,,,,\n", "line 2: apex 9 is outside 1..3"),
        (HEADER + "a,macro,one,2,3,,,,,\n", "onset 'one' is not a frame number"),
        (HEADER + "a,macro,1,2,,,,,,\n", "onset or offset is empty"),
        (HEADER + "a,macro,1,2,3,,,,,high\n", "score 'high' is not a number"),
        (NAMED + "a,macro,1,2,3,fear,sure\n", "line 2: emotion_probability 'sure' is not a number"),
        (NAMED + "a,macro,1,2,3,fear,1.5\n", "line 2: emotion probability must be in 0..1, got 1.5"),
        (NAMED + "a,macro,1,2,3,,0.5\n", "line 2: emotion probability 0.5 without an emotion"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_tracks(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b"{", "not JSON"),
        ("x.json", b'{"schema": "other/9"}', "schema is 'other/9'"),
        ("x.json", b'{"schema": "facespot.result/1"}', "does not fit"),
        ("x.csv", b"\xff\xfe\x00", "not UTF-8"),
        ("x.txt", b"", "not a known format"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_tracks(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"nowhere\.csv.*cannot be read"):
        read_tracks(tmp_path / "nowhere.csv")


def test_files_of_versions_before_the_probability_are_read(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER + "a,macro,1,2,3,,,,fear,0.5\n")
    document = result_document(result_of(Track("a", Timebase(30.0, 9), (Expression(1, 2, 3, "macro", "fear"),))))
    del document["expressions"][0]["emotion_probability"]
    (tmp_path / "x.json").write_text(format_document(document))
    for name in ("x.csv", "x.json"):
        (one,) = read_tracks(tmp_path / name)[0].expressions
        assert (one.emotion, one.emotion_probability) == ("fear", None)


def test_export_writes_what_read_tracks_reads(tmp_path):
    track = Track("a", Timebase(25.0, 100), (Expression(10, 14, 19, "micro", score=0.5),))
    write_tracks(track, tmp_path / "x.csv")
    assert read_tracks(tmp_path / "x.csv")[0].expressions == track.expressions
    with pytest.raises(FormatError, match=r"\.doc"):
        write_tracks(track, tmp_path / "x.doc")


def test_result_files_are_the_same_bytes_twice_and_finite(tmp_path):
    result = result_of(Track("a", Timebase(30.0, 9), (Expression(1, 2, 3, "macro", score=1.0),)))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_result(result, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert "NaN" not in (tmp_path / "one" / "expressions.json").read_text()
    archive = np.load(tmp_path / "one" / "scores.npz", allow_pickle=False)
    assert archive["channels"].tolist() == ["macro"]
    np.testing.assert_array_equal(archive["values"], result.scores.values)
    json.loads((tmp_path / "one" / "expressions.json").read_text())


def test_an_output_folder_is_untouched_when_something_fails(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "expressions.csv").write_text("old")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(RuntimeError, match="stop"), output_folder(folder) as unfinished:
        (unfinished / "expressions.csv").write_text("half")
        raise RuntimeError("stop")
    assert sorted(path.name for path in folder.iterdir()) == ["expressions.csv", "notes.txt"]
    assert (folder / "expressions.csv").read_text() == "old"
    with output_folder(folder) as unfinished:
        (unfinished / "expressions.csv").write_text("new")
    assert (folder / "expressions.csv").read_text() == "new"
    assert (folder / "notes.txt").read_text() == "mine"


def test_unwritable_places_end_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), output_folder(tmp_path / "file"):
        pass
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "nowhere" / "x.csv", "")
