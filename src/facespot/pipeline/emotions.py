"""From class probabilities to emotions: a recognizer that is ready, its scores beside others, its names in a track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from facespot.errors import SettingsError
from facespot.methods import Recognizer, load_recognizer
from facespot.values import EMOTION_CHANNEL, Scores, Track


def ready_recognizer(
    chosen: str | Recognizer, weights: Sequence[str | Path] = (), settings: Mapping[str, Any] | None = None
) -> Recognizer:
    """A recognizer that can name emotions, loaded where only its name is given.

    Raises
    ------
    SettingsError, WeightsError
        If there is no such method, or its weights or settings do not fit.
    """
    recognizer = load_recognizer(chosen, weights=weights, settings=settings) if isinstance(chosen, str) else chosen
    if not recognizer.classes:
        remedy = "give weights with a recognition head"
        raise SettingsError(f"recognition by {recognizer.name!r}", "its weights name no emotion", remedy)
    return recognizer


def with_classes(scores: Scores, classes: Scores) -> Scores:
    """Scores with the class probabilities of their rows beside them.

    Parameters
    ----------
    scores : Scores
        Of the spotting method. Its rows stay what they are, so that decoding them again gives the same; class
        probabilities of its own are replaced.
    classes : Scores
        Of the recognizer, of the same video; NaN where it has no row for a frame.
    """
    kept = [index for index, name in enumerate(scores.channels) if not name.startswith(EMOTION_CHANNEL)]
    added = [index for index, name in enumerate(classes.channels) if name.startswith(EMOTION_CHANNEL)]
    present = np.isin(scores.frames, classes.frames)
    columns = np.full((len(scores.frames), len(added)), np.nan, dtype=np.float32)
    columns[present] = classes.values[np.searchsorted(classes.frames, scores.frames[present])][:, added]
    values = np.concatenate([scores.values[:, kept], columns], axis=1)
    channels = (*(scores.channels[index] for index in kept), *(classes.channels[index] for index in added))
    return replace(scores, channels=channels, values=values, valid=np.isfinite(values))


def with_emotions(recognizer: Recognizer, classes: Scores, track: Track) -> tuple[Track, int]:
    """The track with its emotions named, and how many expressions could not be and stay as they were."""
    bare = tuple(replace(one, emotion=None, emotion_probability=None) for one in track.expressions)
    named = recognizer.name_emotions(classes, replace(track, expressions=bare))
    pairs = list(zip(track.expressions, named.expressions, strict=True))
    kept = tuple(before if after.emotion is None else after for before, after in pairs)
    return replace(track, expressions=kept), sum(after.emotion is None for _, after in pairs)
