"""Tasks over processes: one that fails or is killed does not stop the others."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facespot.experiments.tasks import run_tasks

# `eval` is a function that every process finds, so that a task may be any expression.
SLEEP = "__import__('time').sleep(0.3) or {0}"
REFUSE = "(_ for _ in ()).throw(__import__('facespot.errors', fromlist=['x']).VideoError('a.mp4', 'broken', 'mend it'))"
KILL = "__import__('os').kill(__import__('os').getpid(), 9)"
LEAVE = "__import__('os')._exit(7)"


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_given_once_with_its_number(workers):
    found = sorted(run_tasks(eval, [f"{number} * 10" for number in range(5)], workers=workers))
    assert found == [(number, number * 10, None) for number in range(5)]
    assert list(run_tasks(eval, [], workers=workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_that_fails_leaves_the_others(workers):
    found = {number: rest for number, *rest in run_tasks(eval, ["1", REFUSE, "1 / 0", "4"], workers=workers)}
    assert (found[0], found[3]) == ([1, None], [4, None])
    assert found[1] == [None, "a.mp4: broken; mend it"]
    assert found[2][0] is None
    assert "an error of facespot's own (ZeroDivisionError: division by zero)" in found[2][1]
    assert "\n" not in found[2][1]


def test_an_error_of_our_own_is_shown_whole_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("FACESPOT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(eval, ["1 / 0"], workers=1))


@pytest.mark.parametrize("end", [KILL, LEAVE], ids=["killed", "left"])
def test_a_worker_that_is_killed_is_named_and_the_next_tasks_run(end):
    found = {number: rest for number, *rest in run_tasks(eval, ["1", end, SLEEP.format(3), "4"], workers=2)}
    assert sorted(found) == [0, 1, 2, 3]
    assert found[1][0] is None
    assert "a worker process was killed" in found[1][1]
    for number, value in ((0, 1), (2, 3), (3, 4)):
        assert found[number] == [value, None] or "was killed" in found[number][1]
    assert sorted(run_tasks(eval, ["1", "2"], workers=2)) == [(0, 1, None), (1, 2, None)]


def test_the_work_is_done_in_other_processes_with_one_thread_each():
    tasks = ["(__import__('os').getpid(), __import__('os').environ.get('OMP_NUM_THREADS'))"] * 4
    found = [result for _, result, _ in run_tasks(eval, tasks, workers=2)]
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {"1"}
    assert next(iter(run_tasks(eval, tasks[:1], workers=2)))[1][0] == os.getpid()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at the table of processes in /proc")
def test_workers_end_when_the_process_that_began_them_is_killed(tmp_path):
    note = "open('{0}/' + str(__import__('os').getpid()), 'w').close() or __import__('time').sleep(120)"
    tasks = [note.format(tmp_path)] * 2
    program = f"from facespot.experiments.tasks import run_tasks\nlist(run_tasks(eval, {tasks!r}, workers=2))"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        _wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        process.kill()
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert process.pid not in workers
    _wait_until(lambda: not any(_runs(pid) for pid in workers))


def _wait_until(condition, seconds=100):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.2)


def _runs(pid):
    """Whether a process goes on; one that ended stays in the table until its parent has taken note of it."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
