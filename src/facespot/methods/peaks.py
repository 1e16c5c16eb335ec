"""Scores by type to curves and expressions by threshold and peaks, as SOFTNet and MEAN do (SOFTNet section 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from facespot.intervals import Peaks, Smoothing, half_mean_length, spot_peaks
from facespot.methods.settings import check_between
from facespot.values import KINDS, Curve, Expression, Features, FloatArray, Kind, Scores, Track, distance_in_frames


@dataclass(frozen=True)
class PeakConfig:
    """Settings of every method that spots by threshold and peaks.

    Parameters
    ----------
    macro_distance_s, micro_distance_s : float
        k in seconds: time between the two frames of a pair, and half the length of a spotted interval. CAS(ME)2: 18
        and 6 frames at 30 fps; SAMM-LV: 174 and 37 frames at 200 fps, 0.87 and 0.185 s (SOFTNet section 3.1).
    p : float
        Threshold between the mean (0) and the maximum (1) of the video (SOFTNet section 3.1).
    smoothing : {"code", "paper"}
        Window of eq. 4, see `facespot.intervals.smooth`.
    flow : str
        Optical flow engine, see `facespot.features.flow.ENGINES`.
    """

    macro_distance_s: float = 0.6
    micro_distance_s: float = 0.2
    p: float = 0.5
    smoothing: Smoothing = "code"
    flow: str = "tvl1"

    def __post_init__(self) -> None:
        check_between("p", self.p, 0.0, 1.0)
        check_between("macro_distance_s", self.macro_distance_s, 0.01, 10.0, "seconds")
        check_between("micro_distance_s", self.micro_distance_s, 0.01, 10.0, "seconds")

    @property
    def distances_s(self) -> dict[Kind, float]:
        """The distance k in seconds by type."""
        return {"macro": self.macro_distance_s, "micro": self.micro_distance_s}

    def half_length(self, kind: Kind, fps: float) -> int:
        """The distance k in rows."""
        return distance_in_frames(self.distances_s[kind], fps)


Config = TypeVar("Config", bound=PeakConfig)


class PeakMethod:
    """The part of a method that all of them share: from scores to curves and expressions.

    Parameters
    ----------
    config : PeakConfig
        All settings.
    """

    config: PeakConfig

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """None: all is learned from the dense rows."""
        return ()

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows with a peak: k for the partner frame, 2k for the window, 3 values for a maximum."""
        return 3 * self.config.half_length(kind, fps) + 3

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Smoothed scores and threshold of each type."""
        return curves(scores, self.config)

    def decode(self, scores: Scores) -> Track:
        """Intervals around the peaks of each type."""
        return decode(scores, self.config)


def adapted(config: Config, tracks: Sequence[Track]) -> Config:
    """A config with the distances k of some annotations: half the mean length of an expression of each type.

    k is a whole number of frames (SOFTNet, footnote 1), at the median rate of the tracks; where the rates differ,
    lengths are brought to that one through seconds.
    """
    if not tracks:
        return config
    fps = float(np.median([track.timebase.fps for track in tracks]))
    distances = {
        f"{kind}_distance_s": max(1, half_mean_length(tracks, kind, fps=fps)) / fps
        for kind in KINDS
        if any(track.of_kind(kind).expressions for track in tracks)
    }
    return replace(config, **distances)  # type: ignore[arg-type]


def scores_of_kinds(features: Mapping[Kind, Features], columns: Mapping[Kind, FloatArray]) -> Scores:
    """Put the scores of the types side by side; a type with fewer rows has no score at the end.

    Parameters
    ----------
    features : mapping from type to Features
        All of the same video and selection.
    columns : mapping from type to (n,) float32 array
        Scores of the valid and invalid rows; what stands in invalid rows is ignored.
    """
    kinds = tuple(kind for kind in KINDS if kind in features)
    longest = max((features[kind] for kind in kinds), key=lambda one: len(one.frames))
    values = np.full((len(longest.frames), len(kinds)), np.nan, dtype=np.float32)
    for column, kind in enumerate(kinds):
        valid = features[kind].valid
        values[: len(valid), column][valid] = columns[kind][valid]
    return Scores(longest.video, longest.timebase, kinds, values, longest.frames, np.isfinite(values), longest.fps)


def find(scores: Scores, kind: Kind, config: PeakConfig) -> Peaks:
    """Peaks of one type."""
    values, valid = scores.channel(kind)
    # Rows at the end without a partner frame are no rows of this type's video: the window must not reach into them.
    n_rows = len(values) - (config.half_length(kind, scores.fps) - _shortest(scores, config))
    return spot_peaks(
        values[:n_rows],
        config.half_length(kind, scores.fps),
        config.p,
        valid=valid[:n_rows],
        smoothing=config.smoothing,
    )


def _shortest(scores: Scores, config: PeakConfig) -> int:
    return min(config.half_length(kind, scores.fps) for kind in KINDS if kind in scores.channels)


def curves(scores: Scores, config: PeakConfig) -> tuple[Curve, ...]:
    """Smoothed scores and threshold of each type."""
    found = []
    for kind in KINDS:
        if kind in scores.channels:
            peaks = find(scores, kind, config)
            smoothed = peaks.smoothed.astype(np.float32)
            found.append(Curve(kind, scores.frames[: len(smoothed)], smoothed, peaks.threshold))
    return tuple(found)


def decode(scores: Scores, config: PeakConfig) -> Track:
    """Intervals [peak - k, peak + k] of each type; the apex is the frame of the peak, its score the smoothed score."""
    expressions = []
    for kind in KINDS:
        if kind not in scores.channels:
            continue
        found = find(scores, kind, config)
        for peak, (first, last) in zip(found.peaks, found.intervals, strict=True):
            onset, apex, offset = (int(scores.frames[row]) for row in (first, peak, last))
            expressions.append(Expression(onset, apex, offset, kind, score=float(found.smoothed[peak])))
    return Track(scores.video, scores.timebase, tuple(expressions))
