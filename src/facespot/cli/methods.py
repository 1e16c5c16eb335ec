"""``facespot methods``: what can spot, and with which settings."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

methods_app = typer.Typer(name="methods", help="List the spotting methods and their settings.", no_args_is_help=True)


@methods_app.command("list")
def list_command() -> None:
    """List the methods.

    Example: facespot methods list
    """
    from facespot.methods.registry import METHODS
    from facespot.models import shipped_methods

    shipped = shipped_methods()
    for name, entry in METHODS.items():
        weights = "; weights come with facespot" if name in shipped else "; needs --weights"
        print(f"{name:10} {entry.summary}{weights if entry.needs_weights else ''}")


@methods_app.command("show", no_args_is_help=True)
def show_command(name: Annotated[str, typer.Argument(help="Name of a method.")]) -> None:
    """Show a method's source and its settings with their defaults.

    Example: facespot methods show strain
    """
    from facespot.methods.registry import method_entry

    entry = method_entry(name)
    module, _, attribute = entry.path.partition(":")
    method: Any = getattr(import_module(module), attribute)
    config: Any = method.default_config()
    print(f"{name}: {entry.summary}\n{method.citation}\n\nSettings (--set NAME=VALUE):")
    for field in fields(config):
        print(f"  {field.name} = {getattr(config, field.name)}")
    for described in type(config).__mro__:
        if is_dataclass(described):
            print(f"\n{inspect.cleandoc(described.__doc__ or '')}")
