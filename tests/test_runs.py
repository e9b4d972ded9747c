"""The run folder: what is written, what a crash may leave, and who may do what."""

import json
import os
import socket
import time

import pytest

from mnistcore import runs
from mnistcore.errors import RunError

RECIPE = {"epochs": 1}


@pytest.fixture
def run(tmp_path):
    return runs.create(RECIPE, preset="fast", name="First", owner="me", folder=tmp_path)


def say(run, **values):
    status = {"state": "running", "pid": os.getpid(), "host": socket.gethostname()}
    runs.write_json(run.path / "status.json", status | {"heartbeat": time.time()} | values)


def test_a_new_run_is_queued_and_can_be_found_by_id_and_by_name(run, tmp_path):
    assert run.status().state == "queued"
    assert run.config()["recipe"] == RECIPE
    assert runs.find(run.id, tmp_path) == run
    assert runs.find("First", tmp_path) == run
    assert runs.list_runs(tmp_path) == [run]


def test_only_a_fingerprint_of_the_owner_is_kept(run):
    assert run.belongs_to("me")
    assert not run.belongs_to("you")
    assert not run.belongs_to(None)
    assert '"me"' not in (run.path / "config.json").read_text()


def test_a_run_of_the_command_line_belongs_to_no_visitor(tmp_path):
    run = runs.create(RECIPE, folder=tmp_path)
    assert not run.belongs_to(None)
    assert not run.belongs_to("")


@pytest.mark.parametrize(
    "act",
    [
        lambda run: run.send("stop", "you"),
        lambda run: run.rename("Mine now", "you"),
        lambda run: run.delete("you"),
        lambda run: run.delete(None),
    ],
)
def test_nobody_else_may_steer_rename_or_delete_it(run, act):
    say(run, state="finished")
    with pytest.raises(RunError, match="Only the visitor who started"):
        act(run)
    assert run.name == "First"
    assert run.take_command() is None


def test_a_command_is_heard_once(run):
    run.send("pause", "me")
    assert run.take_command() == "pause"
    assert run.take_command() is None
    with pytest.raises(RunError, match="cannot 'dance'"):
        run.send("dance", "me")


def test_a_silent_worker_means_interrupted(run):
    say(run)
    assert run.status().state == "running"
    say(run, heartbeat=time.time() - 60)
    assert run.status().state == "interrupted"


def test_a_dead_worker_means_interrupted_at_once(run):
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    say(run, pid=dead)
    assert run.status().state == "interrupted"


def test_a_worker_on_another_machine_is_judged_by_its_heartbeat_alone(run):
    say(run, pid=2**22 + 1, host="elsewhere")
    assert run.status().state == "running"


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '"x"', "\x00\xff"])
def test_a_broken_status_reads_as_interrupted(run, content):
    (run.path / "status.json").write_text(content)
    assert run.status().state == "interrupted"
    (run.path / "status.json").unlink()
    assert run.status().state == "interrupted"


def test_a_broken_config_is_reported_in_words(run, tmp_path):
    (run.path / "config.json").write_text("{")
    assert run.name == run.id
    assert runs.list_runs(tmp_path) == [run]
    with pytest.raises(RunError, match="lost its config"):
        run.config()


def test_a_torn_last_line_of_the_metrics_is_left_out(run):
    path = run.path / "metrics.jsonl"
    assert run.metrics() == []
    path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert [r["step"] for r in run.metrics()] == [1, 2]
    path.write_text('{"step": 1}\nrubbish\n7\n{"no": 3}\n{"step": 2}\n')
    assert [r["step"] for r in run.metrics()] == [1, 2]


def test_steps_that_a_resumed_run_repeats_count_once(run):
    lines = [{"step": s, "loss": x} for s, x in [(1, 9), (5, 8), (9, 7), (5, 6), (8, 5)]]
    (run.path / "metrics.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    assert [(r["step"], r["loss"]) for r in run.metrics()] == [(1, 9), (5, 6), (8, 5)]


def test_the_queue_is_first_come_first_served(tmp_path):
    first, second, third = (runs.create(RECIPE, folder=tmp_path) for _ in range(3))
    assert [run.place() for run in (first, second, third)] == [0, 1, 2]
    say(first, state="finished")
    assert [run.place() for run in (second, third)] == [0, 1]


def test_one_visitor_cannot_fill_the_queue(tmp_path):
    for _ in range(runs.MAX_PER_OWNER):
        runs.create(RECIPE, owner="me", folder=tmp_path)
    with pytest.raises(RunError, match="You have 3 runs under way"):
        runs.create(RECIPE, owner="me", folder=tmp_path)
    runs.create(RECIPE, owner="you", folder=tmp_path)


def test_all_visitors_together_cannot_fill_the_machine(tmp_path):
    for number in range(runs.MAX_WAITING):
        runs.create(RECIPE, owner=str(number), folder=tmp_path)
    with pytest.raises(RunError, match="try again in a few minutes"):
        runs.create(RECIPE, owner="late", folder=tmp_path)


def test_a_run_at_work_is_not_deleted(run, tmp_path):
    say(run)
    with pytest.raises(RunError, match="stop it, then delete it"):
        run.delete("me")
    say(run, state="stopped")
    run.delete("me")
    assert runs.list_runs(tmp_path) == []
    assert not list(tmp_path.glob(".deleted*"))


def test_names_are_one_clean_line(run):
    run.rename("  Two\nlines \x07", "me")
    assert run.name == "Two lines"
    run.rename("x" * 100, "me")
    assert len(run.name) == 60
    with pytest.raises(RunError, match="at least one letter"):
        run.rename(" \n ", "me")


@pytest.mark.parametrize("name", ["../first", "/etc", "", ".", "..", "a/b", "nothing"])
def test_only_runs_of_the_folder_can_be_found(run, tmp_path, name):
    with pytest.raises(RunError, match="There is no run"):
        runs.find(name, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(RunError, match=r"cannot be written to .*runs"):
        runs.create(RECIPE, folder=tmp_path / "runs")


def test_replacing_a_file_never_leaves_half_of_it(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    runs.write_json(path, {"state": "old"})

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        runs.write_json(path, {"state": "new"})
    assert json.loads(path.read_text()) == {"state": "old"}
    assert list(tmp_path.iterdir()) == [path]
