"""CASME II and SMIC-E: clips of one micro-expression, on tiny copies."""

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError
from facespot.values import Expression


@pytest.fixture
def casme_ii(tmp_path, frames, workbook):
    for subject, clip in (("sub01", "EP02_01f"), ("sub01", "EP03_02"), ("sub17", "EP01_06")):
        frames(tmp_path / "CASME2_RAW" / subject / clip, [f"img{number}.jpg" for number in range(1, 121)])
    workbook(
        tmp_path / "CASME2-coding-20140508.xlsx",
        [
            [
                "Subject",
                "Filename",
                None,
                "OnsetFrame",
                "ApexFrame",
                "OffsetFrame",
                None,
                "Action Units",
                "Estimated Emotion",
            ],
            [1, "EP02_01f", None, 46, 59, 86, None, "12", "happiness"],
            ["01", "EP03_02", None, 1, "/", 71, None, "4+L10", "others"],
            [17, "EP01_06", None, 5, 9, 40, None, 4, "repression"],
            [18, "EP01_01", None, 5, 9, 40, None, 4, "fear"],
        ],
    )
    return tmp_path


def test_casme_ii_clips(casme_ii, reasons):
    dataset = load_dataset("casme_ii", casme_ii)
    assert [(one.id, one.subject) for one in dataset.recordings] == [
        ("sub01_EP02_01f", "sub01"), ("sub01_EP03_02", "sub01"), ("sub17_EP01_06", "sub17")
    ]  # fmt: skip
    assert [one.truth.expressions for one in dataset.recordings] == [
        (Expression(45, 58, 85, "micro", "happiness", ("12",)),),
        (Expression(0, None, 70, "micro", "others", ("4", "L10")),),
        (Expression(4, 8, 39, "micro", "repression", ("4",)),),
    ]
    assert {one.timebase.fps for one in dataset.recordings} == {200.0}
    assert any("row 3: apex '/': unknown" in one for one in reasons(dataset, "noted"))
    assert reasons(dataset, "dropped") == [
        "CASME2-coding-20140508.xlsx, sheet 'Sheet1', row 5: its video is not there: sub18_EP01_01"
    ]


def test_casme_ii_emotions_in_classes(casme_ii, reasons):
    def emotions(table):
        dataset = load_dataset("casme_ii", casme_ii, emotions=table)
        return [one.truth.expressions[0].emotion for one in dataset.recordings], reasons(dataset, "noted")

    assert emotions("five")[0] == ["happiness", "others", "repression"]
    found, noted = emotions("composite")
    assert found == ["positive", None, "negative"]
    assert "emotion table composite: 'others', 1 expressions, is not scored" in noted


def test_casme_ii_with_a_wrong_root(tmp_path, casme_ii):
    with pytest.raises(FormatError, match="there is no folder CASME2_RAW"):
        load_dataset("casme_ii", casme_ii / "CASME2_RAW")
    (casme_ii / "CASME2-coding-20140508.xlsx").unlink()
    with pytest.raises(FormatError, match="no CASME2-coding"):
        load_dataset("casme_ii", casme_ii)


SMIC_HEADER = ["Subject", "Filename", "Emotion", "OnsetF", "OffsetF", "FirstF"]


@pytest.fixture
def smic(tmp_path, frames, workbook):
    def make(camera="HS", rows=None, first=100):
        base = tmp_path / "SMIC-E_raw image" / f"{camera}_long" / f"SMIC-{camera}-E"
        for subject, clip in (("s01", "s1_ne_01"), ("s03", "s3_sur_02")):
            names = [f"image{number:06d}.jpg" for number in range(first, first + 60)]
            frames(base / subject / "micro" / clip, names)
        rows = rows or [[1, "s1_ne_01", "negative", 110, 140, 100], ["s3", "s3_sur_02", "surprise", 100, 130, 100]]
        text = [None, ["OnsetF: the frame in which it begins"], ["the long clips begin earlier"]]
        workbook(tmp_path / f"SMIC-{camera}-E_annotation.xlsx", [SMIC_HEADER, *rows, *(row or [] for row in text)])
        return tmp_path

    return make


@pytest.mark.parametrize(("camera", "rate"), [("HS", 100.0), ("VIS", 25.0), ("NIR", 25.0)])
def test_smic_frames_count_from_the_first_on_disk(smic, reasons, camera, rate):
    dataset = load_dataset(f"smic_{camera.lower()}", smic(camera))
    first, second = dataset.recordings
    assert (first.id, first.subject, first.timebase.fps) == ("s1_ne_01", "s1", rate)
    assert first.truth.expressions == (Expression(10, None, 40, "micro", "negative"),)
    assert second.truth.expressions == (Expression(0, None, 30, "micro", "surprise"),)
    assert dataset.report.dropped == ()
    assert len([one for one in reasons(dataset, "noted") if "no annotation, passed over" in one]) == 2


def test_smic_names_that_do_not_fit_are_reported(smic, reasons):
    dataset = load_dataset("smic_hs", smic(first=1))
    assert dataset.recordings[0].truth.expressions == (Expression(10, None, 40, "micro", "negative"),)
    assert "its names begin at 1, not at FirstF, 100" in reasons(dataset, "frame count")[-1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([1, "s1_ne_09", "negative", 110, 140, 100], "its video is not there: s1_ne_09"),
        ([1, "s1_ne_01", "negative", 90, 140, 100], "onset 90 comes before the first frame, 100"),
        ([1, "s1_ne_01", "negative", None, 140, 100], "onset is unknown"),
        ([1, "s1_ne_01", "negative", 110, 140, None], "subject or first frame is unknown"),
        ([1, "s1_ne_01", "negative", "a", 140, 100], "'a' is not a whole number"),
    ],
)
def test_a_smic_row_that_cannot_be_used_is_dropped(smic, reasons, row, reason):
    dataset = load_dataset("smic_hs", smic(rows=[row, ["s3", "s3_sur_02", "surprise", 100, 130, 100]]))
    assert reasons(dataset, "dropped") == [f"SMIC-HS-E_annotation.xlsx, sheet 'Sheet1', row 2: {reason}"]


def test_smic_with_a_wrong_root(smic):
    with pytest.raises(FormatError, match="there is no SMIC-VIS-E_annotation"):
        load_dataset("smic_vis", smic("HS"))


def test_a_smic_clip_without_a_row_is_noted(smic, reasons):
    dataset = load_dataset("smic_hs", smic(rows=[[1, "s1_ne_01", "negative", 110, 140, 100]]))
    assert any("s3_sur_02: no row annotates this clip" in one for one in reasons(dataset, "noted"))
