"""`kill -9` at random moments, of workers and of servers: does every run end in the same weights?

    python benchmarks/kills.py [--kills 20] [--seed 1] [--strict]

Real servers and workers, and a small network that learns scikit-learn's digits for seconds. Each
fourth kill is the server's: the next one finds its folder. A worker is killed up to three seconds
after it has taken a run, be it still loading, or (two times in three) after it has begun to learn;
its run is resumed. At the end every run is compared with one that nothing has befallen.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch

from benchmarks.load import serve
from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.models.checkpoint import images_seen, load_network
from mnistcore.runs import queue, store, worker
from mnistcore.runs.store import Run

RECIPE = TrainConfig(
    NetworkConfig(convolutions=(), dense=(16,), dropout=0.1),
    epochs=600,
    batch_size=50,
    device="cpu",
    threads=1,
)
OWNER = "the owner's secret"
MAX_S = 3.0  # that a worker is left at its run
PATIENCE_S = 120.0  # for whatever is waited for


def make(folder: Path) -> Run:
    """A run of RECIPE that waits."""
    return store.create_run(RECIPE, dataset="digits", owner=OWNER, folder=folder)


def same_weights(one: Run, other: Run) -> bool:
    """Whether they are, to the last bit."""
    mine, theirs = (load_network(run.model).network.state_dict() for run in (one, other))
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def at_work(folder: Path) -> Run:
    """A run that has a worker; a new one, if all have come to their end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        runs = store.list_runs(folder)
        if sum(run.status().state != "finished" for run in runs) < 2:
            make(folder)
        queue.dispatch(folder)
        for run in queue.runs_at_work(folder):
            return run
        time.sleep(0.05)
    raise TimeoutError("no run is at work")


def attack(folder: Path, kills: int, chance: random.Random) -> None:
    """Kill, and resume."""
    print("| kill | of | after, s | images seen | of these in the checkpoint |")
    print("| ---: | --- | ---: | ---: | ---: |")
    with contextlib.ExitStack() as servers:
        server = servers.enter_context(serve(ROOT, MNIST_RUNS=str(folder)))
        for number in range(1, kills + 1):
            run, seconds = at_work(folder), chance.uniform(0, MAX_S)
            while number % 3 and run.status().state == "starting":
                time.sleep(0.05)
            time.sleep(seconds)
            status = run.status()
            seen = status.progress.images if status.progress else 0
            of = "worker" if number % 4 else "server"
            kept = images_seen(run.checkpoint, RECIPE)
            print(f"| {number} | {of} | {seconds:.1f} | {seen:,} | {kept:,} |", flush=True)
            if of == "server":
                server.process.kill()
                server = servers.enter_context(serve(ROOT, MNIST_RUNS=str(folder)))
            elif status.pid > 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(status.pid, signal.SIGKILL)
            for each in store.list_runs(folder):
                if each.status().state == "interrupted":
                    queue.resume(each, OWNER)


def main() -> int:
    """Attack, wait, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if anything was lost")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        whole = make(Path(name) / "whole")
        worker.run_training(whole)
        attack(folder, options.kills, random.Random(options.seed))
        runs, deadline = store.list_runs(folder), time.monotonic() + PATIENCE_S
        while any(run.under_way() for run in runs) and time.monotonic() < deadline:
            time.sleep(0.1)
        finished = [run for run in runs if run.status().state == "finished"]
        same = sum(same_weights(run, whole) for run in finished)
        left = [each for run in runs for each in run.path.rglob(".*-*")]
    held = same == len(runs) and not left
    print(
        f"{'Holds' if held else 'FALLS SHORT'}: {options.kills} kills, {len(runs)} runs found, "
        f"{len(finished)} finished, {same} with the same weights; {len(left)} half-written files."
    )
    return int(options.strict and not held)


if __name__ == "__main__":
    sys.exit(main())
