"""Own recordings: tables in frames or seconds, ELAN and Praat files, and everything that can be wrong with them."""

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError, SettingsError
from facespot.export import write_tracks
from facespot.values import Expression, Timebase, Track

HEADER = "subject,video,onset,apex,offset,type,emotion,aus,fps\n"


@pytest.fixture
def own(tmp_path, frames, video):
    frames(tmp_path / "ann" / "talk", [f"img{number:03d}.jpg" for number in range(51)])
    video(tmp_path / "ben" / "talk2.mp4", 50, 25)

    def make(*lines, header=HEADER, name="annotation.csv"):
        (tmp_path / name).write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        return tmp_path

    return make


def test_a_table_in_frames(own):
    root = own("ann,ann/talk,1,5,10,micro,fear,4+7,50", "ben,talk2.mp4,2,,11,Macro-expression,,,", "ben,talk2,,,,,,,")
    dataset = load_dataset("own_data", root)
    first, second = dataset.recordings
    assert (first.id, first.subject, first.timebase) == ("ann/talk", "ann", Timebase(50.0, 51))
    assert first.truth.expressions == (Expression(0, 4, 9, "micro", "fear", ("4", "7")),)
    assert (second.id, second.timebase) == ("ben/talk2", Timebase(25.0, 50))
    assert second.truth.expressions == (Expression(1, None, 10, "macro"),)
    assert dataset.report.findings == ()


def test_frames_may_count_from_zero(own):
    root = own("ann,ann/talk,0,5,10,micro,,,50")
    assert load_dataset("own_data", root, index_base=0).recordings[0].truth.expressions[0].onset == 0
    dataset = load_dataset("own_data", root)
    assert "onset 0 comes before the first frame, 1" in dataset.report.dropped[0].reason


def test_a_table_in_seconds(own):
    header = "subject,video,onset_s,apex_s,offset_s,type\n"
    root = own("ben,talk2,0.4,0.56,0.76,micro", "ben,talk2,1,,9,macro", header=header)
    dataset = load_dataset("own_data", root)
    assert dataset.recordings[0].truth.expressions == (Expression(10, 14, 19, "micro"),)
    assert dataset.report.dropped[0].where == "annotation.csv, line 3"
    assert dataset.report.dropped[0].reason == "9 s is outside the video, which ends at 2.000 s"


def test_semicolons_and_other_names_of_columns(own):
    root = own(
        "ben;talk2;2;3;11;micro;1+2", header="Person;File;Onset_Frame;Apex_Frame;Offset_Frame;Kind;Action Units\n"
    )
    dataset = load_dataset("own_data", root)
    assert dataset.recordings[0].truth.expressions == (Expression(1, 2, 10, "micro", None, ("1", "2")),)


def test_a_video_without_expressions_and_one_without_a_row(own, reasons):
    dataset = load_dataset("own_data", own("ben,talk2,,,,,,,"))
    assert dataset.recordings[0].truth.expressions == ()
    assert "no annotation names this video: it is left out" in reasons(dataset, "noted")[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ann,ann/talk,9,,5,micro,,,50", "onset 9 comes after offset 5"),
        ("ann,ann/talk,1,,5,blink,,,50", "the type 'blink' is unknown"),
        ("ann,ann/talk,a,,5,micro,,,50", "'a' is not a whole number"),
        (",ann/talk,1,,5,micro,,,50", "no subject is named"),
        ("ann,,1,,5,micro,,,50", "no video is named"),
        ("ann,nothing,1,,5,micro,,,50", "its video is not there: nothing"),
        ("ann,ann/talk,1,,5,micro,,,fast", "fps: could not convert string to float: 'fast'"),
        ("ann,ann/talk,1,,5,micro,,,", "a frame folder carries no frame rate: ann/talk"),
        ("eve,talk2,1,,5,micro,,,", "subject or fps differ from those of the video's first row"),
        ("ben,talk2,2,3,11,micro,,,", "it repeats annotation.csv, line 2"),
        ("ben,../other,2,3,11,micro,,,", "its video is not there: ../other"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped(own, reasons, line, reason):
    dataset = load_dataset("own_data", own("ben,talk2,2,3,11,micro,,,", line))
    assert reasons(dataset, "dropped") == [f"annotation.csv, line 3: {reason}"]


def test_a_frame_rate_for_all_folders(own):
    root = own("ann,ann/talk,1,5,10,micro,,,")
    assert load_dataset("own_data", root, frame_rate=60.0).recordings[0].timebase.fps == 60.0


def test_two_videos_of_one_name_must_be_told_apart(own, video, reasons, tmp_path):
    video(tmp_path / "eve" / "talk2.mp4", 20, 25)
    dataset = load_dataset("own_data", own("ben,talk2,2,3,11,micro,,,", "eve,eve/talk2,2,3,11,micro,,,"))
    assert reasons(dataset, "dropped") == ["annotation.csv, line 2: several videos fit its name: talk2"]
    assert [one.id for one in dataset.recordings] == ["eve/talk2"]


@pytest.mark.parametrize("suffix", [".eaf", ".TextGrid"])
def test_tier_files_beside_their_videos(own, tmp_path, suffix, reasons):
    truth = Track("x", Timebase(25.0, 50), (Expression(10, 14, 19, "micro", "fear", ("4", "R12A")),))
    write_tracks(truth, tmp_path / "ben" / f"talk2{suffix}")
    dataset = load_dataset("own_data", tmp_path)
    (recording,) = dataset.recordings
    assert (recording.id, recording.subject) == ("ben/talk2", "ben")
    assert recording.truth.expressions == truth.expressions
    assert any("the subject is taken to be 'ben'" in one for one in reasons(dataset, "noted"))


def test_a_linked_video_and_a_participant(own, tmp_path):
    truth = Track("x", Timebase(25.0, 50), (Expression(10, 14, 19, "micro"),))
    path = tmp_path / "notes" / "session.eaf"
    path.parent.mkdir()
    write_tracks(truth, path, media=tmp_path / "ben" / "talk2.mp4")
    path.write_text(path.read_text().replace('TIER_ID="micro"', 'PARTICIPANT="Benjamin" TIER_ID="micro"'))
    (recording,) = load_dataset("own_data", tmp_path).recordings
    assert (recording.id, recording.subject) == ("ben/talk2", "Benjamin")
    assert recording.truth.expressions == truth.expressions


def test_linked_folders_are_followed(own, tmp_path, video):
    video(tmp_path / "disk" / "far.mp4", 20, 25)
    root = tmp_path / "root"
    root.mkdir()
    (root / "far.mp4").symlink_to(tmp_path / "disk" / "far.mp4")
    write_tracks(
        Track("far", Timebase(25.0, 20), (Expression(1, 2, 3, "micro"),)), root / "far.eaf", media=root / "far.mp4"
    )
    (recording,) = load_dataset("own_data", root).recordings
    assert (recording.id, recording.path) == ("far", root / "far.mp4")


def test_an_eaf_without_media_is_dropped_by_name(own, tmp_path, reasons):
    truth = Track("x", Timebase(25.0, 50), (Expression(10, 14, 19, "micro"),))
    write_tracks(truth, tmp_path / "ben" / "talk2.eaf")
    write_tracks(truth, tmp_path / "lost.eaf")
    dataset = load_dataset("own_data", tmp_path)
    assert reasons(dataset, "dropped") == ["lost.eaf: the whole file: its video is not there"]
    (tmp_path / "ben" / "talk2.eaf").unlink()
    with pytest.raises(FormatError, match=r"no video .* can be used \(lost\.eaf: the whole file: its video"):
        load_dataset("own_data", tmp_path)


def test_a_damaged_tier_file_is_dropped_by_name(own, tmp_path, reasons):
    write_tracks(Track("x", Timebase(25.0, 50), ()), tmp_path / "ben" / "talk2.eaf")
    (tmp_path / "broken.TextGrid").write_bytes(b"hello")
    dataset = load_dataset("own_data", tmp_path)
    assert reasons(dataset, "dropped") == ["broken.TextGrid: the whole file: it ends too early"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"subject,video,onset,apex\na,b,1,2\n", r"annotation\.csv, line 1: the header lacks a column: 'type'"),
        (b"subject,video,onset,apex,type\na,b,1,2,micro\n", "lacks a column: 'offset'"),
        (b"subject,video,type\na,b,micro\n", "lacks a column: 'onset_s', 'offset_s'"),
        (b"", "no row names the columns: 'subject'"),
        (b"subject,video,onset,offset,type\na,caf\xe9,1,2,micro\n", r"annotation\.csv, line 2: it is not UTF-8 text"),
    ],
)
def test_a_bad_table_is_refused(own, tmp_path, content, message):
    (tmp_path / "annotation.csv").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        load_dataset("own_data", tmp_path)


def test_nothing_to_read(own, tmp_path):
    with pytest.raises(FormatError, match=r"there is no \.csv, \.xlsx, \.eaf or \.TextGrid"):
        load_dataset("own_data", tmp_path)
    with pytest.raises(SettingsError, match="frames cannot count from 3"):
        load_dataset("own_data", tmp_path, index_base=3)
