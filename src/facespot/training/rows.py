"""The rows of some videos with their targets, ready to be sampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from facespot.training.pseudo_labels import PseudoLabel, pseudo_label, rows_of, window_iou
from facespot.values import Features, FloatArray, IntArray, Kind, Track


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """The valid rows of some videos with their targets.

    Parameters
    ----------
    arrays : tuple of (n, ...) float32 array
        One per video.
    places : (m, 2) int array
        Video and row.
    targets : (m,) float32 array
        Pseudo-labels.
    """

    arrays: tuple[FloatArray, ...]
    places: IntArray
    targets: FloatArray

    @property
    def n_positive(self) -> int:
        """Rows with a target above 0."""
        return int(np.count_nonzero(self.targets > 0))


def label_rows(
    videos: Sequence[tuple[Features, Track]],
    kind: Kind,
    half_length: Callable[[float], int],
    *,
    function: PseudoLabel = "unit_step",
    onset_counted: bool = True,
) -> LabelledRows:
    """Pseudo-labels of every valid row.

    Parameters
    ----------
    videos : sequence of (Features, Track)
        Features and truth of each video.
    kind : {"macro", "micro"}
        Type of expression.
    half_length : callable
        From rows per second to the length of a window in rows: k of SOFTNet, k' of MEAN.
    function, onset_counted
        As in `pseudo_label` and `rows_of`.
    """
    places = [np.empty((0, 2), dtype=np.int64)]
    targets = [np.empty(0, dtype=np.float32)]
    for number, (features, track) in enumerate(videos):
        k = half_length(features.fps)
        intervals = rows_of(track, features, kind, k, onset_counted=onset_counted)
        labels = pseudo_label(window_iou(len(features.frames), k, intervals), function)
        rows = np.flatnonzero(features.valid)
        places.append(np.stack([np.full(len(rows), number), rows], axis=1))
        targets.append(labels[rows])
    return LabelledRows(
        tuple(features.values for features, _ in videos), np.concatenate(places), np.concatenate(targets)
    )
