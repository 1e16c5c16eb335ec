"""An evaluation or a comparison as plain JSON values; a figure that does not exist is null."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from facespot.metrics import Comparison, Evaluation, Summary
from facespot.metrics.figures import parts_of

SCHEMA = "facespot.evaluation/1"
COMPARISON_SCHEMA = "facespot.comparison/1"


def evaluation_document(summary: Summary) -> dict[str, Any]:
    """All figures as JSON values; a figure that does not exist is null."""
    evaluation = summary.evaluation
    document: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "rule": summary.rule.sentence(),
            "settings": asdict(summary.rule),
            "resampling": asdict(summary.resampling),
            "videos": summary.n_videos,
            "subjects": summary.n_subjects,
            "counts": {name: counts_of(part) for name, (_, part) in parts_of(evaluation).items()},
            "intervals": {
                name: {figure: asdict(one) for figure, one in figures.items()}
                for name, figures in summary.figures.items()
            },
            "false_positives": summary.errors,
            "missed": {name: [asdict(group) for group in groups] for name, groups in summary.missed.items()},
            "errors_of_hits": {
                name: {point: asdict(error) for point, error in points.items()}
                for name, points in summary.points.items()
            },
            "seconds_are_known": summary.has_seconds,
            "apex_spotting_rate": summary.asr,
            "false_alarms_per_minute": summary.false_alarms_per_minute,
            "frame_accuracy": summary.frame_accuracy,
            "edit_score": summary.edit,
            "emotions": {
                name: {
                    "classes": one.recognition["tp"].classes,
                    "samples": {
                        choice: {
                            "samples": len(samples.truth),
                            "outside_classes": samples.outside_classes,
                            "without_truth": samples.without_truth,
                            "confusion": one.recognition[choice].confusion.tolist(),
                            **one.recognition[choice].figures,
                        }
                        for choice, samples in one.samples.items()
                    },
                    "strs": {absent: asdict(interval) for absent, interval in one.strs.items()},
                }
                for name, one in summary.emotions.items()
            },
            "notes": summary.notes,
            "matches": [asdict(hit) for hit in evaluation.matches],
        }
    )
    return document


def counts_of(part: Evaluation) -> dict[str, Any]:
    """Counts of an evaluation, and what follows from them."""
    figures = {"precision": part.precision, "recall": part.recall, "f1": part.f1}
    return {"tp": part.tp, "fp": part.fp, "fn": part.fn, **figures}


def comparison_document(comparison: Comparison, names: Sequence[str]) -> dict[str, Any]:
    """A comparison as JSON values."""
    document: dict[str, Any] = plain(
        {
            "schema": COMPARISON_SCHEMA,
            "rule": comparison.rule.sentence(),
            "settings": asdict(comparison.rule),
            "resampling": asdict(comparison.resampling),
            "videos": comparison.n_videos,
            "subjects": comparison.n_subjects,
            "first": names[0],
            "second": names[1],
            "differences": {
                name: {figure: asdict(one) for figure, one in figures.items()}
                for name, figures in comparison.differences.items()
            },
            "notes": comparison.notes,
        }
    )
    return document


def plain(value: Any) -> Any:
    """The value with tuples as lists and NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
