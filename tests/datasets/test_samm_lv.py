"""SAMM Long Videos: every quirk of its layout, on a tiny copy."""

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError
from facespot.values import Expression

HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
]
NOTES = [[f"note {number}"] for number in range(10)]
ROWS = [
    [6, "006_1_1", 1, 100, 110, 150, 51, "Micro - 1/2", "R12A", None],
    [6, "006_1_2", 1, 200, -1, 260, 61, "Macro", 4, None],
    [6, "006_1_3", 1, 0, 20, 60, 61, "Macro", "6+12", "begins before"],
    [7, "007_3_1", 3, 10, 15, 30, 21, "Micro - 1", "4(B/C)+7B", None],
]
EMOTIONS = [
    [
        "Subject",
        "Filename",
        "Inducement Code",
        "Onset",
        "Apex",
        "Offset",
        "Duration",
        "Type",
        "Action Units",
        "Emotion",
    ],
    [6, "006_1_1", 1, 100, 110, 150, 51, "Micro - 1/2", "R12A", "Contempt"],
    [7, "007_3_1", 3, 10, 15, 30, 21, "Micro - 1/2", "4", "Other"],
    [8, "008_1_1", 3, 10, 15, 30, 21, "Macro", "4", "Anger"],
]


@pytest.fixture
def samm(tmp_path, frames, workbook):
    names = [f"006_1_{number:04d}.jpg" for number in range(1, 9999, 1)][:298]
    frames(tmp_path / "SAMM_longvideos" / "006_1", names)
    frames(tmp_path / "SAMM_longvideos" / "007_3", [f"007_3_{number:04d}.jpg" for number in range(1, 41)])
    frames(tmp_path / "SAMM_longvideos" / "008_1", [f"008_1_{number:04d}.jpg" for number in range(1, 11)])

    def make(rows=ROWS, notes=NOTES, emotions=EMOTIONS):
        workbook(tmp_path / "SAMM_LongVideos_V1_Release.xlsx", [*notes, HEADER, *rows])
        if emotions:
            workbook(tmp_path / "SAMM_20181215_Micro_FACS_Codes_v2.xlsx", [["SAMM"], [], *emotions])
        return tmp_path

    return make


def test_recordings_and_the_drop_of_unknown_onsets(samm, reasons):
    dataset = load_dataset("samm_lv", samm())
    first, second, third = dataset.recordings
    assert [(one.id, one.subject) for one in dataset.recordings] == [
        ("006_1", "006"), ("007_3", "007"), ("008_1", "008")
    ]  # fmt: skip
    assert first.timebase.fps == 200.0
    assert first.truth.expressions == (
        Expression(99, 109, 149, "micro", "contempt", ("R12A",)),
        Expression(199, None, 259, "macro", None, ("4",)),
    )
    assert second.truth.expressions == (Expression(9, 14, 29, "micro", "others", ("4(B/C)", "7B")),)
    assert third.truth.expressions == ()
    place = "SAMM_LongVideos_V1_Release.xlsx, sheet 'Sheet1', row 14"
    assert reasons(dataset, "dropped") == [f"{place}: onset 0: it begins before the video (drop_unknown_onset)"]
    assert any("row 13: apex -1: taken as unknown" in one for one in reasons(dataset, "repaired"))
    assert dataset.counts()["macro"] == 1


@pytest.mark.parametrize("onset", [0, 1])
def test_unknown_onsets_can_be_kept(samm, reasons, onset):
    rows = [*ROWS[:2], [6, "006_1_3", 1, onset, 20, 60, 61, "Macro", "6+12", None], ROWS[3]]
    root = samm(rows)
    assert len(load_dataset("samm_lv", root).report.dropped) == 1
    dataset = load_dataset("samm_lv", root, drop_unknown_onset=False)
    assert Expression(0, 19, 59, "macro", None, ("6", "12")) in dataset.recordings[0].truth.expressions
    assert dataset.report.dropped == ()
    assert any(f"row 14: onset {onset}: it begins before the video" in one for one in reasons(dataset, "repaired"))


def test_the_header_may_stand_in_the_first_row(samm):
    assert load_dataset("samm_lv", samm(notes=[])).counts() == load_dataset("samm_lv", samm()).counts()


def test_five_digits_sort_after_four(tmp_path, frames, workbook):
    names = [f"006_1_{number:04d}.jpg" for number in range(9990, 10011)]
    frames(tmp_path / "SAMM_longvideos" / "006_1", names)
    workbook(
        tmp_path / "SAMM_LongVideos_V3_Release.xlsx",
        [HEADER, [6, "006_1_1", 1, 9998, 10001, 10004, 7, "Macro", "4", None]],
    )
    (recording,) = load_dataset("samm_lv", tmp_path).recordings
    assert recording.truth.expressions == (Expression(8, 11, 14, "macro", None, ("4",)),)


def test_without_the_second_file_no_emotions_are_known(samm, reasons):
    dataset = load_dataset("samm_lv", samm(emotions=None))
    assert {one.emotion for recording in dataset.recordings for one in recording.truth.expressions} == {None}
    assert any("no emotions are known" in one for one in reasons(dataset, "noted"))


def test_what_does_not_join_is_noted(samm, reasons):
    dataset = load_dataset("samm_lv", samm(emotions=EMOTIONS[:2]))
    assert any("row 15: 007_3_1 is not in the table of emotions" in one for one in reasons(dataset, "noted"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([6, "006_1", 1, 100, 110, 150, 51, "Macro", "4"], "the file name '006_1' is not like 006_1_1"),
        ([6, "006_1_9", 1, 100, 110, 150, 51, "Blink", "4"], "the type 'Blink' is unknown"),
        ([6, "006_1_9", 1, 150, 110, 100, 51, "Macro", "4"], "onset 150 comes after offset 100"),
        ([6, "006_9_1", 1, 100, 110, 150, 51, "Macro", "4"], "its video is not there: 006_9"),
        ([6, "006_1_9", 1, "?", 110, 150, 51, "Macro", "4"], "'?' is not a whole number"),
        ([6, "006_1_9", 1, 100, 110, None, 51, "Macro", "4"], "offset is unknown"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_with_its_reason(samm, reasons, row, reason):
    dataset = load_dataset("samm_lv", samm([ROWS[0], row]))
    assert reasons(dataset, "dropped") == [f"SAMM_LongVideos_V1_Release.xlsx, sheet 'Sheet1', row 13: {reason}"]


def test_oddities_are_noted(samm, reasons):
    dataset = load_dataset("samm_lv", samm([[9, "006_1_1", 1, 100, 110, 150, 99, "Macro", "4, smirk", None]]))
    noted = " ".join(reasons(dataset, "noted"))
    assert "the duration 99 is not offset - onset + 1" in noted
    assert "subject 9, the file name says 006_1_1" in noted
    assert "the action unit 'smirk' is not understood; kept as written" in noted
    assert dataset.recordings[0].truth.expressions[0].action_units == ("4", "smirk")


def test_a_missing_column_is_named(samm, workbook):
    root = samm()
    workbook(root / "SAMM_LongVideos_V1_Release.xlsx", [*NOTES, HEADER[:5], [6, "006_1_1", 1, 2, 3]])
    with pytest.raises(
        FormatError, match=r"Release\.xlsx, sheet 'Sheet1', row 11: .* lacks a column: 'Offset', 'Type'"
    ):
        load_dataset("samm_lv", root)


def test_a_wrong_root_says_what_is_missing(tmp_path, samm):
    with pytest.raises(FormatError, match="there is no folder SAMM_longvideos"):
        load_dataset("samm_lv", samm() / "SAMM_longvideos")
    (tmp_path / "SAMM_LongVideos_V1_Release.xlsx").unlink()
    with pytest.raises(FormatError, match="there is no SAMM_LongVideos"):
        load_dataset("samm_lv", tmp_path)
