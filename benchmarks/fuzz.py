"""Many cases at every way in from outside: does each answer or refuse, in time and in bounds?

    python benchmarks/fuzz.py [--cases 10000] [--seed 1] [--way NAME ...] [--strict]

Each way in of benchmarks/ways_in.py is tried in a process of its own, which is ended when it takes
more than --gigabytes or --minutes; time is that of the processor, memory what comes on top of the
process before its first case. Failures are told, each kind once, with the case. With --strict the
exit status is 1 if there are any, or if a case was too slow or too large.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.bars import Bars
from benchmarks.ways_in import WAYS_IN, is_refused

MAX_SECONDS, MAX_BYTES = 3.0, 1e9  # of a case
SHOWN = 2000  # characters of a case that failed


def main() -> int:
    """Try, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="of each way in")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--way", action="append", choices=WAYS_IN, help="can be given again")
    parser.add_argument("--gigabytes", type=float, default=4.0, help="at which a process is ended")
    parser.add_argument("--minutes", type=float, default=60.0, help="likewise")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(attempt(options.way[0], options.cases, options.seed)))
        return 0
    bars, told = Bars(), []
    for name in options.way or WAYS_IN:
        found = watched(name, options)
        failures = found["failures"]
        held = not failures and found["seconds"] <= MAX_SECONDS and found["bytes"] <= MAX_BYTES
        failed, memory = sum(n for n, _ in failures.values()), found["bytes"] / 1e6
        figure = (
            f"{found['cases']:,} cases, {found['refused']:,} refused, {failed:,} failed; "
            f"slowest {found['seconds']:.2f} s, most memory {memory:.0f} MB"
        )
        bars.row(name, f"none fails, {MAX_SECONDS:g} s, {MAX_BYTES / 1e9:g} GB", figure, held)
        told += [f"{name}: {kind}, {n} times: {first}" for kind, (n, first) in failures.items()]
    print("", *told, sep="\n")
    return int(options.strict and bars.missed > 0)


def watched(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What `attempt` finds in a process of its own, or that it had to be ended."""
    more = ("--way", name, "--cases", options.cases, "--seed", options.seed)
    until = time.monotonic() + 60 * options.minutes
    command = [sys.executable, __file__, "--here", *map(str, more)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        memory = Path(f"/proc/{process.pid}/statm")  # where there is none, nobody watches it
        pages = options.gigabytes * 1e9 / resource.getpagesize()
        while process.poll() is None and time.monotonic() < until:
            if memory.exists() and int(memory.read_text().split()[1]) > pages:
                break
            time.sleep(0.05)
        process.kill()
        said = process.stdout.read() if process.stdout else ""
    if process.returncode == 0:
        return json.loads(said)
    what = {f"it ended with {process.returncode}, or had to be": (1, "")}
    return {"cases": 0, "refused": 0, "seconds": 0.0, "bytes": 0, "failures": what}


def attempt(name: str, cases: int, number: int) -> dict[str, Any]:
    """Try so many cases here: counts, the slowest, the memory, and each kind of failure."""
    logging.disable()
    warnings.simplefilter("ignore")
    way = WAYS_IN[name]
    failures: dict[str, list[Any]] = {}  # by kind: how many, and the first
    tried = refused = 0
    slowest, before = 0.0, 0

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(way.cases)
    def one(case: Any) -> None:
        nonlocal tried, refused, slowest, before
        before = before or _peak()
        started = time.process_time()
        try:
            refused += is_refused(way, case)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
            first = failures.setdefault(kind, [0, f"{str(error)[:200]}; {repr(case)[:SHOWN]}"])
            first[0] += 1
        slowest = max(slowest, time.process_time() - started)
        tried += 1

    one()
    return {
        "cases": tried,
        "refused": refused,
        "seconds": slowest,
        "bytes": _peak() - before,
        "failures": failures,
    }


def _peak() -> int:
    """The most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
