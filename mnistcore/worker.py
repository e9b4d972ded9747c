"""One run in a process of its own: from training's Progress records to the run folder."""

import contextlib
import io
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from mnistcore import runs, turns
from mnistcore.errors import DataError, DivergenceError, MnistError, RunError
from mnistcore.runs import HEARTBEAT, Run

if TYPE_CHECKING:
    from mnistcore.training import Progress, Training

POINTS = 300  # records that a run leaves behind, about, however long it is
CLEAN_COUNT = 10_000  # training images on which the final training accuracy rests
PATIENCE = 900.0  # seconds that a paused worker stays in memory
MAX_PAUSED = 2  # that may stay so on one machine; further ones leave at once
_log = logging.getLogger(__name__)


def work(run: Run, on_progress: Callable[["Progress"], None] | None = None) -> dict[str, Any]:
    """Train `run` to its end, or on from its checkpoint, in this process; return its result.

    Waits for its turn, if it was not given a place before, and obeys the run's commands on the
    way. Whatever goes wrong is written to the status in a sentence before it is raised again.
    """
    status = run.status()
    has_place = status.state == "starting" and status.pid == os.getpid()
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(FileLock(run.path / ".worker.lock", timeout=0).acquire())
        except Timeout:
            raise RunError(f"The run {run.id} is already being worked on.") from None
        except OSError as error:
            runs.last_words(run, state="interrupted", message=runs.refusal(error))
            raise RunError(runs.refusal(error)) from error
        pulse = held.enter_context(_Pulse(run, "starting" if has_place else "queued"))
        try:
            if not (has_place or _wait(run, pulse)):
                pulse.say("stopped", runs.STOPPED_WAITING)
                return {}
            return _train(run, pulse, on_progress or (lambda progress: None))
        except DataError as error:  # of another day, or another machine: the run has no fault
            pulse.say("interrupted", str(error))
            raise
        except DivergenceError as error:
            pulse.say("failed", str(error), result=runs.DIVERGED)
            raise
        except MnistError as error:
            pulse.say("failed", str(error))
            raise
        except OSError as error:
            pulse.say("interrupted", runs.refusal(error))
            raise RunError(runs.refusal(error)) from error
        except KeyboardInterrupt:
            pulse.say("stopped", "It was stopped from the keyboard.")
            raise
        except BaseException:
            pulse.say("failed", f"Training broke off: {run.path / 'worker.log'} has the reason.")
            raise


def _train(run: Run, pulse: "_Pulse", on_progress: Callable[["Progress"], None]) -> dict[str, Any]:
    import torch

    from mnistcore.data import load_or_fall_back
    from mnistcore.exam import shown
    from mnistcore.predict import save_network
    from mnistcore.training import Progress, TrainConfig, Training, evaluate

    config = run.config()
    recipe = TrainConfig.from_dict(config["recipe"])
    pulse.say("starting", "Loading the images.")
    data = load_or_fall_back(config.get("dataset"), config.get("data"))
    if config.get("dataset") is None:  # from now on the run knows what it learned from
        runs.write_json(run.path / "config.json", run.config() | {"dataset": data.train.dataset})
    training = Training(recipe, data.train, data.test)
    torch.set_num_threads(recipe.threads or max(1, (os.cpu_count() or 2) // 2))
    if run.checkpoint.is_file():
        training.restore(_read_checkpoint(run.checkpoint))

    pulse.say("running", data.notice or "")
    saver, records = _Saver(run, training), _Records(run, training)
    progress: Progress | None = None
    stopped = False
    for progress in training:
        records.add(progress)  # first: no figure is shown that the curve does not have
        pulse.progress(progress)
        saver.save_if_due()
        on_progress(progress)
        match run.take_command():
            case "pause":
                saver.save()
                stopped = not _pause(run, pulse)
            case "stop":
                stopped = True
        if stopped:
            break
    if pulse.state == "paused":  # its checkpoint is there, and with it another worker goes on
        pulse.say("paused", pid=runs.LEFT)
        return {}
    saver.save()

    pulse.say("testing", "Taking the final test.")
    network = training.network
    if progress is None or progress.test_count < len(data.test):
        judged = evaluate(network, data.test)
        training.require_finite(judged.loss)
        test_accuracy, test_loss = judged.accuracy, judged.loss
    else:
        test_accuracy, test_loss = progress.test_accuracy, progress.test_loss
    images = training.step * training.batch_size
    learned = shown(data.train, asdict(recipe), images) if images else data.train
    clean = learned.first(CLEAN_COUNT)
    result = {
        "run": run.id,
        "preset": config.get("preset"),
        "dataset": data.train.dataset,
        "weights": sum(p.numel() for p in network.parameters()),
        "epochs": training.step / training.batches,
        "images": images,
        "seconds": round(training.seconds, 3),
        "images_per_second": round(images / training.seconds, 1) if training.seconds else 0.0,
        "train_accuracy": evaluate(network, clean).accuracy,
        "train_count": len(clean),
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "test_count": len(data.test),
    }
    card = {"title": run.name, "command": config.get("command"), "recipe": config["recipe"]}
    save_network(network, run.model, **card, **result)
    pulse.say("finished" if training.step == training.steps else "stopped", result=result)
    if run.status().state == "finished":  # as others read it; then nothing is left to go on with
        run.checkpoint.unlink(missing_ok=True)
    return result


def _read_checkpoint(path: Path) -> dict[str, Any]:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises all kinds for a damaged file
        raise RunError("The checkpoint of this run is damaged: start the run anew.") from error


class _Pulse:
    """Keeps status.json true: a heartbeat from a thread, the rest from the worker."""

    def __init__(self, run: Run, state: str) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._values = asdict(run.status()) | {"pid": os.getpid(), "host": socket.gethostname()}
        self._values["queued"] = self._values["queued"] or time.time()
        self._written = 0.0
        self.say(state)

    def __enter__(self) -> "_Pulse":
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        runs.release_reserve(self._run)

    @property
    def state(self) -> str:
        return self._values["state"]

    def say(self, state: str, message: str = "", **values: Any) -> None:
        with self._lock:
            self._values |= {"state": state, "message": message} | values
            self._write(insist=state not in runs.LIVE)

    def progress(self, progress: "Progress") -> None:
        with self._lock:
            values = asdict(progress)
            if guesses := values.pop("guesses"):
                self._values |= {"guesses": guesses, "guessed_at": progress.images}
            if progress.test_accuracy is None:  # keep the newest test
                kept = ("test_loss", "test_accuracy", "test_count")
                values |= {n: v for n, v in self._values["progress"].items() if n in kept}
            self._values["progress"] = values
            if time.monotonic() - self._written > 0.2 or progress.step == progress.steps:
                self._write()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT):
            with self._lock:
                if self._over.is_set():
                    return
                self._write()

    def _write(self, insist: bool = False) -> None:
        self._values["heartbeat"] = time.time()
        self._written = time.monotonic()
        if insist:
            runs.last_words(self._run, **self._values)
            return
        # A full disk must not end a run that only wanted to say that it lives.
        with contextlib.suppress(OSError):
            runs.write_json(self._run.path / "status.json", self._values)


def _wait(run: Run, pulse: _Pulse) -> bool:
    """Until there is a place for the run; False if it is told to stop before."""
    folder = run.path.parent
    while run.take_command() != "stop":
        if run in turns.due(folder):
            with runs.locked(folder):
                if run in turns.due(folder):
                    pulse.say("starting")
                    return True
        time.sleep(0.3)
    return False


def _pause(run: Run, pulse: _Pulse) -> bool:
    """Let others have the place until told to go on (True) or to stop (False).

    False in the state "paused": it is not worth its memory, and the worker should leave.
    """
    folder = run.path.parent
    with runs.locked(folder):
        stays = turns.idle(folder) < MAX_PAUSED
        pulse.say("paused")
    turns.dispatch(folder)
    until = time.monotonic() + PATIENCE
    while stays and run.path.is_dir() and time.monotonic() < until:
        match run.take_command():
            case "go":
                pulse.say("queued", queued=time.time())
                goes_on = _wait(run, pulse)
                pulse.say("running")
                return goes_on
            case "stop":
                pulse.say("running")
                return False
        time.sleep(0.1)
    return False


class _Saver:
    """Writes checkpoints: often enough to lose nothing, rarely enough to cost nothing."""

    def __init__(self, run: Run, training: "Training") -> None:
        self._run, self._training = run, training
        self._due = 0.0

    def save_if_due(self) -> None:
        if time.monotonic() >= self._due:
            self.save()

    def save(self) -> None:
        import torch

        started = time.monotonic()
        content = io.BytesIO()
        torch.save(self._training.state(), content)
        runs.write_atomically(self._run.checkpoint, content.getvalue())
        took = time.monotonic() - started
        self._due = time.monotonic() + max(1.0, 50 * took)


class _Records:
    """Appends to metrics.jsonl: every few batches at first, about POINTS records in all."""

    def __init__(self, run: Run, training: "Training") -> None:
        self._path = run.path / "metrics.jsonl"
        self._spacing = training.steps / POINTS
        self._due = 0.0
        # A crash may have left half a line: start on a new one.
        with self._path.open("a", encoding="utf-8") as file:
            if file.tell():
                file.write("\n")

    def add(self, progress: "Progress") -> None:
        if progress.step < self._due and progress.test_accuracy is None:
            return
        self._due = progress.step + min(self._spacing, 0.1 * progress.step)
        record = {name: v for name, v in asdict(progress).items() if name != "guesses"}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")


def _main() -> None:
    """Wait at standard input for the folder of a run, work on it, and then on the next in line."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, 10)  # whoever draws goes first
    _rehearse()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    line = sys.stdin.readline().strip()
    run = Run(Path(line)) if line else None
    while run:
        folder = run.path.parent
        try:
            _log_into(run)
            work(run)
        except MnistError as error:
            _log.warning("%s", error)
        except Exception:
            _log.exception("training broke off")
        run = turns.take(folder)
        turns.dispatch(folder)  # other places may stand empty, too


def _log_into(run: Run) -> None:
    """Let what this process says go into the folder of the run that it is about."""
    with contextlib.suppress(OSError), (run.path / "worker.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _rehearse() -> None:
    """One step on made-up images: what torch loads on first use is loaded before it is needed."""
    import torch

    from mnistcore.data import Digits
    from mnistcore.training import TrainConfig, train

    made_up = Digits(torch.zeros(10, 28, 28, dtype=torch.uint8), torch.arange(10), "digits")
    for _ in train(TrainConfig(epochs=1, device="cpu", precision="auto"), made_up, made_up):
        pass


if __name__ == "__main__":
    _main()
