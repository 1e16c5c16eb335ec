"""The figures of a bench for people: one Markdown page, and short tables of targets and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from facespot.experiments.bench.conditions import CALM
from facespot.metrics.figures import OVERALL
from facespot.values import KINDS

Row = Sequence[str]
NONE = "-"
DIFFERENCE_HEAD = ("Property", "Type", "Best group", "Worst group", "Spread", "p")


def bench_page(document: Mapping[str, Any]) -> str:
    """Markdown of a document of `facespot.experiments.bench.document.bench_document`."""
    weights = ", ".join(f"`{one}`" for one in document["weights_sha256"]) or "none"
    parts = [
        document["limits"],
        f"# {document['method']} on {document['preset']}",
        f"facespot {document['facespot']}. Weights (SHA-256): {weights}. Rule: {document['rule']}. Brackets: "
        f"{document['intervals']}. A dash: there is no such figure.",
    ]
    if document["targets"]:
        parts += ["## Targets", table(*targets_table(document))]
    groups = dict.fromkeys(one["group"] for one in document["conditions"])
    for group in groups:
        members = [one for one in document["conditions"] if one["group"] == group]
        parts += [f"## By {group}" if group != CALM else "## Without any expression", *_group(group, members)]
    if document["differences"]:
        parts += ["## Differences between groups of people", table(DIFFERENCE_HEAD, differences_rows(document))]
        parts += ["p: share of the exchanges of people between the groups after which F1 spreads as much."]
    for title, rows in (
        ("## Emotions of the hits", _emotions(document)),
        ("## Action units of the hits", _units(document)),
    ):
        if rows:
            parts += [title, table(rows[0], rows[1:])]
    parts += _quality(document)
    return "\n\n".join(parts) + "\n"


def targets_table(document: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """Titles and rows: what is wanted, the bound, ours, and whether it is reached."""
    words = {True: "yes", False: "no", None: NONE}
    rows: list[Row] = [
        [
            one["text"],
            f"<= {one['at_most']:g}" if "at_most" in one else f">= {one['at_least']:g}",
            _interval(one, "ours"),
            words[one["met"]],
        ]
        for one in document["targets"]
    ]
    return ("Target", "Wanted", "Ours", "Reached"), rows


def conditions_table(document: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """Titles and rows: F1 of each condition by type, and the false alarms per minute."""
    rows: list[Row] = [
        [
            one["name"],
            *(_interval(one[kind] or {}, "f1") for kind in KINDS),
            _interval(one["false_alarms_per_minute"]["all"], "rate"),
            str(one["unreliable_videos"]),
        ]
        for one in document["conditions"]
    ]
    return ("Condition", "Macro F1", "Micro F1", "False alarms a minute", "Unreliable"), rows


def differences_rows(document: Mapping[str, Any]) -> list[Row]:
    """One row per property and type."""
    return [
        [one["group"], kind, *(_number(one[kind][name]) for name in ("largest", "smallest", "spread", "p"))]
        for one in document["differences"]
        for kind in (*KINDS, OVERALL)
        if kind in one
    ]


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _group(group: str, members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was found, how exact it is and how often it is wrong, for the conditions of one group."""
    if group != CALM:
        for kind in KINDS:
            rows = [
                [
                    one["title"],
                    *(str(one[kind][name]) for name in ("tp", "fp", "fn")),
                    _interval(one[kind], "f1"),
                    *(_number(one[kind][name]) for name in ("precision", "recall", "average_precision")),
                    *(_number((one["median_error_s"][kind] or {}).get(point)) for point in ("onset", "apex", "offset")),
                ]
                for one in members
                if one[kind] is not None
            ]
            head = [kind, "TP", "FP", "FN", "F1", "Precision", "Recall", "AP", "Onset, s", "Apex, s", "Offset, s"]
            if rows:
                yield table(head, rows)
    rows = [
        [
            one["title"],
            str(one["videos"]),
            f"{one['minutes']:.1f}",
            *(_interval(one["false_alarms_per_minute"][name] or {}, "rate") for name in (*KINDS, "all")),
        ]
        for one in members
    ]
    yield table(["False alarms per minute", "Videos", "Minutes", "Macro", "Micro", "All"], rows)


def _emotions(document: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [
        [
            "Condition",
            "Type",
            "Classes",
            "Samples",
            "Uncertain",
            "UF1",
            "UAR",
            "UF1 of the certain",
            "UAR of the certain",
        ]
    ]
    for one in document["conditions"]:
        for kind, by_table in (one["emotion"] or {}).items():
            for found in by_table.values():
                rows.append(
                    [
                        one["name"],
                        kind,
                        str(len(found["classes"])),
                        str(found["samples"]),
                        str(found["uncertain"]),
                        _interval(found, "uf1"),
                        *(_number(found[name]) for name in ("uar", "uf1_of_certain", "uar_of_certain")),
                    ]
                )
    return rows if len(rows) > 1 else []


def _units(document: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [["Condition", "Type", "Samples", "F1", "Precision", "Recall"]]
    for one in document["conditions"]:
        for kind, found in (one["action_units"] or {}).items():
            rows.append(
                [
                    one["name"],
                    kind,
                    str(found["samples"]),
                    *(_number(found[name]) for name in ("f1", "precision", "recall")),
                ]
            )
    return rows if len(rows) > 1 else []


def _quality(document: Mapping[str, Any]) -> list[str]:
    """Videos that were marked as unreliable or could not be spotted."""
    rows = [
        [one["title"], f"{one['unreliable_videos']} of {one['videos']}", f"{len(one['failed'])} of {one['videos']}"]
        for one in document["conditions"]
        if one["unreliable_videos"] or one["failed"]
    ]
    if not rows:
        return []
    return [
        "## Videos that are marked as unreliable, and videos that could not be spotted",
        table(["Condition", "Unreliable", "Not spotted"], rows),
        "All of them count in the figures above; what was not found in them is missed.",
    ]


def _interval(part: Mapping[str, Any], name: str) -> str:
    if part.get(name) is None:
        return NONE
    if part.get("low") is None or part.get("high") is None:
        return _number(part[name])
    return f"{part[name]:.3f} ({part['low']:.2f} to {part['high']:.2f})"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
