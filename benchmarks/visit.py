"""A whole visit in Chromium on real MNIST, told step by step; takes the README's pictures.

    MNIST_DATA=... python benchmarks/visit.py [--pictures .github/screenshots]

Looks at training image 10, trains the preset Fast to its end, draws a digit, and reads the answer
of the network that was just trained. Ends with status 1 if that answer is wrong. For the pictures
it trains four times before, since the README shows the stage in light and dark, on a laptop and a
phone, and with twins; and it leaves the film of the last run.
"""

import argparse
import io
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from drawing_latency import ROOT, chromium, serve
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from mnistcore.data.loading import load_dataset
from mnistcore.inspection import frames
from mnistcore.runs import store
from mnistcore.viz import film

LAPTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
STAGES = {  # further pictures of a training: where it is watched, and what is trained
    "train-dark": (LAPTOP | {"color_scheme": "dark"}, "preset=fast"),
    "phone": (PHONE, "preset=fast"),
    "phone-dark": (PHONE | {"color_scheme": "dark"}, "preset=fast"),
    "twins": (LAPTOP, "preset=fast&twin=rate-up"),
}
MAX_FILM = 1_000_000  # bytes: it is loaded with the README

# A 3 as a hand draws it, in hundredths of the sheet's width.
THREE = [(35, 28), (48, 20), (62, 24), (64, 36), (54, 45), (46, 47), (58, 50)]
THREE += [(66, 60), (63, 74), (50, 81), (36, 78)]


def draw(page: Page, points: list[tuple[int, int]]) -> None:
    """Draw one stroke on the sheet with the mouse."""
    box = page.locator("canvas.upper-canvas").bounding_box()
    assert box
    side = box["width"] / 100
    places = [(box["x"] + x * side, box["y"] + y * side) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def train(page: Page, address: str) -> float:
    """Press Start, and wait until a good part is done; gives the time of the press."""
    page.goto(address)
    page.get_by_role("button", name="Start", exact=True).click()
    pressed = time.monotonic()
    expect(page.get_by_text(re.compile(r"[3-9]\d% done")).first).to_be_visible(timeout=120_000)
    return pressed


def ended(page: Page) -> str:
    """Wait for the end of the training, and say what came of it."""
    result = page.get_by_text(re.compile(r"of training\.|test images\.$")).first
    expect(result).to_be_visible(timeout=300_000)
    return result.inner_text()


def record(run: store.Run, path: Path) -> None:
    """Write the film of a run."""
    film.MAX_BYTES = MAX_FILM
    test = load_dataset("mnist")[1]
    network = run.train_config().network
    read = (frames.read_frame(run.frames, step) for step in frames.recorded_steps(run.frames))
    surveyed = [frame.surveyed(network, test) for frame in read if frame]
    path.write_bytes(film.render_film(surveyed, test.labels, lambda done, of: None))


def main() -> None:
    """Visit, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="folder for the README's pictures")
    options = parser.parse_args()

    def picture(page: Page, name: str) -> None:
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(800)
            with Image.open(io.BytesIO(page.screenshot())) as taken:
                taken.save(options.pictures / f"{name}.webp", lossless=True, method=6)

    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=scratch))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        for name, (device, recipe) in STAGES.items() if options.pictures else ():
            with browser.new_context(**device) as context:
                page = context.new_page()
                train(page, f"{app}/train?{recipe}")
                picture(page, name)
                ended(page)
            store.list_runs(Path(scratch))[0].remove()  # else the next would be called "Fast (2)"

        page = browser.new_page(**LAPTOP)
        page.set_default_timeout(60_000)

        page.goto(f"{app}/explore?index=10")
        title = page.get_by_role("heading", name=re.compile("image 10"))
        expect(title).to_be_visible(timeout=60_000)
        print(f"Explore: {title.inner_text().splitlines()[0]}")
        picture(page, "explore")

        started = train(page, f"{app}/train?preset=fast")
        picture(page, "train")
        print(f"Train: {ended(page)} ({time.monotonic() - started:.0f} s after Start)")
        if options.pictures:
            record(store.list_runs(Path(scratch))[0], options.pictures / "film.gif")

        page.get_by_role("button", name="Draw a digit for it").click()
        page.locator("canvas.upper-canvas").wait_for()
        page.wait_for_timeout(2000)
        draw(page, THREE)
        page.wait_for_timeout(1500)  # it answers while the pen moves: its last word counts
        answer = page.get_by_text(re.compile(r"^This is an? \d\.$"))
        expect(answer).to_be_visible(timeout=30_000)
        print(f"Draw: {answer.inner_text()}")
        picture(page, "draw")
        sys.exit(0 if answer.inner_text() == "This is a 3." else 1)


if __name__ == "__main__":
    main()
