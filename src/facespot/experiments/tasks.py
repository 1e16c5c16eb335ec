"""Independent tasks over processes: one that fails or is killed does not stop the others."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from facespot.errors import FacespotError

Task = TypeVar("Task")


def run_tasks(
    work: Callable[[Task], Any], tasks: Sequence[Task], *, workers: int
) -> Iterator[tuple[int, Any, str | None]]:
    """Do `work` on each task.

    Parameters
    ----------
    work : callable
        A function of a module, so that another process can find it.
    tasks : sequence
        Small and picklable.
    workers : int
        Processes; with 1 the work is done in this one. Libraries use one thread in each.

    Yields
    ------
    (number of the task, what it gave, what went wrong or None)
        In the order in which they end. Where a process is killed, the tasks that had not ended are given as failed.
    """
    if workers == 1 or len(tasks) <= 1:
        for number, task in enumerate(tasks):
            yield _guarded(work, number, task)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = set(range(len(tasks)))
    with warnings.catch_warnings(), parallel_config(backend="loky", inner_max_num_threads=1):
        # A worker that has grown is replaced by a fresh one, which is as it should be and nothing to warn of.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
        results = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch=workers)(
            delayed(_guarded_in_worker)(os.getpid(), work, number, task) for number, task in enumerate(tasks)
        )
        try:
            for number, result, failure in results:
                left.discard(number)
                yield number, result, failure
        except TerminatedWorkerError:
            for number in sorted(left):
                yield number, None, "a worker process was killed, perhaps for want of memory; resume with fewer workers"


def _guarded_in_worker(
    parent: int, work: Callable[[Task], Any], number: int, task: Task
) -> tuple[int, Any, str | None]:
    _end_with(parent)
    return _guarded(work, number, task)


def _end_with(parent: int) -> None:
    """See that this process ends when its parent is killed: it would go on for minutes and disturb a resumed run."""
    name = "facespot-parent"
    if any(thread.name == name for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name=name, daemon=True).start()


def _guarded(work: Callable[[Task], Any], number: int, task: Task) -> tuple[int, Any, str | None]:
    try:
        return number, work(task), None
    except FacespotError as error:
        return number, None, str(error)
    except Exception as error:
        if os.environ.get("FACESPOT_DEBUG"):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return (
            number,
            None,
            f"an error of facespot's own ({reason}); please report it with what FACESPOT_DEBUG=1 prints",
        )
