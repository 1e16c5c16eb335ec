"""What a caller sets: which frames are read, and how the work is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facespot.errors import SettingsError
from facespot.features.cache import default_cache_folder

Stage = Literal["faces", "motion", "scores", "pictures"]
OnProgress = Callable[[Stage, int, int], None]


@dataclass(frozen=True)
class ReadSettings:
    """Which frames of the video are read.

    Parameters
    ----------
    start_s, end_s : float, optional
        Part of the video in seconds; default: all of it.
    fps : float, optional
        Frames per second to pick from the video; default: all frames.
    frame_rate : float, optional
        Rate at which a frame folder was recorded; a video file knows its own.
    """

    start_s: float | None = None
    end_s: float | None = None
    fps: float | None = None
    frame_rate: float | None = None


@dataclass(frozen=True)
class RunSettings:
    """How the work is done; changes no result.

    Parameters
    ----------
    cache : Path or None
        Folder for features; None keeps nothing.
    workers : int
        Threads for the flow.
    pictures : bool
        Whether the result carries pictures of the apex frames.
    on_progress : callable, optional
        Called with the stage, the frames done and the frames in all.
    """

    cache: Path | None = field(default_factory=default_cache_folder)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    pictures: bool = False
    on_progress: OnProgress | None = None


def checked(run: RunSettings) -> RunSettings:
    """The settings as they are.

    Raises
    ------
    SettingsError
        If there is no thread to work with.
    """
    if run.workers < 1:
        raise SettingsError("--workers", f"{run.workers} is out of range", "give 1 or more")
    return run


def progress_of(run: RunSettings, stage: Stage) -> Callable[[int, int], None] | None:
    """What reports the frames done and the frames in all of one stage; None where nobody listens."""
    if run.on_progress is None:
        return None
    report = run.on_progress
    return lambda done, total: report(stage, done, total)
