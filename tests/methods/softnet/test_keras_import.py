import hashlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="needs the extra [train]")
torch = pytest.importorskip("torch", reason="needs the extra [train]")

from facespot.errors import MissingDependencyError, OutputError, SettingsError, WeightsError  # noqa: E402
from facespot.methods.softnet.keras_import import (  # noqa: E402
    import_keras_softnet,
    parse_released_name,
    read_keras_softnet,
)
from facespot.methods.softnet.network import SOFTNet  # noqa: E402
from facespot.models import OnnxNetwork, read_checkpoint, read_weights  # noqa: E402

REFERENCE = "softnet_CASME_sq_macro_s1"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network_of(checkpoint):
    network = SOFTNet()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in read_weights(checkpoint).items()})
    return network


@pytest.fixture(scope="module")
def released(reference_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("released") / "softnet"
    return import_keras_softnet(reference_file(f"{REFERENCE}.hdf5"), out)


@pytest.fixture(scope="module")
def expected(reference_file):
    with np.load(reference_file(f"{REFERENCE}.npz")) as content:
        return dict(content)


def test_the_released_weights_give_what_keras_gives(released, expected):
    with torch.no_grad():
        stages = network_of(released).stages(torch.from_numpy(expected["x"]))
    np.testing.assert_allclose(stages.concat.permute(0, 2, 3, 1).numpy(), expected["concat_np64"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(stages.flatten.numpy(), expected["flatten"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(stages.dense400.numpy(), expected["dense400"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(stages.score.numpy(), expected["score"], atol=1e-5, rtol=0)


def test_the_released_weights_give_the_same_scores_through_onnx(released, expected):
    scores = OnnxNetwork(released.network_path).run(expected["x"])
    np.testing.assert_allclose(scores, expected["score"], atol=1e-5, rtol=0)


def test_the_released_weights_have_the_papers_size(released):
    assert sum(array.size for array in read_weights(released).values()) == 314_817


def test_the_checkpoint_tells_where_the_weights_come_from(released, reference_file):
    source = reference_file(f"{REFERENCE}.hdf5").read_bytes()
    assert (released.method, released.kind) == ("softnet", "macro")
    assert released.config == {"reading": "code", "roi_layout": "joined"}
    assert released.fitted == {"distance_s": 0.6}
    assert released.origin["corpus"] == "CAS(ME)2"
    assert released.origin["held_out_subject"] == "fold 1"
    assert released.origin["source_file"] == f"{REFERENCE}.hdf5"
    assert released.origin["source_sha256"] == hashlib.sha256(source).hexdigest()
    assert released.origin["seed"] is None


@pytest.mark.parametrize("whole_model", [False, True])
def test_made_up_weights_give_what_plain_numpy_gives(tmp_path, keras_layers, maps, whole_model):
    file = keras_layers.write(tmp_path / "weights.hdf5", whole_model=whole_model)
    checkpoint = import_keras_softnet(file, tmp_path / "softnet", kind="micro")
    expected = keras_layers.score(maps)
    with torch.no_grad():
        np.testing.assert_allclose(network_of(checkpoint)(torch.from_numpy(maps)).numpy(), expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(OnnxNetwork(checkpoint.network_path).run(maps), expected, atol=1e-5, rtol=0)
    assert checkpoint == read_checkpoint(tmp_path / "softnet", method="softnet")
    assert (checkpoint.kind, checkpoint.fitted, checkpoint.origin["corpus"]) == ("micro", {}, None)


def test_another_process_imports_silently_to_the_same_bytes(tmp_path, keras_layers):
    file = keras_layers.write(tmp_path / "softnet_SAMMLV_micro_s3.hdf5")
    first = import_keras_softnet(file, tmp_path / "first")
    assert first.fitted == {"distance_s": 0.185}
    program = (
        "import sys; from facespot.methods.softnet import keras_import as k; k.import_keras_softnet(*sys.argv[1:])"
    )
    # The exporter logs and warns only at its first use in a process.
    finished = subprocess.run(
        [sys.executable, "-c", program, file, tmp_path / "second"], capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert read_checkpoint(tmp_path / "second").digest == first.digest


@pytest.mark.parametrize(
    ("name", "corpus", "kind", "fold"),
    [
        ("softnet_CASME_sq_macro_s1.hdf5", "CAS(ME)2", "macro", 1),
        ("softnet_SAMMLV_micro_s12.h5", "SAMM-LV", "micro", 12),
        ("SOFTNet_Weights/CASME_sq/micro-expression/s7.hdf5", "CAS(ME)2", "micro", 7),
        ("SAMMLV/macro-expression/s30.hdf5", "SAMM-LV", "macro", 30),
        ("macro-expression/s30.hdf5", None, None, 30),
        ("CASME_sq/other/s30.hdf5", None, None, 30),
        ("macromodel_micron.hdf5", None, None, None),
        ("macro_and_micro.hdf5", None, None, None),
        ("weights.hdf5", None, None, None),
    ],
)
def test_names_tell_corpus_type_and_fold(name, corpus, kind, fold):
    named = parse_released_name(Path(name))
    assert (named.corpus, named.kind, named.fold) == (corpus, kind, fold)


def refused(error_type, *arguments, **settings):
    with pytest.raises(error_type) as caught:
        import_keras_softnet(*arguments, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_type_must_be_known(tmp_path, keras_layers):
    file = keras_layers.write(tmp_path / "weights.hdf5")
    assert "--kind macro or --kind micro" in refused(SettingsError, file, tmp_path / "out")
    assert "--kind macro or --kind micro" in refused(SettingsError, file, tmp_path / "out", kind="nano")
    assert not (tmp_path / "out").exists()


def test_a_type_against_the_name_is_refused(tmp_path, keras_layers):
    file = keras_layers.write(tmp_path / "softnet_CASME_sq_macro_s1.hdf5")
    assert "the name says macro" in refused(SettingsError, file, tmp_path / "out", kind="micro")


def test_an_existing_checkpoint_is_replaced_only_when_asked(tmp_path, keras_layers):
    file = keras_layers.write(tmp_path / "weights.hdf5")
    import_keras_softnet(file, tmp_path / "out", kind="macro")
    assert "already exists" in refused(OutputError, file, tmp_path / "out", kind="micro")
    assert import_keras_softnet(file, tmp_path / "out", kind="micro", overwrite=True).kind == "micro"


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("text")])
def test_what_is_no_keras_file_is_one_line(tmp_path, make):
    make(tmp_path / "s1.hdf5")
    assert "s1.hdf5" in refused(WeightsError, tmp_path / "s1.hdf5", tmp_path / "out", kind="macro")


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.999])
def test_a_file_cut_short_is_one_line(tmp_path, keras_layers, kept):
    file = keras_layers.write(tmp_path / "s1.hdf5")
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    refused(WeightsError, file, tmp_path / "out", kind="macro")
    assert not (tmp_path / "out").exists()


def test_hdf5_without_layers_is_one_line(tmp_path):
    with h5py.File(tmp_path / "data.hdf5", "w") as file:
        file["x"] = np.zeros(3)
    assert "no Keras layers" in refused(WeightsError, tmp_path / "data.hdf5", tmp_path / "out", kind="macro")


def test_a_listed_layer_that_is_missing_is_one_line(tmp_path, keras_layers):
    file = keras_layers.write(tmp_path / "s1.hdf5")
    with h5py.File(file, "a") as content:
        del content["dense_8"]
    assert "damaged" in refused(WeightsError, file, tmp_path / "out", kind="macro")


@pytest.mark.parametrize("name", ["spot", "recog", "spot_recog"])
def test_weights_of_mean_are_refused(reference_file, tmp_path, name):
    message = refused(WeightsError, reference_file(f"mean_CASME2_s1_{name}.hdf5"), tmp_path / "out", kind="micro")
    assert "SOFTNet" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layer", range(5))
def test_a_kernel_of_another_shape_is_refused(tmp_path, keras_layers, layer):
    kernel, bias = keras_layers.arrays[layer]
    keras_layers.arrays[layer] = (np.concatenate([kernel, kernel]), bias)
    file = keras_layers.write(tmp_path / "s1.hdf5")
    assert "does not belong to SOFTNet" in refused(WeightsError, file, tmp_path / "out", kind="macro")


def test_layers_in_another_order_are_refused(tmp_path, keras_layers):
    keras_layers.arrays[0], keras_layers.arrays[1] = keras_layers.arrays[1], keras_layers.arrays[0]
    file = keras_layers.write(tmp_path / "s1.hdf5")
    assert "(5, 5, 1, 5) where SOFTNet has (5, 5, 1, 3)" in refused(WeightsError, file, tmp_path / "out", kind="macro")


def test_a_layer_too_few_is_refused(tmp_path, keras_layers):
    keras_layers.arrays.pop()
    layers = ("conv2d", "conv2d_1", "conv2d_2", "flatten", "dense")
    file = keras_layers.write(tmp_path / "s1.hdf5", layers=layers, weighted=tuple(n for n in layers if n != "flatten"))
    assert "has 4 layers with weights, SOFTNet has 5" in refused(WeightsError, file, tmp_path / "out", kind="macro")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path, keras_layers, value):
    keras_layers.arrays[3][0][5, 5] = value
    file = keras_layers.write(tmp_path / "s1.hdf5")
    assert "not finite" in refused(WeightsError, file, tmp_path / "out", kind="macro")


def test_whole_numbers_are_no_weights(tmp_path, keras_layers):
    keras_layers.arrays[4] = (keras_layers.arrays[4][0].astype(np.int32), keras_layers.arrays[4][1])
    file = keras_layers.write(tmp_path / "s1.hdf5")
    assert "no floating-point weights" in refused(WeightsError, file, tmp_path / "out", kind="macro")


@pytest.mark.parametrize("missing", ["h5py", "onnx", "onnxscript", "torch"])
def test_a_missing_library_is_named_with_the_extra(tmp_path, keras_layers, monkeypatch, missing):
    file = keras_layers.write(tmp_path / "s1.hdf5")
    monkeypatch.setitem(sys.modules, missing, None)
    message = refused(MissingDependencyError, file, tmp_path / "out", kind="macro")
    assert missing in message
    assert 'pip install "facespot[train]"' in message


def test_weights_have_the_axis_order_of_pytorch(tmp_path, keras_layers):
    weights = read_keras_softnet(keras_layers.write(tmp_path / "s1.hdf5"))
    network = SOFTNet()
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == {
        name: array.shape for name, array in weights.items()
    }
    kernel = keras_layers.arrays[1][0]
    assert weights["streams.1.0.weight"][4, 0, 1, 2] == kernel[1, 2, 0, 4]


RUN_WITHOUT_TORCH = """
    import json, sys

    class NoTorch:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in ("torch", "onnx", "onnxscript", "h5py"):
                raise ImportError(f"{name} is not installed", name=name)

    sys.meta_path.insert(0, NoTorch())
    import numpy as np
    from facespot.methods.softnet import keras_import
    from facespot.models import OnnxNetwork, read_checkpoint, read_weights

    checkpoint = read_checkpoint(sys.argv[1], method="softnet")
    scores = OnnxNetwork(checkpoint.network_path).run(np.load(sys.argv[2], mmap_mode="r"))
    n_parameters = sum(array.size for array in read_weights(checkpoint).values())
    try:
        keras_import.import_keras_softnet(sys.argv[2], sys.argv[1] + "-new", kind="macro")
        error = None
    except Exception as raised:
        error = type(raised).__name__
    assert "torch" not in sys.modules
    print(json.dumps({"scores": scores.tolist(), "n_parameters": n_parameters, "error": error}))
"""


def test_a_checkpoint_runs_where_the_extra_is_not_installed(tmp_path, keras_layers, maps):
    file = keras_layers.write(tmp_path / "s1.hdf5")
    checkpoint = import_keras_softnet(file, tmp_path / "softnet", kind="macro")
    np.save(tmp_path / "maps.npy", maps)
    finished = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            textwrap.dedent(RUN_WITHOUT_TORCH),
            checkpoint.path,
            tmp_path / "maps.npy",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout)
    with torch.no_grad():
        expected = network_of(checkpoint)(torch.from_numpy(maps)).numpy()
    np.testing.assert_allclose(np.array(answer["scores"]), expected, atol=1e-5, rtol=0)
    assert answer["n_parameters"] == 314_817
    assert answer["error"] == "MissingDependencyError"
