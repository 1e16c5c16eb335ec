"""SpoT-GCN's z of some test frames, and how far it tells their types apart (section III-C, figure 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError, MissingDependencyError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.inference import features_of_run
from facespot.experiments.papers.reproduction import Reproduction
from facespot.features.region_flow import gather_windows
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.targets import MICRO, frame_targets
from facespot.models.checkpoint import read_weights
from facespot.values import IntArray

TYPES = ("normal", "macro", "micro")
"""By number, as `facespot.methods.spotgcn.targets.FrameTargets` has them."""
MOST_PER_TYPE = 300


@dataclass(frozen=True, eq=False)
class DrawnFrames:
    """Frames of a fold's test videos that figure 5 shows.

    Parameters
    ----------
    videos : tuple of str
    places : (n, 2) int64 array
        Number of the video, row of its features.
    types : (n,) int64 array
        Number in `TYPES`.
    available : mapping of str to int
        Frames that were drawn from, by type.
    """

    videos: tuple[str, ...]
    places: IntArray
    types: IntArray
    available: Mapping[str, int]

    def by_type(self) -> dict[str, IntArray]:
        """Which of the frames are of each type."""
        return {name: np.flatnonzero(self.types == number) for number, name in enumerate(TYPES)}


def shown_fold(*outcomes: RunOutcome) -> tuple[str, int]:
    """Of the folds that all runs have, the first with the most micro-expression frames that have a window.

    Raises
    ------
    FormatError
        The runs have no fold in common.
    """
    common = set.intersection(*({fold.name for fold in one.folds} for one in outcomes))
    counts = {
        fold.name: sum(int((types == MICRO).sum()) for _, types in _typed_rows(outcomes, fold).values())
        for fold in outcomes[0].folds
        if fold.name in common
    }
    if not counts:
        raise FormatError(str(outcomes[0].folder), "no fold ended in both runs", "give the same command again")
    name = max(counts, key=lambda one: counts[one])
    return name, counts[name]


def _typed_rows(outcomes: tuple[RunOutcome, ...], fold: FoldOutcome) -> dict[str, tuple[IntArray, IntArray]]:
    """Rows of each test video that have a window, and their types."""
    found = {}
    for recording in outcomes[0].tested:
        scores = [one.scores(recording) for one in outcomes] if recording.id in fold.test else [None]
        known = [one for one in scores if one is not None]
        if len(known) == len(scores):
            rows = np.flatnonzero(np.logical_and.reduce([one.valid.any(axis=1) for one in known]))
            config: SpotgcnConfig = fold.method("spotgcn").config
            found[recording.id] = rows, frame_targets(recording.truth, known[0].frames, config).frame_type[rows]
    return found


def draw_frames(outcomes: tuple[RunOutcome, ...], fold_name: str, *, seed: int) -> DrawnFrames:
    """At most 300 frames of each type from the test videos of a fold.

    Parameters
    ----------
    outcomes : tuple of RunOutcome
        Frames that have a window in all of them are drawn from.
    fold_name : str
    seed : int
    """
    typed = _typed_rows(outcomes, _fold(outcomes[0], fold_name))
    rows = [rows for rows, _ in typed.values()]
    places = np.array(
        [(video, row) for video, of_video in enumerate(rows) for row in of_video], dtype=np.int64
    ).reshape(-1, 2)
    types = np.concatenate([np.zeros(0, dtype=np.int64), *(types for _, types in typed.values())])
    rng = np.random.default_rng(seed)
    kept, available = [], {}
    for number, name in enumerate(TYPES):
        members = np.flatnonzero(types == number)
        available[name] = len(members)
        kept.append(np.sort(rng.choice(members, min(len(members), MOST_PER_TYPE), replace=False)))
    chosen = np.concatenate(kept)
    return DrawnFrames(tuple(typed), places[chosen], types[chosen], available)


def representations(
    outcome: RunOutcome, fold_name: str, drawn: DrawnFrames, reproduction: Reproduction
) -> NDArray[np.float64]:
    """Z of each drawn frame by the network of a fold, (n, 64); of length 1 where the settings say so.

    Raises
    ------
    MissingDependencyError
        PyTorch is not installed.
    FormatError
        The fold has no network of its own, or a video has no features any more.
    """
    try:
        import torch

        from facespot.methods.spotgcn.network import build_network
    except ModuleNotFoundError as error:
        remedy = 'run pip install "facespot[train]"'
        raise MissingDependencyError("the representation z", f"{error.name} is not installed", remedy) from None
    fold = _fold(outcome, fold_name)
    method = fold.method("spotgcn")
    config: SpotgcnConfig = method.config
    if not fold.checkpoints():
        raise FormatError(str(fold.folder), "it has no network", "leave --weights out, so that one is trained")
    network = build_network(config.network, config.window, config.adjacency)
    weights = read_weights(fold.checkpoints()[0])
    network.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    network.eval()
    features = features_of_run(replace(outcome, folds=(fold,)), [method], "micro", reproduction.execution)
    found = np.zeros((len(drawn.places), 0))
    for number in np.unique(drawn.places[:, 0]):
        video, places = drawn.videos[number], np.flatnonzero(drawn.places[:, 0] == number)
        stored = features.of(video, method.plan()).get("micro")
        if stored is None:
            reason = features.failed.get(video, "its features are missing")
            raise FormatError(video, reason, "see that the video can be read, and give the same command again")
        adjacent = config.motion == "adjacent"
        windows = gather_windows(stored.open().values, drawn.places[places, 1], config.window, adjacent=adjacent)
        with torch.no_grad():
            z = network.stages(torch.from_numpy(windows)).represented.double().numpy()
        found = found if found.shape[1] else np.zeros((len(found), z.shape[1]))
        found[places] = z
    return of_length_1(found) if config.normalised else found


def of_length_1(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows divided by their lengths; a row of zeros stays.

    >>> of_length_1(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(lengths > 0, lengths, 1.0)


def principal_components(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of some points in the plane in which they vary most.

    Parameters
    ----------
    values : (n, d) array

    Returns
    -------
    places : (n, 2) array
        The largest entry of both axes is positive, so that equal points have equal places.
    shares : (2,) array
        Of the variance; 0 where the points do not vary.
    """
    places, shares = np.zeros((len(values), 2)), np.zeros(2)
    if len(values) < 2:
        return places, shares
    centred = values - values.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.sign(np.take_along_axis(axes[:2], np.abs(axes[:2]).argmax(axis=1)[:, np.newaxis], axis=1))
    places[:, : len(axes)] = centred @ axes.T
    shares[: len(axes)] = lengths[:2] ** 2 / (np.sum(lengths**2) or 1.0)
    return places, shares


def separation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Variance between two classes of points over the variance within them, both classes counting the same.

    NaN where a class has no points, or neither varies.

    >>> separation(np.array([[0.0], [2.0]]), np.array([[10.0], [12.0]]))
    25.0
    """
    if not len(one) or not len(other):
        return np.nan
    between = float(np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2)) / 4
    within = float(one.var(axis=0).sum() + other.var(axis=0).sum()) / 2
    return between / within if within else np.nan


def _fold(outcome: RunOutcome, name: str) -> FoldOutcome:
    return next(one for one in outcome.folds if one.name == name)
