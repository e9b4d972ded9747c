"""Training worker: one run in a process of its own, from Progress records to the run folder."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnistcore.errors import DataError, DivergenceError, MnistError, RunError
from mnistcore.records import Progress, RunResult
from mnistcore.runs import queue, store
from mnistcore.runs.status_reporter import StatusReporter
from mnistcore.runs.store import Run
from mnistcore.training import torchrun

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.runs.lane import Lane

PAUSED_TIMEOUT_S = 900.0  # seconds that a paused worker stays in memory
MAX_PAUSED = 2  # that may stay so on one machine; further ones leave at once
MADE_WAY = "Nobody pressed Next batch and others waited, so it let them go first."
_log = logging.getLogger(__name__)


def run_training(
    run: Run, on_progress: Callable[[Progress], None] | None = None
) -> RunResult | None:
    """Train `run` to its end, or on from its checkpoint, in this process; return its result.

    None if it was stopped before its turn came, or paused for another worker to go on with. Waits
    for its turn, if it was not given a place before, and obeys the run's commands on the way.
    Whatever goes wrong is written to the status in a sentence before it is raised again.
    """
    status = run.status()
    has_place = status.state == "starting" and status.pid == os.getpid()
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(store.sole_worker(run))
        except OSError as error:
            why = store.disk_error_message(error)
            store.write_final_status(run, state="interrupted", message=why)
            raise RunError(why) from error
        pulse = held.enter_context(StatusReporter(run, "starting" if has_place else "queued"))
        try:
            if not (has_place or _wait_for_slot(run, pulse)):
                pulse.say("stopped", store.STOPPED_WAITING)
                return None
            return _train(run, pulse, on_progress or (lambda progress: None))
        except DataError as error:  # of another day, or another machine: the run has no fault
            pulse.say("interrupted", str(error))
            raise
        except DivergenceError as error:
            pulse.say("failed", str(error), result=RunResult(run.id, diverged=True))
            raise
        except MnistError as error:
            pulse.say("failed", str(error))
            raise
        except OSError as error:
            pulse.say("interrupted", store.disk_error_message(error))
            raise RunError(store.disk_error_message(error)) from error
        except KeyboardInterrupt:
            pulse.say("stopped", "It was stopped from the keyboard.")
            raise
        except BaseException:
            if torchrun.launched():
                pulse.say("interrupted", "One of its processes broke off. It can go on.")
            else:
                why = f"Training broke off: {run.path / 'worker.log'} has the reason."
                pulse.say("failed", why)
            raise


def follow_training(run: Run) -> None:
    """Train along with the process that works on `run`, see training/distributed; write nothing."""
    from mnistcore.data.loading import load_or_fall_back
    from mnistcore.models.checkpoint import read_checkpoint
    from mnistcore.training.frame_recorder import frame_steps
    from mnistcore.training.trainer import Trainer

    config = run.config()
    data = load_or_fall_back(config.dataset, config.data)
    _set_threads(run)
    training = Trainer(run.train_config(), data.train, data.test)
    if run.checkpoint.is_file():
        training.restore(read_checkpoint(run.checkpoint))
    training.stops = frozenset(frame_steps(training.total_steps))
    for _ in training:
        pass


def _train(
    run: Run, pulse: StatusReporter, on_progress: Callable[[Progress], None]
) -> RunResult | None:
    from mnistcore.data.loading import load_or_fall_back
    from mnistcore.runs.lane import FINAL_TEST, Lane
    from mnistcore.runs.slow_motion import SlowMotion
    from mnistcore.training import distributed

    config, twin = run.config(), run.twin
    pulse.say("starting", "Loading the images.")
    data = load_or_fall_back(config.dataset, config.data)
    for each in filter(None, (run, twin)):
        if config.dataset is None:  # from now on the run knows what it learned from
            known = replace(each.config(), dataset=data.train.dataset)
            store.write_record(each.path / "config.json", known)
    _set_threads(run)
    leader = Lane(run, pulse, data)
    lanes = [leader]
    if twin and twin.status().state not in store.ENDED:
        other = Lane(twin, StatusReporter(twin, "running"), data)
        leader.beside, other.beside = other, leader
        lanes.append(other)

    pulse.say("running", data.notice or "")
    slow_motion = SlowMotion([(lane.run, lane.training) for lane in lanes])
    checkpoint_due = 0.0  # the time
    stopped = False
    while not stopped and (going := [lane for lane in lanes if not lane.over]):
        first, *others = going
        first.advance()
        if first.divergence:  # a twin goes on alone
            continue
        for lane in others:
            lane.catch_up()
        if time.monotonic() >= checkpoint_due:
            checkpoint_due = _save(lanes)
        if first is leader and leader.progress:
            on_progress(leader.progress)
        slow_motion.after_batch()
        match run.pop_command():
            case "pause" | "make way" as command:
                _save(lanes)
                why = "" if command == "pause" else MADE_WAY
                stopped = not _pause_until_resumed(run, pulse, why)
            case "stop":
                stopped = True
    if not leader.over:
        distributed.agree(0)  # so that others do not wait for more
    if (
        pulse.status.state == "paused"
    ):  # its checkpoint is there, and with it another worker goes on
        pulse.say("paused", pulse.status.message, pid=store.PID_EXITED)
        return None
    _save(lanes)
    if not leader.divergence:
        pulse.say("testing", FINAL_TEST)  # also while its twin takes it
    for lane in lanes[1:]:  # before its run, which can be resumed until then
        with contextlib.suppress(DivergenceError):  # its status says so
            lane.finish()
    return leader.finish()


def _set_threads(run: Run) -> None:
    """As many as the recipe says, or else half the processors, shared by all who train along."""
    import torch

    half = (os.cpu_count() or 2) // 2
    threads = max(1, half // torchrun.count_processes(here=True))
    torch.set_num_threads(run.train_config().threads or threads)


def _wait_for_slot(run: Run, pulse: StatusReporter) -> bool:
    """Until there is a place for the run; False if it is told to stop, or deleted, before."""
    folder = run.path.parent
    while run.pop_command() != "stop" and run.is_there:
        if run in queue.due_runs(folder):
            with store.locked(folder):
                if run in queue.due_runs(folder):
                    pulse.say("starting")
                    return True
        time.sleep(0.3)
    return False


def _pause_until_resumed(run: Run, pulse: StatusReporter, why: str) -> bool:
    """Let others have the place until told to go on (True) or to stop (False).

    False in the state "paused": it is not worth its memory, and the worker should leave.
    """
    folder = run.path.parent
    with store.locked(folder):
        stays = queue.count_idle_workers(folder) < MAX_PAUSED
        pulse.say("paused", why)
    queue.dispatch(folder)
    until = time.monotonic() + PAUSED_TIMEOUT_S
    while stays and run.path.is_dir() and time.monotonic() < until:
        match run.pop_command():
            case "go":
                pulse.say("queued", queued=time.time())
                goes_on = _wait_for_slot(run, pulse)
                pulse.say("running")
                return goes_on
            case "stop":
                pulse.say("running")
                return False
        time.sleep(0.1)
    return False


def _save(lanes: Sequence["Lane"]) -> float:
    """Write checkpoints; when the next are due, so that they take 2 % of the time at most."""
    started = time.monotonic()
    for lane in lanes:
        lane.save()
    now = time.monotonic()
    return now + max(1.0, 50 * (now - started))


def _main() -> None:
    """Wait at standard input for the folder of a run, work on it, and then on the next in line."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, 10)  # whoever draws goes first
    _warm_up_torch()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    line = sys.stdin.readline().strip()
    run = Run(Path(line)) if line else None
    while run:
        folder = run.path.parent
        # What this process says goes into the folder of the run that it is about.
        with contextlib.suppress(OSError), (run.path / "worker.log").open("a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        try:
            run_training(run)
        except MnistError as error:
            _log.warning("%s", error)
        except Exception:
            _log.exception("training broke off")
        run = queue.claim_next(folder)
        queue.dispatch(folder)  # other places may stand empty, too


def _warm_up_torch() -> None:
    """One step on made-up images: what torch loads on first use is loaded before it is needed."""
    import torch

    from mnistcore.config import TrainConfig
    from mnistcore.data.digits import Digits
    from mnistcore.training.trainer import train

    made_up = Digits(torch.zeros(10, 28, 28, dtype=torch.uint8), torch.arange(10), "digits")
    for _ in train(TrainConfig(epochs=1, device="cpu", precision="auto"), made_up, made_up):
        pass


if __name__ == "__main__":
    _main()
