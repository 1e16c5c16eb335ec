"""The frames of many videos that are trained on: their windows are cut out only when a batch needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.features.region_flow import gather_windows, valid_windows
from facespot.methods.base import TrainingVideo
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.targets import FrameTargets, frame_targets, join_targets
from facespot.values import KINDS, BoolArray, FloatArray, IntArray, Kind


class WindowSamples:
    """Windows around some rows of several videos, each with its targets.

    Parameters
    ----------
    arrays : sequence of (n, reach + 1, 10, 2) float32 array
        Region flow of each video, memory-mapped or not.
    places : (m, 2) int array
        Video and row in the middle of each window.
    targets : FrameTargets
        Of the m windows.
    counts : (m, 2) bool array
        Whether the type of each column is learned from the window.
    config : SpotgcnConfig
        Length and motion of the windows.

    Raises
    ------
    ValueError
        If the lengths differ.
    """

    def __init__(
        self,
        arrays: Sequence[FloatArray],
        places: IntArray,
        targets: FrameTargets,
        counts: BoolArray,
        config: SpotgcnConfig,
    ) -> None:
        self._arrays = arrays
        self._places = places
        self._targets = targets
        self._counts = counts
        self._window, self._adjacent = config.window, config.motion == "adjacent"
        lengths = [len(one) for one in (places, targets.boundary, targets.apex, targets.action, targets.frame_type)]
        if set(lengths) != {len(counts)}:
            raise ValueError(f"places and targets of {lengths} windows, marks of {len(counts)}")

    def __len__(self) -> int:
        return len(self._places)

    @property
    def n_expression_frames(self) -> int:
        """Windows in whose middle there is an expression of a type that is learned from them."""
        return int(np.count_nonzero(((self._targets.action > 0) & self._counts).any(axis=1)))

    def batch(self, indices: IntArray, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
        """Windows (b, w, 10, 2), then boundary, apex, action, frame type and counts, as `losses.Targets` takes them."""
        videos, rows = self._places[indices].T
        windows = np.empty((len(indices), self._window, *self._arrays[0].shape[2:]), dtype=np.float32)
        for video in np.unique(videos).tolist():
            own = np.flatnonzero(videos == video)
            windows[own] = gather_windows(self._arrays[video], rows[own], self._window, adjacent=self._adjacent)
        targets = self._targets
        return (
            windows,
            targets.boundary[indices],
            targets.apex[indices],
            targets.action[indices],
            targets.frame_type[indices],
            self._counts[indices],
        )


def window_samples(videos: Sequence[TrainingVideo], config: SpotgcnConfig, kinds: Sequence[Kind]) -> WindowSamples:
    """Every frame whose window has a usable face throughout.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        Those without features of any of the types are left out; at least one has some.
    config : SpotgcnConfig
    kinds : sequence of {"macro", "micro"}
        Types to learn; a video counts for those of which it has features.
    """
    arrays: list[FloatArray] = []
    places, counts, targets = [], [], []
    for video in videos:
        learned = [kind for kind in KINDS if kind in kinds and kind in video.features]
        if not learned:
            continue
        features = video.features[learned[0]]
        adjacent = config.motion == "adjacent"
        rows = np.flatnonzero(valid_windows(features.values, features.valid, config.window, adjacent=adjacent))
        places.append(np.stack([np.full(len(rows), len(arrays)), rows], axis=1))
        counts.append(np.tile([kind in learned for kind in KINDS], (len(rows), 1)))
        targets.append(frame_targets(video.truth, features.frames, config).of_rows(rows))
        arrays.append(features.values)
    return WindowSamples(arrays, np.concatenate(places), join_targets(targets), np.concatenate(counts), config)
