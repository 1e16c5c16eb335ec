"""What is computed per frame: features, scores, curves, and the result of one video."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.values.arrays import BoolArray, ByteImage, FloatArray, IntArray, Setting, read_only
from facespot.values.time import Kind, Timebase, Track

EMOTION_CHANNEL = "emotion/"
"""What the names of channels with class probabilities begin with; the rest is the class."""


@dataclass(frozen=True)
class FeatureSpec:
    """What is computed from a video, completely: equal specs give equal features.

    Parameters
    ----------
    kind : str
        Name of the feature, a key of `facespot.features`.
    version : int
        Raised whenever the code computes something else for the same settings.
    settings : mapping of str to str, int, float, bool or None
        Every setting that changes the values.
    """

    kind: str
    version: int
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that differ where the spec differs; part of the cache key.

        >>> FeatureSpec("strain", 1).digest() == FeatureSpec("strain", 2).digest()
        False
        """
        text = json.dumps([self.kind, self.version, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_rows(values: NDArray[Any], frames: NDArray[Any], valid: NDArray[Any]) -> None:
    if frames.ndim != 1 or len(values) != len(frames):
        raise ValueError(f"{len(values)} rows of values for frames of shape {frames.shape}")
    if len(valid) != len(frames):
        raise ValueError(f"{len(valid)} marks of validity for {len(frames)} rows")
    if np.any(np.diff(frames) <= 0):
        raise ValueError("the frames of the rows must increase strictly")


@dataclass(frozen=True, eq=False)
class Features:
    """What a method sees of one video: one row of numbers per frame.

    Parameters
    ----------
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the source video.
    spec : FeatureSpec
        What the values are.
    values : (n, ...) float32 or uint8 array
        One row per frame, possibly memory-mapped. Rows that are not valid hold NaN, or 0 in bytes.
    frames : (n,) int64 array
        Source frame of each row, strictly increasing.
    valid : (n,) bool array
        False where the frame or its partner has no usable face.
    fps : float
        Rows per second.
    source : str
        Digest of the video; empty where unknown.
    """

    video: str
    timebase: Timebase
    spec: FeatureSpec
    values: NDArray[Any]
    frames: IntArray
    valid: BoolArray
    fps: float
    source: str = ""

    def __post_init__(self) -> None:
        frames, valid = np.asarray(self.frames, dtype=np.int64), np.asarray(self.valid, dtype=np.bool_)
        _check_rows(self.values, frames, valid)
        object.__setattr__(self, "values", read_only(self.values))
        object.__setattr__(self, "frames", read_only(frames))
        object.__setattr__(self, "valid", read_only(valid))


@dataclass(frozen=True, eq=False)
class Scores:
    """How strongly a method believes in an expression, per frame and channel.

    Parameters
    ----------
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the source video.
    channels : tuple of str
        Name of each column: ``"macro"``, ``"micro"``, ``"micro/onset"``, ``"emotion/negative"``, ...
    values : (n, c) float32 array
        Scores; NaN exactly where not valid.
    frames : (n,) int64 array
        Source frame of each row, strictly increasing.
    valid : (n, c) bool array
        False where there is no score: no usable face, or no partner frame at the end of the video.
    fps : float
        Rows per second.
    """

    video: str
    timebase: Timebase
    channels: tuple[str, ...]
    values: FloatArray
    frames: IntArray
    valid: BoolArray
    fps: float

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32)
        frames, valid = np.asarray(self.frames, dtype=np.int64), np.asarray(self.valid, dtype=np.bool_)
        if values.ndim != 2 or values.shape[1] != len(self.channels) or valid.shape != values.shape:
            raise ValueError(f"{values.shape} scores, {valid.shape} marks for {len(self.channels)} channels")
        _check_rows(values, frames, valid)
        if not np.array_equal(np.isfinite(values), valid):
            raise ValueError("scores must be finite where valid and NaN elsewhere")
        object.__setattr__(self, "values", read_only(values))
        object.__setattr__(self, "frames", read_only(frames))
        object.__setattr__(self, "valid", read_only(valid))

    def channel(self, name: str) -> tuple[FloatArray, BoolArray]:
        """Values and validity of one channel, both of length n."""
        column = self.channels.index(name)
        return self.values[:, column], self.valid[:, column]


@dataclass(frozen=True, eq=False)
class Curve:
    """What the threshold was laid on for one type: the smoothed score of each frame.

    Parameters
    ----------
    kind : {"macro", "micro"}
        Type of expression.
    frames : (n,) int64 array
        Source frame of each value.
    values : (n,) float32 array
        Smoothed scores; NaN where there is none.
    threshold : float or None
        Peaks above it are spotted; None where no frame has a score, or the method lays none.
    """

    kind: Kind
    frames: IntArray
    values: FloatArray
    threshold: float | None


@dataclass(frozen=True, eq=False)
class Result:
    """What `facespot.spot` found in one video.

    Parameters
    ----------
    track : Track
        The expressions, in frames of the source video.
    scores : Scores
        Raw scores per frame; other thresholds need no new inference.
    curves : tuple of Curve
        Smoothed scores and threshold, one per type.
    provenance : mapping
        What made the result: versions, method, settings, hashes of video and weights, the face that was used.
    notes : tuple of str
        What a reader must know to judge the result, one sentence each.
    pictures : mapping from frame to (h, w, 3) uint8 array
        The face in the apex frames of the strongest expressions, RGB; empty unless asked for.
    micro_doubts : tuple of str, optional
        Why micro-expressions in this video are unreliable, one sentence each; empty where the video is good enough,
        None where they were not asked for or the video was not judged.
    """

    track: Track
    scores: Scores
    curves: tuple[Curve, ...]
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    pictures: Mapping[int, ByteImage] = field(default_factory=dict)
    micro_doubts: tuple[str, ...] | None = None
