"""Scores by type to curves and expressions by threshold and peaks, as SOFTNet and MEAN do (SOFTNet section 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from facespot.intervals import Peaks, Smoothing, spot_peaks
from facespot.values import KINDS, Curve, Expression, Features, FloatArray, Kind, Scores, Track, distance_in_frames


@dataclass(frozen=True, slots=True)
class PeakRule:
    """How peaks are found.

    Parameters
    ----------
    half_length_s : mapping from type to float
        k in seconds: half the mean length of an expression, and half the length of a spotted interval.
    p : float
        Threshold between the mean (0) and the maximum (1) of the video.
    smoothing : {"code", "paper"}
        Window of the mean, see `facespot.intervals.smooth`.
    """

    half_length_s: Mapping[Kind, float]
    p: float
    smoothing: Smoothing

    def half_length(self, kind: Kind, fps: float) -> int:
        """Half length k in rows."""
        return distance_in_frames(self.half_length_s[kind], fps)

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows with a peak: k for the partner frame, 2k for the window, 3 values for a maximum."""
        return 3 * self.half_length(kind, fps) + 3


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


def find(scores: Scores, kind: Kind, rule: PeakRule) -> Peaks:
    """Peaks of one type."""
    values, valid = scores.channel(kind)
    # Rows at the end without a partner frame are no rows of this type's video: the window must not reach into them.
    n_rows = len(values) - (rule.half_length(kind, scores.fps) - _shortest(scores, rule))
    return spot_peaks(
        values[:n_rows], rule.half_length(kind, scores.fps), rule.p, valid=valid[:n_rows], smoothing=rule.smoothing
    )


def _shortest(scores: Scores, rule: PeakRule) -> int:
    return min(rule.half_length(kind, scores.fps) for kind in KINDS if kind in scores.channels)


def curves(scores: Scores, rule: PeakRule) -> tuple[Curve, ...]:
    """Smoothed scores and threshold of each type."""
    found = []
    for kind in KINDS:
        if kind in scores.channels:
            peaks = find(scores, kind, rule)
            smoothed = peaks.smoothed.astype(np.float32)
            found.append(Curve(kind, scores.frames[: len(smoothed)], smoothed, peaks.threshold))
    return tuple(found)


def decode(scores: Scores, rule: PeakRule) -> Track:
    """Intervals [peak - k, peak + k] of each type; the apex is the frame of the peak, its score the smoothed score."""
    expressions = []
    for kind in KINDS:
        if kind not in scores.channels:
            continue
        found = find(scores, kind, rule)
        for peak, (first, last) in zip(found.peaks, found.intervals, strict=True):
            onset, apex, offset = (int(scores.frames[row]) for row in (first, peak, last))
            expressions.append(Expression(onset, apex, offset, kind, score=float(found.smoothed[peak])))
    return Track(scores.video, scores.timebase, tuple(expressions))
