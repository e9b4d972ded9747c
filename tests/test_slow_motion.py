"""Slow motion: a run goes batch by batch, and tells what each of them did."""

import threading
import time
from dataclasses import replace

import pytest
import torch
from test_worker import QUICK, make, wait_for

from mnistcore.data.digits import epoch_permutation
from mnistcore.data.loading import load_dataset
from mnistcore.errors import RunError
from mnistcore.models.checkpoint import load_network
from mnistcore.runs import slow_motion, worker
from mnistcore.training.trainer import Trainer

ME = "the owner's secret"


@pytest.fixture
def started(tmp_path):
    """Begins a run of ME's in a thread, at a pace, and waits for its end after the test."""
    threads = []

    def start(pace, twin=None, **changes):
        run = make(tmp_path, replace(QUICK, **changes), owner=ME, twin=twin)
        slow_motion.set_pace(run, pace, ME)
        threads.append(threading.Thread(target=worker.run_training, args=(run,)))
        threads[-1].start()
        wait_for(run, "running")
        threads[-1].run_of = run
        return run

    yield start
    for thread in threads:
        if thread.is_alive():
            thread.run_of.send("stop", ME)
        thread.join(60)
        assert not thread.is_alive()


def steps_done(run):
    """How many batches it has done, as far as it has said."""
    progress, batch = run.status().progress, slow_motion.last_batch(run)
    return max(progress.step if progress else 0, batch.step if batch else 0)


def reaches(run, step):
    until = time.monotonic() + 60
    while steps_done(run) < step and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)  # in which it could go on
    return steps_done(run)


def test_a_step_is_exactly_one_batch(started):
    run = started("step")
    assert reaches(run, 0) == 0
    for step in (1, 2, 3):
        slow_motion.next_batch(run, ME)
        assert reaches(run, step) == step
    assert run.status().state == "running"


def test_a_batch_says_what_it_was_and_did(started):
    run = started("step")
    reaches(run, 0)
    slow_motion.next_batch(run, ME)
    reaches(run, 1)
    told, config = slow_motion.last_batch(run), run.train_config()
    train_set, test_set = load_dataset("digits")
    training = Trainer(config, train_set, test_set)
    training.every_step = True
    progress = iter(training)
    next(progress), next(progress)
    batch = training.last_batch
    order = epoch_permutation(config.seed, 0, len(train_set.head(config.train_size or 10**9)))
    assert [each[0] for each in told.predictions] == order[: len(told.predictions)].tolist()
    assert told.count == training.batch_size
    assert told.right == int((batch.logits.argmax(1) == batch.labels).sum())
    loss = torch.nn.functional.cross_entropy(batch.logits, batch.labels)
    assert told.loss == pytest.approx(float(loss), rel=1e-4)
    assert all(change > 0 for change in told.changes)


def test_every_press_counts_and_none_takes_a_pace_back(started):
    run = started("step")
    for _ in range(3):
        slow_motion.next_batch(run, ME)
    assert reaches(run, 3) == 3
    slow_motion.set_pace(run, "slow", ME)
    slow_motion.next_batch(run, ME)
    assert slow_motion.read_pace(run).kind == "slow"


def test_a_batch_that_others_have_followed_is_told_no_more(started):
    run = started("step", epochs=1000)
    slow_motion.next_batch(run, ME)
    reaches(run, 1)
    slow_motion.set_pace(run, "full", ME)
    reaches(run, 3)
    slow_motion.set_pace(run, "step", ME)
    until = time.monotonic() + 60
    while (here := slow_motion.read_pace(run).until) <= 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert here > 3
    assert slow_motion.last_batch(run) is None
    slow_motion.next_batch(run, ME)
    assert reaches(run, here + 1) == here + 1


def test_slow_is_at_most_ten_batches_a_second(started):
    before = time.monotonic()
    run = started("slow", epochs=5)
    reaches(run, 8)
    done = steps_done(run)
    assert 8 <= done <= (time.monotonic() - before) / slow_motion.SLOW_S + 1


def test_slow_motion_changes_nothing_but_the_pace(started, tmp_path):
    run = started("step")
    for step in (1, 2):
        reaches(run, step - 1)
        slow_motion.next_batch(run, ME)
    reaches(run, 2)
    slow_motion.set_pace(run, "full", ME)
    wait_for(run, "finished")
    other = make(tmp_path, QUICK)
    worker.run_training(other)
    weights = [load_network(each.model).network.state_dict() for each in (run, other)]
    assert all(torch.equal(one, weights[1][name]) for name, one in weights[0].items())


def test_it_can_be_stopped_while_it_waits(started):
    run = started("step")
    reaches(run, 0)
    run.send("stop", ME)
    wait_for(run, "stopped")


def test_who_waits_too_long_is_paused_and_goes_on_at_full_speed(started, monkeypatch):
    monkeypatch.setattr(slow_motion, "MAX_HOLD_S", 0.3)
    run = started("step")
    wait_for(run, "paused")
    assert slow_motion.read_pace(run).kind == "full"
    run.send("go", ME)
    wait_for(run, "finished")


def test_only_the_owner_sets_the_pace(tmp_path):
    run = make(tmp_path, QUICK, owner=ME)
    with pytest.raises(RunError, match="started this run"):
        slow_motion.set_pace(run, "slow", "somebody else")
    assert slow_motion.read_pace(run).kind == "full"


@pytest.mark.parametrize("written", ["", "{", '{"format": 2, "kind": "warp"}', "[]"])
def test_a_damaged_pace_is_full_speed(tmp_path, written):
    run = make(tmp_path, QUICK, owner=ME)
    (run.path / "pace.json").write_text(written)
    assert slow_motion.read_pace(run).kind == "full"
