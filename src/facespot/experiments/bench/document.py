"""All figures of a bench as one JSON document, and the table that other programs read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from facespot.experiments.bench.conditions import Bench
from facespot.experiments.bench.differences import Spread
from facespot.experiments.bench.measuring import RESAMPLING, RULE, Figures
from facespot.experiments.bench.spotting import Identity, Spotter
from facespot.experiments.bench.targets import compared
from facespot.metrics.figures import OVERALL
from facespot.values import KINDS

SCHEMA = "facespot.bench/1"
DIGITS = 6
SYNTHETIC = "All figures are of synthetic videos; none says how well the expressions of people are spotted."
COUNTS = ("tp", "fp", "fn", "f1", "low", "high", "precision", "recall", "average_precision")
POINTS = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Difference:
    """Whether the groups of one property differ, by type and overall.

    Parameters
    ----------
    group : str
        The property.
    conditions : tuple of str
        Names of its groups.
    by_type : mapping from type or "overall" to Spread
    """

    group: str
    conditions: tuple[str, ...]
    by_type: Mapping[str, Spread]


def bench_document(
    bench: Bench,
    spotter: Spotter,
    identity: Identity,
    corpora: Mapping[str, Mapping[str, Any]],
    figures: Sequence[Figures],
    differences: Sequence[Difference],
) -> dict[str, Any]:
    """Everything that was measured as plain JSON values, rounded to six digits behind the point.

    Parameters
    ----------
    bench : Bench
    spotter : Spotter
    identity : Identity
        Of the spotter.
    corpora : mapping from folder to mapping
        What each corpus says of itself.
    figures : sequence of Figures
        Of the conditions, and of the groups within one of them.
    differences : sequence of Difference
    """
    conditions = [asdict(one) for one in figures]
    spreads = [
        {
            "group": one.group,
            "conditions": list(one.conditions),
            **{name: asdict(spread) for name, spread in one.by_type.items()},
        }
        for one in differences
    ]
    parts = {one["name"]: one for one in conditions} | {one["group"]: one for one in spreads}
    document = {
        "schema": SCHEMA,
        "limits": SYNTHETIC,
        "preset": bench.name,
        "method": spotter.method,
        "recognize": spotter.recognize,
        "settings": dict(identity.settings),
        "kinds": list(identity.kinds),
        "weights_sha256": list(identity.weights_sha256),
        "facespot": version("facespot"),
        "rule": RULE.sentence(),
        "intervals": f"{100 * RESAMPLING.level:g} %, {RESAMPLING.n_resamples} resamplings of the subjects, "
        f"seed {RESAMPLING.seed}; false alarms: exact for a Poisson count",
        "corpora": dict(corpora),
        "conditions": conditions,
        "differences": spreads,
        "targets": [compared(target, parts) for target in bench.targets],
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def format_document(document: Mapping[str, Any]) -> str:
    """JSON text of a document."""
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def format_table(document: Mapping[str, Any]) -> str:
    """CSV with one row per condition and type, "overall" included; empty cells mean that there is no figure."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(
        [
            "condition", "title", "group", "videos", "subjects", "minutes", "type", *COUNTS,
            *(f"{point}_error_s" for point in POINTS), "false_alarms_per_minute", "false_alarms_low",
            "false_alarms_high", "uf1_three", "uar_three",
        ]
    )  # fmt: skip
    for one in document["conditions"]:
        first = [one[name] for name in ("name", "title", "group", "videos", "subjects", "minutes")]
        for kind in (*KINDS, OVERALL):
            counts = one[kind]
            if counts is None:
                continue
            errors = one["median_error_s"].get(kind) or {}
            alarms = one["false_alarms_per_minute"]["all" if kind == OVERALL else kind]
            emotion = ((one["emotion"] or {}).get(kind) or {}).get("three") or {}
            table.writerow(
                [
                    *first, kind, *(counts[name] for name in COUNTS), *(errors.get(point) for point in POINTS),
                    *(alarms[name] for name in ("rate", "low", "high")), emotion.get("uf1"), emotion.get("uar"),
                ]
            )  # fmt: skip
    return stream.getvalue()


def _plain(value: Any) -> Any:
    """Lists for tuples, rounded numbers, None for NaN."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value
