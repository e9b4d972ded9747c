"""Twins: two trainings that start alike and differ by one change, in step with each other."""

from dataclasses import replace

import pytest
from test_worker import QUICK, make

from mnistcore.config import Conv, NetworkConfig, TrainConfig, check
from mnistcore.errors import RunError, TrainingError
from mnistcore.models.network import build_network
from mnistcore.presets import PRESETS
from mnistcore.runs import queue, store
from mnistcore.runs.quota import folder_size
from mnistcore.training.twins import CHANGES, changes_for, starts_alike, twin_of

FASTER = replace(QUICK, learning_rate=0.01)


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
    twin = twin_of(TrainConfig(epochs=0.5), "fewer-images", images=1500)
    assert (twin.train_size, twin.epochs) == (150, 5)
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
