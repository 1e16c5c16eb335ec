"""SOFTNet's tables, from top to bottom: each is made from runs that the others use too.

``softnet``, ``strain``                   tables 1, 2, 4 and 5, the figures, the first row of tables 3 and 7
``softnet-macro-resnet18`` and so on      table 3
``softnet-macro-linear``, ``...-step``    table 7
no run                                    table 6
"""

from __future__ import annotations

import numpy as np

from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.comparison import f1_note, paired_notes
from facespot.experiments.papers.inference import measure_inference
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.papers.wording import AP, spotting_details
from facespot.experiments.printed import Value, printed_table
from facespot.experiments.table import ReproducedTable
from facespot.metrics.figures import OVERALL, evaluate_by, parts_of
from facespot.models.checkpoint import read_weights
from facespot.protocols import half_mean_length, half_mean_length_of_fold
from facespot.values import KINDS

WITH, WITHOUT = "SOFTNet", "without SOFTNet"
BACKBONES = {
    "SOFTNet": "softnet",
    "MobileNetV2": "mobilenet_v2",
    "ResNet-18": "resnet18",
    "ResNet-50": "resnet50",
    "VGG-16": "vgg16",
}
PSEUDO_LABELS = {"linear": "linear", "step function": "step", "unit step": "unit_step"}


def table1(reproduction: Reproduction) -> ReproducedTable:
    """F1 with and without the network, and whether chance explains the difference."""
    without, with_network = reproduction.run("strain"), reproduction.run("softnet")
    summaries = {WITHOUT: without.summary(), WITH: with_network.summary()}
    ours = {
        row: {name: part.f1 for name, (_, part) in parts_of(summary.evaluation).items()}
        for row, summary in summaries.items()
    }
    notes = [f1_note(row, summary) for row, summary in summaries.items()]
    notes += paired_notes(without, with_network, "F1 with the network less F1 without it")
    return reproduction.table("softnet:table1", ours, [without, with_network], notes=notes)


def table2(reproduction: Reproduction) -> ReproducedTable:
    """Counts, precision, recall, F1 and AP."""
    outcome = reproduction.run("softnet")
    summary = outcome.summary()
    ours: dict[str, dict[str, Value | None]] = {}
    for name, (_, part) in parts_of(summary.evaluation).items():
        for row, value in spotting_details(part, summary.figures[name]["ap"].estimate).items():
            ours.setdefault(row, {})[name] = value
    return reproduction.table("softnet:table2", ours, [outcome], notes=[f1_note(WITH, summary)])


def table3(reproduction: Reproduction) -> ReproducedTable:
    """The backbones on macro-expressions: how good, how fast, how large."""
    ours: dict[str, dict[str, Value | None]] = {}
    outcomes, speeds, n_rows = [], [], 0
    for row, network in BACKBONES.items():
        outcome = reproduction.run("softnet", kinds=("macro",), network=network)
        summary = outcome.summary()
        inference = measure_inference(outcome, "macro", reproduction.execution)
        ours[row] = {
            "F1": summary.evaluation.of_kind("macro").f1,
            AP: summary.figures["macro"]["ap"].estimate,
            "inference time, s": inference.seconds,
            "parameters, millions": _parameters(outcome) / 1e6,
        }
        outcomes.append(outcome)
        speeds.append(f"{row} {inference.rows / inference.seconds:.0f}")
        n_rows = inference.rows
    notes = [
        f"inference time: wall clock of network.onnx on one thread over all {n_rows} rows of the test videos, features "
        "in memory, measured once. The paper does not say of how many frames its seconds are",
        f"frames/s: {', '.join(speeds)}",
        "parameters: running means and variances of batch normalisation are among them, as in the paper",
    ]
    return reproduction.table("softnet:table3", ours, outcomes, notes=notes)


def table4(reproduction: Reproduction) -> ReproducedTable:
    """F1 with the network by the threshold."""
    return _by_threshold(reproduction, "softnet:table4", reproduction.run("softnet"))


def table5(reproduction: Reproduction) -> ReproducedTable:
    """F1 without the network by the threshold."""
    return _by_threshold(reproduction, "softnet:table5", reproduction.run("strain"))


def table6(reproduction: Reproduction) -> ReproducedTable:
    """Half the mean length of an expression, from the annotations alone."""
    recordings = reproduction.dataset.recordings
    # As the methods take it: where the rates differ, k counts frames at the median one.
    fps = float(np.median([one.timebase.fps for one in recordings]))
    kinds = [kind for kind in KINDS if any(one.truth.of_kind(kind).expressions for one in recordings)]
    frames: dict[str, Value | None] = {kind: half_mean_length(recordings, kind, fps=fps) for kind in kinds}
    notes = [f"k counts frames at {fps:g} frames/s"]
    if not reproduction.plan.published:
        for kind in kinds:
            of_folds = [
                half_mean_length_of_fold(fold, kind, fps=fps)
                for fold in reproduction.plan.folds(recordings)
                if any(one.truth.of_kind(kind).expressions for one in fold.train)
            ]
            if of_folds:
                notes.append(f"{kind}, from the training subjects of each fold: {min(of_folds)} to {max(of_folds)}")
    seconds: dict[str, Value | None] = {kind: k / fps for kind, k in frames.items() if k is not None}
    ours = {"k, frames": frames, "k, seconds": seconds}
    return reproduction.table("softnet:table6", ours, notes=notes)


def table7(reproduction: Reproduction) -> ReproducedTable:
    """The pseudo-label functions on macro-expressions."""
    ours: dict[str, dict[str, Value | None]] = {}
    outcomes = []
    for row, function in PSEUDO_LABELS.items():
        outcome = reproduction.run("softnet", kinds=("macro",), pseudo_label=function)
        summary = outcome.summary()
        detail = spotting_details(summary.evaluation.of_kind("macro"), summary.figures["macro"]["ap"].estimate)
        ours[row] = {name: detail[name] for name in printed_table("softnet:table7").column_names}
        outcomes.append(outcome)
    return reproduction.table("softnet:table7", ours, outcomes)


def _by_threshold(reproduction: Reproduction, table_id: str, outcome: RunOutcome) -> ReproducedTable:
    """The scores decoded again for each p; nothing is scored anew."""
    ours = {}
    for row in printed_table(table_id).row_names:
        evaluation = evaluate_by(outcome.plan.rule, outcome.truth, outcome.predicted(p=float(row)))
        ours[row] = {name: part.f1 for name, (_, part) in parts_of(evaluation).items()}
    best = {name: max(ours, key=lambda row: ours[row][name]) for name in (*KINDS, OVERALL)}
    notes = [
        "largest F1: " + ", ".join(f"{name} at p = {row}" for name, row in best.items()),
        "these F1 are of the test subjects: they show what p does, and are no way to choose it",
    ]
    return reproduction.table(table_id, ours, [outcome], notes=notes)


def _parameters(outcome: RunOutcome) -> int:
    """As Keras counts them, see `facespot.methods.softnet.backbones`; every fold's network is of one size."""
    checkpoint = next(one for fold in outcome.folds for one in fold.checkpoints() if one.kind == "macro")
    weights = read_weights(checkpoint)
    return sum(values.size for name, values in weights.items() if not name.endswith("num_batches_tracked"))
