"""``facespot reproduce``: what needs no run, and every kind of bad input."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from facespot.cli.main import app
from facespot.cli.reproduce import _show, corpus_name
from facespot.errors import SettingsError
from facespot.experiments.papers.registry import PARTS
from facespot.experiments.papers.reproduction import ReproducedFigure
from facespot.experiments.printed import printed_table
from facespot.experiments.table import reproduce_table
from facespot.metrics import PAPER_RULE, Rule


def facespot(*arguments, cwd=None):
    command = [sys.executable, "-m", "facespot", "reproduce", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two videos without a face in the layout of the synthetic corpus: enough for what is made of annotations."""
    root = tmp_path_factory.mktemp("synth")
    (root / "corpus.json").write_text(json.dumps({"schema": "facespot.synth/1", "complete": True}))
    (root / "videos").mkdir()
    lines = ["subject,video,onset,apex,offset,type,emotion,aus,fps"]
    for subject in ("s01", "s02"):
        video = f"videos/{subject}_v1.mp4"
        with av.open(str(root / video), "w") as container:
            stream = container.add_stream("mpeg4", rate=30)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for _ in range(60):
                picture = np.zeros((32, 32, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        lines += [f"{subject},{video},3,9,24,macro,fear,1,30", f"{subject},{video},31,35,42,micro,anger,4,30"]
    (root / "annotation.csv").write_text("\n".join(lines) + "\n")
    return root


def test_a_table_is_printed_and_written_in_every_form(corpus, tmp_path):
    done = facespot("softnet:table6", "--data", corpus, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "reproduced" / "synth"
    assert sorted(path.name for path in out.iterdir()) == [f"softnet-table6.{end}" for end in ("csv", "md", "txt")]
    assert (out / "softnet-table6.txt").read_text() == done.stdout
    assert "NOT the paper's data: synth" in done.stdout
    assert f"data: synth in {corpus}: 2 subjects, 2 videos, 2 macro- and 2 micro-expressions" in done.stdout
    assert "published protocol" in done.stdout
    rows = list(csv.DictReader((out / "softnet-table6.csv").read_text().splitlines()))
    found = {(row["row"], row["column"]): row["value"] for row in rows if row["by"] == "ours"}
    assert found["k, frames", "macro"] == "11"
    assert found["k, frames", "micro"] == "6"
    assert {row["data"] for row in rows} == {"synth", "cas_me_2", "samm_lv"}


@pytest.mark.parametrize(("form", "end"), [("csv", "csv"), ("markdown", "md")])
def test_other_forms_go_to_stdout_alone(corpus, tmp_path, form, end):
    done = facespot("softnet:table6", "--data", corpus, "--out", "o", "--format", form, "--honest", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "o" / f"softnet-table6.{end}").read_text()
    if form == "markdown":
        assert "honest protocol" in done.stdout


def test_several_tables_make_one_csv_and_figures_stay_out_of_it(tmp_path, capsys):
    counts = {"subjects": 2, "videos": 2, "macro": 2, "micro": 2}
    table = reproduce_table(
        printed_table("softnet:table6"), {}, corpus="synth", root="/x", counts=counts, protocol="loso"
    )
    figure = ReproducedFigure("softnet:figure5", "heading", "data", "protocol", ("said",), (tmp_path / "a.png",))
    for number, made in enumerate((table, figure, table)):
        _show(made, tmp_path, "csv", first=not number)
    printed = capsys.readouterr()
    assert printed.out.count("table,row,column") == 1
    assert len(printed.out.splitlines()) == 2 * len(table.csv().splitlines()) - 1
    assert printed.err.splitlines() == ["heading", "data", "protocol", "", "note: said", str(tmp_path / "a.png")]


def test_each_table_stands_under_the_protocol_of_its_own_paper(corpus, tmp_path, capsys, monkeypatch):
    seen = {}

    def maker(name):
        def make(reproduction):
            seen[name] = reproduction.plan.rule, reproduction.plan.protocol_text()
            return reproduction.table("softnet:table6", {})

        return make

    monkeypatch.setattr("facespot.experiments.papers.registry.maker", maker)
    ids = ["softnet:table2", "spotgcn:table5"]
    CliRunner().invoke(app, ["reproduce", *ids, "--data", str(corpus), "--out", str(tmp_path)], catch_exceptions=False)
    assert seen["softnet:table2"][0] == PAPER_RULE
    assert seen["spotgcn:table5"][0] == Rule()
    assert "chooses the epoch on the test subject" in seen["spotgcn:table5"][1]


def test_all_ids_are_listed_with_their_titles():
    done = facespot("--list")
    assert done.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert list(listed) == list(PARTS)
    for name in ("softnet:table2", "spotgcn:table3"):
        assert listed[name] == printed_table(name).title
    assert [name for name in listed if name.startswith("spotgcn:")] == [
        *(f"spotgcn:table{number}" for number in range(1, 6)), "spotgcn:figure5", "spotgcn:figure6",
    ]  # fmt: skip


def test_help_has_an_example():
    assert "facespot reproduce softnet:table2 --data bench" in facespot("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["softnet:table9", "--data", "ROOT"], ["'softnet:table9'", "softnet:table1"]),
        (["--data", "ROOT"], ["--list"]),
        (["softnet:table6"], ["--data"]),
        (["softnet:table6", "--data", "elsewhere"], ["--corpus", "casme2sq", "sammlv", "synth"]),
        (["softnet:table6", "--data", "ROOT", "--corpus", "casme3"], ["'casme3'", "casme2sq"]),
        (["softnet:table6", "--data", "ROOT", "--corpus", "casme2sq"], ["rawpic"]),
        (["softnet:table6", "--data", "ROOT", "--set", "epocs=2"], ["'epocs'", "unknown"]),
        (["softnet:table6", "--data", "ROOT", "--set", "p=2"], ["'p'", "out of range"]),
        (["softnet:table6", "--data", "ROOT", "--set", "p"], ["NAME=VALUE"]),
        (["softnet:table6", "--data", "ROOT", "--protocol", "loso:3"], ["--protocol"]),
        (["mean:table11", "--data", "ROOT"], ["'mean:table11'", "mean:table10"]),
        (["mean:table5", "--data", "ROOT", "--emotions", "seven"], ["'seven'", "three", "five"]),
        (["mean:table5", "--data", "ROOT", "--set", "epochs=2"], ["'epochs'", "recognition_epochs"]),
        (["spotgcn:table6", "--data", "ROOT"], ["'spotgcn:table6'", "spotgcn:table5"]),
        (["spotgcn:table5", "--data", "ROOT", "--set", "windows=5"], ["'windows'", "window"]),
        (["spotgcn:table5", "--data", "ROOT", "--set", "window=4"], ["'window'", "4 is even"]),
        (["softnet:table2", "--data", "ROOT", "--workers", "0"], ["--workers"]),
        (["softnet:table2", "--data", "ROOT", "--protocol", "kfold:3"], ["3 folds of 2 subjects"]),
    ],
    ids=str,
)
def test_bad_input_ends_in_one_line(corpus, tmp_path, arguments, words):
    done = facespot(*(corpus if one == "ROOT" else one for one in arguments), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("facespot: ")
    assert all(word in line for word in words), line


def test_videos_without_a_face_end_in_one_line(corpus, tmp_path):
    done = facespot("softnet:table5", "--data", corpus, "--workers", 1, "--cache", "c", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "face" in done.stderr


def test_names_of_corpora(corpus, tmp_path):
    assert corpus_name("casme2sq", tmp_path) == "cas_me_2"
    assert corpus_name("sammlv", tmp_path) == "samm_lv"
    assert corpus_name("own_data", tmp_path) == "own_data"
    assert corpus_name(None, corpus) == "synth"
    (tmp_path / "corpus.json").write_text("[]")
    with pytest.raises(SettingsError):
        corpus_name(None, Path(tmp_path))
