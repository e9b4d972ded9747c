"""The run folder, the only thing between a training process and whoever watches it."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mnistcore.errors import RunError

HEARTBEAT = 1.0  # seconds between two signs of life of a worker
SILENCE = 8.0  # seconds without one after which its run counts as interrupted
MAX_WAITING = 20  # runs that may stand in the queue
MAX_PER_OWNER = 3  # runs that one visitor may have queued, running, or paused with a worker

LIVE = ("queued", "starting", "running", "testing")  # a worker is, or should be, at it
RESUMABLE = ("interrupted", "stopped", "paused")
STATES = (*LIVE, *RESUMABLE, "finished", "failed")
LEFT = -1  # the pid of a worker that has gone and is not missed

# Of a training.Progress as plain values: what is needed to place it, and what stands for the rest
# where it is missing.
_PLACE = ("step", "steps", "images")
_REST = dict.fromkeys(("epoch", "learning_rate", "seconds", "images_per_second"), 0.0) | {
    "loss": None,
    "train_accuracy": None,
    "seconds_left": None,
    "test_loss": None,
    "test_accuracy": None,
    "test_count": 0,
}
# What a result says to be told in a sentence.
RESULT = ("test_accuracy", "test_count", "train_accuracy", "train_count", "seconds")
# What a config.json says beside the recipe.
_TEXTS = ("name", "preset", "dataset", "data", "command", "created", "owner")
LESSONS = "lessons.jsonl"  # the drawings of a run that was taught by hand; no other has any
_DRAFTS = ".drafts"  # in the folder for runs: those that are not yet whole
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


def runs_folder() -> Path:
    """Where runs are kept unless told otherwise: $MNIST_RUNS, or `runs`."""
    return Path(os.environ.get("MNIST_RUNS") or "runs")


@dataclass(frozen=True)
class Status:
    """What a run says of itself, or what its silence says."""

    state: str  # one of STATES
    message: str = ""  # one sentence for the visitor, where there is something to say
    pid: int = 0  # of its worker, or LEFT
    host: str = ""
    heartbeat: float = 0.0  # seconds since 1970
    queued: float = 0.0  # when it took its place in the queue
    progress: dict[str, Any] = field(default_factory=dict)  # the newest training.Progress
    guesses: list[list[float]] = field(default_factory=list)  # [test index, digit, confidence]
    guessed_at: int = 0  # training images that had been seen then
    result: dict[str, Any] = field(default_factory=dict)  # how it ended


@dataclass(frozen=True)
class Run:
    """One run by its folder. Reading never raises for what a crash can leave behind."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name, by which a run is found again."""
        return self.path.name

    @property
    def checkpoint(self) -> Path:
        """Where training stands: network, optimiser, random numbers, position."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The weights, once the run is finished or stopped."""
        return self.path / "model.safetensors"

    def config(self) -> dict[str, Any]:
        """All that is needed to repeat the run: name, preset, dataset, recipe, owner, created."""
        config = _read_json(self.path / "config.json")
        if not isinstance(config.get("recipe"), dict):
            raise RunError(f"The run {self.id} has lost its config.json: delete it, start anew.")
        return config | {n: v if isinstance(v := config.get(n), str) else None for n in _TEXTS}

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return str(_read_json(self.path / "config.json").get("name") or self.id)

    def status(self) -> Status:
        """The newest status; a live run whose worker is silent or dead is "interrupted"."""
        status = _status(_read_json(self.path / "status.json"))
        if status.state in LIVE and not _alive(status):
            gone = "Its training process is gone. It can go on from where it was."
            return replace(status, state="interrupted", message=gone)
        return status

    def metrics(self) -> list[dict[str, Any]]:
        """The recorded Progress records in order; torn or foreign lines are left out.

        Where a resumed run repeats steps, the repetition counts.
        """
        try:
            text = (self.path / "metrics.jsonl").read_text("utf-8", errors="replace")
        except OSError:
            return []
        records: list[dict[str, Any]] = []
        for line in text.splitlines():
            try:
                record = _progress(json.loads(line))
            except ValueError:
                continue
            if not record:
                continue
            while records and records[-1]["step"] >= record["step"]:
                records.pop()
            records.append(record)
        return records

    def has_curves(self) -> bool:
        """Whether `metrics` was ever written to: what was taught by hand never does."""
        return (self.path / "metrics.jsonl").is_file()

    def has_worker(self) -> bool:
        """Whether a process is there to hear commands, be it at work or paused."""
        status = self.status()
        return status.state in (*LIVE, "paused") and _alive(status)

    def place(self) -> int:
        """How many runs go before this one in the queue."""
        mine = self.status().queued, self.id
        return sum(
            (status.queued, run.id) < mine
            for run in list_runs(self.path.parent)
            if (status := run.status()).state == "queued" and run.id != self.id
        )

    def belongs_to(self, visitor: str | None) -> bool:
        """Whether this visitor started it, and so may steer, rename and delete it."""
        owner = _read_json(self.path / "config.json").get("owner")
        return bool(visitor) and owner == _fingerprint(visitor)

    def send(self, command: str, visitor: str | None = None) -> None:
        """Tell the worker to "pause", "go" or "stop"; only the owner may."""
        self._require(visitor)
        if command not in ("pause", "go", "stop"):
            raise RunError(f"A run cannot {command!r}: it can pause, go or stop.")
        with written_to(self.path):
            write_atomically(self.path / "control", command.encode())

    def take_command(self) -> str | None:
        """The worker's side of `send`: the newest command, once."""
        path = self.path / "control"
        try:
            command = path.read_text("utf-8")
            path.unlink()
        except OSError:
            return None
        return command

    def rename(self, name: str, visitor: str | None) -> None:
        """Give it another name, of 1 to 60 characters."""
        self._require(visitor)
        config = self.config() | {"name": clean_name(name)}
        with written_to(self.path):
            write_json(self.path / "config.json", config)

    def delete(self, visitor: str | None) -> None:
        """Remove it for good; not while it is at work."""
        self._require(visitor)
        if self.status().state in LIVE:
            raise RunError("This run is still at work: stop it, then delete it.")
        # Out of sight in one step, so that nobody reads half a run.
        gone = self.path.with_name(f".deleted-{self.id}-{secrets.token_hex(2)}")
        with written_to(self.path.parent):
            self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _require(self, visitor: str | None) -> None:
        if not self.belongs_to(visitor):
            raise RunError("Only the visitor who started this run can do that.")


def create(
    recipe: dict[str, Any],
    fill: Callable[[Run], None] | None = None,
    *,
    preset: str | None = None,
    name: str = "",
    dataset: str | None = None,
    data: Path | str | None = None,
    command: str | None = None,
    owner: str | None = None,
    folder: Path | None = None,
) -> Run:
    """A new run folder, queued, with nothing at work on it yet.

    recipe: a TrainConfig as plain values;  fill: instead of queueing it, writes what makes it
    whole: nobody sees it before;  command: what was typed, if anything was;  owner: the visitor's
    secret, of which only a fingerprint is kept. Raises RunError if too many are waiting or the
    disk does not play along; then nothing is left behind.
    """
    folder, now = folder or runs_folder(), datetime.now()
    if fill is None:
        require_room(folder, owner)
    kind = preset or "own"
    run = Run(folder / f"{now:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}")
    draft = Run(folder / _DRAFTS / run.id)
    config = {
        "name": clean_name(name or f"{kind} {now:%H:%M:%S}"),
        "preset": preset,
        "dataset": dataset,
        "data": str(Path(data).resolve()) if data else None,
        "command": command,
        "created": now.isoformat(timespec="seconds"),
        "owner": owner and _fingerprint(owner),
        "recipe": recipe,
    }
    try:
        with written_to(folder):
            draft.path.mkdir(parents=True)
            write_json(draft.path / "config.json", config)
            # Until its worker writes the first status, the process that made it vouches for it.
            (fill or queue)(draft)
            draft.path.rename(run.path)
    except BaseException:
        shutil.rmtree(draft.path, ignore_errors=True)  # half a run is none
        raise
    return run


def require_writable(folder: Path) -> None:
    """Raise RunError if no run can be written to this folder, which is made if it is missing."""
    with written_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def require_room(folder: Path, owner: str | None) -> None:
    """Raise RunError if too many runs are under way for one more, by this owner or by all."""
    live = [run for run in list_runs(folder) if run.has_worker()]
    if owner and sum(run.belongs_to(owner) for run in live) >= MAX_PER_OWNER:
        raise RunError(
            f"You have {MAX_PER_OWNER} runs under way: stop one, or wait until one has finished."
        )
    if len(live) >= MAX_WAITING:
        raise RunError(f"{len(live)} runs are under way or waiting: try again in a few minutes.")


def queue(run: Run, message: str = "Starting.") -> None:
    """Put a run (again) at the end of the queue."""
    now = time.time()
    status = _read_json(run.path / "status.json") | {
        "state": "queued",
        "message": message,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "heartbeat": now + 10,  # a worker needs some seconds before its first sign of life
        "queued": now,
    }
    with written_to(run.path):
        (run.path / "control").unlink(missing_ok=True)
        write_json(run.path / "status.json", status)


def list_runs(folder: Path | None = None) -> list[Run]:
    """Every run in the folder, newest first."""
    folder = folder or runs_folder()
    try:
        paths = [p for p in folder.iterdir() if (p / "config.json").is_file()]
    except OSError:
        return []
    return [Run(p) for p in sorted(paths, reverse=True) if _ID.fullmatch(p.name)]


def find(name: str, folder: Path | None = None) -> Run:
    """The run with this id or, if only one is called so, this name."""
    folder = folder or runs_folder()
    if _ID.fullmatch(name) and (folder / name / "config.json").is_file():
        return Run(folder / name)
    named = [run for run in list_runs(folder) if run.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(run.id for run in named)
        raise RunError(f"{len(named)} runs are called {name!r}: say which by its id, {ids}.")
    raise RunError(f"There is no run {name!r} in {folder}: `python -m mnistcore runs` lists them.")


def clean_name(name: str) -> str:
    """A name that is fit to be shown: one line, 1 to 60 characters."""
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:60]
    if not name:
        raise RunError("A run needs a name of at least one letter.")
    return name


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step, so that no reader ever sees half of it."""
    write_atomically(path, json.dumps(value, indent=1).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step, or leave it as it was."""
    scratch = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(2)}")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """What the disk refuses within it is told in words."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"The run cannot be written to {folder} ({error.strerror}): make room there, or name "
            "another folder in MNIST_RUNS."
        ) from error


def _status(values: dict[str, Any]) -> Status:
    """What can be believed of a status.json: each field that is of its kind."""
    texts = {n: v for n in ("message", "host") if isinstance(v := values.get(n), str)}
    times = {n: v for n in ("heartbeat", "queued") if _is_number(v := values.get(n))}
    pid = values.get("pid")
    state, guesses, result = (values.get(name) for name in ("state", "guesses", "result"))
    return Status(
        state=state if state in STATES else "interrupted",
        progress=_progress(values.get("progress")),
        guesses=guesses if isinstance(guesses, list) and all(map(_is_guess, guesses)) else [],
        guessed_at=seen if _is_number(seen := values.get("guessed_at")) else 0,
        result={n: v for n, v in result.items() if n not in RESULT or _is_number(v)}
        if isinstance(result, dict)
        else {},
        pid=pid if isinstance(pid, int) else 0,
        **texts,
        **times,
    )


def _progress(values: Any) -> dict[str, Any]:
    """A training.Progress as it was written, gaps filled; empty if it is not one."""
    if not isinstance(values, dict) or not all(_is_number(values.get(n)) for n in _PLACE):
        return {}
    if not 0 <= values["step"] <= values["steps"] or values["steps"] < 1:
        return {}
    return {name: values[name] for name in _PLACE} | {
        name: value if isinstance(value := values.get(name), int | float) else instead
        for name, instead in _REST.items()
    }


def _is_guess(value: Any) -> bool:
    """Whether it is [test index, digit, confidence]."""
    return isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e15  # false for NaN, too


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _alive(status: Status) -> bool:
    """By its heartbeat; a process that is gone from this machine is known to be dead at once."""
    if status.pid == LEFT:
        return False
    if status.host == socket.gethostname() and status.pid > 0 and os.name == "posix":
        try:
            os.kill(status.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
    return time.time() - status.heartbeat < SILENCE


def _fingerprint(secret: str) -> str:
    """What of a visitor's secret may be written down."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]
