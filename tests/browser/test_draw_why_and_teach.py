"""Asking why, teaching one's own hand, and photographs, in a real browser."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect
from test_draw import SEVEN, answer, draw, on_screen, open_draw, press, says, sheet, swipe, upload
from visit import App, StartApp, fits_its_width, settle, stands_still

from mnistcore.models.checkpoint import load_network

WHY, TEACH = "Why this answer?", "Teach it my handwriting"


def choose(page: Page, group: str, option: str) -> None:
    """One tap in a row of choices."""
    row = page.get_by_test_id("stButtonGroup").filter(has_text=group)
    row.get_by_text(option, exact=True).click()
    settle(page)


def shot(page: Page) -> str:
    """The heat map, as it is on screen."""
    picture = page.get_by_alt_text("Ink that spoke for")
    return str(picture.get_attribute("src"))


def test_asking_why_shows_the_ink_and_any_other_digit_can_be_asked_for(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    choose(desktop, "And now?", WHY)
    expect(desktop.get_by_text("as you drew it")).to_be_in_viewport()
    expect(desktop.get_by_text(re.compile(r"In all, (blue|orange) is"))).to_be_attached()
    for words in ("as you drew it", "redrawn with a pen", "Of the first"):
        expect(desktop.get_by_text(words)).to_be_visible()
    first = shot(desktop)
    choose(desktop, "and not another digit", "3")
    expect(desktop.get_by_alt_text("for a 7 in blue, for a 3 in orange")).to_be_visible()
    assert shot(desktop) != first
    press(desktop, "Clear")
    expect(desktop.get_by_text("here you will see why")).to_be_visible()
    desktop.get_by_test_id("stMain").evaluate("it => it.scrollTo(0, 0)")
    draw(desktop, SEVEN)  # the answer and the reasons follow the pen
    expect(desktop.get_by_alt_text("Ink that spoke for")).to_be_visible()
    choose(desktop, "And now?", WHY)  # no more
    stands_still(desktop)
    at = desktop.get_by_test_id("stMain").evaluate("it => it.scrollTop")
    desktop.evaluate("setInterval(() => document.body.dispatchEvent(new Event('wheel')), 20)")
    choose(desktop, "And now?", WHY)
    expect(desktop.get_by_alt_text("Ink that spoke for")).to_be_visible()
    stands_still(desktop)
    assert desktop.get_by_test_id("stMain").evaluate("it => it.scrollTop") == at  # by hand


def test_reasons_and_lessons_fit_a_phone(app: App, phone: Page) -> None:
    open_draw(phone, app)
    for stroke in SEVEN:
        swipe(phone, on_screen(phone, stroke))
    choose(phone, "And now?", WHY)
    expect(phone.get_by_text("Of the first")).to_be_visible()
    expect(phone.get_by_text("as you drew it")).to_be_in_viewport()
    stands_still(phone)  # it scrolls there by itself, which would undo the scrolling below
    assert fits_its_width(phone)
    digits = phone.get_by_test_id("stButtonGroup").filter(has_text="Wrong?").get_by_role("radio")
    boxes = digits.evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
    assert [len({round(box[side]) for box in boxes}) for side in ("x", "y")] == [5, 2]
    assert min(box["height"] for box in boxes) >= 40  # pixels
    main = phone.get_by_test_id("stMain")
    main.evaluate("it => it.scrollTo(0, 390)")
    digits.last.scroll_into_view_if_needed()  # as a tap would
    at = main.evaluate("it => it.scrollTop")
    choose(phone, "Wrong?", "9")
    expect(phone.get_by_text("Kept: this is a 9.").last).to_be_in_viewport()  # first: only heard
    assert main.evaluate("it => it.scrollTop") == at  # what is seen already needs no scrolling
    expect(phone.get_by_role("button", name="Teach", exact=True)).to_be_visible()
    assert fits_its_width(phone)


def test_a_correction_is_learned_kept_for_its_owner_and_undone(
    start_app: StartApp, desktop: Page
) -> None:
    app = start_app()
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    says(desktop, "This is a 7.")
    choose(desktop, "Wrong?", "4")
    desktop.get_by_role("button", name="Teach", exact=True).click()
    expect(desktop.get_by_text("Before and after")).to_be_visible()
    settle(desktop)
    expect(answer(desktop).locator("p")).to_contain_text("a 4")
    expect(desktop.get_by_text("1 of 1")).to_be_visible()
    expect(desktop).to_have_url(re.compile("model="))
    press(desktop, "Take it home")
    with desktop.expect_download() as download:
        desktop.get_by_role("button", name="network.safetensors").click()
    assert load_network(download.value.path()).card.result.fine_tune.labels == (4,)
    with desktop.expect_download() as download:
        desktop.get_by_role("button", name="notebook.ipynb").click()
    assert "load_file" in download.value.path().read_text()  # no recipe alone leads to it
    with desktop.expect_download() as download:
        desktop.get_by_role("button", name="network.html").click()
    assert re.search(r'"drawing":\[\[\[\[\d', download.value.path().read_text())
    desktop.keyboard.press("Escape")
    assert len(list(app.runs.glob("*/lessons.jsonl"))) == 1

    press(desktop, "Undo the teaching")
    says(desktop, "This is a 7.")
    assert not list(app.runs.glob("*/lessons.jsonl"))


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (390, 844)])
def test_a_lesson_is_given_beside_the_sheet_and_its_outcome_is_seen_there(
    app: App, browser: Browser, size: tuple[int, int]
) -> None:
    with browser.new_context(viewport={"width": size[0], "height": size[1]}) as context:
        page = context.new_page()
        open_draw(page, app)
        choose(page, "And now?", TEACH)
        expect(page.get_by_text("Draw a digit, then tap which one it is.")).to_be_visible()
        expect(sheet(page)).to_be_in_viewport(ratio=1)  # whatever one scrolled
        draw(page, SEVEN)
        choose(page, "Which digit", "4")
        expect(page.get_by_text("You wrote a 7? But you tapped 4.")).to_be_in_viewport(ratio=0.99)
        together(page, "Yes, it is a 7", "No, keep it as a 4")
        press(page, "No, keep it as a 4")
        expect(page.get_by_text("Write one digit here")).to_be_visible()  # the sheet is free
        together(page, "Teach", "Back to the answer")
        page.get_by_role("button", name="Teach", exact=True).click()
        outcome = re.compile("^(It has learned|It needs more of these)")  # a lie is hard to teach
        expect(page.get_by_text(outcome).first).to_be_visible()
        settle(page)
        expect(answer(page)).to_contain_text("before your teaching")
        expect(answer(page)).to_be_in_viewport(ratio=0.99)
        expect(sheet(page)).to_be_in_viewport(ratio=0.99)


def together(page: Page, *names: str) -> None:
    """Nobody has to scroll between the sheet and these buttons."""
    for name in names:
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_in_viewport(ratio=0.99)
    expect(sheet(page)).to_be_in_viewport(ratio=0.99)


def test_the_bars_move_while_the_network_learns(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    choose(desktop, "Wrong?", "4")
    desktop.evaluate(
        """() => {
            window.seen = new Set()
            new MutationObserver(() => {
                const said = document.querySelector("section[aria-label=Answer]")?.innerText
                if (said) seen.add(said)
            }).observe(document.body, { subtree: true, childList: true, characterData: true })
        }"""
    )
    desktop.get_by_role("button", name="Teach", exact=True).click()
    expect(desktop.get_by_text("It has learned.")).to_be_visible()
    assert desktop.evaluate("seen.size") > 4  # answers, from the first to the last


def photograph() -> bytes:
    """A 7 on grey paper, written with a thin pen, in uneven light, askew and grainy."""
    paper = Image.new("L", (600, 800), 255)
    ImageDraw.Draw(paper).line([(160, 240), (430, 240), (260, 600)], fill=0, width=16)
    ink = np.asarray(paper.rotate(6, fillcolor=255)) / 255
    down, across = np.mgrid[0:1:800j, 0:1:600j]
    noise = np.random.default_rng(3).normal(0, 0.02, ink.shape)
    seen = (0.3 + 0.5 * ink) * (0.55 + 0.3 * across + 0.15 * down) + noise
    file = io.BytesIO()
    Image.fromarray(np.uint8(seen.clip(0, 1) * 255)).save(file, "JPEG", quality=80)
    return file.getvalue()


def test_a_photograph_is_read_and_asked_why_and_the_camera_waits_for_a_wish(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    upload(desktop, "photo.jpg", photograph())
    read = desktop.get_by_role("region", name="Answer").last
    expect(read.locator("p")).to_have_text("This is a 7.")
    desktop.get_by_text(WHY, exact=True).last.click()
    expect(desktop.get_by_alt_text("Ink that spoke for a 7")).to_be_visible()
    settle(desktop)
    expect(desktop.get_by_test_id("stCameraInput")).to_have_count(0)
    choose(desktop, "Take it from", "The camera")
    expect(desktop.get_by_test_id("stCameraInput")).to_be_visible()
