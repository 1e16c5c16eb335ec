import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason='needs pip install "facespot[train]"')
torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import MissingDependencyError, OutputError, SettingsError, WeightsError  # noqa: E402
from facespot.methods.mean import keras_import  # noqa: E402
from facespot.methods.mean.keras_import import (  # noqa: E402
    import_keras_mean,
    merge,
    parse_released_name,
    read_keras_mean,
)
from facespot.methods.mean.network import MEAN  # noqa: E402
from facespot.models import OnnxNetwork, read_checkpoint, read_weights  # noqa: E402

RELEASED = ("spot", "recog", "spot_recog")
HEADS = {"spot": ("spot",), "recog": ("recog",), "spot_recog": ("spot", "recog")}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def released(reference_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("released")
    return {name: import_keras_mean(reference_file(f"mean_CASME2_s1_{name}.hdf5"), out / name) for name in RELEASED}


@pytest.fixture(scope="module")
def expected(reference_file):
    with np.load(reference_file("mean_CASME2_s1.npz")) as content:
        return dict(content)


@pytest.fixture
def without_export(monkeypatch):
    """Spares the seconds of the ONNX export where no network is run."""
    monkeypatch.setattr(keras_import, "_onnx_bytes", lambda weights: b"network")


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", RELEASED)
def test_the_released_weights_give_what_keras_gives(released, expected, name):
    network = MEAN.of_weights(read_weights(released[name])).eval()
    with torch.no_grad():
        stages = network.stages(torch.from_numpy(expected["x"]))
    outputs = {"spot": (stages.score, stages.spotting_flat), "recog": (stages.probabilities, stages.recognition_flat)}
    close(stages.concat.permute(0, 2, 3, 1), expected[f"{name}__concat"])
    for head, (output, flat) in outputs.items():
        if head in HEADS[name]:
            close(output, expected[f"{name}__{head}"])
            close(flat, expected[f"{name}__{head}_flat"])
        else:
            assert output is None


@pytest.mark.parametrize("name", RELEASED)
def test_the_released_weights_give_the_same_through_onnx(released, expected, name):
    outputs = OnnxNetwork(released[name].network_path).run(expected["x"])
    close(outputs, np.concatenate([expected[f"{name}__{head}"] for head in HEADS[name]], axis=1))


@pytest.mark.parametrize(("name", "size"), [("spot", 3621), ("recog", 5193), ("spot_recog", 8394)])
def test_the_released_weights_have_the_papers_size(released, name, size):
    assert sum(array.size for array in read_weights(released[name]).values()) == size


def test_the_three_files_share_their_layers_bit_for_bit(released):
    spot, recog, both = (read_weights(released[name]) for name in RELEASED)
    assert {name for name in spot if name.startswith("streams.")} == set(spot) & set(recog)
    for part in (spot, recog):
        assert all(np.array_equal(array, both[name]) for name, array in part.items())


def test_two_released_files_make_the_network_of_the_third(released, reference_file, tmp_path):
    files = [reference_file(f"mean_CASME2_s1_{name}.hdf5") for name in ("recog", "spot")]
    joined = import_keras_mean(files, tmp_path / "joined")
    assert joined.network_path.read_bytes() == released["spot_recog"].network_path.read_bytes()
    assert joined.fitted == released["spot_recog"].fitted


def test_the_checkpoint_tells_where_the_weights_come_from(released, reference_file):
    one = released["spot_recog"]
    source = reference_file("mean_CASME2_s1_spot_recog.hdf5").read_bytes()
    assert (one.method, one.kind) == ("mean", "micro")
    assert one.config == {"reading": "code", "roi_layout": "joined"}
    classes = ["disgust", "happiness", "others", "surprise", "repression"]
    assert one.fitted == {"distance_s": 0.1, "half_length_s": 0.17, "classes": classes}
    assert one.origin["corpus"] == "CASME II"
    assert one.origin["held_out_subject"] == "fold 1"
    assert one.origin["source_sha256"] == hashlib.sha256(source).hexdigest()
    assert "classes" not in released["spot"].fitted


@pytest.mark.parametrize(("name", "whole_model"), [("spot", False), ("recog", True), ("spot_recog", False)])
def test_made_up_weights_give_what_plain_numpy_gives(tmp_path, keras_mean, maps, name, whole_model):
    file = keras_mean.only(*HEADS[name]).write(tmp_path / "weights.hdf5", whole_model=whole_model)
    checkpoint = import_keras_mean(file, tmp_path / "mean")
    outputs = OnnxNetwork(checkpoint.network_path).run(maps)
    close(outputs, np.concatenate([keras_mean.output(maps, head) for head in HEADS[name]], axis=1))
    assert checkpoint == read_checkpoint(tmp_path / "mean", method="mean")
    assert checkpoint.origin["corpus"] is None
    assert checkpoint.fitted.get("classes") == (["negative", "positive", "surprise"] if "recog" in name else None)


def test_layers_are_told_by_shape_where_kinds_of_layers_alternate(tmp_path, keras_mean):
    mixed = [f"{kind}_{index}" for index in range(3) for kind in ("conv", "norm")]
    mixed += ["spot_conv", "spot_out", "recog_conv", "recog_out"]
    usual, other = (
        read_keras_mean(keras_mean.write(tmp_path / f"{number}.hdf5", order=order))
        for number, order in enumerate((None, mixed))
    )
    assert usual.keys() == other.keys()
    assert all(np.array_equal(array, other[name]) for name, array in usual.items())


def test_files_with_streams_of_their_own_become_two_networks_apart(tmp_path, keras_mean, maps):
    spot = keras_mean.only("spot").write(tmp_path / "spot.hdf5")
    other = keras_mean.only("recog")
    other.arrays["conv_1"] = tuple(2 * array for array in other.arrays["conv_1"])
    checkpoint = import_keras_mean([spot, other.write(tmp_path / "recog.hdf5")], tmp_path / "mean")
    outputs = OnnxNetwork(checkpoint.network_path).run(maps)
    close(outputs, np.concatenate([keras_mean.output(maps, "spot"), other.output(maps, "recog")], axis=1))
    assert sum(array.size for array in read_weights(checkpoint).values()) == 8028


def test_two_files_with_the_same_head_are_refused(tmp_path, keras_mean):
    files = [keras_mean.only("spot").write(tmp_path / f"{name}.hdf5") for name in "ab"]
    assert "same head" in refused(WeightsError, files, tmp_path / "out")
    with pytest.raises(ValueError, match="same head"):
        merge([read_keras_mean(file) for file in files])


@pytest.mark.parametrize(
    ("name", "corpus", "fold"),
    [
        ("mean_CASME2_s1_recog.hdf5", "CASME2", 1),
        ("MEAN_Weights/CASME_sq/spot_recog/s14.hdf5", "CASME_sq", 14),
        ("SMIC_NIR/spot/s3.h5", "SMIC_NIR", 3),
        ("SAMMLV/other/s3.hdf5", None, 3),
        ("weights.hdf5", None, None),
    ],
)
def test_names_tell_corpus_and_fold(name, corpus, fold):
    named = parse_released_name(Path(name))
    assert (named.corpus, named.fold) == (corpus, fold)


@pytest.mark.parametrize(
    ("corpus", "half_length", "fps"),
    [("CASME2", 34, 200), ("SMIC_HS", 17, 100), ("SMIC_VIS", 4, 25), ("SMIC_NIR", 4, 25), ("CASME_sq", 6, 30),
     ("SAMMLV", 37, 200)],
)  # fmt: skip
@pytest.mark.usefixtures("without_export")
def test_half_lengths_are_those_of_table_1(tmp_path, keras_mean, corpus, half_length, fps):
    file = keras_mean.only("spot").write(tmp_path / f"mean_{corpus}_s2_spot.hdf5")
    fitted = import_keras_mean(file, tmp_path / "out").fitted
    assert round(fitted["half_length_s"] * fps, 9) == half_length


def test_files_of_two_folds_are_refused(tmp_path, keras_mean):
    spot = keras_mean.only("spot").write(tmp_path / "mean_CASME2_s1_spot.hdf5")
    recog = keras_mean.only("recog").write(tmp_path / "mean_CASME2_s2_recog.hdf5")
    assert "one fold" in refused(WeightsError, [spot, recog], tmp_path / "out")


def refused(error_type, *arguments, **settings):
    with pytest.raises(error_type) as caught:
        import_keras_mean(*arguments, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.usefixtures("without_export")
def test_classes_can_be_named_and_must_fit(tmp_path, keras_mean):
    file = keras_mean.write(tmp_path / "weights.hdf5")
    named = import_keras_mean(file, tmp_path / "named", classes=("a", "b", "c"))
    assert named.fitted["classes"] == ["a", "b", "c"]
    assert "it has 3 classes" in refused(SettingsError, file, tmp_path / "out", classes=("a", "b"))
    assert "it has 3 classes" in refused(SettingsError, file, tmp_path / "out", classes=("a", "b", "b"))


def test_classes_that_nobody_names_are_asked_for(tmp_path, keras_mean):
    kernel, bias = keras_mean.arrays["recog_out"]
    keras_mean.arrays["recog_out"] = (np.repeat(kernel, 2, axis=1), np.repeat(bias, 2))
    file = keras_mean.write(tmp_path / "weights.hdf5")
    assert "6 classes are not known" in refused(SettingsError, file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_export")
def test_the_type_can_be_chosen(tmp_path, keras_mean):
    file = keras_mean.write(tmp_path / "weights.hdf5")
    assert import_keras_mean(file, tmp_path / "out", kind="macro").kind == "macro"
    assert "--kind macro or --kind micro" in refused(SettingsError, file, tmp_path / "other", kind="nano")


@pytest.mark.usefixtures("without_export")
def test_an_existing_checkpoint_is_replaced_only_when_asked(tmp_path, keras_mean):
    file = keras_mean.write(tmp_path / "weights.hdf5")
    first = import_keras_mean(file, tmp_path / "out")
    assert "already exists" in refused(OutputError, file, tmp_path / "out")
    assert import_keras_mean(file, tmp_path / "out", overwrite=True).digest == first.digest


def test_weights_of_softnet_are_refused(reference_file, tmp_path):
    file = reference_file("softnet_CASME_sq_macro_s1.hdf5")
    assert "does not belong to MEAN" in refused(WeightsError, file, tmp_path / "out")


@pytest.mark.parametrize("missing", ["conv_0", "norm_2", "spot_conv", "recog_out"])
def test_a_layer_too_few_is_refused(tmp_path, keras_mean, missing):
    del keras_mean.arrays[missing]
    refused(WeightsError, keras_mean.write(tmp_path / "weights.hdf5"), tmp_path / "out")


def test_streams_in_another_order_are_refused(tmp_path, keras_mean):
    arrays = keras_mean.arrays
    arrays["conv_0"], arrays["conv_2"] = arrays["conv_2"], arrays["conv_0"]
    assert "(8, 3, 3) filters" in refused(WeightsError, keras_mean.write(tmp_path / "weights.hdf5"), tmp_path / "out")


@pytest.mark.parametrize("layer", ["conv_1", "norm_0", "recog_conv", "spot_out"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, keras_mean, layer):
    keras_mean.arrays[layer][1][0] = np.nan
    assert "not finite" in refused(WeightsError, keras_mean.write(tmp_path / "weights.hdf5"), tmp_path / "out")


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_file_cut_short_is_one_line(tmp_path, keras_mean, kept):
    file = keras_mean.write(tmp_path / "s1.hdf5")
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    refused(WeightsError, file, tmp_path / "out")
    assert "does not exist" in refused(WeightsError, tmp_path / "absent.hdf5", tmp_path / "out")
    assert "no file is given" in refused(WeightsError, [], tmp_path / "out")


@pytest.mark.parametrize("missing", ["h5py", "onnx", "onnxscript", "torch"])
def test_a_missing_library_is_named_with_the_extra(tmp_path, keras_mean, monkeypatch, missing):
    file = keras_mean.write(tmp_path / "s1.hdf5")
    monkeypatch.setitem(sys.modules, missing, None)
    message = refused(MissingDependencyError, file, tmp_path / "out")
    assert "importing MEAN weights" in message
    assert missing in message
    assert 'pip install "facespot[train]"' in message
