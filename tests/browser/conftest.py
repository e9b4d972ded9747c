"""A real server and a real Chromium for the tests in this folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from visit import App, StartApp, free_port

ROOT = Path(__file__).parents[2]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def app(mnist_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all tests that do not mind each other's runs."""
    server = _start(mnist_folder, tmp_path_factory.mktemp("runs"))
    yield server
    _end(server)


@pytest.fixture
def start_app(mnist_folder: Path, tmp_path: Path) -> Iterator[StartApp]:
    """`start_app(data=..., runs=..., port=..., NAME=...)` starts a server of the test's own.

    Folders and port have defaults; further names go into its environment.
    """
    started: list[App] = []

    def start(
        data: Path = mnist_folder, runs: Path = tmp_path / "runs", port: int = 0, **env: str
    ) -> App:
        started.append(_start(data, runs, port, **env))
        return started[-1]

    yield start
    for server in started:
        _end(server)


def _start(data: Path, runs: Path, port: int = 0, **env: str) -> App:
    runs.mkdir(exist_ok=True)
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    options = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    surroundings = os.environ | {"MNIST_DATA": str(data), "MNIST_RUNS": str(runs)} | env
    with (runs / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command + options, cwd=ROOT, env=surroundings, stdout=log, stderr=log
        )
    server = App(f"http://localhost:{port}", runs, process)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=1).close()
            return server
        time.sleep(0.1)
    server.kill()
    pytest.fail(f"the server did not start:\n{(runs / 'server.log').read_text()}")


def _end(server: App) -> None:
    """End the server and every process that works in its runs folder."""
    server.kill()
    mark = f"MNIST_RUNS={server.runs}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or belongs to somebody else
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        path = _chromium(playwright)
        if path is None:
            missing = "no Chromium here: install it, or run `playwright install chromium`"
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        with playwright.chromium.launch(executable_path=path, args=CHROMIUM) as browser:
            yield browser


def _chromium(playwright: Playwright) -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    own = playwright.chromium.executable_path
    installed = next(filter(None, map(shutil.which, names)), None)
    return installed or (own if Path(own).exists() else None)


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    """A page on a laptop or a projector."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield from _with_nothing_refused(context)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page on a phone, with a finger instead of a mouse."""
    with browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as context:
        yield from _with_nothing_refused(context)


def _with_nothing_refused(context: BrowserContext) -> Iterator[Page]:
    """A page; at the end of the test its Content Security Policy must have refused nothing."""
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI })"
        " => console.log(`refused: ${violatedDirective} ${blockedURI}`))"
    )
    page, refused = context.new_page(), []
    page.on("console", lambda said: refused.append(said.text) if "refused:" in said.text else None)
    yield page
    assert refused == []
