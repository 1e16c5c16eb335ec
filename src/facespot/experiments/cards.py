"""The card of weights: what they are, what they learned from, what they can do and what they cannot, as Markdown.

What the card says in words comes from ``facts.toml`` beside the checkpoint folders; every figure comes from the
document that ``facespot bench`` writes, and none is typed in.

::

    name = "SOFTNet"
    what = "..."             what the network is, in a few sentences
    training_data = "..."    what it was trained on
    command = "..."          how
    seed = 1
    licence = "..."          of the weights
    limits = ["...", "..."]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from facespot.methods.registry import METHODS
from facespot.values import KINDS

FIRST_LINE = "All figures on this card are of synthetic videos, not of people."
GROUPS = ("frame rate", "resolution", "compression", "noise", "skin tone", "head motion", "generator")
"""Every card has a table of these conditions, or says that there is none."""
UNDISTURBED = "clean"
MISSING = "missing"
NONE = "-"
POINTS = ("onset", "apex", "offset")
_OF_QUALITY = {"resolution": r"\d+px", "compression": r"crf\d+|mpeg4|twice", "noise": r"noise\d+"}
"""Conditions by name that the bench has in one group."""
_TITLES = {"quality": "By other qualities of the picture", "calm": "Without any expression"}


def render_card(facts: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """The text of ``card.md``.

    Parameters
    ----------
    facts : mapping
        As `facespot.experiments.card_input.read_facts` gives it.
    figures : mapping
        As `facespot.experiments.card_input.read_figures` gives it.

    Returns
    -------
    str
        Markdown. Its first line says that the figures are of synthetic videos. What facts or figures lack is said to
        be missing.
    """
    limits = "\n".join(f"- {one}" for one in facts.get("limits", ()))
    parts = [
        FIRST_LINE,
        f"# {facts.get('name', figures['method'])}",
        facts.get("what", _missing("what it is")),
        "## Training",
        _training(facts, figures),
        "## Limits",
        limits or _missing("the limits"),
        "## Figures",
        _how_measured(figures),
        *_spotting(figures),
        *_emotions(figures),
        *_action_units(figures["conditions"]),
    ]
    return "\n\n".join(parts) + "\n"


def _training(facts: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    command = f"`{facts['command']}`" if "command" in facts else MISSING
    digests = ", ".join(f"`{digest}`" for digest in figures["weights_sha256"])
    lines = {
        "Data": facts.get("training_data", MISSING),
        "Command": command,
        "Seed": facts.get("seed", MISSING),
        "Licence of the weights": facts.get("licence", MISSING),
        "SHA-256 of the weights": digests,
    }
    return "\n".join(f"- {title}: {text}" for title, text in lines.items())


def _how_measured(figures: Mapping[str, Any]) -> str:
    named = f" Emotions are named by `{figures['recognize']}`." if figures.get("recognize") else ""
    return (
        f"Measured by `facespot bench` of facespot {figures['facespot']} on the preset `{figures['preset']}`.{named}\n"
        "\n"
        f"- Rule: {figures.get('rule', MISSING)}\n"
        f"- Intervals, in brackets: {figures.get('intervals', MISSING)}\n"
        "- Errors of onset, apex and offset are medians, in seconds.\n"
        f"- A dash ({NONE}) means that there is no such figure."
    )


def _spotting(figures: Mapping[str, Any]) -> Iterator[str]:
    """One table per group, each headed by the undisturbed videos, then what was counted under all conditions."""
    conditions = figures["conditions"]
    clean = [one for one in conditions if one["name"] == UNDISTURBED]
    yield "### Undisturbed"
    yield _results(clean) if clean else _missing("figures of undisturbed videos")
    groups: dict[str, list[Mapping[str, Any]]] = {group: [] for group in GROUPS}
    for one in conditions:
        if one["name"] != UNDISTURBED:
            groups.setdefault(_group(one), []).append(one)
    for group, members in groups.items():
        yield f"### {_TITLES.get(group, f'By {group}')}"
        yield _results([*clean, *members]) if members else _missing(f"figures by {group}")
        yield from (_difference(one) for one in figures.get("differences", ()) if one["group"] == group)
    yield "### What was counted"
    yield _counts(conditions)


def _group(condition: Mapping[str, Any]) -> str:
    for group, names in _OF_QUALITY.items():
        if re.fullmatch(names, condition["name"]):
            return group
    return str(condition["group"])


def _results(conditions: Sequence[Mapping[str, Any]]) -> str:
    header = ["Condition", "Macro F1", "Micro F1", "Macro: onset, apex, offset", "Micro: onset, apex, offset",
              "False alarms a minute"]  # fmt: skip
    rows = [
        [
            one["title"],
            *(_with_interval(one.get(kind), "f1") for kind in KINDS),
            *(_several(_part(one, "median_error_s", kind), POINTS, 3) for kind in KINDS),
            _with_interval(_part(one, "false_alarms_per_minute", "all"), "rate"),
        ]
        for one in conditions
    ]
    return _table(header, rows)


def _difference(difference: Mapping[str, Any]) -> str:
    texts = []
    for kind in KINDS:
        spread = difference.get(kind) or {}
        texts.append(f"{kind} {_number(spread.get('spread'), 2)} (p = {_number(spread.get('p'), 3)})")
    return f"Largest difference in F1 between these groups: {', '.join(texts)}."


def _counts(conditions: Sequence[Mapping[str, Any]]) -> str:
    header = ["Condition", "Videos", "Failed", "People", "Minutes"]
    for kind in KINDS:
        header += [f"{kind.capitalize()} TP, FP, FN", "precision", "recall"]
    rows = []
    for one in conditions:
        failed = None if one.get("failed") is None else len(one["failed"])
        cells = [_number(value, 0) for value in (one.get("videos"), failed, one.get("subjects"))]
        cells = [one["title"], *cells, _number(one.get("minutes"), 1)]
        for kind in KINDS:
            part = one.get(kind) or {}
            cells.append(_several(part, ("tp", "fp", "fn"), 0))
            cells += [_number(part.get(name), 2) for name in ("precision", "recall")]
        rows.append(cells)
    return _table(header, rows)


def _emotions(figures: Mapping[str, Any]) -> list[str]:
    rows = []
    for one in figures["conditions"]:
        for kind, tables in (one.get("emotion") or {}).items():
            for naming in (tables or {}).values():
                classes = ", ".join(naming.get("classes", ()))
                counts = (_number(naming.get(name), 0) for name in ("samples", "uncertain"))
                uf1 = _with_interval(naming, "uf1")
                rows.append([one["title"], kind, classes, *counts, uf1, _number(naming.get("uar"), 2)])
    if rows:
        return ["## Emotions", _table(["Condition", "Type", "Classes", "Named", "Uncertain", "UF1", "UAR"], rows)]
    entry = METHODS.get(figures["method"])
    return ["## Emotions", _missing("figures of the emotions")] if entry and entry.names_emotions else []


def _action_units(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [one["title"], kind, _number(units.get("samples"), 0),
         *(_number(units.get(name), 2) for name in ("f1", "precision", "recall"))]
        for one in conditions
        for kind, units in (one.get("action_units") or {}).items()
        if units
    ]  # fmt: skip
    header = ["Condition", "Type", "Expressions", "F1", "precision", "recall"]
    return ["## Action units", _table(header, rows)] if rows else []


def _part(condition: Mapping[str, Any], name: str, kind: str) -> Mapping[str, Any] | None:
    part: Mapping[str, Any] | None = (condition.get(name) or {}).get(kind)
    return part


def _with_interval(part: Mapping[str, Any] | None, name: str) -> str:
    if not part or part.get(name) is None:
        return NONE
    low, high = part.get("low"), part.get("high")
    interval = "interval missing" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    return f"{part[name]:.2f} ({interval})"


def _several(part: Mapping[str, Any] | None, names: Sequence[str], digits: int) -> str:
    return ", ".join(_number(part.get(name), digits) for name in names) if part else NONE


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads as plain text."""
    texts = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    first, *others = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in texts]
    return "\n".join([first, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *others])


def _missing(what: str) -> str:
    return f"{MISSING.capitalize()}: {what}."
