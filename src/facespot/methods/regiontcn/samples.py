"""The training windows of many videos, cut out, altered and given their targets only when a batch needs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facespot.features.region_motion import REGIONS, WIDTH, mirrored, part
from facespot.methods.base import TrainingVideo
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.targets import RowTargets, TrueExpression, row_targets, true_expressions
from facespot.methods.regiontcn.windows import CONTEXT_ROWS, rows_between
from facespot.values import KINDS, Features, FloatArray, IntArray, Kind

BEYOND = 0.1
"""Windows begin and end at most so much of their length outside the video."""
_WHOLE = 0.99
_NOISE_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class LearnedVideo:
    """A video to cut windows from.

    Parameters
    ----------
    features : Features
        Region motion, memory-mapped or not, at least one row.
    expressions : tuple of TrueExpression
    """

    features: Features
    expressions: tuple[TrueExpression, ...]

    @property
    def n_usable(self) -> int:
        """Expressions that are learned and have a usable row."""
        return sum(one.learned and self._seen(one) for one in self.expressions)

    def _seen(self, one: TrueExpression) -> bool:
        rows = slice(max(0, math.ceil(one.onset)), max(0, math.floor(one.offset) + 1))
        return bool(self.features.valid[rows].any())


def learned_videos(videos: Sequence[TrainingVideo], kinds: Sequence[Kind]) -> list[LearnedVideo]:
    """Those that have rows of any of the types, each with what is learned from it.

    Parameters
    ----------
    videos : sequence of TrainingVideo
    kinds : sequence of {"macro", "micro"}
        Types to learn. An expression of another one, or of one that the video has no features of, teaches nothing,
        neither that it is there nor that it is not.
    """
    found = []
    for video in videos:
        learned = [kind for kind in KINDS if kind in kinds and kind in video.features]
        if learned and len(video.features[learned[0]].frames):
            features = video.features[learned[0]]
            found.append(LearnedVideo(features, true_expressions(video.truth, features.frames, learned)))
    return found


class MotionSamples:
    """Windows of several videos with their targets.

    A video of n rows holds about ``2 n / window_rows`` windows. Each begins somewhere in its own share of the video;
    in the middle of that share where nothing is altered.

    Parameters
    ----------
    videos : sequence of LearnedVideo
    config : RegiontcnConfig
    scale : (WIDTH,) float32 array
        Usual size of each number of a row.
    altered : bool
        Whether speed, side, strength, noise and ends are drawn anew for each batch.
    at_least : int
        So many samples: where there are fewer windows, each is there several times.
    """

    def __init__(
        self,
        videos: Sequence[LearnedVideo],
        config: RegiontcnConfig,
        scale: FloatArray,
        *,
        altered: bool,
        at_least: int = 0,
    ) -> None:
        self._videos, self._config, self._altered = videos, config, altered
        self._deviation: FloatArray = np.sqrt(scale) * np.float32(_NOISE_SHARE)
        counts = [self._n_windows(len(video.features.frames)) for video in videos]
        self._places = [(index, place, count) for index, count in enumerate(counts) for place in range(count)]
        self._times = max(1, -(-at_least // len(self._places))) if self._places else 1

    def __len__(self) -> int:
        return len(self._places) * self._times

    def batch(self, indices: IntArray, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
        """Rows (b, T + 2 CONTEXT_ROWS, INPUTS), then the targets (b, T, ...) in the order of `RowTargets`."""
        windows, targets = [], []
        for index in indices.tolist():
            window, wanted = self._sample(self._places[index % len(self._places)], rng)
            windows.append(window)
            targets.append(wanted.arrays())
        return np.stack(windows), *(np.stack(one) for one in zip(*targets, strict=True))

    def _n_windows(self, n_rows: int) -> int:
        length = self._config.window_rows
        return max(1, math.ceil((n_rows - (1 - 2 * BEYOND) * length) / (length / 2)))

    def _sample(self, number: tuple[int, int, int], rng: np.random.Generator) -> tuple[FloatArray, RowTargets]:
        index, place, count = number
        config, video = self._config, self._videos[index]
        n_rows, length = len(video.features.frames), config.window_rows
        speed, share = 1.0, 0.5
        if self._altered:
            speed = math.exp(rng.uniform(math.log(config.slowest), math.log(config.fastest)))
            share = float(rng.random())
        ends = sorted((-BEYOND * length, n_rows - length * speed + BEYOND * length))
        start = ends[0] + (ends[1] - ends[0]) * (place + share) / count
        expressions = video.expressions
        if self._altered:
            expressions = tuple(self._recoded(one, rng) for one in expressions)
        else:
            # Between two rows their noise is averaged: what is only looked at stays as it is.
            start = math.floor(start)
        at = start + (np.arange(length + 2 * CONTEXT_ROWS) - CONTEXT_ROWS) * speed
        window = rows_at(video.features, at)
        targets = row_targets(expressions, start, length, speed, video.features.fps)
        seen = window[CONTEXT_ROWS : CONTEXT_ROWS + length, WIDTH] > 0
        if self._altered:
            window = self._alter(window, rng)
        return window, replace(targets, counted=targets.counted & seen)

    def _recoded(self, one: TrueExpression, rng: np.random.Generator) -> TrueExpression:
        """The expression as another coder might have annotated it."""
        onset = one.onset + rng.normal(0, self._config.onset_jitter_rows)
        offset = one.offset + rng.normal(0, self._config.offset_jitter_rows)
        return replace(one, onset=onset, offset=max(onset, offset))

    def _alter(self, window: FloatArray, rng: np.random.Generator) -> FloatArray:
        """The window mirrored, stronger or weaker, with noise, and with a region that does not move."""
        config, values, valid = self._config, window[:, :WIDTH], window[:, WIDTH:]
        if rng.random() < 0.5:
            values = mirrored(values)
        values = values * np.float32(math.exp(rng.normal(0, config.gain)))
        if rng.random() < 0.5:
            deviation: FloatArray = np.float32(rng.uniform(0, config.noise)) * self._deviation
            drawn = rng.standard_normal(values.shape, dtype=np.float32)
            values = values + drawn * deviation * valid
        if rng.random() < config.region_dropout:
            # `values` is contiguous by now, so that the part is a view into it.
            part(values, "motion")[:, rng.integers(len(REGIONS))] = 0
        return np.concatenate([values, valid], axis=1)


def rows_at(features: Features, at: ArrayLike) -> FloatArray:
    """Rows between rows, as the network takes them; valid where both neighbours are, and 0 elsewhere.

    Parameters
    ----------
    features : Features
        Only the rows that are needed are read.
    at : (t,) array
        Places, increasing; they may lie outside the video.

    Returns
    -------
    (t, INPUTS) float32 array
    """
    places = np.asarray(at, dtype=np.float64)
    earlier = np.floor(places).astype(np.int64)
    share = (places - earlier).astype(np.float32)[:, np.newaxis]
    first = int(earlier[0])
    rows = rows_between(features.values, features.valid, first, int(earlier[-1]) + 2)
    between: FloatArray = rows[earlier - first] * (1 - share) + rows[earlier - first + 1] * share
    whole = between[:, WIDTH:] > _WHOLE
    between[:, WIDTH:] = 1
    return np.where(whole, between, np.float32(0))


def usual_size(videos: Sequence[LearnedVideo]) -> FloatArray:
    """Root mean square of each number over every third valid row, (WIDTH,) float32, a little above 0.

    Raises
    ------
    ValueError
        No row is valid.
    """
    total, count = np.zeros(WIDTH), 0
    for video in videos:
        rows = np.flatnonzero(video.features.valid)[::3]
        values = np.asarray(video.features.values[rows], dtype=np.float64)
        total, count = total + np.square(values).sum(axis=0), count + len(rows)
    if not count:
        raise ValueError("no row is valid")
    size: FloatArray = np.sqrt(total / count).astype(np.float32) + np.float32(1e-3)
    return size
