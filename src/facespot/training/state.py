"""Where a training stands, in one file that is whole or not there; safetensors with a JSON note, nothing is unpickled.

Needs PyTorch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facespot.errors import OutputError

SCHEMA = "facespot.training/1"


@dataclass(frozen=True, eq=False)
class State:
    """Everything that the next step depends on.

    Parameters
    ----------
    fingerprint : str
        What is trained on what and how; a state of another training is not gone on with.
    epoch, step : int
        The next step to take; `step` counts batches within the epoch.
    loss_sum : float
        Sum of the losses of this epoch's samples so far.
    history : list of dict
        Figures of the finished epochs.
    network : mapping of str to Tensor
        ``state_dict`` of the network.
    optimiser : dict
        ``state_dict`` of the optimiser.
    best : mapping of str to Tensor, optional
        Network of the best epoch so far, where training stops early.
    """

    fingerprint: str
    epoch: int
    step: int
    loss_sum: float
    history: list[dict[str, Any]]
    network: Mapping[str, Tensor]
    optimiser: Mapping[str, Any]
    best: Mapping[str, Tensor] | None = None


def write_state(state: State, path: Path) -> None:
    """Write a state under a temporary name, then rename it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from safetensors.torch import save

    tensors = {f"network/{name}": value for name, value in state.network.items()}
    tensors |= {f"best/{name}": value for name, value in (state.best or {}).items()}
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in state.optimiser["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser/{index}/{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    note = {
        "schema": SCHEMA,
        "fingerprint": state.fingerprint,
        "epoch": state.epoch,
        "step": state.step,
        "loss_sum": state.loss_sum,
        "history": state.history,
        "optimiser": {"numbers": numbers, "groups": state.optimiser["param_groups"]},
    }
    content = save({name: value.contiguous() for name, value in tensors.items()}, {"note": json.dumps(note)})
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(str(path), f"it cannot be written ({reason})", "free some space, then resume") from error
    finally:
        unfinished.unlink(missing_ok=True)


def read_state(path: Path, fingerprint: str) -> State | None:
    """A state, or None where there is none, where it is damaged, or where it belongs to another training."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as content:
            note = json.loads((content.metadata() or {}).get("note", "null"))
            if not isinstance(note, dict) or (note.get("schema"), note.get("fingerprint")) != (SCHEMA, fingerprint):
                return None
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
        return _parsed(note, tensors)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        return None


def _parsed(note: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> State:
    entries: dict[int, dict[str, Any]] = {
        int(index): dict(values) for index, values in note["optimiser"]["numbers"].items()
    }
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        if part == "optimiser":
            index, _, key = rest.partition("/")
            entries.setdefault(int(index), {})[key] = value
    best = _part(tensors, "best")
    return State(
        note["fingerprint"],
        note["epoch"],
        note["step"],
        note["loss_sum"],
        note["history"],
        _part(tensors, "network"),
        {"state": entries, "param_groups": note["optimiser"]["groups"]},
        best or None,
    )


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, torch.Tensor]:
    prefix = f"{part}/"
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
