"""The page and the JSON of a run: well-formed, whole, equal to the summary, and safe for any name."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from facespot.metrics import PAPER_RULE, Corpus, Resampling, summarize
from facespot.report.run import FoldRow, RunPage, write_run_page
from facespot.report.run_document import run_document
from facespot.report.run_timelines import POINTS, thin_out
from facespot.values import Curve, Expression, Timebase, Track

BASE = Timebase(30.0, 3000)
SUBJECTS = {"<b>": "s & 1", "quiet": "s & 1", "blank": "s2", "gaps": "s10"}


def expression(onset, offset, kind, score=None):
    return Expression(onset, (onset + offset) // 2, offset, kind, score=score)


TRUTH = [
    Track("<b>", BASE, (expression(100, 140, "macro"), expression(900, 912, "micro"), expression(2000, 2030, "macro"))),
    Track("quiet", BASE),
    Track("blank", BASE, (expression(10, 50, "macro"),)),
    Track("gaps", BASE, (expression(600, 612, "micro"),)),
]
PREDICTED = [
    Track("<b>", BASE, (expression(102, 140, "macro", 0.9), expression(1500, 1512, "micro", 0.4))),
    Track("quiet", BASE, (expression(700, 740, "macro", 0.6),)),
    Track("gaps", BASE, (expression(601, 612, "micro", 0.8),)),
]


def curve(kind, hole=None):
    values = np.abs(np.sin(np.arange(2900) / 40.0)).astype(np.float32)
    if hole is not None:
        values[hole] = np.nan
    return Curve(kind, np.arange(2900), values, 0.5)


CURVES = {
    "<b>": (curve("macro"), curve("micro")),
    "quiet": (curve("macro"), Curve("micro", np.arange(5), np.full(5, np.nan, dtype=np.float32), None)),
    "gaps": (curve("macro"), curve("micro", slice(1000, 1500))),
}


@pytest.fixture
def run():
    resampling = Resampling(n_resamples=50)
    corpus = Corpus(SUBJECTS, {track.video: track.timebase for track in TRUTH})
    return RunPage(
        title="softnet on <made up>",
        protocol="Honest: k was chosen on the training subjects & nothing else.",
        published=False,
        facts={"dataset": "made up", "command": "facespot run 'a \"b\"' <c>"},
        summary=summarize(TRUTH, PREDICTED, corpus=corpus, resampling=resampling),
        truth=TRUTH,
        predicted=PREDICTED,
        subjects=SUBJECTS,
        folds=[
            FoldRow("s & 1", ("s & 1",), {"macro": (18, 0.6), "micro": (6, 0.2)}, {"macro": 900, "micro": 800},
                    {"macro": 3, "micro": 3}, {"macro": 0.0125, "micro": float("nan")}, 12.34, ("<stopped> early",)),
            FoldRow("s2", ("s2",), {"macro": (17, 17 / 30), "micro": (6, 0.2)}, {"macro": 910, "micro": 810}),
        ],
        curves=CURVES,
        losses={"s2/macro": [3.0, 0.5, 0.01], "s & 1/macro": [4.0, float("nan"), 0.2], "s & 1/micro": [0.5]},
    )  # fmt: skip


VOID = ("meta", "br")


class Page(HTMLParser):
    """Cells by row, texts by tag, classes of shapes and every picture; whatever is opened is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.pictures, self.ids, self.links, self.shapes = [], [], [], [], [], []
        self.texts = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.look(tag, dict(attrs))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag, attrs):
        self.look(tag, dict(attrs))

    def look(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "object", "b!")
        assert not {"src", "onclick", "onload", "xlink:href"} & attrs.keys()
        self.links += [attrs["href"]] if "href" in attrs else []
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag == "svg":
            self.pictures.append(attrs)
        self.shapes.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    def named(self, name):
        return [attrs for _, attrs in self.shapes if attrs.get("class", "").split()[:1] == [name]]


@pytest.fixture
def written(tmp_path):
    def write(run):
        write_run_page(run, tmp_path / "run.html")
        return Page((tmp_path / "run.html").read_text(encoding="utf-8"))

    return write


def test_every_subject_and_video_is_on_the_page(run, written):
    page = written(run)
    captions = " ".join(page.texts["figcaption"])
    assert all(f"{track.video}100.0 s;" in captions for track in TRUTH)
    assert [text.split("1 video")[0].split("2 videos")[0] for text in page.texts["summary"]] == ["s & 1", "s10", "s2"]
    assert page.texts["h1"] == ["softnet on <made up>"]
    assert ["command", "facespot run 'a \"b\"' <c>"] in page.rows


def test_figures_are_those_of_the_summary(run, written):
    page = written(run)
    for name, figures in run.summary.figures.items():
        row = next(row for row in page.rows if row and row[0] == name and len(row) == 9)
        f1 = figures["f1"]
        assert row[6] == f"{f1.estimate:.4f} {f1.low:.3f} to {f1.high:.3f}"
    assert page.texts["b"] == [f"{one['f1'].estimate:.4f}" for one in run.summary.figures.values()]


def test_subjects_have_their_own_counts_and_add_up(run, written):
    rows = {row[0]: row[1:] for row in written(run).rows if len(row) == 19 and row[0] != "subject"}
    assert list(rows) == ["s & 1", "s10", "s2", "all"]
    assert rows["s & 1"][:6] == ["1", "1", "1", "0.50", "0.50", "0.50"]
    assert rows["s10"][6:12] == ["1", "0", "0", "1.00", "1.00", "1.00"]
    assert rows["s2"] == ["0", "0", "1", "-", "0.00", "0.00", *["0", "0", "0", "-", "-", "-"],
                          "0", "0", "1", "-", "0.00", "0.00"]  # fmt: skip
    counts = np.array([[row[column] for column in (12, 13, 14)] for row in rows.values()], dtype=int)
    assert counts[:-1].sum(axis=0).tolist() == counts[-1].tolist() == [2, 2, 3]


def test_nothing_is_loaded_and_every_link_has_its_aim(run, written, tmp_path):
    page = written(run)
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)
    assert not re.search(r"https?:|url\(|@import|//", (tmp_path / "run.html").read_text())


def test_every_picture_says_what_it_shows(run, written):
    pictures = written(run).pictures
    assert all(one["role"] == "img" and one["aria-label"] for one in pictures)
    labels = [one["aria-label"] for one in pictures if one.get("class") == "timeline"]
    assert labels[0] == ("Timeline of <b>, 100.0 seconds: macro 1 of 2 found; micro 0 of 1 found, 1 false alarm")
    assert len(labels) == len(TRUTH)


def test_timelines_mark_hits_false_alarms_and_misses(run, written):
    page = written(run)
    bars = {name: sum(tag == "rect" for tag, attrs in page.shapes if attrs.get("class") == name)
            for name in ("hit", "true", "false-alarm", "missed", "not-counted")}  # fmt: skip
    assert bars == {"hit": 2, "true": 2, "false-alarm": 2, "missed": 3, "not-counted": 0}
    hit = next(attrs for tag, attrs in page.shapes if tag == "rect" and attrs.get("class") == "hit")
    assert float(hit["x"]) == pytest.approx(62 + 930 * 102 / 3000, abs=0.1)
    assert float(hit["width"]) == pytest.approx(930 * 39 / 3000, abs=0.1)


def test_a_bar_tells_its_emotion(run, written):
    first, *rest = run.predicted[0].expressions
    named = replace(first, emotion="<fear>", emotion_probability=0.5)
    predicted = [replace(run.predicted[0], expressions=(named, *rest)), *run.predicted[1:]]
    page = written(replace(run, predicted=predicted, summary=summarize(TRUTH, predicted, corpus=Corpus(SUBJECTS))))
    assert "spotted, hit: 3.40 to 4.70 s, <fear> 0.50" in page.texts["title"]


def test_gaps_are_left_open_and_absent_curves_are_said(run, written):
    page = written(run)
    lines = [attrs["d"] for tag, attrs in page.shapes if tag == "path" and attrs.get("class", "").startswith("score")]
    assert len(lines) == 5
    assert [line.count("M") for line in lines] == [1, 1, 1, 1, 2]
    assert " ".join(page.texts["text"]).count("no scores") == 3
    assert sum(attrs.get("class") == "threshold" for _, attrs in page.shapes) == 5


def test_the_published_protocol_is_warned_of_and_marks_what_it_does_not_count(run, written):
    corpus = Corpus(SUBJECTS)
    summary = summarize(TRUTH, PREDICTED, rule=PAPER_RULE, corpus=corpus, resampling=Resampling(n_resamples=20))
    page = written(replace(run, published=True, summary=summary))
    assert any(attrs.get("class") == "rule warning" for _, attrs in page.shapes)
    assert page.texts["p"][0].startswith("Published protocol.")
    assert "greedy matching" in page.texts["p"][1]
    # The false alarm in the video without expressions is drawn, but judged neither way.
    assert sum(tag == "rect" and attrs.get("class") == "not-counted" for tag, attrs in page.shapes) == 1
    assert not any(attrs.get("class") == "rule warning" for _, attrs in written(run).shapes)


def test_folds_and_losses(run, written):
    page = written(run)
    assert [
        "s & 1",
        "18 / 6",
        "0.6 / 0.2",
        "900 / 800",
        "3 / 3",
        "0.0125 / nan",
        "12.3",
        "<stopped> early",
    ] in page.rows
    assert ["s2", "17 / 6", "0.567 / 0.2", "910 / 810", "", "", "", ""] in page.rows
    labels = [one["aria-label"] for one in page.pictures if one.get("class") == "losses"]
    assert [label.split(":")[0] for label in labels] == [
        "Training loss of macro by epoch, 2 folds", "Training loss of micro by epoch, 1 fold"]  # fmt: skip
    assert sum(attrs.get("class") == "one macro" for _, attrs in page.shapes) == 2


def test_a_method_without_training_and_one_subject(run, written):
    corpus = Corpus(dict.fromkeys(SUBJECTS, "one"))
    summary = summarize(TRUTH, PREDICTED, corpus=corpus, resampling=Resampling(n_resamples=20))
    page = written(replace(run, summary=summary, subjects=corpus.subjects, losses={}, curves={}, folds=()))
    text = " ".join(page.texts["body"])
    assert "there are no intervals" in text
    assert "nan" not in text.lower()
    assert text.count("no interval") >= 3
    assert "training" not in page.ids
    assert "folds" not in page.ids


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    mixed = replace(run, losses=dict(reversed(run.losses.items())), curves=dict(reversed(run.curves.items())))
    for name, page in {"one": run, "two": mixed}.items():
        write_run_page(page, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_thinning_keeps_extremes_and_gaps():
    values = np.random.default_rng(0).normal(size=20_011)
    values[[4321, 9000]] = 50.0, -50.0
    values[7000:7040] = np.nan
    kept, joined = thin_out(values)
    assert len(kept) <= POINTS
    assert {4321, 9000} <= set(kept.tolist())
    assert np.flatnonzero(~joined).tolist() == [0, int(np.searchsorted(kept, 7000))]
    stretch = len(values) / (POINTS // 2)
    assert np.diff(kept).max() <= 2 * stretch + 2
    assert thin_out(np.full(3, np.nan))[0].tolist() == []


def test_a_page_of_150_videos_stays_small(run, tmp_path):
    truth = [replace(TRUTH[0], video=f"v{index:03d}") for index in range(150)]
    noise = np.random.default_rng(1).random(2900).astype(np.float32)
    curves = {one.video: tuple(replace(line, values=noise) for line in CURVES["<b>"]) for one in truth}
    summary = summarize(truth, [], resampling=Resampling(n_resamples=5))
    write_run_page(
        replace(run, summary=summary, truth=truth, predicted=[], curves=curves, subjects={}), tmp_path / "big.html"
    )
    assert (tmp_path / "big.html").stat().st_size < 5e6


def test_the_document_holds_the_run_without_nan(run):
    document = json.loads(json.dumps(run_document(run), allow_nan=False))
    assert document["schema"] == "facespot.summary/1"
    assert document["protocol"] == run.protocol
    assert document["published_protocol"] is False
    assert document["rule"] == run.summary.rule.sentence()
    assert document["intervals"]["micro"]["f1"]["low"] == run.summary.figures["micro"]["f1"].low
    assert document["by_subject"]["s & 1"]["macro"]["tp"] == 1
    assert document["by_subject"]["s2"]["overall"]["fn"] == 1
    assert document["folds"][0]["last_loss"] == {"macro": 0.0125, "micro": None}
    assert document["folds"][1]["seconds"] is None
    assert document["losses"]["s & 1/macro"] == [4.0, None, 0.2]
    assert document["false_positives"] == {key: dict(value) for key, value in run.summary.errors.items()}


def test_emotions_stand_on_the_page_of_a_run_that_named_them(tmp_path):
    base = Timebase(30.0, 300)
    truth = [Track("a", base, (Expression(10, 14, 20, "micro", "negative"),)),
             Track("b", base, (Expression(30, 34, 40, "micro", "positive"),))]  # fmt: skip
    summary = summarize(truth, truth)
    write_run_page(RunPage("mean on two", "honest", False, {}, summary, truth, truth), tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text()
    assert "Emotions: micro" in text
    assert "<td>negative</td><td>1</td><td>0</td>" in text
    # Nobody looked for macro-expressions: no figure is given for them.
    assert "F1 macro<b>-</b>" in text
