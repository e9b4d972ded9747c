"""A whole visit in Chromium on real MNIST, told step by step; takes the README's pictures.

    MNIST_DATA=... python benchmarks/visit.py [--pictures .github/screenshots]

Looks at training image 10, trains the preset Fast to its end, draws a digit, and reads the answer
of the network that was just trained. Ends with status 1 if that answer is wrong.
"""

import argparse
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Page, expect, sync_playwright

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


def main() -> None:
    """Visit, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="folder for three screenshots")
    options = parser.parse_args()

    def picture(page: Page, name: str) -> None:
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(800)
            page.screenshot(path=options.pictures / f"{name}.png")

    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=scratch))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)

        page.goto(f"{app}/explore?index=10")
        title = page.get_by_role("heading", name=re.compile("image 10"))
        expect(title).to_be_visible(timeout=60_000)
        print(f"Explore: {title.inner_text().splitlines()[0]}")
        picture(page, "explore")

        page.goto(f"{app}/train")
        page.get_by_role("button", name="Start", exact=True).click()
        started = time.monotonic()
        page.wait_for_function("document.body.innerText.match(/[3-9]\\d% done/)", timeout=60_000)
        picture(page, "train")
        result = page.get_by_text(re.compile(r"It reads .* of training\."))
        expect(result).to_be_visible(timeout=300_000)
        print(f"Train: {result.inner_text()} ({time.monotonic() - started:.0f} s after Start)")

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
