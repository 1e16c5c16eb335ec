"""Feature maps of the LSDM over a face during a micro-expression (FESNet, figure 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facespot.errors import FormatError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.fesnet_stages import faces_of, fold_config, network_of, stages_of
from facespot.experiments.papers.pictures import fold_of, shown_videos
from facespot.experiments.papers.reproduction import Reproduction
from facespot.features.aligned_faces import ALIGNED_SHAPE
from facespot.methods.fesnet.clips import clips_of
from facespot.values import ByteImage, Expression, Features, FloatArray, IntArray, Recording

STAGES = {"X_init": "x_init", "X_Atten": "x_attention", "x'": "x_deep", "x''": "x_motion"}
"""Layers in the order of the network by the paper's names."""


@dataclass(frozen=True, eq=False)
class ShownClip:
    """The clip that begins at the onset of a micro-expression.

    Parameters
    ----------
    recording : Recording
    truth : Expression
    fold : FoldOutcome
        The fold that had not seen the video.
    features : Features
        Aligned faces of the video.
    rows : (T,) int64 array
        Rows of the clip; where the face is lost earlier the last row is repeated.
    apex : int
        Place of the apex in the clip.
    """

    recording: Recording
    truth: Expression
    fold: FoldOutcome
    features: Features
    rows: IntArray
    apex: int

    @property
    def faces(self) -> tuple[ByteImage, ByteImage]:
        """The first face of the clip and that at the apex."""
        first, apex = (self.features.values[self.rows[place]] for place in (0, self.apex))
        return first, apex

    @property
    def change(self) -> float:
        """Mean absolute difference of the two faces in grey levels."""
        first, apex = (face.astype(np.float64) for face in self.faces)
        return float(np.abs(apex - first).mean())


@dataclass(frozen=True, eq=False)
class StageMaps:
    """What one layer holds of the first frame of a clip and of the apex.

    Parameters
    ----------
    name : str
    maps : (2, 112, 112) float32 array
        Mean of the absolute values over the channels, upsampled; 0 is the lowest value of both, 1 the highest.
    """

    name: str
    maps: FloatArray

    @property
    def salient(self) -> float:
        """Share of the face in which the map of the apex is above the middle of its own range."""
        apex = self.maps[1]
        return float((apex > (apex.min() + apex.max()) / 2).mean())


def shown_clip(outcome: RunOutcome, reproduction: Reproduction) -> ShownClip:
    """Of the micro-expressions of the shown videos, the one whose face changes most from the onset to the apex.

    Raises
    ------
    FormatError
        None has a face at the onset and later on.
    """
    found = []
    for recording in shown_videos(outcome, reproduction.videos):
        micro = recording.truth.of_kind("micro").expressions
        fold = fold_of(outcome, recording)
        if micro:
            features = faces_of(outcome, fold, [recording.id], reproduction)[recording.id]
            clips = [clip_from_onset(recording, one, fold, features) for one in micro]
            found += [one for one in clips if one is not None]
    if not found:
        remedy = "name a video with --video in which a micro-expression and its face are seen"
        raise FormatError(str(outcome.folder), "no micro-expression of the shown videos has a face", remedy)
    return max(found, key=lambda one: one.change)


def clip_from_onset(recording: Recording, truth: Expression, fold: FoldOutcome, features: Features) -> ShownClip | None:
    """The rows of a clip from the onset on; None where there is no face at the onset, or none after it."""
    onset = int(np.searchsorted(features.frames, truth.onset))
    clips = clips_of(features.valid[onset:], fold_config(fold).clip_frames, 1)
    if not len(clips) or clips.rows[0, 0] != 0:
        return None
    rows = onset + clips.rows[0]
    middle = truth.apex if truth.apex is not None else (truth.onset + truth.offset) // 2
    apex = int(np.abs(features.frames[rows] - middle).argmin())
    return ShownClip(recording, truth, fold, features, rows, apex) if apex else None


def stage_maps(clip: ShownClip) -> list[StageMaps]:
    """Maps of all layers of the network that had not seen the video.

    Raises
    ------
    MissingDependencyError, FormatError
        As `network_of`.
    """
    import cv2

    stages = stages_of(network_of(clip.fold), clip.features.values[clip.rows])
    found = []
    for name, attribute in STAGES.items():
        values = getattr(stages, attribute)[0, [0, clip.apex]].abs().mean(dim=1).numpy()
        maps = np.stack([cv2.resize(one, ALIGNED_SHAPE[:2], interpolation=cv2.INTER_LINEAR) for one in values])
        lowest, highest = maps.min(), maps.max()
        found.append(StageMaps(name, (maps - lowest) / ((highest - lowest) or 1)))
    return found
