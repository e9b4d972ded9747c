"""A run in its own process: it is steered, killed, resumed, queued, and never lost."""

import errno
import json
import os
import re
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from forked import ForkedWorker

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.data import loading
from mnistcore.errors import DataError, DivergenceError, RunError
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.checkpoint import load_network, read_checkpoint
from mnistcore.models.registry import load_model
from mnistcore.records import RunResult
from mnistcore.runs import lane, queue, slow_motion, store, worker
from mnistcore.training.trainer import train

QUICK = TrainConfig(
    network=NetworkConfig(convolutions=(), dense=(16,), dropout=0.1),
    epochs=4,
    batch_size=50,
    device="cpu",
    threads=1,
)
LONG = replace(QUICK, epochs=900, batch_size=10)  # which nobody waits for


def make(folder, recipe=QUICK, owner="me", **more):
    return store.create_run(recipe, dataset="digits", owner=owner, folder=folder, **more)


def wait_for(run, *states, seconds=120.0):
    deadline = time.monotonic() + seconds
    while (status := run.status()).state not in states:
        assert time.monotonic() < deadline, f"still {status}"
        time.sleep(0.05)
    return status


def wait_for_step(run, step):
    deadline = time.monotonic() + 120
    while not (progress := run.status().progress) or progress.step < step:
        assert time.monotonic() < deadline, run.status()
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def forked(monkeypatch):
    """Workers that start within a moment; tests/test_queue.py has those that the app starts."""
    monkeypatch.setattr(queue, "_spare", None)
    monkeypatch.setattr(queue, "_spawn", ForkedWorker)


@pytest.fixture
def started(tmp_path):
    """Starts runs in processes of their own, and ends those that are left."""
    made = []

    def start(recipe=QUICK, pace="full", **more):
        run = make(tmp_path, recipe, **more)
        slow_motion.set_pace(run, pace, more.get("owner", "me"))
        queue.dispatch(run.path.parent)
        made.append(run)
        return run

    yield start
    for run in made:
        if run.status().state == "queued":  # or the worker that ends next would take it
            store.update_status(run, state="stopped")
    for run in made:
        if run.under_way() and run.status().pid not in (0, os.getpid()):
            os.kill(run.status().pid, signal.SIGKILL)


def test_a_finished_run_leaves_all_that_the_contract_names(tmp_path):
    run = make(tmp_path)
    seen = []
    result = worker.run_training(run, seen.append)
    assert run.status().state == "finished"
    assert run.status().result == result
    assert result.num_params == 784 * 16 + 16 + 170
    assert (result.images, result.epochs) == (6000, 4)
    assert result.test_accuracy == seen[-1].test_accuracy
    assert 0.7 < result.test_accuracy <= 1
    names = {"config.json", "status.json", "metrics.jsonl", "model.safetensors"}
    assert names <= {path.name for path in run.path.iterdir()}
    records = run.metrics()
    assert records[0].step == 0
    assert records[-1].step == records[-1].total_steps == 120
    assert [r.step for r in records] == sorted({r.step for r in records})


def test_the_saved_network_is_the_trained_one(tmp_path, digits):
    run = make(tmp_path)
    worker.run_training(run)
    training = train(QUICK, *digits)
    for _ in training:
        pass
    network = load_network(run.model).network
    for name, weights in training.network.state_dict().items():
        assert torch.equal(network.state_dict()[name], weights)


def test_however_long_a_run_its_curve_stays_short(tmp_path):
    run = make(tmp_path, replace(QUICK, epochs=60))
    worker.run_training(run)
    assert lane.N_RECORDS / 2 < len(run.metrics()) < 2 * lane.N_RECORDS


def test_a_killed_run_is_interrupted_keeps_its_curve_and_resumes_to_the_same_weights(
    started, tmp_path
):
    recipe = replace(QUICK, epochs=60)
    run = started(recipe, pace="slow")  # so that it is not over before
    wait_for_step(run, 20)
    while not run.checkpoint.is_file() or not read_checkpoint(run.checkpoint)["step"]:
        assert run.status().state == "running"
        time.sleep(0.05)
    os.kill(run.status().pid, signal.SIGKILL)
    slow_motion.set_pace(run, "full", "me")
    whole = make(tmp_path / "whole", recipe)
    worker.run_training(whole)
    status = wait_for(run, "interrupted", seconds=store.HEARTBEAT_TIMEOUT_S + 5)
    assert "It can go on" in status.message
    assert len(run.metrics()) > 5
    queue.resume(run, "me")
    wait_for(run, "finished")
    one, two = (load_network(each.model).network.state_dict() for each in (run, whole))
    assert all(torch.equal(one[name], two[name]) for name in one)
    steps = [r.step for r in run.metrics()]
    assert steps == sorted(set(steps))


def test_a_run_pauses_goes_on_and_stops(started):
    run = started(LONG)
    wait_for_step(run, 20)
    run.send("pause", "me")
    wait_for(run, "paused")
    step = run.status().progress.step
    time.sleep(1.2)  # longer than a heartbeat
    assert run.status().progress.step == step
    queue.resume(run, "me")
    wait_for_step(run, step + 20)
    run.send("stop", "me")
    status = wait_for(run, "stopped")
    assert 0 < status.result.epochs < 900
    assert status.result.test_count == 297
    assert load_network(run.model).network.config == LONG.network


def test_a_stopped_run_can_be_resumed_by_its_owner_only(tmp_path):
    run = make(tmp_path)
    run.send("stop", "me")
    worker.run_training(run)
    assert run.status().state == "stopped"
    with pytest.raises(RunError, match="Only the visitor"):
        queue.resume(run, "you")
    queue.resume(run, "me")
    wait_for(run, "finished")


def test_runs_take_turns_and_know_their_place(started):
    slots = max(1, (os.cpu_count() or 2) // 2)
    busy = [started(LONG, owner=f"busy {n}") for n in range(slots)]
    for run in busy:
        wait_for(run, "running")
    waiting = started(LONG)
    behind = started(LONG)
    time.sleep(3)
    assert (waiting.status().state, behind.status().state) == ("queued", "queued")
    assert (waiting.queue_position(), behind.queue_position()) == (0, 1)
    behind.send("stop", "me")
    wait_for(behind, "stopped")
    busy[0].send("stop", "busy 0")
    wait_for(waiting, "running")


def test_a_paused_run_makes_room_for_others(started):
    first = started(LONG)
    wait_for_step(first, 20)
    first.send("pause", "me")
    wait_for(first, "paused")
    wait_for(started(QUICK, owner="you"), "finished")


def test_of_many_paused_workers_few_stay_and_all_runs_go_on(started, monkeypatch):
    monkeypatch.setattr(store, "MAX_PER_OWNER", 9)
    paused = []
    for _ in range(worker.MAX_PAUSED + 1):
        run = started(LONG)
        wait_for_step(run, 20)
        run.send("pause", "me")
        wait_for(run, "paused")
        paused.append(run)
    *stay, leaves = paused
    deadline = time.monotonic() + 120
    while leaves.under_way():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert all(run.under_way() for run in stay)
    step = leaves.status().progress.step
    queue.resume(leaves, "me")
    wait_for_step(leaves, step + 20)


def test_a_paused_worker_ends_when_its_run_is_deleted(started):
    run = started(LONG)
    wait_for_step(run, 20)
    run.send("pause", "me")
    pid = wait_for(run, "paused").pid
    run.delete("me")
    deadline = time.monotonic() + 120
    while process_is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not run.path.exists()


def test_who_waits_for_a_run_whose_recipe_is_gone_waits_no_longer(tmp_path):
    run = make(tmp_path)
    (run.path / "config.json").unlink()
    assert worker.run_training(run) is None


def process_is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_to_resume_what_was_stopped_is_no_way_round_the_limit(tmp_path):
    first = make(tmp_path)
    store.write_json(first.path / "status.json", {"state": "stopped"})
    for _ in range(store.MAX_PER_OWNER):
        make(tmp_path)
    with pytest.raises(RunError, match="You have 3 runs under way"):
        queue.resume(first, "me")
    assert first.status().state == "stopped"


def test_nothing_holds_a_run_that_has_failed(tmp_path):
    run = make(tmp_path)
    run.checkpoint.write_bytes(b"rubbish")
    with pytest.raises(RunError) as kept:  # and with it all that worked on the run
        worker.run_training(run)
    with FileLock(run.path / ".worker.lock", timeout=0):
        assert "damaged" in str(kept.value)


def test_a_run_whose_images_cannot_be_had_today_can_go_on_another_day(tmp_path, monkeypatch):
    run = make(tmp_path)

    def offline(*_):
        raise DataError("Connect to the internet.")

    monkeypatch.setattr(loading, "load_or_fall_back", offline)
    with pytest.raises(DataError):
        worker.run_training(run)
    assert (run.status().state, run.status().message) == ("interrupted", "Connect to the internet.")
    monkeypatch.undo()
    worker.run_training(run)
    assert run.status().state == "finished"


def test_a_run_that_lacks_only_its_final_test_is_finished_by_resuming_it(tmp_path, monkeypatch):
    run = make(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lane, "save_network", full)
    with pytest.raises(RunError, match="make room, then resume"):
        worker.run_training(run)
    status = run.status()
    assert status.progress.step == status.progress.total_steps
    monkeypatch.undo()
    queue.resume(run, "me")
    assert wait_for(run, "finished").result.images == 6000


def test_a_spare_worker_takes_the_next_run_and_dies_with_its_keeper(started):
    queue.warm_spare_worker()
    spare = queue._spare
    queue.warm_spare_worker()
    assert queue._spare is spare  # one is enough
    run = started()
    assert queue._spare is None
    assert wait_for(run, "finished").pid == spare.pid
    queue.warm_spare_worker()
    spare = queue._spare
    spare.stdin.close()  # as when this process ends
    spare.wait(timeout=120)
    queue._spare = None


def test_two_workers_never_share_a_run(started):
    run = started(LONG)
    wait_for_step(run, 20)
    with pytest.raises(RunError, match="already being worked on"):
        worker.run_training(run)
    assert run.status().state == "running"


def test_a_damaged_checkpoint_is_reported_in_words(tmp_path):
    run = make(tmp_path)
    run.checkpoint.write_bytes(b"rubbish")
    with pytest.raises(RunError, match="checkpoint of this run is damaged"):
        worker.run_training(run)
    assert run.status().state == "failed"
    assert "start the run anew" in run.status().message


def test_a_checkpoint_that_would_run_code_is_not_unpickled(tmp_path):
    run = make(tmp_path)
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    torch.save(Trap(), run.checkpoint)
    with pytest.raises(RunError, match="damaged"):
        worker.run_training(run)
    assert not ran.exists()


def test_a_loss_that_runs_away_is_told_to_the_visitor(tmp_path):
    wild = replace(QUICK, learning_rate=100.0, optimizer="SGD with momentum")
    run = make(tmp_path, replace(wild, network=NetworkConfig((), (64,), "none")))
    with pytest.raises(DivergenceError, match="learning rate"):
        worker.run_training(run)
    status = run.status()
    assert (status.state, status.result) == ("failed", RunResult(run.id, diverged=True))
    assert "try a smaller learning rate, such as 0.01." in status.message
    assert run.metrics()[-1].step > 0
    tested = [record.test_accuracy for record in run.metrics() if record.test_count]
    assert tested[-1] == status.progress.test_accuracy
    for file in ("status.json", "metrics.jsonl", "config.json"):
        assert not re.search("Infinity|NaN", (run.path / file).read_text())


def test_a_final_test_that_is_not_finite_fails_the_run_in_words(tmp_path, monkeypatch):
    run, over = make(tmp_path, LONG), []

    def stop(progress):
        if progress.step:  # which is too early for a test on the way
            over.append(progress)
            run.send("stop", "me")

    def lost(network, digits):
        score = evaluate(network, digits)
        return replace(score, loss=float("inf")) if over else score

    monkeypatch.setattr(lane, "evaluate", lost)
    with pytest.raises(DivergenceError):
        worker.run_training(run, stop)
    assert run.status().state == "failed"


def test_a_full_disk_ends_a_run_in_words(tmp_path, monkeypatch):
    run = make(tmp_path)
    write = store.write_atomically

    def full(path, content):
        if path.name == "checkpoint.pt":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(RunError, match="No space left on device"):
        worker.run_training(run)
    assert "make room, then resume" in run.status().message
    monkeypatch.undo()
    queue.resume(run, "me")
    wait_for(run, "finished")


def test_the_reason_is_told_though_there_is_no_room_for_it(tmp_path, monkeypatch):
    """Nothing can be written any more, unless what was kept for the last words is given up."""
    run = make(tmp_path)
    write = Path.write_bytes

    def full(path, content):
        room = 0 if (run.path / ".reserve").exists() else 1 << 16
        if len(content) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    def fill_the_disk(progress):
        if progress.step == 60:
            monkeypatch.setattr(Path, "write_bytes", full)
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="The disk is full"):
        worker.run_training(run, fill_the_disk)
    status = run.status()
    assert status.state == "interrupted"
    assert status.message == "The disk is full (No space left on device): make room, then resume."
    with pytest.raises(RunError, match="make room"):
        (run.path / ".reserve").write_bytes(b"")  # somebody else has filled it again
        queue.resume(run, "me")
    assert run.status().state == "interrupted"
    monkeypatch.undo()
    queue.resume(run, "me")
    assert wait_for(run, "finished").result.images == 6000
    deadline = time.monotonic() + 60  # the worker gives it up after its last words
    while (run.path / ".reserve").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_finished_run_keeps_its_network_and_a_stopped_one_also_where_it_stood(tmp_path):
    done, stopped = make(tmp_path), make(tmp_path, LONG, owner="you")
    worker.run_training(done)
    assert (done.model.exists(), done.checkpoint.exists()) == (True, False)
    worker.run_training(
        stopped, lambda progress: progress.step >= 20 and stopped.send("stop", "you")
    )
    assert (stopped.model.exists(), stopped.checkpoint.exists()) == (True, True)


def test_a_run_whose_end_cannot_be_written_keeps_its_checkpoint(tmp_path, monkeypatch):
    run = make(tmp_path)
    write = store.write_json

    def full(path, value):
        if value.get("state") == "finished":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, value)

    monkeypatch.setattr(store, "write_json", full)
    monkeypatch.setattr(store.time, "sleep", lambda seconds: None)
    worker.run_training(run)
    assert run.checkpoint.exists()
    monkeypatch.undo()
    store.update_status(run, state="interrupted")
    queue.resume(run, "me")
    wait_for(run, "finished")


def test_a_run_can_be_drawn_with_while_it_learns(started, tmp_path):
    run = started(LONG)
    wait_for_step(run, 20)
    model = load_model(run.id, tmp_path)
    assert model.title == run.name
    assert model.probabilities(torch.zeros(1, 28, 28)).shape == (1, 10)


def test_after_a_crash_records_go_on_on_a_new_line(tmp_path):
    run = make(tmp_path)
    (run.path / "metrics.jsonl").write_text('{"step": 0}\n{"step": 1, "lo')
    worker.run_training(run)
    assert run.metrics()[-1].step == 120
    assert json.loads((run.path / "status.json").read_text())["state"] == "finished"


def test_a_config_that_has_lost_all_but_its_recipe_still_trains(
    tmp_path, mnist_folder, monkeypatch
):
    monkeypatch.setenv("MNIST_DATA", str(mnist_folder))
    recipe = TrainConfig(NetworkConfig((), ()), epochs=0.1, device="cpu")
    run = store.create_run(recipe, folder=tmp_path)
    store.write_json(run.path / "config.json", {"recipe": asdict(recipe)})
    assert worker.run_training(run).images > 0
    assert run.status().state == "finished"
