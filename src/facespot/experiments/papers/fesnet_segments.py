"""Segments of a test video: annotated, of the proposals of the LSDM, of the final result (FESNet, figure 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facespot.experiments.outcome import RunOutcome
from facespot.intervals import class_runs
from facespot.methods.fesnet.decoding import NO_LABEL, labels
from facespot.metrics.framewise import LABELS, edit_score, frame_labels
from facespot.report.segmentation_bars import Segment, SegmentationBar, SegmentationPanel
from facespot.values import KINDS, IntArray, Recording, Timebase, Track

ANNOTATED, SPATIAL, FINAL, INTERVALS = "annotated", "LSDM proposals", "final result", "after decoding"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One labelling of a video.

    Parameters
    ----------
    name : str
    frames : (n,) int64 array
        Source frame of each row.
    classes : (n,) int64 array
        Place in `facespot.metrics.framewise.LABELS`; -1 where it is not known.
    step_s : float
        Time from one row to the next.
    edit : float
        Edit of the rows that are scored; NaN where none is.
    """

    name: str
    frames: IntArray
    classes: IntArray
    step_s: float
    edit: float

    @property
    def n_expressions(self) -> int:
        """Runs of macro or micro."""
        return int(np.isin(class_runs(self.classes)[2], [LABELS.index(kind) for kind in KINDS]).sum())

    def segments(self, timebase: Timebase) -> tuple[Segment, ...]:
        """Its runs of macro, micro and what is not known, in seconds."""
        kinds = {NO_LABEL: None} | {LABELS.index(kind): kind for kind in KINDS}
        return tuple(
            Segment(
                timebase.seconds(int(self.frames[first])),
                min(timebase.seconds(int(self.frames[last])) + self.step_s, timebase.duration_s),
                kinds[label],
            )
            for first, last, label in zip(*(part.tolist() for part in class_runs(self.classes)), strict=True)
            if label in kinds
        )


def segmentations(outcome: RunOutcome, recording: Recording, found: Track) -> tuple[Segmentation, ...]:
    """All labellings of a test video that has scores, the annotated one first.

    Parameters
    ----------
    outcome : RunOutcome
    recording : Recording
    found : Track
        Its spotted expressions.

    Raises
    ------
    ValueError
        It has no scores.
    """
    scores = outcome.scores(recording)
    if scores is None:
        raise ValueError(f"{recording.id} has no scores")
    truth = next(one for one in outcome.truth if one.video == recording.id)
    true, spatial, final = frame_labels(truth), labels(scores, "/spatial"), labels(scores)
    known = final != NO_LABEL
    of_rows = {SPATIAL: spatial, FINAL: final, INTERVALS: frame_labels(found, len(true))[scores.frames]}

    def edit(classes: IntArray) -> float:
        return edit_score(true[scores.frames[known]], classes[known]) if known.any() else np.nan

    every = np.arange(len(true))
    return (
        Segmentation(ANNOTATED, every, true, 1 / recording.timebase.fps, 1.0),
        *(Segmentation(name, scores.frames, one, 1 / scores.fps, edit(one)) for name, one in of_rows.items()),
    )


def panel_of(recording: Recording, parts: Sequence[Segmentation]) -> SegmentationPanel:
    """The bars of a video with the number of segments and Edit of each."""
    bars = []
    for one in parts:
        counted = f"{one.n_expressions} expression{'' if one.n_expressions == 1 else 's'}"
        figures = counted if one.name == ANNOTATED or np.isnan(one.edit) else f"{counted}, Edit {one.edit:.2f}"
        bars.append(SegmentationBar(one.name, figures, one.segments(recording.timebase)))
    return SegmentationPanel(recording.id, recording.timebase.duration_s, tuple(bars))
