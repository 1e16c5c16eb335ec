"""Cards of weights, made of facts and of small made-up figures in the layout that ``facespot bench`` writes."""

import json
from dataclasses import asdict

import pytest

from facespot.errors import FormatError
from facespot.experiments.bench.conditions import BENCHES
from facespot.experiments.bench.document import SCHEMA
from facespot.experiments.bench.measuring import Counts, Figures, Rate
from facespot.experiments.bench.recognition import Naming, Units
from facespot.experiments.card_input import read_facts, read_figures
from facespot.experiments.cards import FIRST_LINE, GROUPS, render_card
from facespot.methods import load_method

FACTS = """\
name = "SpoT-GCN"
what = "A graph network."
training_data = "90 rendered people"
command = "facespot run synth train"
seed = 7
licence = "MIT"
limits = ["Never saw a person.", "Beards were not rendered."]
"""


def counts(tp, fp, fn, **changes):
    found = {"f1": 0.625, "low": 0.5, "high": 0.75, "precision": 0.875, "recall": 0.375, "average_precision": None}
    return Counts(tp, fp, fn, **{**found, **changes})


def condition(name="clean", title="undisturbed", group="quality", **changes):
    """Figures as the bench measures them, as plain values."""
    found = {
        "corpus": "held30", "videos": 4, "subjects": 2, "minutes": 1.25,
        "macro": counts(3, 1, 2), "micro": counts(5, 0, 6),
        "overall": counts(8, 1, 8),
        "median_error_s": {"macro": {"onset": 0.03, "apex": 0.1, "offset": None}, "micro": None},
        "false_alarms_per_minute": {"macro": Rate(0.5, 0.1, 1), "micro": Rate(0, 0, 0.5), "all": Rate(0.5, 0.2, 1)},
        "emotion": None, "action_units": None, "unreliable_videos": 0, "failed": {},
    }  # fmt: skip
    return asdict(Figures(name, title, group, **{**found, **changes}))


def document(*conditions, **changes):
    found = {
        "schema": SCHEMA, "method": "spotgcn", "preset": "heldout-v1", "facespot": "0.1", "recognize": None,
        "weights_sha256": ["ab" * 32], "rule": "IoU >= 0.5", "intervals": "95 %, over subjects",
        "conditions": list(conditions or [condition()]), "differences": [],
    }  # fmt: skip
    return {**found, **changes}


def facts(tmp_path, text=FACTS):
    (tmp_path / "facts.toml").write_text(text, encoding="utf-8")
    return read_facts(tmp_path / "facts.toml", [7])


def section(card, title):
    """Text below a heading up to the next one."""
    (found,) = [part for part in card.split("\n#")[1:] if part.lstrip("#").startswith(f" {title}\n")]
    return found.partition("\n")[2].strip()


def rows(text):
    """Cells of the tables in a text, without the headers."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return lines[2:]


def test_a_card_begins_with_what_its_figures_are_of_and_tells_the_facts(tmp_path):
    card = render_card(facts(tmp_path), document())
    assert card.splitlines()[0] == FIRST_LINE == "All figures on this card are of synthetic videos, not of people."
    assert section(card, "SpoT-GCN") == "A graph network."
    training = section(card, "Training")
    for text in ("90 rendered people", "`facespot run synth train`", "Seed: 7", "weights: MIT", "ab" * 32):
        assert text in training
    assert section(card, "Limits") == "- Never saw a person.\n- Beards were not rendered."
    measured = section(card, "Figures")
    for text in ("facespot 0.1", "`heldout-v1`", "IoU >= 0.5", "95 %, over subjects"):
        assert text in measured


def test_figures_stand_with_their_intervals(tmp_path):
    card = render_card(facts(tmp_path), document())
    assert rows(section(card, "Undisturbed")) == [
        ["undisturbed", "0.62 (0.50 to 0.75)", "0.62 (0.50 to 0.75)", "0.030, 0.100, -", "-", "0.50 (0.20 to 1.00)"]
    ]
    assert rows(section(card, "What was counted")) == [
        ["undisturbed", "4", "0", "2", "1.2", "3, 1, 2", "0.88", "0.38", "5, 0, 6", "0.88", "0.38"]
    ]


def test_what_there_is_no_figure_of_is_a_dash_and_never_a_zero(tmp_path):
    nothing = condition(macro=None, micro=counts(0, 2, 0, f1=None, low=None, high=None, precision=None, recall=None))
    without_interval = condition("one", "one person", "calm", macro=counts(1, 0, 0, low=None, high=None),
                                 false_alarms_per_minute={"macro": None, "micro": None, "all": None},
                                 failed={"a": "damaged"})  # fmt: skip
    card = render_card(facts(tmp_path), document(nothing, without_interval))
    assert rows(section(card, "Undisturbed"))[0][1:3] == ["-", "-"]
    counted = rows(section(card, "What was counted"))
    assert counted[0][5:] == ["-", "-", "-", "0, 2, 0", "-", "-"]
    assert counted[1][2] == "1"
    calm = rows(section(card, "Without any expression"))
    assert calm[1][1] == "0.62 (interval missing)"
    assert calm[1][5] == "-"


def test_conditions_stand_in_the_table_of_what_was_changed(tmp_path):
    measured = [condition(one.name, one.title, one.group) for one in BENCHES["heldout-v1"].conditions]
    measured += [condition("skin-dark", "dark", "skin tone"), condition("motion-most", "most", "head motion"),
                 condition("face-wide", "wide", "face shape")]  # fmt: skip
    spread = {"largest": 0.9, "smallest": 0.8, "spread": 0.1, "p": 0.25}
    differences = [{"group": "skin tone", "conditions": ["skin-dark"], "macro": spread, "micro": None}]
    card = render_card(facts(tmp_path), document(*measured, differences=differences))

    members = {
        "By frame rate": ["fps25", "fps30", "fps60", "fps100", "fps200"],
        "By resolution": ["192px", "256px"],
        "By compression": ["crf28", "crf35", "mpeg4", "twice"],
        "By noise": ["noise3", "noise6"],
        "By skin tone": ["skin-dark"],
        "By head motion": ["motion-most"],
        "By face shape": ["face-wide"],
        "By other qualities of the picture": ["degraded", "grey", "dropped5", "gamma0.6"],
        "Without any expression": ["calm", "calm-degraded"],
    }
    titles = {one["name"]: one["title"] for one in measured}
    for title, names in members.items():
        assert [row[0] for row in rows(section(card, title))] == [titles[name] for name in ("clean", *names)]
    assert "F1 between these groups: macro 0.10 (p = 0.250), micro - (p = -)." in section(card, "By skin tone")
    assert section(card, "By generator") == "Missing: figures by generator."
    assert len(rows(section(card, "What was counted"))) == len(measured)


def test_every_part_that_is_missing_is_said_to_be(tmp_path):
    card = render_card(facts(tmp_path, ""), document(condition("fps25", "25", "frame rate"), method="mean"))
    assert section(card, "mean") == "Missing: what it is."
    assert section(card, "Training").count("missing") == 4
    assert section(card, "Limits") == "Missing: the limits."
    assert section(card, "Undisturbed") == "Missing: figures of undisturbed videos."
    assert [row[0] for row in rows(section(card, "By frame rate"))] == ["25"]
    for group in set(GROUPS) - {"frame rate"}:
        assert section(card, f"By {group}") == f"Missing: figures by {group}."
    assert section(card, "Emotions") == "Missing: figures of the emotions."
    assert "Emotions" not in render_card({}, document())


def test_emotions_and_action_units_have_tables_of_their_own(tmp_path):
    naming = Naming(("negative", "positive"), ((3, 1, 0), (0, 2, 0)), 6, 1, 0.75, 0.5, 1.0, 0.875, None, None)
    units = Units(5, 4, 1, 1, 0.8, 0.8, 0.8, {"12": 1.0})
    named = condition(emotion={"macro": {"three": naming}}, action_units={"overall": units, "micro": None})
    card = render_card(facts(tmp_path), document(named, recognize="mean"))
    assert "Emotions are named by `mean`." in section(card, "Figures")
    assert rows(section(card, "Emotions")) == [
        ["undisturbed", "macro", "negative, positive", "6", "1", "0.75 (0.50 to 1.00)", "0.88"]
    ]
    assert rows(section(card, "Action units")) == [["undisturbed", "overall", "5", "0.80", "0.80", "0.80"]]


def test_a_bar_in_a_title_does_not_open_a_column():
    card = render_card({}, document(condition(title="a|b")))
    assert "| a\\|b " in card
    assert len({len(line) for line in section(card, "Undisturbed").splitlines()}) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "cannot be read"),
        ('magic = "x"', "'magic' is unknown"),
        ('seed = "7"', "'seed' is not a whole number"),
        ("seed = true", "'seed' is not a whole number"),
        ("name = 1", "'name' is not a text"),
        ("limits = [1]", "'limits' is not a list of texts"),
        ("seed = 8", "the seed is 8, that of the weights 7"),
    ],
)
def test_facts_that_cannot_be_used_are_named(tmp_path, text, words):
    with pytest.raises(FormatError) as caught:
        facts(tmp_path, text)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_facts_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FormatError, match="No such file"):
        read_facts(tmp_path / "facts.toml")


class TestFigures:
    @pytest.fixture
    def method(self, random_spotgcn_checkpoint):
        return load_method("spotgcn", weights=[random_spotgcn_checkpoint])

    @pytest.fixture
    def good(self, method):
        settings = {name: round(value, 6) if isinstance(value, float) else value
                    for name, value in asdict(method.config).items()}  # fmt: skip
        return document(settings=settings, weights_sha256=[method.weights_used()[0]["sha256"]])

    def read(self, tmp_path, method, content):
        (tmp_path / "figures.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return read_figures(tmp_path / "figures.json", method)

    def test_figures_of_these_weights_are_read(self, tmp_path, method, good):
        assert self.read(tmp_path, method, good) == good
        named = {**good, "recognize": "mean", "weights_sha256": [*good["weights_sha256"], "cd" * 32]}
        assert self.read(tmp_path, method, named) == named

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"method": "fesnet"}, "of the method 'fesnet'"),
            ({"weights_sha256": ["ab" * 32]}, "of other weights"),
            ({"settings": {"landmarks_every": 1}}, "the setting landmarks_every=1, which is 30"),
            ({"settings": {"macro_mean_s": 1.21}}, "the setting macro_mean_s=1.21, which is 1.2"),
            ({"schema": "facespot.results/1"}, "the schema 'facespot.results/1'"),
            ({"conditions": []}, "'conditions' is missing"),
            ({"preset": None}, "'preset' is missing"),
            ({"conditions": [1]}, "condition 1 is missing or not"),
            ({"conditions": [condition(group=None)]}, "'group' of condition 1"),
            ({"conditions": [condition(), {**condition(), "macro": {"f1": "0.9"}}]}, "'macro' of condition 2"),
            ({"conditions": [{**condition(), "minutes": float("nan")}]}, "'minutes' of condition 1"),
            ({"conditions": [{**condition(), "median_error_s": {"macro": 0.1}}]}, "'median_error_s' of condition 1"),
        ],
    )
    def test_other_figures_are_refused(self, tmp_path, method, good, changes, words):
        with pytest.raises(FormatError) as caught:
            self.read(tmp_path, method, {**good, **changes})
        assert words in str(caught.value)

    def test_weights_of_nobody_are_refused(self, tmp_path, method, good):
        more = {**good, "weights_sha256": [*good["weights_sha256"], "cd" * 32]}
        with pytest.raises(FormatError, match="other weights"):
            self.read(tmp_path, method, more)

    @pytest.mark.parametrize("content", ["{", "[]", '"text"'])
    def test_another_file_is_refused(self, tmp_path, method, content):
        with pytest.raises(FormatError, match="facespot bench"):
            self.read(tmp_path, method, content)
