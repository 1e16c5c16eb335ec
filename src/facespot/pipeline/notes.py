"""What a result says about itself in words: frames without face or score, doubts, emotions that could not be named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facespot.faces import FaceTrack
from facespot.values import KINDS, Scores


def notes_on_faces(faces: FaceTrack) -> tuple[str, ...]:
    """Whether other faces were there, and how many frames have none."""
    notes = []
    if faces.n_faces > 1:
        notes.append(f"{faces.n_faces} faces were found; number {faces.chosen} was used (--face N chooses another)")
    missing = int(np.count_nonzero(~faces.valid))
    if missing:
        share = 100 * missing / len(faces.valid)
        notes.append(f"no usable face in {missing} of {len(faces.valid)} frames ({share:.1f} %): they have no score")
    return tuple(notes)


def notes_on_scores(scores: Scores) -> tuple[str, ...]:
    """Types of expressions for which not one frame has a score."""
    silent = [kind for kind in KINDS if kind in scores.channels and not scores.channel(kind)[1].any()]
    return tuple(f"no frame has a score for {kind}-expressions" for kind in silent)


def notes_on_doubts(doubts: Sequence[str]) -> tuple[str, ...]:
    """Why micro-expressions that were looked for cannot be trusted in this video."""
    return tuple(f"micro results are unreliable: {doubt}" for doubt in doubts)


def notes_on_emotions(without: int, instead: str) -> tuple[str, ...]:
    """How many expressions could not be named, and what they have instead."""
    if not without:
        return ()
    which = "the emotion of 1 expression" if without == 1 else f"the emotions of {without} expressions"
    return (f"{which} could not be named, no frame there has class probabilities: {instead}",)
