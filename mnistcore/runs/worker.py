"""Training worker: one run in a process of its own, from Progress records to the run folder."""

import contextlib
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from mnistcore.errors import DataError, DivergenceError, MnistError, RunError
from mnistcore.records import Progress, RunResult, State, to_dict
from mnistcore.runs import queue, store
from mnistcore.runs.store import HEARTBEAT_INTERVAL_S, Run

if TYPE_CHECKING:
    from mnistcore.training.trainer import Trainer

N_RECORDS = 300  # records that a run leaves behind, about, however long it is
N_TRAIN_EVALUATION = 10_000  # training images on which the final training accuracy rests
PAUSED_TIMEOUT_S = 900.0  # seconds that a paused worker stays in memory
MAX_PAUSED = 2  # that may stay so on one machine; further ones leave at once
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
            held.enter_context(FileLock(run.path / ".worker.lock", timeout=0).acquire())
        except Timeout:
            raise RunError(f"The run {run.id} is already being worked on.") from None
        except OSError as error:
            why = store.disk_error_message(error)
            store.write_final_status(run, state="interrupted", message=why)
            raise RunError(why) from error
        pulse = held.enter_context(_StatusReporter(run, "starting" if has_place else "queued"))
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
            pulse.say("failed", f"Training broke off: {run.path / 'worker.log'} has the reason.")
            raise


def _train(
    run: Run, pulse: "_StatusReporter", on_progress: Callable[[Progress], None]
) -> RunResult | None:
    import torch

    from mnistcore.data.loading import load_or_fall_back
    from mnistcore.evaluation.metrics import evaluate
    from mnistcore.evaluation.provenance import seen_images
    from mnistcore.models.checkpoint import read_checkpoint, save_network
    from mnistcore.records import ModelCard
    from mnistcore.runs.slow_motion import SlowMotion
    from mnistcore.training.frame_recorder import FrameRecorder
    from mnistcore.training.trainer import Trainer

    config, to_train = run.config(), run.train_config()
    pulse.say("starting", "Loading the images.")
    data = load_or_fall_back(config.dataset, config.data)
    if config.dataset is None:  # from now on the run knows what it learned from
        config = replace(run.config(), dataset=data.train.dataset)
        store.write_record(run.path / "config.json", config)
    training = Trainer(to_train, data.train, data.test)
    torch.set_num_threads(to_train.threads or max(1, (os.cpu_count() or 2) // 2))
    if run.checkpoint.is_file():
        training.restore(read_checkpoint(run.checkpoint))

    pulse.say("running", data.notice or "")
    curve = run.path / "metrics.jsonl"
    if curve.is_file():
        _append(curve, "")  # a crash may have left half a line: start on a new one
    record_due = checkpoint_due = 0.0  # the step, the time
    frames = FrameRecorder(run.frames, training)
    training.stops = frozenset(frames.steps)
    slow_motion = SlowMotion(run, training)
    progress: Progress | None = None
    stopped = False
    for progress in training:
        with contextlib.suppress(OSError):  # a full disk costs the replay, not the run
            frames.record_if_due()
        # First, so that no figure is shown that the curve does not have.
        if progress.step >= record_due or progress.test_accuracy is not None:
            record = to_dict(replace(progress, predictions=(), train_predictions=()))
            _append(curve, json.dumps(record, allow_nan=False))
            # Every few batches at first, about N_RECORDS in all.
            record_due = progress.step + min(training.total_steps / N_RECORDS, 0.1 * progress.step)
        pulse.progress(progress)
        if time.monotonic() >= checkpoint_due:
            checkpoint_due = _save(run, training)
        on_progress(progress)
        slow_motion.after_batch()
        match run.pop_command():
            case "pause":
                _save(run, training)
                stopped = not _pause_until_resumed(run, pulse)
            case "stop":
                stopped = True
        if stopped:
            break
    if (
        pulse.status.state == "paused"
    ):  # its checkpoint is there, and with it another worker goes on
        pulse.say("paused", pid=store.PID_EXITED)
        return None
    _save(run, training)

    pulse.say("testing", "Taking the final test.")
    network = training.network
    if progress is not None and progress.test_count == len(data.test):
        test_accuracy, test_loss = progress.test_accuracy, progress.test_loss
    else:
        score = evaluate(network, data.test)
        training.require_finite(score.loss)
        test_accuracy, test_loss = score.accuracy, score.loss
    images = training.step * training.batch_size
    learned = seen_images(data.train, to_train, images) if images else data.train
    clean = learned.head(N_TRAIN_EVALUATION)
    result = RunResult(
        run=run.id,
        preset=config.preset,
        dataset=data.train.dataset,
        num_params=sum(p.numel() for p in network.parameters()),
        epochs=training.step / training.batches,
        images=images,
        seconds=round(training.seconds, 3),
        images_per_second=round(images / training.seconds, 1) if training.seconds else 0.0,
        train_accuracy=evaluate(network, clean).accuracy,
        train_count=len(clean),
        test_accuracy=test_accuracy,
        test_loss=test_loss,
        test_count=len(data.test),
    )
    save_network(network, run.model, ModelCard(run.name, config.command, to_train, result))
    pulse.say("finished" if training.step == training.total_steps else "stopped", result=result)
    if run.status().state == "finished":  # as others read it; then nothing is left to go on with
        run.checkpoint.unlink(missing_ok=True)
    return result


class _StatusReporter:
    """Keeps status.json true: a heartbeat from a thread, the rest from the worker."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        status = run.status()
        queued = status.queued or time.time()
        self.status = replace(status, pid=os.getpid(), host=socket.gethostname(), queued=queued)
        self._written = 0.0
        self.say(state)

    def __enter__(self) -> Self:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        store.release_reserve(self._run)

    def say(self, state: State, message: str = "", **values: Any) -> None:
        with self._lock:
            self.status = replace(self.status, state=state, message=message, **values)
            self._write(insist=state not in store.LIVE)

    def progress(self, progress: Progress) -> None:
        with self._lock:
            cleared: dict[str, Any] = {"predictions": (), "train_predictions": ()}
            shown = replace(progress, **cleared)
            if progress.test_accuracy is None and (last := self.status.progress):
                tested = ("test_loss", "test_accuracy", "test_count")  # the newest stay
                shown = replace(shown, **{name: getattr(last, name) for name in tested})
            self.status = replace(self.status, progress=shown)
            if progress.predictions:
                newest = {name: getattr(progress, name) for name in cleared}
                seen = progress.images
                self.status = replace(self.status, predictions_images=seen, **newest)
            if time.monotonic() - self._written > 0.2 or progress.step == progress.total_steps:
                self._write()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_INTERVAL_S):
            with self._lock:
                if self._over.is_set():
                    return
                self._write()

    def _write(self, insist: bool = False) -> None:
        self.status = replace(self.status, heartbeat=time.time())
        self._written = time.monotonic()
        if insist:
            store.write_final_status(self._run, **vars(self.status))
            return
        # A full disk must not end a run that only wanted to say that it lives.
        with contextlib.suppress(OSError):
            store.write_record(self._run.path / "status.json", self.status)


def _wait_for_slot(run: Run, pulse: _StatusReporter) -> bool:
    """Until there is a place for the run; False if it is told to stop before."""
    folder = run.path.parent
    while run.pop_command() != "stop":
        if run in queue.due_runs(folder):
            with store.locked(folder):
                if run in queue.due_runs(folder):
                    pulse.say("starting")
                    return True
        time.sleep(0.3)
    return False


def _pause_until_resumed(run: Run, pulse: _StatusReporter) -> bool:
    """Let others have the place until told to go on (True) or to stop (False).

    False in the state "paused": it is not worth its memory, and the worker should leave.
    """
    folder = run.path.parent
    with store.locked(folder):
        stays = queue.count_idle_workers(folder) < MAX_PAUSED
        pulse.say("paused")
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


def _save(run: Run, training: "Trainer") -> float:
    """Write a checkpoint; when the next is due, so that it takes 2 % of the time at most."""
    from mnistcore.models.checkpoint import save_checkpoint

    started = time.monotonic()
    save_checkpoint(run.checkpoint, training.state())
    now = time.monotonic()
    return now + max(1.0, 50 * (now - started))


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


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
