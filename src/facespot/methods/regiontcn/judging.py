"""Which proposals were right, and what follows: the calibration of the scores and the thresholds on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.methods.regiontcn.calibration import (
    Calibrated,
    Calibration,
    OperatingPoint,
    fit_calibration,
    operating_points,
    reliability,
)
from facespot.methods.regiontcn.config import RegiontcnConfig, Sensitivity
from facespot.methods.regiontcn.decoding import Proposals, frames_at, proposals
from facespot.metrics import match
from facespot.values import KINDS, BoolArray, Expression, Kind, Scores, Track

IOU = 0.5
RELIABILITY_BINS = 5


@dataclass(frozen=True, eq=False)
class Judged:
    """Proposals of one type, and which of them match a true expression of that type.

    Parameters
    ----------
    scores : (n,) float64 array
        Before they are calibrated.
    hits : (n,) bool array
    weights : (n,) float64 array
        How much each counts: less than 1 where it overlaps a true expression of a type of which the videos hold more
        than usual.
    n_true : float
        True expressions of the type in the videos, so weighted.
    minutes : float
        Length of the videos.
    """

    scores: NDArray[np.float64]
    hits: BoolArray
    weights: NDArray[np.float64]
    n_true: float
    minutes: float


def judge(videos: Sequence[tuple[Scores, Track]], config: RegiontcnConfig) -> dict[Kind, Judged]:
    """Proposals of some videos against their truth, by type.

    The best proposals are matched first, with an IoU of at least 0.5, so that raising a threshold changes no other
    match. A type counts in the videos whose scores hold it.

    Parameters
    ----------
    videos : sequence of (Scores, Track)
        Scores and truth of each video.
    config : RegiontcnConfig
    """
    found = [(one, truth, proposals(one, config)) for one, truth in videos]
    usual: dict[Kind, float] = {"macro": config.macro_a_minute, "micro": config.micro_a_minute}
    share = {kind: _share(kind, usual[kind], videos) for kind in KINDS}
    return {kind: _of_kind(kind, share, [video for video in found if kind in video[0].channels]) for kind in KINDS}


def _share(kind: Kind, usual: float, videos: Sequence[tuple[Scores, Track]]) -> float:
    """Usual number of expressions a minute over that in some videos, at most 1."""
    minutes = sum(len(one.frames) / one.fps / 60 for one, _ in videos)
    count = sum(len(truth.of_kind(kind).expressions) for _, truth in videos)
    return min(1.0, usual * minutes / count) if count else 1.0


def _of_kind(kind: Kind, share: Mapping[Kind, float], videos: Sequence[tuple[Scores, Track, Proposals]]) -> Judged:
    scores, hits, n_true, minutes = [np.zeros(0)], [np.zeros(0, dtype=np.bool_)], 0, 0.0
    weights = [np.zeros(0)]
    for one, truth, proposed in videos:
        true = truth.of_kind(kind).expressions
        own = np.flatnonzero(proposed.kinds == KINDS.index(kind))
        spans = [frames_at(bounds, one.frames) for bounds in proposed.bounds[own]]
        predicted = [Expression(onset, None, offset, kind) for onset, offset in spans]
        hit = np.zeros(len(own), dtype=np.bool_)
        hit[[place for _, place in match(true, predicted, iou=IOU, matching="greedy")]] = True
        scores.append(proposed.scores[own])
        hits.append(hit)
        weights.append(np.array([_weight(one, truth, share) for one in predicted], dtype=np.float64))
        n_true, minutes = n_true + len(true), minutes + len(one.frames) / one.fps / 60
    counted = n_true * share[kind]
    return Judged(np.concatenate(scores), np.concatenate(hits), np.concatenate(weights), counted, minutes)


def _weight(proposed: Expression, truth: Track, share: Mapping[Kind, float]) -> float:
    """The share of the type of the true expression that overlaps most with a proposal; 1 where none does."""
    nearest = max(truth.expressions, key=proposed.iou, default=None)
    return share[nearest.kind] if nearest is not None and proposed.overlaps(nearest) else 1.0


def calibrate(judged: Mapping[Kind, Judged]) -> Calibrated:
    """Calibration and thresholds of each type."""
    curves: dict[Kind, Calibration] = {}
    points: dict[Kind, dict[Sensitivity, OperatingPoint]] = {}
    for kind, one in judged.items():
        curves[kind] = fit_calibration(one.scores, one.hits, one.weights)
        probabilities = curves[kind].probability(one.scores)
        points[kind] = operating_points(probabilities, one.hits, one.weights, n_true=one.n_true, minutes=one.minutes)
    return curves, points


def reliability_table(
    judged: Mapping[Kind, Judged], curves: Mapping[Kind, Calibration]
) -> dict[str, list[dict[str, Any]]]:
    """The bins of a reliability diagram by type, as a checkpoint keeps them."""
    return {
        kind: [
            asdict(one)
            for one in reliability(curves[kind].probability(own.scores), own.hits, own.weights, bins=RELIABILITY_BINS)
        ]
        for kind, own in judged.items()
    }
