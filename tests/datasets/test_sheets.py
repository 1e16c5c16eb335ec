"""Tables: damaged and locked files, numbers as text and text as numbers."""

import zipfile

import pytest

from facespot.datasets.sheets import find_header, number, read_sheets, seconds, text
from facespot.errors import FormatError


def test_rows_know_where_they_stand(tmp_path, workbook):
    workbook(tmp_path / "x.xlsx", [["a", 1], [], [None, 2.0, "0401"]], [["other"]])
    first, second = read_sheets(tmp_path / "x.xlsx")
    assert [row.where for row in first] == ["x.xlsx, sheet 'Sheet1', row 1", "x.xlsx, sheet 'Sheet1', row 3"]
    assert [text(cell) for cell in first[1].cells] == ["", "2", "0401"]
    assert second[0].where == "x.xlsx, sheet 'Sheet2', row 1"
    assert first[0].cell(9) is None


def test_a_csv_with_a_byte_order_mark_and_semicolons(tmp_path):
    (tmp_path / "x.csv").write_bytes("\ufeffa;b\n1;2,5\n".encode())
    ((header, row),) = read_sheets(tmp_path / "x.csv")
    assert header.cells == ("a", "b")
    assert (row.where, row.cells) == ("x.csv, line 2", ("1", "2,5"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 encrypted", "locked with a password"),
        (b"<html>log in first</html>", "not an .xlsx file"),
        (b"PK\x03\x04 cut off", "is damaged"),
    ],
)
def test_a_bad_workbook_is_refused(tmp_path, content, message):
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(FormatError, match=rf"x\.xlsx: .*{message}"):
        read_sheets(tmp_path / "x.xlsx")


def test_a_workbook_with_a_broken_part_is_refused(tmp_path, workbook):
    workbook(tmp_path / "x.xlsx", [["a", 1]])
    with zipfile.ZipFile(tmp_path / "x.xlsx") as good, zipfile.ZipFile(tmp_path / "y.xlsx", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, b"<worksheet" if "sheet1" in name else good.read(name))
    with pytest.raises(FormatError, match=r"y\.xlsx: the \.xlsx is damaged"):
        read_sheets(tmp_path / "y.xlsx")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"no\.xlsx: it cannot be read"):
        read_sheets(tmp_path / "no.xlsx")


def test_numbers():
    assert [number(cell) for cell in (3, 3.0, "3", " 3.0 ", "-1", None, "/", "")] == [3, 3, 3, 3, -1, None, None, None]
    for bad in ("3.5", 3.5, "three", "1e3", True):
        with pytest.raises(ValueError, match="is not a whole number"):
            number(bad)
    assert [seconds(cell) for cell in (0.5, "2", None)] == [0.5, 2.0, None]
    for bad in ("nan", "inf", "soon"):
        with pytest.raises(ValueError, match=r"not a time|could not convert"):
            seconds(bad)


def test_a_header_is_found_by_its_names(tmp_path, workbook):
    workbook(tmp_path / "x.xlsx", [["notes"], ["ON-SET frame", "Off set"], [1, 2]])
    (rows,) = read_sheets(tmp_path / "x.xlsx")
    names = {"onset": ("Onset Frame",), "offset": ("Offset",), "apex": ("Apex",)}
    columns, below = find_header(rows, names, ("onset", "offset"), tmp_path / "x.xlsx")
    assert columns == {"onset": 0, "offset": 1}
    assert [row.cells for row in below] == [(1, 2)]
    with pytest.raises(FormatError, match=r"x\.xlsx, sheet 'Sheet1', row 2: the header lacks a column: 'Apex'"):
        find_header(rows, names, ("onset", "apex"), tmp_path / "x.xlsx")
