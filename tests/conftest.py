"""What several rooms' tests share: where third-party reference data lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def reference_file():
    """Path of a file of reference data by its name; the test skips where the data is absent."""
    folder = Path(os.environ.get("FACESPOT_REFERENCE", ROOT.parent / "shared" / "reference"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"no reference data: {path} (set FACESPOT_REFERENCE)")
        return path

    return find
