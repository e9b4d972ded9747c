"""Frames of a training: what they cost it, and how fast the stage shows them.

    MNIST_DATA=... python benchmarks/frames.py [--seconds 60] [--no-browser]

Without a browser: the share of the run's processor time that writing frames takes, and their
bytes, for three presets and the largest network that the form allows (each for at most --seconds).
With one: the stage's picture rate while a training runs, and the time from moving the slider to the
picture.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Page, sync_playwright

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.data.loading import load_dataset
from mnistcore.inspection.frames import recorded_steps
from mnistcore.presets import PRESETS
from mnistcore.runs.quota import folder_size
from mnistcore.training.frame_recorder import FrameRecorder
from mnistcore.training.trainer import Trainer

LARGEST = NetworkConfig((), (2_048, 1_440, 256))  # within a hair of MAX_PARAMS


def cost(name: str, config: TrainConfig, seconds: float) -> None:
    """Train with frames, on one thread, and print what these took."""
    torch.set_num_threads(1)
    training = Trainer(replace(config, threads=1), *load_dataset("mnist"))
    with tempfile.TemporaryDirectory() as scratch:
        recorder = FrameRecorder(Path(scratch) / "frames", training)
        training.stops = frozenset(recorder.steps)
        took = 0.0
        begun = time.thread_time()  # processor time: what else the machine does counts for neither
        for _ in training:
            started = time.thread_time()
            recorder.record_if_due()
            took += time.thread_time() - started
            if training.seconds > seconds:
                break
        whole = time.thread_time() - begun
        folder = Path(scratch) / "frames"
        print(
            f"{name:12} {whole:6.1f} s of a processor, {training.step:,} of "
            f"{training.total_steps:,} steps; {len(recorded_steps(folder))} frames: "
            f"{took:.2f} s, {took / whole:.1%}, {folder_size(folder) / 1e6:.1f} MB"
        )


# Counts the pictures that the browser draws in two seconds.
RATE = """() => new Promise((done) => {
  let pictures = 0
  const begun = performance.now()
  const tick = () => {
    pictures += 1
    const passed = performance.now() - begun
    if (passed < 2000) requestAnimationFrame(tick)
    else done(1000 * pictures / passed)
  }
  requestAnimationFrame(tick)
})"""

# Moves the slider to a place; milliseconds until that moment has been drawn.
MOVE = """(place) => new Promise((done) => {
  const find = (root, name) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.matches(name)) return each
      const found = each.shadowRoot && find(each.shadowRoot, name)
      if (found) return found
    }
  }
  const cloud = find(document, ".cloud"), slider = cloud.querySelector("input")
  const before = cloud.dataset.step, begun = performance.now()
  slider.value = Math.round(place * slider.max)
  slider.dispatchEvent(new Event("input"))
  const tick = () => {
    if (cloud.dataset.step === before) requestAnimationFrame(tick)
    else requestAnimationFrame(() => done(performance.now() - begun))
  }
  requestAnimationFrame(tick)
})"""


def watched(page: Page, app: str) -> None:
    """Train the preset Fast in the app and print how the stage moves."""
    page.goto(f"{app}/train")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".cloud[data-step]").wait_for(timeout=60_000)
    print(f"pictures a second while it trains: {page.evaluate(RATE):.0f}")
    page.get_by_text("of training.").first.wait_for(timeout=300_000)
    page.wait_for_timeout(5_000)
    moves = [page.evaluate(MOVE, number / 23) for number in (2, 9, 4, 20, 7, 15, 1, 12, 18, 5)]
    print(f"slider to picture: {statistics.median(moves):.0f} ms (median of {len(moves)})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--no-browser", action="store_true")
    options = parser.parse_args()
    for name in ("fast", "notebook", "memoriser"):
        cost(PRESETS[name].title, PRESETS[name].config, options.seconds)
    cost("the largest", TrainConfig(LARGEST, batch_size=64), options.seconds)
    if options.no_browser:
        return
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=scratch))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        watched(browser.new_page(viewport={"width": 1440, "height": 900}), app)


if __name__ == "__main__":
    main()
