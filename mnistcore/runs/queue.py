"""Fair run queue: a training for every two cores, each in a process that outlives its server.

A run that waits is only a folder. When a place is free, `dispatch` sets a worker on the next run:
called when a run is created or resumed, by whatever leaves a place, and every few seconds by a
server, so that nothing that is killed leaves the queue standing.
"""

import functools
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from mnistcore.errors import MnistError, RunError
from mnistcore.runs import store
from mnistcore.runs.store import Run

MAX_CONCURRENT = max(1, (os.cpu_count() or 2) // 2)  # trainings that this machine can bear at once
DISPATCH_INTERVAL_S = 5.0  # seconds between two looks of a server at its queue
_log = logging.getLogger(__name__)
_spare: subprocess.Popen[bytes] | None = None
_spare_lock = threading.Lock()


def due_runs(folder: Path) -> list[Run]:
    """The waiting runs for which there is a place, next first."""
    at_work, waiting = store.queue_order(folder)
    return waiting[: max(0, MAX_CONCURRENT - at_work)]


def runs_at_work(folder: Path) -> list[Run]:
    """The runs that have a place, the first to have asked for it first."""
    known = [(run, run.status()) for run in store.list_runs(folder)]
    at_work = [(status.queued, run) for run, status in known if status.state in store.AT_WORK]
    return [run for _, run in sorted(at_work, key=lambda each: each[0])]


def dispatch(folder: Path) -> None:
    """Set workers on the runs whose turn it is; what cannot be started says why in its status."""
    if due_runs(folder):  # as nearly never: nobody has to wait for this answer
        with store.locked(folder):
            for run in due_runs(folder):
                if not run.status().pid:  # else a process waits with it, and takes the place itself
                    _assign_worker(run)


def claim_next(folder: Path) -> Run | None:
    """For a worker that has done its work: the next run, marked as this process's; or None."""
    if not due_runs(folder):
        return None
    with store.locked(folder), store.disk_errors_as_run_errors(folder):
        run = next((run for run in due_runs(folder) if not run.status().pid), None)
        if run:
            store.assign(run, os.getpid(), state="starting", message="Starting.")
        return run


def count_idle_workers(folder: Path) -> int:
    """How many runs wait or are paused with a process, which holds memory for them."""
    live = [run.status() for run in store.list_runs(folder) if run.under_way()]
    return sum(status.pid > 0 and status.state in ("queued", "paused") for status in live)


def resume(run: Run, visitor: str | None) -> None:
    """Let a run go on: by a word to its worker, or by a new worker from its checkpoint."""
    run.require_owner(visitor)
    status = run.status()
    if status.state == "paused" and run.under_way():
        run.send("go", visitor)
        return
    with store.locked(run.path.parent):
        state = run.status().state
        if state not in store.RESUMABLE:
            raise RunError(f"This run cannot go on: it is {state}.")
        store.require_room(run.path.parent, run.maker())
        store.enqueue(run, "Starting again.")
    dispatch(run.path.parent)


def warm_spare_worker() -> None:
    """Keep one worker ready that has torch loaded, so that the next run starts at once.

    It waits at a pipe from this process, and ends when this process does.
    """
    global _spare
    with _spare_lock:
        if _spare is None or _spare.poll() is not None:
            _spare = _spawn()


@functools.cache
def start_dispatcher() -> None:
    """Let this process look after the queue from now on, as long as it lives."""
    threading.Thread(target=_dispatch_forever, daemon=True).start()


def _dispatch_forever() -> None:
    while True:
        time.sleep(DISPATCH_INTERVAL_S)
        try:
            dispatch(store.runs_folder())
        except MnistError as error:
            _log.warning("%s", error)
        except Exception:
            _log.exception("the queue could not be looked after")


def _assign_worker(run: Run) -> None:
    global _spare
    with _spare_lock:
        process, _spare = _spare, None
    try:
        if process is None or process.poll() is not None:
            process = _spawn()
    except OSError as error:
        why = f"The training process could not be started ({error.strerror}): resume in a minute."
        store.write_final_status(run, state="interrupted", message=why)
        return
    try:
        # Nobody waits for it, but the system wants its exit status collected.
        threading.Thread(target=process.wait, daemon=True).start()
        assert process.stdin
        with process.stdin as stdin:  # closed without a word, it ends
            store.assign(run, process.pid, state="starting", message="Starting.")
            stdin.write(f"{run.path.resolve()}\n".encode())
    except OSError as error:
        store.write_final_status(run, state="interrupted", message=store.disk_error_message(error))


def _spawn() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mnistcore.runs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl+C meant for the server does not reach it
        # Threads that wait must sleep: spinning ones take the processor from everybody else.
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
        cwd=Path(__file__).parents[2],
    )
