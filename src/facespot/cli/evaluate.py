"""``facespot evaluate``: a prediction beside the truth, under a stated rule."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from facespot.errors import FormatError, SettingsError


def evaluate_command(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="Annotated expressions, .csv or .json.")],
    predicted: Annotated[Path, typer.Argument(metavar="PREDICTED", help="Spotted expressions, .csv or .json.")],
    iou: Annotated[float, typer.Option(help="Smallest intersection over union of a hit.")] = 0.5,
    strict: Annotated[bool, typer.Option("--strict", help="The IoU must exceed --iou, not only reach it.")] = False,
    matching: Annotated[str, typer.Option(help="optimal, or greedy as the published evaluators.")] = "optimal",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """Count hits, false alarms and misses of a prediction.

    A spotted expression is a hit when it has the type of a true one, reaches the IoU with it, and no other one hit it.

    Example: facespot evaluate examples/demo_truth.csv facespot_results/demo/expressions.csv
    """
    from facespot.cli.tables import print_counts, print_matches
    from facespot.export import read_tracks
    from facespot.metrics import evaluate

    if matching not in ("optimal", "greedy"):
        raise SettingsError("--matching", f"{matching!r} is not a choice", "choose optimal or greedy")
    if not 0 < iou <= 1:
        raise SettingsError("--iou", f"{iou} is out of range", "give more than 0 and at most 1")
    true_tracks, predicted_tracks = read_tracks(truth), read_tracks(predicted)
    try:
        result = evaluate(true_tracks, predicted_tracks, iou=iou, strict=strict, matching=matching)  # type: ignore[arg-type]
    except ValueError as error:
        remedy = "the column 'video' of both files must hold the same names"
        raise FormatError(str(predicted), str(error), remedy) from error
    rule = f"IoU {'>' if strict else '>='} {iou:g}, {matching} matching, same type"
    if as_json:
        print(json.dumps(_document(result, rule), indent=1))
        return
    print(f"rule: {rule}")
    print_matches(true_tracks, predicted_tracks, result)
    print_counts(result)


def _document(result: Any, rule: str) -> dict[str, Any]:
    parts = {**dict(result.by_kind), "overall": result}
    counts = {
        name: {
            "tp": part.tp,
            "fp": part.fp,
            "fn": part.fn,
            "precision": part.precision,
            "recall": part.recall,
            "f1": part.f1,
        }
        for name, part in parts.items()
    }
    return {
        "schema": "facespot.evaluation/1",
        "rule": rule,
        "counts": counts,
        "matches": [asdict(m) for m in result.matches],
    }
