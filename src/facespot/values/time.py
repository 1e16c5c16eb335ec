"""Frames and seconds of a video, expressions in it, and the track of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from facespot.values.arrays import read_only

Kind: TypeAlias = Literal["macro", "micro"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, eq=False)
class Timebase:
    """Frames of one video in time: the only place where frames and seconds meet.

    Parameters
    ----------
    fps : float
        Mean frames per second, > 0.
    n_frames : int
        Number of frames, >= 0.
    timestamps_s : (n_frames,) float64 array, optional
        Time of each frame in seconds, strictly increasing, from 0 at the first frame. None means evenly spaced.

    >>> Timebase(25.0, 100).seconds(50)
    2.0
    >>> Timebase(30.0, 3, np.array([0.0, 0.05, 0.1])).frame_at(0.06)
    1
    """

    fps: float
    n_frames: int
    timestamps_s: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise ValueError(f"fps must be positive, got {self.fps}")
        if self.n_frames < 0:
            raise ValueError(f"n_frames must not be negative, got {self.n_frames}")
        if self.timestamps_s is not None:
            times = np.asarray(self.timestamps_s, dtype=np.float64)
            if times.shape != (self.n_frames,):
                raise ValueError(f"{times.shape} timestamps for {self.n_frames} frames")
            if np.any(np.diff(times) <= 0):
                raise ValueError("timestamps must increase strictly")
            object.__setattr__(self, "timestamps_s", read_only(times))

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the end of the last one, in seconds."""
        if self.n_frames == 0:
            return 0.0
        return self.seconds(self.n_frames - 1) + 1.0 / self.fps

    def seconds(self, frame: int) -> float:
        """Time of a frame in seconds."""
        if not 0 <= frame < self.n_frames:
            raise ValueError(f"frame {frame} is outside 0..{self.n_frames - 1}")
        if self.timestamps_s is None:
            return frame / self.fps
        return float(self.timestamps_s[frame])

    def frame_at(self, time_s: float) -> int:
        """Frame whose time is nearest to `time_s` (the earlier one of two equally near)."""
        if self.n_frames == 0:
            raise ValueError("an empty video has no frame")
        if self.timestamps_s is None:
            nearest = int(np.ceil(time_s * self.fps - 0.5))
            return min(max(nearest, 0), self.n_frames - 1)
        right = int(np.searchsorted(self.timestamps_s, time_s))
        if right == 0:
            return 0
        if right == self.n_frames:
            return self.n_frames - 1
        left = right - 1
        nearer_left = time_s - self.timestamps_s[left] <= self.timestamps_s[right] - time_s
        return left if nearer_left else right

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timebase):
            return NotImplemented
        if (self.fps, self.n_frames) != (other.fps, other.n_frames):
            return False
        if self.timestamps_s is None or other.timestamps_s is None:
            return self.timestamps_s is other.timestamps_s
        return bool(np.array_equal(self.timestamps_s, other.timestamps_s))

    def __hash__(self) -> int:
        return hash((self.fps, self.n_frames))


def distance_in_frames(duration_s: float, fps: float) -> int:
    """Whole number of frames nearest to a duration, at least 1.

    >>> distance_in_frames(0.2, 30.0), distance_in_frames(0.6, 29.97), distance_in_frames(0.001, 30.0)
    (6, 18, 1)
    """
    return max(1, int(np.floor(duration_s * fps + 0.5)))


@dataclass(frozen=True, slots=True)
class Expression:
    """One facial expression in time: a closed interval of frames with a type.

    ::

        onset          apex               offset
          |-------------^-------------------|
          both ends belong to it; length = offset - onset + 1

    Parameters
    ----------
    onset, offset : int
        First and last frame, ``0 <= onset <= offset``.
    apex : int or None
        Frame of the strongest motion, ``onset <= apex <= offset``; None where unknown.
    kind : {"macro", "micro"}
        Type of the expression.
    emotion : str, optional
        Name of the emotion.
    action_units : tuple of str
        FACS action units, such as ``("6", "R12")``.
    score : float, optional
        Confidence of a prediction; None for a human annotation.
    emotion_probability : float, optional
        Probability of the emotion, 0 to 1; None where no emotion is given, and for a human annotation.

    >>> a, b = Expression(10, 14, 19, "micro"), Expression(15, None, 24, "micro")
    >>> len(a), a.iou(b), a.overlaps(b)
    (10, 0.3333333333333333, True)
    """

    onset: int
    apex: int | None
    offset: int
    kind: Kind
    emotion: str | None = None
    action_units: tuple[str, ...] = ()
    score: float | None = None
    emotion_probability: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.onset <= self.offset:
            raise ValueError(f"onset {self.onset} and offset {self.offset} do not make an interval")
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            raise ValueError(f"apex {self.apex} is outside {self.onset}..{self.offset}")
        if self.kind not in KINDS:
            raise ValueError(f"type must be one of {KINDS}, got {self.kind!r}")
        if self.score is not None and not np.isfinite(self.score):
            raise ValueError(f"score must be finite, got {self.score}")
        if self.emotion_probability is not None:
            if not 0 <= self.emotion_probability <= 1:
                raise ValueError(f"emotion probability must be in 0..1, got {self.emotion_probability}")
            if self.emotion is None:
                raise ValueError(f"emotion probability {self.emotion_probability} without an emotion")

    def __len__(self) -> int:
        return self.offset - self.onset + 1

    def overlaps(self, other: Expression) -> bool:
        """Whether the two share at least one frame."""
        return self.onset <= other.offset and other.onset <= self.offset

    def iou(self, other: Expression) -> float:
        """Intersection over union of the two closed frame intervals, whatever their types."""
        shared = min(self.offset, other.offset) - max(self.onset, other.onset) + 1
        if shared <= 0:
            return 0.0
        return shared / (len(self) + len(other) - shared)

    def shift(self, frames: int) -> Expression:
        """The same expression, later by `frames`."""
        apex = None if self.apex is None else self.apex + frames
        return replace(self, onset=self.onset + frames, apex=apex, offset=self.offset + frames)

    def sort_key(self) -> tuple[int, int, str]:
        """Order in time: by onset, then offset, then type."""
        return (self.onset, self.offset, self.kind)


@dataclass(frozen=True)
class Track:
    """All expressions of one video in order of time; truth and prediction are both a Track.

    Parameters
    ----------
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the video.
    expressions : tuple of Expression
        Kept sorted by onset, offset and type; all inside the video.
    """

    video: str
    timebase: Timebase
    expressions: tuple[Expression, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.expressions, key=Expression.sort_key))
        if ordered:
            last = max(expression.offset for expression in ordered)
            if last >= self.timebase.n_frames:
                raise ValueError(f"offset {last} is outside a video of {self.timebase.n_frames} frames")
        object.__setattr__(self, "expressions", ordered)

    def of_kind(self, kind: Kind) -> Track:
        """Only the expressions of one type."""
        return replace(self, expressions=tuple(e for e in self.expressions if e.kind == kind))
