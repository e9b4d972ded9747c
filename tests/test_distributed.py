"""`torchrun -m mnistcore train`: several processes train one run, and any of them may be killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from mnistcore.cli import main
from mnistcore.models.checkpoint import load_network, read_checkpoint
from mnistcore.records import Pace
from mnistcore.runs.store import Run, find_run, list_runs, write_record

TRAIN = ["train", "--preset", "plain", "--epochs", "8", "--threads", "1", "--json"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module", autouse=True)
def small_digits(mnist_folder):
    """In MNIST's files: they are read sooner than scikit-learn is imported, by each process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_DATA", str(mnist_folder))
        yield


def torchrun(runs, *options):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *options]
    return subprocess.Popen(
        [*command, "-m", "mnistcore", *TRAIN, "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def wait_for_checkpoint(runs, process) -> Run:
    """Until there is one to go on from, in slow motion, so that the run is not over before."""
    while process.poll() is None:
        for run in list_runs(runs):
            set_pace(run, "slow")
            if run.checkpoint.is_file() and read_checkpoint(run.checkpoint)["step"]:
                return run
        time.sleep(0.05)
    raise AssertionError(process.stderr.read())


def set_pace(run, kind) -> None:
    write_record(run.path / "pace.json", Pace(kind))


@pytest.fixture(scope="module")
def together(runs):
    """A run of two processes that nothing happens to."""
    with torchrun(runs) as process:
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    (answer,) = out.splitlines()  # of the first process alone
    return find_run(json.loads(answer)["run"], runs)


def test_two_processes_give_the_curve_of_one(together, runs, capsys):
    assert together.status().state == "finished"
    assert main([*TRAIN, "--runs", str(runs)]) == 0
    alone = find_run(json.loads(capsys.readouterr().out)["run"], runs)
    two, one = together.metrics(), alone.metrics()
    assert [record.step for record in two] == [record.step for record in one]
    for name in ("loss", "train_accuracy", "test_loss", "test_accuracy"):
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(two, one, strict=True)]
        far = max(abs(a - b) for a, b in pairs if a is not None and b is not None)
        assert far < 0.01, name
    assert together.config().command.startswith("torchrun -m mnistcore train")


def test_torchrun_starts_a_killed_run_anew_and_it_ends_in_the_same_weights(together, tmp_path):
    with torchrun(tmp_path, "--max-restarts", "1") as process:
        run = wait_for_checkpoint(tmp_path, process)
        os.kill(run.status().pid, signal.SIGKILL)
        set_pace(run, "full")
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert json.loads(out)["run"] == run.id
    assert list_runs(tmp_path) == [run]
    assert run.status().state == "finished"
    assert [r.step for r in run.metrics()] == sorted({r.step for r in run.metrics()})
    assert run.metrics()[-1].step == run.metrics()[-1].total_steps
    one, two = (load_network(each.model).network.state_dict() for each in (run, together))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--batch-size", "64"], "64 images per step cannot be shared evenly by 3 processes: use"),
        (["--batch-size", "64"], "use a batch size of 63."),
        (["--batch-size", "6", "--batch-norm"], "switch it off, or train without torchrun"),
        (["--batch-size", "6", "--twin", "rate-up"], "start them without torchrun"),
    ],
)
def test_what_processes_cannot_share_is_refused_by_the_first_in_a_line(
    options, words, capsys, tmp_path, monkeypatch
):
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("WORLD_SIZE", "3"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    command = [*TRAIN, *options, "--runs", str(tmp_path)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    monkeypatch.setenv("RANK", "1")
    assert main(command) == 2
    assert capsys.readouterr() == ("", "")
    assert not list_runs(tmp_path)
