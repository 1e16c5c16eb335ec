"""How far several processes are, through small files that they replace and one process reads."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS_BETWEEN_NOTES = 0.5


class Note:
    """One task's note, written at most twice a second.

    Parameters
    ----------
    path : Path
        File of the task.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_at = -SECONDS_BETWEEN_NOTES

    def __call__(self, share: float) -> None:
        """Note that a share of the task, 0 to 1, is done."""
        now = time.monotonic()
        if share < 1.0 and now - self._written_at < SECONDS_BETWEEN_NOTES:
            return
        self._written_at = now
        unfinished = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            unfinished.write_text(json.dumps(share))
            unfinished.replace(self._path)
        except OSError:
            # Progress is a courtesy: a full disk is reported by what writes results.
            unfinished.unlink(missing_ok=True)


@contextmanager
def watch(folder: Path, total: float, on_progress: Callable[[float, float], None] | None) -> Iterator[None]:
    """Report the sum of all notes in a folder while the block runs; the folder is emptied before.

    Parameters
    ----------
    folder : Path
        Where the tasks write their notes.
    total : float
        Number of tasks.
    on_progress : callable, optional
        Called with tasks done, as a fraction, and tasks in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    if on_progress is None:
        yield
        return
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(SECONDS_BETWEEN_NOTES):
            on_progress(read_notes(folder), total)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def read_notes(folder: Path) -> float:
    """Sum of the shares noted in a folder."""
    total = 0.0
    for path in folder.glob("[!.]*"):
        try:
            total += float(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            continue
    return total
