"""Minutes of visits, without browsers: does the server grow in memory, threads, processes, files?

    MNIST_DATA=... python benchmarks/long.py [--minutes 10] [--at-once 2] [--leave 150] [--strict]

Each visit opens every page, draws, uploads a picture and leaves; every tenth trains a network, and
deletes it. What is there is printed each half a minute. Judged is what is left when all have gone,
beside what the first hundred had left; and from six minutes on, whether the last third of the time
took more than the third before it. (Who has left is kept for two minutes, and may come back.)
"""

import argparse
import asyncio
import random
import re
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.load import PAGES, Server, Visitor, photograph, scrawl, serve
from mnistcore.runs import store
from mnistcore.runs.quota import folder_size

VISITS_FIRST = 100  # before the figures with which later ones are compared: caches are full
TRAINS = 10  # of so many visits one
EVERY = 30.0  # seconds between two rows
THIRDS_FROM = 6.0  # minutes from which on thirds are compared
# What is measured, and how much more is growth: in parts of what it was, and in all.
MEASURES = {
    "memory, MB": (0.10, 0.0),
    "threads": (0.0, 2.0),
    "processes": (0.0, 1.0),  # a training that is under way
    "open files": (0.10, 5.0),
    "disk, MB": (0.0, 20.0),  # likewise
}
Figures = tuple[float, ...]  # of each of MEASURES


def measure(server: Server, scratch: Path) -> Figures:
    """What the server takes; its workers count as processes, its folders as disk."""
    own = Path(f"/proc/{server.process.pid}")
    threads = int(re.findall(r"Threads:\s*(\d+)", (own / "status").read_text())[0])
    files = len([*(own / "fd").iterdir()])
    mark, processes = f"MNIST_RUNS={server.runs}".encode(), 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            processes += mark in (process / "environ").read_bytes().split(b"\0")
    disk = folder_size(server.runs) + folder_size(scratch)
    return server.megabytes(), threads, processes, files, disk / 1e6


async def visit(server: Server, number: int) -> None:
    """Everything that one does here, without a pause."""
    async with Visitor(server.port) as visitor:
        for page in (*PAGES, "draw"):
            await visitor.open(page)
        for step in range(5):
            await visitor.draw(scrawl(random.Random(5 * number + step)))
        await visitor.upload(photograph())
        if number % TRAINS == 0:
            await train(visitor, server.runs)


async def train(visitor: Visitor, runs: Path) -> None:
    """Start a training, watch it to its end, and delete it."""
    visitor.query = "preset=plain"
    before = store.list_runs(runs)
    await visitor.open("train")
    await visitor.press("Start")
    run = next(run for run in store.list_runs(runs) if run not in before)
    await visitor.watch("train", f"run={run.id}", lambda: run.status().state in store.ENDED)
    await visitor.press("Delete ...")
    await visitor.press("Delete for good")


class Table:
    """What was measured when, printed as it grows."""

    def __init__(self, server: Server, scratch: Path) -> None:
        self.started, self.server, self.scratch = time.monotonic(), server, scratch
        self.visits = 0
        print(f"| minute | visits | {' | '.join(MEASURES)} |")
        print("| ---: " * (2 + len(MEASURES)) + "|", flush=True)

    async def visit(self) -> None:
        """The next visit."""
        self.visits += 1
        await visit(self.server, self.visits)

    def row(self, what: str = "") -> Figures:
        """Measure and print."""
        figures = measure(self.server, self.scratch)
        minute = what or f"{(time.monotonic() - self.started) / 60:.1f}"
        print(f"| {minute} | {self.visits} | {' | '.join(f'{each:,.0f}' for each in figures)} |")
        sys.stdout.flush()
        return figures


def growth(before: Figures, after: Figures) -> list[str]:
    """What has grown, in words."""
    return [
        f"{name} grew from {old:,.1f} to {new:,.1f}"
        for (name, (share, more)), old, new in zip(MEASURES.items(), before, after, strict=True)
        if new > old * (1 + share) + more
    ]


async def watch(table: Table, options: argparse.Namespace) -> list[str]:
    """Visits, and what has grown."""
    over = asyncio.Event()

    async def again_and_again() -> None:
        while not over.is_set():
            await table.visit()

    async def first() -> None:
        while table.visits < VISITS_FIRST:
            await table.visit()

    await asyncio.gather(*(first() for _ in range(options.at_once)))
    await asyncio.sleep(options.leave)
    before, rows = table.row("left"), []
    async with asyncio.TaskGroup() as everybody:
        for _ in range(options.at_once):
            everybody.create_task(again_and_again())
        for _ in range(round(options.minutes * 60 / EVERY)):
            await asyncio.sleep(EVERY)
            rows.append(table.row())
        over.set()
    await asyncio.sleep(options.leave)
    told = growth(before, table.row("left"))
    if options.minutes >= THIRDS_FROM:
        third = len(rows) // 3
        parts = rows[-2 * third : -third], rows[-third:]
        middle, last = (tuple(map(statistics.median, zip(*part, strict=True))) for part in parts)
        told += [f"{each}, while they came" for each in growth(middle, last)]
    return told


def main() -> int:
    """Start a server, let them come, and say whether it held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of visits")
    parser.add_argument("--at-once", type=int, default=2, help="visitors")
    parser.add_argument(
        "--leave", type=float, default=150.0, help="seconds, twice; who left is kept for 120"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 if anything grew")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, serve(ROOT, TMPDIR=scratch) as server:
        told = asyncio.run(watch(Table(server, Path(scratch)), options))
    print("FALLS SHORT: " + "; ".join(told) if told else "Holds: nothing grew.")
    return int(options.strict and bool(told))


if __name__ == "__main__":
    sys.exit(main())
