"""Apex spotting rate, and how far onset, apex and offset of the hits lie from the truth, in frames and seconds.

Conventions: an error is predicted minus true, so a negative one means too early. Frames count from 0; seconds come from
the timebase of the true track, and frames beyond its end go on at its mean rate.

ASR (MEAN eq. 13, after Liong et al. 2016) is meant for short videos with one micro-expression each: the share of the
videos whose spotted apex lies in (onset, offset), both ends excluded. A video in which nothing was spotted fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.metrics.matching import Match
from facespot.values import Expression, Kind, Timebase, Track

POINTS = ("onset", "apex", "offset")


def apex_spotting_rate(truth: Sequence[Expression], apexes: Sequence[int | None], *, strict: bool = True) -> float:
    """Share of the true expressions whose spotted apex lies inside, MEAN eq. 13.

    Parameters
    ----------
    truth : sequence of Expression
        The one true expression of each video.
    apexes : sequence of (int or None)
        Spotted apex frame of each video; None where nothing was spotted.
    strict : bool
        Whether the onset and offset frames are excluded, as the equation's round brackets say.

    Raises
    ------
    ValueError
        If the lengths differ or there is no video.

    >>> apex_spotting_rate([Expression(10, 14, 20, "micro"), Expression(5, 7, 9, "micro")], [15, 5])
    0.5
    """
    if len(truth) != len(apexes) or not truth:
        raise ValueError(f"{len(apexes)} spotted apexes for {len(truth)} videos")
    inside = [
        apex is not None and (one.onset < apex < one.offset if strict else one.onset <= apex <= one.offset)
        for one, apex in zip(truth, apexes, strict=True)
    ]
    return sum(inside) / len(inside)


def apex_spotting_rate_of_tracks(
    truth: Sequence[Track], predicted: Sequence[Track], kind: Kind = "micro", *, strict: bool = True
) -> float:
    """ASR of short videos; of several predictions the one with the highest score counts.

    Parameters
    ----------
    truth : sequence of Track
        One true expression of the type in each video.
    predicted : sequence of Track
        Predictions with an apex.
    kind : {"macro", "micro"}
        Type of expression.
    strict : bool
        As in `apex_spotting_rate`.

    Raises
    ------
    ValueError
        If a video has none or several true expressions of the type: ASR does not apply to long videos.
    """
    by_video = {track.video: track for track in predicted}
    true, apexes = [], []
    for track in truth:
        found = track.of_kind(kind).expressions
        if len(found) != 1:
            raise ValueError(f"{track.video} holds {len(found)} {kind}-expressions; ASR needs one in each video")
        guesses = by_video[track.video].of_kind(kind).expressions if track.video in by_video else ()
        best = max(guesses, key=lambda one: -np.inf if one.score is None else one.score, default=None)
        true.append(found[0])
        apexes.append(best.apex if best else None)
    return apex_spotting_rate(true, apexes, strict=strict)


@dataclass(frozen=True)
class PointError:
    """Error of one point (onset, apex or offset) over the hits; NaN without hits.

    Parameters
    ----------
    n : int
        Hits in which both the true and the predicted frame are known.
    mean_frames, mean_s : float
        Mean error, predicted minus true: the bias.
    absolute_frames, absolute_s : float
        Mean absolute error.
    median_frames, median_s : float
        Median absolute error.
    """

    n: int
    mean_frames: float
    absolute_frames: float
    median_frames: float
    mean_s: float
    absolute_s: float
    median_s: float


def point_errors(matches: Sequence[Match], timebases: Mapping[str, Timebase]) -> dict[str, PointError]:
    """Errors of onset, apex and offset.

    Parameters
    ----------
    matches : sequence of Match
        The hits of an evaluation.
    timebases : mapping from video to Timebase
        Frames and seconds of the true tracks.
    """
    errors = {}
    for point in POINTS:
        known = [
            (true, guess, timebases[hit.video])
            for hit in matches
            if (true := getattr(hit.truth, point)) is not None and (guess := getattr(hit.predicted, point)) is not None
        ]
        frames = np.array([guess - true for true, guess, _ in known], dtype=np.float64)
        seconds = np.array([time_s(base, guess) - time_s(base, true) for true, guess, base in known], dtype=np.float64)
        errors[point] = PointError(len(known), *_figures(frames), *_figures(seconds))
    return errors


def time_s(timebase: Timebase, frame: int) -> float:
    """Time of a frame in seconds, also beyond the end of the timebase.

    >>> time_s(Timebase(25.0, 10), 50)
    2.0
    """
    if timebase.timestamps_s is None or timebase.n_frames == 0:
        return frame / timebase.fps
    beyond = max(0, frame - (timebase.n_frames - 1))
    return timebase.seconds(frame - beyond) + beyond / timebase.fps


def _figures(errors: NDArray[np.float64]) -> tuple[float, float, float]:
    if len(errors) == 0:
        return (float("nan"),) * 3
    absolute = np.abs(errors)
    return float(errors.mean()), float(absolute.mean()), float(np.median(absolute))
