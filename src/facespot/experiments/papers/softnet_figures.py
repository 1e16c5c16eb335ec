"""SOFTNet's figures 5 and 6 (supplement, section C), drawn from the run that its tables use too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facespot.errors import FormatError, MissingDependencyError, SettingsError
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.pictures import checkpoint_of, fold_of, prepared_video, scored_row, shown_videos
from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.export.atomic import output_folder
from facespot.features.maps import motion_maps, softnet_images, spread_over_face
from facespot.methods.softnet.config import SoftnetConfig
from facespot.metrics.figures import evaluate_by
from facespot.models import Checkpoint
from facespot.models.checkpoint import read_weights
from facespot.pipeline import apex_pictures
from facespot.report.heat_map import HeatMapRow, write_heat_maps
from facespot.report.timeline import write_timeline
from facespot.values import KINDS, Expression, Kind, Recording, Result

if TYPE_CHECKING:
    from facespot.methods.softnet.network import SOFTNet

PRINTED_ON = {"cas_me_2": "CAS(ME)2"}
HEAT_MAPS_PER_KIND = 4


@dataclass(frozen=True)
class ShownOnset:
    """A true expression that figure 5 shows.

    Parameters
    ----------
    recording : Recording
    truth : Expression
    row : int
        Row of the scores whose pair of frames spans the onset; of these the one with the largest score.
    score : float
        Score of that row.
    hit : bool
        Whether the expression was spotted.
    """

    recording: Recording
    truth: Expression
    row: int
    score: float
    hit: bool


def figure5(reproduction: Reproduction) -> ReproducedFigure:
    """Grad-CAM over the face at the onset of the most confident hits, one per emotion and type."""
    outcome = reproduction.run("softnet")
    config: SoftnetConfig = outcome.folds[0].method("softnet").config
    if config.network != "softnet":
        raise SettingsError("setting 'network'", "figure 5 explains SOFTNet itself", "leave network as it is")
    shown = [one for kind in KINDS for one in shown_onsets(outcome, kind, videos=reproduction.videos)]
    if not shown:
        raise FormatError(str(outcome.folder), "no true expression has a score", "run it on more videos")
    path = reproduction.picture("softnet:figure5")
    write_heat_maps([heat_map_row(outcome, one, reproduction) for one in shown], path)
    notes = [
        "of the pairs of frames that span the onset, the one with the largest score, from the network of the fold "
        "that had not seen the subject; the face is the later one of the pair; motion: length of the flow, the head's "
        "removed, eyes masked",
    ]
    missed = [kind for kind in KINDS if any(one.truth.kind == kind and not one.hit for one in shown)]
    notes += [f"no {kind}-expression was spotted: the missed ones with the largest scores are shown" for kind in missed]
    title = (
        "SOFTNet, Figure 5, page 2 of the supplement: where the network looks at the onset of an expression, Grad-CAM "
        "on the concatenated layer"
    )
    return reproduction.figure("softnet:figure5", title, PRINTED_ON, outcome, paths=[path], notes=notes)


def figure6(reproduction: Reproduction) -> ReproducedFigure:
    """Timelines of both types: scores, thresholds, spotted and true intervals."""
    outcome = reproduction.run("softnet")
    paths = []
    for recording in shown_videos(outcome, reproduction.videos):
        path = reproduction.picture("softnet:figure6", recording.id)
        result = result_of(outcome, recording, reproduction)
        truth = next(track for track in outcome.truth if track.video == recording.id)
        with output_folder(path.parent) as folder:
            write_timeline(result, folder / path.name, truth=truth)
        paths.append(path)
    chosen = "" if reproduction.videos else "; shown are the videos with the most micro-expressions"
    notes = [f"the scores are not normalised as in the paper: each type has an axis of its own{chosen}"]
    title = "SOFTNet, Figure 6, page 3 of the supplement: macro- and micro-expressions in long videos"
    return reproduction.figure("softnet:figure6", title, PRINTED_ON, outcome, paths=paths, notes=notes)


def result_of(outcome: RunOutcome, recording: Recording, reproduction: Reproduction) -> Result:
    """What the run found in a test video, with the faces at the apexes."""
    scores = outcome.scores(recording)
    if scores is None:
        raise ValueError(f"{recording.id} has no scores")
    track = next(one for one in outcome.predicted() if one.video == recording.id)
    prepared = prepared_video(outcome, recording, reproduction)
    pictures = apex_pictures(prepared.video, prepared.selection, prepared.faces, track)
    return Result(track, scores, outcome.curves(recording), {"method": outcome.plan.method}, pictures=pictures)


def shown_onsets(outcome: RunOutcome, kind: Kind, *, videos: Sequence[str] = ()) -> list[ShownOnset]:
    """The most confident hits of a type, one per emotion where emotions are annotated.

    Where nothing was hit, the true expressions with the largest scores at their onset.

    Parameters
    ----------
    outcome : RunOutcome
    kind : {"macro", "micro"}
    videos : sequence of str
        Only these, as `shown_videos` takes them; empty for all.
    """
    usable = shown_videos(outcome, videos) if videos else outcome.tested
    recordings = {one.id: one for one in usable}
    matches = evaluate_by(outcome.plan.rule, outcome.truth, outcome.predicted()).of_kind(kind).matches
    confidence = {(hit.video, hit.truth): hit.predicted.score or 0.0 for hit in matches}
    shown = []
    for recording in recordings.values():
        for truth in recording.truth.of_kind(kind).expressions:
            peak = _peak_at_onset(outcome, recording, truth)
            if peak is not None:
                shown.append(ShownOnset(recording, truth, *peak, (recording.id, truth) in confidence))
    hits = [one for one in shown if one.hit]
    ranked = sorted(
        hits or shown, key=lambda one: confidence.get((one.recording.id, one.truth), one.score), reverse=True
    )
    best: dict[str, ShownOnset] = {}
    for one in ranked:
        if one.truth.emotion is not None:
            best.setdefault(one.truth.emotion, one)
    return list(best.values() or ranked)[:HEAT_MAPS_PER_KIND]


def _peak_at_onset(outcome: RunOutcome, recording: Recording, truth: Expression) -> tuple[int, float] | None:
    """Row and score of the largest score among the rows whose pair of frames spans the onset; None without such."""
    scores = outcome.scores(recording)
    if scores is None or truth.kind not in scores.channels:
        return None
    values, valid = scores.channel(truth.kind)
    reach = _config(outcome, recording).distances_s[truth.kind] * recording.timebase.fps
    rows = np.flatnonzero(valid & (scores.frames <= truth.onset) & (scores.frames >= truth.onset - reach))
    if not len(rows):
        return None
    row = int(rows[np.argmax(values[rows])])
    return row, float(values[row])


def heat_map_row(outcome: RunOutcome, shown: ShownOnset, reproduction: Reproduction) -> HeatMapRow:
    """Face, heat and motion of one onset.

    Raises
    ------
    MissingDependencyError
        PyTorch is not installed.
    """
    try:
        from facespot.methods.softnet.grad_cam import grad_cam
    except ModuleNotFoundError as error:
        remedy = 'run pip install "facespot[train]"'
        raise MissingDependencyError("Grad-CAM", f"{error.name} is not installed", remedy) from None
    recording, kind = shown.recording, shown.truth.kind
    config = _config(outcome, recording)
    spec = fold_of(outcome, recording).method("softnet").plan()[kind]
    row = scored_row(prepared_video(outcome, recording, reproduction), shown.row, spec)
    maps = softnet_images(row.flow, row.regions, reading=config.reading, roi_layout=config.roi_layout)
    heat = grad_cam(_network(checkpoint_of(outcome, recording, kind)), maps)[0]
    motion = np.hypot(*np.moveaxis(motion_maps(row.flow, row.regions)[0, ..., :2], -1, 0))
    parts = [f"{recording.id.rpartition('/')[2]} frames {row.frames[0]} to {row.frames[1]}", kind]
    parts += [shown.truth.emotion] if shown.truth.emotion else []
    parts += [f"AU {'+'.join(shown.truth.action_units)}"] if shown.truth.action_units else []
    parts += [f"score {shown.score:.2f}"] + ([] if shown.hit else ["missed"])
    return HeatMapRow(
        ", ".join(parts), row.face, spread_over_face(heat, row.regions, roi_layout=config.roi_layout), motion
    )


def _network(checkpoint: Checkpoint) -> SOFTNet:
    import torch

    from facespot.methods.softnet.network import SOFTNet

    network = SOFTNet()
    network.load_state_dict({name: torch.tensor(values) for name, values in read_weights(checkpoint).items()})
    return network.eval()


def _config(outcome: RunOutcome, recording: Recording) -> SoftnetConfig:
    config: SoftnetConfig = fold_of(outcome, recording).method("softnet").config
    return config
