"""The clips of many videos that are trained on (section 3.2): frames are read only when a batch needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.methods.base import TrainingVideo
from facespot.methods.fesnet.clips import Clips, clips_of
from facespot.methods.fesnet.config import FesnetConfig
from facespot.metrics.framewise import LABELS, frame_labels
from facespot.values import KINDS, BoolArray, ByteImage, Features, IntArray, Kind, Track

N_CLASSES = len(LABELS)


class ClipSamples:
    """Clips of several videos with the class of each of their frames.

    Parameters
    ----------
    videos : sequence of ((n, 112, 112, 3) uint8 array, (n,) int64 array, (n,) bool array)
        Aligned faces, memory-mapped or not; the class of each row; whether it is learned.
    clips : sequence of Clips
        Of each video.
    mirrored : bool
        Whether half of the clips, drawn for each batch, are mirrored.
    few : int
        Give of each clip only its first frame and so many less one of the others, drawn for each batch, in order; 0 for
        all.
    """

    def __init__(
        self,
        videos: Sequence[tuple[NDArray[np.uint8], IntArray, BoolArray]],
        clips: Sequence[Clips],
        *,
        mirrored: bool,
        few: int = 0,
    ) -> None:
        self._videos = videos
        self._few = few
        self._clips = clips
        self._mirrored = mirrored
        numbers = [np.stack([np.full(len(one), index), np.arange(len(one))], axis=1) for index, one in enumerate(clips)]
        self._places: IntArray = np.concatenate(numbers) if numbers else np.zeros((0, 2), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def class_counts(self) -> IntArray:
        """Rows of each class that are learned, each counted once however many clips hold it: (3,)."""
        counts = np.zeros(N_CLASSES, dtype=np.int64)
        for (_, labels, learned), clips in zip(self._videos, self._clips, strict=True):
            rows = np.unique(clips.rows[clips.counted])
            counts += np.bincount(labels[rows[learned[rows]]], minlength=N_CLASSES)
        return counts

    def batch(self, indices: IntArray, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
        """Frames (b, T, 112, 112, 3) float32, classes (b, T) int64, and which of them count (b, T) bool."""
        flips = rng.random(len(indices)) < 0.5 if self._mirrored else np.zeros(len(indices), dtype=np.bool_)
        frames, classes, counted = [], [], []
        for (video, clip), flip in zip(self._places[indices].tolist(), flips.tolist(), strict=True):
            (values, labels, learned), clips = self._videos[video], self._clips[video]
            seen = self._seen(clips.rows.shape[1], rng)
            rows = clips.rows[clip, seen]
            # The rows of a clip follow each other: one piece of the file, and its last row again where it is padded.
            piece = np.asarray(values[rows[0] : rows[-1] + 1])[rows - rows[0]]
            frames.append(mirror(piece) if flip else piece)
            classes.append(labels[rows])
            counted.append(clips.counted[clip, seen] & learned[rows])
        return np.stack(frames).astype(np.float32), np.stack(classes), np.stack(counted)

    def _seen(self, length: int, rng: np.random.Generator) -> IntArray:
        """Places in a clip of the frames that are given."""
        if not 0 < self._few < length:
            return np.arange(length)
        others = rng.choice(length - 1, self._few - 1, replace=False)
        return np.concatenate([[0], 1 + np.sort(others)])


def mirror(frames: ByteImage) -> ByteImage:
    """Exchange left and right of (..., h, w, 3) images."""
    return frames[..., ::-1, :]


def clip_samples(
    videos: Sequence[TrainingVideo], config: FesnetConfig, kinds: Sequence[Kind], *, mirrored: bool, few: int = 0
) -> ClipSamples:
    """Clips of all frames with a usable face.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        Those without features of any of the types are left out.
    config : FesnetConfig
    kinds : sequence of {"macro", "micro"}
        Types to learn. Frames of a type that is not learned from a video do not count in it: whether they are neutral
        or not, they must not teach.
    mirrored, few
        See `ClipSamples`.
    """
    arrays, clips = [], []
    for video in videos:
        learned = [kind for kind in KINDS if kind in kinds and kind in video.features]
        if learned:
            features = video.features[learned[0]]
            labels, counts = row_classes(video.truth, features, learned)
            arrays.append((features.values, labels, counts))
            clips.append(clips_of(features.valid, config.clip_frames, config.training_stride))
    return ClipSamples(arrays, clips, mirrored=mirrored, few=few)


def row_classes(truth: Track, features: Features, kinds: Sequence[Kind]) -> tuple[IntArray, BoolArray]:
    """Class of each row, and whether it is learned: rows of an expression of a type that is left out are not."""
    n_frames = int(features.frames[-1]) + 1 if len(features.frames) else 0
    classes = frame_labels(truth, max(n_frames, truth.timebase.n_frames))[features.frames]
    known = [LABELS.index("neutral"), *(LABELS.index(kind) for kind in kinds)]
    return classes, np.isin(classes, known)
