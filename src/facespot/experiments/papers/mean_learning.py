"""MEAN's figure 6: the step of the recognition trained again from a run's spotting network, watched epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facespot.errors import FormatError, MissingDependencyError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.inference import features_of_run
from facespot.experiments.papers.mean_findings import KIND, WITH, WITHOUT, grouped, run_mean
from facespot.experiments.papers.pictures import fold_of, shown_videos
from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.methods.base import TrainingVideo
from facespot.methods.mean.config import MeanConfig
from facespot.models.checkpoint import read_weights
from facespot.report.learning_curves import EpochFigures, LearningCurves, write_learning_curves
from facespot.values import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from facespot.methods.mean.network import MEAN

PRINTED_ON = {"casme_ii": "CASME II"}


def figure6(reproduction: Reproduction) -> ReproducedFigure:
    """Loss and accuracy of the recognition by epoch, with and without transfer, of one fold."""
    reproduction = grouped(reproduction)
    outcomes = {row: run_mean(reproduction, transfer=row == WITH) for row in (WITH, WITHOUT)}
    fold = watched_fold(outcomes[WITH], reproduction.videos)
    curves = [learning_curves(outcome, fold, row, reproduction) for row, outcome in outcomes.items()]
    path = reproduction.picture("mean:figure6")
    write_learning_curves(
        curves, path, losses="cross-entropy of the emotions", accuracies="accuracy of the emotions, per cent"
    )
    training, held_out = _expressions_of(outcomes[WITH], fold, reproduction)
    notes = [
        f"{fold} is held out: {len(held_out.emotions)} expressions; {len(training.emotions)} are trained on",
        "the step of the recognition is trained again from the run's spotting network and watched after each epoch, "
        "without dropout and without the penalty; what is held out decides nothing",
        "with transfer the streams are those of the spotting network, frozen; without, the recognition has streams of "
        "its own, which learn with it",
        "printed: subject 3 of CASME II over 200 epochs, though section 4.3 says at most 800 for the recognition",
    ]
    title = "MEAN, Figure 6: loss and accuracy of the recognition by epoch, with and without inductive transfer"
    return reproduction.figure("mean:figure6", title, PRINTED_ON, outcomes[WITH], paths=[path], notes=notes)


@dataclass(frozen=True, eq=False)
class _Expressions:
    """Motion from onset to apex of some expressions, and their emotions."""

    images: FloatArray
    emotions: tuple[str, ...]

    def of(self, classes: Sequence[str]) -> _Expressions:
        kept = [row for row, name in enumerate(self.emotions) if name in classes]
        return _Expressions(self.images[kept], tuple(self.emotions[row] for row in kept))


def watched_fold(outcome: RunOutcome, named: Sequence[str] = ()) -> str:
    """The fold that tested a named video, or the first one with the most labelled expressions of the fold's classes.

    Raises
    ------
    FormatError
        If no fold has learned emotions and tested a labelled expression.
    """
    emotions = {one.id: [found.emotion for found in one.truth.of_kind(KIND).expressions] for one in outcome.tested}
    counts = {}
    for fold in outcome.folds:
        classes = _classes(fold)
        count = sum(name in classes for video in fold.test for name in emotions[video] if name is not None)
        if count:
            counts[fold.name] = count
    if named:
        chosen = {fold_of(outcome, one).name for one in shown_videos(outcome, named)}
        counts = {name: count for name, count in counts.items() if name in chosen}
    if not counts:
        remedy = "use a corpus in which several subjects show labelled micro-expressions"
        raise FormatError(str(outcome.folder), "no labelled expression is held out", remedy)
    return max(counts, key=lambda name: counts[name])


def learning_curves(outcome: RunOutcome, fold_name: str, name: str, reproduction: Reproduction) -> LearningCurves:
    """Step two of a fold's training again, watched on its training and its held-out expressions.

    Raises
    ------
    MissingDependencyError
        PyTorch is not installed.
    """
    try:
        from facespot.methods.mean.fitting import class_samples, retrain_recognition
    except ModuleNotFoundError as error:
        remedy = 'run pip install "facespot[train]"'
        raise MissingDependencyError("watching a training", f"{error.name} is not installed", remedy) from None
    import torch

    fold = next(one for one in outcome.folds if one.name == fold_name)
    classes = _classes(fold)
    parts = _expressions_of(outcome, fold_name, reproduction)
    followed: list[list[tuple[float, float]]] = [[], []]

    def watch(_: int, network: MEAN) -> None:
        with torch.no_grad():
            for part, figures in zip(parts, followed, strict=True):
                probabilities = torch.softmax(_logits(network, part.images), dim=1).double().numpy()
                figures.append(loss_and_accuracy(probabilities, part.emotions, classes))

    config: MeanConfig = fold.method("mean").config
    (checkpoint,) = fold.checkpoints()
    training = parts[0]
    retrain_recognition(
        read_weights(checkpoint),
        class_samples(training.images, training.emotions, classes),
        len(classes),
        config,
        seed=outcome.plan.seed,
        on_epoch=watch,
    )
    of_training, of_held_out = (
        EpochFigures(tuple(loss for loss, _ in figures), tuple(share for _, share in figures)) for figures in followed
    )
    return LearningCurves(name, of_training, of_held_out)


def loss_and_accuracy(
    probabilities: FloatArray, emotions: Sequence[str], classes: Sequence[str]
) -> tuple[float, float]:
    """Mean cross-entropy and share of the samples with the right class.

    >>> loss, share = loss_and_accuracy(np.array([[0.5, 0.5], [0.25, 0.75]]), ["a", "b"], ["a", "b"])
    >>> round(loss, 4), share
    (0.4904, 1.0)
    """
    true = np.array([classes.index(name) for name in emotions], dtype=np.int64)
    of_true = np.asarray(probabilities, dtype=np.float64)[np.arange(len(true)), true]
    loss = -np.log(np.maximum(of_true, np.finfo(np.float64).tiny)).mean()
    return float(loss), float((np.argmax(probabilities, axis=1) == true).mean())


def _logits(network: MEAN, images: FloatArray) -> Tensor:
    import torch

    logits = network.stages(torch.from_numpy(images)).logits
    if logits is None:
        raise ValueError("the network has no recognition head")
    return logits


def _expressions_of(
    outcome: RunOutcome, fold_name: str, reproduction: Reproduction
) -> tuple[_Expressions, _Expressions]:
    """The training and the held-out expressions of a fold, of its classes."""
    from facespot.methods.mean.fitting import recognition_samples

    fold = next(one for one in outcome.folds if one.name == fold_name)
    methods = [one.method("mean") for one in outcome.folds]
    features = features_of_run(outcome, methods, KIND, reproduction.execution)
    recordings = {one.id: one for one in outcome.dataset.recordings}
    found = []
    for videos in (fold.train, fold.test):
        learned = [
            TrainingVideo(recordings[one].subject, recordings[one].truth, {}, features.pairs[one].open())
            for one in videos
            if one in features.pairs
        ]
        images, emotions = recognition_samples(learned)
        found.append(_Expressions(images, tuple(emotions)).of(_classes(fold)))
    return found[0], found[1]


def _classes(fold: FoldOutcome) -> tuple[str, ...]:
    """The emotions that a fold learned."""
    return tuple(name for one in fold.checkpoints() for name in one.fitted.get("classes", ()))
