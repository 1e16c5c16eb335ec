"""``facespot models list``, ``show`` and ``card``, and spotting with the weights that come with facespot."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from facespot.models import read_checkpoint, write_checkpoint

DEMO = Path(__file__).parents[2] / "examples" / "demo.mp4"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """An empty folder in place of that of the shipped weights."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("facespot.models.shipped.WEIGHTS", folder)
    return folder


@pytest.fixture
def filled(shipped, random_checkpoints, random_spotgcn_checkpoint):
    """SOFTNet without a card, SpoT-GCN with one."""
    for folder in random_checkpoints:
        shutil.copytree(folder, shipped / "softnet" / folder.name)
    made = read_checkpoint(random_spotgcn_checkpoint)
    from facespot.models import read_weights

    write_checkpoint(shipped / "spotgcn" / "both", method="spotgcn", kind=None, config=made.config,
                     fitted={**made.fitted, "history": [{"epoch": 1}, {"epoch": 2}]},
                     origin={"corpus": "train-v1", "seed": 7, "licence": "MIT"},
                     onnx_bytes=made.network_path.read_bytes(), weights=read_weights(made))  # fmt: skip
    (shipped / "spotgcn" / "card.md").write_text("Of synthetic videos.\n\n# SpoT-GCN\n")
    return shipped


@pytest.fixture
def facespot(monkeypatch, capsys, tmp_path):
    """Runs the command line in this process, where the shipped weights are others."""
    from facespot.cli.main import run

    monkeypatch.chdir(tmp_path)
    # Rich sizes tables by these where they are set.
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["facespot", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return call


def refused(done):
    code, out, err = done
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("facespot: ")
    return err


def test_without_shipped_weights_the_list_says_so(facespot, shipped):
    code, out, err = facespot("models", "list")
    assert (code, err) == (0, "")
    first, absent, authors, none = out.splitlines()
    assert first == "This copy of facespot comes with no weights."
    assert absent.startswith("without shipped weights: softnet, mean, spotgcn, fesnet")
    assert absent.endswith("; 'facespot run' trains them")
    assert authors == "not shipped: the authors' weights of softnet and mean; 'facespot models import' reads them"
    assert none == "needs none: strain"


def test_shipped_weights_are_listed_with_size_origin_and_card(facespot, filled):
    code, out, err = facespot("models", "list")
    assert (code, err) == (0, "")
    rows = [[cell for cell in line.split("  ") if cell] for line in out.splitlines()]
    rows = {row[0].strip(): [cell.strip() for cell in row[1:] if cell.strip()] for row in rows if row}
    size = {name: sum(path.stat().st_size for path in (filled / name).rglob("*/*") if path.is_file()) / 1e6
            for name in ("softnet", "spotgcn")}  # fmt: skip
    assert rows["softnet"] == ["macro, micro", f"{size['softnet']:.1f}", "unknown", "unknown", "unknown"]
    assert rows["spotgcn"] == ["macro, micro", f"{size['spotgcn']:.1f}", "train-v1", "7", "MIT"]
    lines = out.splitlines()
    assert "softnet: no card with figures" in lines
    assert "spotgcn: Of synthetic videos." in lines
    (absent,) = [line for line in lines if line.startswith("without shipped weights")]
    assert "spotgcn" not in absent
    assert "mean, fesnet" in absent


def test_cards_that_begin_alike_are_named_together(facespot, filled):
    (filled / "softnet" / "card.md").write_text("Of synthetic videos.\n\n# SOFTNet\n")
    _, out, _ = facespot("models", "list")
    assert "softnet, spotgcn: Of synthetic videos." in out.splitlines()


def test_shipped_weights_are_shown_with_their_card(facespot, filled):
    code, out, err = facespot("models", "show", "spotgcn")
    assert (code, err) == (0, "")
    made = read_checkpoint(filled / "spotgcn" / "both")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].startswith("spotgcn macro, micro, ")
    assert lines[0].endswith(str(made.path))
    assert lines[1] == f"sha256 {made.digest}"
    settings = [line.strip() for line in out.partition("defaults:")[2].partition("fitted:")[0].splitlines() if line]
    # The checkpoint also names its motion; that is the default.
    assert settings[:-1] == [
        "flow = dis (default farneback)",
        "landmarks_every = 30 (default 1)",
        "window = 5 (default 17)",
    ]
    for line in ("macro_mean_s = 1.2", "history = 2 entries, see --json", "corpus = train-v1", "seed = 7",
                 "held_out_subject = unknown"):  # fmt: skip
        assert line in lines
    assert out.endswith("\nOf synthetic videos.\n\n# SpoT-GCN\n")


def test_every_checkpoint_of_a_method_is_shown_as_json(facespot, filled, random_checkpoints):
    code, out, err = facespot("models", "show", "softnet", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["schema"], document["name"]) == ("facespot.model/1", "softnet")
    assert (document["shipped"], document["card"]) == (True, None)
    made = [read_checkpoint(folder) for folder in random_checkpoints]
    assert [one["sha256"] for one in document["checkpoints"]] == [one.digest for one in made]
    assert [one["types"] for one in document["checkpoints"]] == [["macro"], ["micro"]]
    assert [one["origin"] for one in document["checkpoints"]] == [one.origin for one in made]
    _, text, _ = facespot("models", "show", "softnet")
    assert text.count("  sha256 ") == 2
    assert text.endswith("There is no card with figures of these weights.\n")


def test_a_folder_of_the_users_own_is_shown(facespot, shipped, random_mean_checkpoint):
    code, out, err = facespot("models", "show", random_mean_checkpoint)
    assert (code, err) == (0, "")
    assert out.startswith("mean micro, ")
    assert 'classes = ["negative", "positive", "surprise"]' in out
    assert "card" not in out
    document = json.loads(facespot("models", "show", random_mean_checkpoint, "--json")[1])
    (one,) = document["checkpoints"]
    made = read_checkpoint(random_mean_checkpoint)
    assert (one["sha256"], one["settings"], one["fitted"]) == (made.digest, made.config, made.fitted)
    assert not document["shipped"]


def test_weights_of_an_unknown_method_are_shown_with_all_settings(facespot, shipped, tmp_path):
    import numpy as np

    write_checkpoint(tmp_path / "own", method="magic", kind="macro", config={"wand": 3}, fitted={}, origin={},
                     onnx_bytes=b"any", weights={"a": np.zeros(1, dtype=np.float32)})  # fmt: skip
    code, out, _ = facespot("models", "show", "own")
    assert code == 0
    assert "    wand = 3\n" in out


def test_what_cannot_be_shown_ends_in_one_line(facespot, filled, tmp_path):
    assert "no such method and no such folder; choose one of softnet, spotgcn" in refused(
        facespot("models", "show", "magic")
    )
    assert "mean: this method comes with no weights" in refused(facespot("models", "show", "mean"))
    assert "no method.json" in refused(facespot("models", "show", tmp_path))
    (filled / "spotgcn" / "both" / "network.onnx").write_bytes(b"changed")
    assert "was changed" in refused(facespot("models", "show", "spotgcn"))
    assert "was changed" in refused(facespot("models", "list"))


def test_the_card_is_made_of_facts_and_figures(facespot, filled, tmp_path):
    from dataclasses import asdict

    from facespot.methods import load_method

    method = load_method("spotgcn")
    figures = {
        "schema": "facespot.bench/1", "method": "spotgcn", "preset": "heldout-v1", "facespot": "0.1",
        "weights_sha256": [method.weights_used()[0]["sha256"]], "settings": asdict(method.config),
        "conditions": [{"name": "clean", "title": "undisturbed", "group": "quality"}],
    }  # fmt: skip
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    command = ("models", "card", "spotgcn", "--figures", "figures.json")
    card = filled / "spotgcn" / "card.md"
    before = card.read_text()
    assert "facts.toml: it cannot be read" in refused(facespot(*command))
    (filled / "spotgcn" / "facts.toml").write_text('name = "SpoT-GCN"\nseed = 8\n')
    assert "the seed is 8, that of the weights 7" in refused(facespot(*command))
    assert card.read_text() == before
    (filled / "spotgcn" / "facts.toml").write_text('name = "SpoT-GCN"\nseed = 7\n')
    assert facespot(*command) == (0, f"{card}\n", "")
    assert card.read_text().startswith("All figures on this card are of synthetic videos, not of people.\n\n# SpoT-GCN")
    assert not list(card.parent.glob(".*"))
    (tmp_path / "figures.json").write_text(json.dumps({**figures, "weights_sha256": ["0" * 64]}))
    assert "other weights" in refused(facespot(*command))
    assert "'mean' comes with no weights" in refused(facespot("models", "card", "mean", "--figures", "figures.json"))


@pytest.mark.parametrize("command", ["list", "show", "card"])
def test_help_has_an_example(facespot, command):
    code, out, _ = facespot("models", command, "--help")
    assert code == 0
    assert f"facespot models {command}" in out.split("xample")[1]


def test_the_demo_is_spotted_with_shipped_weights(facespot, filled):
    code, out, _ = facespot("spot", DEMO, "--end", "3", "--method", "spotgcn", "--no-cache", "--json")
    assert code == 0
    (used,) = json.loads(out)["results"][0]["provenance"]["weights"]
    assert used["sha256"] == read_checkpoint(filled / "spotgcn" / "both").digest
    assert (used["origin"]["corpus"], used["origin"]["seed"]) == ("train-v1", 7)


@pytest.mark.parametrize(
    "arguments",
    [
        ["spot", DEMO, "--method", "softnet"],
        ["spot", DEMO, "--method", "strain", "--recognize", "mean"],
        ["recognize", DEMO, "--intervals", "any.csv"],
    ],
    ids=["spot", "spot and recognize", "recognize"],
)
def test_without_shipped_weights_they_are_asked_for_in_one_line(facespot, shipped, tmp_path, arguments):
    error = refused(facespot(*arguments))
    for words in ("needs weights", "--weights DIR", "facespot run", "models import", "facespot models list"):
        assert words in error
    assert [path.name for path in tmp_path.iterdir()] == ["shipped"]


def test_without_its_shipped_weights_the_default_is_named(facespot, shipped):
    error = refused(facespot("spot", DEMO))
    assert "the method 'regiontcn' needs weights" in error
    assert "models import" not in error
