"""CAS(ME)2: every quirk of its layout, on a tiny copy."""

import pytest
from openpyxl import load_workbook

from facespot.datasets import load_dataset
from facespot.errors import FormatError
from facespot.values import Expression


def by_id(dataset):
    return {one.id: one for one in dataset.recordings}


def change_row(root, row, **cells):
    """Overwrite cells of the first sheet by column letter."""
    path = root / "CAS(ME)^2code_final.xlsx"
    book = load_workbook(path)
    for column, value in cells.items():
        book.worksheets[0][f"{column}{row}"] = value
    book.save(path)


def test_recordings_have_frames_from_zero_and_their_subjects(cas_me_2):
    dataset = load_dataset("cas_me_2", cas_me_2)
    found = by_id(dataset)
    assert list(found) == ["s15_0401", "s15_0503", "s16_0101", "s23_0503"]
    assert [one.subject for one in found.values()] == ["s15", "s15", "s16", "s23"]
    assert found["s15_0401"].timebase.n_frames == 120
    assert found["s15_0401"].timebase.fps == 30.0
    first = found["s15_0401"].truth.expressions[0]
    assert first == Expression(9, 13, 19, "macro", "negative", ("4", "10", "14"))
    assert found["s16_0101"].truth.expressions == (Expression(4, 7, 11, "micro", "negative", ("9",)),)
    assert dataset.counts() == {
        "subjects": 3,
        "videos": 4,
        "videos with an expression": 4,
        "macro": 6,
        "micro": 3,
    }
    assert dataset.report.dropped == ()


def test_action_units_may_be_numbers_sided_or_wavering(cas_me_2):
    truth = by_id(load_dataset("cas_me_2", cas_me_2))["s15_0401"].truth
    assert [one.action_units for one in truth.expressions] == [
        ("4", "10", "14"), ("12",), ("4",), (), ("R12A",), ("4(B/C)", "7B")
    ]  # fmt: skip


def test_an_offset_of_zero_becomes_the_apex_and_is_reported(cas_me_2, reasons):
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert Expression(39, 45, 45, "macro", "others", ("4",)) in by_id(dataset)["s15_0401"].truth.expressions
    row = "CAS(ME)^2code_final.xlsx, sheet 'Sheet1', row 3"
    assert f"{row}: offset 0: not coded, the apex 46 takes its place" in reasons(dataset, "repaired")


def test_an_impossible_apex_becomes_unknown_and_is_reported(cas_me_2, reasons):
    dataset = load_dataset("cas_me_2", cas_me_2)
    expressions = by_id(dataset)["s15_0401"].truth.expressions
    assert [one.apex for one in expressions if one.onset in (59, 79)] == [None, None]
    repaired = " ".join(reasons(dataset, "repaired"))
    assert "row 4: apex 75 lies outside the expression: taken as unknown" in repaired
    assert "row 5: apex 0: not coded, taken as unknown" in repaired


def test_overlapping_expressions_are_kept_and_noted(cas_me_2, reasons):
    noted = reasons(load_dataset("cas_me_2", cas_me_2), "noted")
    assert any(
        "row 2: overlaps CAS(ME)^2code_final.xlsx, sheet 'Sheet1', row 1, of the same type" in one for one in noted
    )


def test_a_misspelt_folder_is_known_by_its_digits(cas_me_2):
    assert by_id(load_dataset("cas_me_2", cas_me_2))["s15_0503"].path.name == "15_0503unnyfarting"


def test_a_video_in_a_foreign_folder_belongs_to_its_name(cas_me_2, reasons):
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert by_id(dataset)["s23_0503"].path.parent.name == "s19"
    assert any("lies in s19, its name says s23: the name is believed" in one for one in reasons(dataset, "noted"))


def test_a_lost_leading_zero_is_put_back_and_noted(cas_me_2, reasons):
    path = cas_me_2 / "CAS(ME)^2code_final.xlsx"
    book = load_workbook(path)
    book.worksheets[2]["A1"] = 401
    book.save(path)
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert len(by_id(dataset)["s15_0401"].truth.expressions) == 6
    assert any("the video code 401 is read as 0401" in one for one in reasons(dataset, "noted"))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"C": 30}, "onset 30 comes after offset 20"),
        ({"C": 0}, "onset 0 comes before the first frame, 1"),
        ({"C": 500, "D": 505, "E": 510}, "onset 500 comes after the last frame, 120"),
        ({"C": "ten"}, "'ten' is not a whole number"),
        ({"D": 0, "E": 0}, "offset 0 and no apex: the end is unknown"),
        ({"H": "blink"}, "the type 'blink' is unknown"),
        ({"A": 9}, "participant '9' is not in the sheets of names"),
        ({"B": "fear9_1"}, "video 'fear9' is not in the sheets of names"),
        ({"E": None}, "offset is unknown"),
        ({"A": 2}, "its video is not there: s16_0401"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_with_its_reason(cas_me_2, reasons, cells, reason):
    change_row(cas_me_2, 1, **cells)
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert reasons(dataset, "dropped") == [f"CAS(ME)^2code_final.xlsx, sheet 'Sheet1', row 1: {reason}"]
    with pytest.raises(FormatError, match=r"row 1: .*; mend the row"):
        load_dataset("cas_me_2", cas_me_2, strict=True)


def test_a_missing_video_is_named_once(cas_me_2, reasons):
    change_row(cas_me_2, 1, A=2)
    change_row(cas_me_2, 2, A=2)
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert len(reasons(dataset, "missing video")) == 1
    assert len(reasons(dataset, "dropped")) == 2


def test_a_repeated_row_is_dropped(cas_me_2, reasons):
    path = cas_me_2 / "CAS(ME)^2code_final.xlsx"
    book = load_workbook(path)
    book.worksheets[0].append([2, "disgust1_1", 5, 8, 12, "9", "negative", "micro-expression", "disgust"])
    book.save(path)
    (dropped,) = reasons(load_dataset("cas_me_2", cas_me_2), "dropped")
    assert dropped.endswith("row 10: it repeats CAS(ME)^2code_final.xlsx, sheet 'Sheet1', row 8")


def test_an_offset_after_the_last_frame_is_cut(cas_me_2, reasons):
    change_row(cas_me_2, 9, E=99)
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert by_id(dataset)["s23_0503"].truth.expressions[0].offset == 39
    assert any("row 9: offset 99 comes after the last frame: cut to 40" in one for one in reasons(dataset, "repaired"))
    assert any("40 is the last frame, 99 is annotated" in one for one in reasons(dataset, "frame count"))


def test_missing_frames_move_no_annotation(cas_me_2, reasons):
    (cas_me_2 / "rawpic" / "s16" / "16_0101disgustingteeth" / "img003.jpg").unlink()
    dataset = load_dataset("cas_me_2", cas_me_2)
    (one,) = by_id(dataset)["s16_0101"].truth.expressions
    # Frame 3 is gone: what the sheet calls 5..12 now stands at places 3..10.
    assert (one.onset, one.apex, one.offset) == (3, 6, 10)
    assert "1 of the frames 1 to 60 are missing, the first is 3" in reasons(dataset, "frame count")[0]


def test_a_header_row_in_the_sheet_is_passed_over(cas_me_2, reasons):
    path = cas_me_2 / "CAS(ME)^2code_final.xlsx"
    book = load_workbook(path)
    book.worksheets[0].insert_rows(1)
    for column, name in enumerate(["participant", "code", "onset", "apex", "offset"], start=1):
        book.worksheets[0].cell(1, column, name)
    book.save(path)
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert dataset.counts()["macro"] == 6
    assert any("row 1: a row of column names" in one for one in reasons(dataset, "noted"))


def test_the_flat_table_is_read_too(cas_me_2):
    (cas_me_2 / "CAS(ME)^2code_final.xlsx").unlink()
    (cas_me_2 / "annotation.csv").write_text(
        "subject,video_name,start_frame,apex_frame,end_frame,type_idx,au\n"
        "casme_015,casme_015_0401,10,14,20,1,4+10\n"
        "casme_016,casme_016_0101,5,8,12,2,9\n"
    )
    found = by_id(load_dataset("cas_me_2", cas_me_2))
    assert found["s15_0401"].truth.expressions == (Expression(9, 13, 19, "macro", None, ("4", "10")),)
    assert found["s16_0101"].truth.expressions == (Expression(4, 7, 11, "micro", None, ("9",)),)


@pytest.mark.parametrize(
    ("line", "reason"),
    [("casme_015,casme_015_0401,1,2,3,7,4", "type '7' is unknown"), ("s,talk,1,2,3,1,4", "'talk' is not named as")],
)
def test_a_bad_flat_row_is_dropped(cas_me_2, reasons, line, reason):
    (cas_me_2 / "CAS(ME)^2code_final.xlsx").unlink()
    header = "subject,video_name,start_frame,apex_frame,end_frame,type_idx,au\n"
    (cas_me_2 / "annotation.csv").write_text(f"{header}{line}\n")
    (dropped,) = reasons(load_dataset("cas_me_2", cas_me_2), "dropped")
    assert dropped.startswith("annotation.csv, line 2")
    assert reason in dropped


def test_a_flat_table_without_a_column_is_refused(cas_me_2):
    (cas_me_2 / "CAS(ME)^2code_final.xlsx").unlink()
    (cas_me_2 / "annotation.csv").write_text("subject,video_name,start_frame,apex_frame,end_frame\na,b,1,2,3\n")
    with pytest.raises(FormatError, match=r"annotation\.csv, line 1: the header lacks a column: 'type_idx'"):
        load_dataset("cas_me_2", cas_me_2)


def test_the_cropped_release_and_the_choice_of_frames(cas_me_2, frames, reasons):
    frames(cas_me_2 / "longVideoFaceCropped" / "s15" / "15_0401girlcrashing", [f"img{n}.jpg" for n in range(1, 121)])
    dataset = load_dataset("cas_me_2", cas_me_2)
    assert "rawpic" in str(by_id(dataset)["s15_0401"].path)
    assert any("the frames of rawpic are used, not those of longVideo" in one for one in reasons(dataset, "noted"))
    cropped = by_id(load_dataset("cas_me_2", cas_me_2, footage="longVideoFaceCropped"))
    assert "longVideoFaceCropped" in str(cropped["s15_0401"].path)
    assert len(cropped["s15_0401"].truth.expressions) == 6


def test_video_files_serve_where_there_are_no_frames(tmp_path, cas_me_2, video):
    root = tmp_path / "other"
    video(root / "rawvideo" / "s15" / "15_0401girlcrashing.avi", 120, 30)
    (cas_me_2 / "CAS(ME)^2code_final.xlsx").rename(root / "code_final.xlsx")
    (recording,) = load_dataset("cas_me_2", root).recordings
    assert recording.timebase.n_frames == 120
    assert len(recording.truth.expressions) == 6


def test_a_wrong_root_says_what_is_expected(tmp_path, cas_me_2):
    with pytest.raises(FormatError, match=r"the folder is not there; expected is rawpic/s15"):
        load_dataset("cas_me_2", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="there is no folder rawpic"):
        load_dataset("cas_me_2", tmp_path / "empty")
    (cas_me_2 / "CAS(ME)^2code_final.xlsx").unlink()
    with pytest.raises(FormatError, match=r"no \*code_final\.xlsx and no flat \.csv"):
        load_dataset("cas_me_2", cas_me_2)


def test_two_annotation_files_must_be_chosen_from(cas_me_2):
    original = cas_me_2 / "CAS(ME)^2code_final.xlsx"
    (cas_me_2 / "CAS(ME)^2code_final(Updated).xlsx").write_bytes(original.read_bytes())
    with pytest.raises(FormatError, match="there are several files for the annotation"):
        load_dataset("cas_me_2", cas_me_2)
    dataset = load_dataset("cas_me_2", cas_me_2, annotation="CAS(ME)^2code_final(Updated).xlsx")
    assert dataset.counts()["micro"] == 3


def test_a_lock_file_of_an_open_sheet_is_no_annotation(cas_me_2):
    (cas_me_2 / "~$CAS(ME)^2code_final.xlsx").write_bytes(b"lock")
    assert load_dataset("cas_me_2", cas_me_2).counts()["macro"] == 6
