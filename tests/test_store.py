"""The run folder: what is written, what a crash may leave, and who may do what."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mnistcore import serialization
from mnistcore.config import TrainConfig
from mnistcore.errors import RunError
from mnistcore.records import Progress, RunResult
from mnistcore.runs import store

RECIPE = TrainConfig(epochs=1)


@pytest.fixture
def run(tmp_path):
    return store.create_run(RECIPE, preset="fast", name="First", owner="me", folder=tmp_path)


def say(run, **values):
    status = {"state": "running", "pid": os.getpid(), "host": socket.gethostname()}
    store.write_json(run.path / "status.json", status | {"heartbeat": time.time()} | values)


def record(step, **values):
    """The least that a line of the metrics has to say."""
    return {"step": step, "steps": 100, "images": 8 * step} | values


def write_metrics(run, *lines):
    lines = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (run.path / "metrics.jsonl").write_text("\n".join(lines))


def test_a_new_run_is_queued_and_can_be_found_by_id_and_by_name(run, tmp_path):
    assert run.status().state == "queued"
    assert run.config().train == run.train_config() == RECIPE
    assert store.find_run(run.id, tmp_path) == run
    assert store.find_run("First", tmp_path) == run
    assert store.list_runs(tmp_path) == [run]


def test_an_id_cannot_be_guessed_and_a_run_of_a_shorter_one_is_still_found(run, tmp_path):
    other = store.create_run(RECIPE, preset="fast", folder=tmp_path)
    drawn = [re.fullmatch(r"\d{8}-\d{6}-fast-([0-9a-f]{16})", it.id)[1] for it in (run, other)]
    assert drawn[0] != drawn[1]
    run.path.rename(tmp_path / "20250101-120000-fast-0a1b")
    assert store.find_run("20250101-120000-fast-0a1b", tmp_path).name == "First"


def test_only_a_fingerprint_of_the_owner_is_kept(run):
    assert run.belongs_to("me")
    assert not run.belongs_to("you")
    assert not run.belongs_to(None)
    assert '"me"' not in (run.path / "config.json").read_text()


def test_a_run_of_the_command_line_belongs_to_no_visitor(tmp_path):
    run = store.create_run(RECIPE, folder=tmp_path)
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
    assert run.pop_command() is None


def test_a_command_is_heard_once(run):
    run.send("pause", "me")
    assert run.pop_command() == "pause"
    assert run.pop_command() is None
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


@pytest.mark.parametrize(
    "foreign",
    [
        {"heartbeat": None},
        {"heartbeat": 10**400},
        {"heartbeat": "soon", "pid": None},
        {"pid": 2**70},
        {"pid": [1], "heartbeat": 0},
        {"state": ["running"]},
        {"state": "dancing"},
        {"state": None},
    ],
)
def test_a_status_of_foreign_types_reads_as_interrupted(run, foreign):
    say(run, **foreign)
    assert run.status().state == "interrupted"


def test_of_a_foreign_status_only_what_can_be_shown_is_left(run):
    result = {"test_accuracy": "good", "test_count": 5, "taught_from": "shipped"}
    say(
        run,
        message=7,
        queued="now",
        progress={"step": 3},
        guesses=[[0, 7, 0.9], [1, None, 0.8]],
        guessed_at="late",
        result=result,
    )
    status = run.status()
    assert (status.state, status.message, status.queued) == ("running", "", 0)
    assert (status.progress, status.predictions, status.predictions_images) == (None, (), 0)
    assert status.result == RunResult(test_count=5)
    say(run, progress=[1], guesses=7, result=None)
    status = run.status()
    assert (status.progress, status.predictions, status.result) == (None, (), None)


@pytest.mark.parametrize("state", store.AT_WORK)
def test_a_heartbeat_of_an_hour_ahead_is_none(run, state):
    say(run, state=state, heartbeat=time.time() + 3600)
    assert run.status().state == "interrupted"
    say(run, state=state, heartbeat=time.time() + 5)  # of a machine whose clock is fast
    assert run.status().state == state


@pytest.mark.parametrize("name", ["status.json", "config.json", "metrics.jsonl", "control"])
def test_a_pipe_in_the_place_of_a_file_stops_nobody(run, tmp_path, name):
    """Whoever reads a pipe waits until somebody writes to it, which nobody does."""
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    code = (
        "import sys; from pathlib import Path; from mnistcore.runs import store\n"
        "store.list_runs(Path(sys.argv[1])); run = store.Run(Path(sys.argv[2]))\n"
        "run.status(), run.name, run.metrics(), run.pop_command(), run.belongs_to('me')"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(run.path)]
    subprocess.run(command, check=True, timeout=30, cwd=Path(__file__).parents[1])


def test_a_file_without_end_is_not_read_to_its_end(run, monkeypatch):
    monkeypatch.setattr(serialization, "MAX_JSON_BYTES", 100)
    (run.path / "status.json").write_text(json.dumps({"state": "finished"}) + " " * 50)
    assert run.status().state == "finished"
    (run.path / "status.json").write_text(json.dumps({"state": "finished"}) + " " * 100)
    assert run.status().state == "interrupted"


def test_a_status_too_deep_to_be_read_is_a_broken_one(run):
    (run.path / "status.json").write_text("[" * 100_000)
    (run.path / "metrics.jsonl").write_text("[" * 100_000)
    assert run.status().state == "interrupted"
    assert run.metrics() == []


@pytest.mark.parametrize("content", ["", "{", '{"na'])
def test_a_torn_config_does_not_lose_the_owner(run, content):
    (run.path / "config.json").write_text(content)
    assert run.belongs_to("me")
    assert not run.belongs_to("you")
    say(run, state="finished")
    run.delete("me")


def test_a_run_of_before_owners_had_a_file_is_still_theirs(run):
    (run.path / "owner.json").unlink()
    assert run.belongs_to("me")
    assert not run.belongs_to("you")


def test_a_folder_that_cannot_be_read_hides_no_other(run, tmp_path, monkeypatch):
    other = store.create_run(RECIPE, name="Closed", folder=tmp_path)
    (tmp_path / "file").write_text("a file named like a run")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "odd" / "config.json").mkdir(parents=True)
    look = Path.is_file

    def refuse(path):
        if path.parent == other.path:
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "is_file", refuse)  # root may read everything
    assert store.list_runs(tmp_path) == [run]
    assert store.find_run("First", tmp_path) == run
    store.create_run(RECIPE, folder=tmp_path)
    assert other.status().state == "interrupted"
    assert (other.metrics(), other.has_curves(), other.belongs_to("me")) == ([], False, False)


def test_a_broken_config_is_reported_in_words(run, tmp_path):
    (run.path / "config.json").write_text("{")
    assert run.name == run.id
    assert store.list_runs(tmp_path) == [run]
    with pytest.raises(RunError, match="lost its config"):
        run.config()


def test_a_torn_last_line_of_the_metrics_is_left_out(run):
    assert run.metrics() == []
    write_metrics(run, record(1), record(2), '{"ste')
    assert [r.step for r in run.metrics()] == [1, 2]
    write_metrics(run, record(1), "rubbish", "7", '{"no": 3}', record(2), "")
    assert [r.step for r in run.metrics()] == [1, 2]


@pytest.mark.parametrize(
    "foreign",
    [
        {"step": 2},
        record("2"),
        record(2, images=None),
        record(2, steps=0),
        record(2, steps=1),
        record(float("nan")),
        record(10**400),
    ],
)
def test_a_record_that_no_chart_could_place_is_left_out(run, foreign):
    write_metrics(run, record(1), foreign, record(3))
    assert [r.step for r in run.metrics()] == [1, 3]


NOT_FINITE = ["Infinity", "-Infinity", "NaN", "1e400", "-1e400", "1" + 400 * "0"]


@pytest.mark.parametrize("number", [*NOT_FINITE, "true", '"0.5"', "[1]"])
def test_what_is_no_finite_number_is_never_read(run, number):
    known = ("loss", "test_loss", "train_accuracy", "test_accuracy", "seconds_left", "seconds")
    told = json.dumps(record(2, **dict.fromkeys(known, "@"))).replace('"@"', number)
    write_metrics(run, record(1), told, record(3).__repr__().replace("24", number))
    assert [r.step for r in run.metrics()] == [1, 2]
    read = run.metrics()[1]
    assert {getattr(read, name) for name in known} <= {None, 0.0}
    result = f'{{"test_accuracy": {number}, "test_loss": {number}, "test_count": 5}}'
    guesses = f"[[0, 7, 0.9], [1, 2, {number}]]"
    (run.path / "status.json").write_text(
        f'{{"state": "finished", "progress": {told}, "guesses": {guesses}, "result": {result}}}'
    )
    status = run.status()
    assert status.result == RunResult(test_count=5)
    assert status.predictions == ()
    assert status.progress == read


@pytest.mark.parametrize("share", [-0.1, 1.1, 1e300])
def test_a_share_beyond_its_bounds_is_not_known(run, share):
    write_metrics(run, record(1, test_accuracy=share, train_accuracy=share))
    (read,) = run.metrics()
    assert (read.test_accuracy, read.train_accuracy) == (None, None)


def test_a_loss_that_is_only_large_is_read_as_it_is(run):
    write_metrics(run, record(1, loss=1.4e26, test_loss=1e300))
    (read,) = run.metrics()
    assert (read.loss, read.test_loss) == (1.4e26, 1e300)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_not_finite_is_never_written(run, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write_json(run.path / "status.json", {"result": {"test_loss": number}})
    assert run.status().state == "queued"


def test_what_a_record_lacks_or_misstates_reads_as_not_known(run):
    write_metrics(run, record(1, loss="low", test_accuracy=0.5))
    (read,) = run.metrics()
    assert (read.loss, read.test_accuracy, read.train_accuracy) == (None, 0.5, None)
    assert read == Progress(1, 100, 8, test_accuracy=0.5)


def test_steps_that_a_resumed_run_repeats_count_once(run):
    steps = [(1, 9), (5, 8), (9, 7), (5, 6), (8, 5)]
    write_metrics(run, *(record(step, loss=loss) for step, loss in steps))
    assert [(r.step, r.loss) for r in run.metrics()] == [(1, 9), (5, 6), (8, 5)]


def test_the_queue_is_first_come_first_served(tmp_path):
    first, second, third = (store.create_run(RECIPE, folder=tmp_path) for _ in range(3))
    assert [run.queue_position() for run in (first, second, third)] == [0, 1, 2]
    say(first, state="finished")
    assert [run.queue_position() for run in (second, third)] == [0, 1]


def test_one_visitor_cannot_fill_the_queue(tmp_path):
    for _ in range(store.MAX_PER_OWNER):
        store.create_run(RECIPE, owner="me", folder=tmp_path)
    with pytest.raises(RunError, match="You have 3 runs under way"):
        store.create_run(RECIPE, owner="me", folder=tmp_path)
    store.create_run(RECIPE, owner="you", folder=tmp_path)


def test_eight_tabs_at_once_start_three_runs(tmp_path):
    ready, refused = threading.Barrier(8), []

    def press():
        ready.wait()
        try:
            store.create_run(RECIPE, owner="me", folder=tmp_path)
        except RunError as error:
            refused.append(str(error))

    tabs = [threading.Thread(target=press) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(store.list_runs(tmp_path)) == 3
    assert len(refused) == 5
    assert all("You have 3 runs under way" in each for each in refused)


def test_eight_processes_at_once_start_three_runs(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from mnistcore import errors\n"
        "from mnistcore.runs import store\n"
        "folder = Path(sys.argv[1]); (folder / f'ready-{sys.argv[2]}').touch()\n"
        "while not (folder / 'go').exists(): pass\n"
        "try: store.create_run(None, owner='me', folder=folder)\n"
        "except errors.RunError: pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[1]
    all_of_them = [subprocess.Popen([*command, str(n)], cwd=root) for n in range(8)]
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("ready-*"))) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (tmp_path / "go").touch()
    assert [process.wait(timeout=60) for process in all_of_them] == [0] * 8
    assert len(store.list_runs(tmp_path)) == 3


def test_fresh_cookies_do_not_get_round_the_limit(tmp_path):
    for number in range(store.MAX_PER_ADDRESS):
        store.create_run(RECIPE, owner=str(number), address="192.0.2.1", folder=tmp_path)
    with pytest.raises(RunError, match="8 runs from your network address"):
        store.create_run(RECIPE, owner="fresh", address="192.0.2.1", folder=tmp_path)
    store.create_run(RECIPE, owner="else", address="192.0.2.2", folder=tmp_path)
    for _ in range(5):
        store.create_run(RECIPE, folder=tmp_path)  # of the command line


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),  # addresses of one household
        ("2001:db8::1", "2001:db8:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("this machine", "192.0.2.1", False),
    ],
)
def test_addresses_are_told_apart_and_not_written_down(tmp_path, one, other, same):
    two = [
        store.create_run(RECIPE, owner="me", address=each, folder=tmp_path) for each in (one, other)
    ]
    first, second = (run.maker().address for run in two)
    assert (first == second) == same
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or one.encode() not in path.read_bytes()
    elsewhere = store.create_run(RECIPE, owner="me", address=one, folder=tmp_path / "elsewhere")
    assert elsewhere.maker().address != first  # whoever has the list cannot try all addresses


def test_pausing_makes_no_room_for_more_as_long_as_the_worker_stays(tmp_path):
    mine = [
        store.create_run(RECIPE, owner="me", folder=tmp_path) for _ in range(store.MAX_PER_OWNER)
    ]
    say(mine[0], state="paused")
    with pytest.raises(RunError, match="You have 3 runs under way"):
        store.create_run(RECIPE, owner="me", folder=tmp_path)
    say(mine[0], state="paused", pid=store.PID_EXITED)
    store.create_run(RECIPE, owner="me", folder=tmp_path)


def test_a_run_that_has_just_finished_counts_no_more(tmp_path):
    for _ in range(store.MAX_PER_OWNER + 1):
        say(store.create_run(RECIPE, owner="me", folder=tmp_path), state="finished")


def test_all_visitors_together_cannot_fill_the_machine(tmp_path):
    for number in range(store.MAX_WAITING):
        store.create_run(RECIPE, owner=str(number), folder=tmp_path)
    with pytest.raises(RunError, match="try again in a few minutes"):
        store.create_run(RECIPE, owner="late", folder=tmp_path)


def test_a_run_at_work_is_not_deleted(run, tmp_path):
    say(run)
    with pytest.raises(RunError, match="stop it, then delete it"):
        run.delete("me")
    say(run, state="stopped")
    run.delete("me")
    assert store.list_runs(tmp_path) == []
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
        store.find_run(name, tmp_path)


def test_of_two_runs_with_one_name_the_id_is_asked_for(tmp_path):
    ids = [store.create_run(RECIPE, name="Twin", folder=tmp_path).id for _ in range(2)]
    with pytest.raises(RunError, match="2 runs are called 'Twin': say which by its id") as told:
        store.find_run("Twin", tmp_path)
    assert all(one in str(told.value) for one in ids)


@pytest.mark.parametrize(
    "act",
    [
        lambda run: run.send("stop", "me"),
        lambda run: run.rename("Other", "me"),
        lambda run: run.delete("me"),
        lambda run: store.enqueue(run),
        lambda run: store.create_run(RECIPE, folder=run.path.parent),
    ],
)
def test_a_full_disk_is_told_in_words_whatever_one_does(run, monkeypatch, act):
    say(run, state="stopped")

    def full(*_):
        raise OSError(28, "No space left on device")

    for name in ("rename", "write_bytes"):
        monkeypatch.setattr(f"pathlib.Path.{name}", full)
    with pytest.raises(RunError, match="No space left on device"):
        act(run)
    assert store.list_runs(run.path.parent) == [run]
    assert not list(run.path.parent.glob(".drafts/*"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(RunError, match=r"cannot be written to .*runs"):
        store.create_run(RECIPE, folder=tmp_path / "runs")


def test_replacing_a_file_never_leaves_half_of_it(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    store.write_json(path, {"state": "old"})

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        store.write_json(path, {"state": "new"})
    assert json.loads(path.read_text()) == {"state": "old"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "null", '""'])
def test_json_without_end_in_a_run_folder_is_read_around(tmp_path, text):
    run = store.create_run(TrainConfig(), name="Deep", folder=tmp_path)
    for name in ("status.json", "metrics.jsonl", "config.json"):
        (run.path / name).write_text(text)
    assert (run.status().state, run.metrics(), run.name) == ("interrupted", [], run.id)
