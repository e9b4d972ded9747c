"""The run folder, the only thing between a training process and whoever watches it."""

import contextlib
import errno
import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from mnistcore import plain, quota
from mnistcore.errors import RunError

HEARTBEAT = 1.0  # seconds between two signs of life of a worker
SILENCE = 8.0  # seconds without one after which its run counts as interrupted
GRACE = 20.0  # seconds that a new worker may take until the first
AHEAD = 30.0  # seconds by which it may lie in the future: GRACE, and clocks that differ
# Runs that may be queued, at work, or paused with a worker that stays: all of them, those of one
# visitor, and those of all visitors with one address, as a new cookie makes a new visitor.
MAX_WAITING = 20
MAX_PER_OWNER = 3
MAX_PER_ADDRESS = 8

AT_WORK = ("starting", "running", "testing")  # a worker is, or should be, at it
LIVE = ("queued", *AT_WORK)
RESUMABLE = ("interrupted", "stopped", "paused")
STATES = (*LIVE, *RESUMABLE, "finished", "failed")
LEFT = -1  # the pid of a worker that has gone and is not missed
STOPPED_WAITING = "It was stopped before its turn came."
FORGOTTEN = "To make room for newer runs, where it stood was forgotten: Resume starts it anew."

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
# The most that a number can be and make sense; of any other, 1e15.
_MOST = {"loss": sys.float_info.max, "test_loss": sys.float_info.max} | dict.fromkeys(
    ("train_accuracy", "test_accuracy"), 1.0
)
# What a result says to be told in a sentence.
RESULT = ("test_accuracy", "test_count", "train_accuracy", "train_count", "seconds")
_MEASURES = (*RESULT, "test_loss", "images")
DIVERGED = {"ended": "diverged"}  # the result of a run whose numbers were not finite any more
# What a config.json says beside the recipe.
_TEXTS = ("name", "preset", "dataset", "data", "command", "created", "owner")
LESSONS = "lessons.jsonl"  # the drawings of a run that was taught by hand; no other has any
_DRAFTS = ".drafts"  # in the folder for runs: those that are not yet whole
_OWNER = "owner.json"  # written once, so that a damaged config.json does not lose the owner
_RESERVE = ".reserve"  # takes up room for the last words of a worker that finds the disk full
_RESERVED = 1 << 16  # bytes of it, several times what a status.json takes
_LONGEST = 1 << 23  # bytes that are read of any file; what is written here is far shorter
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


def runs_folder() -> Path:
    """Where runs are kept unless told otherwise: $MNIST_RUNS, or `runs`."""
    return Path(os.environ.get("MNIST_RUNS") or "runs")


@dataclass(frozen=True)
class Status:
    """What a run says of itself, or what its silence says."""

    state: str  # one of STATES
    message: str = ""  # one sentence for the visitor, where there is something to say
    pid: int = 0  # of its worker, or LEFT; 0 while it waits for one
    host: str = ""
    heartbeat: float = 0.0  # seconds since 1970
    queued: float = 0.0  # when it took its place in the queue
    progress: dict[str, Any] = field(default_factory=dict)  # the newest training.Progress
    guesses: list[list[float]] = field(default_factory=list)  # [test index, digit, confidence]
    guessed_at: int = 0  # training images that had been seen then
    result: dict[str, Any] = field(default_factory=dict)  # how it ended


class Maker(NamedTuple):
    """Who started a run, as fingerprints; nothing is known of whoever did on the command line."""

    owner: str | None = None
    address: str | None = None  # which cannot be looked up: it goes by a key of this folder


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
        """Where an unfinished training stands: network, optimiser, random numbers, position."""
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
            content = plain.read(self.path / "metrics.jsonl", _LONGEST)
        except OSError:
            return []
        records: list[dict[str, Any]] = []
        for line in content.decode("utf-8", errors="replace").splitlines():
            try:
                record = _progress(plain.parse_object(line))
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
        return _is_file(self.path / "metrics.jsonl")

    def under_way(self) -> bool:
        """Whether it is at work, waits for its turn, or is paused with a worker that stays."""
        status = self.status()
        return status.state in LIVE or (status.state == "paused" and _alive(status))

    def place(self) -> int:
        """How many runs go before this one in the queue."""
        _, waiting = line(self.path.parent)
        return waiting.index(self) if self in waiting else 0

    def maker(self) -> Maker:
        """Who started it; a run of an older version says so in its config.json."""
        known = _read_json(self.path / _OWNER) or _read_json(self.path / "config.json")
        return Maker(*(v if isinstance(v := known.get(n), str) else None for n in Maker._fields))

    def belongs_to(self, visitor: str | None) -> bool:
        """Whether this visitor started it, and so may steer, rename and delete it."""
        return bool(visitor) and self.maker().owner == _fingerprint(visitor)

    def send(self, command: str, visitor: str | None = None) -> None:
        """Tell the worker to "pause", "go" or "stop"; only the owner may."""
        self._require(visitor)
        if command not in ("pause", "go", "stop"):
            raise RunError(f"A run cannot {command!r}: it can pause, go or stop.")
        with locked(self.path.parent), written_to(self.path):
            write_atomically(self.path / "control", command.encode())
            status = self.status()
            if command == "stop" and status.state == "queued" and not status.pid:
                tell(self, state="stopped", message=STOPPED_WAITING)  # nobody is there to hear it

    def take_command(self) -> str | None:
        """The worker's side of `send`: the newest command, once."""
        path = self.path / "control"
        try:
            command = plain.read(path, _LONGEST).decode("utf-8", errors="replace")
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
        with written_to(self.path.parent):
            self.remove()

    def forget_training(self) -> None:
        """Delete the checkpoint, which is most of it. Resumed, the run begins from the start."""
        state = self.status().state
        self.checkpoint.unlink(missing_ok=True)
        if state in RESUMABLE:
            tell(self, state=state, message=FORGOTTEN)

    def remove(self) -> None:
        """Remove it for good, whoever's it is; raises OSError."""
        # Out of sight in one step, so that nobody reads half a run.
        gone = self.path.with_name(f".deleted-{self.id}-{secrets.token_hex(2)}")
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
    address: str | None = None,
    here: bool = False,
    folder: Path | None = None,
) -> Run:
    """A new run folder, queued, with nothing at work on it yet; see turns.dispatch.

    recipe: a TrainConfig as plain values;  fill: instead of queueing it, writes what makes it
    whole: nobody sees it before;  command: what was typed, if anything was;  owner: the visitor's
    secret, address: where they come from; of both only a fingerprint is kept;  here: this process
    itself will work on it. Of a visitor's old runs some may go, see quota. Raises RunError if too
    many are waiting or the disk does not play along; then nothing is left behind.
    """
    folder, now = folder or runs_folder(), datetime.now()
    kind = preset or "own"
    run = Run(folder / f"{now:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}")
    draft = Run(folder / _DRAFTS / run.id)
    name = clean_name(name or f"{kind} {now:%H:%M:%S}")
    with locked(folder), written_to(folder):
        maker = Maker()
        if owner:
            maker = Maker(_fingerprint(owner), address and _fingerprint_of(address, folder))
        if fill is None:
            require_room(folder, maker)
        if owner:
            quota.make_room(list_runs(folder), maker)
        config = {
            "name": name,
            "preset": preset,
            "dataset": dataset,
            "data": str(Path(data).resolve()) if data else None,
            "command": command,
            "created": now.isoformat(timespec="seconds"),
            "owner": maker.owner,
            "recipe": recipe,
        }
        try:
            draft.path.mkdir(parents=True)
            write_json(draft.path / "config.json", config)
            if owner:
                write_json(draft.path / _OWNER, maker._asdict())
            fill(draft) if fill else queue(draft, here=here)
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


def require_room(folder: Path, maker: Maker) -> None:
    """Raise RunError if too many runs are under way for one more, by this maker or by all."""
    live = [run.maker() for run in list_runs(folder) if run.under_way()]
    if maker.owner and sum(each.owner == maker.owner for each in live) >= MAX_PER_OWNER:
        raise RunError(
            f"You have {MAX_PER_OWNER} runs under way: stop one, or wait until one has finished."
        )
    if maker.address and sum(each.address == maker.address for each in live) >= MAX_PER_ADDRESS:
        raise RunError(
            f"{MAX_PER_ADDRESS} runs from your network address are under way: wait until one has "
            "finished."
        )
    if len(live) >= MAX_WAITING:
        raise RunError(f"{len(live)} runs are under way or waiting: try again in a few minutes.")


def queue(run: Run, message: str = "Starting.", *, here: bool = False) -> None:
    """Put a run (again) at the end of the queue; `here`: for this process, which vouches for it."""
    now = time.time()
    with written_to(run.path):
        (run.path / "control").unlink(missing_ok=True)
        (run.path / _RESERVE).write_bytes(bytes(_RESERVED))
        tell(
            run,
            state="queued",
            message=message,
            pid=os.getpid() if here else 0,
            host=socket.gethostname(),
            heartbeat=now + GRACE,
            queued=now,
        )


def line(folder: Path) -> tuple[int, list[Run]]:
    """How many runs are at work, and those that wait, next first.

    Everybody in turn: somebody's second run comes after everybody's first, be that at work or
    waiting; so do, after that, those of one address; and then it is first come, first served.
    """
    live = [(run, status) for run in list_runs(folder) if (status := run.status()).state in LIVE]
    live.sort(key=lambda each: (each[1].state == "queued", each[1].queued, each[0].id))
    owners, addresses = Counter[str | None](), Counter[str | None]()
    waiting: list[tuple[int, int, int, Run]] = []
    for number, (run, status) in enumerate(live):
        owner, address = run.maker()
        if status.state == "queued":
            waiting.append((owners[owner], addresses[address], number, run))
        owners[owner] += 1
        addresses[address] += 1
    return len(live) - len(waiting), [run for *_, run in sorted(waiting, key=lambda each: each[:3])]


def list_runs(folder: Path | None = None) -> list[Run]:
    """Every run in the folder that can be read, newest first."""
    folder = folder or runs_folder()
    try:
        paths = sorted(folder.iterdir(), reverse=True)
    except OSError:
        return []
    return [Run(p) for p in paths if _ID.fullmatch(p.name) and _is_file(p / "config.json")]


def find(name: str, folder: Path | None = None) -> Run:
    """The run with this id or, if only one is called so, this name."""
    folder = folder or runs_folder()
    if _ID.fullmatch(name) and _is_file(folder / name / "config.json"):
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


def tell(run: Run, **values: Any) -> None:
    """Change what its status says while nobody is at work on it; raises OSError."""
    path = run.path / "status.json"
    write_json(path, _read_json(path) | values)


def last_words(run: Run, **values: Any) -> None:
    """`tell`, also on a full disk: the run's reserve makes room for it."""
    for _ in range(20):  # somebody else may be quicker to take what was freed
        try:
            return tell(run, **values)
        except OSError:
            if not run.path.is_dir():
                return None
            release_reserve(run)
            time.sleep(0.1)


def release_reserve(run: Run) -> None:
    """Give back the room that is kept for the last words of a worker."""
    with contextlib.suppress(OSError):
        (run.path / _RESERVE).unlink(missing_ok=True)


def refusal(error: OSError) -> str:
    """Why a run folder could not be written, in a sentence."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "The disk is full" if full else "The run folder cannot be written"
    return f"{what} ({error.strerror}): make room, then resume."


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step, so that no reader ever sees half of it.

    Raises ValueError for a number that is not finite: that is no JSON.
    """
    write_atomically(path, json.dumps(value, indent=1, allow_nan=False).encode())


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
def locked(folder: Path) -> Iterator[None]:
    """Nobody else creates, queues or takes a run of this folder meanwhile; cannot be nested."""
    lock = FileLock(folder / ".lock", timeout=30)
    with written_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise RunError("Many runs are being started: try again in a minute.") from None
    try:
        yield
    finally:
        lock.release()


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
    times = {n: v for n in ("heartbeat", "queued") if plain.is_number(v := values.get(n))}
    pid = values.get("pid")
    state, guesses, result = (values.get(name) for name in ("state", "guesses", "result"))
    return Status(
        state=state if state in STATES else "interrupted",
        progress=_progress(values.get("progress")),
        guesses=guesses if isinstance(guesses, list) and all(map(_is_guess, guesses)) else [],
        guessed_at=seen if plain.is_number(seen := values.get("guessed_at")) else 0,
        result={n: v for n, v in result.items() if n not in _MEASURES or _is_measure(n, v)}
        if isinstance(result, dict)
        else {},
        pid=pid if isinstance(pid, int) else 0,
        **texts,
        **times,
    )


def _progress(values: Any) -> dict[str, Any]:
    """A training.Progress as it was written, gaps filled; empty if it is not one."""
    if not isinstance(values, dict) or not all(plain.is_number(values.get(n)) for n in _PLACE):
        return {}
    if not 0 <= values["step"] <= values["steps"] or values["steps"] < 1:
        return {}
    return {name: values[name] for name in _PLACE} | {
        name: value if _is_measure(name, value := values.get(name)) else instead
        for name, instead in _REST.items()
    }


def _is_guess(value: Any) -> bool:
    """Whether it is [test index, digit, confidence]."""
    numbers = isinstance(value, list) and len(value) == 3 and all(map(plain.is_number, value))
    return numbers and 0 <= value[2] <= 1


def _is_measure(name: str, value: Any) -> bool:
    """Whether a Progress or a result can have this value under this name."""
    return plain.is_finite(value) and 0 <= value <= _MOST.get(name, 1e15)


def _is_file(path: Path) -> bool:
    """Whether it is one, as far as one may know."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return plain.read_object(path)
    except (OSError, ValueError):
        return {}


def _alive(status: Status) -> bool:
    """By its heartbeat; a process that is gone from this machine is known to be dead at once."""
    if status.pid == LEFT:
        return False
    if status.state == "queued" and status.pid == 0:  # a folder that waits: nobody needs to
        return True
    if status.host == socket.gethostname() and status.pid > 0 and os.name == "posix":
        try:
            os.kill(status.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
    return -AHEAD < time.time() - status.heartbeat < SILENCE


def _fingerprint(secret: str) -> str:
    """What of a visitor's secret may be written down."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def _fingerprint_of(address: str, folder: Path) -> str:
    """What of a network address may be: there are so few that only a key hides them."""
    path = folder / ".key"
    key = path.read_bytes() if path.is_file() else b""
    if not key:
        key = secrets.token_bytes(32)
        write_atomically(path, key)
        path.chmod(0o600)
    with contextlib.suppress(ValueError):
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address):  # a household has 2 ** 64 of these
            address = str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return hmac.new(key, address.encode(), "sha256").hexdigest()[:32]
