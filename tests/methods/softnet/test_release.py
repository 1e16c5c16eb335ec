import json
import shutil

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="needs the extra [train]")
torch = pytest.importorskip("torch", reason="needs the extra [train]")

from facespot.errors import MissingDependencyError, OutputError, SettingsError, WeightsError  # noqa: E402
from facespot.methods.softnet import keras_import, release  # noqa: E402
from facespot.methods.softnet.keras_import import import_keras_softnet  # noqa: E402
from facespot.methods.softnet.release import find_release, import_release  # noqa: E402
from facespot.models import read_checkpoint  # noqa: E402
from facespot.models.checkpoint import FILES  # noqa: E402


@pytest.fixture
def no_export(monkeypatch):
    """What is not about the network need not wait for PyTorch's exporter."""
    monkeypatch.setattr(keras_import, "_onnx_bytes", lambda weights: weights["score.bias"].tobytes())


@pytest.fixture
def put(tmp_path, keras_layers):
    """Write weights under a name below ``in``; the bias of the score tells the files apart."""

    def write(name, bias=0.0):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kernel, _ = keras_layers.arrays[4]
        keras_layers.arrays[4] = (kernel, np.array([bias], dtype=np.float32))
        return keras_layers.write(path)

    return write


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def refused(error_type, *arguments, **settings):
    with pytest.raises(error_type) as caught:
        import_release(*arguments, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_each_fold_is_what_the_import_of_its_file_is(tmp_path, put):
    files = {
        "s1/macro": put("CASME_sq/macro-expression/s1.hdf5", 0.1),
        "s1/micro": put("CASME_sq/micro-expression/s1.hdf5", 0.2),
        "s10/macro": put("CASME_sq/macro-expression/s10.hdf5", 0.3),
    }
    made = import_release(tmp_path / "in", tmp_path / "out")
    assert made.failures == ()
    for place, file in files.items():
        import_keras_softnet(file, tmp_path / "single" / place)
    whole = tree(tmp_path / "out")
    index = json.loads(whole.pop("weights.json"))
    assert whole == tree(tmp_path / "single")
    assert len({whole[f"{place}/network.onnx"] for place in files}) == 3
    digests = {place: read_checkpoint(tmp_path / "single" / place).digest for place in files}
    assert index == {
        "schema": "facespot.weights/1",
        "method": "softnet",
        "corpus": "CAS(ME)2",
        "folds": [
            {
                "number": 1,
                "checkpoints": [
                    {"kind": kind, "path": f"s1/{kind}", "digest": digests[f"s1/{kind}"]} for kind in ("macro", "micro")
                ],
            },
            {
                "number": 10,
                "checkpoints": [{"kind": "macro", "path": "s10/macro", "digest": digests["s10/macro"]}],
            },
        ],
    }


def test_the_released_file_is_imported_as_alone(reference_file, tmp_path):
    file = reference_file("softnet_CASME_sq_macro_s1.hdf5")
    (tmp_path / "in").mkdir()
    flat = tmp_path / "in" / file.name
    shutil.copy(file, flat)
    second = tmp_path / "in" / "softnet_CASME_sq_macro_s2.hdf5"
    shutil.copy(file, second)
    with h5py.File(second, "a") as content:
        layer = content[content.attrs["layer_names"][-1]]
        layer[layer.attrs["weight_names"][-1]][...] += 1.0
    import_release(tmp_path / "in", tmp_path / "out")
    for place, path in {"s1": flat, "s2": second}.items():
        import_keras_softnet(path, tmp_path / "single" / place)
        for name in FILES:
            made = tmp_path / "out" / place / "macro" / name
            assert made.read_bytes() == (tmp_path / "single" / place / name).read_bytes()
    networks = {place: (tmp_path / "out" / place / "macro" / "network.onnx").read_bytes() for place in ("s1", "s2")}
    assert networks["s1"] != networks["s2"]


def test_checkpoints_come_in_order_of_their_number_and_are_counted(tmp_path, put, no_export):
    for number in (10, 9, 2):
        put(f"softnet_SAMMLV_micro_s{number}.h5", number)
    seen = []
    made = import_release(
        tmp_path / "in", tmp_path / "new" / "out", on_progress=lambda done, total: seen.append((done, total))
    )
    assert list(made.checkpoints) == [(2, "micro"), (9, "micro"), (10, "micro")]
    assert made.corpus == "SAMM-LV"
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    for (fold, kind), checkpoint in made.checkpoints.items():
        assert checkpoint == read_checkpoint(tmp_path / "new" / "out" / f"s{fold}" / kind)
        assert checkpoint.network_path.read_bytes() == np.float32(fold).tobytes()


def test_the_folder_is_named_after_the_corpus(tmp_path, put, no_export, monkeypatch):
    put("SAMMLV/macro-expression/s1.hdf5")
    monkeypatch.chdir(tmp_path)
    assert import_release(tmp_path / "in").path.resolve() == tmp_path / "softnet-SAMMLV"
    assert (tmp_path / "softnet-SAMMLV" / "weights.json").is_file()


@pytest.mark.parametrize("name", ["CASME_sq", "CAS(ME)2"])
def test_of_several_corpora_one_is_chosen(tmp_path, put, no_export, name):
    put("CASME_sq/macro-expression/s1.hdf5", 1)
    put("SAMMLV/macro-expression/s1.hdf5", 2)
    message = refused(SettingsError, tmp_path / "in", tmp_path / "out")
    assert "CAS(ME)2 and SAMM-LV" in message
    assert "--corpus" in message
    assert not (tmp_path / "out").exists()
    made = import_release(tmp_path / "in", tmp_path / "out", corpus=name)
    assert (made.corpus, list(made.checkpoints), made.failures) == ("CAS(ME)2", [(1, "macro")], ())
    assert import_release(tmp_path / "in" / "SAMMLV", tmp_path / "other").corpus == "SAMM-LV"
    assert "no weights of 'MEVIEW'" in refused(SettingsError, tmp_path / "in", tmp_path / "x", corpus="MEVIEW")


def test_of_both_types_one_is_chosen(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5")
    put("CASME_sq/micro-expression/s2.hdf5")
    made = import_release(tmp_path / "in", tmp_path / "out", kind="micro")
    assert list(made.checkpoints) == [(2, "micro")]
    assert "--kind macro or" in refused(SettingsError, tmp_path / "in", tmp_path / "x", kind="nano")


def test_two_files_of_one_fold_are_refused(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5")
    put("softnet_CASME_sq_macro_s01.hdf5")
    message = refused(SettingsError, tmp_path / "in", tmp_path / "out")
    assert "s01.hdf5" in message
    assert "macro, fold 1" in message
    assert not (tmp_path / "out").exists()


def test_what_is_no_weight_file_is_named_and_the_rest_imported(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5")
    (tmp_path / "in/CASME_sq/macro-expression/s2.hdf5").write_bytes(b"not HDF5")
    with h5py.File(tmp_path / "in/CASME_sq/macro-expression/s3.hdf5", "w") as file:
        file["x"] = np.zeros(3)
    put("unnamed.hdf5")
    put("CASME_sq/macro-expression/s0.hdf5")
    (tmp_path / "in/README.md").write_text("not looked at")
    (tmp_path / "in/CASME_sq/macro-expression/._s1.hdf5").write_bytes(b"a file system's note")
    made = import_release(tmp_path / "in", tmp_path / "out")
    assert list(made.checkpoints) == [(1, "macro")]
    assert {error.where.rpartition("/")[2]: error.what for error in made.failures} == {
        "s2.hdf5": "is not a Keras HDF5 file",
        "s3.hdf5": "is an HDF5 file but holds no Keras layers",
        "s0.hdf5": "the name does not tell corpus, type and fold",
        "unnamed.hdf5": "the name does not tell corpus, type and fold",
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["s1", "weights.json"]


def test_nothing_is_left_where_no_file_can_be_imported(tmp_path, put, no_export):
    (tmp_path / "in").mkdir()
    assert "no .hdf5 or .h5 file" in refused(WeightsError, tmp_path / "in", tmp_path / "out")
    put("unnamed.hdf5")
    assert "unnamed.hdf5: the name does not tell" in refused(WeightsError, tmp_path / "in", tmp_path / "out")
    for number in (1, 2):
        (tmp_path / f"in/softnet_CASME_sq_macro_s{number}.hdf5").write_bytes(b"not HDF5")
    message = refused(WeightsError, tmp_path / "in", tmp_path / "out")
    assert "softnet_CASME_sq_macro_s1.hdf5, softnet_CASME_sq_macro_s2.hdf5" in message
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_nothing_is_left_of_an_import_that_stops(tmp_path, put, monkeypatch):
    put("CASME_sq/macro-expression/s1.hdf5")
    put("CASME_sq/macro-expression/s2.hdf5")

    def fill_the_disk(file, out):
        if file.name == "s2.hdf5":
            raise OutputError(str(out), "cannot write (no space)", "free some space")
        return import_keras_softnet(file, out)

    monkeypatch.setattr(keras_import, "_onnx_bytes", lambda weights: b"network")
    monkeypatch.setattr(release, "import_keras_softnet", fill_the_disk)
    message = refused(OutputError, tmp_path / "in", tmp_path / "out")
    assert message.startswith(f"{tmp_path / 'out'}: ")
    assert "no space" in message
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_missing_library_ends_the_import(tmp_path, put, monkeypatch):
    put("CASME_sq/macro-expression/s1.hdf5")
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    assert "facespot[train]" in refused(MissingDependencyError, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_an_earlier_import_is_replaced_and_only_when_asked(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5", 1)
    put("CASME_sq/macro-expression/s2.hdf5", 2)
    out = tmp_path / "out"
    import_release(tmp_path / "in", out)
    before = tree(out)
    assert "already exists" in refused(OutputError, tmp_path / "in", out)
    assert tree(out) == before
    (tmp_path / "in/CASME_sq/macro-expression/s2.hdf5").unlink()
    import_release(tmp_path / "in", out, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["s1", "weights.json"]
    (out / "notes.txt").write_text("mine")
    assert "in the way" in refused(OutputError, tmp_path / "in", out, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_folder_that_is_no_import_is_never_replaced(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5")
    (tmp_path / "out").mkdir()
    assert "in the way" in refused(OutputError, tmp_path / "in", tmp_path / "out", overwrite=True)


def test_the_same_files_make_the_same_bytes(tmp_path, put, no_export):
    put("CASME_sq/macro-expression/s1.hdf5", 1)
    put("CASME_sq/micro-expression/s2.hdf5", 2)
    for out in ("first", "second"):
        import_release(tmp_path / "in", tmp_path / out)
    assert tree(tmp_path / "first") == tree(tmp_path / "second")


def test_files_are_found_as_published_and_flat(tmp_path, put):
    put("SOFTNet_Weights/CASME_sq/macro-expression/s2.hdf5")
    put("flat/CASME_sq_micro_s2.H5")
    files, failures = find_release(tmp_path / "in")
    assert [(one.corpus, one.kind, one.fold) for one in files] == [("CAS(ME)2", "macro", 2), ("CAS(ME)2", "micro", 2)]
    assert failures == []
