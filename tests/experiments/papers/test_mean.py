"""MEAN's tables and figures: from made-up scores what can be counted, from a small real run all the rest."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from facespot.cli.main import run as command_line
from facespot.errors import FormatError
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers import mean, mean_figures, mean_findings, mean_learning, reproduction
from facespot.experiments.papers.pictures import checkpoint_of
from facespot.experiments.papers.registry import PARTS, maker
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.plan import RunPlan
from facespot.experiments.printed import printed_table, printed_tables
from facespot.experiments.run import Execution, read_run
from facespot.export import read_tracks
from facespot.export.table import format_table
from facespot.metrics import PAPER_RULE, compare, evaluate
from facespot.models import OnnxNetwork
from facespot.models.checkpoint import read_weights
from facespot.values import Track

QUICK = {"spotting_epochs": "1", "recognition_epochs": "3", "flow": "dis"}
SHORT = {"one_peak": True}


def ours(table):
    names = [column.name for column in table.columns]
    return {row.name: dict(zip(names, [cell.ours for cell in row.cells], strict=True)) for row in table.rows}


def counted(outcome, tmp_path, **changes):
    """Evaluation and pairs of emotions of a run, from tables that went over the disk."""
    (tmp_path / "predictions.csv").write_text(format_table(outcome.predicted(**changes)))
    (tmp_path / "truth.csv").write_text(format_table(outcome.truth))
    truth, predicted = (read_tracks(tmp_path / f"{name}.csv") for name in ("truth", "predictions"))
    rule = {"matching": "greedy", "count_dummy": True, "videos": "with_type"} if outcome.plan.published else {}
    evaluation = evaluate(truth, predicted, **rule).of_kind("micro")
    hits = [(one.truth.emotion, one.predicted.emotion) for one in evaluation.matches]
    return truth, predicted, evaluation, hits


def scored_pairs(pairs):
    """True and predicted classes of those whose true emotion is scored."""
    return tuple(zip(*((true, guess) for true, guess in pairs if true is not None), strict=True))


def f1_a(true, guess):
    precision, recall = (
        figure(true, guess, average="macro", zero_division=0) for figure in (precision_score, recall_score)
    )
    return 2 * precision * recall / (precision + recall)


def test_every_printed_table_of_mean_can_be_made():
    printed = {name for name in printed_tables() if name.startswith("mean:")}
    assert {name for name in PARTS if name.startswith("mean:")} == printed | {f"mean:figure{n}" for n in (4, 5, 6, 7)}
    assert all(callable(maker(name)) for name in PARTS)


@pytest.mark.parametrize("published", [True, False])
def test_table_5_counts_what_the_predictions_say(long_named_corpus, scored_mean, tmp_path, published):
    made = mean.table5(scored_mean(long_named_corpus, {}, published=published))
    outcome = read_run(tmp_path / "out" / "runs" / ("mean-micro-three" if published else "mean-micro-honest-three"))
    _, _, found, hits = counted(outcome, tmp_path)
    table = ours(made)
    spotting = [table[row]["spotting"] for row in ("total", "TP", "FP", "FN", "precision", "recall", "F1")]
    assert spotting == [10, found.tp, found.fp, found.fn, found.precision, found.recall, found.f1]
    true, guess = scored_pairs(hits)
    right = sum(a == b for a, b in zip(true, guess, strict=True))
    assert 0 < right < len(true) < found.tp, "the example must hold right, wrong and unscored hits"
    recognition = {row: values["recognition"] for row, values in table.items()}
    wrong = len(true) - right
    assert [recognition[row] for row in ("total", "TP", "FP", "FN")] == [len(true), right, wrong, wrong]
    assert recognition["F1"] == pytest.approx(f1_a(true, guess))
    assert recognition["UF1"] == pytest.approx(f1_score(true, guess, average="macro", zero_division=0))
    assert recognition["UAR"] == recognition["recall"] == pytest.approx(recall_score(true, guess, average="macro"))
    assert table["STRS"]["spotting"] == pytest.approx(found.f1 * recognition["F1"])
    assert any(f"hits whose true emotion is not scored ({found.tp - len(true)})" in note for note in made.notes)
    (intervals,) = [note for note in made.notes if note.startswith("with 95 % intervals")]
    assert f"STRS {table['STRS']['spotting']:.4f} [" in intervals
    assert f"UF1 {recognition['UF1']:.4f} [" in intervals


def test_an_unscored_hit_does_not_shift_the_others(long_named_corpus, scored_mean, tmp_path):
    """The authors' program left it out of the labels and kept its prediction."""
    found = mean_findings.findings(mean_findings.run_mean(mean_findings.grouped(scored_mean(long_named_corpus, {}))))
    samples = found.samples["tp"]
    pairs = [(hit.video, hit.truth.emotion, hit.predicted.emotion) for hit in found.spotting.matches]
    assert sum(true is None for _, true, _ in pairs) == samples.outside_classes > 0
    kept = [one for one in pairs if one[1] is not None]
    assert list(zip(samples.videos, samples.truth, samples.predicted, strict=True)) == kept


def test_short_videos_have_one_peak_each(short_named_corpus, scored_mean, tmp_path):
    made = mean.table2(scored_mean(short_named_corpus, SHORT))
    outcome = read_run(tmp_path / "out" / "runs" / "mean-micro-one_peak-True-three")
    truth, predicted, _, _ = counted(outcome, tmp_path)
    pairs = [(one.expressions[0], guess.expressions[0]) for one, guess in zip(truth, predicted, strict=True)]
    assert all(len(track.expressions) == 1 for track in predicted)
    inside = [true.onset < guess.apex < true.offset for true, guess in pairs]
    assert 0 < sum(inside) < len(inside)
    table = ours(made)["MEAN"]
    assert table["ASR"] == np.mean(inside)
    true, guess = scored_pairs((a.emotion, b.emotion) for a, b in pairs)
    assert len(true) == 8
    assert table["F1_a, all spotted"] == pytest.approx(f1_a(true, guess))
    assert any("one highest peak" in note for note in made.notes)
    assert any("spotted intervals whose true emotion is not scored (1)" in note for note in made.notes)


def test_tables_3_and_10_are_of_the_same_intervals(short_named_corpus, scored_mean, tmp_path):
    made = scored_mean(short_named_corpus, SHORT)
    three, ten = ours(mean.table3(made))["MEAN"], ours(mean.table10(made))["MEAN"]
    outcome = read_run(tmp_path / "out" / "runs" / "mean-micro-one_peak-True-three")
    truth, predicted, _, hits = counted(outcome, tmp_path)
    everywhere = [(a.expressions[0].emotion, b.expressions[0].emotion) for a, b in zip(truth, predicted, strict=True)]
    for name, pairs in (("all spotted", everywhere), ("hits only", hits)):
        true, guess = scored_pairs(pairs)
        assert three[name] == pytest.approx(100 * np.mean([a == b for a, b in zip(true, guess, strict=True)]))
    true, guess = scored_pairs(everywhere)
    assert ten["F1_a"] == pytest.approx(f1_a(true, guess)) == ours(mean.table2(made))["MEAN"]["F1_a, all spotted"]
    assert ten["UF1"] == pytest.approx(f1_score(true, guess, average="macro", zero_division=0))
    assert ten["UAR"] == pytest.approx(recall_score(true, guess, average="macro", zero_division=0))


def test_long_videos_have_no_apex_spotting_rate(long_named_corpus, scored_mean):
    made = mean.table10(scored_mean(long_named_corpus, {}))
    assert ours(made)["MEAN"]["ASR"] is None
    assert any("exactly one micro-expression" in note for note in made.notes)
    assert any("which hit none of them" in note for note in made.notes)
    assert "NOT the paper's data: own_data" in made.heading


def test_table_4_is_the_f1_of_the_micro_expressions_beside_the_cited_ones(long_named_corpus, scored_mean, tmp_path):
    table = ours(mean.table4(scored_mean(long_named_corpus, {})))
    _, _, found, _ = counted(read_run(tmp_path / "out" / "runs" / "mean-micro-three"), tmp_path)
    assert table["MEAN"]["F1"] == found.f1 > 0
    assert {row for row, values in table.items() if values["F1"] is None} == {
        row.name for row in printed_table("mean:table4").rows if row.cited
    }


def test_classes_without_samples_are_told_of(short_named_corpus, scored_mean):
    """One class alone, named right, is perfect for the published evaluator and a third of it by the equations."""
    made = mean_findings.grouped(scored_mean(short_named_corpus, SHORT))
    found = mean_findings.findings(mean_findings.run_mean(made))
    only = np.zeros((3, 4), dtype=int)
    only[2, 2] = 4
    alone = replace(found, recognition={"tp": replace(found.recognition["tp"], confusion=only)})
    (note,) = mean._to_the_letter(alone)
    assert alone.figure("f1_a") == 1
    assert f"F1_a 0.3333, UF1 0.3333, UAR 0.3333, STRS {found.spotting.f1 / 3:.4f}" in note
    honest = replace(alone, outcome=replace(found.outcome, plan=replace(found.outcome.plan, published=False)))
    assert mean._to_the_letter(honest) == []


@pytest.fixture
def no_work(monkeypatch):
    """Nothing may be trained or scored."""

    def forbidden(*_):
        raise AssertionError("a run was started")

    monkeypatch.setattr(reproduction, "run", forbidden)


def test_table_7_smooths_the_same_scores_again(long_named_corpus, scored_mean, tmp_path, no_work):
    made = scored_mean(long_named_corpus, {})
    table, detail = ours(mean.table7(made)), ours(mean.table5(made))
    outcome = read_run(tmp_path / "out" / "runs" / "mean-micro-three")
    assert list(table["simple average"].values()) == [
        detail["F1"]["spotting"], detail["F1"]["recognition"], detail["STRS"]["spotting"],
    ]  # fmt: skip
    changes = {"smoothing": "gaussian", "spread": 3.0}
    _, _, found, hits = counted(outcome, tmp_path, **changes)
    row = table["Gaussian, sigma = 3"]
    assert row["spotting, F1"] == found.f1
    assert row["recognition, F1_a"] == pytest.approx(f1_a(*scored_pairs(hits)))
    assert row["STRS"] == pytest.approx(found.f1 * row["recognition, F1_a"])
    assert len({tuple(values.values()) for values in table.values()}) > 1


def test_table_8_lets_other_frames_vote(long_named_corpus, scored_mean, tmp_path, no_work):
    made = scored_mean(long_named_corpus, {})
    table = ours(mean.table8(made))
    assert table["case 1: onset to apex"]["F1_a, hits only"] == ours(mean.table5(made))["F1"]["recognition"]
    outcome = read_run(tmp_path / "out" / "runs" / "mean-micro-three")
    _, _, found, _ = counted(outcome, tmp_path)
    scores = {one.id: outcome.scores(one) for one in outcome.tested}
    names = [name.removeprefix("emotion/") for name in next(iter(scores.values())).channels[1:]]
    pairs = [
        (hit.truth.emotion, names[scores[hit.video].values[hit.predicted.apex, 1:].argmax()]) for hit in found.matches
    ]
    assert table["case 2: apex"]["F1_a, hits only"] == pytest.approx(f1_a(*scored_pairs(pairs)))
    assert len({values["F1_a, hits only"] for values in table.values()}) > 1


def test_table_6_needs_a_run_for_each_distance(long_named_corpus, scored_mean, no_work):
    made = scored_mean(long_named_corpus, {}, {"distance_s": 0.05}, {"distance_s": 0.15})
    table = ours(mean.table6(made))
    assert len({tuple(values.values()) for values in table.values()}) == 3
    assert table["k = FPS x 0.10"] == ours(mean.table7(made))["simple average"]


def test_table_9_tests_the_difference_in_pairs(long_named_corpus, scored_mean, tmp_path, no_work):
    made = mean.table9(scored_mean(long_named_corpus, {}, {"transfer": False}))
    runs = [read_run(tmp_path / "out" / "runs" / f"mean-micro-{name}three") for name in ("transfer-False-", "")]
    table = {row: values["F1_a, hits only"] for row, values in ours(made).items()}
    figures = [f1_a(*scored_pairs(counted(one, tmp_path)[3])) for one in runs]
    assert list(table.values()) == pytest.approx(figures)
    found = compare(runs[1].truth, *(one.predicted() for one in runs), rule=PAPER_RULE, corpus=runs[1].corpus)
    for name, figure in (("F1 of spotting", "f1"), ("STRS", "strs")):
        one = found.differences["micro"][figure]
        (line,) = [note for note in made.notes if note.startswith(f"{name}: ")]
        assert f"{one.interval.estimate:+.4f}" in line
        assert f"bootstrap p = {one.p_bootstrap:.4f}, permutation p = {one.p_permutation:.4f}" in line
    (line,) = [note for note in made.notes if note.startswith("F1_a of the hits: ")]
    assert f"{figures[1] - figures[0]:+.4f} [" in line


def test_the_classes_are_the_papers_unless_others_are_chosen(tmp_path):
    def emotions(dataset, chosen=None):
        plan = RunPlan(dataset, str(tmp_path), "mean", emotions=chosen)
        return mean_findings.grouped(Reproduction(plan, tmp_path)).plan.emotions

    assert emotions("casme_ii") == "five"
    assert emotions("samm_lv") == emotions("synth") == "three"
    assert emotions("casme_ii", "composite") == "composite"


def test_the_users_choice_of_peaks_stands(short_named_corpus, scored_mean, no_work):
    made = scored_mean(short_named_corpus, {})
    made.plan.settings["one_peak"] = "no"
    assert mean_findings.has_short_videos(made)
    assert any("above the threshold" in note for note in mean.table5(made).notes)


def test_failures_leave_nothing_to_draw(long_named_corpus, scored_mean):
    made = scored_mean(long_named_corpus, {})
    outcome = mean_findings.run_mean(mean_findings.grouped(made))
    assert mean_figures.shown_expressions(mean_findings.findings(outcome))
    with pytest.raises(FormatError, match="no labelled expression is held out"):
        mean_learning.watched_fold(outcome)


@pytest.fixture(scope="module")
def clips(clips_with_faces, tmp_path_factory):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    plan = RunPlan("own_data", str(clips_with_faces), "mean", settings=dict(QUICK), published=True)
    execution = Execution(cache=tmp_path_factory.mktemp("cache"))
    return Reproduction(plan, tmp_path_factory.mktemp("clips_out"), execution)


def test_the_whole_command_on_short_clips(clips, capsys, monkeypatch):
    changed = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    parts = ["table2", "table5", "table9", "figure4", "figure6", "figure7"]
    arguments = [*(f"mean:{part}" for part in parts), "--data", clips.plan.root, "--corpus", "own_data", *changed]
    arguments += ["--out", clips.out, "--cache", clips.execution.cache, "--workers", "1", "--emotions", "three"]
    monkeypatch.setattr(sys, "argv", ["facespot", "reproduce", *map(str, arguments)])
    _run_command()
    printed = capsys.readouterr().out
    suffix = "flow-dis-one_peak-True-recognition_epochs-3-spotting_epochs-1"
    assert {path.name for path in (clips.out / "runs").iterdir()} == {
        f"mean-micro-{suffix}-three", f"mean-micro-{suffix}-transfer-False-three",
    }  # fmt: skip
    assert "scored: negative, positive, surprise" in printed
    for part in parts:
        suffix = "png" if "figure" in part else "csv"
        assert (clips.out / f"mean-{part}.{suffix}").stat().st_size > 100
    before = _times_of(clips.out / "runs")
    _run_command()
    assert capsys.readouterr().out == printed
    assert _times_of(clips.out / "runs") == before, "the second time nothing is made again"


def _times_of(folder):
    """When each file of some runs was written, but for the notes of progress."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".progress"]
    return {path: path.stat().st_mtime_ns for path in files}


def _run_command():
    with pytest.raises(SystemExit) as ended:
        command_line()
    assert ended.value.code in (0, None)


@pytest.mark.parametrize("transfer", [True, False])
def test_the_watched_training_is_that_of_the_run(clips, transfer, monkeypatch):
    from facespot.methods.mean import fitting

    made = mean_findings.grouped(clips)
    outcome = mean_findings.run_mean(made, transfer=transfer)
    kept, plain = [], fitting.retrain_recognition
    monkeypatch.setattr(fitting, "retrain_recognition", lambda *one, **named: kept.append(plain(*one, **named)))
    fold = mean_learning.watched_fold(outcome)
    curves = mean_learning.learning_curves(outcome, fold, "name", made)
    (checkpoint,) = next(one for one in outcome.folds if one.name == fold).checkpoints()
    weights = kept[0].weights()
    assert weights.keys() == read_weights(checkpoint).keys()
    for name, values in read_weights(checkpoint).items():
        np.testing.assert_array_equal(weights[name], values)
    training, held_out = mean_learning._expressions_of(outcome, fold, made)
    assert len(training.emotions) == 4
    network, classes = OnnxNetwork(checkpoint.network_path), checkpoint.fitted["classes"]
    for part, figures in ((training, curves.training), (held_out, curves.held_out)):
        found = network.run(part.images)[:, 1:]
        of_true = found[np.arange(len(found)), [classes.index(name) for name in part.emotions]]
        assert len(figures.loss) == len(figures.accuracy) == 3
        assert figures.loss[-1] == pytest.approx(-np.log(of_true).mean(), abs=1e-5)
        assert figures.accuracy[-1] == np.mean(of_true == found.max(axis=1))


def test_heat_is_of_the_row_that_votes(clips, monkeypatch):
    from facespot.methods.mean import grad_cam

    made = mean_findings.grouped(clips)
    outcome = mean_findings.run_mean(made)
    seen, plain = [], grad_cam.spotting_heat
    monkeypatch.setattr(grad_cam, "spotting_heat", lambda net, maps: (seen.append(maps), plain(net, maps))[1])
    found = mean_findings.findings(outcome)
    shown = mean_figures.shown_expressions(found)
    assert [one.truth.emotion for one in shown] == list(found.classes)
    for one in shown:
        spotting, recognition = mean_figures.heat_map_rows(outcome, one, made)
        np.testing.assert_array_equal(spotting.face, recognition.face)
        assert not np.array_equal(spotting.heat, recognition.heat)
        checkpoint = checkpoint_of(outcome, one.recording, "micro")
        assert checkpoint.origin["held_out_subject"] == one.recording.subject
        score, *probabilities = OnnxNetwork(checkpoint.network_path).run(seen[-1])[0]
        index = checkpoint.fitted["classes"].index(one.named.emotion)
        assert f"spotting head {score:.2f}" in spotting.title
        assert f"recognition head: {one.named.emotion} {probabilities[index]:.2f}" in recognition.title
        assert ("missed" in spotting.title) != one.hit


def test_a_right_hit_is_shown_before_a_wrong_one_and_a_miss(long_named_corpus, scored_mean):
    found = mean_findings.findings(mean_findings.run_mean(mean_findings.grouped(scored_mean(long_named_corpus, {}))))
    shown = {one.truth.emotion: one for one in mean_figures.shown_expressions(found)}
    hits = {(hit.video, hit.truth): hit.predicted.emotion for hit in found.spotting.matches}
    for emotion, one in shown.items():
        right = {key for key, guess in hits.items() if key[1].emotion == guess == emotion}
        of_class = {key for key in hits if key[1].emotion == emotion}
        assert one.right == bool(right)
        assert one.hit == bool(of_class)


def test_rows_that_vote_are_those_of_the_labels():
    frames, valid = np.arange(0, 60, 4), np.ones(15, dtype=bool)
    valid[3] = False
    assert mean_figures.voting_rows(frames, valid, 8, 19).tolist() == [2, 4]
    assert mean_figures.voting_rows(frames, valid, 17, 18).tolist() == [4]


def test_a_run_without_named_emotions_still_shows_its_spotting(long_named_corpus, scored_mean, monkeypatch):
    made = scored_mean(long_named_corpus, {})

    def unnamed(self, **changes):
        plain = original(self, **changes)
        return tuple(
            Track(one.video, one.timebase, tuple(_without_emotion(found) for found in one.expressions)) for one in plain
        )

    original = RunOutcome.predicted
    monkeypatch.setattr(RunOutcome, "predicted", unnamed)
    table = mean.table5(made)
    assert ours(table)["F1"]["spotting"] > 0
    assert ours(table)["STRS"]["spotting"] is None
    assert any(note.startswith("no emotion was named") for note in table.notes)
    with pytest.raises(FormatError, match="no emotion was named"):
        mean_figures.figure5(made)


def _without_emotion(one):
    return replace(one, emotion=None, emotion_probability=None)
