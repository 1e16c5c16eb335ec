"""``facespot models import`` of a folder of SOFTNet, and of MEAN's files."""

import shutil
import subprocess
import sys

import pytest


def facespot(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "facespot", *map(str, arguments)], capture_output=True, text=True, cwd=cwd
    )


def refused(done):
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_release_is_imported_and_what_is_no_weight_file_named(reference_file, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    folder = tmp_path / "CASME_sq" / "macro-expression"
    folder.mkdir(parents=True)
    for number in (1, 2):
        shutil.copy(reference_file("softnet_CASME_sq_macro_s1.hdf5"), folder / f"s{number}.hdf5")
    (folder / "s3.hdf5").write_text("no weights")
    done = facespot("models", "import", "softnet", "CASME_sq", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr == (
        "facespot: CASME_sq/macro-expression/s3.hdf5: is not a Keras HDF5 file; give a weight file of the SOFTNet "
        "authors, such as SOFTNet_Weights/CASME_sq/macro-expression/s1.hdf5\n"
    )
    lines = done.stdout.splitlines()
    assert [line.partition(", sha256 ")[0] for line in lines] == [
        f"softnet-CASME_sq/s{number}/macro: softnet macro, fold {number} of CAS(ME)2" for number in (1, 2)
    ]
    assert sorted(path.name for path in (tmp_path / "softnet-CASME_sq").iterdir()) == ["s1", "s2", "weights.json"]
    assert "already exists" in refused(facespot("models", "import", "softnet", "CASME_sq", cwd=tmp_path))
    for number in (2, 3):
        (folder / f"s{number}.hdf5").unlink()
    again = facespot("models", "import", "softnet", "CASME_sq", "--overwrite", "--kind", "macro", cwd=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{lines[0]}\n", "")


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ([], [], "there is no .hdf5 or .h5 file"),
        (["weights.hdf5"], [], "does not tell corpus, type and fold"),
        (["CASME_sq_macro_s1.hdf5", "SAMMLV_macro_s1.hdf5"], [], "choose one with --corpus"),
        (["CASME_sq_macro_s1.hdf5"], ["--corpus", "SAMMLV"], "weights of SOFTNet SAMM-LV"),
        (["CASME_sq_macro_s1.hdf5"], ["--kind", "micro"], "weights of SOFTNet micro"),
        (["CASME_sq_macro_s1.hdf5"], ["--corpus", "casme"], "no weights of 'casme'"),
        (["a/CASME_sq_macro_s1.hdf5", "b/CASME_sq_macro_s1.hdf5"], [], "macro, fold 1"),
        (["CASME_sq_macro_s1.hdf5", "CASME_sq_macro_s2.hdf5"], [], "no file can be imported"),
    ],
)
def test_a_folder_that_cannot_be_imported_ends_in_one_line(tmp_path, names, options, words):
    pytest.importorskip("h5py", reason='needs pip install "facespot[train]"')
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text("no weights")
    assert words in refused(facespot("models", "import", "softnet", "in", *options, cwd=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_two_files_of_mean_become_one_checkpoint(reference_file, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.models import read_checkpoint

    files = [reference_file(f"mean_CASME2_s1_{part}.hdf5") for part in ("spot", "recog")]
    done = facespot("models", "import", "mean", *files, "--out", "both", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    classes = ["disgust", "happiness", "others", "surprise", "repression"]
    assert done.stdout.startswith(f"both: mean micro, emotions {', '.join(classes)}, sha256 ")
    made = read_checkpoint(tmp_path / "both", method="mean")
    assert made.fitted["classes"] == classes
    assert made.origin["corpus"] == "CASME II"


def test_emotions_of_mean_are_named_where_the_file_does_not_tell(reference_file, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    shutil.copy(reference_file("mean_CASME2_s1_spot_recog.hdf5"), tmp_path / "weights.hdf5")
    done = facespot("models", "import", "mean", "weights.hdf5", "--classes", "a, b,c,d,e", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("weights: mean micro, emotions a, b, c, d, e, sha256 ")
    wrong = facespot("models", "import", "mean", "weights.hdf5", "--classes", "a,b", "--out", "wrong", cwd=tmp_path)
    assert "it has 5 classes, not a, b" in refused(wrong)


def test_a_corpus_is_chosen_of_a_folder_only(tmp_path):
    (tmp_path / "s1.hdf5").write_text("no weights")
    done = facespot("models", "import", "softnet", "s1.hdf5", "--corpus", "SAMMLV", cwd=tmp_path)
    assert "leave --corpus out" in refused(done)
