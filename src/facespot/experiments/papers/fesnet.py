"""FESNet's tables, from top to bottom: each is made from runs that the others use too.

``fesnet``                                          all tables, the figures
``fesnet-lsdm_weight-0.0``, ``fesnet-use_mtam-False``   table 3
``fesnet-gamma-0.05`` and so on                     table 4
``spotgcn``, ``softnet``, ``strain``                table 1

The paper tests by ``--protocol kfold:5:video``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.comparison import f1_note, paired_notes
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.printed import Value, printed_table
from facespot.experiments.table import ReproducedTable
from facespot.metrics import Rule
from facespot.metrics.figures import evaluate_by, parts_of
from facespot.metrics.framewise import edit_score, frame_accuracy, frame_labels
from facespot.values import Track

METHODS = {"FESNet": "fesnet", "SpoT-GCN": "spotgcn", "SOFTNet": "softnet", "strain baseline": "strain"}
"""Table 1: the rows that facespot can run."""
PARTS: dict[str, dict[str, Any]] = {
    "without the LSDM loss": {"lsdm_weight": 0.0},
    "without MTAM": {"use_mtam": False},
    "FESNet": {},
}
"""Table 3: what is left out."""
EDIT, ACC = "Edit", "Acc"
MEAN, POOLED = "mean over folds", "pooled"
DEFINITIONS = (
    "Acc: share of all frames with the right label, not eq. 6, which is no share; Edit: mean over videos of 1 less the "
    "Levenshtein distance of the two sequences of segments over the longer one, neutral segments included (MS-TCN)"
)


def table1(reproduction: Reproduction) -> ReproducedTable:
    """FESNet beside the other methods that facespot has, all counted by one rule and tested in pairs."""
    outcomes = {row: reproduction.run(method) for row, method in METHODS.items()}
    fesnet = outcomes["FESNet"]
    rule = fesnet.plan.rule
    notes = [*_notes(reproduction, fesnet), *(f1_note(row, one.summary(rule=rule)) for row, one in outcomes.items())]
    notes += [
        f"{row} was run by its own protocol: {one.plan.protocol_text()}; but it is counted here by the rule of FESNet"
        for row, one in outcomes.items()
        if one.plan.protocol_text() != fesnet.plan.protocol_text()
    ]
    for row, one in outcomes.items():
        if one is not fesnet:
            notes += paired_notes(one, fesnet, f"F1 of FESNet less F1 of {row}")
    ours = {row: measures(one.truth, one.predicted(), rule) for row, one in outcomes.items()}
    others = [row for row in METHODS if row != "FESNet"]
    return reproduction.table("fesnet:table1", ours, list(outcomes.values()), notes=notes, more_rows=others)


def table2(reproduction: Reproduction) -> ReproducedTable:
    """FESNet in each fold of the protocol, the mean over folds, and all folds pooled."""
    outcome = reproduction.run("fesnet")
    by_fold = {fold.name: measures(*_tracks(outcome, fold), outcome.plan.rule) for fold in outcome.folds}
    whole = measures(outcome.truth, outcome.predicted(), outcome.plan.rule)
    ours = {**by_fold, MEAN: {name: _mean([row[name] for row in by_fold.values()]) for name in whole}, POOLED: whole}
    notes = [*_notes(reproduction, outcome), f1_note(f"FESNet, {POOLED}", outcome.summary())]
    if any(value is None for row in by_fold.values() for value in row.values()):
        notes.append("where a fold has no true expression of a type, its F1 can only be 0: it is left out of the mean")
    return reproduction.table("fesnet:table2", ours, [outcome], notes=notes, more_rows=list(ours))


def table3(reproduction: Reproduction) -> ReproducedTable:
    """What the LSDM loss and the MTAM are worth, tested in pairs."""
    outcomes = {row: reproduction.run("fesnet", **settings) for row, settings in PARTS.items()}
    pairs = [(row, "FESNet") for row in PARTS if row != "FESNet"]
    return _by_setting(reproduction, "fesnet:table3", outcomes, pairs)


def table4(reproduction: Reproduction) -> ReproducedTable:
    """FESNet by the weight of the smooth loss."""
    rows = printed_table("fesnet:table4").row_names
    outcomes = {row: reproduction.run("fesnet", gamma=float(row)) for row in rows}
    return _by_setting(reproduction, "fesnet:table4", outcomes, [("0.00", "0.15")], named="gamma {}")


def measures(truth: Sequence[Track], predicted: Sequence[Track], rule: Rule) -> dict[str, Value | None]:
    """F1 of each type and of both, Edit and Acc, all in 0..1.

    Parameters
    ----------
    truth, predicted : sequence of Track
        Of the same videos, whose lengths are known, in the same order.
    rule : Rule
        By which F1 is counted.

    Returns
    -------
    dict from heading to float or None
        None for the F1 of types without true expressions, and for Edit and Acc where there is no frame.
    """
    parts = parts_of(evaluate_by(rule, truth, predicted))
    found: dict[str, Value | None] = {name: part.f1 if part.tp + part.fn else None for name, (_, part) in parts.items()}
    labels = [
        (frame_labels(true), frame_labels(guess, true.timebase.n_frames))
        for true, guess in zip(truth, predicted, strict=True)
        if true.timebase.n_frames
    ]
    if not labels:
        return {**found, EDIT: None, ACC: None}
    accuracy = frame_accuracy(*(np.concatenate(side) for side in zip(*labels, strict=True)))
    return {**found, EDIT: float(np.mean([edit_score(*pair) for pair in labels])), ACC: accuracy}


def _by_setting(
    reproduction: Reproduction,
    table_id: str,
    outcomes: Mapping[str, RunOutcome],
    pairs: Sequence[tuple[str, str]],
    *,
    named: str = "{}",
) -> ReproducedTable:
    """A table of runs of FESNet, some of them tested in pairs: the second less the first."""
    known = list(outcomes.values())
    notes = _notes(reproduction, known[0])
    notes += [f1_note(named.format(row), one.summary()) for row, one in outcomes.items()]
    for before, after in pairs:
        what = f"F1 of {named.format(after)} less F1 of {named.format(before)}"
        notes += paired_notes(outcomes[before], outcomes[after], what)
    ours = {row: measures(one.truth, one.predicted(), one.plan.rule) for row, one in outcomes.items()}
    return reproduction.table(table_id, ours, known, notes=notes)


def _notes(reproduction: Reproduction, outcome: RunOutcome) -> list[str]:
    """What the figures are, what is reached without spotting anything, and who is known from training."""
    nothing = measures(outcome.truth, [replace(one, expressions=()) for one in outcome.truth], outcome.plan.rule)
    reached = ", ".join(f"{name} {value:.4f}" for name in (EDIT, ACC) if (value := nothing[name]) is not None)
    notes = [DEFINITIONS, f"reached where nothing is spotted: {reached}"]
    if reproduction.plan.protocol.endswith(":video"):
        notes.append("folds are by video: a subject may be in the training and in the test videos")
    return notes


def _tracks(outcome: RunOutcome, fold: FoldOutcome) -> tuple[list[Track], list[Track]]:
    """True and spotted expressions of the test videos of a fold."""
    truth, predicted = (
        [one for one in tracks if one.video in fold.test] for tracks in (outcome.truth, outcome.predicted())
    )
    return truth, predicted


def _mean(values: Sequence[Value | None]) -> float | None:
    """Mean of the known values."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
