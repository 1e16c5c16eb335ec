"""Weights as tables and text for people, and as a document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from facespot.cli.tables import console_of_stdout
from facespot.methods.registry import METHODS, new_method
from facespot.models import Checkpoint
from facespot.values import KINDS

SCHEMA = "facespot.model/1"
UNKNOWN = "unknown"


def print_list(checkpoints: Mapping[str, Sequence[Checkpoint]], cards: Mapping[str, str | None]) -> None:
    """Methods that come with weights, the first line of their cards, and the methods that do not.

    Parameters
    ----------
    checkpoints : mapping from method to checkpoints
        Those that come with it.
    cards : mapping from method to str or None
        The text of each card.
    """
    console = console_of_stdout()
    if checkpoints:
        table = Table(box=SIMPLE, pad_edge=False)
        for title in ("method", "types", "MB", "trained on", "seed", "licence"):
            table.add_column(title, justify="right" if title in ("MB", "seed") else "left")
        for name, ones in checkpoints.items():
            types = [kind for kind in KINDS if any(kind in types_of(one) for one in ones)]
            megabytes = f"{sum(map(size_of, ones)) / 1e6:.1f}"
            origin = (_distinct(ones, key) for key in ("corpus", "seed", "licence"))
            table.add_row(name, ", ".join(types), megabytes, *map(escape, origin))
        console.print(table)
    else:
        print("This copy of facespot comes with no weights.")
    for line, names in _by_line(cards).items():
        print(f"{', '.join(names)}: {line}")
    for line in _not_shipped(checkpoints):
        print(line)


def types_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Types of expression that a checkpoint spots."""
    fitted = checkpoint.fitted.get("kinds")
    known = fitted if isinstance(fitted, list) else KINDS
    return tuple(kind for kind in KINDS if checkpoint.kind in (kind, None) and kind in known)


def size_of(checkpoint: Checkpoint) -> int:
    """Bytes of a checkpoint folder's files."""
    return sum(path.stat().st_size for path in checkpoint.path.iterdir() if path.is_file())


def model_document(name: str, checkpoints: Sequence[Checkpoint], card: str | None, *, shipped: bool) -> dict[str, Any]:
    """Everything about weights, as ``facespot models show --json`` prints it.

    Parameters
    ----------
    name : str
        As the user gave it.
    checkpoints : sequence of Checkpoint
    card : str or None
        Text of the card.
    shipped : bool
        Whether they come with facespot.
    """
    return {
        "schema": SCHEMA,
        "name": name,
        "shipped": shipped,
        "checkpoints": [
            {
                "folder": str(one.path),
                "method": one.method,
                "types": list(types_of(one)),
                "bytes": size_of(one),
                "sha256": one.digest,
                "settings": dict(one.config),
                "changed_settings": _changed(one),
                "fitted": dict(one.fitted),
                "origin": dict(one.origin),
            }
            for one in checkpoints
        ],
        "card": card,
    }


def print_model(document: Mapping[str, Any]) -> None:
    """The document of weights as text; long lists are counted, not printed."""
    for one in document["checkpoints"]:
        print(f"{one['method']} {', '.join(one['types'])}, {one['bytes'] / 1e6:.1f} MB, {one['folder']}")
        print(f"  sha256 {one['sha256']}")
        print("  settings that differ from the method's defaults:")
        for name, change in one["changed_settings"].items():
            usual = f" (default {change['default']})" if one["method"] in METHODS else ""
            print(f"    {name} = {change['value']}{usual}")
        if not one["changed_settings"]:
            print("    none")
        print("  fitted:")
        for name, value in one["fitted"].items():
            print(f"    {name} = {_short(value)}")
        print("  origin:")
        for name, value in one["origin"].items():
            print(f"    {name} = {UNKNOWN if value is None else value}")
        print()
    if document["card"] is not None:
        print(document["card"], end="")
    elif document["shipped"]:
        print("There is no card with figures of these weights.")


def _changed(checkpoint: Checkpoint) -> dict[str, Any]:
    """Settings that differ from the method's defaults, with those; of a method that is unknown here, all."""
    defaults = new_method(checkpoint.method).config if checkpoint.method in METHODS else None
    pairs = {name: (value, getattr(defaults, name, None)) for name, value in checkpoint.config.items()}
    return {name: {"value": value, "default": usual} for name, (value, usual) in pairs.items() if value != usual}


def _distinct(checkpoints: Sequence[Checkpoint], key: str) -> str:
    values = (UNKNOWN if one.origin[key] is None else str(one.origin[key]) for one in checkpoints)
    return ", ".join(dict.fromkeys(values))


def _by_line(cards: Mapping[str, str | None]) -> dict[str, list[str]]:
    """The methods by the first line of their card: cards of one make begin alike."""
    lines: dict[str, list[str]] = {}
    for name, card in cards.items():
        lines.setdefault("no card with figures" if card is None else card.partition("\n")[0], []).append(name)
    return lines


def _not_shipped(shipped: Mapping[str, Any]) -> list[str]:
    absent = [name for name, entry in METHODS.items() if entry.needs_weights and name not in shipped]
    released = [name for name, entry in METHODS.items() if entry.released_weights]
    without = [name for name, entry in METHODS.items() if not entry.needs_weights]
    lines = [f"without shipped weights: {', '.join(absent)}; 'facespot run' trains them"] if absent else []
    lines += [f"not shipped: the authors' weights of {' and '.join(released)}; 'facespot models import' reads them"]
    return [*lines, f"needs none: {', '.join(without)}"]


def _short(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return f"{len(value)} entries, see --json"
    return value if isinstance(value, str) else json.dumps(value)
