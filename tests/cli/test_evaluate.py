"""``facespot evaluate``: what it prints, writes and refuses."""

import json
import subprocess
import sys

import pytest

TRUTH = """\
video,kind,onset,apex,offset,onset_s,apex_s,offset_s,emotion,score
a,macro,30,45,60,1.0,1.5,2.0,positive,
a,micro,120,126,131,4.0,4.2,4.366667,negative,
b,micro,30,36,41,1.0,1.2,1.366667,negative,
c,macro,300,330,390,10.0,11.0,13.0,surprise,
"""
PREDICTED = """\
video,kind,onset,apex,offset,onset_s,apex_s,offset_s,emotion,score
a,macro,33,45,62,1.1,1.5,2.066667,positive,0.9
a,micro,300,306,311,10.0,10.2,10.366667,positive,0.3
b,micro,32,37,42,1.066667,1.233333,1.4,positive,0.8
"""
WORSE = """\
video,kind,onset,apex,offset
a,macro,33,45,62
d,macro,1,2,3
"""
SUBJECTS = "video,subject,frames\na,ann,900\nb,ann,900\nc,ben,900\nd,ben,900\n"


def facespot(*arguments, cwd):
    command = [sys.executable, "-m", "facespot", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.fixture
def files(tmp_path):
    for name, text in {"truth": TRUTH, "predicted": PREDICTED, "worse": WORSE, "subjects": SUBJECTS}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def document(*arguments, cwd):
    done = facespot("evaluate", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_table_states_its_rule_counts_intervals_and_kinds_of_mistakes(files):
    done = facespot("evaluate", "truth.csv", "predicted.csv", "--subjects", "subjects.csv", cwd=files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rule: IoU >= 0.5, optimal matching, same type; all videos; AP ranked by score\n")
    assert "4 videos, 2 subjects" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["overall", "2", "1", "2", "0.6667", "0.5000", "0.5714"] in lines
    assert ["background", "0", "1", "1"] in lines
    assert ["a", "micro", "120-131", "missed"] in lines
    assert ["a", "micro", "false", "alarm", "300-311"] in lines
    for words in ("95 % intervals from 2000 resamplings of the 2 subjects", "false alarms per minute: macro 0.00",
                  "true \\ predicted", "STRS", "0.2 to 0.5 s", "frame accuracy"):  # fmt: skip
        assert words in done.stdout


def test_json_carries_every_figure(files):
    found = document("truth.csv", "predicted.csv", "--subjects", "subjects.csv", "--resamples", 100, cwd=files)
    assert found["schema"] == "facespot.evaluation/1"
    assert found["counts"]["overall"] == {
        "tp": 2, "fp": 1, "fn": 2, "precision": 2 / 3, "recall": 0.5, "f1": pytest.approx(4 / 7),
    }  # fmt: skip
    assert found["false_alarms_per_minute"]["overall"] == pytest.approx(60 / 120)
    assert found["errors_of_hits"]["overall"]["onset"]["mean_frames"] == 2.5
    assert found["errors_of_hits"]["micro"]["onset"]["mean_s"] == pytest.approx(2 / 30, rel=1e-4)
    assert found["emotions"]["overall"]["classes"] == ["negative", "positive", "surprise"]
    assert found["emotions"]["overall"]["samples"]["tp"]["confusion"] == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert found["intervals"]["overall"]["f1"]["estimate"] == pytest.approx(4 / 7)
    assert found["matches"][0]["truth"]["onset"] == 30


def test_the_rule_follows_the_options(files):
    strict = document("truth.csv", "predicted.csv", "--iou", 0.9, "--strict", "--matching", "greedy", cwd=files)
    assert strict["counts"]["overall"]["tp"] == 0
    assert strict["rule"].startswith("IoU > 0.9, greedy matching")
    paper = document("truth.csv", "predicted.csv", "--paper", cwd=files)
    assert paper["settings"] == {
        "iou": 0.5, "strict": False, "matching": "greedy", "count_dummy": True, "videos": "with_type",
        "ranked": False, "absent": "occurring",
    }  # fmt: skip
    # c holds a macro-expression and nothing was spotted there: one false positive by the papers' rule.
    assert (paper["counts"]["macro"]["fp"], paper["false_positives"]["macro"]["silent video"]) == (1, 1)
    some = document("truth.csv", "predicted.csv", "--classes", "positive,surprise", "--absent", "present", cwd=files)
    assert some["emotions"]["overall"]["samples"]["tp"]["outside_classes"] == 1


def test_a_hit_outside_the_classes_is_left_out_and_counted_and_shifts_nothing(tmp_path):
    """The published code drops the true emotion of such a hit and keeps its prediction: all that follow are shifted."""
    emotions = [("negative", "negative"), ("others", "surprise"), ("positive", "positive"), ("", "negative"),
                ("surprise", "surprise"), ("others", "negative"), ("negative", "positive")]  # fmt: skip
    head = "video,kind,onset,apex,offset,emotion,emotion_probability\n"
    rows = [(100 * index, 100 * index + 10, *pair) for index, pair in enumerate(emotions)]
    for column, name in ((2, "truth"), (3, "predicted")):
        probability = "0.5" if name == "predicted" else ""
        lines = [f"a,micro,{row[0]},,{row[1]},{row[column]},{probability}\n" for row in rows]
        (tmp_path / f"{name}.csv").write_text(head + "".join(lines))
    options = ("--classes", "negative,positive,surprise")
    found = document("truth.csv", "predicted.csv", *options, cwd=tmp_path)
    assert found["counts"]["overall"]["tp"] == 7
    recognized = found["emotions"]["overall"]["samples"]["tp"]
    assert recognized["outside_classes"] == 3
    # Rows: true; columns: predicted, and "none of them". Shifted by one, no diagonal would be left but by chance.
    assert recognized["confusion"] == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    done = facespot("evaluate", "truth.csv", "predicted.csv", *options, cwd=tmp_path)
    assert "3 hits whose true emotion is unknown or not scored" in done.stdout


def test_html_is_one_file_that_loads_nothing(files):
    named = (files / "truth.csv").read_text().replace("a,macro", "<b>a,macro")
    (files / "odd.csv").write_text(named)
    done = facespot("evaluate", "odd.csv", "odd.csv", "--html", "page.html", cwd=files)
    assert done.returncode == 0, done.stderr
    page = (files / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<table>") == page.count("</table>") > 4
    assert "&lt;b&gt;a" in page
    for word in ("<b>", "<script", "http", "src=", "@import", "url("):
        assert word not in page


def test_two_predictions_are_compared(files):
    arguments = ("truth.csv", "--compare", "predicted.csv", "worse.csv", "--subjects", "subjects.csv")
    done = facespot("evaluate", *arguments, "--html", "page.html", cwd=files)
    assert done.returncode == 0, done.stderr
    assert "A: predicted.csv\nB: worse.csv\n" in done.stdout
    assert "Comparison" in (files / "page.html").read_text()
    found = document(*arguments, cwd=files)
    assert found["schema"] == "facespot.comparison/1"
    f1 = found["differences"]["overall"]["f1"]
    assert (f1["first"], f1["second"]) == pytest.approx((4 / 7, 1 / 3))
    assert 0 < f1["p_permutation"] <= 1
    assert "some predictions have no score: AP is not ranked" in found["notes"]


def test_equal_input_gives_equal_bytes(files):
    pages = []
    for name in ("one.html", "two.html"):
        outputs = facespot("evaluate", "truth.csv", "predicted.csv", "--html", name, "--json", cwd=files).stdout
        pages.append((outputs, (files / name).read_bytes()))
    assert pages[0] == pages[1]


def test_what_the_files_do_not_tell_is_not_guessed(files):
    bare = "\n".join(",".join(line.split(",")[:5]) for line in TRUTH.splitlines())
    (files / "bare.csv").write_text(bare)
    found = document("bare.csv", "bare.csv", cwd=files)
    assert found["seconds_are_known"] is False
    assert found["frame_accuracy"] is None
    assert found["false_alarms_per_minute"] == {}
    assert found["errors_of_hits"]["overall"]["onset"]["mean_frames"] == 0
    assert document("bare.csv", "bare.csv", "--frame-rate", 30, cwd=files)["seconds_are_known"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["truth.csv"], "PREDICTED"),
        (["truth.csv", "predicted.csv", "--compare", "predicted.csv", "worse.csv"], "PREDICTED"),
        (["truth.csv", "worse.csv"], "without truth: d"),
        (["truth.csv", "nowhere.csv"], "nowhere.csv"),
        (["truth.csv", "predicted.csv", "--matching", "best"], "'best' is not a choice"),
        (["truth.csv", "predicted.csv", "--videos", "some"], "choose all or with_type"),
        (["truth.csv", "predicted.csv", "--iou", "0"], "--iou"),
        (["truth.csv", "predicted.csv", "--resamples", "0"], "--resamples"),
        (["truth.csv", "predicted.csv", "--seed", "-1"], "--seed"),
        (["truth.csv", "predicted.csv", "--classes", "x,x"], "--classes"),
        (["truth.csv", "predicted.csv", "--frame-rate", "-3"], "--frame-rate"),
        (["truth.csv", "predicted.csv", "--html", "nowhere/page.html"], "cannot be written"),
        (["truth.csv", "predicted.csv", "--subjects", "truth.csv"], "no column subject"),
        (["truth.csv", "predicted.csv", "--subjects", "twice.csv"], "twice.csv, line 3: the video 'a' is named twice"),
        (["truth.csv", "predicted.csv", "--subjects", "empty.csv"], "empty.csv, line 2: video or subject is empty"),
        (["truth.csv", "predicted.csv", "--subjects", "letters.csv"], "'many' is not a number of frames"),
        (["truth.csv", "predicted.csv", "--subjects", "short.csv"], "a has 100 frames"),
        (["truth.csv", "predicted.csv", "--subjects", "latin.csv"], "not UTF-8"),
    ],
)
def test_bad_input_ends_in_one_line(files, arguments, words):
    (files / "twice.csv").write_text("video,subject\na,ann\na,ben\n")
    (files / "empty.csv").write_text("video,subject\na,\n")
    (files / "letters.csv").write_text("video,subject,frames\na,ann,many\n")
    (files / "short.csv").write_text("video,subject,frames\na,ann,100\n")
    (files / "latin.csv").write_bytes("video,subject\na,J\xfcrgen\n".encode("latin-1"))
    done = facespot("evaluate", *arguments, cwd=files)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
