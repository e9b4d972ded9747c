"""Twins: two trainings that start alike and differ by one change, in step with each other."""

import itertools
import os
import signal
from dataclasses import replace

import pytest
import torch
from test_slow_motion import ME, reaches, steps_done
from test_slow_motion import started as in_thread  # noqa: F401
from test_worker import LONG, QUICK, make, started, wait_for, wait_for_step  # noqa: F401

from mnistcore.config import Conv, NetworkConfig, TrainConfig, check, planned_images
from mnistcore.errors import DivergenceError, RunError, TrainingError
from mnistcore.inspection.frames import recorded_steps
from mnistcore.models.checkpoint import load_network
from mnistcore.models.network import build_network
from mnistcore.models.registry import list_models, load_model
from mnistcore.presets import PRESETS
from mnistcore.runs import queue, slow_motion, store
from mnistcore.runs.quota import folder_size
from mnistcore.runs.worker import run_training
from mnistcore.training.trainer import Trainer
from mnistcore.training.twins import CHANGES, changes_for, starts_alike, twin_of

FASTER = replace(QUICK, learning_rate=0.01)
WILD = replace(QUICK, learning_rate=100.0, optimizer="SGD with momentum")
WILD = replace(WILD, network=NetworkConfig((), (64,), "none"))


def weights(run):
    return load_network(run.model).network.state_dict()


def same_weights(one, other):
    one, other = (weights(each) for each in (one, other))
    return all(torch.equal(values, other[name]) for name, values in one.items())


def trained(folder, config=QUICK, **more):
    run = make(folder, config, **more)
    run_training(run)
    return run


@pytest.mark.parametrize("preset", PRESETS)
def test_every_change_offered_changes_a_training_that_can_be_done(preset):
    config = PRESETS[preset].config
    offered = changes_for(config)
    assert len(offered) >= 5 and offered.keys() <= CHANGES.keys()
    for change_id in offered:
        twin = twin_of(config, change_id)
        assert twin != config
        check(twin)


def test_a_change_that_changes_nothing_is_refused():
    with pytest.raises(TrainingError, match="use one of rate-up"):
        twin_of(QUICK, "no-convolutions")
    with pytest.raises(TrainingError):
        twin_of(QUICK, "anything")


def test_fewer_images_are_shown_as_often_in_all():
    for config in (TrainConfig(), *[preset.config for preset in PRESETS.values()][:3]):
        twin = twin_of(config, "fewer-images")
        assert twin.train_size == 6_000
        assert planned_images(twin, 60_000) == planned_images(config, 60_000)
    assert "fewer-images" not in changes_for(replace(QUICK, batch_size=200), images=1500)


def test_who_starts_alike_has_the_same_initial_weights():
    config = TrainConfig(NetworkConfig((Conv(4, 5),), (16,)))
    for change_id in changes_for(config):
        twin = twin_of(config, change_id)
        one, other = (
            [values.tolist() for values in build_network(each.network, each.seed).parameters()]
            for each in (config, twin)
        )
        assert starts_alike(config, twin) == (one == other), change_id
        assert starts_alike(config, twin) == (change_id != "no-convolutions")
    assert not starts_alike(config, replace(config, seed=2))


def test_a_twin_is_found_by_its_id_and_not_listed(tmp_path):
    run = make(tmp_path, twin=FASTER)
    twin = run.twin
    assert (twin.id, twin.leader, twin.twin) == (f"{run.id}.twin", run, None)
    assert store.find_run(twin.id, tmp_path) == store.find_run(f"{twin.id}@3", tmp_path) == twin
    assert store.list_runs(tmp_path) == [run]
    assert twin.train_config() == FASTER
    assert twin.name == f"{run.name}, learning rate 0.01"
    assert twin.status().state == "queued"
    alone = make(tmp_path)
    assert (alone.twin, alone.leader) == (None, None)
    with pytest.raises(RunError, match="no run"):
        store.find_run(f"{alone.id}.twin", tmp_path)


def test_a_twin_goes_with_its_run(tmp_path):
    run = make(tmp_path, twin=FASTER)
    for steer in (lambda: run.twin.send("stop", "me"), lambda: run.twin.delete("me")):
        with pytest.raises(RunError, match=f"choose {run.id}"):
            steer()
    with pytest.raises(RunError, match="A twin goes with its run"):
        queue.resume(run.twin, "me")
    run.send("stop", "me")
    assert run.twin.status().state == "stopped"
    run.delete("me")
    assert not run.path.exists()


def test_a_quota_counts_and_empties_a_twin(tmp_path):
    run = make(tmp_path, twin=FASTER)
    store.update_status(run, state="stopped")
    run.twin.frames.mkdir()
    for file in (run.twin.checkpoint, run.twin.frames / "0.safetensors"):
        file.write_bytes(bytes(50_000))
    assert folder_size(run.path) > 100_000
    run.forget_training()
    assert run.twin and not run.twin.checkpoint.exists() and not run.twin.frames.exists()


def test_twins_start_with_the_same_loss_and_the_same_batches(tmp_path, digits):
    run = trained(tmp_path, twin=FASTER)
    first, twins_first = (each.metrics()[0] for each in (run, run.twin))
    assert first == replace(twins_first, learning_rate=first.learning_rate)
    last, twins_last = (each.metrics()[-1] for each in (run, run.twin))
    assert last.images == twins_last.images == 6000
    assert last.test_loss != twins_last.test_loss
    trainings = [Trainer(each.train_config(), *digits) for each in (run, run.twin)]
    for training in trainings:
        training.every_step = True
        list(itertools.islice(training, 2))
    one, other = (training.last_batch for training in trainings)
    assert torch.equal(one.indices, other.indices)
    assert one.logits.tolist() == other.logits.tolist()  # dropout plays the same part in both


def test_a_twin_without_a_change_is_the_same_to_the_last_digit(tmp_path):
    run = trained(tmp_path, twin=QUICK)
    assert same_weights(run, run.twin)
    lone = trained(tmp_path / "lone", QUICK)
    assert same_weights(run, lone)
    untimed = {"seconds": 0.0, "images_per_second": 0.0, "seconds_left": None}
    records = [[replace(r, **untimed) for r in each.metrics()] for each in (run, run.twin, lone)]
    assert records[0] == records[1] == records[2]
    assert len({tuple(recorded_steps(each.frames)) for each in (run, run.twin)}) == 1


@pytest.mark.parametrize(
    "change_id", ["augmented", "large-batches", "fewer-images", "no-activation"]
)
def test_a_twin_becomes_what_it_would_alone_and_leaves_its_run_alone(tmp_path, change_id):
    changed = twin_of(QUICK, change_id, images=1500)
    run = trained(tmp_path / "both", twin=changed)
    assert same_weights(run.twin, trained(tmp_path / "lone", changed))
    assert same_weights(run, trained(tmp_path / "leader"))
    for each in (run, run.twin):
        steps = recorded_steps(each.frames)
        assert (steps[0], steps[-1]) == (0, each.status().progress.total_steps)
    if change_id != "large-batches":
        assert recorded_steps(run.twin.frames) == recorded_steps(run.frames)
    assert run.twin.status().state == "finished"
    assert run.twin.status().result.run == run.twin.id
    assert not run.twin.checkpoint.exists()


def test_a_twin_can_be_asked_like_any_network(tmp_path):
    run = trained(tmp_path, twin=FASTER)
    paper = torch.zeros(1, 28, 28)
    step = recorded_steps(run.twin.frames)[-1]
    model, moment = (load_model(f"{run.twin.id}{at}", tmp_path) for at in ("", f"@{step}"))
    assert model.title == run.twin.name
    torch.testing.assert_close(
        model.probabilities(paper), moment.probabilities(paper), atol=1e-2, rtol=0
    )
    assert [each for each, _ in list_models(tmp_path)] == ["shipped", run.id, run.twin.id]


def test_a_twin_that_runs_away_ends_alone(tmp_path):
    run = trained(tmp_path / "both", twin=WILD)
    status = run.twin.status()
    assert (run.status().state, status.state) == ("finished", "failed")
    assert "try a smaller learning rate" in status.message and status.result.diverged
    assert not run.twin.model.exists()
    assert same_weights(run, trained(tmp_path / "lone"))


def test_a_run_that_runs_away_fails_when_its_twin_has_come_to_its_end(tmp_path):
    run = make(tmp_path / "both", WILD, twin=QUICK)
    with pytest.raises(DivergenceError):
        run_training(run)
    status = run.status()
    assert (status.state, run.twin.status().state) == ("failed", "finished")
    assert status.result.diverged and status.progress.step < 120
    assert same_weights(run.twin, trained(tmp_path / "lone"))


def test_killed_and_stopped_twins_go_on_to_the_same_weights(tmp_path):
    run = make(tmp_path, replace(QUICK, epochs=8), twin=replace(FASTER, epochs=8, batch_size=75))
    slow_motion.set_pace(run, "slow", "me")  # else it may have come to its end too soon
    queue.dispatch(tmp_path)
    wait_for_step(run.twin, 10)
    assert run.twin.status().state == "running"
    os.kill(run.status().pid, signal.SIGKILL)
    wait_for(run.twin, "interrupted", seconds=store.HEARTBEAT_TIMEOUT_S + 5)
    queue.resume(run, "me")
    wait_for_step(run.twin, 20)
    run.send("stop", "me")
    assert wait_for(run, "stopped").result and wait_for(run.twin, "stopped").result
    slow_motion.set_pace(run, "full", "me")
    queue.resume(run, "me")
    wait_for(run, "finished")
    lone = trained(tmp_path / "lone", run.twin.train_config())
    assert same_weights(run.twin, lone)
    assert same_weights(run, trained(tmp_path / "leader", run.train_config()))
    steps = [record.step for record in run.twin.metrics()]
    assert steps == sorted(set(steps)) and steps[-1] == lone.metrics()[-1].step


def test_twins_pause_together(started):  # noqa: F811
    run = started(LONG, twin=replace(LONG, learning_rate=0.01))
    wait_for_step(run.twin, 20)
    run.send("pause", "me")
    wait_for(run, "paused")
    step = run.status().progress.step
    assert run.twin.status().state == "paused"
    queue.resume(run, "me")
    wait_for_step(run.twin, step + 20)


def test_a_step_is_one_batch_of_each(in_thread):  # noqa: F811
    run = in_thread("step", twin=FASTER)
    reaches(run, 0)
    for step in (1, 2):
        slow_motion.next_batch(run, ME)
        assert reaches(run, step) == steps_done(run.twin) == step
        told, twins = slow_motion.last_batch(run), slow_motion.last_batch(run.twin)
        assert [each.image for each in told.predictions] == [e.image for e in twins.predictions]
        assert (told.loss == twins.loss) == (step == 1)
    assert recorded_steps(run.twin.frames) == recorded_steps(run.frames)
    assert told.changes != twins.changes
