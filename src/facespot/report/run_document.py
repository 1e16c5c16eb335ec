"""A cross-validation run as plain JSON values; a figure that does not exist is null."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from facespot.report.evaluation_document import counts_of, evaluation_document, plain
from facespot.report.run import RunPage, evaluations_by_subject

RUN_SCHEMA = "facespot.summary/1"


def run_document(run: RunPage) -> dict[str, Any]:
    """Everything of a run but its scores and expressions.

    The figures stand as in `evaluation_document`; ``title``, ``protocol``, ``published_protocol``, ``facts``,
    ``by_subject``, ``folds`` and ``losses`` are added.
    """
    document: dict[str, Any] = plain(
        {
            **evaluation_document(run.summary),
            "schema": RUN_SCHEMA,
            "title": run.title,
            "protocol": run.protocol,
            "published_protocol": run.published,
            "facts": run.facts,
            "by_subject": {
                subject: {name: counts_of(part) for name, part in parts.items()}
                for subject, parts in evaluations_by_subject(run.summary, run.subjects).items()
            },
            "folds": [{one.name: getattr(fold, one.name) for one in fields(fold)} for fold in run.folds],
            "losses": {name: [float(loss) for loss in run.losses[name]] for name in sorted(run.losses)},
        }
    )
    return document
