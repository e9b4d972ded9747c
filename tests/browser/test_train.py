"""Training as a visitor sees it: started, watched, left, steered, killed, and found again."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from visit import App, StartApp, becomes, fits_its_width, settle, visit

from mnistcore.config import Defect, TrainConfig
from mnistcore.runs import store
from mnistcore.runs.store import Run, list_runs

# The sentence with which a run ends; the narrator says "It reads" on the way, too.
RESULT = re.compile(r"It reads .* of training\.")


def start(
    page: Page, address: str, preset: str, epochs: int | None = None, *, slowly: bool = False
) -> None:
    """Choose a preset on the Train page, perhaps change its epochs, and press Start.

    `slowly`: ten batches a second, until `at_full_speed`, so that it is not over before its time.
    """
    visit(page, f"{address}/train")
    page.get_by_role("radio", name=preset, exact=True).click()
    settle(page)
    if epochs:
        page.get_by_text("Change the recipe").click()
        field = page.get_by_label("Epochs", exact=True)
        field.fill(str(epochs))
        field.press("Enter")
        settle(page)
    if slowly:
        page.get_by_role("radio", name="Slow", exact=True).click()
        settle(page)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("images per second")).to_be_visible()


def at_full_speed(page: Page) -> None:
    """Let a run that was started slowly come to its end."""
    page.get_by_role("radio", name="Full speed", exact=True).click()


def newest(app: App) -> Run:
    return list_runs(app.runs)[0]


def images_seen(page: Page) -> int:
    """How far the drawn curve goes, by its text alternative."""
    words = page.locator("[aria-label^='Test accuracy went']").first.get_attribute("aria-label")
    return int(re.search(r"saw ([\d,]+)", words).group(1).replace(",", ""))


def test_a_run_is_started_its_curve_grows_and_it_ends_in_a_sentence(app: App, desktop: Page):
    start(desktop, app.address, "Notebook", epochs=20)  # some seconds
    chart = desktop.locator("[aria-label^='Test accuracy went']").first
    expect(chart).to_be_visible()  # others' runs may come first
    seen = {images_seen(desktop)}
    deadline = time.monotonic() + 90
    while not desktop.get_by_text(RESULT).count() and time.monotonic() < deadline:
        seen.add(images_seen(desktop))
        desktop.wait_for_timeout(300)
    assert len(seen) >= 3
    expect(desktop.get_by_text(RESULT)).to_contain_text("of 297 test images")
    settle(desktop)  # the sentence is there a moment before the last piece of the curve
    assert images_seen(desktop) == 29_920  # 187 batches of 8, twenty times
    tiles = desktop.locator("figure img[alt^='test image']")
    assert tiles.count() >= 12
    expect(desktop.get_by_role("button", name="Pause")).to_have_count(0)


def test_a_run_goes_on_when_its_visitor_leaves_and_is_found_again(app: App, browser: Browser):
    with browser.new_context() as context:
        page = context.new_page()
        start(page, app.address, "Notebook", epochs=6, slowly=True)
        page.get_by_role("link", name="Home").click()
        settle(page)
        page.get_by_role("link", name="Train").first.click()
        expect(page.get_by_text("images per second")).to_be_visible()
        address = page.url
        page.close()
        page = context.new_page()
        visit(page, address)
        at_full_speed(page)
        expect(page.get_by_text(RESULT)).to_be_visible()
        page.get_by_role("button", name="Train another").click()
        expect(page.get_by_text(re.compile("finished.*yours")).first).to_be_visible()


def test_a_run_is_paused_goes_on_is_stopped_and_resumed(app: App, desktop: Page):
    start(desktop, app.address, "Notebook", epochs=6, slowly=True)
    desktop.get_by_role("button", name="Pause").click()
    expect(desktop.get_by_text("Paused.")).to_be_visible()
    step = newest(app).status().progress.step
    desktop.wait_for_timeout(1500)
    assert newest(app).status().progress.step == step
    desktop.get_by_role("button", name="Go on").click()
    desktop.get_by_role("button", name="Stop").click()
    expect(desktop.get_by_text("Stopped.")).to_be_visible()
    stopped_at = newest(app).status().progress.step
    desktop.get_by_role("button", name="Resume").click()
    expect(desktop.get_by_text("Stopped.")).to_have_count(0)
    at_full_speed(desktop)
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=120_000)
    assert newest(app).status().state == "finished"
    assert newest(app).status().progress.step > stopped_at


def test_somebody_else_can_watch_but_not_steer(app: App, browser: Browser):
    with browser.new_context() as mine, browser.new_context() as theirs:
        owner, guest = mine.new_page(), theirs.new_page()
        start(owner, app.address, "Notebook", slowly=True)
        visit(guest, owner.url)
        expect(guest.get_by_text("Somebody else started this run")).to_be_visible()
        no_handles(guest)
        owner.get_by_role("button", name="Pause").dblclick()
        expect(guest.get_by_text("Paused.")).to_be_visible()
        no_handles(guest)
        owner.get_by_role("button", name="Stop").click()
        expect(guest.get_by_text("Stopped.")).to_be_visible()
        no_handles(guest)


def test_a_network_that_never_saw_a_seven_is_bet_on_and_evaluate_says_why(app: App, desktop: Page):
    visit(desktop, f"{app.address}/train?preset=never-saw-7&never-saw-7+epochs=3")
    desktop.get_by_text("Bet on it first").click()
    desktop.get_by_role("combobox", name="What will it take sevens for?").click()
    desktop.get_by_role("option", name="9", exact=True).click()
    settle(desktop)
    desktop.get_by_role("button", name="Start").click()
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    bet = re.compile(
        r"You bet that it takes sevens for nines: (right|not this time), \d+ of 30 are"
    )
    expect(desktop.get_by_text(bet)).to_be_visible()
    expect(desktop.get_by_text("Spoiled on purpose: no 7.", exact=True)).to_be_visible()
    expect(desktop.get_by_text("sevens in the test it reads none right; it takes")).to_be_visible()
    run = newest(app)
    assert run.train_config().defect == Defect("missing-class", 7)
    assert run.status().result.confusion[7][7] == 0
    desktop.get_by_role("link", name="How good is it really?").click()
    settle(desktop)
    expect(desktop.get_by_text("What it learned from was spoiled: no 7.")).to_be_visible()
    desktop.go_back()
    desktop.get_by_role("link", name="Draw it a 7, and teach it").click()
    expect(desktop.get_by_text("Write a 7: it has never seen one.")).to_be_visible()


def no_handles(page: Page) -> None:
    """Whoever sees this page has nothing in hand to change the run with."""
    settle(page)
    for name in ("Pause", "Go on", "Stop", "Resume", "Rename ...", "Delete ..."):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)


def test_a_run_that_was_deleted_in_another_tab_is_said_to_be_gone(app: App, browser: Browser):
    with browser.new_context() as context:
        one, other = context.new_page(), context.new_page()
        start(one, app.address, "Notebook", epochs=60)
        one.get_by_role("button", name="Stop").click()
        expect(one.get_by_text("Stopped.")).to_be_visible()
        visit(other, one.url)
        delete(other)
        expect(other.get_by_role("heading", name="Train", exact=True)).to_be_visible()
        # A run that could be resumed is looked at every two seconds: nobody has to press anything.
        expect(one.get_by_text("That run is no longer there.")).to_be_visible()


def delete(page: Page) -> None:
    """Delete the run that is open: with a second thought."""
    page.get_by_role("button", name="Delete ...").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()


def test_a_killed_server_and_worker_lose_nothing(
    start_app: StartApp, tmp_path: Path, desktop: Page
):
    first = start_app()
    start(desktop, first.address, "Notebook", epochs=6, slowly=True)
    run = newest(first)
    expect(desktop.get_by_text(re.compile(r"[1-9]\d*% done"))).to_be_visible()
    first.kill()
    os.kill(run.status().pid, signal.SIGKILL)
    second = start_app()
    visit(desktop, f"{second.address}/train?run={run.id}")
    expect(desktop.get_by_text("Interrupted.")).to_be_visible()
    at = run.status().progress.images
    assert at > 0
    desktop.get_by_role("button", name="Resume").click()
    at_full_speed(desktop)
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=120_000)
    becomes(desktop, lambda: images_seen(desktop) > at, True)


def test_a_run_is_renamed_compared_and_deleted(app: App, desktop: Page):
    start(desktop, app.address, "Too simple")
    expect(desktop.get_by_text(RESULT)).to_be_visible()
    desktop.get_by_role("button", name="Train another").click()
    settle(desktop)
    start(desktop, app.address, "Plain layers")
    expect(desktop.get_by_text(RESULT)).to_be_visible()
    desktop.get_by_test_id("stButton").filter(has_text="Too simple").first.click()
    settle(desktop)
    desktop.get_by_role("button", name="Rename ...").click()
    desktop.get_by_label("Name", exact=True).fill("My best")
    desktop.get_by_role("dialog").get_by_role("button", name="Rename", exact=True).click()
    expect(desktop.get_by_role("heading", name="My best")).to_be_visible()
    expect(desktop.get_by_role("dialog")).to_have_count(0)
    delete(desktop)
    expect(desktop.get_by_role("heading", name="Train")).to_be_visible()
    assert "My best" not in [run.name for run in list_runs(app.runs)]


def test_an_impossible_network_is_refused_before_it_is_trained(app: App, desktop: Page):
    visit(desktop, f"{app.address}/train?preset=Notebook")
    desktop.get_by_text("Change the recipe").click()
    slider = desktop.get_by_role("slider", name="Convolution layers")
    slider.focus()
    slider.press("ArrowRight")
    expect(desktop.get_by_text("pixels are left there")).to_be_visible()
    expect(desktop.get_by_role("button", name="Start")).to_be_disabled()


@pytest.mark.parametrize("preset", ["Notebook", "nonsense"])
def test_a_link_sets_the_preset_and_nonsense_is_ignored(app: App, desktop: Page, preset: str):
    visit(desktop, f"{app.address}/train?preset={preset}&run=nothing")
    expect(desktop.get_by_text("That run is no longer there.")).to_be_visible()
    words = "eight images at a time" if preset == "Notebook" else "shoot past"
    expect(desktop.get_by_text(words)).to_be_visible()


# Sums up, as the browser's own measure of it, how far things have jumped.
WATCH_SHIFTS = """
    window.shifted = 0
    new PerformanceObserver(list => {
        for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value
    }).observe({ type: "layout-shift" })
"""


def tops(page: Page) -> dict[str, float]:
    """Where the parts of a run are on the page, by what they are."""
    parts = {
        "progress": page.get_by_role("progressbar"),
        "figures": page.get_by_text("images per second").first,
        "first chart": page.get_by_test_id("stEChartsChart").first,
        "second chart": page.get_by_test_id("stEChartsChart").last,
        "learned from": page.get_by_text("Learned from", exact=True),
        "never seen": page.get_by_text("Never seen", exact=True),
        "runs": page.get_by_role("heading", name="Runs"),
    }
    for part in parts.values():  # a chart has no box until its script has drawn it
        expect(part).to_be_visible()
    return {name: top(part) for name, part in parts.items()}


def top(part: Locator) -> float:
    """Its y; what is being drawn anew has no box for a moment."""
    for _ in range(50):
        if box := part.bounding_box():
            return box["y"]
        part.page.wait_for_timeout(100)
    pytest.fail(f"it has no place on the page: {part}")


@pytest.mark.parametrize("kind", ["desktop", "phone"])
def test_nothing_moves_from_the_first_moment_of_a_run_to_its_end(
    app: App, kind: str, request: pytest.FixtureRequest
):
    page: Page = request.getfixturevalue(kind)
    page.add_init_script(WATCH_SHIFTS)
    start(page, app.address, "Fast")
    expect(page.get_by_text("Never seen", exact=True)).to_be_visible()
    first = tops(page)
    page.evaluate("window.shifted = 0")  # of the change of view, which the visitor asked for
    expect(page.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    settle(page)
    assert page.evaluate("window.shifted") < 0.1
    assert tops(page) == pytest.approx(first, abs=2)
    assert fits_its_width(page)


# Words that lie under a toolbar of a chart, which comes up wherever the pointer rests.
WORDS_COVERED = """() => {
    const boxes = [...document.querySelectorAll("[data-testid=stElementToolbar]")].map(bar =>
        bar.getBoundingClientRect())
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const covered = []
    while (walk.nextNode()) {
        const range = document.createRange()
        range.selectNodeContents(walk.currentNode)
        if (walk.currentNode.parentElement.closest("[data-testid=stElementToolbar]")) continue
        for (const words of range.getClientRects())
            if (words.width && boxes.some(box => words.left < box.right && words.right > box.left
                && words.top < box.bottom && words.bottom > box.top))
                covered.push(walk.currentNode.data)
    }
    return [boxes.length, covered]
}"""


def test_the_toolbar_of_a_chart_covers_no_words(app: App, desktop: Page):
    start(desktop, app.address, "Too simple")
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    for width in (1280, 1440):
        desktop.set_viewport_size({"width": width, "height": 800})
        settle(desktop)
        desktop.get_by_test_id("stEChartsChart").first.hover()
        expect(desktop.get_by_test_id("stElementToolbar").first).to_be_visible()
        count, covered = desktop.evaluate(WORDS_COVERED)
        assert (count > 0, covered) == (True, [])


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (390, 844)])
def test_start_and_what_it_starts_are_on_one_screen(app: App, desktop: Page, size: tuple[int, int]):
    page, (width, height) = desktop, size
    page.set_viewport_size({"width": width, "height": height})
    visit(page, f"{app.address}/train?preset=fast")
    page.get_by_role("radio", name="Slow", exact=True).click()  # so that it is not over too soon
    settle(page)
    page.get_by_test_id("stMain").evaluate("it => it.scrollTo(0, 0)")
    begin = page.get_by_role("button", name="Start", exact=True)
    expect(begin).to_be_in_viewport(ratio=1)
    begin.click()
    expect(page.get_by_text("images per second")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_in_viewport(ratio=1)
    expect(page.locator(".cloud .sky")).to_be_in_viewport(ratio=0.9)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()


def test_a_name_is_shown_letter_by_letter_whatever_is_in_it(app: App, desktop: Page):
    page = desktop
    name = "![x](//e.vil/a) https://e.vil :material/delete: **b** -> c"
    run = store.create_run(TrainConfig(), name=name, owner="somebody", folder=app.runs)
    store.write_json(run.path / "status.json", {"state": "stopped"})
    visit(page, f"{app.address}/train?run={run.id}")
    title = page.get_by_role("heading", level=1)
    expect(title).to_be_visible()
    assert title.inner_text().replace("\N{WORD JOINER}", "") == name
    listed = page.get_by_test_id("stButton").filter(has_text="e.vil").last
    assert listed.inner_text().replace("\N{WORD JOINER}", "") == name
    made = "img, a[href*='//'], b, strong, [data-testid=stIconMaterial]"
    for part in (title, listed):
        expect(part.locator(made)).to_have_count(0)
