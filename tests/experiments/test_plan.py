"""Plans: what is written is read, what differs is named, what does not fit is refused."""

import json
from dataclasses import replace

import pytest

from facespot.errors import FormatError, SettingsError
from facespot.experiments.plan import RunPlan, differences, read_plan
from facespot.methods import METHODS
from facespot.metrics import PAPER_RULE, Rule
from facespot.values import KINDS, Expression, Recording, Timebase, Track

PLAN = RunPlan("synth", "/data/bench", "softnet")
FULL = RunPlan(
    "own_data", "/data/mine", "softnet", options={"index_base": 0}, settings={"p": "0.6"}, protocol="kfold:5:video",
    published=True, kinds=("micro",), seed=3, weights="/w", fps=15.0, detector="dlib",
)  # fmt: skip


def recordings(n=6):
    base = Timebase(30.0, 50)
    return [
        Recording(f"v{number}", f"s{number // 2}", None, Track(f"v{number}", base, (Expression(1, None, 5, "macro"),)))
        for number in range(n)
    ]


@pytest.mark.parametrize("plan", [PLAN, FULL])
def test_what_is_written_is_read(tmp_path, plan):
    plan.write(tmp_path)
    assert read_plan(tmp_path) == plan
    assert differences(read_plan(tmp_path), plan) == []
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_the_fields_that_differ_are_named():
    assert differences(PLAN, replace(PLAN, seed=1, fps=15.0)) == ["seed", "fps"]
    assert differences(PLAN, replace(PLAN, settings={"p": "0.6"})) == ["settings"]
    assert differences(replace(PLAN, kinds=("macro",)), replace(PLAN, kinds=["macro"])) == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "facespot.run/0"}, {"kinds": None}, {"kinds": 3}, {"seed": "x"}, {"protocol": None}, {"surplus": 1},
    ],
)  # fmt: skip
def test_a_damaged_plan_is_named_in_one_line(tmp_path, change):
    PLAN.write(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(FormatError, match=r"run\.json"):
        read_plan(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "3", "{}"])
def test_a_file_that_is_no_plan_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(FormatError):
        read_plan(tmp_path)


def test_a_folder_without_a_plan_is_no_run(tmp_path):
    with pytest.raises(FormatError, match="no run folder"):
        read_plan(tmp_path)
    with pytest.raises(FormatError, match="no run folder"):
        read_plan(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": ()}, "--kinds"),
        ({"kinds": ("macro", "nano")}, "--kinds"),
        ({"seed": -1}, "--seed"),
        *[({"protocol": text}, "--protocol") for text in
          ("", "losso", "kfold", "kfold:", "kfold:x", "kfold:-2", "kfold:5:frame", "kfold:5:video:2")],
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(change, words):
    with pytest.raises(SettingsError, match=words):
        replace(PLAN, **change)


def test_the_folds_are_those_of_the_protocol():
    loso = PLAN.folds(recordings())
    assert [fold.name for fold in loso] == ["s0", "s1", "s2"]
    by_subject = replace(PLAN, protocol="kfold:2").folds(recordings())
    assert len(by_subject) == 2
    for fold in (*loso, *by_subject):
        assert not {one.subject for one in fold.train} & {one.subject for one in fold.test}
    by_video = replace(PLAN, protocol="kfold:6:video").folds(recordings())
    assert sorted(len(fold.test) for fold in by_video) == [1] * 6
    again = replace(PLAN, protocol="kfold:2", seed=1).folds(recordings(12))
    assert again == replace(PLAN, protocol="kfold:2", seed=1).folds(recordings(12))
    with pytest.raises(SettingsError, match="3 subjects"):
        replace(PLAN, protocol="kfold:4").folds(recordings())


def test_the_protocol_is_told_in_words():
    honest = PLAN.protocol_text()
    assert honest.startswith("leave-one-subject-out; honest protocol")
    assert "training subjects" in honest
    published = replace(PLAN, published=True, protocol="kfold:5:video").protocol_text()
    assert published.startswith("5 folds by video; published protocol")
    assert "the test subject included" in published
    for plan in (replace(PLAN, weights="/w"), replace(PLAN, weights="/w", published=True)):
        assert "k of the weights" in plan.protocol_text() or "nothing is fitted here" in plan.protocol_text()
        assert "test subject included" not in plan.protocol_text()


def test_a_published_protocol_is_that_of_the_methods_authors():
    of_both = replace(PLAN, method="spotgcn", published=True)
    text = of_both.protocol_text()
    assert text.startswith("leave-one-subject-out; published protocol: k and j from the annotations of all subjects")
    for words in ("the test subject included", "thresholds as published", "every video counts"):
        assert words in text
    assert "Not repeated: the authors' program chooses the epoch on the test subject" in text
    assert "that hold it" not in text
    with_weights = replace(of_both, weights="/w").protocol_text()
    assert "k and j of the weights" in with_weights
    assert "the test subject included" not in with_weights
    of_frames = replace(of_both, method="fesnet", protocol="kfold:5:video")
    text = of_frames.protocol_text()
    assert text.startswith("5 folds by video; published protocol: no length or threshold comes from annotations")
    assert "The paper does not say how the epoch was chosen; here the number of epochs is fixed" in text
    assert "every video counts" in text
    assert "epoch" not in replace(of_frames, weights="/w").protocol_text()
    for method in ("softnet", "mean", "strain"):
        text = replace(of_both, method=method).protocol_text()
        assert "for each type only the videos that hold it" in text
        assert "Not repeated" not in text
    honest = {replace(PLAN, method=method).protocol_text() for method in METHODS}
    assert len(honest) == 1, "honest is honest for all"


@pytest.mark.parametrize("method", METHODS)
def test_the_rule_follows_the_protocol(method):
    plan = replace(PLAN, method=method)
    assert (plan.rule, plan.only_with_type) == (Rule(), False)
    published = replace(plan, published=True)
    counts_every_video = method in ("spotgcn", "fesnet", "regiontcn")
    assert (published.rule, published.only_with_type) == ((Rule(), False) if counts_every_video else (PAPER_RULE, True))
    assert plan.kinds == KINDS
