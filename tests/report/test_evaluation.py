"""The HTML page and the JSON of an evaluation hold the same figures as the summary."""

import json
from html.parser import HTMLParser

import pytest

from facespot.errors import OutputError
from facespot.metrics import Resampling, compare, summarize
from facespot.report.evaluation import write_comparison_page, write_evaluation_page
from facespot.report.evaluation_document import comparison_document, evaluation_document
from facespot.values import Expression, Timebase, Track

BASE = Timebase(30.0, 900)
TRUTH = [
    Track("a & b", BASE, (Expression(10, 15, 20, "micro", emotion="<sad>"), Expression(100, None, 160, "macro"))),
    Track("c", BASE, (Expression(10, 15, 20, "micro", emotion="happy"),)),
]
PREDICTED = [
    Track("a & b", BASE, (Expression(11, 15, 20, "micro", emotion="<sad>"), Expression(400, None, 450, "macro"))),
]
VOID = ("meta", "rect", "line", "circle", "br")


class Cells(HTMLParser):
    """Text of every table cell; every tag that is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.rows = [], []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Shapes of the picture; nothing to close."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and ("td" in self.open or "th" in self.open):
            self.rows[-1][-1] += data


def cells(path):
    parser = Cells()
    parser.feed(path.read_text())
    assert parser.open == []
    return parser.rows


def test_the_page_lists_counts_mistakes_and_every_expression(tmp_path):
    summary = summarize(TRUTH, PREDICTED, resampling=Resampling(n_resamples=50))
    write_evaluation_page(summary, TRUTH, PREDICTED, tmp_path / "page.html")
    rows = cells(tmp_path / "page.html")
    assert next(row[:4] for row in rows if row[0] == "micro") == ["micro", "1", "0", "1"]
    assert ["background", "1", "0", "1"] in rows
    assert ["a & b", "micro", "10-20 <sad>", "11-20 <sad>", "hit, IoU 0.91"] in rows
    assert ["a & b", "macro", "100-160", "", "missed"] in rows
    assert ["a & b", "macro", "", "400-450", "false alarm"] in rows
    assert ["<sad>", "1", "0", "0"] in rows


def test_the_json_has_no_nan_and_the_figures_of_the_summary():
    summary = summarize(TRUTH, PREDICTED, resampling=Resampling(n_resamples=50))
    document = json.loads(json.dumps(evaluation_document(summary), allow_nan=False))
    assert document["counts"]["overall"]["f1"] == summary.evaluation.f1
    assert document["errors_of_hits"]["macro"]["apex"]["mean_frames"] is None
    assert document["intervals"]["micro"]["ap"]["estimate"] == summary.figures["micro"]["ap"].estimate


def test_a_comparison_as_page_and_json(tmp_path):
    comparison = compare(TRUTH, PREDICTED, TRUTH, resampling=Resampling(n_resamples=50))
    write_comparison_page(comparison, ["<A>", "B"], tmp_path / "page.html")
    assert "A: &lt;A&gt;" in (tmp_path / "page.html").read_text()
    assert [row[:4] for row in cells(tmp_path / "page.html") if row[:2] == ["overall", "F1"]] == [
        ["overall", "F1", "0.4000", "1.0000"]
    ]
    document = json.loads(json.dumps(comparison_document(comparison, ["A", "B"]), allow_nan=False))
    assert document["differences"]["overall"]["f1"]["interval"]["estimate"] == pytest.approx(0.6)


def test_a_page_that_cannot_be_written_ends_in_one_line(tmp_path):
    summary = summarize(TRUTH, PREDICTED, resampling=Resampling(n_resamples=5))
    with pytest.raises(OutputError, match="cannot be written"):
        write_evaluation_page(summary, TRUTH, PREDICTED, tmp_path / "nowhere" / "page.html")
