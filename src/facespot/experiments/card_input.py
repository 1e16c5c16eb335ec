"""What a card is made of: ``facts.toml`` and the figures of a bench, read, checked, and of these very weights."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from facespot.errors import FormatError
from facespot.experiments.bench.document import SCHEMA
from facespot.methods import Method
from facespot.values import KINDS

FACTS: Mapping[str, type] = {
    "name": str, "what": str, "training_data": str, "command": str, "seed": int, "licence": str, "limits": list,
}  # fmt: skip
ROUNDING = 1e-6
"""Numbers of a bench document have six digits behind the point."""
_DOCUMENT: Mapping[str, type] = {
    "method": str, "preset": str, "facespot": str, "weights_sha256": list, "conditions": list,
}  # fmt: skip
_DEPTHS: Mapping[str, int] = {
    "videos": 0, "subjects": 0, "minutes": 0, **dict.fromkeys(map(str, KINDS), 1), "median_error_s": 2,
    "false_alarms_per_minute": 2, "action_units": 2, "emotion": 3,
}  # fmt: skip
"""How many mappings lie around the numbers of a condition."""


def read_facts(path: Path, seeds: Sequence[int] = ()) -> Mapping[str, Any]:
    """Read a ``facts.toml``; what it leaves out, the card calls missing.

    Parameters
    ----------
    path : Path
    seeds : sequence of int
        Those that the weights themselves tell.

    Raises
    ------
    FormatError
        If the file cannot be read, a key is unknown or has another type, or the seed is not that of the weights.
    """
    remedy = f"write a TOML file with the keys {', '.join(FACTS)}"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(str(path), f"it cannot be read ({_reason(error)})", remedy) from None
    for name, value in facts.items():
        if name not in FACTS:
            raise FormatError(str(path), f"the key {name!r} is unknown", remedy)
        texts = value if isinstance(value, list) else ()
        if type(value) is not FACTS[name] or not all(isinstance(one, str) for one in texts):
            wanted = {str: "a text", int: "a whole number", list: "a list of texts"}[FACTS[name]]
            raise FormatError(str(path), f"{name!r} is not {wanted}", remedy)
    if "seed" in facts and set(seeds) - {facts["seed"]}:
        known = ", ".join(map(str, sorted(set(seeds))))
        raise FormatError(str(path), f"the seed is {facts['seed']}, that of the weights {known}", "correct it")
    return facts


def read_figures(path: Path, method: Method) -> Mapping[str, Any]:
    """Read what ``facespot bench`` wrote of a method.

    Parameters
    ----------
    path : Path
    method : Method
        With the weights and settings that the figures must be of.

    Raises
    ------
    FormatError
        If the file cannot be read, is no such document, or is of another method, other weights or settings.
    """
    remedy = "give the JSON file that 'facespot bench' wrote"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(str(path), f"it cannot be read ({_reason(error)})", remedy) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise FormatError(str(path), f"it has the schema {schema!r}, not {SCHEMA!r}", remedy)
    for wrong in _wrong_values(found):
        raise FormatError(str(path), f"{wrong} is missing or not what is expected", remedy)
    for what in _of_something_else(found, method):
        raise FormatError(str(path), f"the figures are of {what}", f"measure {method.name!r} as it is shipped")
    figures: Mapping[str, Any] = found
    return figures


def _wrong_values(found: Mapping[str, Any]) -> Iterator[str]:
    """Names of the values of a bench document that cannot be used."""
    for name, kind in _DOCUMENT.items():
        if not isinstance(found.get(name), kind) or not found[name]:
            yield repr(name)
            return
    for number, one in enumerate(found["conditions"], start=1):
        if not isinstance(one, dict):
            yield f"condition {number}"
            return
        texts = [name for name in ("name", "title", "group") if not isinstance(one.get(name), str)]
        numbers = [name for name, depth in _DEPTHS.items() if not _holds_numbers(one.get(name), depth)]
        yield from (f"{name!r} of condition {number}" for name in (*texts, *numbers))


def _holds_numbers(value: object, depth: int) -> bool:
    """Whether there are finite numbers below so many mappings; anything may be null, and lists are not looked into."""
    if value is None:
        return True
    if depth:
        return isinstance(value, dict) and all(_holds_numbers(one, depth - 1) for one in value.values())
    return isinstance(value, list | dict) or (isinstance(value, int | float) and math.isfinite(value))


def _of_something_else(found: Mapping[str, Any], method: Method) -> Iterator[str]:
    """In what the figures differ from the method."""
    if found["method"] != method.name:
        yield f"the method {found['method']!r}"
    own, measured = [one["sha256"] for one in method.weights_used()], found["weights_sha256"]
    # Those of a recognizer stand behind.
    if measured[: len(own)] != own or (len(measured) > len(own) and not found.get("recognize")):
        yield "other weights"
    # Through JSON, so that tuples are lists on both sides.
    settings = json.loads(json.dumps(asdict(method.config)))
    for name, value in found.get("settings", {}).items():
        if not _same(settings.get(name), value):
            yield f"the setting {name}={value}, which is {settings.get(name)}"


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= ROUNDING
    return one == other


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
