"""Class probabilities of each frame and intervals in, the emotion of each interval out.

The intervals may come from any method or from a person. MEAN, section 3.4: every frame of a part of the interval votes
for its most probable class, and the interval gets the class with the most votes (the mode). Which part, by ``case``:

======================  ============================  ==============================================
case                    frames                        MEAN's name, for a peak and k'
======================  ============================  ==============================================
``"onset_to_apex"``     onset to the one before apex  case 1, [peak - k', peak - 1]; the default
``"apex"``              the apex alone                case 2, [peak]
``"onset_to_offset"``   onset to offset               case 3, [peak - k', peak + k' - 1]
======================  ============================  ==============================================

Of several classes with the same number of votes, the one with the higher mean probability wins; of those that are equal
in that too, the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from facespot.errors import SettingsError
from facespot.values import BoolArray, Track

Case: TypeAlias = Literal["onset_to_apex", "apex", "onset_to_offset"]
CASES: tuple[Case, ...] = get_args(Case)


@dataclass(frozen=True)
class Label:
    """The emotion of one interval.

    Parameters
    ----------
    emotion : str
        The class with the most votes.
    probability : float
        Its mean probability over the frames that voted; another class may have a higher one.
    probabilities : mapping of str to float
        Mean probability of every class, in the order of the classes.
    n_frames : int
        Frames that voted.
    """

    emotion: str
    probability: float
    probabilities: Mapping[str, float]
    n_frames: int


def frames_of_case(onset: int, apex: int | None, offset: int, case: Case = "onset_to_apex") -> tuple[int, int]:
    """First and last frame that vote, both included.

    Parameters
    ----------
    onset, offset : int
        First and last frame of the interval.
    apex : int or None
        Where None, the frame in the middle stands in for it. Where it is the onset, ``"onset_to_apex"`` is that frame.
    case : {"onset_to_apex", "apex", "onset_to_offset"}
        See the module's text.

    Raises
    ------
    SettingsError
        If the case is none of the three.

    >>> frames_of_case(10, 14, 20), frames_of_case(10, 14, 20, "apex"), frames_of_case(10, None, 20)
    ((10, 13), (14, 14), (10, 14))
    """
    if case not in CASES:
        raise SettingsError("case", f"{case!r} is unknown", f"choose one of {', '.join(CASES)}")
    if case == "onset_to_offset":
        return onset, offset
    middle = (onset + offset) // 2 if apex is None else apex
    if case == "apex":
        return middle, middle
    return onset, max(onset, middle - 1)


def vote(probabilities: ArrayLike, classes: Sequence[str]) -> Label | None:
    """The class that most frames hold for the most probable; None without a frame.

    Parameters
    ----------
    probabilities : (n, C) array
        One row per frame; each is a distribution over the classes.
    classes : sequence of str
        Name of each column.

    >>> vote([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], ("negative", "positive")).emotion
    'positive'
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(classes):
        raise ValueError(f"{rows.shape} probabilities for {len(classes)} classes")
    if len(rows) == 0:
        return None
    votes = np.bincount(rows.argmax(axis=1), minlength=len(classes))
    means = rows.mean(axis=0)
    winner = max(range(len(classes)), key=lambda index: (votes[index], means[index], -index))
    named = {name: float(mean) for name, mean in zip(classes, means, strict=True)}
    return Label(classes[winner], named[classes[winner]], named, len(rows))


def label_track(
    track: Track,
    frames: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    *,
    valid: BoolArray | None = None,
    case: Case = "onset_to_apex",
) -> tuple[Label | None, ...]:
    """Emotion of each expression of a track.

    Parameters
    ----------
    track : Track
        Expressions, spotted or given.
    frames : (n,) int array
        Source frame of each row, increasing.
    probabilities : (n, C) array
        Class probabilities of each row.
    classes : sequence of str
        Name of each column.
    valid : (n,) bool array, optional
        Rows that have probabilities. Default: all.
    case : {"onset_to_apex", "apex", "onset_to_offset"}
        See the module's text.

    Returns
    -------
    tuple of Label or None
        In the order of the track's expressions; None where no frame has probabilities. Where rows are so sparse that
        none lies in the part that votes, the row before it does.

    Raises
    ------
    SettingsError
        If the case is none of the three.
    """
    places = np.asarray(frames, dtype=np.int64)
    rows = np.asarray(probabilities, dtype=np.float64)
    usable = np.ones(len(places), dtype=np.bool_) if valid is None else np.asarray(valid, dtype=np.bool_)
    if len(rows) != len(places) or usable.shape != places.shape:
        raise ValueError(f"{len(rows)} rows and {usable.shape} marks for {len(places)} frames")
    labels = []
    for one in track.expressions:
        first, last = frames_of_case(one.onset, one.apex, one.offset, case)
        start, stop = np.searchsorted(places, first), np.searchsorted(places, last, side="right")
        if start == stop and 0 < start < len(places):
            start -= 1
        part = slice(start, stop)
        labels.append(vote(rows[part][usable[part]], classes))
    return tuple(labels)


def with_emotions(track: Track, labels: Sequence[Label | None]) -> Track:
    """The track with the emotion and its probability of each label; an expression without a label stays as it is.

    Parameters
    ----------
    track : Track
    labels : sequence of Label or None
        In the order of the track's expressions.
    """
    named = [
        one if label is None else replace(one, emotion=label.emotion, emotion_probability=label.probability)
        for one, label in zip(track.expressions, labels, strict=True)
    ]
    return replace(track, expressions=tuple(named))
