"""From pressing Start to the first point in the chart, and to 97 %, as a visitor sees them.

    MNIST_DATA=... python benchmarks/first_point.py [--times 5] [--tree DIR ...]

Starts a server of its own and presses Start in Chromium, with a fresh page each time. The first
time is that of a server that has only just started; the others find a worker kept ready. A run
that was started is stopped before the next, as the machine trains one at a time. With --tree, other
checkouts of the project are measured too, by turns.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Browser, sync_playwright

GOAL = 97.0  # percent of the test images
# When the accuracy chart first says that it holds points, and when that it has come to GOAL, in
# milliseconds since the click.
WATCH = """
goal => {
  addEventListener("pointerdown", () => { window.pressed ??= performance.now(); }, true);
  const note = name => requestAnimationFrame(() => {
    window[name] ??= performance.now() - window.pressed;
  });
  new MutationObserver(() => {
    const drawn = document.querySelector("[aria-label^='Test accuracy went']");
    if (!drawn || !window.pressed) return;
    note("there");
    const [, reached] = drawn.ariaLabel.match(/ to ([\\d.]+)%/);
    if (reached >= goal) note("learned");
  }).observe(document, { subtree: true, childList: true, attributes: true });
}
"""


def press(browser: Browser, address: str, settled: float) -> tuple[float, float]:
    """Seconds from pressing Start, `settled` after opening, to the first point and to GOAL."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    page.goto(f"{address}/train")
    button = page.get_by_role("button", name="Start", exact=True)
    button.wait_for(timeout=60_000)
    page.wait_for_timeout(settled * 1000)
    page.evaluate(WATCH, GOAL)
    button.click()
    page.wait_for_function("window.learned", timeout=60_000)
    milliseconds = page.evaluate("[window.there, window.learned]")
    page.get_by_role("button", name="Train another").wait_for(timeout=60_000)
    page.close()
    first, learned = (each / 1000 for each in milliseconds)
    return first, learned


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--tree", type=Path, action="append", default=[ROOT], help="DIR, again")
    options = parser.parse_args()
    with ExitStack() as stack:
        servers = []
        for tree in options.tree:
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            app = serve(tree / "app.py", tree, MNIST_RUNS=scratch)
            servers.append((tree.name, stack.enter_context(app)))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        cold = {name: press(browser, app, settled=0) for name, app in servers}
        warm: dict[str, list[tuple[float, float]]] = {name: [] for name in cold}
        for _ in range(options.times):
            for name, app in servers:
                warm[name].append(press(browser, app, settled=8))
    for name, times in warm.items():
        print(f"{name}: seconds from pressing Start, preset Fast, {options.times} times")
        for what, first, rest in zip(
            ("to the first point in the chart", f"to {GOAL:g} % in the chart"),
            cold[name],
            zip(*times, strict=True),
            strict=True,
        ):
            print(
                f"  {what:34}{statistics.median(rest):6.2f} with a worker kept ready "
                f"({min(rest):.2f} to {max(rest):.2f}), {first:.2f} just after the server's start"
            )


if __name__ == "__main__":
    main()
