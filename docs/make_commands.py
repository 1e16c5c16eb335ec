"""Write docs/commands.md from the command line itself: ``python docs/make_commands.py``."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import typer.main

from facespot.cli.main import app

PAGE = Path(__file__).parent / "commands.md"


def page() -> str:
    """Markdown of every command with its arguments, options and defaults."""
    parts = [
        "# Commands\n",
        "Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 partly done (some videos failed,",
        "all are named), 2 bad input. `python docs/make_commands.py` writes this page.\n",
    ]
    root: Any = typer.main.get_command(app)
    for name, command in walk("facespot", root):
        parts += [f"## {name}\n", description(command) + "\n"]
        rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts += ["| Argument or option | Meaning | Default |", "|---|---|---|", *rows, ""]
    return "\n".join(parts).rstrip() + "\n"


def walk(name: str, command: Any) -> list[tuple[str, Any]]:
    """Every command below this one that does something, with its full name."""
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [found for child, below in command.commands.items() for found in walk(f"{name} {child}", below)]


def description(command: Any) -> str:
    """What the command does, its examples as code."""
    text = inspect.cleandoc(command.help or "")
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("facespot")]
    lines = []
    for paragraph in text.split("\n"):
        start, found, example = paragraph.partition("Example: ")
        lines.append(start if found else paragraph)
        if found:
            examples.append(example)
    body = "\n".join(lines).strip()
    return f"{body}\n\n```text\n" + "\n".join(examples) + "\n```" if examples else body


def row(parameter: Any) -> str:
    """One line of the table."""
    kind = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return f"| `{kind or parameter.name.upper()}` | {parameter.help or ''} | |"
    names = ", ".join(f"`{name}{' ' + kind if kind else ''}`" for name in parameter.opts)
    shown = "" if parameter.default in (None, False) or callable(parameter.default) else f"`{parameter.default}`"
    return f"| {names} | {parameter.help or ''} | {shown} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
