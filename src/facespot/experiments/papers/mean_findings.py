"""MEAN's runs, and what one of them spotted and named: the figures that its tables and pictures are made of.

Recognition is scored in two settings. *Hits only*: the spotted true positives, each with the emotion of the expression
that it hit (Table 5). *All spotted*: every spotted interval, with the emotion of the only micro-expression of its video
(Tables 2, 3 and 10); where a video holds none or several, its misses have no true emotion and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.reproduction import Reproduction
from facespot.metrics import Evaluation
from facespot.metrics.bootstrap import Values
from facespot.metrics.emotions import CHOICES, scored_classes, strs_amounts
from facespot.metrics.figures import evaluate_by
from facespot.metrics.recognition import (
    AbsentClasses,
    Recognition,
    SampleChoice,
    Samples,
    confusion_matrix,
    recognition_samples,
)
from facespot.metrics.strs import strs_by_treatment
from facespot.values import Kind, Track

KIND: Kind = "micro"
WITHOUT, WITH = "without transfer", "with transfer"
FIVE_CLASSES = "casme_ii"
ABSENT: Mapping[AbsentClasses, str] = {
    "zero": "a class without samples counts 0",
    "present": "a class without a true sample is left out of the means",
    "occurring": "a class without a true or a predicted sample is left out of the means, as the published program does",
}


@dataclass(frozen=True, eq=False)
class Findings:
    """What a run spotted and named.

    Parameters
    ----------
    outcome : RunOutcome
    truth, predicted : tuple of Track
    spotting : Evaluation
        Of the micro-expressions.
    classes : tuple of str
        The emotions that are scored.
    samples : mapping from "tp" or "all" to Samples
        Hits only, and all spotted intervals.
    recognition : mapping from "tp" or "all" to Recognition
        Empty where no emotion was named.
    amounts : (subjects, 3 + C (C + 1)) array
        What each subject contributes: TP, FP, FN, and its confusion matrix of the hits.
    """

    outcome: RunOutcome
    truth: tuple[Track, ...]
    predicted: tuple[Track, ...]
    spotting: Evaluation
    classes: tuple[str, ...]
    samples: Mapping[SampleChoice, Samples]
    recognition: Mapping[SampleChoice, Recognition]
    amounts: Values

    @property
    def strs(self) -> float | None:
        """Spot-then-recognize score (eq. 24)."""
        if not self.recognition:
            return None
        absent = self.outcome.plan.rule.absent
        return strs_by_treatment(self.spotting, self.recognition["tp"].confusion)[absent]

    def figure(self, name: str, choice: SampleChoice = "tp") -> float | None:
        """A figure of the recognition, such as ``"f1_a"``."""
        return self.recognition[choice].figures[name] if self.recognition else None


def grouped(reproduction: Reproduction) -> Reproduction:
    """The same with the paper's classes, where none are chosen: five for CASME II, three for all others."""
    if reproduction.plan.emotions is not None:
        return reproduction
    emotions = "five" if reproduction.plan.dataset == FIVE_CLASSES else "three"
    return replace(reproduction, plan=replace(reproduction.plan, emotions=emotions))


def has_short_videos(reproduction: Reproduction) -> bool:
    """Whether every recording holds one micro-expression and nothing else."""
    expressions = [one.truth.expressions for one in reproduction.dataset.recordings]
    return all(len(found) == 1 and found[0].kind == KIND for found in expressions)


def run_mean(reproduction: Reproduction, **settings: Any) -> RunOutcome:
    """The run of MEAN; short videos have one peak each (section 4.3), unless the user says otherwise.

    Parameters
    ----------
    reproduction : Reproduction
        As `grouped` gives it.
    **settings
        What this run is about.
    """
    if "one_peak" not in reproduction.plan.settings and has_short_videos(reproduction):
        settings["one_peak"] = True
    return reproduction.run("mean", kinds=(KIND,), **settings)


def findings(outcome: RunOutcome, *, videos: set[str] | None = None, **changes: Any) -> Findings:
    """What a run spotted and named, with some settings changed; no new inference.

    Parameters
    ----------
    outcome : RunOutcome
    videos : set of str, optional
        Only these.
    **changes
        Settings that decide how scores become intervals and emotions.
    """
    truth, predicted = (
        tuple(track for track in tracks if videos is None or track.video in videos)
        for tracks in (outcome.truth, outcome.predicted(**changes))
    )
    rule, corpus = outcome.plan.rule, outcome.corpus
    evaluation = evaluate_by(rule, truth, predicted)
    classes = scored_classes([track.of_kind(KIND) for track in truth], corpus)
    samples = {
        choice: recognition_samples(truth, predicted, evaluation, classes, samples=choice, kind=KIND)
        for choice in CHOICES
    }
    recognition = {
        choice: Recognition(classes, confusion_matrix(some.truth, some.predicted, classes), rule.absent)
        for choice, some in samples.items()
    }
    named = any(one.emotion is not None for track in predicted for one in track.expressions)
    amounts = strs_amounts(truth, predicted, evaluation, replace(corpus, classes=classes))[KIND]
    return Findings(
        outcome,
        truth,
        predicted,
        evaluation.of_kind(KIND),
        classes,
        samples,
        recognition if named and classes else {},
        amounts,
    )


def recognition_notes(reproduction: Reproduction, found: Findings, choice: SampleChoice) -> list[str]:
    """Which classes are scored, and what was left out of recognition."""
    if not found.recognition:
        return ["no emotion was named: the recognition head needs annotated emotions of two classes"]
    absent = reproduction.plan.rule.absent
    notes = [
        f"emotions grouped by the table {reproduction.plan.emotions!r}, scored: {', '.join(found.classes)}; "
        f"{ABSENT[absent]}"
    ]
    samples = found.samples[choice]
    if samples.outside_classes:
        what = "hits" if choice == "tp" else "spotted intervals"
        notes.append(f"left out of recognition: {what} whose true emotion is not scored ({samples.outside_classes})")
    if samples.without_truth:
        what = "spotted intervals in videos that hold none or several micro-expressions, which hit none of them"
        notes.append(f"left out of recognition: {what} ({samples.without_truth})")
    return notes
