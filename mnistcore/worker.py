"""One run in a process of its own: from training's Progress records to the run folder."""

import contextlib
import io
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from mnistcore import runs
from mnistcore.errors import DataError, MnistError, RunError
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

    Obeys the run's commands on the way. Whatever goes wrong is written to the status in a
    sentence before it is raised again.
    """
    with contextlib.ExitStack() as held:
        with runs.written_to(run.path):
            try:
                held.enter_context(FileLock(run.path / ".worker.lock", timeout=0).acquire())
            except Timeout:
                raise RunError(f"The run {run.id} is already being worked on.") from None
            pulse, turn = held.enter_context(_Pulse(run)), held.enter_context(_Turn(run))
        try:
            if not turn.wait(pulse):
                pulse.say("stopped", "It was stopped before its turn came.")
                return {}
            return _train(run, pulse, turn, on_progress or (lambda progress: None))
        except DataError as error:  # of another day, or another machine: the run has no fault
            pulse.say("interrupted", str(error))
            raise
        except MnistError as error:
            pulse.say("failed", str(error))
            raise
        except OSError as error:
            sentence = (
                f"The run folder cannot be written ({error.strerror}): make room, then resume."
            )
            pulse.say("interrupted", sentence)
            raise RunError(sentence) from error
        except KeyboardInterrupt:
            pulse.say("stopped", "It was stopped from the keyboard.")
            raise
        except BaseException:
            pulse.say("failed", f"Training broke off: {run.path / 'worker.log'} has the reason.")
            raise


def _train(
    run: Run, pulse: "_Pulse", turn: "_Turn", on_progress: Callable[["Progress"], None]
) -> dict[str, Any]:
    import torch

    from mnistcore.data import load_or_fall_back
    from mnistcore.exam import shown
    from mnistcore.predict import save_network
    from mnistcore.training import Progress, TrainConfig, Training, evaluate

    config = run.config()
    recipe = TrainConfig.from_dict(config["recipe"])
    pulse.say("starting", "Loading the images.")
    data = load_or_fall_back(config["dataset"], config["data"])
    if config["dataset"] is None:  # from now on the run knows what it learned from
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
        pulse.progress(progress)
        records.add(progress)
        saver.save_if_due()
        on_progress(progress)
        match run.take_command():
            case "pause":
                saver.save()
                stopped = not turn.pause(pulse)
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
        test_accuracy, test_loss = judged.accuracy, judged.loss
    else:
        test_accuracy, test_loss = progress.test_accuracy, progress.test_loss
    images = training.step * training.batch_size
    learned = shown(data.train, config["recipe"], images) if images else data.train
    clean = learned.first(CLEAN_COUNT)
    result = {
        "run": run.id,
        "preset": config["preset"],
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
    return result


def _read_checkpoint(path: Path) -> dict[str, Any]:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises all kinds for a damaged file
        raise RunError("The checkpoint of this run is damaged: start the run anew.") from error


class _Pulse:
    """Keeps status.json true: a heartbeat from a thread, the rest from the worker."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._values = asdict(run.status()) | {"pid": os.getpid(), "host": socket.gethostname()}
        self._written = 0.0

    def __enter__(self) -> "_Pulse":
        self.say("queued")
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @property
    def state(self) -> str:
        return self._values["state"]

    def say(self, state: str, message: str = "", **values: Any) -> None:
        with self._lock:
            self._values |= {"state": state, "message": message} | values
            self._write()

    def progress(self, progress: "Progress") -> None:
        with self._lock:
            values = asdict(progress)
            if guesses := values.pop("guesses"):
                self._values |= {"guesses": guesses, "guessed_at": progress.images}
            for name in ("test_loss", "test_accuracy", "test_count"):  # keep the newest test
                values[name] = values[name] or self._values["progress"].get(name)
            self._values["progress"] = values
            if time.monotonic() - self._written > 0.2 or progress.step == progress.steps:
                self._write()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT):
            with self._lock:
                if self._over.is_set():
                    return
                self._write()

    def _write(self) -> None:
        self._values["heartbeat"] = time.time()
        self._written = time.monotonic()
        # A full disk must not end a run that only wanted to say that it lives.
        with contextlib.suppress(OSError):
            runs.write_json(self._run.path / "status.json", self._values)


class _Turn:
    """A place among the trainings that this machine can bear: one for every two cores."""

    def __init__(self, run: Run) -> None:
        self._run = run
        folder = run.path.parent / ".slots"
        folder.mkdir(exist_ok=True)
        at_work = range(max(1, (os.cpu_count() or 2) // 2))
        self._slots = [FileLock(folder / f"{n}.lock", timeout=0) for n in at_work]
        self._benches = [
            FileLock(folder / f"paused-{n}.lock", timeout=0) for n in range(MAX_PAUSED)
        ]
        self._held: FileLock | None = None

    def __enter__(self) -> "_Turn":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        if self._held:
            self._held.release()
            self._held = None

    def wait(self, pulse: _Pulse) -> bool:
        """True when it is this run's turn, False if it is told to stop before."""
        pulse.say("queued", queued=self._run.status().queued or time.time())
        while True:
            if self._run.take_command() == "stop":
                return False
            if self._run.place() == 0 and self._take(self._slots):
                return True
            time.sleep(0.3)

    def _take(self, slots: list[FileLock]) -> bool:
        self.release()
        for slot in slots:
            with contextlib.suppress(Timeout):
                slot.acquire()
                self._held = slot
                return True
        return False

    def pause(self, pulse: _Pulse) -> bool:
        """Let others have the place until told to go on (True) or to stop (False).

        False in the state "paused": it is not worth its memory, and the worker should leave.
        """
        bench = self._take(self._benches)
        pulse.say("paused")
        until = time.monotonic() + PATIENCE
        while bench and self._run.path.is_dir() and time.monotonic() < until:
            match self._run.take_command():
                case "go":
                    pulse.say("queued", queued=time.time())
                    goes_on = self.wait(pulse)
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
            file.write(json.dumps(record) + "\n")


_spare: subprocess.Popen[bytes] | None = None
_spare_lock = threading.Lock()


def start(run: Run) -> None:
    """Set a worker on `run`, in a process that outlives this one; takes the spare if there is one.

    A run that was interrupted, stopped or paused goes on from its checkpoint.
    """
    global _spare
    with _spare_lock:
        process, _spare = _spare, None
    try:
        if process is None or process.poll() is not None:
            process = _spawn()
        assert process.stdin
        with process.stdin as stdin:
            stdin.write(f"{run.path.resolve()}\n".encode())
    except OSError as error:
        raise RunError(
            f"The training process could not be started ({error.strerror}): try again in a minute."
        ) from error
    # Nobody waits for it, but the system wants its exit status collected.
    threading.Thread(target=process.wait, daemon=True).start()


def resume(run: Run, visitor: str | None) -> None:
    """Let a run go on: by a word to its worker, or by a new worker from its checkpoint."""
    if not run.belongs_to(visitor):
        raise RunError("Only the visitor who started this run can do that.")
    status = run.status()
    if status.state not in runs.RESUMABLE:
        raise RunError(f"This run cannot go on: it is {status.state}.")
    if status.state == "paused" and run.has_worker():
        run.send("go", visitor)
    else:
        runs.require_room(run.path.parent, visitor)
        runs.queue(run, "Starting again.")
        start(run)


def warm_up() -> None:
    """Keep one worker ready that has torch loaded, so that the next run starts at once.

    It waits at a pipe from this process, and ends when this process does.
    """
    global _spare
    with _spare_lock:
        if _spare is None or _spare.poll() is not None:
            _spare = _spawn()


def _spawn() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mnistcore.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl+C meant for the server does not reach it
        # Threads that wait must sleep: spinning ones take the processor from everybody else.
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
        cwd=Path(__file__).parent.parent,
    )


def _main() -> None:
    """Wait at standard input for the folder of a run, then work on it."""
    if hasattr(os, "nice"):
        os.nice(10)  # whoever draws goes first
    _rehearse()
    line = sys.stdin.readline().strip()
    if not line:
        return
    run = Run(Path(line))
    with (run.path / "worker.log").open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    try:
        work(run)
    except MnistError as error:
        _log.warning("%s", error)
    except Exception:
        _log.exception("training broke off")


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
