import json
import re
import shutil
from pathlib import Path

import pytest

from facespot.errors import SettingsError, WeightsError
from facespot.experiments.fold_weights import match_folds, read_fold_weights, weights_notes
from facespot.models import write_checkpoint
from facespot.protocols import k_fold, leave_one_subject_out
from facespot.values import Expression, Recording, Timebase, Track

CASME = "CAS(ME)2"
# Who holds which type: the first subject no micro-, the third no macro-expression, the last one neither.
HELD = {"s15": ("macro",), "s16": ("macro", "micro"), "s19": ("micro",), "s20": ("macro", "micro"), "s21": ()}


def recordings(held=None):
    timebase = Timebase(30.0, 100)
    return [
        Recording(
            f"{subject}_0101",
            subject,
            Path(f"{subject}.avi"),
            Track(f"{subject}_0101", timebase, tuple(Expression(5, None, 10, kind) for kind in kinds)),
        )
        for subject, kinds in (held or HELD).items()
    ]


@pytest.fixture
def folds():
    return list(leave_one_subject_out(recordings()))


def checkpoint(path, kind, *, corpus=CASME, fold=None, method="softnet"):
    origin = {"corpus": corpus, "held_out_subject": None if fold is None else f"fold {fold}"}
    return write_checkpoint(path, method=method, kind=kind, config={}, fitted={}, origin=origin,
                            onnx_bytes=str(path).encode(), weights={})  # fmt: skip


def release(folder, *, macro=(1, 2, 3), micro=(1, 2, 3), corpus=CASME):
    """A folder of checkpoints and its index, written here once more."""
    entries = {}
    for kind, numbers in (("macro", macro), ("micro", micro)):
        for number in numbers:
            made = checkpoint(folder / f"s{number}" / kind, kind, fold=number, corpus=corpus)
            entries.setdefault(number, []).append(
                {"kind": kind, "path": f"s{number}/{kind}", "digest": made.digest},
            )
    document = {
        "schema": "facespot.weights/1",
        "method": "softnet",
        "corpus": corpus,
        "folds": [{"number": number, "checkpoints": entries[number]} for number in sorted(entries)],
    }
    (folder / "weights.json").write_text(json.dumps(document))
    return folder


def edit(folder, change):
    document = json.loads((folder / "weights.json").read_text())
    change(document)
    (folder / "weights.json").write_text(json.dumps(document))


def test_an_index_is_read_by_number(tmp_path):
    folder = release(tmp_path / "weights", micro=(2,))
    weights = read_fold_weights(folder)
    assert (weights.method, weights.corpus, weights.shared) == ("softnet", CASME, ())
    assert weights.for_fold(1) == weights.for_fold("s1") == [folder / "s1" / "macro"]
    assert weights.for_fold(2) == [folder / "s2" / "macro", folder / "s2" / "micro"]
    for unknown in (0, 4, "s4", "s15", "1", "micro"):
        with pytest.raises(SettingsError, match="choose from 1, 2, 3"):
            weights.for_fold(unknown)


def test_what_the_import_of_a_release_writes_is_read(tmp_path, monkeypatch):
    np = pytest.importorskip("numpy")
    pytest.importorskip("h5py", reason="needs the extra [train]")
    from facespot.methods.softnet import keras_import
    from facespot.methods.softnet.release import import_release

    shapes = {f"{name}.{part}": shape for name, *both in keras_import.LAYER_SHAPES
              for part, shape in zip(("weight", "bias"), both, strict=True)}  # fmt: skip
    monkeypatch.setattr(keras_import, "read_keras_softnet", lambda file: {n: np.zeros(s) for n, s in shapes.items()})
    monkeypatch.setattr(keras_import, "_onnx_bytes", lambda weights: b"network")
    for name in ("macro-expression/s1", "macro-expression/s2", "micro-expression/s1"):
        path = tmp_path / "CASME_sq" / f"{name}.hdf5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    import_release(tmp_path / "CASME_sq", tmp_path / "out")
    weights = read_fold_weights(tmp_path / "out")
    assert weights.corpus == CASME
    assert {number: list(kinds) for number, kinds in weights.folds.items()} == {1: ["macro", "micro"], 2: ["macro"]}


def test_networks_are_counted_for_each_type_among_the_subjects_that_hold_it(tmp_path, folds):
    folder = release(tmp_path / "weights")
    matched = match_folds(folds, read_fold_weights(folder))
    assert list(matched) == ["s15", "s16", "s19", "s20", "s21"]
    held_out = {"s15": ("s1", None), "s16": ("s2", "s1"), "s19": (None, "s2"), "s20": ("s3", "s3"), "s21": (None, None)}
    for subject, (macro, micro) in held_out.items():
        # Who holds no expression of a type was in no training set of the type: the first network may serve.
        assert matched[subject] == [folder / (macro or "s1") / "macro", folder / (micro or "s1") / "micro"]


def test_subjects_served_by_a_network_of_others_are_named(tmp_path, folds):
    notes = weights_notes(folds, read_fold_weights(release(tmp_path / "weights")), "cas_me_2")
    assert len(notes) == 2
    assert "macro" in notes[0]
    assert notes[0].endswith(": s19, s21")
    assert "micro" in notes[1]
    assert notes[1].endswith(": s15, s21")


def test_one_type_alone_may_be_given(tmp_path, folds):
    weights = read_fold_weights(release(tmp_path / "weights", micro=()))
    assert [len(paths) for paths in match_folds(folds, weights).values()] == [1] * 5
    assert "micro-expressions are not spotted" in weights_notes(folds, weights, "cas_me_2")[-1]


@pytest.mark.parametrize(("macro", "count"), [((1, 2), 2), ((1, 2, 3, 4), 4), ((1, 2, 3, 4, 5), 5)])
def test_another_number_of_folds_is_refused_with_both_counts(tmp_path, folds, macro, count):
    weights = read_fold_weights(release(tmp_path / "weights", macro=macro))
    with pytest.raises(SettingsError) as caught:
        match_folds(folds, weights)
    assert f"it holds {count} macro folds, but 3 of the data set's 5 subjects have a macro-expression" in str(
        caught.value
    )
    assert "import the whole release" in str(caught.value)


def test_a_network_that_is_missing_is_named_with_its_subject(tmp_path, folds):
    weights = read_fold_weights(release(tmp_path / "weights", micro=(1, 3)))
    with pytest.raises(SettingsError, match=re.escape("no micro network for fold 2 (s19)")):
        match_folds(folds, weights)


def test_folds_that_are_not_by_subject_are_refused(tmp_path, folds):
    weights = read_fold_weights(release(tmp_path / "weights"))
    for others in (list(k_fold(recordings(), 3, seed=0)), folds[::-1]):
        with pytest.raises(SettingsError, match="choose the protocol loso"):
            match_folds(others, weights)


def test_weights_of_another_corpus_are_noted(tmp_path, folds):
    weights = read_fold_weights(release(tmp_path / "weights", corpus="SAMM-LV"))
    assert any("SAMM-LV, not of synth" in note for note in weights_notes(folds, weights, "synth"))
    assert not any("SAMM-LV" in note for note in weights_notes(folds, weights, "samm_lv"))


def test_checkpoints_without_folds_serve_every_fold(tmp_path, folds):
    pair = [checkpoint(tmp_path / "s1" / kind, kind, fold=1).path for kind in ("macro", "micro")]
    for given, expected in ((tmp_path / "s1", pair), (pair, pair), (pair[0], pair[:1]), ([pair[1]], pair[1:])):
        weights = read_fold_weights(given)
        assert (weights.method, weights.corpus) == ("softnet", CASME)
        assert match_folds(folds, weights) == {fold.name: expected for fold in folds}
        assert weights.for_fold(17) == expected


def test_a_test_on_the_corpus_of_training_is_noted(tmp_path, folds):
    weights = read_fold_weights(checkpoint(tmp_path / "macro", "macro", fold=3).path)
    for name in ("cas_me_2", "CAS(ME)2"):
        (note,) = weights_notes(folds, weights, name)
        assert "all but fold 3" in note
        assert "not those of unseen people" in note
    assert weights_notes(folds, weights, "samm_lv") == []
    unknown = read_fold_weights(checkpoint(tmp_path / "unknown", "macro", corpus=None).path)
    assert "not known what it was trained on" in weights_notes(folds, unknown, "samm_lv")[0]


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_a_folder_without_weights_is_one_line(tmp_path, missing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError) as caught:
        read_fold_weights(tmp_path / missing)
    assert "\n" not in str(caught.value)


def test_checkpoints_that_do_not_go_together_are_refused(tmp_path):
    macro, other = (checkpoint(tmp_path / name, "macro").path for name in ("one", "two"))
    mean = checkpoint(tmp_path / "mean", "micro", method="mean").path
    with pytest.raises(SettingsError, match="2 checkpoints are for macro"):
        read_fold_weights([macro, other])
    with pytest.raises(SettingsError, match="mean and softnet"):
        read_fold_weights([macro, mean])
    with pytest.raises(SettingsError, match="no folder is given"):
        read_fold_weights([])
    with pytest.raises(SettingsError, match="give it alone"):
        read_fold_weights([macro, release(tmp_path / "weights")])


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("method"),
        lambda document: document.update(method=1),
        lambda document: document.update(corpus=2),
        lambda document: document.update(folds=None),
        lambda document: document.update(folds=[]),
        lambda document: document.update(folds=["s1"]),
        lambda document: document.update(schema="facespot.weights/2"),
        lambda document: document["folds"][0].update(number=0),
        lambda document: document["folds"][0].update(number="1"),
        lambda document: document["folds"][0].update(number=2),
        lambda document: document["folds"][0].update(checkpoints=[]),
        lambda document: document["folds"][0]["checkpoints"][0].update(path="../weights/s1/macro"),
        lambda document: document["folds"][0]["checkpoints"][0].update(path="/s1/macro"),
        lambda document: document["folds"][0]["checkpoints"][0].update(path=None),
        lambda document: document["folds"][0]["checkpoints"][0].update(path="s9/macro"),
        lambda document: document["folds"][0]["checkpoints"][0].update(path="s2/macro"),
        lambda document: document["folds"][0]["checkpoints"][0].update(kind="nano"),
        lambda document: document["folds"][0]["checkpoints"][0].update(kind="micro"),
        lambda document: document["folds"][0]["checkpoints"][0].update(digest="0"),
    ],
)
def test_an_index_that_does_not_fit_is_one_line(tmp_path, change):
    folder = release(tmp_path / "weights")
    edit(folder, change)
    with pytest.raises(WeightsError) as caught:
        read_fold_weights(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{"])
def test_an_index_that_is_no_document_is_one_line(tmp_path, content):
    (tmp_path / "weights.json").write_bytes(content)
    with pytest.raises(WeightsError, match=re.escape("weights.json")):
        read_fold_weights(tmp_path)


def test_a_checkpoint_that_was_exchanged_is_refused(tmp_path):
    folder = release(tmp_path / "weights")
    shutil.rmtree(folder / "s1" / "macro")
    shutil.copytree(folder / "s2" / "macro", folder / "s1" / "macro")
    with pytest.raises(WeightsError, match="it is not the checkpoint"):
        read_fold_weights(folder)
