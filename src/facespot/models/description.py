"""``method.json``: what a checkpoint is, how it was made, and the hashes of its two binary files.

::

    {
      "schema": "facespot.checkpoint/1",
      "method": "softnet",
      "kind": "macro",                      "macro", "micro", or null where one network does both
      "config": {"reading": "code"},        settings that differ from the method's defaults
      "fitted": {"distance_s": 0.6},        what fit learned besides the network
      "origin": {"corpus": ..., ...},       see ORIGIN_FIELDS; null where unknown
      "network_sha256": "...",
      "weights_sha256": "..."
    }
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facespot.errors import WeightsError
from facespot.values import KINDS, Kind, Setting

SCHEMA = "facespot.checkpoint/1"
ORIGIN_FIELDS: Mapping[str, type] = {
    "corpus": str,
    "held_out_subject": str,
    "licence": str,
    "source_file": str,
    "source_sha256": str,
    "seed": int,
    "facespot_version": str,
}
_FIELDS = ("schema", "method", "kind", "config", "fitted", "origin", "network_sha256", "weights_sha256")
_REMEDY = "import or train the weights again with this version of facespot"


@dataclass(frozen=True)
class Description:
    """The content of one ``method.json``, checked.

    Parameters
    ----------
    method : str
        Name of the method that the weights belong to.
    kind : {"macro", "micro"} or None
        Type of expression that the network spots; None where one network serves both.
    config : mapping of str to str, int, float, bool or None
        Settings of the method that the weights need.
    fitted : mapping of str to JSON value
        What fit learned besides the network.
    origin : mapping of str to str, int or None
        Every key of ``ORIGIN_FIELDS``; None where unknown.
    network_sha256, weights_sha256 : str
        SHA-256 of ``network.onnx`` and ``weights.safetensors``, hexadecimal.
    """

    method: str
    kind: Kind | None
    config: Mapping[str, Setting]
    fitted: Mapping[str, Any]
    origin: Mapping[str, str | int | None]
    network_sha256: str
    weights_sha256: str

    def to_bytes(self) -> bytes:
        """Write as UTF-8 JSON, keys sorted, the same bytes for the same description."""
        content = {
            "schema": SCHEMA,
            "method": self.method,
            "kind": self.kind,
            "config": dict(self.config),
            "fitted": dict(self.fitted),
            "origin": dict(self.origin),
            "network_sha256": self.network_sha256,
            "weights_sha256": self.weights_sha256,
        }
        return (json.dumps(content, sort_keys=True, indent=2, allow_nan=False) + "\n").encode()


def parse_description(content: bytes, where: str) -> Description:
    """Read and check the content of a ``method.json``.

    Parameters
    ----------
    content : bytes
        What the file holds.
    where : str
        Name of the file, for the message.

    Raises
    ------
    WeightsError
        Not JSON, another schema, a missing or unknown key, or a value of the wrong type.
    """
    try:
        found = json.loads(content.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise WeightsError(where, f"is not readable JSON ({error})", _REMEDY) from None
    if not isinstance(found, dict):
        raise WeightsError(where, "holds no JSON object", _REMEDY)
    schema = found.get("schema")
    if schema != SCHEMA:
        raise WeightsError(where, f"has the schema {schema!r}, not {SCHEMA!r}", _REMEDY)
    _check_keys(found, _FIELDS, where, "")
    _check_values(found, where)
    return Description(**{name: found[name] for name in _FIELDS if name != "schema"})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is out of range")
    return number


def _check_keys(found: Mapping[str, Any], expected: tuple[str, ...], where: str, inside: str) -> None:
    for name in expected:
        if name not in found:
            raise WeightsError(where, f"lacks the key '{inside}{name}'", _REMEDY)
    for name in found:
        if name not in expected:
            raise WeightsError(where, f"has the unknown key '{inside}{name}'", _REMEDY)


def _check_values(found: Mapping[str, Any], where: str) -> None:
    if not isinstance(found["method"], str) or not found["method"]:
        raise _wrong_value(where, "method", "the name of a method", found["method"])
    if found["kind"] is not None and found["kind"] not in KINDS:
        raise _wrong_value(where, "kind", '"macro", "micro" or null', found["kind"])
    for name in ("config", "fitted", "origin"):
        if not isinstance(found[name], dict):
            raise _wrong_value(where, name, "an object", found[name])
    for name, value in found["config"].items():
        if not (value is None or isinstance(value, str | bool | int | float)):
            raise _wrong_value(where, f"config.{name}", "a text, number, boolean or null", value)
    _check_keys(found["origin"], tuple(ORIGIN_FIELDS), where, "origin.")
    for name, expected in ORIGIN_FIELDS.items():
        value = found["origin"][name]
        if value is not None and type(value) is not expected:
            expectation = "a whole number or null" if expected is int else "a text or null"
            raise _wrong_value(where, f"origin.{name}", expectation, value)
    for name in ("network_sha256", "weights_sha256"):
        if not isinstance(found[name], str) or not re.fullmatch("[0-9a-f]{64}", found[name]):
            raise _wrong_value(where, name, "64 hexadecimal digits", found[name])


def _wrong_value(where: str, name: str, expected: str, value: object) -> WeightsError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."
    return WeightsError(where, f"'{name}' must be {expected}, not {shown}", _REMEDY)
