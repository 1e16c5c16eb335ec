"""SOFTNet's tables and figures: from made-up scores what can be counted, from real small runs all the rest."""

import sys

import numpy as np
import pytest

from facespot.cli.main import run as command_line
from facespot.datasets import load_dataset
from facespot.errors import FacespotError, SettingsError
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers import pictures, softnet, softnet_figures
from facespot.experiments.papers.registry import METHODS_OF_PAPER, PARTS, maker, titles
from facespot.experiments.papers.reproduction import Reproduction, check_settings, run_name
from facespot.experiments.plan import RunPlan
from facespot.experiments.printed import printed_table
from facespot.experiments.run import Execution, read_run, run
from facespot.export import read_tracks
from facespot.export.table import format_table
from facespot.metrics import PAPER_RULE, compare, evaluate
from facespot.models import OnnxNetwork
from facespot.protocols import half_mean_length, half_mean_length_of_fold
from facespot.values import KINDS

QUICK = {"epochs": "1", "flow": "dis", "samples_per_epoch": "48"}


def ours(table):
    names = [column.name for column in table.columns]
    return {row.name: dict(zip(names, [cell.ours for cell in row.cells], strict=True)) for row in table.rows}


def quick(dataset, root, out, cache, **changes):
    settings = {**QUICK, **changes.pop("settings", {})}
    plan = RunPlan(dataset, str(root), "softnet", settings=settings, published=True, **changes)
    return Reproduction(plan, out, Execution(cache=cache))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_every_printed_table_of_softnet_can_be_made_and_every_id_has_a_title():
    assert {name for name in PARTS if ":table" in name} >= {f"softnet:table{number}" for number in range(1, 8)}
    assert all(titles().values())
    for name in PARTS:
        assert callable(maker(name))
        assert name.partition(":")[0] in METHODS_OF_PAPER
    with pytest.raises(SettingsError, match="softnet:table1"):
        maker("softnet:table8")


@pytest.mark.parametrize("published", [True, False])
def test_counts_are_those_of_the_evaluation_of_the_predictions(scored, tmp_path, published):
    reproduction = scored(published=published)
    outcome = read_run(tmp_path / "out" / "runs" / ("softnet" if published else "softnet-honest"))
    (tmp_path / "predictions.csv").write_text(format_table(outcome.predicted()))
    (tmp_path / "truth.csv").write_text(format_table(outcome.truth))
    rule = {"matching": "greedy", "count_dummy": True, "videos": "with_type"} if published else {}
    truth, predicted = (read_tracks(tmp_path / f"{name}.csv") for name in ("truth", "predictions"))
    found = evaluate(truth, predicted, **rule)
    table = ours(softnet.table2(reproduction))
    for name, part in (*found.by_kind, ("overall", found)):
        assert [table[row][name] for row in ("TP", "FP", "FN")] == [part.tp, part.fp, part.fn]
        assert table["total"][name] == part.tp + part.fn
        assert (table["precision"][name], table["recall"][name]) == (part.precision, part.recall)
        assert table["F1"][name] == part.f1
    assert 0 < found.tp < found.fn + found.tp


def test_the_published_threshold_stands_in_the_sweeps_as_in_the_other_tables(scored):
    reproduction = scored()
    first = ours(softnet.table1(reproduction))
    by_p, by_p_without = ours(softnet.table4(reproduction)), ours(softnet.table5(reproduction))
    assert by_p["0.55"] == ours(softnet.table2(reproduction))["F1"] == first["SOFTNet"]
    assert by_p_without["0.50"] == first["without SOFTNet"]
    assert len({tuple(row.values()) for row in by_p.values()}) > 3
    assert first["Pan"] == {"macro": None, "micro": None, "overall": None}


def test_a_sweep_reads_each_score_file_once(scored, monkeypatch):
    from facespot.experiments import outcome

    read, plain = [], outcome.read_scores
    monkeypatch.setattr(outcome, "read_scores", lambda path, *rest: (read.append(path), plain(path, *rest))[1])
    softnet.table4(scored())
    assert len(read) == len(set(read)) == 4


def test_the_difference_is_tested_in_pairs(scored, tmp_path):
    table = softnet.table1(scored())
    without, with_network = (read_run(tmp_path / "out" / "runs" / name) for name in ("strain", "softnet"))
    found = compare(
        with_network.truth, without.predicted(), with_network.predicted(), rule=PAPER_RULE, corpus=with_network.corpus
    )
    for name in ("macro", "micro", "overall"):
        one = found.differences[name]["f1"]
        (line,) = [note for note in table.notes if note.startswith(f"{name}: ")]
        assert f"{one.interval.estimate:+.4f}" in line
        assert f"bootstrap p = {one.p_bootstrap:.4f}, permutation p = {one.p_permutation:.4f}" in line


def test_k_is_half_the_mean_length(scored, faceless_corpus):
    recordings = load_dataset("own_data", faceless_corpus).recordings
    table = ours(softnet.table6(scored()))
    for kind in ("macro", "micro"):
        k = half_mean_length(recordings, kind)
        assert table["k, frames"][kind] == k
        assert table["k, seconds"][kind] == pytest.approx(k / 30)


def test_the_honest_k_of_each_fold_is_said(scored):
    reproduction = scored(published=False)
    table = softnet.table6(reproduction)
    folds = reproduction.plan.folds(reproduction.dataset.recordings)
    halves = [half_mean_length_of_fold(fold, "macro") for fold in folds]
    assert f"macro, from the training subjects of each fold: {min(halves)} to {max(halves)}" in table.notes
    assert "honest protocol" in table.protocol_line


def test_settings_go_to_the_methods_that_have_them(faceless_corpus, tmp_path):
    plan = RunPlan("own_data", str(faceless_corpus), "softnet", settings={"epochs": "2", "p": "0.4"}, published=True)
    reproduction = Reproduction(plan, tmp_path)
    assert reproduction._plan("strain", ("macro",), {}).settings == {"p": 0.4}
    assert reproduction._plan("softnet", ("macro",), {"network": "vgg16"}).settings == {
        "epochs": 2, "p": 0.4, "network": "vgg16",
    }  # fmt: skip
    assert reproduction._plan("softnet", ("macro",), {"epochs": 10, "network": "softnet"}).settings == {"p": 0.4}
    check_settings(plan.settings, ("softnet", "strain"))
    with pytest.raises(SettingsError, match="epocs"):
        check_settings({"epocs": "2"}, ("softnet", "strain"))
    with pytest.raises(SettingsError, match="whole number"):
        check_settings({"epochs": "two"}, ("softnet", "strain"))


def test_settings_of_a_method_are_checked_together():
    check_settings({"window": "5", "reach": "4"}, ("spotgcn",))
    with pytest.raises(SettingsError, match="less than the window needs"):
        check_settings({"window": "9", "reach": "4"}, ("spotgcn",))


def test_a_setting_that_the_rows_vary_is_not_called_changed(faceless_corpus, tmp_path):
    plan = RunPlan("own_data", str(faceless_corpus), "softnet", settings={"network": "vgg16", "p": "0.4"})
    reproduction = Reproduction(plan, tmp_path)
    outcomes = [
        RunOutcome(reproduction._plan("softnet", KINDS, changes), tmp_path, reproduction.dataset, (), {})
        for changes in ({"network": "resnet18"}, {"network": "resnet50"}, {"network": "softnet"})
    ]
    made = reproduction.figure("softnet:figure5", "title", softnet_figures.PRINTED_ON, outcomes[0], paths=[])
    assert made.heading.splitlines()[-1] == "settings changed: network=resnet18, p=0.4"
    assert reproduction._with_changes("title", outcomes) == "title\nsettings changed: p=0.4"


def test_runs_that_differ_have_different_names():
    plans = [
        RunPlan("synth", "/a", "softnet", **changes)
        for changes in (
            {}, {"published": True}, {"seed": 1}, {"seed": 11}, {"kinds": ("macro",)}, {"protocol": "kfold:5"},
            {"protocol": "kfold:5:video"}, {"fps": 30.0}, {"detector": "dlib"}, {"settings": {"reading": "paper"}},
            {"settings": {"smoothing": "paper"}}, {"emotions": "three"},
            {"settings": {"network": "vgg16"}}, {"options": {"annotation": "b"}},
        )
    ]  # fmt: skip
    assert len({run_name(plan) for plan in plans}) == len(plans)


def test_a_folder_with_another_run_is_refused(scored):
    reproduction = scored()
    folder = reproduction.out / "runs" / "softnet"
    (folder / "run.json").write_text((reproduction.out / "runs" / "strain" / "run.json").read_text())
    with pytest.raises(FacespotError, match="another run"):
        softnet.table2(reproduction)


def test_the_whole_command_on_a_copy_of_cas_me_2(cas_me_2_with_faces, cache, tmp_path_factory, capsys, monkeypatch):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    out = tmp_path_factory.mktemp("reproduced")
    changed = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    arguments = ["reproduce", "softnet:table2", "softnet:table1", "softnet:figure5", "softnet:figure6", *changed]
    arguments += ["--data", cas_me_2_with_faces, "--corpus", "casme2sq", "--out", out, "--cache", cache]
    monkeypatch.setattr(sys, "argv", ["facespot", *map(str, arguments), "--workers", "1"])
    _run_command()
    printed = capsys.readouterr().out
    assert "NOT the paper's data: cas_me_2 with 3 subjects (published 22)" in printed
    assert "settings changed: epochs=1, flow=dis, samples_per_epoch=48" in printed
    assert "published protocol" in printed
    for name in ("table1.txt", "table1.csv", "table2.md", "figure5.png"):
        assert (out / f"softnet-{name}").stat().st_size > 100
    pictures = list(out.glob("softnet-figure6-*.png"))
    assert len(pictures) == 2
    assert all(str(path) in printed for path in pictures)
    assert sorted(path.name for path in (out / "runs").iterdir()) == [
        "softnet-epochs-1-flow-dis-samples_per_epoch-48", "strain-flow-dis",
    ]  # fmt: skip
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*") if path.is_file()}
    _run_command()
    assert capsys.readouterr().out == printed
    after = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*") if path.is_file()}
    assert after == before, "the second time nothing is made again"


def _run_command():
    with pytest.raises(SystemExit) as ended:
        command_line()
    assert ended.value.code in (0, None)


@pytest.fixture(scope="module")
def samm(samm_lv_with_faces, cache, tmp_path_factory):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    return quick("samm_lv", samm_lv_with_faces, tmp_path_factory.mktemp("samm_out"), cache)


def test_the_whole_command_on_a_copy_of_samm_lv(samm, capsys, monkeypatch):
    samm.run("softnet")
    changed = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    arguments = ["softnet:table2", "--data", samm.plan.root, "--corpus", "sammlv", "--out", samm.out, *changed]
    arguments += ["--cache", samm.execution.cache, "--format", "markdown"]
    monkeypatch.setattr(sys, "argv", ["facespot", "reproduce", *map(str, arguments)])
    _run_command()
    printed = capsys.readouterr().out
    assert printed == softnet.table2(samm).markdown() == (samm.out / "softnet-table2.md").read_text()
    assert "2 subjects (published 30 or 32)" in printed
    assert "| total | 2 | 333 | 2 | 159 | 4 | 492 |" in printed


def test_a_run_of_both_types_serves_where_one_is_asked_for(samm, tmp_path):
    both = samm.run("softnet")
    served = samm.run("softnet", kinds=("macro",), network="softnet")
    assert served.folder == both.folder
    alone = run(samm._plan("softnet", ("macro",), {}), tmp_path / "alone", samm.execution)
    for recording in both.tested:
        of_both, of_one = both.scores(recording), alone.scores(recording)
        n_rows = int(of_one.valid.sum())
        assert of_one.channels == ("macro",)
        np.testing.assert_array_equal(of_both.channel("macro")[0][:n_rows], of_one.channel("macro")[0][:n_rows])
    assert both.summary().evaluation.of_kind("macro").by_video == alone.summary().evaluation.of_kind("macro").by_video


def test_backbones_and_pseudo_labels(samm, monkeypatch):
    import torch

    from facespot.methods.softnet.backbones.build import build_network, count_parameters

    monkeypatch.setattr(softnet, "BACKBONES", {name: softnet.BACKBONES[name] for name in ("SOFTNet", "MobileNetV2")})
    made = softnet.table3(samm)
    table = ours(made)
    for row, network in softnet.BACKBONES.items():
        counted = count_parameters(build_network(network, torch.Generator().manual_seed(0)))
        assert table[row]["parameters, millions"] == counted / 1e6
        assert table[row]["inference time, s"] > 0
    assert table["SOFTNet"]["F1"] == ours(softnet.table2(samm))["F1"]["macro"]
    n_rows = sum(int(samm.run("softnet").scores(one).channel("macro")[1].sum()) for one in samm.dataset.recordings)
    assert f"all {n_rows} rows" in made.notes[1]
    assert softnet.table3(samm).text() == made.text(), "the measurement is kept"

    seven = softnet.table7(samm)
    assert "settings changed: epochs=1, flow=dis, samples_per_epoch=48" in seven.heading.splitlines()
    labels = ours(seven)
    assert [labels["unit step"][name] for name in ("TP", "FP", "FN")] == [
        ours(softnet.table2(samm))[name]["macro"] for name in ("TP", "FP", "FN")
    ]
    names = {path.name.removesuffix("-epochs-1-flow-dis-samples_per_epoch-48") for path in samm.out.glob("runs/*")}
    assert names == {"softnet", "softnet-macro-mobilenet_v2", "softnet-macro-linear", "softnet-macro-step"}


def test_heat_is_of_the_row_that_has_the_score(samm, monkeypatch):
    from facespot.methods.softnet import grad_cam

    outcome, seen, plain = samm.run("softnet"), [], grad_cam.grad_cam
    monkeypatch.setattr(grad_cam, "grad_cam", lambda network, maps: (seen.append(maps), plain(network, maps))[1])
    for kind in ("macro", "micro"):
        for shown in softnet_figures.shown_onsets(outcome, kind):
            row = softnet_figures.heat_map_row(outcome, shown, samm)
            assert row.face.shape == (256, 256, 3)
            assert row.heat.max() <= 1
            assert (row.motion >= 0).all()
            assert f", {kind}, " in row.title
            checkpoint = pictures.checkpoint_of(outcome, shown.recording, kind)
            assert checkpoint.origin["held_out_subject"] == shown.recording.subject
            (score,) = OnnxNetwork(checkpoint.network_path).run(seen[-1])[:, 0]
            assert score == pytest.approx(shown.score, abs=1e-4)
            frame = outcome.scores(shown.recording).frames[shown.row]
            assert frame <= shown.truth.onset
    assert len(seen) >= 2


def test_a_timeline_shows_what_was_spotted(samm):
    outcome = samm.run("softnet")
    recording = pictures.shown_videos(outcome)[0]
    result = softnet_figures.result_of(outcome, recording, samm)
    stored = [one for one in read_tracks(outcome.folder / "predictions.csv") if one.video == recording.id]
    spotted = [(one.onset, one.offset, one.kind) for track in stored for one in track.expressions]
    assert [(one.onset, one.offset, one.kind) for one in result.track.expressions] == spotted
    assert set(result.pictures) <= {one.apex for one in result.track.expressions}
    assert {curve.kind for curve in result.curves} == {"macro", "micro"}


def test_videos_are_named_by_id_or_its_last_part(samm):
    outcome = samm.run("softnet")
    assert [one.id for one in pictures.shown_videos(outcome, ["007_1", "006_1"])] == ["007_1", "006_1"]
    with pytest.raises(SettingsError, match="006_1"):
        pictures.shown_videos(outcome, ["009_1"])


def test_all_columns_of_the_printed_tables_are_filled(scored):
    reproduction = scored()
    for number in (2, 4, 5, 6):
        table = ours(getattr(softnet, f"table{number}")(reproduction))
        for row in printed_table(f"softnet:table{number}").rows:
            assert None not in table[row.name].values()
