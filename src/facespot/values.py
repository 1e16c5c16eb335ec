"""The value types that travel between the rooms: small, frozen, numpy only.

Conventions, the same everywhere in facespot
--------------------------------------------
Frames count from 0. Intervals are closed: both the onset and the offset frame belong to the expression, so its
length is ``offset - onset + 1``. Times are seconds. Image positions are pixels, x to the right, y down, the centre of
the first pixel at (0, 0). Arrays held by a value are read-only.

A row of `Features` or `Scores` belongs to one frame of the *source* video, named in ``frames``; rows are taken at
``fps`` rows per second, which differs from the video's own rate when frames were picked (``--fps``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["macro", "micro"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Setting: TypeAlias = str | int | float | bool | None
FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
ByteImage: TypeAlias = NDArray[np.uint8]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


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
            object.__setattr__(self, "timestamps_s", _read_only(times))

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

    def __post_init__(self) -> None:
        if not 0 <= self.onset <= self.offset:
            raise ValueError(f"onset {self.onset} and offset {self.offset} do not make an interval")
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            raise ValueError(f"apex {self.apex} is outside {self.onset}..{self.offset}")
        if self.kind not in KINDS:
            raise ValueError(f"type must be one of {KINDS}, got {self.kind!r}")
        if self.score is not None and not np.isfinite(self.score):
            raise ValueError(f"score must be finite, got {self.score}")

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


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in an image, in pixels: it covers ``left <= x < left + width``, and so for y.

    >>> Box(0, 0, 10, 10).iou(Box(5, 0, 10, 10))
    0.3333333333333333
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            raise ValueError(f"a box needs a positive size, got {self.width} x {self.height}")

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Intersection over union of the two areas."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    Parameters
    ----------
    frame : int
        Frame of the source video in which it was found.
    box : Box
        Square crop around the face, pixels of the frame; may reach beyond the image.
    landmarks : (68, 2) float32 array
        x, y of the 68 iBUG / Multi-PIE points, 0-based, pixels of the frame.
    quality : float
        Size of the face: distance between the outer eye corners in pixels.
    """

    frame: int
    box: Box
    landmarks: FloatArray
    quality: float

    def __post_init__(self) -> None:
        landmarks = np.asarray(self.landmarks, dtype=np.float32)
        if landmarks.shape != (68, 2):
            raise ValueError(f"landmarks must have the shape (68, 2), got {landmarks.shape}")
        object.__setattr__(self, "landmarks", _read_only(landmarks))


@dataclass(frozen=True)
class FeatureSpec:
    """What is computed from a video, completely: equal specs give equal features.

    Parameters
    ----------
    kind : str
        Name of the feature, a key of `facespot.features`.
    version : int
        Raised whenever the code computes something else for the same settings.
    settings : mapping of str to str, int, float, bool or None
        Every setting that changes the values.
    """

    kind: str
    version: int
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that differ where the spec differs; part of the cache key.

        >>> FeatureSpec("strain", 1).digest() == FeatureSpec("strain", 2).digest()
        False
        """
        text = json.dumps([self.kind, self.version, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_rows(values: NDArray[Any], frames: NDArray[Any], valid: NDArray[Any]) -> None:
    if frames.ndim != 1 or len(values) != len(frames):
        raise ValueError(f"{len(values)} rows of values for frames of shape {frames.shape}")
    if len(valid) != len(frames):
        raise ValueError(f"{len(valid)} marks of validity for {len(frames)} rows")
    if np.any(np.diff(frames) <= 0):
        raise ValueError("the frames of the rows must increase strictly")


@dataclass(frozen=True, eq=False)
class Features:
    """What a method sees of one video: one row of numbers per frame.

    Parameters
    ----------
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the source video.
    spec : FeatureSpec
        What the values are.
    values : (n, ...) float32 array
        One row per frame, possibly memory-mapped. Rows that are not valid hold NaN.
    frames : (n,) int64 array
        Source frame of each row, strictly increasing.
    valid : (n,) bool array
        False where the frame or its partner has no usable face.
    fps : float
        Rows per second.
    """

    video: str
    timebase: Timebase
    spec: FeatureSpec
    values: FloatArray
    frames: IntArray
    valid: BoolArray
    fps: float

    def __post_init__(self) -> None:
        frames, valid = np.asarray(self.frames, dtype=np.int64), np.asarray(self.valid, dtype=np.bool_)
        _check_rows(self.values, frames, valid)
        object.__setattr__(self, "values", _read_only(self.values))
        object.__setattr__(self, "frames", _read_only(frames))
        object.__setattr__(self, "valid", _read_only(valid))


@dataclass(frozen=True, eq=False)
class Scores:
    """How strongly a method believes in an expression, per frame and channel.

    Parameters
    ----------
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the source video.
    channels : tuple of str
        Name of each column: ``"macro"``, ``"micro"``, ``"micro/onset"``, ...
    values : (n, c) float32 array
        Scores; NaN exactly where not valid.
    frames : (n,) int64 array
        Source frame of each row, strictly increasing.
    valid : (n, c) bool array
        False where there is no score: no usable face, or no partner frame at the end of the video.
    fps : float
        Rows per second.
    """

    video: str
    timebase: Timebase
    channels: tuple[str, ...]
    values: FloatArray
    frames: IntArray
    valid: BoolArray
    fps: float

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32)
        frames, valid = np.asarray(self.frames, dtype=np.int64), np.asarray(self.valid, dtype=np.bool_)
        if values.ndim != 2 or values.shape[1] != len(self.channels) or valid.shape != values.shape:
            raise ValueError(f"{values.shape} scores, {valid.shape} marks for {len(self.channels)} channels")
        _check_rows(values, frames, valid)
        if not np.array_equal(np.isfinite(values), valid):
            raise ValueError("scores must be finite where valid and NaN elsewhere")
        object.__setattr__(self, "values", _read_only(values))
        object.__setattr__(self, "frames", _read_only(frames))
        object.__setattr__(self, "valid", _read_only(valid))

    def channel(self, name: str) -> tuple[FloatArray, BoolArray]:
        """Values and validity of one channel, both of length n."""
        column = self.channels.index(name)
        return self.values[:, column], self.valid[:, column]


@dataclass(frozen=True, eq=False)
class Curve:
    """What the threshold was laid on for one type: the smoothed score of each frame.

    Parameters
    ----------
    kind : {"macro", "micro"}
        Type of expression.
    frames : (n,) int64 array
        Source frame of each value.
    values : (n,) float32 array
        Smoothed scores; NaN where there is none.
    threshold : float or None
        Peaks above it are spotted; None where no frame has a score.
    """

    kind: Kind
    frames: IntArray
    values: FloatArray
    threshold: float | None


@dataclass(frozen=True, eq=False)
class Result:
    """What `facespot.spot` found in one video.

    Parameters
    ----------
    track : Track
        The expressions, in frames of the source video.
    scores : Scores
        Raw scores per frame; other thresholds need no new inference.
    curves : tuple of Curve
        Smoothed scores and threshold, one per type.
    provenance : mapping
        What made the result: versions, method, settings, hashes of video and weights, the face that was used.
    notes : tuple of str
        What a reader must know to judge the result, one sentence each.
    pictures : mapping from frame to (h, w, 3) uint8 array
        The face in the apex frames of the strongest expressions, RGB; empty unless asked for.
    """

    track: Track
    scores: Scores
    curves: tuple[Curve, ...]
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    pictures: Mapping[int, ByteImage] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """One video of a corpus with its annotation.

    Parameters
    ----------
    id : str
        Name of the video, different from all others of the corpus.
    subject : str
        Who is in it; leave-one-subject-out folds are made of this.
    path : Path
        Video file or frame folder.
    truth : Track
        Annotated expressions; its timebase is that of the video.
    """

    id: str
    subject: str
    path: Path
    truth: Track

    @property
    def timebase(self) -> Timebase:
        """Frames and seconds of the video."""
        return self.truth.timebase


@dataclass(frozen=True)
class Fold:
    """One split of a corpus.

    Parameters
    ----------
    name : str
        What is held out, such as the subject.
    train, test : tuple of Recording
        Disjoint.
    """

    name: str
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]
