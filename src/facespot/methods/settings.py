"""Overrides of a method's settings, checked name by name and type by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from facespot.errors import SettingsError

Config = TypeVar("Config")


def override(config: Config, changes: Mapping[str, Any]) -> Config:
    """A copy of a config dataclass with some fields changed.

    Text is converted to the type of the field, so that the command line can pass it on as it is; "none" to None where
    the field may be that.

    Raises
    ------
    SettingsError
        If a name is unknown or a value does not fit.
    """
    names = [entry.name for entry in fields(config)]  # type: ignore[arg-type]
    hints = get_type_hints(type(config))
    converted = {}
    for name, value in changes.items():
        if name not in names:
            raise SettingsError(f"setting {name!r}", "it is unknown", f"the settings are {', '.join(names)}")
        converted[name] = _convert(name, value, hints[name])
    return replace(config, **converted)  # type: ignore[type-var]


def _convert(name: str, value: Any, hint: Any) -> Any:
    where = f"setting {name!r}"
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            choices = ", ".join(str(choice) for choice in get_args(hint))
            raise SettingsError(where, f"{value!r} is not a choice", f"choose one of {choices}")
        return value
    if NoneType in get_args(hint):
        (wanted,) = (one for one in get_args(hint) if one is not NoneType)
        return None if value is None or value == "none" else _convert(name, value, wanted)
    if hint is bool:
        known = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
        if isinstance(value, bool) or str(value).lower() not in known:
            if isinstance(value, bool):
                return value
            raise SettingsError(where, f"{value!r} is not true or false", "write true or false")
        return known[str(value).lower()]
    try:
        return hint(value)
    except (TypeError, ValueError):
        kind = {float: "a number", int: "a whole number"}.get(hint, f"a {hint.__name__}")
        raise SettingsError(where, f"{value!r} is not {kind}", f"give {kind}") from None


def check_between(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Raise a `SettingsError` unless ``low <= value <= high`` (NaN never is)."""
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        raise SettingsError(f"setting {name!r}", f"{value} is out of range", f"give {low:g} to {high:g}{unit}")
