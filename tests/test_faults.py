"""What breaks on real processes and disks: killed, stopped, full, vanished; and nothing is lost."""

import errno
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from forked import ForkedWorker, context
from test_worker import QUICK, make, wait_for, wait_for_step

from mnistcore.errors import RunError
from mnistcore.models.checkpoint import load_network, read_checkpoint
from mnistcore.runs import lane, queue, slow_motion, store, worker
from mnistcore.runs.store import Run

Seen = TypeVar("Seen")
RECIPE = replace(QUICK, epochs=40)  # a second


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that start within a moment."""
    monkeypatch.setattr(queue, "_spare", None)
    monkeypatch.setattr(queue, "_spawn", ForkedWorker)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """For runs; whoever is at work there at the end of the test is killed."""
    yield tmp_path
    for run in store.list_runs(tmp_path):
        pid = run.written_status().pid
        store.update_status(run, state="stopped")
        if pid not in (0, store.PID_EXITED, os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def until(seen: Callable[[], Seen]) -> Seen:
    """Wait until this is so."""
    deadline = time.monotonic() + 120
    while not (found := seen()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def same_weights(one: Run, other: Run) -> bool:
    """Whether they are, to the last bit."""
    mine, theirs = (load_network(run.model).network.state_dict() for run in (one, other))
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of RECIPE that nothing has befallen."""
    run = make(tmp_path_factory.mktemp("whole"), RECIPE)
    worker.run_training(run)
    return run


def test_after_twenty_kills_every_run_is_found_and_ends_in_the_same_weights(
    folder: Path, whole: Run, forked: None
) -> None:
    chance = random.Random(1)
    killed: list[Run] = []
    while len(killed) < 20:
        open_ended = [run for run in store.list_runs(folder) if run.status().state != "finished"]
        if len(open_ended) < 2:
            make(folder, RECIPE)
        queue.dispatch(folder)
        run = until(lambda: queue.runs_at_work(folder))[0]
        time.sleep(chance.uniform(0, 0.6))
        with suppress(ProcessLookupError):
            os.kill(run.status().pid, signal.SIGKILL)
        for each in store.list_runs(folder):
            if each.status().state == "interrupted":
                killed.append(each)
                queue.resume(each, "me")
    runs = store.list_runs(folder)
    assert {*killed} <= {*runs}
    for run in runs:
        wait_for(run, "finished")
        assert same_weights(run, whole)
        steps = [record.step for record in run.metrics()]
        assert steps == sorted({*steps})
        assert not [*run.path.rglob(".*-*")]  # half a file of somebody who was killed


def test_a_stopped_worker_is_said_to_be_silent_keeps_its_run_and_goes_on(
    folder: Path, whole: Run, forked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a laptop that sleeps. Whoever presses Resume meanwhile starts no second worker."""
    run = make(folder, RECIPE)
    slow_motion.set_pace(run, "slow", "me")  # so that it is not over before
    queue.dispatch(folder)
    wait_for_step(run, 5)
    pid = run.status().pid
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(store, "HEARTBEAT_TIMEOUT_S", 0.5)
    assert wait_for(run, "interrupted").message == store.SILENT
    with pytest.raises(RunError, match="goes on by itself"):
        queue.resume(run, "me")
    assert run.status().pid == pid
    monkeypatch.undo()
    slow_motion.set_pace(run, "full", "me")
    os.kill(pid, signal.SIGCONT)
    assert wait_for(run, "finished").pid == pid
    assert same_weights(run, whole)


def _serve(folder: Path, log: Path) -> None:
    """Look after the queue at every moment, with workers that only say what they were given."""
    queue.MAX_CONCURRENT = 8
    command = ["sh", "-c", f"read run; echo $run >> {log}; sleep 60"]
    queue._spawn = lambda: subprocess.Popen(command, stdin=subprocess.PIPE)  # type: ignore
    while True:
        queue.dispatch(folder)


def test_two_servers_on_one_folder_give_each_run_to_one_worker(folder: Path) -> None:
    servers = [context.Process(target=_serve, args=(folder, folder / "log")) for _ in range(2)]
    for server in servers:
        server.start()
    runs = [make(folder, owner=str(number)) for number in range(8)]
    until(lambda: len(queue.runs_at_work(folder)) == 8)
    log = folder / "log"
    until(lambda: log.is_file() and len(log.read_text().split()) >= 8)
    time.sleep(0.3)  # in which the other could take one as well
    for server in servers:
        server.kill()
        server.join()
    assert sorted(log.read_text().split()) == sorted(str(run.path) for run in runs)


class Disk:
    """A file system of 8 MB that can be full: a real one, or where none may be mounted, played."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.full = folder, False
        self._as_root = ["sudo", "-n"] if os.getuid() else []
        self.real = self._may("mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs")
        if not self.real:
            write, append = Path.write_bytes, lane._append
            monkeypatch.setattr(Path, "write_bytes", self._if_there_is_room(write))
            monkeypatch.setattr(lane, "_append", self._if_there_is_room(append))

    def _may(self, *command: str) -> bool:
        with suppress(OSError):  # of these commands there is none
            done = subprocess.run([*self._as_root, *command, self.folder], capture_output=True)
            return done.returncode == 0
        return False

    def _if_there_is_room(self, write: Callable[..., object]) -> Callable[..., object]:
        def attempt(path: Path, content: bytes) -> object:
            reserve = 0 if any(self.folder.rglob(".reserve")) else store._RESERVE_BYTES
            if self.full and path.is_relative_to(self.folder) and len(content) > reserve:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(path, content)

        return attempt

    def fill(self) -> None:
        """Take all the room that is left."""
        self.full = True
        with suppress(OSError), (self.folder / "filling").open("wb", buffering=0) as file:
            while self.real:
                file.write(bytes(4096))

    def make_room(self) -> None:
        """Give it back."""
        self.full = False
        (self.folder / "filling").unlink(missing_ok=True)

    def remove(self) -> None:
        """Back to what there was."""
        if self.real:
            assert self._may("umount")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A small one of the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = Disk(folder, monkeypatch)
    yield disk
    disk.remove()


@pytest.mark.parametrize(
    ("writes", "times"), [("_append", 40), ("save_checkpoint", 2), ("save_network", 1)]
)
def test_a_disk_that_is_full_when_something_is_written_tears_nothing_and_costs_nothing(
    disk: Disk, whole: Run, writes: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The curve at its 40th record, a checkpoint over another, the network at the end."""
    write, left = getattr(lane, writes), [times]

    def fill_first(*values: object) -> None:
        left[0] -= 1
        if not left[0]:
            disk.fill()
        write(*values)

    monkeypatch.setattr(lane, writes, fill_first)
    run = make(disk.folder, RECIPE)
    with pytest.raises(RunError, match="The disk is full"):
        worker.run_training(run)
    assert run.status().state == "interrupted"
    assert run.status().message.endswith("make room, then resume.")
    before = run.metrics()
    assert len(before) >= 30
    assert read_checkpoint(run.checkpoint)["step"] <= before[-1].step
    assert not [*run.path.rglob(".*-*")]
    with pytest.raises(RunError, match="make room"):
        queue.resume(run, "me")
    disk.make_room()
    store.enqueue(run, here=True)
    worker.run_training(run)
    assert run.status().state == "finished"
    assert same_weights(run, whole)
    assert [record.step for record in run.metrics()][:30] == [r.step for r in before][:30]


@pytest.mark.parametrize("in_its_place", ["nothing", "a file"])
def test_a_folder_that_is_taken_away_ends_its_worker_and_when_it_is_back_the_run_goes_on(
    folder: Path, whole: Run, forked: None, in_its_place: str
) -> None:
    runs, elsewhere = folder / "runs", folder / "elsewhere"
    run = make(runs, RECIPE)
    slow_motion.set_pace(run, "slow", "me")  # so that it is not over before
    queue.dispatch(runs)
    wait_for_step(run, 5)
    pid = run.status().pid
    runs.rename(elsewhere)
    if in_its_place == "a file":
        runs.touch()
        with pytest.raises(RunError, match="cannot be written to"):
            make(runs)
    assert (store.list_runs(runs), queue.due_runs(runs)) == ([], [])
    until(lambda: not Path(f"/proc/{pid}").exists())
    runs.unlink(missing_ok=True)
    elsewhere.rename(runs)
    status = run.status()
    assert (status.state, status.message) == ("interrupted", store.GONE)
    slow_motion.set_pace(run, "full", "me")
    queue.resume(run, "me")
    wait_for(run, "finished")
    assert same_weights(run, whole)
