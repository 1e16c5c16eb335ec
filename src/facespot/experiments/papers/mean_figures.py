"""MEAN's figures 4, 5 and 7, drawn from the run that its tables use too; `mean_learning` has figure 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facespot.errors import FormatError, MissingDependencyError
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.mean_findings import KIND, Findings, findings, grouped, recognition_notes, run_mean
from facespot.experiments.papers.pictures import checkpoint_of, fold_of, prepared_video, scored_row, shown_videos
from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.features.maps import spread_over_face
from facespot.features.mean_maps import mean_images
from facespot.labels import frames_of_case
from facespot.methods.mean.method import MeanMethod
from facespot.models.checkpoint import read_weights
from facespot.report.confusion_matrix import write_confusion_matrix
from facespot.report.heat_map import HeatMapRow, write_heat_maps
from facespot.values import EMOTION_CHANNEL, BoolArray, Expression, IntArray, Recording, Track

SHORT = {"casme_ii": "CASME II", "smic_hs": "SMIC-HS", "smic_vis": "SMIC-VIS", "smic_nir": "SMIC-NIR"}
LONG = {"cas_me_2": "CAS(ME)2", "samm_lv": "SAMM-LV"}
EXPLAINED = {"cas_me_2": "CAS(ME)2"}


def figure4(reproduction: Reproduction) -> ReproducedFigure:
    """Confusion matrix of the hits, printed for the short videos."""
    return _confusion(reproduction, "mean:figure4", "MEAN, Figure 4", SHORT)


def figure5(reproduction: Reproduction) -> ReproducedFigure:
    """Confusion matrix of the hits, printed for the long videos."""
    return _confusion(reproduction, "mean:figure5", "MEAN, Figure 5", LONG)


def _confusion(reproduction: Reproduction, figure_id: str, place: str, printed: Mapping[str, str]) -> ReproducedFigure:
    reproduction = grouped(reproduction)
    outcome = run_mean(reproduction)
    found = findings(outcome)
    if not found.recognition:
        raise FormatError(str(outcome.folder), "no emotion was named", "use a corpus whose emotions are annotated")
    path = reproduction.picture(figure_id)
    one = found.recognition["tp"]
    write_confusion_matrix(one.classes, one.confusion, path)
    right, total = int(np.trace(one.confusion)), int(one.confusion.sum())
    notes = [*recognition_notes(reproduction, found, "tp"), f"{right} of {total} hits have the right emotion"]
    title = f"{place}: true and predicted emotions of the hits, in per cent of the true class"
    return reproduction.figure(figure_id, title, printed, outcome, paths=[path], notes=notes)


@dataclass(frozen=True)
class ShownExpression:
    """A true expression that figure 7 shows.

    Parameters
    ----------
    recording : Recording
    truth : Expression
    named : Expression
        What was spotted there, or the true interval where nothing was; with the emotion that it was given.
    hit : bool
        Whether it was spotted.
    """

    recording: Recording
    truth: Expression
    named: Expression
    hit: bool

    @property
    def right(self) -> bool:
        """Whether it was spotted and has the right emotion."""
        return self.hit and self.named.emotion == self.truth.emotion


def figure7(reproduction: Reproduction) -> ReproducedFigure:
    """Grad-CAM of both heads, one expression per emotion."""
    reproduction = grouped(reproduction)
    outcome = run_mean(reproduction)
    shown = shown_expressions(findings(outcome), videos=reproduction.videos)
    if not shown:
        remedy = "use a corpus whose emotions are annotated"
        raise FormatError(str(outcome.folder), "no labelled expression has class probabilities", remedy)
    path = reproduction.picture("mean:figure7")
    write_heat_maps([row for one in shown for row in heat_map_rows(outcome, one, reproduction)], path)
    notes = [
        "of each emotion the hit that is named right with the highest probability, explained by the network of the "
        "fold that had not seen the subject; of the frames that vote, the one with the highest probability; the face "
        "is the later one of the pair; motion: length of the flow, the head's included",
    ]
    wrong = [f"{one.truth.emotion}" for one in shown if one.hit and not one.right]
    missed = [f"{one.truth.emotion}" for one in shown if not one.hit]
    notes += [f"no hit was named right of {', '.join(wrong)}: a hit with another name is shown"] if wrong else []
    notes += [f"none was spotted of {', '.join(missed)}: a missed one is shown at its true place"] if missed else []
    title = "MEAN, Figure 7: where the spotting and the recognition head look, Grad-CAM on the concatenated layer"
    return reproduction.figure("mean:figure7", title, EXPLAINED, outcome, paths=[path], notes=notes)


def shown_expressions(found: Findings, *, videos: Sequence[str] = ()) -> list[ShownExpression]:
    """One expression of each emotion: named right, else hit, else missed; of these the most probable.

    Parameters
    ----------
    found : Findings
    videos : sequence of str
        Only these, as `shown_videos` takes them; empty for all.
    """
    outcome = found.outcome
    usable = shown_videos(outcome, videos) if videos else outcome.tested
    hits = {(hit.video, hit.truth): hit.predicted for hit in found.spotting.matches}
    best: dict[str, ShownExpression] = {}
    for recording in usable:
        for truth in recording.truth.of_kind(KIND).expressions:
            hit = hits.get((recording.id, truth))
            named = hit if hit is not None else _named_at_truth(outcome, recording, truth)
            if truth.emotion not in found.classes or named is None or named.emotion is None:
                continue
            one = ShownExpression(recording, truth, named, hit is not None)
            other = best.get(str(truth.emotion))
            if other is None or _rank(one) > _rank(other):
                best[str(truth.emotion)] = one
    return [best[name] for name in found.classes if name in best]


def _rank(one: ShownExpression) -> tuple[bool, bool, float]:
    return one.right, one.hit, one.named.emotion_probability or 0.0


def _named_at_truth(outcome: RunOutcome, recording: Recording, truth: Expression) -> Expression | None:
    """The true interval with the emotion that the network gives it; None without scores."""
    scores = outcome.scores(recording)
    if scores is None:
        return None
    unnamed = replace(truth, emotion=None)
    (named,) = (
        _method(outcome, recording)
        .name_emotions(scores, Track(recording.id, recording.timebase, (unnamed,)))
        .expressions
    )
    return named


def heat_map_rows(outcome: RunOutcome, shown: ShownExpression, reproduction: Reproduction) -> list[HeatMapRow]:
    """Face, heat and motion of one expression: one row for the spotting, one for the recognition head.

    Raises
    ------
    MissingDependencyError
        PyTorch is not installed.
    """
    try:
        from facespot.methods.mean.grad_cam import recognition_heat, spotting_heat
        from facespot.methods.mean.network import MEAN
    except ModuleNotFoundError as error:
        remedy = 'run pip install "facespot[train]"'
        raise MissingDependencyError("Grad-CAM", f"{error.name} is not installed", remedy) from None
    recording, named = shown.recording, shown.named
    method = _method(outcome, recording)
    scores = outcome.scores(recording)
    checkpoint = checkpoint_of(outcome, recording, KIND)
    if scores is None or named.emotion is None:
        raise ValueError(f"{recording.id} has no class probabilities there")
    probabilities, valid = scores.channel(f"{EMOTION_CHANNEL}{named.emotion}")
    first, last = frames_of_case(named.onset, named.apex, named.offset, method.config.case)
    rows = voting_rows(scores.frames, valid, first, last)
    number = int(rows[np.argmax(probabilities[rows])])
    prepared = prepared_video(outcome, recording, reproduction)
    row = scored_row(prepared, number, method.plan()[KIND])
    layout = method.config.roi_layout
    maps = mean_images(row.flow, row.regions, reading=method.config.reading, roi_layout=layout)
    network = MEAN.of_weights(read_weights(checkpoint)).eval()
    classes: Sequence[str] = checkpoint.fitted["classes"]
    score = float(scores.channel(KIND)[0][number])
    place = f"{recording.id.rpartition('/')[2]} frames {row.frames[0]} to {row.frames[1]}"
    units = [f"AU {'+'.join(shown.truth.action_units)}"] if shown.truth.action_units else []
    missed = [] if shown.hit else ["missed"]
    motion = np.hypot(*np.moveaxis(row.flow[0], -1, 0))
    spotting = ", ".join([f"{shown.truth.emotion}", *units, place, f"spotting head {score:.2f}", *missed])
    recognition = f"{shown.truth.emotion}, recognition head: {named.emotion} {float(probabilities[number]):.2f}"
    heats = {
        spotting: spotting_heat(network, maps)[0],
        recognition: recognition_heat(network, maps, classes.index(named.emotion))[0],
    }
    return [
        HeatMapRow(title, row.face, spread_over_face(heat, row.regions, roi_layout=layout), motion)
        for title, heat in heats.items()
    ]


def voting_rows(frames: IntArray, valid: BoolArray, first: int, last: int) -> IntArray:
    """Rows with probabilities among those that vote, as `facespot.labels.label_track` takes them."""
    start, stop = int(np.searchsorted(frames, first)), int(np.searchsorted(frames, last, side="right"))
    if start == stop and 0 < start < len(frames):
        start -= 1
    return start + np.flatnonzero(valid[start:stop])


def _method(outcome: RunOutcome, recording: Recording) -> MeanMethod:
    method = fold_of(outcome, recording).method("mean")
    if not isinstance(method, MeanMethod):
        raise TypeError("the run is not one of MEAN")
    return method
