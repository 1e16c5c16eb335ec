"""Frame-wise accuracy and the segmental edit score, FESNet section 4.2, as in MS-TCN (Farha and Gall 2019).

Conventions: each frame has one label, 0 neutral, 1 macro, 2 micro. Where expressions of both types overlap, the frame
is micro. Both scores lie in 0..1 (the papers print per cent).

Accuracy is the share of the frames with the right label. FESNet's eq. 6 writes an intersection over union less
intersection instead; for two label sequences of n frames of which c agree that is c / (2 n - 2 c), which passes 1 as
soon as two thirds of the frames agree, so it cannot be what was printed.

Edit compares the sequences of segment labels, whatever their lengths: 1 - (Levenshtein distance) / (number of
segments). ``"longer"`` divides by the larger number of segments, as MS-TCN's program does; ``"truth"`` by the number of
true segments, FESNet's eq. 9 read to the letter, which falls below 0 when there are too many predicted segments.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from facespot.values import IntArray, Kind, Track

LABELS: tuple[str, ...] = ("neutral", "macro", "micro")
EditLength: TypeAlias = Literal["longer", "truth"]


def frame_labels(track: Track, n_frames: int | None = None) -> IntArray:
    """Label of each frame.

    Parameters
    ----------
    track : Track
        Expressions of one video.
    n_frames : int, optional
        Length of the video. Default: that of the track. Expressions are cut at its end.

    Returns
    -------
    (n_frames,) int64 array
    """
    labels = np.zeros(track.timebase.n_frames if n_frames is None else n_frames, dtype=np.int64)
    kinds: tuple[Kind, ...] = ("macro", "micro")
    for kind in kinds:
        for one in track.of_kind(kind).expressions:
            labels[one.onset : one.offset + 1] = LABELS.index(kind)
    return labels


def frame_accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the frames with the right label.

    Parameters
    ----------
    truth, predicted : (n,) int array
        Labels of one video, or of several one after the other.

    >>> frame_accuracy([0, 0, 1, 1], [0, 1, 1, 1])
    0.75
    """
    true, guess = _checked(truth, predicted)
    return float(np.mean(true == guess))


def segments(labels: ArrayLike, *, ignore: Collection[int] = ()) -> list[int]:
    """Label of each run of equal labels.

    >>> segments([0, 0, 1, 1, 0, 2]), segments([0, 0, 1, 1, 0, 2], ignore=[0])
    ([0, 1, 0, 2], [1, 2])
    """
    values = np.asarray(labels, dtype=np.int64)
    if len(values) == 0:
        return []
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return [label for label in values[first].tolist() if label not in ignore]


def edit_score(
    truth: ArrayLike, predicted: ArrayLike, *, length: EditLength = "longer", ignore: Collection[int] = ()
) -> float:
    """Segmental edit score of one video, FESNet eqs. 9-11; for several videos take the mean.

    Parameters
    ----------
    truth, predicted : (n,) int array
        Labels of each frame.
    length : {"longer", "truth"}
        What the distance is divided by; see the module's text.
    ignore : collection of int
        Labels whose segments are left out, such as 0 for neutral.

    Returns
    -------
    float
        1 where the sequences are equal, also where both are empty.

    >>> edit_score([0, 1, 1, 0, 2, 0], [0, 1, 1, 0, 0, 0])
    0.6
    """
    true, guess = _checked(truth, predicted)
    first, second = segments(true, ignore=ignore), segments(guess, ignore=ignore)
    distance = levenshtein(first, second)
    whole = max(len(first), len(second)) if length == "longer" else len(first)
    if whole == 0:
        return 1.0 if distance == 0 else 0.0
    return 1.0 - distance / whole


def levenshtein(first: list[int], second: list[int]) -> int:
    """Fewest insertions, deletions and substitutions that turn one sequence into the other, FESNet eqs. 10, 11.

    >>> levenshtein([1, 2, 3], [2, 3, 4])
    2
    """
    row = np.arange(len(second) + 1)
    steps = np.arange(len(second) + 1)
    symbols = np.array(second, dtype=np.int64)
    for index, symbol in enumerate(first, start=1):
        best = np.concatenate(([index], np.minimum(row[1:] + 1, row[:-1] + (symbols != symbol))))
        # An insertion costs one per step to the right, so the row is a running minimum once that slope is taken out.
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _checked(truth: ArrayLike, predicted: ArrayLike) -> tuple[IntArray, IntArray]:
    true, guess = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.ndim != 1 or true.shape != guess.shape or len(true) == 0:
        raise ValueError(f"labels of shape {true.shape} and {guess.shape} cannot be compared")
    return true, guess
