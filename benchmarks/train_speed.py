"""How fast training is, against others, against the machine, and while somebody watches.

    python benchmarks/train_speed.py --data DIR [--seeds 5] [--threads 1,2] [--only 1,3] [--quick]
                                     [--strict] [--device cuda]

Prints a verdict per figure first, then the figures as tables for the README; --strict makes the
exit status 1 if a bar does not hold. Times "to an accuracy" are seconds of training alone, of a
recipe whose mean test accuracy over the seeds reaches it. What is compared runs by turns, each in
a process of its own: ours from the command line, others as in peers.py.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

THEIRS = dict(os.environ)  # what others' recipes are run with
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as our command line does, before torch

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import step_time
from load import Visitor

from mnistcore.config import (
    Conv,
    NetworkConfig,
    TrainConfig,
    count_parameters,
)
from mnistcore.data.loading import load_dataset
from mnistcore.evaluation.metrics import evaluate
from mnistcore.presets import PRESETS
from mnistcore.runs import queue, store
from mnistcore.training.trainer import Trainer, train

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[1]
NOTEBOOK_ACCURACY, FAST_ACCURACY = 0.9885, 0.99  # mean test accuracies to be reached
DATASET = 70_000 * 28 * 28 / 1e6  # megabytes: what each visitor would cost with a copy each
OURS = {"notebook-fast": "our *Small*", "fast": "our *Fast*"}
# Batches that stand for the whole where that would take minutes; enough of them that the slow
# first ones do not count against the others.
SLICES = {"notebook": 2_000, "example": 100}
OTHERS = {
    "notebook": "the notebook, 2 epochs",
    "minute": "'MNIST in 0.76 s', 1 epoch",
    "example": "PyTorch's MNIST example, first epoch of 14",
}


@dataclass
class Report:
    """What a figure found: a verdict for the top, and lines for below it."""

    verdict: str
    holds: bool | None  # None: not measured here
    lines: list[str] = field(default_factory=list)


def table(head: str, *rows: tuple[object, ...]) -> list[str]:
    """Markdown, as the README has it; `head` names the columns, divided by |."""
    width = head.count("|") + 1
    ruler = "| --- " + "| ---: " * (width - 1) + "|"
    return [f"| {head} |", ruler, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def output_of(command: list[str], environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON object on the last line that a command prints."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def ours(options: argparse.Namespace, preset: str, seed: int, threads: int) -> dict[str, Any]:
    """One run from the command line."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "mnistcore", "train", "--json", "--preset", preset, "--seed", str(seed)]
        places = ["--data", str(options.data), "--runs", folder, "--device", options.device]
        return output_of([*command, *places, "--threads", str(threads)])


def peer(options: argparse.Namespace, name: str, seed: int, threads: int) -> dict[str, Any]:
    """One run of somebody else's recipe; its seconds are scaled up if only a slice was run."""
    command = [str(HERE / "peers.py"), name, "--data", str(options.data), "--seed", str(seed)]
    command += ["--threads", str(threads), "--device", options.device]
    if name in SLICES and not options.whole:
        command += ["--batches", str(SLICES[name] // (5 if options.quick else 1))]
    found = output_of(command, THEIRS)
    return found | {"seconds": found["seconds"] * found["of"] / found["batches"]}


def compare(options: argparse.Namespace, threads: int) -> dict[str, list[dict[str, Any]]]:
    """Everybody by turns, once per seed; kept, because two figures rest on it."""
    if threads not in options.compared:
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in [*OURS, *OTHERS]}
        for seed in range(1, options.seeds + 1):
            for name in found:
                say(f"{name}, seed {seed}, {threads} thread(s)")
                measure = ours if name in OURS else peer
                found[name].append(measure(options, name, seed, threads))
        options.compared[threads] = found
    return options.compared[threads]


def seconds(results: list[dict[str, Any]]) -> float:
    """The median of their training times."""
    return statistics.median(result["seconds"] for result in results)


def accuracies(results: list[dict[str, Any]]) -> str:
    """Mean and every seed, in percent."""
    each = [result["test_accuracy"] for result in results]
    if None in each:
        return "not measured"
    return f"{statistics.mean(each):.2%} ({', '.join(f'{100 * a:.2f}' for a in each)})"


def mean_accuracy(results: list[dict[str, Any]]) -> float:
    """Of the runs with the different seeds."""
    return statistics.mean(result["test_accuracy"] for result in results)


def against(
    options: argparse.Namespace, preset: str, names: list[str], accuracy: float, times: float
) -> Report:
    """Our preset against others: `accuracy` reached, and everybody `times` as slow at least."""
    report = Report("", True)
    parts = []
    for threads in options.threads:
        found = compare(options, threads)
        mine, mean = seconds(found[preset]), mean_accuracy(found[preset])
        ratios = [seconds(found[name]) / mine for name in names]
        report.holds = report.holds and mean >= accuracy and min(ratios) >= times
        faster = " and ".join(f"{ratio:.1f}" for ratio in ratios)
        parts.append(f"{mean:.2%} in {mine:.1f} s, {faster} times as fast on {threads} thread(s)")
        report.lines += table(
            f"{threads} thread(s) | seconds | ratio | test accuracy: mean (each seed)",
            (OURS[preset], f"{mine:.2f}", 1, accuracies(found[preset])),
            *(
                (OTHERS[n], f"{seconds(found[n]):.1f}", f"{r:.1f}", accuracies(found[n]))
                for n, r in zip(names, ratios, strict=True)
            ),
        )
    if not options.whole:
        report.lines.append("Where no accuracy is given, a slice was timed and scaled up.\n")
    report.verdict = "; ".join(parts)
    return report


def notebook(options: argparse.Namespace) -> Report:
    """Figure 1: the notebook's network to the notebook's accuracy."""
    return against(options, "notebook-fast", ["notebook"], NOTEBOOK_ACCURACY, 20)


def fastest(options: argparse.Namespace) -> Report:
    """Figure 2: any network to 99.0 %. Of the example only the first epoch is counted."""
    return against(options, "fast", ["minute", "example"], FAST_ACCURACY, 3)


def machine(options: argparse.Namespace) -> Report:
    """Figure 3: how near a step comes to the machine's peak, and what pays."""
    report, parts = Report("", True), []
    for preset in OURS:
        for threads in options.threads:
            say(f"a step of {preset}, {threads} thread(s)")
            command = ["--preset", preset, "--threads", str(threads), "--json"]
            command += ["--data", str(options.data), "--steps", "20" if options.quick else "80"]
            found = output_of([str(HERE / "step_time.py"), *command])
            best = found["peaks"][found["precision"]]
            times = found["microseconds_per_image"]
            slower = times["all of these, 32-bit"] / times["as trained"]
            sharded = times[step_time.UNSHARDED] / times["as trained"]
            report.holds = report.holds and (threads == 1 or sharded >= 1.5)
            parts.append(
                f"{preset} {found['operations_per_second'] / best:.0%} of the {found['precision']} "
                f"peak on {threads} thread(s), {slower:.1f} times as fast as plain, "
                f"{sharded:.2f} times as with threads inside operators"
            )
            report.lines += ["```text", *step_time.lines(found), "```", ""]
    report.verdict = "; ".join(parts) + " (bar: 1.5 times, on several threads)"
    return report


@contextmanager
def app(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Any, int]]:
    """A server, a Chromium, and the server's process id."""
    from drawing_latency import chromium, serve
    from playwright.sync_api import sync_playwright

    environment = {"MNIST_DATA": str(options.data.resolve()), "MNIST_RUNS": str(folder)}
    with (
        serve(ROOT / "app.py", ROOT, **environment) as address,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        yield address, browser, _server(folder)


def _server(folder: Path) -> int:
    """The process that was started with this runs folder."""
    mark = f"MNIST_RUNS={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                return int(process.name)
        except OSError:
            continue
    return 0


def watched(options: argparse.Namespace) -> Report:
    """Figure 4: a run watched in the browser, one that nobody watches, one on the command line."""
    recipe = replace(PRESETS["fast"].config, epochs=1, threads=1)
    speeds: dict[str, list[float]] = {
        name: [] for name in ("command line", "nobody watches", "watched", "watched from elsewhere")
    }

    def finish(run: store.Run, look: Callable[[], object] = lambda: None) -> float:
        """Train it, `look` at it meanwhile."""
        queue.dispatch(run.path.parent)
        look()
        while run.status().state in store.LIVE:
            time.sleep(0.2)
        result = run.status().result
        return result.images_per_second if result else 0.0

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with app(options, folder) as (address, browser, _):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            first_point = page.locator("[aria-label^='Test accuracy went']").first

            def begun() -> store.Run:
                return store.create_run(recipe, data=options.data, folder=folder)

            async def elsewhere(run: store.Run) -> None:
                async with Visitor(int(address.rpartition(":")[2])) as visitor:
                    over = lambda: run.status().state not in store.LIVE  # noqa: E731
                    await visitor.watch("train", f"run={run.id}", over)

            for number in range(options.seeds):
                say(f"watched or not, {number + 1} of {options.seeds}")
                command = ["-m", "mnistcore", "train", "--json", "--preset", "fast"]
                command += ["--epochs", str(recipe.epochs), "--threads", "1"]
                command += ["--data", str(options.data), "--runs", scratch]
                speeds["command line"].append(output_of(command)["images_per_second"])
                page.goto("about:blank")
                speeds["nobody watches"].append(finish(begun()))
                run = begun()
                watcher = threading.Thread(target=asyncio.run, args=(elsewhere(run),))
                speeds["watched from elsewhere"].append(finish(run, watcher.start))
                watcher.join()
                run = begun()
                page.goto(f"{address}/train?run={run.id}")
                speeds["watched"].append(finish(run, partial(first_point.wait_for, timeout=60_000)))
    medians = {name: statistics.median(each) for name, each in speeds.items()}
    shares = {name: median / medians["command line"] for name, median in medians.items()}
    return Report(
        f"{shares['watched']:.0%} of the command line's speed when watched in a Chromium on the "
        f"same machine (bar: 95 %), {shares['watched from elsewhere']:.0%} when from elsewhere, "
        f"{shares['nobody watches']:.0%} with nobody watching (bar: 97 %)",
        shares["watched"] >= 0.95 and shares["nobody watches"] >= 0.97,
        table(
            "Fast, 1 thread | images/s | of the command line's",
            *((name, f"{medians[name]:,.0f}", f"{shares[name]:.0%}") for name in medians),
        ),
    )


def growth(options: argparse.Namespace) -> Report:
    """Figure 5: seconds and memory against what there is to do."""
    torch.set_num_threads(1)
    sets = load_dataset("mnist", options.data)
    recipe = replace(PRESETS["fast"].config, epochs=1, device="cpu", threads=1)

    def epoch(config: TrainConfig) -> float:
        """Seconds for one epoch; a long one is left after a sixth and scaled up."""
        times = []
        for _ in range(1 if options.quick else 3):
            run = Trainer(config, *sets)
            for progress in run:
                if progress.step > 100 and progress.seconds > 3:
                    break
            times.append(run.seconds * run.total_steps / run.step)
        return min(times)

    sizes = {n: epoch(replace(recipe, train_size=n)) for n in (1_000, 10_000, 60_000)}
    say("an epoch by batch size")
    batches = {n: epoch(replace(recipe, batch_size=n)) for n in (8, 32, 128, 512)}
    say("an epoch by number of weights")
    networks = {}
    for width in (4, 8, 16, 32):
        network = NetworkConfig((Conv(width, 5), Conv(4 * width, 3)), (8 * width,))
        networks[count_parameters(network)] = epoch(replace(recipe, network=network))
    memory = visitors(options)
    per_image = {n: 1e6 * took / n for n, took in sizes.items()}
    even = max(per_image.values()) / min(per_image.values())
    each = memory["for each further visitor"]
    return Report(
        f"an image takes {per_image[60_000]:.0f} microseconds among 60,000 and "
        f"{per_image[1_000]:.0f} among 1,000 (bar: within a factor of 1.5); a further visitor "
        f"costs the server {each:.0f} MB (bar: less than half of the dataset's {DATASET:.0f})",
        even <= 1.5 and each < DATASET / 2,
        [
            *table(
                "train-set size | seconds per epoch | microseconds per image",
                *((f"{n:,}", f"{t:.2f}", f"{per_image[n]:.0f}") for n, t in sizes.items()),
            ),
            *table(
                "batch size | seconds per epoch", *((n, f"{t:.1f}") for n, t in batches.items())
            ),
            *table(
                "weights | seconds per epoch",
                *((f"{n:,}", f"{t:.1f}") for n, t in networks.items()),
            ),
            *table("memory | MB", *((n, f"{m:.0f}") for n, m in memory.items())),
        ],
    )


def visitors(options: argparse.Namespace) -> dict[str, float]:
    """Megabytes of a worker at work, and of the server with ever more visitors who look around."""

    def megabytes(process: int, what: str = "VmRSS") -> float:
        status = Path(f"/proc/{process}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+)", status).group(1)) * 1024 / 1e6

    def visit(browser: Any, address: str) -> None:
        page = browser.new_context().new_page()
        for place in ("explore", "train", "draw"):
            page.goto(f"{address}/{place}")
            page.locator("h1").first.wait_for(timeout=60_000)
            page.wait_for_timeout(2000)

    say("memory")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with app(options, folder) as (address, browser, server):
            run = store.create_run(
                replace(PRESETS["fast"].config, epochs=0.3),
                data=options.data,
                folder=folder,
            )
            queue.dispatch(run.path.parent)
            most = 0.0
            while (status := run.status()).state in store.LIVE:
                if status.state == "running":
                    most = max(most, megabytes(status.pid, "VmHWM"))
                time.sleep(0.1)
            visit(browser, address)
            first, more = megabytes(server), 2 if options.quick else 5
            for _ in range(more):
                visit(browser, address)
            return {
                "a worker, at most": most,
                "the server with one visitor": first,
                "for each further visitor": max(0.0, megabytes(server) - first) / more,
            }


def judging(options: argparse.Namespace) -> Report:
    """Figure 6: the time to judge a network, alone and as a share of a run."""
    train_set, test_set = load_dataset("mnist", options.data)
    threads = min(2, os.cpu_count() or 1)  # of which the bar speaks
    torch.set_num_threads(threads)
    network = Trainer(PRESETS["notebook-fast"].config, train_set, test_set).network
    times = []
    for _ in range(options.seeds + 1):
        started = time.perf_counter()
        evaluate(network, test_set)
        times.append(time.perf_counter() - started)
    alone = statistics.median(times[1:])
    shares, images = {}, {}
    torch.set_num_threads(1)
    for preset in OURS:
        say(f"the share of judging in {preset}")
        run = train(PRESETS[preset].config, train_set, test_set)
        started = time.perf_counter()
        for progress in run:
            if progress.test_accuracy is not None and progress.step < progress.total_steps:
                images[preset] = progress.test_count
            if progress.total_steps - progress.step <= 8:  # all 10,000 come after the end
                break
        elapsed = time.perf_counter() - started
        shares[preset] = 1 - run.seconds / elapsed
    rows = [(OURS[p], f"{shares[p]:.1%}", f"{images[p]:,}") for p in OURS]
    return Report(
        f"10,000 images in {alone:.2f} s on {threads} thread(s) (bar: 1 s); at most "
        f"{max(shares.values()):.1%} of a run (bar: 10 %)",
        alone <= 1 and max(shares.values()) < 0.1,
        table("recipe | judging, share of the run | test images each time", *rows),
    )


def graphics(options: argparse.Namespace) -> Report:
    """Figure 7: the data lives on the graphics card, and no step waits for it."""
    if not torch.cuda.is_available():
        return Report("there is no CUDA device on this machine: its figures are missing", None)
    sets = load_dataset("mnist", options.data)
    rows = []
    apart = 0
    for preset in OURS:
        run = Trainer(replace(PRESETS[preset].config, device="cuda"), *sets)
        run.network.train()
        for _ in range(20):
            run._one_step()
        torch.cuda.set_sync_debug_mode("error")  # raises if a step waits for the device
        for _ in range(20):
            run._one_step()
        torch.cuda.set_sync_debug_mode("default")
        apart += not all(
            t.is_cuda
            for t in (run.taught.digits.images, run.taught.digits.labels, run.test_set.images)
        )
        for seed in range(1, options.seeds + 1):
            *_, last = train(replace(PRESETS[preset].config, device="cuda", seed=seed), *sets)
            rows.append((preset, last.seconds, last.images_per_second, last.test_accuracy))
    name = torch.cuda.get_device_name()
    lines = []
    for preset in OURS:
        _, took, speed, right = zip(*(row for row in rows if row[0] == preset), strict=True)
        lines.append(
            (
                OURS[preset],
                f"{statistics.median(took):.2f}",
                f"{statistics.median(speed):,.0f}",
                f"{statistics.mean(right):.2%}",
            )
        )
    return Report(
        f"{name}: no step waits for it, all data lives on it",
        apart == 0,
        table(f"{name} | seconds | images/s | mean test accuracy", *lines),
    )


FIGURES: dict[int, Callable[[argparse.Namespace], Report]] = {
    1: notebook,
    2: fastest,
    3: machine,
    4: watched,
    5: growth,
    6: judging,
    7: graphics,
}


def say(text: str) -> None:
    """Progress, to standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, then print the verdicts, then the figures."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", default=f"{max(1, cores // 2)},{cores}")
    parser.add_argument("--only", default=",".join(map(str, FIGURES)), help="figures, as in 1,3")
    parser.add_argument("--device", default="cpu", help="for figures 1 and 2: cpu or cuda")
    parser.add_argument("--whole", action="store_true", help="run slow peers to their end")
    parser.add_argument("--quick", action="store_true", help="one seed, one thread, short")
    parser.add_argument("--strict", action="store_true", help="status 1 if a bar does not hold")
    options = parser.parse_args()
    options.threads = sorted({int(n) for n in options.threads.split(",")})
    options.compared = {}
    if options.quick:
        options.seeds, options.threads = 1, options.threads[:1]
    reports = {}
    for number in map(int, options.only.split(",")):
        say(f"figure {number}")
        reports[number] = FIGURES[number](options)
        print(*reports[number].lines, sep="\n", file=sys.stderr)  # kept if the rest is cut off
        say(reports[number].verdict)
    words = {True: "holds", False: "FAILS", None: "missing"}
    for number, report in reports.items():
        print(f"{number}. {words[report.holds]:8} {report.verdict}")
    name = torch.cpu.get_capabilities().get("cpu_name", "unknown processor")
    load_now = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"\n{name}, {cores} cores, torch {torch.__version__}, load {load_now} at the end\n")
    for number, report in reports.items():
        print(f"Figure {number}. {(FIGURES[number].__doc__ or '').split(': ', 1)[1]}\n")
        print("\n".join(report.lines))
    return int(options.strict and any(report.holds is False for report in reports.values()))


if __name__ == "__main__":
    sys.exit(main())
