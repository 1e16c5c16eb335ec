"""ELAN, Praat and BIDS files: to the frame and back, other authors' files, and refusals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi import Eaf, TextGrid

from facespot.errors import FormatError
from facespot.export import read_content, read_tracks, write_tracks
from facespot.export.files import lost_parts
from facespot.export.tiers import layers, start_s
from facespot.values import Expression, Timebase, Track

SINGLE = [("eaf", ".eaf"), ("textgrid", ".TextGrid"), ("bids", ".tsv")]
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@st.composite
def timebases(draw):
    n_frames = draw(st.integers(1, 300))
    if draw(st.booleans()):
        return Timebase(draw(st.sampled_from([23.976, 25.0, 30.0, 59.94, 100.0, 200.0, 240.0])), n_frames)
    steps = draw(st.lists(st.floats(0.004, 0.2), min_size=n_frames, max_size=n_frames))
    times = np.concatenate([[0.0], np.cumsum(steps[1:])])
    fps = (n_frames - 1) / times[-1] if n_frames > 1 else 30.0
    return Timebase(float(fps), n_frames, times)


@st.composite
def tracks(draw):
    timebase = draw(timebases())
    expressions = []
    for _ in range(draw(st.integers(0, 6))):
        onset, offset = sorted(draw(st.tuples(*[st.integers(0, timebase.n_frames - 1)] * 2)))
        emotion = draw(st.none() | st.sampled_from(["happiness", 'say "x" & <y>', "mépris 見"]))
        expressions.append(
            Expression(
                onset,
                draw(st.none() | st.integers(onset, offset)),
                offset,
                draw(st.sampled_from(["macro", "micro"])),
                emotion,
                draw(st.sampled_from([(), ("4",), ("6", "R12A"), ("4(B/C)", "7B")])),
                draw(st.none() | st.floats(-1e3, 1e3)),
                draw(st.none() | st.floats(0, 1)) if emotion else None,
            )
        )
    return Track(draw(WORDS), timebase, tuple(expressions))


def in_order(track):
    """Expressions sorted fully: those of equal frames and type come back in any order."""
    return sorted(track.expressions, key=repr)


@settings(max_examples=60, deadline=None)
@given(track=tracks())
@pytest.mark.parametrize(("name", "suffix"), SINGLE)
def test_a_track_comes_back_to_the_frame(tmp_path_factory, name, suffix, track):
    path = tmp_path_factory.mktemp("round") / f"x{suffix}"
    write_tracks(track, path)
    (read,) = read_tracks(path, timebase=track.timebase)
    assert in_order(read) == in_order(track)
    assert read.timebase == track.timebase
    if track.expressions or name != "bids":
        assert read.video == track.video


@settings(max_examples=60, deadline=None)
@given(track=tracks())
def test_json_and_csv_come_back_to_the_frame(tmp_path_factory, track):
    folder = tmp_path_factory.mktemp("round")
    write_tracks([track, Track("empty", track.timebase)], folder / "x.json")
    read, empty = read_tracks(folder / "x.json")
    assert (read.video, in_order(read)) == (track.video, in_order(track))
    assert empty.expressions == ()
    write_tracks(track, folder / "x.csv")
    assert [in_order(one) for one in read_tracks(folder / "x.csv", timebase=track.timebase)] == (
        [in_order(track)] if track.expressions else []
    )


@given(track=tracks())
@settings(max_examples=30, deadline=None)
def test_a_submission_keeps_types_and_intervals(tmp_path_factory, track):
    path = tmp_path_factory.mktemp("round") / "x.csv"
    write_tracks(track, path, format="challenge")
    read = read_tracks(path, timebase=track.timebase)
    kept = sorted((one.onset, one.offset, one.kind) for one in track.expressions)
    assert sorted((one.onset, one.offset, one.kind) for found in read for one in found.expressions) == kept


@pytest.mark.parametrize(("name", "suffix"), SINGLE)
def test_evenly_spaced_frames_need_no_video(tmp_path, name, suffix):
    track = Track("talk", Timebase(200.0, 5000), (Expression(1203, 1207, 1300, "micro", "fear"),))
    write_tracks(track, tmp_path / f"x{suffix}")
    (read,) = read_tracks(tmp_path / f"x{suffix}")
    assert (read.video, read.expressions) == ("talk", track.expressions)
    assert read.timebase.fps == pytest.approx(200.0)


@pytest.mark.parametrize("suffix", [".eaf", ".TextGrid"])
def test_variable_frame_times_need_the_video(tmp_path, suffix):
    track = Track("a", Timebase(20.0, 3, np.array([0.0, 0.04, 0.1])), (Expression(0, 1, 2, "micro"),))
    write_tracks(track, tmp_path / f"x{suffix}")
    with pytest.raises(FormatError, match="variable frame rate; give the video"):
        read_tracks(tmp_path / f"x{suffix}")


@given(tracks())
@settings(max_examples=40)
def test_no_tier_overlaps_and_none_is_lost(track):
    rows = layers(track)
    assert sorted(repr(one) for _, _, row in rows for one in row) == sorted(map(repr, track.expressions))
    for _, kind, row in rows:
        assert all(one.kind == kind for one in row)
        assert all(a.offset < b.onset for a, b in pairwise(row))


def sample():
    expressions = (
        Expression(10, 14, 19, "micro", "surprise", ("1", "2"), 0.5, 0.75),
        Expression(15, None, 30, "micro"),
        Expression(40, 40, 40, "macro", None, ("12",)),
    )
    return Track("talk", Timebase(25.0, 100), expressions)


def test_another_library_reads_the_eaf(tmp_path):
    write_tracks(sample(), tmp_path / "x.eaf")
    eaf = Eaf(str(tmp_path / "x.eaf"))
    assert eaf.get_annotation_data_for_tier("micro") == [(400, 800, "micro")]
    assert eaf.get_annotation_data_for_tier("micro 2") == [(600, 1240, "micro")]
    assert eaf.get_annotation_data_for_tier("micro apex") == [(560, 600, "apex")]
    assert eaf.get_ref_annotation_data_for_tier("micro emotion") == [(400, 800, "surprise", "micro")]
    assert eaf.get_ref_annotation_data_for_tier("macro action units") == [(1600, 1640, "12", "macro")]
    assert eaf.get_ref_annotation_data_for_tier("micro emotion probability") == [(400, 800, "0.75", "micro")]
    assert eaf.get_parameters_for_tier("micro emotion")["PARENT_REF"] == "micro"
    assert eaf.get_parameters_for_linguistic_type("apex")["CONSTRAINTS"] == "Included_In"
    assert eaf.get_parameters_for_linguistic_type("description")["CONSTRAINTS"] == "Symbolic_Association"


def test_another_library_reads_the_textgrid(tmp_path):
    write_tracks(sample(), tmp_path / "x.TextGrid")
    grid = TextGrid(str(tmp_path / "x.TextGrid"))
    assert grid.xmax == 4.0
    assert [one for one in grid.get_tier("micro").get_intervals() if one[2]] == [(0.4, 0.8, "micro")]
    assert list(grid.get_tier("micro apex").get_intervals()) == [(0.56, "apex")]
    spans = list(grid.get_tier("micro emotion").get_intervals())
    assert [text for _, _, text in spans] == ["", "surprise", ""]
    assert all(a[1] == b[0] for a, b in pairwise(spans))


def test_files_of_another_library_are_read(tmp_path):
    eaf = Eaf(author="somebody")
    eaf.add_linguistic_type("description", "Symbolic_Association", timealignable=False)
    eaf.add_tier("Micro-expressions", part="anna")
    eaf.add_tier("its emotion", "description", "Micro-expressions")
    eaf.add_tier("speech")
    eaf.add_annotation("Micro-expressions", 398, 803, "")
    eaf.add_ref_annotation("its emotion", "Micro-expressions", 600, "fear")
    eaf.add_annotation("speech", 0, 900, "hello")
    eaf.to_file(str(tmp_path / "a.eaf"))
    content = read_content(tmp_path / "a.eaf", frame_rate=25.0)
    assert content.tracks[0].expressions == (Expression(10, None, 19, "micro", "fear"),)
    assert content.notes == ("tier 'speech' is not read",)

    grid = TextGrid(xmax=2.0)
    tier = grid.add_tier("expression")
    tier.add_interval(0.4, 0.8, "micro")
    tier.add_interval(1.0, 1.52, "Macro-expression")
    grid.to_file(str(tmp_path / "long.TextGrid"))
    grid.to_file(str(tmp_path / "short.TextGrid"), mode="short")
    expected = (Expression(10, None, 19, "micro"), Expression(25, None, 37, "macro"))
    for name in ("long", "short"):
        assert read_tracks(tmp_path / f"{name}.TextGrid", timebase=Timebase(25.0, 50))[0].expressions == expected
    text = (tmp_path / "long.TextGrid").read_text()
    (tmp_path / "wide.TextGrid").write_text(text, encoding="utf-16")
    assert read_tracks(tmp_path / "wide.TextGrid", timebase=Timebase(25.0, 50))[0].expressions == expected


def test_bids_events_of_others_are_read_by_their_seconds(tmp_path):
    head = "onset\tduration\ttrial_type\temotion\temotion_probability"
    rows = [head, "0.4\t0.4\tmicro\tfear\t0.5", "1.0\t0.2\trest\tn/a\tn/a"]
    (tmp_path / "sub-01_events.tsv").write_text("\n".join(rows) + "\n")
    content = read_content(tmp_path / "sub-01_events.tsv", frame_rate=25.0)
    assert content.tracks[0].video == "sub-01"
    assert content.tracks[0].expressions == (Expression(10, None, 19, "micro", "fear", emotion_probability=0.5),)
    assert content.notes == ("line 3: an event of type 'rest' is not read",)


def test_an_events_file_has_the_columns_that_bids_asks_for(tmp_path):
    write_tracks(sample(), tmp_path / "x_events.tsv")
    first, row, *_ = (tmp_path / "x_events.tsv").read_text().splitlines()
    assert first.split("\t")[:3] == ["onset", "duration", "trial_type"]
    assert row.split("\t")[:4] == ["0.400000", "0.400000", "micro", "0.560000"]


def test_a_video_is_linked_as_elan_finds_it(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "notes").mkdir()
    media = tmp_path / "videos" / "my talk.mp4"
    media.write_bytes(b"")
    write_tracks(sample(), tmp_path / "notes" / "x.eaf", media=media)
    (linked,) = Eaf(str(tmp_path / "notes" / "x.eaf")).get_linked_files()
    assert linked["MEDIA_URL"] == media.as_uri()
    assert linked["RELATIVE_MEDIA_URL"] == "./../videos/my talk.mp4"
    assert linked["MIME_TYPE"] == "video/mp4"


@pytest.mark.parametrize(("name", "suffix"), [*SINGLE, ("json", ".json"), ("csv", ".csv")])
def test_the_same_track_gives_the_same_bytes(tmp_path, name, suffix):
    for copy in ("one", "two"):
        write_tracks(sample(), tmp_path / f"{copy}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


def test_several_videos_go_into_a_folder(tmp_path):
    tracks = [Track(name, Timebase(25.0, 50), (Expression(1, 2, 3, "macro"),)) for name in ("a/1", "b")]
    with pytest.raises(FormatError, match="holds one video, not 2"):
        write_tracks(tracks, tmp_path / "x.eaf")
    write_tracks(tracks, tmp_path / "out", format="eaf")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_1.eaf", "b.eaf"]
    assert read_tracks(tmp_path / "out" / "a_1.eaf")[0].video == "a/1"
    clash = [Track(name, Timebase(25.0, 50)) for name in ("a/1", "a:1")]
    with pytest.raises(FormatError, match="would share the file"):
        write_tracks(clash, tmp_path / "out", format="eaf")


def test_frames_closer_than_milliseconds_are_refused_by_elan(tmp_path):
    track = Track("fast", Timebase(2000.0, 100), (Expression(3, None, 4, "micro"),))
    with pytest.raises(FormatError, match="within the milliseconds that ELAN stores"):
        write_tracks(track, tmp_path / "x.eaf")
    write_tracks(track, tmp_path / "x.TextGrid")
    assert read_tracks(tmp_path / "x.TextGrid")[0].expressions == track.expressions


def test_the_end_of_the_video_is_a_boundary():
    assert start_s(Timebase(25.0, 100), 100) == 4.0


EAF = (
    '<?xml version="1.0" encoding="UTF-8"?>\n%s<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>'
    '<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="400"/><TIME_SLOT TIME_SLOT_ID="ts2"/>'
    '<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="800"/></TIME_ORDER><TIER TIER_ID="%s"><ANNOTATION>'
    '<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="%s" TIME_SLOT_REF2="ts3">'
    "<ANNOTATION_VALUE>%s</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
)


def test_a_slot_without_time_lies_between_its_neighbours(tmp_path):
    (tmp_path / "x.eaf").write_text(EAF % ("", "macro", "ts2", ""))
    assert read_tracks(tmp_path / "x.eaf", frame_rate=25.0)[0].expressions == (Expression(15, None, 19, "macro"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<a>", "not readable XML"),
        ("<a/>", "its root is 'a'"),
        (EAF % ("", "speech", "ts1", "hello"), "no tier stands for a type .tiers: 'speech'"),
        (EAF % ("", "macro", "ts9", ""), "does not fit .KeyError"),
        (EAF % ("", "macro", "ts1", "micro"), "'micro' contradicts the tier"),
        (EAF % ('<!DOCTYPE a [<!ENTITY b "boom">]>', "macro", "ts1", "&b;"), "declares a document type"),
        (EAF % ('<!DOCTYPE a SYSTEM "file:///etc/passwd">', "macro", "ts1", ""), "declares a document type"),
    ],
)
def test_a_bad_eaf_is_refused(tmp_path, content, message):
    (tmp_path / "x.eaf").write_text(content)
    with pytest.raises(FormatError, match=rf"x\.eaf.*{message}"):
        read_tracks(tmp_path / "x.eaf", frame_rate=25.0)


def test_points_and_backward_intervals_as_expressions(tmp_path):
    rows = "onset\tduration\ttrial_type\n1.0\t%s\tmicro\n"
    (tmp_path / "x.tsv").write_text(rows % "0")
    content = read_content(tmp_path / "x.tsv", frame_rate=25.0)
    assert content.notes == ("tier 'micro', 1.000 s: it has no length, one frame is taken",)
    (tmp_path / "x.tsv").write_text(rows % "-0.5")
    with pytest.raises(FormatError, match=r"1\.000 s: it ends before it begins, at 0\.500 s"):
        read_tracks(tmp_path / "x.tsv", frame_rate=25.0)


@pytest.mark.parametrize("suffix", [".eaf", ".TextGrid", ".tsv"])
def test_a_probability_whose_emotion_was_deleted_is_refused(tmp_path, suffix):
    write_tracks(sample(), tmp_path / f"x{suffix}")
    text = (tmp_path / f"x{suffix}").read_text()
    (tmp_path / f"x{suffix}").write_text(text.replace("surprise", "n/a" if suffix == ".tsv" else ""))
    with pytest.raises(FormatError, match=r"probability 0\.75 without an emotion"):
        read_tracks(tmp_path / f"x{suffix}")


def test_what_a_submission_cannot_hold_is_named(tmp_path):
    lost = lost_parts([sample()], tmp_path / "x.csv", "challenge")
    names = ("apex", "emotion", "emotion probability", "action units", "score")
    assert lost == [f"a challenge table holds no {part}" for part in names]


def test_times_without_a_frame_rate_are_refused(tmp_path):
    (tmp_path / "x.eaf").write_text(EAF % ("", "macro", "ts1", ""))
    with pytest.raises(FormatError, match="it holds times, but no frame rate; give the video"):
        read_tracks(tmp_path / "x.eaf")


def test_an_annotation_beyond_the_video_is_refused(tmp_path):
    (tmp_path / "x.eaf").write_text(EAF % ("", "macro", "ts1", ""))
    with pytest.raises(
        FormatError, match=r"tier 'macro', 0\.400 s: the interval ends at 0\.800 s, the video at 0\.500"
    ):
        read_tracks(tmp_path / "x.eaf", timebase=Timebase(20.0, 10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ooBinaryFile\x08TextGrid", "binary"),
        (b"\xff\xff\xff", "neither UTF-8 nor UTF-16"),
        (b"hello", "ends too early"),
        (b'File type = "ooTextFile"\nObject class = "Pitch"\n', "does not begin as a TextGrid"),
        (b'"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n1\n"IntervalTier"\n"macro"\n0\n1\n2\n0\n', "ends too early"),
        (b'"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n1\n"Pitch"\n"macro"\n', "class 'Pitch'"),
    ],
)
def test_a_bad_textgrid_is_refused(tmp_path, content, message):
    (tmp_path / "x.TextGrid").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_tracks(tmp_path / "x.TextGrid", frame_rate=25.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("onset\tduration\n", "trial_type is missing"),
        ("onset\tduration\ttrial_type\n1\t2\n", "line 2: 2 cells for 3 columns"),
        ("onset\tduration\ttrial_type\none\t2\tmicro\n", "line 2: could not convert"),
        ("onset\tduration\ttrial_type\tonset_frame\toffset_frame\n0\t1\tmicro\t9\t3\n", "line 2: onset 9 and offset 3"),
    ],
)
def test_bad_events_are_refused_with_their_line(tmp_path, content, message):
    (tmp_path / "x.tsv").write_text(content)
    with pytest.raises(FormatError, match=message):
        read_tracks(tmp_path / "x.tsv", frame_rate=25.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("vid,pred_onset,pred_offset,type\na,1,5,huge\n", "line 2: the type 'huge' is unknown"),
        ("vid,pred_onset,pred_offset,type\na,0,5,me\n", "line 2: onset -1"),
        ("vid,pred_onset,pred_offset,type\na,,5,me\n", "line 2: invalid literal"),
    ],
)
def test_a_bad_submission_is_refused_with_its_line(tmp_path, content, message):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(FormatError, match=message):
        read_tracks(tmp_path / "x.csv")


def test_a_submission_counts_from_one_and_is_known_by_its_header(tmp_path):
    track = Track("a", Timebase(30.0, 50), (Expression(0, 2, 9, "macro"), Expression(20, None, 25, "micro")))
    write_tracks(track, tmp_path / "x.csv", format="challenge")
    assert (tmp_path / "x.csv").read_text() == "vid,pred_onset,pred_offset,type\na,1,10,mae\na,21,26,me\n"
    content = read_content(tmp_path / "x.csv")
    assert content.tracks[0].expressions == (Expression(0, None, 9, "macro"), Expression(20, None, 25, "micro"))
    assert content.notes == ("no frame rate is known: 1 frame per second is assumed",)


def test_duplicates_in_a_table_are_kept_and_noted(tmp_path):
    one = Expression(1, None, 5, "macro")
    write_tracks(Track("a", Timebase(30.0, 50), (one, one)), tmp_path / "x.csv")
    content = read_content(tmp_path / "x.csv")
    assert content.tracks[0].expressions == (one, one)
    assert content.notes == ("a: macro 1-5 is there twice; both are kept",)


def test_a_table_beyond_the_video_is_refused_with_its_line(tmp_path):
    write_tracks(Track("a", Timebase(30.0, 50), (Expression(1, None, 45, "macro"),)), tmp_path / "x.csv")
    with pytest.raises(FormatError, match="line 2: offset 45 is outside a video of 40 frames"):
        read_tracks(tmp_path / "x.csv", timebase=Timebase(30.0, 40))


def test_text_that_a_format_cannot_hold_is_refused(tmp_path):
    track = Track("a\x01", Timebase(30.0, 50), (Expression(1, None, 5, "macro", "a\tb"),))
    with pytest.raises(FormatError, match="a character that XML cannot"):
        write_tracks(track, tmp_path / "x.eaf")
    with pytest.raises(FormatError, match="tab or line break"):
        write_tracks(track, tmp_path / "x.tsv")
    assert list(tmp_path.iterdir()) == []
