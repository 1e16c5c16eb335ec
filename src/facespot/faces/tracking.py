"""The face through a video: which frames have one, and which box and landmarks count in each.

SOFTNet finds the box and the landmarks on the first frame with a face and keeps them for the whole video. So do we as
long as the face stays: a new reference is taken only where the face was lost and found again, or has drifted away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FaceError, SettingsError
from facespot.faces.detectors import Detector
from facespot.faces.following import FollowedFace, Follower
from facespot.values import BoolArray, Box, Face, IntArray

if TYPE_CHECKING:
    from facespot.video import Frame, Selection, Video

MAX_WAITING_FRAMES = 64
"""Frames between two checks are held in memory until the second check is done; no more than this."""


@dataclass(frozen=True)
class FaceSettings:
    """How the face is found and followed.

    Parameters
    ----------
    detector : str
        Key of `facespot.faces.detectors.DETECTORS`.
    face : int, optional
        Which face to use where several persist, 1 for the first in order of size; None for the largest.
    check_every_s : float
        The face is looked for every so many seconds, and in every frame where two checks differ. Ours: half the 0.2 s
        that a micro-expression of CAS(ME)2 lasts from onset to apex.
    max_drift : float
        A new reference is taken when the nose and eye points have moved by more than this on average, in box widths.
        Ours: a little more than the region margins, 12 of 128 pixels (SOFTNet).
    min_eye_distance : float
        Faces with the outer eye corners nearer than this are not usable, pixels. Ours: a crop of 128 pixels would be
        enlarged nearly four times.
    min_presence : float
        A face persists when it is there in at least this share of the frames of the most lasting face. Ours.

    Raises
    ------
    SettingsError
        A setting is outside its range.
    """

    detector: str = "mediapipe"
    face: int | None = None
    check_every_s: float = 0.1
    max_drift: float = 0.1
    min_eye_distance: float = 20.0
    min_presence: float = 0.1

    def __post_init__(self) -> None:
        if self.face is not None and self.face < 1:
            raise SettingsError("face", f"{self.face} is not the number of a face", "give 1 or more")
        for name in ("check_every_s", "max_drift", "min_eye_distance"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise SettingsError(name, f"{value} is outside its range", "give a number of 0 or more")
        if not 0 <= self.min_presence <= 1:
            raise SettingsError("min_presence", f"{self.min_presence} is no share", "give a number from 0 to 1")


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face through the selected frames of a video.

    Parameters
    ----------
    frames : (n,) int64 array
        Source frame of each row.
    reference : (n,) int64 array
        Index into `references` of the face that counts in the row; -1 where there is no usable face.
    references : tuple of Face
        The faces as detected, in order of time.
    n_faces : int
        How many faces persist in the video.
    chosen : int
        Which of them this is, 1 for the first in order of size.
    coverage : float
        Share of the rows that have a usable face.
    """

    frames: IntArray
    reference: IntArray
    references: tuple[Face, ...]
    n_faces: int
    chosen: int
    coverage: float

    def __post_init__(self) -> None:
        frames = np.array(self.frames, dtype=np.int64)
        reference = np.array(self.reference, dtype=np.int64)
        if frames.ndim != 1 or frames.shape != reference.shape:
            raise ValueError(f"{reference.shape} references for frames of shape {frames.shape}")
        if np.any(reference < -1) or np.any(reference >= len(self.references)):
            raise ValueError(f"a row refers outside the {len(self.references)} references")
        frames.flags.writeable = reference.flags.writeable = False
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "reference", reference)

    @property
    def valid(self) -> BoolArray:
        """Which rows have a usable face, (n,) bool."""
        return self.reference >= 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Turn the track into plain arrays, for an .npz without pickling; `from_arrays` reads them."""
        boxes = [(face.box.left, face.box.top, face.box.width, face.box.height) for face in self.references]
        return {
            "frames": self.frames,
            "reference": self.reference,
            "reference_frames": np.array([face.frame for face in self.references], dtype=np.int64),
            "reference_boxes": np.array(boxes, dtype=np.float64).reshape(-1, 4),
            "reference_landmarks": np.array([face.landmarks for face in self.references], dtype=np.float32).reshape(
                -1, 68, 2
            ),
            "reference_quality": np.array([face.quality for face in self.references], dtype=np.float64),
            "n_faces_and_chosen": np.array([self.n_faces, self.chosen], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> FaceTrack:
        """Make the track of the arrays that `to_arrays` gave."""
        references = tuple(
            Face(int(frame), Box(*(float(side) for side in box)), landmarks, float(quality))
            for frame, box, landmarks, quality in zip(
                arrays["reference_frames"],
                arrays["reference_boxes"],
                arrays["reference_landmarks"],
                arrays["reference_quality"],
                strict=True,
            )
        )
        n_faces, chosen = (int(number) for number in arrays["n_faces_and_chosen"])
        return _track(arrays["frames"], arrays["reference"], references, n_faces, chosen)


def _track(frames: IntArray, reference: IntArray, references: tuple[Face, ...], n_faces: int, chosen: int) -> FaceTrack:
    coverage = float(np.mean(reference >= 0)) if len(reference) else 0.0
    return FaceTrack(frames, reference, references, n_faces, chosen, coverage)


def track_face(
    video: Video,
    selection: Selection,
    detector: Detector,
    settings: FaceSettings,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> FaceTrack:
    """Follow one face through the selected frames, in one pass and bounded memory.

    Parameters
    ----------
    video : Video
        Opened video.
    selection : Selection
        Which of its frames count.
    detector : Detector
        What finds faces; `load_detector(settings.detector)`.
    settings : FaceSettings
        See there.
    on_progress : callable, optional
        Called with frames done and frames in all.

    Returns
    -------
    FaceTrack
        Of the largest face that persists, or of the one that was asked for.

    Raises
    ------
    FaceError
        No usable face in any frame, or fewer faces than the number asked for.
    """
    n_rows = len(selection.frames)
    step = min(max(1, round(settings.check_every_s * selection.fps)), MAX_WAITING_FRAMES)
    watch = _Watch(detector, settings.min_eye_distance, Follower(settings.max_drift, selection.fps))
    waiting: list[tuple[int, Frame]] = []
    for row, frame in enumerate(video.read(selection.frames)):
        waiting.append((row, frame))
        if row % step == 0 or row == n_rows - 1:
            watch.check(waiting)
            waiting.clear()
            if on_progress is not None:
                on_progress(row + 1, n_rows)
    faces = lasting_faces(watch.follower.faces, settings.min_presence)
    if not faces:
        raise _no_face(video.name, watch, settings)
    chosen = settings.face or 1
    if chosen > len(faces):
        found = "1 face was found" if len(faces) == 1 else f"{len(faces)} faces were found"
        raise FaceError(video.name, f"face {chosen} was asked for, but {found}", f"choose from 1 to {len(faces)}")
    face = faces[chosen - 1]
    return _track(selection.frames, face.reference_of_rows(n_rows), tuple(face.references), len(faces), chosen)


def lasting_faces(faces: list[FollowedFace], min_presence: float) -> list[FollowedFace]:
    """Keep the faces that persist, the largest (median size times rows) first, equal ones in order of appearance."""
    longest = max((face.n_rows for face in faces), default=0)
    return sorted((face for face in faces if face.n_rows >= min_presence * longest), key=lambda face: -face.weight)


class _Watch:
    """Looks at the frames between two checks only where the checks differ."""

    def __init__(self, detector: Detector, min_eye_distance: float, follower: Follower) -> None:
        self.follower = follower
        self.n_examined = 0
        self.largest_rejected = 0.0
        self._detector = detector
        self._min_eye_distance = min_eye_distance

    def check(self, waiting: list[tuple[int, Frame]]) -> None:
        """Examine the last of the waiting frames, and those before it where something has changed."""
        *between, (row, frame) = waiting
        detections = self._detect(frame)
        if self.follower.agrees(detections):
            if between:
                self.follower.carry(between[-1][0])
        else:
            for earlier_row, earlier in between:
                self.follower.examine(earlier_row, self._detect(earlier))
        self.follower.examine(row, detections)

    def _detect(self, frame: Frame) -> list[Face]:
        self.n_examined += 1
        usable = []
        for face in self._detector.detect(frame.rgb(), frame.index):
            if face.quality >= self._min_eye_distance:
                usable.append(face)
            else:
                self.largest_rejected = max(self.largest_rejected, face.quality)
        return usable


def _no_face(where: str, watch: _Watch, settings: FaceSettings) -> FaceError:
    if watch.largest_rejected > 0:
        return FaceError(
            where,
            f"the largest face has {watch.largest_rejected:.0f} pixels between the outer eye corners, "
            f"and {settings.min_eye_distance:.0f} are needed",
            "use a video in which the face is larger",
        )
    return FaceError(
        where,
        f"no face found in any of the {watch.n_examined} frames examined",
        "use a video with an upright, lit face that looks to the camera, or another detector",
    )
