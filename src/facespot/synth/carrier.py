"""A face from a neutral video: every frame is warped by itself, so that noise, light and head motion stay real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FaceError, SettingsError
from facespot.faces import Detector, load_detector
from facespot.synth.face_fit import HeadPosition, fit_face, weak_perspective
from facespot.synth.face_model import FaceModel
from facespot.synth.layered_face import LayeredFace
from facespot.synth.light import to_linear
from facespot.synth.original import Original, Placement
from facespot.synth.photos import SMALLEST_EYE_DISTANCE
from facespot.synth.source import Pose
from facespot.values import BoolArray, FloatArray
from facespot.video import Frame, Video

HEAD_SMOOTHING_S, SMOOTHING_S = 0.02, 0.1
"""Standard deviations, in seconds, of the Gaussians over time that steady the head and the single points. Ours."""
LONGEST_GAP_S = 0.5
"""The face may be missed by the detector for so long; landmarks are interpolated between."""
NEXT_FRAMES = 64
"""Frames up to this many ahead are read on to; farther ones are sought."""


class CarrierFace:
    """A `FaceSource` that warps the frames of a video of a neutral face, at the video's own size.

    The video is read twice as a stream: once here to find the landmarks, of which all are kept (about 1 kB a frame),
    once while drawing in order of time. What the person in the video does counts as rest: blinks, gaze and head motion
    of the video stay in the pictures and are not labelled.

    Parameters
    ----------
    model : FaceModel
    video : Video
        Opened; the face is in sight from the first to the last frame.
    detector : Detector, optional
        The default detector where none is given.
    on_progress : callable, optional
        Called with frames looked at and frames in all.

    Raises
    ------
    FaceError
        The face is missing for longer than `LONGEST_GAP_S`, or too small.
    VideoError
        A frame cannot be decoded.
    """

    def __init__(
        self,
        model: FaceModel,
        video: Video,
        detector: Detector | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._video = video
        found = _find_landmarks(video, detector or load_detector(), on_progress)
        seen = ~np.isnan(found[:, 0, 0])
        points = steady(bridge(found, video), video.timebase.fps)
        eyes = np.linalg.norm(points[:, 45] - points[:, 36], axis=1)
        if np.median(eyes) < SMALLEST_EYE_DISTANCE / 2:
            raise FaceError(
                str(video.path),
                f"the face is too small ({np.median(eyes):.0f} pixels between the outer eye corners)",
                f"use a video with at least {SMALLEST_EYE_DISTANCE / 2:.0f}",
            )
        self.found_share = float(seen.mean())
        self._points = points
        # The frame that is most like the whole video, so that no blink and no turned head becomes the reference.
        relative = (points - points.mean(axis=1, keepdims=True)) / eyes[:, None, None]
        self._reference = int(np.argmin(np.abs(relative - np.median(relative, axis=0)).mean(axis=(1, 2))))
        fit = fit_face(model, points[self._reference])
        self._face = LayeredFace(model, fit, points[self._reference])
        self._rigid = fit.shape[model.landmarks[_RIGID]].astype(np.float64)
        self._reading: Iterator[Frame] | None = None
        self._current: tuple[int, FloatArray] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures in pixels."""
        return self._video.width, self._video.height

    @property
    def n_frames(self) -> int:
        """Number of frames that can be drawn."""
        return self._video.timebase.n_frames

    @property
    def fps(self) -> float:
        """Frames per second of the video."""
        return self._video.timebase.fps

    @property
    def blink_weight(self) -> float:
        """Weight of the two eyeBlink shapes that closes the lids just so."""
        return self._face.blink_weight

    def draw(self, pose: Pose, frame: int) -> FloatArray:
        """Picture of a pose on a frame of the video, (h, w, 3) float32, linear light, 0..1.

        Raises
        ------
        SettingsError
            The video has no such frame.
        VideoError
            The frame cannot be decoded.
        """
        placement = self._place(frame)
        drawn = self._face.draw(Original(self._face, self._picture(frame), 1, placement), pose)
        return np.asarray(np.clip(drawn * np.float32(pose.light), 0.0, 1.0))

    def landmarks(self, pose: Pose, frame: int) -> FloatArray:
        """The 68 points of a pose on a frame, (68, 2) float32 pixels."""
        return self._face.landmarks(self._place(frame), pose)

    def flow(self, first: Pose, second: Pose, frames: tuple[int, int]) -> tuple[FloatArray, BoolArray]:
        """Motion from one picture to the other: (h, w, 2) float32 pixels, and where it is known (h, w) bool.

        Only within one frame is the motion exact. Between two, what the carrier itself does is known only as far as
        its landmarks tell, so the motion is given and nowhere known.
        """
        width, height = self.size
        places = [self._place(frame) for frame in frames]
        flow, known = self._face.flow((height, width), (places[0], first), (places[1], second))
        return flow, known & (frames[0] == frames[1])

    def facial_motion(self, weights: Mapping[str, float]) -> float:
        """Largest motion of a point of the skin against rest, the head still, in pixels of the reference frame."""
        return self._face.facial_motion(weights) * self._face.reference.position.scale

    def eye_distance(self) -> float:
        """Distance between the outer eye corners in the reference frame in pixels."""
        points = self._points[self._reference]
        return float(np.linalg.norm(points[45] - points[36]))

    def _place(self, frame: int) -> Placement:
        if not 0 <= frame < self.n_frames:
            raise SettingsError(
                str(self._video.path), f"the carrier has no frame {frame}", f"it has 0 to {self.n_frames - 1}"
            )
        points = self._points[frame]
        position: HeadPosition = weak_perspective(self._rigid, points[_RIGID])
        return self._face.place(position, points)

    def _picture(self, frame: int) -> FloatArray:
        if self._current is None or self._current[0] != frame:
            last = -NEXT_FRAMES - 1 if self._current is None or self._reading is None else self._current[0]
            if not last < frame <= last + NEXT_FRAMES or self._reading is None:
                self._reading = self._video.read(np.arange(frame, self.n_frames))
            self._current = None
            for picture in self._reading:
                if picture.index == frame:
                    self._current = frame, to_linear(picture.rgb())
                    break
        if self._current is None:
            raise RuntimeError(f"frame {frame} did not come")
        return self._current[1]


# Brows and mouth move with speech and feeling, the jaw line with the outline: the head is told by eyes and nose, and
# by the temples only through them.
_RIGID = np.array([*range(27, 48)])


def bridge(found: NDArray[np.float64], video: Video) -> NDArray[np.float64]:
    """Interpolate landmarks (n, 68, 2) over short gaps, in which they are NaN; the ends repeat the nearest.

    Raises
    ------
    FaceError
        A gap is longer than `LONGEST_GAP_S`, or there is no face at all.
    """
    seen = np.nonzero(~np.isnan(found[:, 0, 0]))[0]
    if len(seen) == 0:
        raise FaceError(
            str(video.path), "no face was found in any frame", "use a video with an upright, lit face that looks ahead"
        )
    edges = np.concatenate([[-1], seen, [len(found)]])
    widest = int(np.argmax(np.diff(edges)))
    gap = int(np.diff(edges)[widest]) - 1
    if gap > LONGEST_GAP_S * video.timebase.fps:
        first = int(edges[widest]) + 1
        raise FaceError(
            str(video.path),
            f"no face was found in {gap} frames from {video.timebase.seconds(first):.2f} s on",
            "use a video in which the face is always in sight, or cut it there",
        )
    flat = found.reshape(len(found), -1)
    bridged = np.stack([np.interp(np.arange(len(found)), seen, column[seen]) for column in flat.T], axis=1)
    return np.asarray(bridged.reshape(found.shape))


def steady(points: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Take the jitter of a detector out of landmarks (n, 68, 2).

    The motion of the head, a shift, turn and scale in the picture that 51 points tell together, is smoothed a little
    (`HEAD_SMOOTHING_S`), what is left of each point more (`SMOOTHING_S`).
    """
    at = points[..., 0] + 1j * points[..., 1]
    middle = at[:, 17:].mean(axis=1, keepdims=True)
    mean = (at - middle).mean(axis=0)
    unit = mean - mean[17:].mean()
    turn = ((at - middle)[:, 17:] @ unit[17:].conj() / np.sum(np.abs(unit[17:]) ** 2))[:, None]
    rest = (at - middle) / turn - unit
    head = _smooth(np.concatenate([middle, turn], axis=1), HEAD_SMOOTHING_S * fps)
    steadied = head[:, :1] + head[:, 1:] * (unit + _smooth(rest, SMOOTHING_S * fps))
    return np.stack([steadied.real, steadied.imag], axis=-1)


def _smooth(values: NDArray[np.complex128], sigma: float) -> NDArray[np.complex128]:
    """Gaussian along the first axis; beyond the ends motion goes on as it came."""
    from scipy.ndimage import gaussian_filter1d

    n = min(len(values) - 1, int(np.ceil(4 * sigma)))
    padded = np.pad(values, ((n, n), (0, 0)), mode="reflect", reflect_type="odd") if n else values
    smooth = gaussian_filter1d(padded.real, sigma, axis=0) + 1j * gaussian_filter1d(padded.imag, sigma, axis=0)
    return np.asarray(smooth[n : n + len(values)])


def _find_landmarks(
    video: Video, detector: Detector, on_progress: Callable[[int, int], None] | None
) -> NDArray[np.float64]:
    """Landmarks (n, 68, 2) of the largest face of each frame that is the one of before; NaN where there is none."""
    n = video.timebase.n_frames
    found = np.full((n, 68, 2), np.nan)
    before = None
    for frame in video.read(np.arange(n)):
        faces = detector.detect(frame.rgb(), frame.index)
        if before is not None:
            faces = tuple(face for face in faces if face.box.iou(before) > 0.2)
        if faces:
            found[frame.index] = faces[0].landmarks
            before = faces[0].box
        if on_progress is not None:
            on_progress(frame.index + 1, n)
    return found
