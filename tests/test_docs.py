"""The documents: their commands run, their links lead somewhere, nothing is left out."""

import importlib.util
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from facespot.methods.registry import METHODS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page):
    """Lines of the page's shell blocks that call facespot."""
    lines = [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines()]
    return [line for line in lines if line.startswith("facespot ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_runs_in_its_order(page, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for line in commands(page):
        command = [sys.executable, "-m", *shlex.split(line, comments=True)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere_and_every_picture_is_described(page):
    for described, target in re.findall(r"(!?\[[^\]]*\])\(([^)]+)\)", page.read_text()):
        if not target.startswith(("http", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target
        assert not described.startswith("!") or len(described) > 20, (
            f"{target} needs a text for those who cannot see it"
        )


def test_the_page_of_commands_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs" / "make_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "commands.md").read_text() == module.page(), "run python docs/make_commands.py"


def test_every_method_setting_and_flow_engine_is_documented():
    from facespot.features.flow import ENGINES

    text = (ROOT / "docs" / "methods.md").read_text()
    for name, entry in METHODS.items():
        assert f"## {name}" in text
        module, _, attribute = entry.path.partition(":")
        config = getattr(importlib.import_module(module), attribute).default_config()
        for field in fields(config):
            assert f"`{field.name}`" in text, f"{name}: {field.name}"
    for engine in ENGINES:
        assert f"`{engine}`" in text


def table_of(page, header):
    """Rows of the Markdown table with this header, as lists of cells."""
    lines = page.read_text().splitlines()
    start = lines.index(header) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_demo_page_shows_what_is_spotted(tmp_path):
    from facespot.export import read_tracks
    from facespot.metrics import evaluate

    demo, truth = ROOT / "examples" / "demo.mp4", ROOT / "examples" / "demo_truth.csv"
    command = [sys.executable, "-m", "facespot", "spot", str(demo), "--method", "strain", "--out", str(tmp_path),
               "--no-cache"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    predicted = read_tracks(tmp_path / "demo" / "expressions.csv")
    page = ROOT / "docs" / "demo.md"
    shown = table_of(page, "| Type | Onset | Apex | Offset | Beside the truth |")
    found = [[one.kind, *map(str, (one.onset, one.apex, one.offset))] for one in predicted[0].expressions]
    assert [row[:4] for row in shown] == found
    result = evaluate(read_tracks(truth), predicted)
    counts = {name: [part.tp, part.fp, part.fn] for name, part in [*result.by_kind, ("overall", result)]}
    for kind, tp, fp, fn, f1 in table_of(page, "| Type | TP | FP | FN | F1 |"):
        assert counts[kind] == [int(tp), int(fp), int(fn)]
        part = result if kind == "overall" else result.of_kind(kind)
        assert f"{part.f1:.4f}" == f1
