"""The files of a whole run: tables that other programs read, every figure as JSON, and one page for people."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from facespot.experiments.fold_weights import read_fold_weights, weights_notes
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.plan import RunPlan
from facespot.export.atomic import write_text
from facespot.export.table import format_table
from facespot.report.run import FoldRow, RunPage, write_run_page
from facespot.report.run_document import run_document
from facespot.values import Kind, distance_in_frames


def write_outcome(outcome: RunOutcome) -> None:
    """Write ``truth.csv``, ``predictions.csv``, ``subjects.csv``, ``summary.json`` and ``report.html``.

    Nothing is written where no fold ended.

    Raises
    ------
    OutputError
        If the run folder cannot be written.
    """
    if not outcome.folds:
        return
    page = run_page(outcome)
    folder = outcome.folder
    write_text(folder / "truth.csv", format_table(page.truth))
    write_text(folder / "predictions.csv", format_table(page.predicted))
    write_text(folder / "subjects.csv", _subjects_table(outcome))
    write_text(folder / "summary.json", json.dumps(run_document(page), indent=1, allow_nan=False) + "\n")
    write_run_page(page, folder / "report.html")


def run_page(outcome: RunOutcome) -> RunPage:
    """Everything that the report of a run shows."""
    plan = outcome.plan
    return RunPage(
        title=f"{plan.method} on {plan.dataset}",
        protocol=plan.protocol_text(),
        published=plan.published,
        facts=_facts(outcome),
        summary=outcome.summary(),
        truth=outcome.truth,
        predicted=outcome.predicted(),
        subjects=outcome.subjects,
        folds=tuple(_fold_row(outcome, fold) for fold in outcome.folds),
        curves={one.id: outcome.curves(one) for one in outcome.tested},
        losses=_losses(outcome),
    )


def _facts(outcome: RunOutcome) -> dict[str, str]:
    plan, counts = outcome.plan, outcome.dataset.counts()
    facts = {
        "data set": f"{plan.dataset}, {plan.root}",
        "citation": outcome.dataset.citation,
        "holds": ", ".join(f"{number} {name}" for name, number in counts.items()),
        "types": " and ".join(plan.kinds),
        "method": plan.method,
        "settings changed": ", ".join(f"{name}={value}" for name, value in plan.settings.items()) or "none",
        "seed": str(plan.seed),
        "emotions": plan.emotions or "as annotated",
        "face detector": plan.detector,
        "frames per second": "all" if plan.fps is None else f"{plan.fps:g}",
        "facespot": _version(),
        "command": command_of(plan),
    }
    if plan.choose:
        facts["chosen on the training subjects"] = _choices(outcome)
    if plan.options:
        facts["options of the data set"] = ", ".join(f"{name}={value}" for name, value in plan.options.items())
    if plan.weights is not None:
        weights = read_fold_weights(Path(plan.weights))
        facts["weights"] = plan.weights
        notes = weights_notes(plan.folds(outcome.dataset.recordings), weights, plan.dataset)
        facts |= {f"about the weights, {number}": note for number, note in enumerate(notes, start=1)}
    for name, reason in outcome.failed.items():
        facts[f"failed: {name}"] = reason
    return facts


def _choices(outcome: RunOutcome) -> str:
    """How many folds took which value of the setting that each chose."""
    name = next(iter(outcome.plan.choose))
    counts = Counter(fold.settings[name] for fold in outcome.folds)
    values = ", ".join(f"{value} in {number}" for value, number in sorted(counts.items()))
    return f"{name}: {values} of {len(outcome.folds)} folds"


def command_of(plan: RunPlan) -> str:
    """The command that makes a run again."""
    parts = ["facespot run", plan.dataset, plan.root, f"--method {plan.method}", f"--protocol {plan.protocol}"]
    parts += [f"--set {name}={value}" for name, value in plan.settings.items()]
    parts += [f"--choose {name}={','.join(map(str, values))}" for name, values in plan.choose.items()]
    parts += [f"--data-option {name}={value}" for name, value in plan.options.items()]
    parts += [f"--kinds {','.join(plan.kinds)}", f"--seed {plan.seed}", f"--detector {plan.detector}"]
    parts += ["--paper"] if plan.published else []
    parts += [f"--emotions {plan.emotions}"] if plan.emotions is not None else []
    parts += [f"--weights {plan.weights}"] if plan.weights is not None else []
    parts += [f"--fps {plan.fps:g}"] if plan.fps is not None else []
    return " ".join(parts)


def _fold_row(outcome: RunOutcome, fold: FoldOutcome) -> FoldRow:
    fps = outcome.dataset.recordings[0].timebase.fps
    subjects = sorted({one.subject for one in outcome.dataset.recordings if one.id in set(fold.test)})
    distances: dict[str, tuple[int, float]] = {
        kind: (distance_in_frames(fold.settings[f"{kind}_distance_s"], fps), fold.settings[f"{kind}_distance_s"])
        for kind in outcome.plan.kinds
        if f"{kind}_distance_s" in fold.settings
    }
    fitted = _fitted(fold)
    notes = [
        f"no {kind}-expression among the training videos: none was looked for"
        for kind in outcome.plan.kinds
        if fitted and kind not in fitted
    ]
    return FoldRow(
        fold.name,
        tuple(subjects),
        distances=distances,
        training_rows={kind: one["rows"] for kind, one in fitted.items()},
        epochs={kind: len(one["history"]) for kind, one in fitted.items()},
        last_loss={kind: one["history"][-1]["loss"] for kind, one in fitted.items()},
        notes=tuple(notes),
    )


def _fitted(fold: FoldOutcome) -> dict[Kind, Mapping[str, Any]]:
    """What was learned for each type; a network of both types counts for each that it learned."""
    return {
        kind: one.fitted
        for one in fold.checkpoints()
        if "history" in one.fitted
        for kind in ((one.kind,) if one.kind is not None else one.fitted["kinds"])
    }


def _losses(outcome: RunOutcome) -> dict[str, list[float]]:
    return {
        f"{fold.name}/{kind}": [epoch["loss"] for epoch in one["history"]]
        for fold in outcome.folds
        for kind, one in _fitted(fold).items()
    }


def _subjects_table(outcome: RunOutcome) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["video", "subject", "frames"])
    writer.writerows([one.id, one.subject, one.timebase.n_frames] for one in outcome.tested)
    return stream.getvalue()


def _version() -> str:
    try:
        return version("facespot")
    except PackageNotFoundError:
        return "unknown version"
