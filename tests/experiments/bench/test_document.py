"""One document, and the table and the page that show the same figures."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from facespot.experiments.bench.conditions import Bench, Condition, Rendered
from facespot.experiments.bench.differences import Spread
from facespot.experiments.bench.document import SYNTHETIC, Difference, bench_document, format_document, format_table
from facespot.experiments.bench.measuring import figures_of
from facespot.experiments.bench.page import bench_page, conditions_table, targets_table
from facespot.experiments.bench.spotting import Identity, Spotted, Spotter
from facespot.experiments.bench.targets import Target
from facespot.values import KINDS, Expression, FeatureSpec, Recording, Timebase, Track

CLEAN, CALM = Condition("clean", "clean | good", "quality", "tiny"), Condition("calm", "nobody moves", "calm", "calm")
TARGETS = (
    Target("clean, macro: F1", "clean", "macro.f1", 0.95),
    Target("no expression: false alarms per minute", "calm", "false_alarms_per_minute.all", 1000.0, True),
    Target("60 frames per second, macro: F1", "fps60", "macro.f1", 0.95),
    Target("skin tone, macro: p", "skin tone", "macro.p", 0.05),
)
BENCH = Bench("made-up", {"tiny": Rendered("tiny"), "calm": Rendered("tiny")}, (CLEAN, CALM), "clean", TARGETS)
IDENTITY = Identity(KINDS, {"p": np.float64(1 / 3), "flow": "dis"}, ("ab" * 32,), FeatureSpec("spotted", 1))


@pytest.fixture
def figures():
    base, true, guess = Timebase(30.0, 600), [], {}
    for k in range(4):
        one = Expression(30, 40, 70, "macro", "happiness", ("6", "12"))
        micro = Expression(100, 104, 110, "micro", "anger", ("4",))
        found = replace(one, onset=31 + k, score=0.5 + k / 10, emotion="happiness" if k else "uncertain")
        true.append(Recording(f"v{k}", f"s{k}", None, Track(f"v{k}", base, (one, micro))))
        guess[f"v{k}"] = Spotted(Track(f"v{k}", base, (found, Expression(300, None, 320, "micro", score=0.4))))
    guess["v3"] = Spotted(Track("v3", base), False, "v3: no face; look again")
    still = [Recording("c", "s9", None, Track("c", base))]
    calm = {"c": Spotted(Track("c", base, (Expression(5, 6, 9, "micro", score=0.2),)))}
    return [figures_of(CLEAN, true, guess, KINDS), figures_of(CALM, still, calm, KINDS)]


@pytest.fixture
def document(figures):
    spreads = {name: Spread(0.75, 0.5, 0.25, 0.04) for name in (*KINDS, "overall")}
    return bench_document(
        BENCH, Spotter("strain"), IDENTITY, {"tiny": {"seed": 1}}, figures,
        [Difference("skin tone", ("skin-light", "skin-dark"), spreads)],
    )  # fmt: skip


def test_it_holds_what_was_measured(document, figures):
    assert document["schema"] == "facespot.bench/1"
    assert (document["preset"], document["method"]) == ("made-up", "strain")
    assert document["settings"] == {"p": 0.333333, "flow": "dis"}
    assert document["weights_sha256"] == ["ab" * 32]
    clean, calm = document["conditions"]
    assert set(clean) >= {"name", "title", "group", "videos", "minutes", *KINDS, "overall", "median_error_s",
                          "false_alarms_per_minute", "emotion"}  # fmt: skip
    assert clean["macro"]["f1"] == round(figures[0].macro.f1, 6) == round(6 / 7, 6)
    assert set(clean["macro"]) == {"tp", "fp", "fn", "f1", "low", "high", "precision", "recall", "average_precision"}
    assert clean["median_error_s"]["macro"] == {"onset": round(2 / 30, 6), "apex": 0.0, "offset": 0.0}
    assert clean["emotion"]["macro"]["three"]["uncertain"] == 1
    assert clean["action_units"]["macro"]["f1"] == 1.0
    assert clean["unreliable_videos"] == 1
    assert clean["failed"] == {"v3": "v3: no face; look again"}
    assert calm["macro"]["f1"] is None
    assert calm["emotion"] is None
    (difference,) = document["differences"]
    assert difference["group"] == "skin tone"
    assert difference["macro"] == {"largest": 0.75, "smallest": 0.5, "spread": 0.25, "p": 0.04}
    assert [one["met"] for one in document["targets"]] == [False, True, None, False]


def test_it_is_json_and_always_the_same(document, figures):
    text = format_document(document)
    assert json.loads(text) == document
    assert "NaN" not in text


def test_the_table_has_a_row_for_each_condition_and_type(document):
    rows = list(csv.DictReader(io.StringIO(format_table(document))))
    assert [(row["condition"], row["type"]) for row in rows] == [
        (name, kind) for name in ("clean", "calm") for kind in ("macro", "micro", "overall")
    ]
    clean = document["conditions"][0]
    for row, kind in zip(rows, ("macro", "micro", "overall"), strict=False):
        for name in ("tp", "fp", "fn", "f1", "low", "high", "precision", "recall"):
            expected = clean[kind][name]
            assert row[name] == ("" if expected is None else str(expected))
    assert rows[0]["onset_error_s"] == str(round(2 / 30, 6))
    assert rows[2]["onset_error_s"] == ""
    assert float(rows[2]["false_alarms_per_minute"]) == clean["false_alarms_per_minute"]["all"]["rate"]
    assert float(rows[0]["uf1_three"]) == clean["emotion"]["macro"]["three"]["uf1"]
    assert rows[3]["f1"] == ""


def test_a_type_that_is_not_spotted_has_no_row(figures):
    only = replace(figures[0], macro=None)
    document = bench_document(BENCH, Spotter("mean"), IDENTITY, {}, [only], [])
    rows = list(csv.DictReader(io.StringIO(format_table(document))))
    assert [row["type"] for row in rows] == ["micro", "overall"]
    assert not any(line.startswith("| macro |") for line in bench_page(document).splitlines())


def test_the_page_says_first_that_nothing_is_real(document):
    page = bench_page(document)
    assert page.splitlines()[0] == SYNTHETIC
    for title in ("## Targets", "## By quality", "## Without any expression", "## Differences between groups",
                  "## Emotions of the hits", "## Action units of the hits", "## Videos that are marked"):  # fmt: skip
        assert title in page
    assert "| clean \\| good | 3 | 0 | 1 | 0.857 (" in page
    assert "| 60 frames per second, macro: F1 | >= 0.95 | - | - |" in page
    assert "| no expression: false alarms per minute | <= 1000 | 3.000 (0.08 to 16.71) | yes |" in page
    assert "| skin tone | macro | 0.750 | 0.500 | 0.250 | 0.040 |" in page
    tables = [part.splitlines() for part in page.split("\n\n") if part.startswith("| ")]
    assert len(tables) == 9
    assert all(len({line.replace("\\|", "").count("|") for line in one}) == 1 for one in tables)


def test_short_tables_are_for_the_terminal(document):
    head, rows = conditions_table(document)
    assert [len(row) for row in rows] == [len(head)] * 2
    assert rows[1][:3] == ["calm", "-", "-"]
    head, rows = targets_table(document)
    assert [row[-1] for row in rows] == ["no", "yes", "-", "no"]
