"""Faces for the tests of the corpus: a fake one that needs no renderer, and the face model where there is one."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Worker processes import the fake face by its name.
sys.path.insert(0, str(HERE))


@pytest.fixture
def fake_face():
    from fake_face import FakeFace

    return FakeFace()


@pytest.fixture(scope="session")
def face_model_path():
    """Path of the packed face model; the test is skipped where there is none."""
    default = HERE.parents[2] / "shared" / "face_model" / "ict_facekit.npz"
    path = Path(os.environ.get("FACESPOT_FACE_MODEL", default))
    if not path.is_file():
        pytest.skip(f"no face model at {path} (set FACESPOT_FACE_MODEL)")
    return path
