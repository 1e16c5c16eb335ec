"""Average precision: how good the order of the proposals is, at one IoU and over .50, .55, ..., .95.

Conventions: the proposals of one type from all videos are ranked by score, highest first; equal scores keep the order
of the videos, then of time. After each proposal there is a precision and a recall; precision is interpolated (at each
recall the largest one at this or a higher recall) and AP is the area below it, MEAN eq. 17. AP of a type without any
true expression is NaN. AP@[.5:.95] is the mean over ten IoU thresholds, the overall value the mean over the types
(SOFTNet, Table 2), not a pooled one.

Matching is done along the ranking: ``"coco"`` gives a proposal the true expression with the largest IoU among those
that are still free; ``"greedy"`` looks only at the one with the largest IoU, as in `match`.

The authors of SOFTNet and MEAN give every proposal the same confidence, so that their AP is not ranked by anything:
``ranked=False`` takes the proposals in the order of the videos and of time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.metrics.overlaps import Pairs, overlapping_pairs
from facespot.values import BoolArray, IntArray, Kind, Track

ApMatching: TypeAlias = Literal["coco", "greedy"]
IOU_RANGE = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class RankedHits:
    """The proposals of one type in order of rank, and which of them hit.

    Parameters
    ----------
    thresholds : tuple of float
        IoU thresholds.
    hits : (len(thresholds), n) bool array
        Whether each proposal is a true positive at each threshold.
    group : (n,) int64 array
        Index of the proposal's video in `names`.
    truths : (len(names),) int64 array
        True expressions of each video.
    names : tuple of str
        The videos.
    """

    thresholds: tuple[float, ...]
    hits: BoolArray
    group: IntArray
    truths: IntArray
    names: tuple[str, ...]

    def at(self, iou: float) -> float:
        """AP at one of the thresholds."""
        return float(area_under_curve(self.hits[self.thresholds.index(iou)], self.group, self.truths)[0])

    def mean(self) -> float:
        """Mean AP over the thresholds; AP@[.5:.95] for the default ones."""
        return float(np.mean([area_under_curve(hits, self.group, self.truths)[0] for hits in self.hits]))

    def grouped(self, subjects: Mapping[str, str], order: Sequence[str]) -> RankedHits:
        """The same with subjects in the place of videos; a video that is not named is a subject of its own.

        Parameters
        ----------
        subjects : mapping from video to subject
        order : sequence of str
            All subjects, in the order that the result shall have.
        """
        position = {subject: index for index, subject in enumerate(order)}
        index = np.array([position[subjects.get(name, name)] for name in self.names], dtype=np.int64)
        truths = np.bincount(index, weights=self.truths, minlength=len(order)).astype(np.int64)
        return RankedHits(self.thresholds, self.hits, index[self.group], truths, tuple(order))


def rank_hits(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    kind: Kind,
    *,
    thresholds: Sequence[float] = IOU_RANGE,
    ranked: bool = True,
    strict: bool = False,
    matching: ApMatching = "coco",
) -> RankedHits:
    """Rank the proposals of one type and say which of them hit.

    Parameters
    ----------
    truth, predicted : sequence of Track
        One track per video; videos are matched by name.
    kind : {"macro", "micro"}
        Type of expression.
    thresholds : sequence of float
        IoU thresholds.
    ranked : bool
        Whether the proposals are ranked by their score.
    strict, matching
        See the module's text and `match`.

    Raises
    ------
    ValueError
        If `ranked` and a proposal has no score.
    """
    by_video = {track.video: track for track in predicted}
    truths, groups, scores, found = [], [], [], []
    n_true = n_predicted = 0
    for index, track in enumerate(truth):
        true = track.of_kind(kind).expressions
        guessed = by_video[track.video].of_kind(kind).expressions if track.video in by_video else ()
        pairs = overlapping_pairs(true, guessed, iou=min(thresholds))
        found.append(Pairs(pairs.truth + n_true, pairs.predicted + n_predicted, pairs.iou))
        scores += [np.nan if one.score is None else one.score for one in guessed]
        groups += [index] * len(guessed)
        truths.append(len(true))
        n_true, n_predicted = n_true + len(true), n_predicted + len(guessed)
    score, group = np.array(scores, dtype=np.float64), np.array(groups, dtype=np.int64)
    if ranked and np.isnan(score).any():
        raise ValueError("a proposal has no score to rank it by")
    order = np.argsort(-score, kind="stable") if ranked else np.arange(n_predicted)
    rank = np.empty(n_predicted, dtype=np.int64)
    rank[order] = np.arange(n_predicted)
    pairs = _joined(found, rank)
    hits = np.zeros((len(thresholds), n_predicted), dtype=np.bool_)
    for row, threshold in enumerate(thresholds):
        allowed = pairs.where(pairs.iou > threshold if strict else pairs.iou >= threshold)
        hits[row, _hits_in_order(allowed, matching)] = True
    return RankedHits(
        tuple(thresholds), hits, group[order], np.array(truths, dtype=np.int64), tuple(track.video for track in truth)
    )


def _joined(found: Sequence[Pairs], rank: IntArray) -> Pairs:
    """Pairs of all videos, by rank of the proposal, its best true expression first."""
    if not found:
        return overlapping_pairs((), ())
    truth, iou = np.concatenate([part.truth for part in found]), np.concatenate([part.iou for part in found])
    position = rank[np.concatenate([part.predicted for part in found])]
    return Pairs(truth, position, iou).where(np.lexsort((truth, -iou, position)))


def _hits_in_order(pairs: Pairs, matching: ApMatching) -> list[int]:
    """Ranks of the proposals that hit; the pairs are in order of rank."""
    taken: set[int] = set()
    hits = []
    done = -1
    for true, rank in zip(pairs.truth.tolist(), pairs.predicted.tolist(), strict=True):
        if rank == done:
            continue
        if true not in taken:
            taken.add(true)
            hits.append(rank)
            done = rank
        elif matching == "greedy":
            done = rank
    return hits


def area_under_curve(
    hits: ArrayLike, group: ArrayLike, truths: ArrayLike, times: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Area below the interpolated precision, MEAN eq. 17, for any number of resampled data sets at once.

    Parameters
    ----------
    hits : (n,) bool array
        Whether each proposal is a true positive, in order of rank.
    group : (n,) int array
        Video or subject of each proposal.
    truths : (g,) int array
        True expressions of each group.
    times : (b, g) int array, optional
        How often each group stands in each of b data sets. Default: one data set with every group once.

    Returns
    -------
    (b,) float64 array
        NaN where a data set holds no true expression.

    >>> area_under_curve([True, False, True, False], [0, 0, 0, 0], [4]).tolist()
    [0.41666666666666663]
    """
    hits, group = np.asarray(hits, dtype=np.bool_), np.asarray(group, dtype=np.int64)
    truths = np.asarray(truths, dtype=np.float64)
    weights = np.ones((1, len(truths))) if times is None else np.asarray(times, dtype=np.float64)
    ranks = np.flatnonzero(hits)
    total = weights @ truths
    if len(ranks) == 0:
        return np.where(total > 0, 0.0, np.nan)
    # Precision matters only at the hits: count the proposals of each group up to each of them.
    until = np.searchsorted(ranks, np.arange(ranks[-1] + 1))
    proposals = np.zeros((len(ranks), len(truths)))
    np.add.at(proposals, (until, group[: ranks[-1] + 1]), 1.0)
    proposals = np.cumsum(proposals, axis=0)
    areas = []
    batch = max(1, CELLS_AT_ONCE // len(ranks))
    for start in range(0, len(weights), batch):
        some = weights[start : start + batch].T
        gained = some[group[ranks]]
        found, seen = np.cumsum(gained, axis=0), proposals @ some
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        interpolated = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        areas.append((gained * interpolated).sum(axis=0))
    areas_over_truths = np.full(len(total), np.nan)
    np.divide(np.concatenate(areas), total, out=areas_over_truths, where=total > 0)
    return areas_over_truths


def interpolated_at_101_recalls(hits: ArrayLike, n_true: int) -> float:
    """AP as in MS COCO's own program: mean interpolated precision at the recalls 0, .01, ..., 1.

    It differs from the area by up to a hundredth; for comparison with tables that were made with it.
    """
    hit = np.asarray(hits, dtype=np.bool_)
    if n_true == 0:
        return float("nan")
    found = np.cumsum(hit)
    precision = np.maximum.accumulate((found / np.arange(1, len(hit) + 1))[::-1])[::-1]
    position = np.searchsorted(found / n_true, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0.0)[np.minimum(position, len(hit))].mean())


def average_precision(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    kind: Kind,
    *,
    iou: float | Sequence[float] = IOU_RANGE,
    ranked: bool = True,
    strict: bool = False,
    matching: ApMatching = "coco",
) -> float:
    """AP of one type at one IoU, or the mean over several; AP@[.5:.95] by default.

    Parameters
    ----------
    truth, predicted, kind, ranked, strict, matching
        As in `rank_hits`.
    iou : float or sequence of float
        IoU threshold or thresholds.
    """
    thresholds = (iou,) if isinstance(iou, float | int) else tuple(iou)
    return rank_hits(
        truth, predicted, kind, thresholds=thresholds, ranked=ranked, strict=strict, matching=matching
    ).mean()
