"""Sunshine and snow: from moving the slider by a step to the new images and accuracies on screen.

    MNIST_DATA=... python benchmarks/sliding.py [--kinds KIND ...]

Starts a server of its own and moves every slider of the Evaluate page by keys, in Chromium, with
two networks side by side. First to the right while the curve over the whole range is still being
worked out, then back again when each step has been judged before.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Page, sync_playwright

from mnistcore.data.corruptions import CORRUPTIONS
from mnistcore.runs import store

# The chart below the pictures is the last part of an answer, and says in words where it stands.
LAST = """() => document.querySelector("[aria-label^='Share of the images']")?.ariaLabel"""
WATCH = f"""() => {{
  const last = {LAST}, before = last()
  window.answer = new Promise((done) => addEventListener("keydown", () => {{
    const pressed = performance.now()
    const look = () => last() === before ? setTimeout(look, 4)
      : requestAnimationFrame(() => done(performance.now() - pressed))
    look()
  }}, {{ once: true, capture: true }}))
}}"""


def step(page: Page, key: str) -> float:
    """Milliseconds from a press of this key to the new pictures."""
    page.evaluate(WATCH)
    page.keyboard.press(key)
    return page.evaluate("window.answer")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=CORRUPTIONS, default=list(CORRUPTIONS))
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        words = [sys.executable, "-m", "mnistcore", "train", "--preset", "notebook"]
        words += ["--epochs", "0.1", "--threads", "1", "--runs", str(scratch)]
        subprocess.run(words, cwd=ROOT, env=os.environ, check=True, capture_output=True)
        run = store.list_runs(scratch)[0]
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=str(scratch)))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        print("milliseconds from a step of the slider to new images and accuracies, two networks")
        print(f"{'':12}{'':>10}{'median':>9}{'slowest':>9}{'steps':>7}")
        every: list[float] = []
        for name in options.kinds:
            corruption = CORRUPTIONS[name]
            page.goto(
                f"{app}/evaluate?model={run.id}&look=Sunshine+and+snow&kind={corruption.title.lower()}"
                f"&{name}={corruption.identity:g}"
            )
            slider = page.get_by_role("slider")
            slider.wait_for(timeout=60_000)
            page.get_by_role("combobox", name="Beside it").click()
            page.get_by_role("option").first.click()
            page.get_by_role("img", name="a 9, read as").nth(1).wait_for(timeout=60_000)
            slider.focus()
            times = (
                len(corruption.severities) - 1 - corruption.severities.index(corruption.identity)
            )
            for what, key in (("first time", "ArrowRight"), ("again", "ArrowLeft")):
                took = [step(page, key) for _ in range(times)]
                every += took
                print(
                    f"{corruption.title if what == 'first time' else '':12}{what:>10}"
                    f"{statistics.median(took):9.0f}{max(took):9.0f}{len(took):7}",
                    flush=True,
                )
        within = sum(took <= 300 for took in every) / len(every)
        print(
            f"all {len(every)} steps: median {statistics.median(every):.0f}, 95th percentile "
            f"{statistics.quantiles(every, n=20)[-1]:.0f}; within 300 ms: {within:.1%}"
        )


if __name__ == "__main__":
    main()
