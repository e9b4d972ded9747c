"""Run folder: the only interface between a training process and whoever watches it."""

import contextlib
import errno
import functools
import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from mnistcore import serialization
from mnistcore.config import TrainConfig
from mnistcore.errors import RunError
from mnistcore.presets import describe_changes, name_run
from mnistcore.records import Creator, Progress, RunConfig, RunStatus, State, from_dict, to_dict
from mnistcore.runs import quota

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

HEARTBEAT_INTERVAL_S = 1.0  # seconds between two signs of life of a worker
HEARTBEAT_TIMEOUT_S = 8.0  # seconds without one after which its run counts as interrupted
STARTUP_GRACE_S = 20.0  # seconds that a new worker may take until the first
LEAVING_S = 2.0  # seconds that a worker may hold its run after its last words
MAX_CLOCK_SKEW_S = 30.0  # by which it may lie in the future: startup grace, and clocks that differ
# Runs that may be queued, at work, or paused with a worker that stays: all of them, those of one
# visitor, and those of all visitors with one address, as a new cookie makes a new visitor.
MAX_WAITING, MAX_PER_OWNER, MAX_PER_ADDRESS = 20, 3, 8

AT_WORK: tuple[State, ...] = ("starting", "running", "testing")  # a worker is, or should be, at it
LIVE: tuple[State, ...] = ("queued", *AT_WORK)
RESUMABLE: tuple[State, ...] = ("interrupted", "stopped", "paused")
ENDED: tuple[State, ...] = ("finished", "failed")
PID_EXITED = -1  # the pid of a worker that has gone and is not missed
GONE = "Its training process is gone. It can go on from where it was."
SILENT = "Its training process has fallen silent. If it stays so, it can go on from where it was."
STOPPED_WAITING = "It was stopped before its turn came."
CHECKPOINT_REMOVED = (
    "To make room for newer runs, where it stood was forgotten: Resume starts it anew."
)

DRAWINGS_FILE = "lessons.jsonl"  # the drawings of a run that was taught by hand; no other has any
_TWIN = "twin"  # in the folder of a run: that of its twin
_DRAFTS = ".drafts"  # in the folder for runs: those that are not yet whole
_DELETED = ".deleted-"  # with this begins what was one, until all of it is gone
_CREATOR_FILE = "owner.json"  # written once, so that a damaged config.json does not lose the owner
_RESERVE_FILE = ".reserve"  # takes up room for the last words of a worker that finds the disk full
_RESERVE_BYTES = 1 << 16  # bytes of it, several times what a status.json takes
# What `replacing` leaves when it is killed, of files that nobody but a worker writes.
_SCRATCH_OF_WORKERS = (".status.json-*", ".checkpoint.pt-*", ".*.safetensors-*")
_MAX_FILE_BYTES = 1 << 23  # bytes that are read of any file; what is written here is far shorter
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


def runs_folder() -> Path:
    """Where runs are kept unless told otherwise: $MNIST_RUNS, or `runs`."""
    return Path(os.environ.get("MNIST_RUNS") or "runs")


@dataclass(frozen=True)
class Run:
    """One run by its folder. Reading never raises for what a crash can leave behind."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name, by which a run is found again; of a twin "RUN.twin"."""
        return f"{leader.id}.{_TWIN}" if (leader := self.leader) else self.path.name

    @property
    def leader(self) -> "Run | None":
        """The run whose twin this is; one worker drives both, and its owner steers both by it."""
        return Run(self.path.parent) if self.path.name == _TWIN else None

    @property
    def twin(self) -> "Run | None":
        """The same again but for one change, trained step by step in step with it."""
        twin = Run(self.path / _TWIN)
        return twin if not self.leader and twin.is_there else None

    @property
    def is_there(self) -> bool:
        """Whether its folder holds a recipe: without one it is no run, or no longer."""
        return _is_file(self.path / "config.json")

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished training stands: network, optimizer, random numbers, position."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The weights, once the run is finished or stopped."""
        return self.path / "model.safetensors"

    @property
    def curve(self) -> Path:
        """Its Progress records, one a line; what was taught by hand has none."""
        return self.path / "metrics.jsonl"

    @property
    def frames(self) -> Path:
        """The folder of its frames, see inspection/frames.py; older runs have none."""
        return self.path / "frames"

    def config(self) -> RunConfig:
        """What it was to be; raises RunError where that is lost."""
        if (config := self._written_config()) == RunConfig():
            raise RunError(f"The run {self.id} has lost its config.json: delete it, start anew.")
        return config

    def train_config(self) -> TrainConfig:
        """What it trains, and how; raises RunError where that is lost or makes no sense."""
        config = self.config().train
        if config is None:
            raise RunError(f"The run {self.id} has lost its recipe: delete it, start anew.")
        return config

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self._written_config().name or self.id

    def status(self) -> RunStatus:
        """The newest status; a live run whose worker is silent or dead is "interrupted".

        A twin that has not come to its end is in the state of its run.
        """
        status = self.written_status()
        if self.leader and status.state not in ENDED:
            own = ("progress", "predictions", "predictions_images", "train_predictions", "result")
            return replace(self.leader.status(), **{name: getattr(status, name) for name in own})
        if status.state in LIVE and not _alive(status):
            why = GONE if _process_has_ended(status) else SILENT
            return replace(status, state="interrupted", message=why)
        return status

    def written_status(self) -> RunStatus:
        """The status as its last writer left it, alive or not."""
        return _once_per_change(_status, self.path / "status.json")

    def _written_config(self) -> RunConfig:
        return _once_per_change(_config, self.path / "config.json")

    def metrics(self) -> list[Progress]:
        """The Progress records in order, of repeated steps the last; torn lines are left out."""
        return list(_once_per_change(_metrics, self.curve))

    def has_curves(self) -> bool:
        """Whether `metrics` was ever written to: what was taught by hand never does."""
        return _is_file(self.curve)

    def under_way(self) -> bool:
        """Whether it is at work, waits for its turn, or is paused with a worker that stays."""
        status = self.status()
        return status.state in LIVE or (status.state == "paused" and _alive(status))

    def queue_position(self) -> int:
        """How many runs go before this one in the queue."""
        run = self.leader or self
        _, waiting = queue_order(run.path.parent)
        return waiting.index(run) if run in waiting else 0

    def maker(self) -> Creator:
        """Who started it; a run of an older version says so in its config.json."""
        known = _read_json(self.path / _CREATOR_FILE) or _read_json(self.path / "config.json")
        return from_dict(Creator, known)

    def belongs_to(self, visitor: str | None) -> bool:
        """Whether this visitor started it, and so may steer, rename and delete it."""
        return self.maker().owner == _fingerprint(visitor) if visitor else False

    def require_owner(self, visitor: str | None) -> None:
        """Raise RunError if it is another visitor's, or a twin, which goes with its run."""
        if self.leader:
            raise RunError(f"A twin goes with its run: choose {self.leader.id}.")
        if not self.belongs_to(visitor):
            raise RunError("Only the visitor who started this run can do that.")

    def send(self, command: str, visitor: str | None = None) -> None:
        """Tell the worker to "pause", "go" or "stop"; only the owner may."""
        self.require_owner(visitor)
        if command not in ("pause", "go", "stop"):
            raise RunError(f"A run cannot {command!r}: it can pause, go or stop.")
        with locked(self.path.parent), disk_errors_as_run_errors(self.path):
            write_atomically(self.path / "control", command.encode())
            status = self.status()
            # Nobody is there to hear it.
            if command == "stop" and status.state == "queued" and not status.pid:
                update_status(self, state="stopped", message=STOPPED_WAITING)

    def pop_command(self) -> str | None:
        """The worker's side of `send`: the newest command, once."""
        path = self.path / "control"
        with contextlib.suppress(OSError):
            command = serialization.read_bounded(path, _MAX_FILE_BYTES)
            path.unlink()
            return command.decode(errors="replace")
        return None

    def rename(self, name: str, visitor: str | None) -> None:
        """Give it another name, of 1 to 60 characters."""
        self.require_owner(visitor)
        config = replace(self.config(), name=clean_name(name))
        with disk_errors_as_run_errors(self.path):
            write_record(self.path / "config.json", config)

    def delete(self, visitor: str | None) -> None:
        """Remove it for good; not while it is at work."""
        self.require_owner(visitor)
        if self.status().state in LIVE:
            raise RunError("This run is still at work: stop it, then delete it.")
        with disk_errors_as_run_errors(self.path.parent):
            self.remove()

    def forget_training(self) -> None:
        """Delete checkpoint and frames, most of it. Resumed, the run begins from the start."""
        state = self.status().state
        for run in filter(None, (self, self.twin)):
            run.checkpoint.unlink(missing_ok=True)
            shutil.rmtree(run.frames, ignore_errors=True)
        if state in RESUMABLE:
            update_status(self, state=state, message=CHECKPOINT_REMOVED)

    def remove(self) -> None:
        """Remove it for good, whoever's it is; raises OSError."""
        gone = self.path.with_name(f"{_DELETED}{self.id}-{secrets.token_hex(2)}")
        self.path.rename(gone)  # out of sight in one step, so that nobody reads half a run
        shutil.rmtree(gone, ignore_errors=True)


def create_run(
    config: TrainConfig | None,
    fill: Callable[[Run], None] | None = None,
    *,
    twin: TrainConfig | None = None,
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
    """A new run folder, queued, with nothing at work on it yet; see queue.dispatch.

    config: what to train, and how; None where nobody knows, of a network that `fill` brings. fill:
    instead of queueing it, writes what makes it whole: nobody sees it before. twin: what to train
    in step with it, see training/twins.py. command: as typed.
    owner: the visitor's secret, address: where they come from; of both only a fingerprint is kept.
    here: this process itself will work on it. Of a visitor's old runs some may go, see quota.
    Raises RunError if too many are waiting or the disk does not play along, and leaves nothing.
    """
    folder, now = folder or runs_folder(), datetime.now()
    kind = preset or "own"
    run = Run(folder / f"{now:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(8)}")
    draft = Run(folder / _DRAFTS / run.id)
    name = clean_name(name or f"{kind} {now:%H:%M:%S}")
    with locked(folder), disk_errors_as_run_errors(folder):
        # What was left by who was killed.
        for left in (*folder.glob(f"{_DRAFTS}/*"), *folder.glob(f"{_DELETED}*")):
            shutil.rmtree(left, ignore_errors=True)
        maker = Creator()
        if owner:
            maker = Creator(_fingerprint(owner), address and _fingerprint_of(address, folder))
        if fill is None:
            require_room(folder, maker)
        if owner:
            quota.make_room(list_runs(folder), maker)
        made = RunConfig(
            name=name,
            preset=preset,
            dataset=dataset,
            data=str(Path(data).resolve()) if data else None,
            command=command,
            created=now.isoformat(timespec="seconds"),
            owner=maker.owner,
            train=config,
        )
        try:
            draft.path.mkdir(parents=True)
            write_record(draft.path / "config.json", made)
            if owner:
                write_json(draft.path / _CREATOR_FILE, asdict(maker))
            if config and twin:
                twin_name = clean_name(name_run(name, describe_changes(config, twin), ()))
                (draft.path / _TWIN).mkdir()
                twin_made = replace(made, name=twin_name, train=twin)
                write_record(draft.path / _TWIN / "config.json", twin_made)
            fill(draft) if fill else enqueue(draft, here=here)
            draft.path.rename(run.path)
        except BaseException:
            shutil.rmtree(draft.path, ignore_errors=True)  # half a run is none
            raise
    return run


def require_writable(folder: Path) -> None:
    """Raise RunError if no run can be written to this folder, which is made if it is missing."""
    with disk_errors_as_run_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def require_room(folder: Path, maker: Creator) -> None:
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


def enqueue(run: Run, message: str = "Starting.", *, here: bool = False) -> None:
    """Put a run (again) at the end of the queue; `here`: for this process, which vouches for it.

    Raises RunError if the disk does not play along, or a process holds the run, be it silent.
    """
    with disk_errors_as_run_errors(run.path), sole_worker(run, LEAVING_S):
        (run.path / _RESERVE_FILE).write_bytes(bytes(_RESERVE_BYTES))
        pid = os.getpid() if here else 0
        assign(run, pid, state="queued", message=message, queued=time.time())


def assign(run: Run, pid: int, **values: Any) -> None:
    """Name the process that is to work on a run, and has some time for its first sign of life."""
    (run.path / "control").unlink(missing_ok=True)
    alive = time.time() + STARTUP_GRACE_S
    update_status(run, pid=pid, host=socket.gethostname(), heartbeat=alive, **values)


def queue_order(folder: Path) -> tuple[int, list[Run]]:
    """How many runs are at work, and those that wait, next first.

    Somebody's second run comes after everybody's first, be that at work or waiting; so do then
    those of one address; and then it is first come, first served.
    """
    live = [(run, status) for run in list_runs(folder) if (status := run.status()).state in LIVE]
    live.sort(key=lambda each: (each[1].state == "queued", each[1].queued, each[0].id))
    owners, addresses = Counter[str | None](), Counter[str | None]()
    waiting: list[tuple[int, int, int, Run]] = []
    for number, (run, status) in enumerate(live):
        maker = run.maker()
        if status.state == "queued":
            waiting.append((owners[maker.owner], addresses[maker.address], number, run))
        owners[maker.owner] += 1
        addresses[maker.address] += 1
    return len(live) - len(waiting), [run for *_, run in sorted(waiting, key=lambda each: each[:3])]


def list_runs(folder: Path | None = None) -> list[Run]:
    """Every run in the folder that can be read, newest first."""
    with contextlib.suppress(OSError):
        paths = sorted((folder or runs_folder()).iterdir(), reverse=True)
        known = [Run(path) for path in paths if _ID.fullmatch(path.name) and path.name != _TWIN]
        return [run for run in known if run.is_there]
    return []


def find_run(name: str, folder: Path | None = None) -> Run:
    """The run with this id or, if only one is called so, this name; of "RUN@STEP", the run.

    "RUN.twin" and "RUN.twin@STEP" are its twin.
    """
    folder = folder or runs_folder()
    run_id, _ = split_moment(name)
    leader_id, _, suffix = run_id.rpartition(".")
    paths = [folder / run_id, *[folder / leader_id / _TWIN] * (suffix == _TWIN)]
    for path in paths if _ID.fullmatch(run_id) else []:
        if (run := Run(path)).is_there:
            return run
    named = [run for run in list_runs(folder) if run.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(run.id for run in named)
        raise RunError(f"{len(named)} runs are called {name!r}: say which by its id, {ids}.")
    raise RunError(f"There is no run {name!r} in {folder}: `python -m mnistcore runs` lists them.")


def split_moment(model_id: str) -> tuple[str, int | None]:
    """ "RUN@STEP", a run's network as it was at a step -> RUN and STEP; otherwise None for STEP."""
    run_id, _, step = model_id.partition("@")
    return (run_id, int(step)) if step.isdecimal() and len(step) < 10 else (model_id, None)


def clean_name(name: str) -> str:
    """A name that is fit to be shown: one line, 1 to 60 characters."""
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:60]
    if not name:
        raise RunError("A run needs a name of at least one letter.")
    return name


def update_status(run: Run, **values: Any) -> None:
    """Change what its status says while nobody is at work on it; raises OSError."""
    write_record(run.path / "status.json", replace(run.written_status(), **values))


def write_final_status(run: Run, **values: Any) -> None:
    """`update_status`, also on a full disk: the run's reserve makes room for it."""
    for _ in range(20):  # somebody else may be quicker to take what was freed
        try:
            return update_status(run, **values)
        except OSError:
            if not run.path.is_dir():
                return None
            release_reserve(run)
            time.sleep(0.1)


def release_reserve(run: Run) -> None:
    """Give back the room that is kept for the last words of a worker."""
    with contextlib.suppress(OSError):
        (run.path / _RESERVE_FILE).unlink(missing_ok=True)


def disk_error_message(error: OSError) -> str:
    """Why a run folder could not be written, in a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({error.strerror}): make room, then resume."
    return f"The run folder cannot be written ({error.strerror}): see to that, then resume."


def write_record(path: Path, record: "DataclassInstance") -> None:
    """Replace a file of one record."""
    write_json(path, to_dict(record))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file; ValueError for a number that is not finite: that is no JSON."""
    write_atomically(path, json.dumps(value, indent=1, allow_nan=False).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that no reader sees half of it, or leave it as it was."""
    with replacing(path) as scratch:
        scratch.write_bytes(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of a file in one step, or leaves it as it was."""
    scratch = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(2)}")
    try:
        yield scratch
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else creates, queues or takes a run of this folder meanwhile; cannot be nested."""
    lock = FileLock(folder / ".lock", timeout=30)
    with disk_errors_as_run_errors(folder):
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
def sole_worker(run: Run, patience: float = 0.0) -> Iterator[None]:
    """Nobody else works on the run meanwhile; what was half written by who was killed goes.

    Raises RunError if somebody does, for `patience` seconds and longer, and OSError.
    """
    try:
        lock = FileLock(run.path / ".worker.lock", timeout=patience).acquire()
    except Timeout:
        raise RunError(
            f"The run {run.id} is already being worked on: its process is there, and goes on by "
            "itself even if it is silent now."
        ) from None
    with lock:
        for pattern in _SCRATCH_OF_WORKERS:
            for scratch in run.path.rglob(pattern):
                scratch.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def disk_errors_as_run_errors(folder: Path) -> Iterator[None]:
    """What the disk refuses within it is told in words."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"The run cannot be written to {folder} ({error.strerror}): make room there, or name "
            "another folder in MNIST_RUNS."
        ) from error


T = TypeVar("T")
Stamp = tuple[int, ...]
_TICK_NS = 20_000_000  # within so long a file may change twice and bear the same time


def _once_per_change(read: "functools._lru_cache_wrapper[T]", path: Path) -> T:
    """What `read` makes of a file, for all who look at it, until it changes.

    A file that has only just been written is read anew: its time would not tell the next change.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return read.__wrapped__(path, ())
    stamp = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
    if abs(time.time_ns() - found.st_mtime_ns) < _TICK_NS:
        return read.__wrapped__(path, stamp)
    return read(path, stamp)


@functools.lru_cache(maxsize=1024)
def _config(path: Path, _: Stamp) -> RunConfig:
    return from_dict(RunConfig, _read_json(path))


@functools.lru_cache(maxsize=1024)
def _status(path: Path, _: Stamp) -> RunStatus:
    return from_dict(RunStatus, _read_json(path))


@functools.lru_cache(maxsize=32)  # of some 300 records each
def _metrics(path: Path, _: Stamp) -> tuple[Progress, ...]:
    try:
        content = serialization.read_bounded(path, _MAX_FILE_BYTES)
    except OSError:
        return ()
    records: list[Progress] = []
    for record in filter(None, map(_progress, content.decode(errors="replace").splitlines())):
        while records and records[-1].step >= record.step:
            records.pop()
        records.append(record)
    return tuple(records)


@functools.lru_cache(maxsize=8192)  # so that of a file that has grown only what is new is parsed
def _progress(line: str) -> Progress | None:
    try:
        return from_dict(Progress, serialization.parse_object(line))
    except ValueError:
        return None


def _is_file(path: Path) -> bool:
    """Whether it is one, as far as one may know."""
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def _read_json(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        return serialization.read_object(path)
    return {}


def _alive(status: RunStatus) -> bool:
    """By its heartbeat; a process that is gone from this machine is known to be dead at once."""
    if status.state == "queued" and status.pid == 0:  # a folder that waits: nobody needs to
        return True
    if _process_has_ended(status):
        return False
    return -MAX_CLOCK_SKEW_S < time.time() - status.heartbeat < HEARTBEAT_TIMEOUT_S


def _process_has_ended(status: RunStatus) -> bool:
    """Whether its worker has left, or was at work on this machine and is not there any more."""
    if status.host == socket.gethostname() and status.pid > 0 and os.name == "posix":
        try:
            with contextlib.suppress(PermissionError):  # of another user: it is there
                os.kill(status.pid, 0)
        except (OSError, OverflowError):
            return True
    return status.pid == PID_EXITED


def _fingerprint(secret: str) -> str:
    """What of a visitor's secret may be written down."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def _fingerprint_of(address: str, folder: Path) -> str:
    """What of a network address may be: there are so few that only a key hides them."""
    path = folder / ".key"
    if not (key := path.read_bytes() if path.is_file() else b""):
        key = secrets.token_bytes(32)
        write_atomically(path, key)
        path.chmod(0o600)
    with contextlib.suppress(ValueError):
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address):  # a household has 2 ** 64 of these
            address = str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return hmac.new(key, address.encode(), "sha256").hexdigest()[:32]
