"""From lifting the pen to the answer on screen, against a page that holds only the canvas.

    MNIST_DATA=... python benchmarks/drawing_latency.py [--strokes 40] [--idle-only]

Starts two servers of its own and draws in Chromium on both by turns: the Draw page, and a bare
page that holds only what most drawing demos are made of, streamlit-drawable-canvas, and one line of
text. First on an idle machine, then while a network is trained beside it.
"""

import argparse
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from mnistcore.config import TrainConfig
from mnistcore.runs import queue, store

BARE = """
import streamlit as st
from streamlit_drawable_canvas import st_canvas

drawn = st_canvas(width=320, height=356, stroke_width=16, stroke_color="#17202C", key="canvas")
strokes = (drawn.json_data or {"objects": []})["objects"]
st.text(f"{len(strokes)} strokes, {sum(len(stroke['path']) for stroke in strokes)} points")
"""
IDLE, BUSY, LATE = 1.2, 1.5, 1.5  # times the bare page's medians, and its 95th percentile
AIM = 150  # milliseconds on a laptop
BARE_PAGE = "bare canvas page"
STROKES_ON_A_SHEET = 4  # then the page is loaded anew, because a longer drawing takes longer

# What happens in the page after the pen goes up, in milliseconds since then. A stroke that was told
# while it was drawn may bring the answer to its first part late: the last change counts, up to the
# moment at which the sheet waits for nothing more and no script runs. None: it was there before.
WATCH = """
const marks = window.marks = {};
const since = () => performance.now() - marks.up;
addEventListener("pointerup", () => Object.assign(marks, {
  up: performance.now(), sent: 0, came: 0, changed: 0, seen: 0, news: 0 }), true);
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (...what) {
  if (marks.up && !marks.sent) marks.sent = since();
  if (!this.watched) {
    this.watched = true;
    this.addEventListener("message", () => { marks.news = since(); });
  }
  return send.apply(this, what);
};
new MutationObserver((changes) => {
  const ours = "[data-testid=stHtml], [data-testid=stText]";
  const answer = ({ target }) => (target.closest ? target : target.parentElement)?.closest(ours);
  if (!marks.up || !changes.some(answer)) return;
  marks.changed = since();
  marks.came = marks.news;
  marks.seen = 0;
  requestAnimationFrame(() => setTimeout(() => { marks.seen = since(); }));
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
ANSWERED = {  # for the bare page and for our own sheet, which tells when its answer is there
    True: "marks.seen",
    False: """() => {
        const parts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
        const sheet = parts.map((part) => part.shadowRoot.querySelector("canvas")).find(Boolean)
        const app = document.querySelector("[data-testid=stApp]").dataset
        const heard = sheet.dataset.waiting === "false"
        return heard && app.testScriptState === "notRunning" && (!marks.changed || marks.seen)
    }""",
}


class Stroke(NamedTuple):
    """Milliseconds after lifting the pen."""

    sent: float  # the browser tells the server
    came: float  # the last news from the server before the answer changed
    changed: float  # the answer is in the document
    seen: float  # it is on screen


def chromium(playwright: Playwright) -> Browser:
    """Playwright's own browser, or the system's where that is not installed."""
    own = Path(playwright.chromium.executable_path)
    path = None if own.exists() else "/usr/bin/chromium"
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


@contextmanager
def serve(script: Path, folder: Path, **environment: str) -> Iterator[str]:
    """A Streamlit server for `script` with the app's own settings; gives its address."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    settings = folder / ".streamlit" / "config.toml"
    if not settings.exists():
        settings.parent.mkdir()
        settings.write_bytes((ROOT / ".streamlit" / "config.toml").read_bytes())
    options = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        for _ in range(300):
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@contextmanager
def training(folder: Path) -> Iterator[store.Run]:
    """A run that is at work, started as the Train page starts it."""
    recipe = TrainConfig(epochs=500, batch_size=64)
    run = store.create_run(
        recipe, owner="benchmark", folder=folder, data=os.environ.get("MNIST_DATA")
    )
    queue.dispatch(run.path.parent)
    try:
        while not ((progress := run.status().progress) and progress.images):
            if run.status().state not in store.LIVE:
                sys.exit(f"The training did not start: {run.status().message}")
            time.sleep(0.2)
        yield run
    finally:
        run.send("stop", "benchmark")


def open_page(page: Page, address: str) -> None:
    """Load it and wait until the canvas is there and nothing more happens."""
    page.goto(address)
    page.locator("canvas.upper-canvas").wait_for()
    page.locator("[data-testid=stHtml], [data-testid=stText]").first.wait_for()
    page.wait_for_timeout(1500)


def draw(page: Page, chance: random.Random, bare: bool) -> Stroke | None:
    """Draw one wavy stroke by hand, so to speak, in half a second, and wait for the answer."""
    page.bring_to_front()
    box = page.locator("canvas.upper-canvas").bounding_box()
    assert box
    x, y = box["x"] + chance.uniform(100, 200), box["y"] + chance.uniform(80, 160)
    page.mouse.move(x, y)
    page.mouse.down()
    for _ in range(20):
        x, y = x + chance.uniform(-6, 10), y + chance.uniform(-4, 12)
        page.mouse.move(x, y)
        page.wait_for_timeout(20)
    page.mouse.up()
    with suppress(Exception):
        page.wait_for_function(ANSWERED[bare], timeout=10_000)
        marks = page.evaluate("({...marks})")
        page.wait_for_timeout(300)
        return Stroke(*(marks[name] for name in Stroke._fields))
    return None


def compare(browser: Browser, addresses: dict[str, str], strokes: int) -> dict[str, list[Stroke]]:
    """Draw on every page by turns, so that what slows the machine down slows all of them."""
    pages: dict[str, Page] = {}
    measured: dict[str, list[Stroke]] = {name: [] for name in addresses}
    for name in addresses:
        pages[name] = browser.new_page(viewport={"width": 1440, "height": 900})
        pages[name].add_init_script(WATCH)
    for number in range(strokes):
        for name, page in pages.items():
            if number % STROKES_ON_A_SHEET == 0:
                open_page(page, addresses[name])
                draw(
                    page, random.Random(-1), name == BARE_PAGE
                )  # the first one after loading warms up
            stroke = draw(page, random.Random(number), name == BARE_PAGE)
            if stroke is None:
                print(f"{name}: no answer to stroke {number}", file=sys.stderr)
            else:
                measured[name].append(stroke)
    for page in pages.values():
        page.close()
    return measured


def report(title: str, measured: dict[str, list[Stroke]], most: float) -> None:
    """A table with medians, 95th percentiles, and how they relate to the bare page's.

    most: times the bare page's median that the answer may take.
    """
    print(f"\n{title}: milliseconds from lifting the pen to the answer on screen")
    print(f"{'':28}{'n':>4}{'median':>8}{'95 %':>8}{'ratio':>8}{'95 %':>8}", end="")
    print("   of the median: component / server and socket / browser / screen")
    floor, verdicts = None, []
    for name, strokes in measured.items():
        seen = [stroke.seen for stroke in strokes]
        median, late = statistics.median(seen), statistics.quantiles(seen, n=20)[-1]
        floor = floor or (median, late)
        sent, came, changed, _ = (statistics.median(each) for each in zip(*strokes, strict=True))
        parts = (sent, came - sent, changed - came, median - changed)
        ratios = median / floor[0], late / floor[1]
        print(
            f"{name:28}{len(seen):>4}{median:>8.0f}{late:>8.0f}{ratios[0]:>8.2f}"
            f"{ratios[1]:>8.2f}   {' / '.join(f'{part:.0f}' for part in parts)}"
        )
        if name != BARE_PAGE:
            for what, figure, bar in zip(("median", "95 %"), ratios, (most, LATE), strict=True):
                holds = "holds" if figure <= bar else "FALLS SHORT"
                verdicts.append(f"{name}, {what}: {figure:.2f} times, at most {bar}: {holds}")
            holds = "holds" if median <= AIM else "FALLS SHORT"
            verdicts.append(f"{name}, median: {median:.0f} ms, at most {AIM} ms: {holds}")
    print("\n".join(verdicts), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=40, help="on each page")
    parser.add_argument("--idle-only", action="store_true", help="leave the training out")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (scratch / "bare.py").write_text(BARE)
        bare = stack.enter_context(serve(scratch / "bare.py", scratch))
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=str(scratch / "runs")))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        pages = {BARE_PAGE: bare, "Draw": f"{app}/draw"}
        report("Idle", compare(browser, pages, options.strokes), IDLE)
        if not options.idle_only:
            run = stack.enter_context(training(scratch / "runs"))
            pages["Draw, the learning network"] = f"{app}/draw?model={run.id}"
            report("While a network is trained", compare(browser, pages, options.strokes), BUSY)


if __name__ == "__main__":
    main()
