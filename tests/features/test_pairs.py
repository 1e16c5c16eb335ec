"""Images of single pairs of frames: the same as the dense rows where both exist, and gaps where a face is missing."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from facespot.features import FeatureCache, feature_spec
from facespot.features.pairs import extract_pairs
from facespot.video import Selection


@pytest.fixture(scope="module")
def dense():
    """What the tests of the dense rows are made with."""
    spec = importlib.util.spec_from_file_location("dense", Path(__file__).parent / "test_extract.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(video, faces, pairs, spec, folder):
    selection = Selection(np.arange(video.n_frames), 30.0)
    return extract_pairs(video, selection, faces, pairs, spec, cache=FeatureCache(folder), context={}).open()


def test_a_pair_at_the_distance_of_the_rows_is_such_a_row(dense, tmp_path):
    video = dense.MemoryVideo()
    faces = dense.faces_of(video, [0] * 24)
    spec = feature_spec("mean", distance_s=0.2, reading="code", roi_layout="joined")
    (rows,) = dense.run(video, faces, [spec], tmp_path)
    found = run(video, faces, [(3, 9), (10, 16), (0, 17)], spec, tmp_path)
    assert found.pairs.tolist() == [[3, 9], [10, 16], [0, 17]]
    assert found.valid.all()
    np.testing.assert_allclose(found.values[:2], rows.values[[3, 10]], atol=1e-6)
    assert not np.allclose(found.values[2], rows.values[0], atol=0.05)


def test_each_pair_is_cropped_by_the_box_of_its_first_frame(dense, tmp_path):
    video = dense.MemoryVideo()
    spec = feature_spec("mean", distance_s=0.2, reading="code", roi_layout="joined")
    both = run(video, dense.faces_of(video, np.repeat([0, 1], 12), 2), [(10, 14), (14, 20)], spec, tmp_path / "both")
    first = run(video, dense.faces_of(video, [0] * 24), [(10, 14), (14, 20)], spec, tmp_path / "first")
    np.testing.assert_array_equal(both.values[0], first.values[0])
    assert not np.array_equal(both.values[1], first.values[1])


def test_a_pair_without_a_face_is_not_valid(dense, tmp_path):
    video = dense.MemoryVideo()
    reference = np.zeros(24, dtype=int)
    reference[5] = -1
    spec = feature_spec("mean", distance_s=0.2, reading="paper", roi_layout="split")
    found = run(video, dense.faces_of(video, reference), [(5, 8), (2, 5), (2, 8)], spec, tmp_path)
    assert found.valid.tolist() == [False, False, True]
    np.testing.assert_array_equal(np.isnan(found.values).all(axis=(1, 2, 3)), ~found.valid)


def test_a_second_call_reads_no_frame_and_other_pairs_are_another_entry(dense, tmp_path):
    video = dense.MemoryVideo()
    faces = dense.faces_of(video, [0] * 24)
    spec = feature_spec("mean", distance_s=0.2, reading="code", roi_layout="joined")
    before = run(video, faces, [(3, 9)], spec, tmp_path)
    reads = video.reads
    assert reads == 2
    np.testing.assert_array_equal(run(video, faces, [(3, 9)], spec, tmp_path).values, before.values)
    assert video.reads == reads
    run(video, faces, [(3, 8)], spec, tmp_path)
    assert video.reads == reads + 2
    assert run(video, faces, [], spec, tmp_path).values.shape == (0, 42, 42, 3)
