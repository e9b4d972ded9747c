"""One training step: how near it comes to the machine's peak, where the rest goes, what pays.

    python benchmarks/step_time.py --data DIR [--threads 1] [--preset notebook-fast]
                                   [--steps 60] [--compile] [--json]

Every variant is the project's own step with one thing changed, timed by turns; medians.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnistcore.config import TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.data.loading import load_dataset
from mnistcore.presets import PRESETS
from mnistcore.training import trainer
from mnistcore.training.hardware import tune_malloc
from mnistcore.training.shards import Shards
from mnistcore.training.trainer import Trainer

UNSHARDED = "threads share operators, not batches"

# Where time goes, by the beginnings of torch's names; the first that fits counts.
PLACES = {
    "convolutions, backward": ("aten::convolution_backward",),
    "convolutions, forward": ("aten::mkldnn_convolution", "aten::cudnn_convolution"),
    "pooling": ("aten::max_pool2d",),
    "activations": ("aten::threshold", "aten::clamp", "aten::relu"),
    "dense layers": ("aten::addmm", "aten::mm"),
    "optimiser": ("Optimizer", "aten::_fused_adam"),
    "clearing and copying memory": ("aten::fill_", "aten::zero", "aten::copy_", "aten::index"),
}


def peak(dtype: torch.dtype, side: int = 1536) -> float:
    """Floating-point operations a second in multiplying two square matrices, the best of 20."""
    a, b = torch.rand(side, side).to(dtype), torch.rand(side, side).to(dtype)
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2 * side**3 / (time.perf_counter() - started))
    return best


def operations(run: Trainer) -> int:
    """Floating-point operations in the matrix products of one step; other threads' do not count."""
    with FlopCounterMode(display=False) as counter:
        run._one_step()
    return counter.get_total_flops()


def unsharded(run: Trainer) -> None:
    """Threads share every operator instead of the batch, and autocast makes the 16-bit copies."""
    run._shards = None


def as_listed(run: Trainer) -> None:
    """Activation before pooling, as the layers are listed."""
    run.network._forward_order = list(run.network.layers)


def plain_layout(run: Trainer) -> None:
    """Channels before rows and columns, torch's default."""
    run.network.to(memory_format=torch.contiguous_format)


def compiled(run: Trainer) -> None:
    """Through torch.compile."""
    run.network.compile()


def unfused(run: Trainer) -> None:
    """Adam as a loop over the weights, in Python."""
    run.optimizer = torch.optim.Adam(
        run.network.parameters(), run.config.learning_rate, fused=False, foreach=False
    )


def variants(config: TrainConfig, sets: tuple[Digits, Digits], compile: bool) -> dict[str, Trainer]:
    """The step as it is, and with one thing or everything undone. None keeps memory yet."""

    def made(*changes: Callable[[Trainer], None], **values: Any) -> Trainer:
        with mock.patch.object(trainer, "tune_malloc"):
            run = Trainer(replace(config, **values), *sets)
        run.network.train()
        for change in changes:
            change(run)
        if run._shards:  # which has a copy of the network from before the changes
            run._shards = Shards(run.network, run.batch_size, run._short)
        return run

    short, long = "bfloat16", "float32"
    all_undone = made(unsharded, as_listed, plain_layout, unfused, precision=long)
    return {
        "as trained": made(),
        UNSHARDED: made(unsharded),
        "with 32-bit products": made(precision=long),
        "with 16-bit products": made(precision=short),
        "activation before pooling": made(as_listed),
        "channels first": made(plain_layout),
        "optimiser not fused": made(unfused),
        "all of these, 32-bit": all_undone,
        "half the batch": made(batch_size=config.batch_size // 2),
        "twice the batch": made(batch_size=config.batch_size * 2),
        "four times the batch": made(batch_size=config.batch_size * 4),
        **({"compiled (after a minute of compiling)": made(compiled)} if compile else {}),
    }


def time_by_turns(runs: dict[str, Trainer], steps: int) -> dict[str, float]:
    """Median microseconds per image of each, a few steps at a time."""
    measured: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(1 + steps // 4):
        for name, run in runs.items():
            started = time.perf_counter()
            with run._operators():
                for _ in range(4):
                    run._one_step()
            run._take_averages()
            took = (time.perf_counter() - started) / 4
            if turn:  # the first one warms up
                measured[name].append(1e6 * took / run.batch_size)
    return {name: statistics.median(values) for name, values in measured.items()}


def shares(run: Trainer, steps: int) -> dict[str, float]:
    """The share of one thread's time that each of PLACES takes; the rest is small things."""
    torch.set_num_threads(1)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            run._one_step()
    run._take_averages()
    spent = dict.fromkeys([*PLACES, "everything else"], 0.0)
    for event in profiled.key_averages():
        place = next((p for p, names in PLACES.items() if event.key.startswith(names)), None)
        spent[place or "everything else"] += event.self_cpu_time_total
    return {place: time / sum(spent.values()) for place, time in spent.items()}


def measure(config: TrainConfig, data: Path, threads: int, steps: int, compile: bool) -> dict:
    """All of it, as plain values."""
    torch.set_num_threads(threads)
    sets = load_dataset("mnist", data)
    runs = variants(replace(config, device="cpu"), sets, compile)
    ours = runs["as trained"]
    fetched = time_by_turns({"": ours}, steps)[""]
    tune_malloc()  # cannot be undone, so this one is not timed by turns
    kept = time_by_turns({"": ours}, steps)[""]
    times = time_by_turns(runs, steps)
    times["memory fetched anew"] = times["as trained"] * fetched / kept
    speed = operations(runs[UNSHARDED]) / (times["as trained"] * 1e-6 * ours.batch_size)
    peaks = {"float32": peak(torch.float32), "bfloat16": peak(torch.bfloat16)}
    return {
        "threads": threads,
        "network": repr(ours.network),
        "precision": "bfloat16" if ours._short else "float32",
        "images_per_second": 1e6 / times["as trained"],
        "operations_per_second": speed,
        "peaks": peaks,
        "microseconds_per_image": times,
        "shares": shares(runs[UNSHARDED], steps),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--preset", default="notebook-fast", choices=PRESETS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--compile", action="store_true", help="try torch.compile, too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    recipe = PRESETS[options.preset].config
    found = measure(recipe, options.data, options.threads, options.steps, options.compile)
    if options.json:
        print(json.dumps(found))
    else:
        print("\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    speed, peaks = found["operations_per_second"], found["peaks"]
    times = found["microseconds_per_image"]
    return [
        f"{found['network']}, {found['threads']} thread(s), products in {found['precision']}",
        f"{found['images_per_second']:,.0f} images/s: {speed / 1e9:.0f} GFLOP/s, "
        + ", ".join(
            f"{speed / best:.0%} of the {best / 1e9:.0f} that {name} matrices reach"
            for name, best in peaks.items()
        ),
        "where a thread's time goes",
        *(
            f"  {share:6.1%}  {place}"
            for place, share in sorted(found["shares"].items(), key=lambda each: -each[1])
        ),
        "what an image takes in training, in microseconds",
        *(f"  {each:6.0f}  {each / times['as trained']:5.2f} x  {n}" for n, each in times.items()),
    ]


if __name__ == "__main__":
    main()
