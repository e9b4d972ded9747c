"""From pressing Start to the first point in the chart, as a visitor sees it.

    MNIST_DATA=... python benchmarks/first_point.py [--times 5]

Starts a server of its own and presses Start in Chromium, with a fresh page each time. The first
time is that of a server that has only just started; the others find a worker kept ready. A run
that was started is stopped before the next, as the machine trains one at a time.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Browser, sync_playwright

from mnistcore.runs import store

# When the accuracy chart first says that it holds points, in milliseconds since the click.
WATCH = """
addEventListener("pointerdown", () => { window.pressed ??= performance.now(); }, true);
new MutationObserver(() => {
  const drawn = document.querySelector("[aria-label^='Test accuracy went']");
  if (drawn && window.pressed && !window.there)
    requestAnimationFrame(() => { window.there = performance.now() - window.pressed; });
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


def press(browser: Browser, address: str, settled: float) -> float:
    """Seconds from pressing Start to the first point; `settled` seconds pass before the click."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/train")
    button = page.get_by_role("button", name="Start", exact=True)
    button.wait_for(timeout=60_000)
    page.wait_for_timeout(settled * 1000)
    page.evaluate(WATCH)
    button.click()
    page.wait_for_function("window.there", timeout=60_000)
    seconds = page.evaluate("window.there") / 1000
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for(timeout=60_000)
    page.close()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=str(scratch)))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        cold = press(browser, app, settled=0)
        warm = [press(browser, app, settled=8) for _ in range(options.times)]
        assert len(store.list_runs(scratch)) == options.times + 1
    print("seconds from pressing Start to the first point in the chart, preset Fast")
    print(f"{'just started, pressed at once':40}{cold:6.2f}")
    print(f"{'with a worker kept ready, median':40}{statistics.median(warm):6.2f}", end="")
    print(f"   ({min(warm):.2f} to {max(warm):.2f}, {len(warm)} times)")


if __name__ == "__main__":
    main()
