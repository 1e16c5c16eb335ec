"""Features of some test frames before and after the discrepancy, and how far they tell the classes apart (figure 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError, MissingDependencyError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.fesnet_stages import faces_of, fold_config, network_of, stages_of
from facespot.experiments.papers.reproduction import Reproduction
from facespot.methods.fesnet.clips import clips_of
from facespot.metrics.framewise import LABELS, frame_labels
from facespot.values import FloatArray, IntArray

MICRO = LABELS.index("micro")
MOST_EXPRESSION_ROWS = 750
MOST_MICRO_ROWS = 375
PERPLEXITY = 30.0
LEAST_ROWS = 4
LAYERS = ("residual blocks", "LSDM")


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Rows of a fold's test videos that figure 7 shows.

    Parameters
    ----------
    videos : tuple of str
    places : (n, 2) int64 array
        Number of the video, row of its features.
    classes : (n,) int64 array
        Place in `facespot.metrics.framewise.LABELS`.
    available : mapping of str to int
        Rows that were drawn from, by class.
    """

    videos: tuple[str, ...]
    places: IntArray
    classes: IntArray
    available: Mapping[str, int]

    def by_class(self) -> dict[str, IntArray]:
        """Which of the rows are of each class."""
        return {name: np.flatnonzero(self.classes == number) for number, name in enumerate(LABELS)}


def shown_fold(outcome: RunOutcome) -> tuple[FoldOutcome, int]:
    """The first fold with the most scored micro-expression frames in its test videos, and how many."""
    counts = [
        sum(int((classes == MICRO).sum()) for _, classes in _classes_of_rows(outcome, fold).values())
        for fold in outcome.folds
    ]
    return outcome.folds[int(np.argmax(counts))], max(counts)


def draw_rows(outcome: RunOutcome, fold: FoldOutcome, *, seed: int) -> DrawnRows:
    """All frames of expressions in the test videos of a fold and as many neutral ones; at most 1500.

    Where there are more, at most 375 are of micro-expressions and 750 of all expressions.

    Raises
    ------
    FormatError
        There are too few frames.
    """
    by_video = _classes_of_rows(outcome, fold)
    places = np.array(
        [(video, row) for video, (rows, _) in enumerate(by_video.values()) for row in rows], dtype=np.int64
    ).reshape(-1, 2)
    classes = np.concatenate([np.zeros(0, dtype=np.int64), *(classes for _, classes in by_video.values())])
    available = {name: int((classes == number).sum()) for number, name in enumerate(LABELS)}
    n_micro = min(available["micro"], MOST_MICRO_ROWS)
    n_macro = min(available["macro"], MOST_EXPRESSION_ROWS - n_micro)
    wanted = {"neutral": min(available["neutral"], n_macro + n_micro), "macro": n_macro, "micro": n_micro}
    if sum(wanted.values()) < LEAST_ROWS:
        remedy = "use a corpus whose test videos show annotated expressions"
        raise FormatError(str(fold.folder), f"{sum(wanted.values())} frames are too few for t-SNE", remedy)
    rng = np.random.default_rng(seed)
    chosen = np.concatenate(
        [
            np.sort(rng.choice(np.flatnonzero(classes == number), wanted[name], replace=False))
            for number, name in enumerate(LABELS)
        ]
    )
    return DrawnRows(tuple(by_video), places[chosen], classes[chosen], available)


def represented(
    outcome: RunOutcome, fold: FoldOutcome, drawn: DrawnRows, reproduction: Reproduction
) -> dict[str, FloatArray]:
    """X_init and x'' of each drawn row, all their values, (n, 32 * 7 * 7) each, by the name of their layers.

    The clips do not overlap, as the paper divides its videos, but for the last one of each run of frames with a face,
    which is moved back to end with the run.

    Raises
    ------
    MissingDependencyError, FormatError
        As `network_of` and `faces_of`; or if a row has no face any more.
    """
    network, length = network_of(fold), fold_config(fold).clip_frames
    found: dict[str, FloatArray] = {}
    numbers = np.unique(drawn.places[:, 0])
    faces = faces_of(outcome, fold, [drawn.videos[number] for number in numbers], reproduction)
    for number in numbers:
        features = faces[drawn.videos[number]]
        of_video = np.flatnonzero(drawn.places[:, 0] == number)
        clips = clips_of(features.valid, length, length)
        wanted = dict(zip(drawn.places[of_video, 1].tolist(), of_video.tolist(), strict=True))
        for rows, counted in zip(clips.rows, clips.counted, strict=True):
            held = {place: wanted.pop(row) for place, row in enumerate(rows[counted].tolist()) if row in wanted}
            if held:
                stages = stages_of(network, features.values[rows])
                for name, layer in zip(LAYERS, (stages.x_init, stages.x_motion), strict=True):
                    values = layer[0, list(held)].flatten(1).numpy()
                    found.setdefault(name, np.zeros((len(drawn.classes), values.shape[1]), dtype=np.float32))
                    found[name][list(held.values())] = values
        if wanted:
            what = f"{len(wanted)} frames have a score and no face"
            raise FormatError(drawn.videos[number], what, f"delete {outcome.folder}, and give the same command again")
    return found


def t_sne(values: FloatArray, *, seed: int) -> NDArray[np.float64]:
    """Places of some points in a plane in which neighbours stay neighbours (van der Maaten and Hinton 2008).

    Parameters
    ----------
    values : (n, d) float32 array
        n >= 4.
    seed : int

    Returns
    -------
    (n, 2) float64 array
        Of the same points the same places, whatever the number of processors; 0 where the points do not vary.

    Raises
    ------
    MissingDependencyError
        scikit-learn is not installed.
    """
    if not np.ptp(values, axis=0).any():
        return np.zeros((len(values), 2))
    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    # Sums over several threads are not the same twice, and t-SNE magnifies their last bits.
    with _learn("threadpoolctl").threadpool_limits(1):
        found = _learn("sklearn.manifold").TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        return np.asarray(found.fit_transform(values), dtype=np.float64)


def silhouettes(values: FloatArray, drawn: DrawnRows) -> dict[str, float]:
    """Mean silhouette of the points of each class (Rousseeuw 1987), by its name: -1 among others to 1 apart.

    Of all values by Euclidean distance, not in the plane. NaN where there are no points, or no others.

    Raises
    ------
    MissingDependencyError
        scikit-learn is not installed.
    """
    of_classes = drawn.by_class()
    if sum(len(members) > 0 for members in of_classes.values()) < 2:
        return dict.fromkeys(of_classes, np.nan)
    found = _learn("sklearn.metrics").silhouette_samples(values, drawn.classes)
    return {name: float(found[members].mean()) if len(members) else np.nan for name, members in of_classes.items()}


def _learn(module: str) -> Any:
    """A module of scikit-learn, which has no types."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        remedy = 'run pip install scikit-learn, which is in "facespot[dev]"'
        raise MissingDependencyError("t-SNE", f"{error.name} is not installed", remedy) from None


def _classes_of_rows(outcome: RunOutcome, fold: FoldOutcome) -> dict[str, tuple[IntArray, IntArray]]:
    """Scored rows of each test video of a fold, and their classes."""
    found = {}
    for recording, truth in zip(outcome.tested, outcome.truth, strict=True):
        scores = outcome.scores(recording) if recording.id in fold.test else None
        if scores is not None:
            rows = np.flatnonzero(scores.valid.all(axis=1))
            found[recording.id] = rows, frame_labels(truth)[scores.frames[rows]]
    return found
