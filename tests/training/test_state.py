"""The file of a training's state: what is written is read, anything else is nobody's."""

import json
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import OutputError  # noqa: E402
from facespot.training.state import SCHEMA, State, read_state, write_state  # noqa: E402


def state(fingerprint="one", best=True):
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.5, 0.9))
    network(torch.randn(5, 3, generator=torch.Generator().manual_seed(1))).sum().backward()
    optimiser.step()
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    history, other = [{"loss": 0.5, "validation_loss": None}], {name: value + 1 for name, value in weights.items()}
    return State(fingerprint, 3, 7, 0.1 + 0.2, history, weights, optimiser.state_dict(), other if best else None)


def same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.dtype == second[name].dtype
        assert torch.equal(value, second[name])


@pytest.mark.parametrize("best", [True, False])
def test_what_is_written_is_read(tmp_path, best):
    written = state(best=best)
    write_state(written, tmp_path / "state")
    found = read_state(tmp_path / "state", "one")
    assert (found.epoch, found.step, found.loss_sum, found.history) == (3, 7, 0.1 + 0.2, written.history)
    same(found.network, written.network)
    if best:
        same(found.best, written.best)
    else:
        assert found.best is None
    assert found.optimiser["state"].keys() == written.optimiser["state"].keys()
    for index, entries in written.optimiser["state"].items():
        same(found.optimiser["state"][index], entries)
    groups = [{**group, "betas": tuple(group["betas"])} for group in found.optimiser["param_groups"]]
    assert groups == written.optimiser["param_groups"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_the_state_of_another_training_is_not_gone_on_with(tmp_path):
    write_state(state("one"), tmp_path / "state")
    assert read_state(tmp_path / "state", "two") is None


def test_no_file_and_files_that_are_none_are_nothing(tmp_path):
    assert read_state(tmp_path / "nowhere", "one") is None
    write_state(state(), tmp_path / "state")
    whole = (tmp_path / "state").read_bytes()
    for number, content in enumerate([b"", whole[:4], whole[:40], whole[:-1], whole[: len(whole) // 2], b"x" * 5000]):
        path = tmp_path / str(number)
        path.write_bytes(content)
        assert read_state(path, "one") is None
    (tmp_path / "folder").mkdir()
    assert read_state(tmp_path / "folder", "one") is None


@pytest.mark.parametrize(
    "metadata",
    [None, {"note": "{"}, {"note": "[]"}, {"note": json.dumps({"schema": "other/1", "fingerprint": "one"})},
     {"note": json.dumps({"schema": SCHEMA, "fingerprint": "one"})},
     {"note": json.dumps({"schema": SCHEMA, "fingerprint": "one", "epoch": 1, "step": 0, "loss_sum": 0.0, "history": [],
                          "optimiser": {}})}],
)  # fmt: skip
def test_a_foreign_file_of_tensors_is_nothing(tmp_path, metadata):
    from safetensors.torch import save

    (tmp_path / "state").write_bytes(save({"a": torch.zeros(1)}, metadata))
    assert read_state(tmp_path / "state", "one") is None


def test_an_old_state_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    write_state(state("one"), tmp_path / "state")
    before = (tmp_path / "state").read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_state(state("two"), tmp_path / "state")
    assert (tmp_path / "state").read_bytes() == before
    assert os.listdir(tmp_path) == ["state"]  # noqa: PTH208
