"""Room on the disk: whose old runs go for new ones, and what never does."""

import pytest

from mnistcore.config import TrainConfig
from mnistcore.runs import quota, store
from mnistcore.runs.quota import folder_size


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Quotas of 30, 90 and 150 kB."""
    monkeypatch.setattr(store, "_RESERVE_BYTES", 0)
    monkeypatch.setattr(quota, "BYTES_PER_OWNER", 30e3)
    monkeypatch.setattr(quota, "BYTES_PER_ADDRESS", 90e3)
    monkeypatch.setattr(quota, "BYTES_IN_ALL", 150e3)


@pytest.fixture
def ended(tmp_path):
    """Makes stopped runs: 8 kB of checkpoint, 2 kB of network."""
    made = []

    def end(owner="me", address=None, state="stopped"):
        name = f"{len(made):02}"
        run = store.create_run(
            TrainConfig(), owner=owner, address=address, name=name, folder=tmp_path
        )
        run.checkpoint.write_bytes(bytes(8_000))
        run.model.write_bytes(bytes(2_000))
        store.update_status(run, state=state, pid=store.PID_EXITED)
        # Within one second runs have no order but by chance.
        made.append(store.Run(run.path.rename(run.path.with_name(f"{name}-{run.id}"))))
        return made[-1]

    return end


def test_the_oldest_run_first_loses_its_checkpoint_and_keeps_its_network(ended):
    oldest, *others = [ended() for _ in range(4)]
    assert not oldest.checkpoint.exists()
    assert oldest.model.exists()
    assert oldest.status().message == store.CHECKPOINT_REMOVED
    assert all(run.checkpoint.exists() for run in others)


def test_whatever_one_visitor_does_the_room_is_held(ended, tmp_path):
    for _ in range(40):
        newest = ended()
    assert size_of_all(tmp_path) <= 30e3 + 11e3  # the quota, and the run for which room was made
    assert newest.checkpoint.exists()
    assert store.list_runs(tmp_path)[0] == newest
    assert not list(tmp_path.glob(".deleted*"))


def size_of_all(folder):
    return sum(folder_size(run.path) for run in store.list_runs(folder))


def test_a_fresh_cookie_makes_no_fresh_room(ended, tmp_path):
    for number in range(40):
        ended(owner=str(number), address="192.0.2.1")
    assert size_of_all(tmp_path) <= 90e3 + 12e3


def test_all_visitors_together_keep_within_a_quota(ended, tmp_path):
    for number in range(40):
        ended(owner=str(number), address=f"192.0.2.{number}")
    assert size_of_all(tmp_path) <= 150e3 + 12e3


def test_runs_of_the_command_line_and_of_others_stay(ended):
    owners = [ended(owner=None) for _ in range(10)]
    theirs = [ended(owner="you") for _ in range(2)]
    for _ in range(10):
        ended()
    assert all(run.checkpoint.exists() for run in owners + theirs)


def test_runs_under_way_stay(ended):
    first = ended(state="queued")
    store.update_status(first, pid=0)
    for _ in range(10):
        ended()
    assert first.checkpoint.exists()


def test_who_may_not_be_known_is_not_taken_for_a_visitor(ended):
    lost = ended()
    (lost.path / "owner.json").unlink()
    (lost.path / "config.json").write_text("")
    for _ in range(10):
        ended()
    assert lost.checkpoint.exists()


def test_a_taught_network_makes_room_for_itself_too(ended, tmp_path):
    old = [ended() for _ in range(3)]

    def fill(run):
        run.model.write_bytes(bytes(9_000))
        store.write_json(run.path / "status.json", {"state": "finished"})

    for _ in range(3):
        store.create_run(TrainConfig(), fill, owner="me", folder=tmp_path)
    assert not old[0].checkpoint.exists()


def test_what_cannot_be_deleted_does_not_stop_a_new_run(ended, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.Run, "remove", refuse)
    monkeypatch.setattr(store.Run, "forget_training", refuse)
    assert all(ended().checkpoint.exists() for _ in range(6))
