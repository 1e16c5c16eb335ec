"""SpoT-GCN's tables, from top to bottom: each is made from runs that the others use too.

``spotgcn``                                             tables I, III, IV and V, the figures
``spotgcn-contrastive_weight-0.0`` and so on            tables I and III, figure 5
``spotgcn-reach-28-window-5`` and so on                 table II; their features are computed once for all windows
``softnet``                                             table IV
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.comparison import f1_note, paired_notes
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.papers.wording import AP, spotting_details
from facespot.experiments.printed import Value, printed_table
from facespot.experiments.table import ReproducedTable
from facespot.metrics import Evaluation, Rule
from facespot.metrics.figures import OVERALL, evaluate_by, parts_of

STEPS: dict[str, dict[str, Any]] = {
    "Baseline": {"motion": "adjacent", "network": "cnn", "contrastive_weight": 0.0},
    "+SLO": {"network": "cnn", "contrastive_weight": 0.0},
    "+SLO+STGCN": {"network": "stgcn", "contrastive_weight": 0.0},
    "+SLO+STGCN+FLGP": {"contrastive_weight": 0.0},
    "+SLO+STGCN+FLGP+SupCon": {},
}
"""Table I: what is not yet the whole method."""

WIDER_SEARCH = 2.0
METHODS = {"SpoT-GCN": "spotgcn", "SOFTNet": "softnet"}
"""Table IV: the rows that facespot can run."""


def table1(reproduction: Reproduction) -> ReproducedTable:
    """F1 as one part after another is added, each step tested in pairs."""
    outcomes = {row: reproduction.run("spotgcn", **settings) for row, settings in STEPS.items()}
    notes = [
        "ours differ only in motion, network and loss; regions, other losses and decoding are those of SpoT-GCN, so "
        "that the baseline is not ABPN to the letter"
    ]
    notes += [f1_note(row, outcome.summary()) for row, outcome in outcomes.items()]
    for before, after in pairwise(outcomes):
        notes += paired_notes(outcomes[before], outcomes[after], f"F1 of {after} less F1 of {before}")
    return reproduction.table("spotgcn:table1", _f1_by_row(outcomes), list(outcomes.values()), notes=notes)


def table2(reproduction: Reproduction) -> ReproducedTable:
    """F1 by window size."""
    sizes = [int(row) for row in printed_table("spotgcn:table2").row_names]
    outcomes = {str(size): reproduction.run("spotgcn", window=size, reach=max(sizes) - 1) for size in sizes}
    notes = [f1_note(f"window {row}", outcome.summary()) for row, outcome in outcomes.items()]
    return reproduction.table("spotgcn:table2", _f1_by_row(outcomes), list(outcomes.values()), notes=notes)


def table3(reproduction: Reproduction) -> ReproducedTable:
    """Overall F1 by the weight of the contrastive loss."""
    rows = printed_table("spotgcn:table3").row_names
    outcomes = {row: reproduction.run("spotgcn", contrastive_weight=float(row)) for row in rows}
    ours = {row: {OVERALL: figures[OVERALL]} for row, figures in _f1_by_row(outcomes).items()}
    notes = [f1_note(f"lambda {row}", outcome.summary()) for row, outcome in outcomes.items()]
    return reproduction.table("spotgcn:table3", ours, list(outcomes.values()), notes=notes)


def table4(reproduction: Reproduction) -> ReproducedTable:
    """F1 beside other methods; ours are of those that facespot has, all counted by one rule."""
    outcomes = {row: reproduction.run(method) for row, method in METHODS.items()}
    rule = outcomes["SpoT-GCN"].plan.rule
    notes = [f1_note(row, outcome.summary(rule=rule)) for row, outcome in outcomes.items()]
    if outcomes["SOFTNet"].plan.only_with_type:
        notes.append("SOFTNet learns each type only from the videos that hold it, as its authors do")
    notes += paired_notes(outcomes["SOFTNet"], outcomes["SpoT-GCN"], "F1 of SpoT-GCN less F1 of SOFTNet")
    return reproduction.table("spotgcn:table4", _f1_by_row(outcomes, rule), list(outcomes.values()), notes=notes)


def table5(reproduction: Reproduction) -> ReproducedTable:
    """Counts, precision, recall and F1; a note has them with a wider search for onset and offset."""
    outcome = reproduction.run("spotgcn")
    summary = outcome.summary()
    ours: dict[str, dict[str, Value | None]] = {}
    for name, (_, part) in parts_of(summary.evaluation).items():
        for row, value in spotting_details(part, summary.figures[name]["ap"].estimate).items():
            if row != AP:
                ours.setdefault(row, {})[name] = value
    wider = outcome.summary(search=WIDER_SEARCH)
    notes = [
        f1_note("SpoT-GCN", summary),
        f1_note(f"onset and offset searched {WIDER_SEARCH:g} times as far (search={WIDER_SEARCH:g})", wider),
        f"counts with search={WIDER_SEARCH:g}: {_counts(wider.evaluation)}",
    ]
    return reproduction.table("spotgcn:table5", ours, [outcome], notes=notes)


def _f1_by_row(outcomes: dict[str, RunOutcome], rule: Rule | None = None) -> dict[str, dict[str, Value | None]]:
    """F1 of each run, by its own rule unless another is given."""
    return {
        row: {
            name: part.f1
            for name, (_, part) in parts_of(evaluate_by(rule or one.plan.rule, one.truth, one.predicted())).items()
        }
        for row, one in outcomes.items()
    }


def _counts(evaluation: Evaluation) -> str:
    return ", ".join(
        f"{name} TP {part.tp} FP {part.fp} FN {part.fn}" for name, (_, part) in parts_of(evaluation).items()
    )
