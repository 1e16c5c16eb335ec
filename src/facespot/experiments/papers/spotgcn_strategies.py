"""Flow at a corner of the mouth during a micro-expression, by three strategies (SpoT-GCN, figure 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.pictures import prepared_video, shown_videos
from facespot.experiments.papers.reproduction import Reproduction
from facespot.faces import FaceSettings
from facespot.features import FeatureCache, feature_spec
from facespot.features.region_flow import REGION_POINTS, row_step
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.pipeline import Prepared, RunSettings, measure, prepare
from facespot.report.timeline import seconds
from facespot.values import BoolArray, Expression, Features, FloatArray, IntArray, Recording, distance_in_frames
from facespot.video import open_video, select

MOUTH_CORNER = REGION_POINTS.index(48)
VERTICAL = 1
SHOWN_S = 1.0
LARGE_WINDOW_S = 2.0
MOST_CANDIDATES = 12


@dataclass(frozen=True, eq=False)
class Strategy:
    """Flow of each frame from some earlier one.

    Parameters
    ----------
    name : str
    values : (n,) float32 array
        Vertical flow at the mouth corner in pixels.
    largest, noise : float
        Largest absolute value in the expression; standard deviation outside all of them; NaN where there are no frames.
    """

    name: str
    values: FloatArray
    largest: float
    noise: float

    def figures(self, unit: str) -> str:
        """Signal, noise and their ratio in words."""
        ratio = f"{self.largest / self.noise:.1f}" if self.noise > 0 else "unknown"
        return f"largest {self.largest:.2f} {unit}, noise {self.noise:.3f} {unit}, ratio {ratio}"


@dataclass(frozen=True, eq=False)
class MotionAround:
    """Flow of all strategies in the same frames.

    Parameters
    ----------
    times_s : (n,) float64 array
        Time of each frame in the video.
    strategies : tuple of Strategy
    """

    times_s: NDArray[np.float64]
    strategies: tuple[Strategy, ...]


def shown_expression(outcome: RunOutcome, reproduction: Reproduction) -> tuple[Recording, Expression]:
    """Of the first 12 micro-expressions the one with the largest vertical flow from the window's first frame.

    Raises
    ------
    FormatError
        None has flow.
    """
    usable = shown_videos(outcome, reproduction.videos) if reproduction.videos else outcome.tested
    candidates = [
        (recording, one)
        for recording in usable
        if outcome.scores(recording) is not None
        for one in recording.truth.of_kind("micro").expressions
    ][:MOST_CANDIDATES]
    config = _config(outcome)
    largest = {}
    for recording in dict.fromkeys(recording for recording, _ in candidates):
        features = _region_flow(prepared_video(outcome, recording, reproduction), config, 0, reproduction)
        for place, (other, one) in enumerate(candidates):
            if other is recording:
                rows = np.flatnonzero(_inside(features.frames, one))
                moved = np.abs(vertical_flow(features.values, rows, config.window // 2))
                largest[place] = float(np.max(moved, initial=-1.0, where=np.isfinite(moved)))
    if max(largest.values(), default=-1.0) < 0:
        remedy = "use a corpus whose test videos show annotated micro-expressions"
        raise FormatError(str(outcome.folder), "no micro-expression has flow at the mouth", remedy)
    return candidates[max(sorted(largest), key=lambda place: largest[place])]


def motion_around(
    outcome: RunOutcome, recording: Recording, shown: Expression, reproduction: Reproduction
) -> MotionAround:
    """Flow at the mouth corner from a second before to a second after the apex, by three strategies."""
    config, timebase = _config(outcome), recording.timebase
    apex_s = timebase.seconds(middle_of(shown))
    start_s, end_s = apex_s - SHOWN_S - LARGE_WINDOW_S, apex_s + SHOWN_S + 1 / timebase.fps
    prepared = _prepared_stretch(outcome, recording, (start_s, end_s), reproduction)
    large = distance_in_frames(LARGE_WINDOW_S, prepared.selection.fps / row_step(prepared.selection.fps))
    features = _region_flow(prepared, config, max(large, config.window - 1), reproduction)
    times_s = seconds(timebase, features.frames)
    rows = np.flatnonzero(np.abs(times_s - apex_s) <= SHOWN_S + 0.5 / timebase.fps)
    half = config.window // 2
    named = {
        "(a) between adjacent frames": 1,
        f"(b) from the first frame of the window: {half} frames ({half / features.fps:.2f} s) before": half,
        f"(c) from the frame {LARGE_WINDOW_S:g} s before": large,
    }
    expressing = np.logical_or.reduce([_inside(features.frames, one) for one in recording.truth.expressions])
    strategies = []
    for name, distance in named.items():
        values = vertical_flow(features.values, rows, distance)
        quiet = ~(expressing[rows] | expressing[np.maximum(rows - distance, 0)])
        strategies.append(
            Strategy(name, values, *signal_and_noise(values, _inside(features.frames[rows], shown), quiet))
        )
    return MotionAround(times_s[rows], tuple(strategies))


def vertical_flow(values: FloatArray, rows: IntArray, distance: int) -> FloatArray:
    """Flow at the mouth corner to some rows from those `distance` before; from the first row where there is none.

    Parameters
    ----------
    values : (n, reach + 1, 10, 2) float32 array
        Region flow; reach is at least the distance.
    rows : (m,) int64 array
    distance : int
    """
    starts = np.maximum(rows - distance, 0)
    return np.asarray(values[starts, rows - starts, MOUTH_CORNER, VERTICAL])


def signal_and_noise(values: FloatArray, inside: BoolArray, quiet: BoolArray) -> tuple[float, float]:
    """Largest absolute value inside, standard deviation of what is quiet; NaN where there is none.

    >>> signal_and_noise(np.array([1, -1, 5, -6, 9], np.float32), *np.array([[0, 0, 1, 1, 0], [1, 1, 0, 0, 0]], bool))
    (6.0, 1.0)
    """
    known = np.isfinite(values)
    within, outside = values[inside & known].astype(np.float64), values[quiet & known].astype(np.float64)
    largest = float(np.abs(within).max()) if len(within) else np.nan
    return largest, float(outside.std()) if len(outside) > 1 else np.nan


def _prepared_stretch(
    outcome: RunOutcome, recording: Recording, stretch_s: tuple[float, float], reproduction: Reproduction
) -> Prepared:
    """A part of a test video with its face, otherwise as the run read it."""
    video = open_video(recording.path, frame_rate=recording.timebase.fps if recording.path.is_dir() else None)
    start_s, end_s = max(0.0, stretch_s[0]), min(video.timebase.duration_s, stretch_s[1])
    selection = select(video, start_s=start_s, end_s=end_s, fps=outcome.plan.fps)
    cache = reproduction.execution.cache
    face = FaceSettings(detector=outcome.plan.detector)
    return prepare(video, selection, face=face, cache=FeatureCache(cache), run=RunSettings(cache=cache, workers=1))


def _region_flow(prepared: Prepared, config: SpotgcnConfig, reach: int, reproduction: Reproduction) -> Features:
    """Rows of a video; a reach of 0 is that of the run, whose rows are in the cache."""
    spec = feature_spec(
        "region_flow",
        flow=config.flow,
        reach=reach or config.reach or config.window - 1,
        landmarks_every=config.landmarks_every,
    )
    cache = reproduction.execution.cache
    (stored,) = measure(prepared, [spec], cache=FeatureCache(cache), run=RunSettings(cache=cache, workers=1))
    return stored.open()


def _inside(frames: IntArray, one: Expression) -> BoolArray:
    return np.asarray((frames >= one.onset) & (frames <= one.offset))


def middle_of(one: Expression) -> int:
    """The apex, or the middle where none is annotated."""
    return one.apex if one.apex is not None else (one.onset + one.offset) // 2


def _config(outcome: RunOutcome) -> SpotgcnConfig:
    config: SpotgcnConfig = outcome.folds[0].method("spotgcn").config
    return config
