import json

import numpy as np
import pytest

from facespot.errors import FormatError, OutputError
from facespot.synth.face_model import LANDMARKS, PARTS, load_face_model, pack_model

N_VERTICES, N_POLYGONS = PARTS[-1][1], PARTS[-1][2]


@pytest.fixture(scope="module")
def vertices():
    return np.random.default_rng(0).normal(0, 8, (N_VERTICES, 3)).round(5)


def write_obj(path, vertices, polygons=()):
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    path.write_text("\n".join([*lines, *polygons]) + "\n")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, vertices):
    """A model of random points, in the upstream layout: as many vertices and polygons, all of them the same quad."""
    folder = tmp_path_factory.mktemp("ICT-FaceKit") / "FaceXModel"
    folder.mkdir()
    quad = ["vt 0.1 0.2", "vt 0.9 0.2", "vt 0.9 0.8", "vt 0.1 0.8", "usemtl M_Face"]
    quad += [f"f {k + 1}/1/1 {k + 2}/2/1 {k + 3}/3/1 {k + 4}/4/1" for k in range(N_POLYGONS - 1)]
    quad += ["usemtl M_IrisLeft", "f 5/1 6/2 7/3"]
    write_obj(folder / "generic_neutral_mesh.obj", vertices, quad)
    for number in range(2):
        write_obj(folder / f"identity{number:03d}.obj", vertices + 0.25 * (number + 1))
    for name in ("jawOpen", "mouthClose"):
        write_obj(folder / f"{name}.obj", vertices - 0.5)
    return folder


def test_checkout_is_read(checkout, vertices):
    model = load_face_model(checkout.parent)
    np.testing.assert_allclose(model.neutral, vertices, atol=1e-5)
    np.testing.assert_allclose(
        model.identity_delta.astype(float), [[[0.25] * 3] * N_VERTICES, [[0.5] * 3] * N_VERTICES]
    )
    assert set(model.expression_delta) == {"jawOpen", "mouthClose"}
    np.testing.assert_allclose(model.expression_delta["jawOpen"], -0.5, atol=1e-3)
    # Each quad becomes two triangles that fan out from its first corner.
    assert model.faces[:2].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert model.faces_uv[:2].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert len(model.faces) == 2 * (N_POLYGONS - 1) + 1
    assert model.face_is_iris.sum() == 1
    assert model.triangles("face").sum() == 2 * 9230
    assert model.part_names[model.face_part[-1]] == "eyelashes_right"
    assert model.landmarks.tolist() == list(LANDMARKS)


def test_identity_is_linear(checkout):
    model = load_face_model(checkout)
    both = model.identity(np.array([1.0, -2.0], np.float32)) - model.neutral
    np.testing.assert_allclose(both, 0.25 - 2 * 0.5, atol=1e-4)


def test_packed_model_is_the_same(checkout, tmp_path):
    pack_model(checkout, tmp_path / "model.npz")
    folder, packed = load_face_model(checkout), load_face_model(tmp_path / "model.npz")
    for name in ("neutral", "identity_delta", "faces", "faces_uv", "uv", "face_part", "face_is_iris", "landmarks"):
        np.testing.assert_array_equal(getattr(folder, name), getattr(packed, name))
    for name, delta in folder.expression_delta.items():
        np.testing.assert_array_equal(packed.expression_delta[name], delta)
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_public_model_has_the_published_layout(face_model_path):
    face_model = load_face_model(face_model_path)
    assert len(face_model.neutral) == N_VERTICES
    assert tuple(face_model.part_names) == tuple(name for name, _, _ in PARTS)
    assert face_model.landmarks.tolist() == list(LANDMARKS)
    assert {"jawOpen", "mouthSmile_L", "browInnerUp_R"} <= set(face_model.expression_delta)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "generic_neutral_mesh.obj").unlink(), "this file of the face model is missing"),
        (lambda folder: [path.unlink() for path in folder.glob("identity*.obj")], "no identity shapes"),
        (lambda folder: (folder / "jawOpen.obj").write_text("v 1 2 3\n"), "it has 1 vertices where"),
        (lambda folder: (folder / "jawOpen.obj").write_text("v 1 2 x\n"), "a vertex cannot be read"),
        (lambda folder: (folder / "jawOpen.obj").write_bytes(b"\xff\xfe\x00"), "cannot be read as an OBJ file"),
        (lambda folder: (folder / "identity000.obj").write_text("v 1 nan 3\n"), "some are no numbers"),
    ],
)
def test_damaged_checkout(checkout, tmp_path, harm, message):
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    for path in checkout.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    harm(folder)
    with pytest.raises(FormatError, match=message) as raised:
        load_face_model(folder)
    assert "\n" not in str(raised.value)
    with pytest.raises(FormatError):
        pack_model(folder, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_damaged_package(tmp_path, content):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="not a packed face model"):
        load_face_model(path)


def test_package_with_a_part_missing_or_cut(checkout, tmp_path):
    pack_model(checkout, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as data:
        arrays = dict(data)
    np.savez(tmp_path / "less.npz", **{name: array for name, array in arrays.items() if name != "uv"})
    with pytest.raises(FormatError, match="lacks the array 'uv'"):
        load_face_model(tmp_path / "less.npz")
    np.savez(tmp_path / "cut.npz", **{**arrays, "neutral": arrays["neutral"][:-1]})
    with pytest.raises(FormatError, match="does not fit the others"):
        load_face_model(tmp_path / "cut.npz")
    whole = (tmp_path / "model.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="damaged"):
        load_face_model(tmp_path / "short.npz")


def test_nothing_there(tmp_path):
    with pytest.raises(FormatError, match="there is no face model here"):
        load_face_model(tmp_path / "absent.npz")
    with pytest.raises(FormatError, match="no such folder"):
        pack_model(tmp_path / "absent", tmp_path / "out.npz")


def test_an_array_that_is_no_archive(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(FormatError, match="not a packed face model"):
        load_face_model(tmp_path / "one.npy")
    (tmp_path / "text.npz").write_text(json.dumps({}))
    with pytest.raises(FormatError):
        load_face_model(tmp_path / "text.npz")


def test_unwritable_target(checkout, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        pack_model(checkout, tmp_path / "no_folder" / "model.npz")
