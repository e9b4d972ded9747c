"""Whose turn it is: fair, without processes that wait, and whoever is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from test_slow_motion import reaches
from test_worker import LONG, QUICK, make, wait_for

from mnistcore.errors import RunError
from mnistcore.models.checkpoint import load_network
from mnistcore.runs import queue, slow_motion, store, worker


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """For runs whose workers can be told from others, and end with the test."""
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path))
    monkeypatch.setattr(queue, "_spare", None)  # it was started with the folder of another test
    yield tmp_path
    for run in store.list_runs(tmp_path):
        store.update_status(run, state="stopped")
    for pid in workers(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def workers(folder):
    """The processes that were started with this folder for runs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (process / "environ").read_bytes().split(b"\0")
            if f"MNIST_RUNS={folder}".encode() in told and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


@pytest.fixture
def busy(folder):
    """One long run for each place that there is."""
    made = [make(folder, LONG, owner=f"busy {n}") for n in range(queue.MAX_CONCURRENT)]
    queue.dispatch(folder)
    for run in made:
        wait_for(run, "running")
    return made


@pytest.fixture
def start_server():
    """Starts a process that looks after the queue, as a server does."""
    started = []

    def start():
        code = "import time; from mnistcore.runs.queue import start_dispatcher as start; start()"
        code += "; time.sleep(600)"
        command = [sys.executable, "-c", code]
        started.append(subprocess.Popen(command, cwd=Path(__file__).parents[1]))
        return started[-1]

    yield start
    for process in started:
        kill(process)


def kill(process):
    process.kill()
    process.wait()


def test_twenty_runs_that_wait_take_no_processes(folder, busy):
    waiting = [make(folder, LONG, owner=str(n)) for n in range(store.MAX_WAITING - len(busy))]
    for _ in waiting:
        queue.dispatch(folder)
    assert len(workers(folder)) == queue.MAX_CONCURRENT
    assert [run.status().state for run in waiting] == ["queued"] * len(waiting)
    assert [run.queue_position() for run in waiting] == list(range(len(waiting)))


def test_who_has_done_a_run_takes_the_next_and_trains_it_the_same(folder, busy, tmp_path):
    first, second = busy[0], make(folder)
    pid = first.status().pid
    first.send("stop", "busy 0")
    assert wait_for(second, "finished").pid == pid
    alone = make(tmp_path / "alone")
    worker.run_training(alone)
    one, two = (load_network(each.model).network for each in (second, alone))
    for name, weights in one.state_dict().items():
        assert torch.equal(weights, two.state_dict()[name])
    assert "broke off" not in (first.path / "worker.log").read_text()


def test_who_pauses_hands_the_place_on(folder, busy):
    first, second = busy[0], make(folder, LONG)
    first.send("pause", "busy 0")
    wait_for(second, "running")
    queue.resume(first, "busy 0")
    wait_for(first, "queued")
    time.sleep(1)
    assert first.status().state == "queued"
    second.send("stop", "me")
    wait_for(first, "running")


def test_who_stands_still_step_by_step_makes_way(folder, busy):
    first, second = busy[0], make(folder)
    assert first in queue.runs_at_work(folder)
    slow_motion.set_pace(first, "step", "busy 0")
    wait_for(second, "finished", seconds=slow_motion.YIELD_S + 30)
    assert first.status().state == "paused"
    assert "let them go first" in first.status().message
    queue.resume(first, "busy 0")
    wait_for(first, "running")
    assert slow_motion.read_pace(first).kind == "step"
    step = slow_motion.read_pace(first).until
    slow_motion.next_batch(first, "busy 0")
    assert reaches(first, step + 1) == step + 1


def test_a_killed_server_and_killed_workers_leave_no_queue_standing(folder, busy, start_server):
    waiting = [make(folder, QUICK, owner=owner) for owner in ("me", "you")]
    kill(start_server())
    for run in busy:
        os.kill(run.status().pid, signal.SIGKILL)
        wait_for(run, "interrupted")
    assert [run.status().state for run in waiting] == ["queued", "queued"]
    second = start_server()
    wait_for(waiting[0], *store.AT_WORK, "finished")
    kill(second)  # from here on, the workers hand it on
    for run in waiting:
        wait_for(run, "finished")


def test_a_worker_that_is_killed_makes_room_for_the_next(folder, busy, start_server):
    waiting = make(folder)
    start_server()
    os.kill(busy[0].status().pid, signal.SIGKILL)
    wait_for(waiting, "finished")


def test_the_command_line_waits_for_its_turn_itself_and_hands_it_on(folder, busy):
    command = [sys.executable, "-m", "mnistcore", "train", "--dataset", "digits", "--preset"]
    with subprocess.Popen([*command, "plain", "--epochs", "1"], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while len(found := set(store.list_runs(folder)) - set(busy)) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (typed,) = found
        later = make(folder)
        wait_for(typed, "queued")
        assert typed.status().pid == process.pid
        busy[0].send("stop", "busy 0")
        wait_for(later, "finished")
        assert process.wait(timeout=120) == 0
    assert typed.status().state == "finished"


def test_a_run_that_waits_is_stopped_at_once_though_nobody_hears_it(folder):
    run = make(folder)
    run.send("stop", "me")
    assert (run.status().state, run.status().message) == ("stopped", store.STOPPED_WAITING)
    queue.dispatch(folder)
    assert not workers(folder)
    queue.resume(run, "me")
    wait_for(run, "finished")


def test_a_process_that_cannot_be_started_is_told(folder, monkeypatch):
    run = make(folder)

    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(queue, "_spawn", refuse)
    queue.dispatch(folder)
    assert run.status().state == "interrupted"
    assert "could not be started (Resource temporarily unavailable)" in run.status().message


def test_a_disk_that_is_full_when_the_turn_comes_is_told(folder, monkeypatch):
    run = make(folder)
    write = Path.write_bytes

    def full(path, content):
        if (run.path / ".reserve").exists():
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    queue.dispatch(folder)
    monkeypatch.undo()
    assert run.status().state == "interrupted"
    assert run.status().message.startswith("The disk is full")
    deadline = time.monotonic() + 120
    while workers(folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_everybody_comes_once_before_anybody_comes_twice(folder):
    mine = [make(folder, owner="me", address="a") for _ in range(3)]
    yours = [make(folder, owner="you", address="b") for _ in range(2)]
    hers = make(folder, owner="her", address="a")
    _, waiting = store.queue_order(folder)
    assert waiting == [mine[0], yours[0], hers, mine[1], yours[1], mine[2]]
    store.update_status(mine[0], state="running", heartbeat=time.time(), pid=os.getpid())
    at_work, waiting = store.queue_order(folder)
    assert at_work == 1
    assert waiting == [yours[0], hers, mine[1], yours[1], mine[2]]


def test_fresh_cookies_do_not_go_before_a_newcomer_from_elsewhere(folder):
    many = [make(folder, owner=str(n), address="a") for n in range(4)]
    newcomer = make(folder, owner="you", address="b")
    _, waiting = store.queue_order(folder)
    assert waiting == [many[0], newcomer, *many[1:]]


def test_to_resume_is_no_way_past_those_who_wait(folder, busy):
    stopped = make(folder)
    stopped.send("stop", "me")
    waiting = make(folder, owner="you")
    with pytest.raises(RunError, match="cannot go on: it is queued"):
        queue.resume(waiting, "you")
    queue.resume(stopped, "me")
    assert (waiting.queue_position(), stopped.queue_position()) == (0, 1)
