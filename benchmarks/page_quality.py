"""How each page comes up: what moves under the eye, first content, and when it stands still.

    MNIST_DATA=... python benchmarks/page_quality.py [--loads 5] [--pages home ...] [--sources]

Starts a server of its own and opens each page in Chromium, on a desktop and on a phone, light and
dark: by its address, and by a click in the list of pages. Cumulative layout shift as in Web Vitals:
the largest session window, without what a visitor's input brought about. Medians.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from bars import Bars
from drawing_latency import ROOT, chromium, serve
from playwright.sync_api import Page, sync_playwright

PAGES = ("home", "explore", "train", "draw", "inside", "evaluate")
DEVICES = {"desktop": (1440, 900), "phone": (390, 844)}
MOST = 0.1  # cumulative layout shift that Web Vitals call good
QUIET = 1000  # milliseconds without a change, after which a page stands still

# `begin` is when the visit began, in milliseconds since the document did: 0, or the click.
WATCH = """
const visit = window.visit = { begin: 0, title: 0, last: 0, shifts: [] }
const main = "[data-testid=stMain]"
const words = (node) => {
  const part = (node?.nodeType === 1 ? node : node?.parentElement)?.closest("[data-testid]")
  return part ? `${part.dataset.testid}: ${part.textContent.slice(0, 30)}` : "?"
}
new PerformanceObserver((list) => {
  for (const { startTime, value, hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput)
      visit.shifts.push([startTime, value, sources.map(({ node }) => words(node))])
}).observe({ type: "layout-shift", buffered: true })
new MutationObserver(() => {
  visit.last = performance.now()
  const title = document.querySelector(`${main} h1`)
  if (title && !title.closest("[data-stale=true]") && document.title !== visit.before)
    visit.title ||= visit.last
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
"""
BEGIN = """() => {
  const begin = performance.now()
  Object.assign(visit, { begin, title: 0, last: begin, shifts: [], before: document.title })
}"""
STILL = f"""() => visit.title && performance.now() - visit.last > {QUIET} &&
  document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning" """


class Visit(NamedTuple):
    """One time that a page was opened."""

    shift: float
    content: float  # seconds until its title is there
    still: float  # seconds until nothing changes any more
    sources: Counter[str]  # shift by what moved


def seen(page: Page) -> Visit:
    """Wait until the page stands still, and tell what was seen."""
    page.wait_for_function(STILL, timeout=60_000)
    told = page.evaluate("visit")
    largest, window, first, before = 0.0, 0.0, -1e9, -1e9
    sources: Counter[str] = Counter()
    for at, value, moved in told["shifts"]:
        if at - before > 1000 or at - first > 5000:
            window, first = 0.0, at
        before, window = at, window + value
        largest = max(largest, window)
        sources.update(dict.fromkeys(moved, value))
    content, still = ((told[name] - told["begin"]) / 1000 for name in ("title", "last"))
    return Visit(largest, content, still, sources)


def visits(page: Page, app: str, name: str) -> Iterator[tuple[str, Visit]]:
    """The page by its address, and, from another one, by a click."""
    page.goto(f"{app}/{name.replace('home', '')}")
    yield "by address", seen(page)
    page.goto(f"{app}/{'draw' if name != 'draw' else 'explore'}")
    seen(page)
    if menu := page.get_by_test_id("stExpandSidebarButton").all():  # a phone
        menu[0].click()
        page.wait_for_timeout(500)
    page.evaluate(BEGIN)
    page.get_by_role("link", name=name.capitalize(), exact=True).first.click()
    yield "by click", seen(page)


def main() -> None:
    """Measure and print; a page that moves too much is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=PAGES)
    parser.add_argument("--themes", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--sources", action="store_true", help="also print what moved")
    options = parser.parse_args()
    bars = Bars()
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        app = stack.enter_context(serve(ROOT / "app.py", ROOT, MNIST_RUNS=scratch))
        playwright = stack.enter_context(sync_playwright())
        browser = chromium(playwright)
        for name in options.pages:
            for device, (width, height) in DEVICES.items():
                for theme in options.themes:
                    found: dict[str, list[Visit]] = {}
                    for _ in range(options.loads):
                        phone = device == "phone"
                        with browser.new_context(
                            viewport={"width": width, "height": height},
                            color_scheme=theme,
                            has_touch=phone,
                            is_mobile=phone,
                        ) as context:
                            context.add_init_script(WATCH)
                            for way, one in visits(context.new_page(), app, name):
                                found.setdefault(way, []).append(one)
                    for way, all_of in found.items():
                        shift, content, still = (
                            statistics.median(each[place] for each in all_of) for place in range(3)
                        )
                        bars.row(
                            f"{name}, {device}, {theme}, {way}",
                            f"shift <= {MOST:g}",
                            f"{shift:.3f}; title after {content:.1f} s, still after {still:.1f} s",
                            shift <= MOST,
                        )
                        if options.sources:
                            moved = sum((each.sources for each in all_of), Counter())
                            for what, value in moved.most_common(6):
                                print(f"    {value / len(all_of):.3f} {what!r}")
    sys.exit(bars.missed > 0)


if __name__ == "__main__":
    main()
