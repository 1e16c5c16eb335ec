"""Progress on stderr: one line per stage with rate and time left."""

from __future__ import annotations

from types import MappingProxyType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LABELS = {
    "faces": "finding the face",
    "motion": "measuring motion",
    "scores": "scoring",
    "pictures": "apex pictures",
    "synth": "drawing faces",
    "rerecord": "recording anew",
}


class RateColumn(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        """The rate of a stage."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.0f} frames/s", style="progress.data.speed")


class StageProgress:
    """Shows the stages of one video while they run; where stderr is no terminal it shows nothing.

    Parameters
    ----------
    title : str
        Name of the video.
    shown : bool
        False for silence.
    """

    def __init__(self, title: str, *, shown: bool) -> None:
        console = Console(stderr=True)
        self._title = title
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            RateColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )

    def __enter__(self) -> StageProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, stage: Any, done: int, total: int) -> None:
        """Note that `done` of `total` frames of a stage are done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(f"{self._title}: {LABELS[stage]}", total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


class RunProgress:
    """Shows the stages of a run, summed over its processes; where stderr is no terminal it shows nothing.

    Parameters
    ----------
    title : str
        Name of the run.
    shown : bool
        False for silence.
    """

    LABELS = MappingProxyType({"features": "features, video", "folds": "training and scoring, fold"})

    def __init__(self, title: str, *, shown: bool) -> None:
        console = Console(stderr=True)
        self._title = title
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
            transient=True,
            # The estimate looks back far enough that a whole fold counts.
            speed_estimate_period=600,
            disable=not (shown and console.is_terminal),
        )

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, stage: Any, done: float, total: float) -> None:
        """Note that `done` of `total` videos or folds are done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task("", total=total)
        position = f"{self.LABELS[stage]} {min(int(done) + 1, int(total))} of {total:g}"
        self._progress.update(self._tasks[stage], completed=done, total=total, description=f"{self._title}: {position}")
