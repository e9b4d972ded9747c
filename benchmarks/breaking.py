"""How much a network bears: units off, noise on its weights; and how far it heals.

    MNIST_DATA=... python benchmarks/breaking.py [--model NAME|RUN|FILE] [--held-out]

Judged on the test images; with --held-out on the last 10,000 training images, by which the
settings of healing were chosen, and from which it then does not learn.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from mnistcore.data.loading import load_dataset
from mnistcore.evaluation.metrics import evaluate
from mnistcore.inspection.ablation import (
    Damage,
    GrowingScore,
    ablate,
    accuracy_by_share,
    count_parts,
    hidden_units,
    random_units,
    tolerated_share,
)
from mnistcore.models.registry import load_model
from mnistcore.training.healing import heal

N_HELD_OUT = 10_000
SEEDS = (1, 2, 3)


def main() -> None:
    """Print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--held-out", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, judge = load_dataset("mnist")
    if args.held_out:
        judge, train = train.select(slice(-N_HELD_OUT, None)), train.head(-N_HELD_OUT)
    network = load_model(args.model).network
    units, parts = hidden_units(network), count_parts(network, judge)
    damaged = ablate(network, Damage(random_units(units, 0.5, 1)))
    started = time.thread_time()
    GrowingScore(judge, parts).extend(damaged)
    print(f"{network}\nA sample of {len(judge) // parts:,}: {time.thread_time() - started:.2f} s")
    print("\n| where | units | that can go before it reads less than 90 % | s |")
    print("| --- | --- | --- | --- |")
    for where in (None, *dict.fromkeys(unit.layer for unit in units)):
        there = [unit for unit in units if where in (None, unit.layer)]
        started = time.thread_time()
        share = tolerated_share(list(accuracy_by_share(network, there, judge)), 0.9)
        seconds = time.thread_time() - started
        print(f"| {where or 'all layers'} | {len(there)} | {share or 0:.0%} | {seconds:.1f} |")
    print("\n| broken | seed | read right | healed | s |\n| --- | --- | --- | --- | --- |")
    for share, noise in ((0.2, 0.0), (0.5, 0.0), (0.7, 0.0), (0.9, 0.0), (0.0, 0.5), (0.0, 1.0)):
        for seed in SEEDS:
            damaged = ablate(network, Damage(random_units(units, share, seed), noise, seed))
            started = time.thread_time()
            healed = heal(damaged, train).network
            seconds = time.thread_time() - started
            before, after = (evaluate(each, judge).accuracy for each in (damaged, healed))
            what = f"{share:.0%} off" if share else f"shaken by {noise:.0%}"
            print(f"| {what} | {seed} | {before:.1%} | {after:.1%} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
