"""What several rooms' tests share: third-party reference data, networks with random weights."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time: a busy machine must not fail an example that is merely slow.
settings.register_profile("facespot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("facespot")

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


@pytest.fixture(scope="session")
def random_checkpoints(tmp_path_factory):
    """Checkpoints of SOFTNet with random weights, one per type."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.softnet.network import MAP_SHAPE, SOFTNet
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx
    from facespot.values import KINDS

    folder = tmp_path_factory.mktemp("checkpoints")
    for seed, kind in enumerate(KINDS):
        network = SOFTNet(torch.Generator().manual_seed(seed))
        weights = {name: value.numpy() for name, value in network.state_dict().items()}
        write_checkpoint(folder / kind, method="softnet", kind=kind, config={}, fitted={}, origin={},
                         onnx_bytes=to_onnx(network, MAP_SHAPE), weights=weights)  # fmt: skip
    return [folder / kind for kind in KINDS]
