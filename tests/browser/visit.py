"""The app as its visitors meet it: a running server, and what Playwright has no word for."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.runs import store
from mnistcore.runs.store import Run

# What is there at once on a quiet machine may take a busy one this long.
expect.set_options(timeout=60_000)  # milliseconds


class App(NamedTuple):
    """A server that runs."""

    address: str  # "http://localhost:8501"
    runs: Path
    process: subprocess.Popen

    def kill(self) -> None:
        """End the server as a power cut would; the training that it started goes on."""
        self.process.kill()
        self.process.wait()


def untrained_run(app: App, name: str = "") -> Run:
    """A run whose network has learned nothing, so it errs a lot; its status is still to write."""
    config = NetworkConfig(convolutions=(), dense=(4,))
    run = store.create_run(TrainConfig(network=config), name=name, dataset="mnist", folder=app.runs)
    save_network(build_network(config, 1), run.model)
    return run


def clueless_run(app: App) -> Run:
    """An untrained one that says it has finished."""
    run = untrained_run(app, "Clueless")
    store.write_json(run.path / "status.json", {"state": "finished", "result": {"images": 1500}})
    return run


def run_without_frames(app: App) -> Run:
    """One that is over, with curves and a network that reads one way or another, and no more."""
    made = untrained_run(app, "Example")
    record = {"steps": 4, "loss": 2.0, "test_loss": 2.0, "train_accuracy": 0.3, "test_count": 297}
    record |= {"epoch": 1.0, "images_per_second": 1000.0, "seconds_left": 0.0}
    records = [record | {"step": n, "images": 64 * n, "test_accuracy": n / 8} for n in range(5)]
    (made.path / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)))
    result = {"test_accuracy": 0.5, "train_accuracy": 0.5, "test_count": 297, "train_count": 1500}
    status = {"state": "finished", "progress": records[-1], "result": result | {"seconds": 1}}
    store.write_json(made.path / "status.json", status)
    return made


StartApp = Callable[..., App]


def free_port() -> int:
    """One on which nobody listens on this machine."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def visit(page: Page, address: str) -> None:
    """Open an address and wait until the page stands still."""
    page.goto(address)
    settle(page)


def settle(page: Page) -> None:
    """Wait until no script runs; fail if one has crashed."""
    app = page.get_by_test_id("stApp")
    still = {"data-test-connection-state": "CONNECTED", "data-test-script-state": "notRunning"}
    for _ in range(2):  # twice, because a click takes a moment to start the script
        for attribute, value in still.items():
            expect(app).to_have_attribute(attribute, value)
        page.wait_for_timeout(100)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def becomes(page: Page, read: Callable[[], object], wanted: object) -> None:
    """Wait, for a minute at most, until what is read is what is wanted."""
    for _ in range(600):
        if (found := read()) == wanted:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"it is {found!r}, and not {wanted!r}")


def changes(page: Page, read: Callable[[], object], before: object) -> None:
    """Wait until what is read is no longer what it was."""
    becomes(page, lambda: read() != before, True)


def stands_still(page: Page) -> None:
    """Wait until the page has not scrolled for half a second."""
    page.wait_for_function(
        """async () => {
            const part = document.querySelector("[data-testid=stMain]"), before = part.scrollTop
            await new Promise(done => setTimeout(done, 500))
            return part.scrollTop === before
        }"""
    )


def fits_its_width(page: Page) -> bool:
    """Whether nothing makes the page scroll sideways."""
    return page.evaluate(
        "[document.documentElement, ...document.querySelectorAll('[data-testid=stMain]')]"
        ".every(part => part.scrollWidth <= part.clientWidth)"
    )
