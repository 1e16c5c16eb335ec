"""Which frames of a video are looked at: a stretch of time, at the video's rate or a lower one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facespot.errors import VideoError
from facespot.values import IntArray, Timebase
from facespot.video.frames import Video

# Rates nearer to each other than this are the same: 29.97 and 30 differ by 0.1 %.
SAME_RATE = 0.01
# A time given in decimals may miss a frame's time by rounding.
TIME_TOLERANCE_S = 1e-6


@dataclass(frozen=True, eq=False)
class Selection:
    """Frames picked from a video.

    Parameters
    ----------
    frames : (n,) int64 array
        Source frames, strictly increasing, n >= 1.
    fps : float
        Picked frames per second.
    """

    frames: IntArray
    fps: float

    def __post_init__(self) -> None:
        frames = np.array(self.frames, dtype=np.int64)
        if frames.ndim != 1 or frames.size == 0 or np.any(np.diff(frames) <= 0):
            raise ValueError("frames must be a non-empty, strictly increasing row")
        if not (self.fps > 0 and math.isfinite(self.fps)):
            raise ValueError(f"fps must be positive, got {self.fps}")
        frames.flags.writeable = False
        object.__setattr__(self, "frames", frames)


def select(
    video: Video, *, start_s: float | None = None, end_s: float | None = None, fps: float | None = None
) -> Selection:
    """Pick the frames of a stretch of time.

    Parameters
    ----------
    video : Video
        Opened video.
    start_s, end_s : float, optional
        Frames whose time lies in [start_s, end_s) seconds; from the first to the last frame where not given.
    fps : float, optional
        Frames per second to pick: at each multiple of 1/fps from the first frame on, the nearest frame. A rate within
        1 % of the video's own means all frames.

    Returns
    -------
    Selection
        The frames, and how many of them there are per second.

    Raises
    ------
    VideoError
        Start or end lie outside the video or hold no frame between them; `fps` is higher than the video's rate; or the
        selection goes beyond the readable part of a truncated file.
    """
    where, timebase = str(video.path), video.timebase
    duration_s = timebase.duration_s
    if video.promised_frames is not None and (end_s is None or end_s > duration_s + TIME_TOLERANCE_S):
        raise VideoError(
            where,
            f"the file is truncated: the header promises {video.promised_frames} frames, "
            f"only {timebase.n_frames} can be read",
            f"copy it again, or spot only the readable part with --end {_round_down(duration_s)}",
        )
    start = 0.0 if start_s is None else start_s
    end = duration_s if end_s is None else end_s
    _check_stretch(where, start, end, timebase)
    if fps is not None and not (fps > 0 and math.isfinite(fps)):
        raise VideoError(where, f"--fps {fps:g} is not a frame rate", "pass a number of frames per second above 0")

    times_s = _times(timebase)
    first, last = np.searchsorted(times_s, [start - TIME_TOLERANCE_S, end - TIME_TOLERANCE_S])
    if first >= last:
        raise VideoError(where, f"no frame lies between {start:g} s and {end:g} s", "choose a longer stretch")
    frames = np.arange(first, last, dtype=np.int64)
    own_rate = _rate(timebase, frames)
    if fps is None or abs(fps / own_rate - 1) <= SAME_RATE:
        return Selection(frames, own_rate)
    if fps > own_rate:
        raise VideoError(
            where,
            f"--fps {fps:g} is higher than the video's {own_rate:.4g} frames per second",
            f"pass a rate up to {own_rate:.4g}, or leave --fps out",
        )
    # Beyond half an interval after the last frame the nearest one would lie outside the stretch.
    stretch_s = float(times_s[last - 1] - times_s[first]) + 0.5 / own_rate
    count = math.floor((stretch_s + TIME_TOLERANCE_S) * fps) + 1
    wanted_s = times_s[first] + np.arange(count) / fps
    right = np.clip(np.searchsorted(times_s, wanted_s - TIME_TOLERANCE_S), first, last - 1)
    left = np.maximum(right - 1, first)
    nearer_left = wanted_s - times_s[left] <= times_s[right] - wanted_s + TIME_TOLERANCE_S
    picked = np.unique(np.where(nearer_left, left, right)).astype(np.int64)
    if len(picked) == count:
        return Selection(picked, fps)
    # Gaps in a variable frame rate leave fewer frames than asked for.
    return Selection(picked, fps * len(picked) / count)


def _check_stretch(where: str, start_s: float, end_s: float, timebase: Timebase) -> None:
    duration_s = timebase.duration_s
    lasts = f"the video lasts {duration_s:.2f} s"
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise VideoError(where, "--start and --end must be finite", f"give seconds; {lasts}")
    if start_s < 0 or start_s >= duration_s:
        raise VideoError(where, f"--start {start_s:g} lies outside the video", f"choose a time in it; {lasts}")
    # Durations shown are rounded to the hundredth, so what was shown may be passed back.
    if end_s > duration_s + max(0.5 / timebase.fps, 0.005) or end_s <= 0:
        raise VideoError(where, f"--end {end_s:g} lies outside the video", f"choose a time in it; {lasts}")
    if end_s <= start_s:
        raise VideoError(
            where, f"--end {end_s:g} is not after --start {start_s:g}", f"give the start before the end; {lasts}"
        )


def _times(timebase: Timebase) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if timebase.timestamps_s is not None:
        return np.asarray(timebase.timestamps_s).reshape(-1)
    return np.arange(timebase.n_frames) / timebase.fps


def _rate(timebase: Timebase, frames: IntArray) -> float:
    if timebase.timestamps_s is None or len(frames) < 2:
        return timebase.fps
    span_s = float(timebase.timestamps_s[frames[-1]] - timebase.timestamps_s[frames[0]])
    return (len(frames) - 1) / span_s


def _round_down(seconds: float) -> str:
    for digits in (1, 2, 3):
        rounded = math.floor(seconds * 10**digits) / 10**digits
        if rounded > 0:
            return f"{rounded:.{digits}f}"
    return f"{seconds:g}"
