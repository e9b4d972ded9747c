"""Evaluate in a real browser: one test for each thing that a visitor can do there."""

import re

import pytest
from playwright.sync_api import Page, expect
from visit import App, clueless_run, settle, visit

from mnistcore.runs import store


@pytest.fixture
def clueless(app: App) -> str:
    """The address of the page with a network that has learned nothing, so it errs a lot."""
    return f"{app.address}/evaluate?model={clueless_run(app).id}"


def test_the_verdict_is_there_and_so_is_the_most_confident_mistake(clueless: str, desktop: Page):
    visit(desktop, clueless)
    expect(desktop.get_by_text("It has learned too little")).to_be_visible()
    expect(
        desktop.get_by_text(re.compile(r"It said \d, [\d.]+% sure\. It is a \d"))
    ).to_be_visible()
    tiles = desktop.get_by_role("button", name=re.compile(r"test image \d+, a \d, read as"))
    expect(tiles.first).to_have_attribute("aria-pressed", "true")
    name = tiles.nth(2).get_attribute("aria-label")
    tiles.nth(2).click()
    expect(desktop.get_by_role("img", name=name)).to_be_visible()


def test_a_cell_of_the_matrix_opens_its_images_by_mouse_and_by_keyboard(
    clueless: str, desktop: Page
):
    visit(desktop, f"{clueless}&look=Mix-ups&true=3&said=3")
    desktop.get_by_role("button", name=re.compile(r"^4 read as a 7")).click()
    heading = desktop.get_by_role("heading")
    expect(heading.filter(has_text="of a 4 read as a 7")).to_be_visible()
    settle(desktop)
    expect(desktop).to_have_url(re.compile("true=4"))
    expect(desktop).to_have_url(re.compile("said=7"))
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        desktop.keyboard.press(key)
    expect(heading.filter(has_text="of a 3 read as an 8")).to_be_visible()


def test_a_visitor_guesses_first_and_then_sees_the_label(clueless: str, desktop: Page):
    visit(desktop, f"{clueless}&look=Would+you+have+known?")
    expect(desktop.get_by_role("img", name="a test image")).to_be_visible()
    answer = desktop.get_by_text(re.compile(r"^(Yes, an? \d\.|It is meant to be an? \d\.)"))
    expect(answer).to_have_count(0)
    desktop.get_by_role("button", name="5", exact=True).click()
    expect(answer).to_be_visible()
    expect(desktop.get_by_text(re.compile(r"You knew [01] of 1"))).to_be_visible()
    desktop.get_by_role("button", name="Next").click()
    expect(answer).to_have_count(0)


def test_figures_have_titles_units_and_a_text_alternative(clueless: str, desktop: Page):
    visit(desktop, f"{clueless}&look=Figures")
    expect(desktop.get_by_text("percentage points on average")).to_be_visible()
    for words in ("Read right of each digit: 0:", "Share right by confidence:"):
        expect(desktop.locator(f"[aria-label^='{words}']").first).to_be_attached()


def test_a_step_of_the_slider_changes_images_accuracies_and_the_mark_in_the_curve(
    clueless: str, desktop: Page
):
    visit(desktop, f"{clueless}&look=Sunshine+and+snow&kind=invert&invert=0")
    chart = desktop.locator("[aria-label^='Share of the images read right']").first
    expect(chart).to_have_attribute("aria-label", re.compile("At 0: Clueless"))
    desktop.get_by_role("slider").focus()
    for _ in range(3):
        desktop.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-label", re.compile("At 15: Clueless"))
    settle(desktop)
    expect(desktop).to_have_url(re.compile("invert=15"))


def test_a_swipe_over_a_slider_scrolls_and_its_knob_still_slides(clueless: str, phone: Page):
    visit(phone, f"{clueless}&look=Sunshine+and+snow&kind=snow")
    slider, main = phone.get_by_role("slider"), phone.get_by_test_id("stMain")
    expect(slider).to_have_attribute("aria-valuetext", "30")
    settle(phone)
    finger = phone.context.new_cdp_session(phone)

    def swipe(share: float, right: float, down: float) -> None:
        """From `share` of the slider's width on, so many pixels."""
        box = (
            phone.get_by_test_id("stSlider")
            .locator("[data-orientation] [data-orientation]")
            .bounding_box()
        )
        x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
        touches = [("touchStart", 0.0), *(("touchMove", n / 10) for n in range(1, 11))]
        for kind, way in touches:
            points = [{"x": x + way * right, "y": y + way * down}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            phone.wait_for_timeout(20)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        phone.wait_for_timeout(500)

    for share in (0.7, 0.3):  # beside its knob, and on it
        swipe(share, 3, -200)
        assert main.evaluate("it => it.scrollTop") > 50
        expect(slider).to_have_attribute("aria-valuetext", "30")
        main.evaluate("it => it.scrollTo(0, 0)")
    swipe(0.3, 60, 4)
    expect(slider).not_to_have_attribute("aria-valuetext", "30")


def test_a_finished_run_leads_here(clueless: str, app: App, desktop: Page):
    run = store.list_runs(app.runs)[0]
    result = {"images": 1500, "test_accuracy": 0.1, "train_accuracy": 0.1, "test_count": 297}
    store.write_json(
        run.path / "status.json",
        {"state": "finished", "result": result | {"train_count": 1500, "seconds": 1}},
    )
    visit(desktop, f"{app.address}/train?run={run.id}")
    desktop.get_by_role("link", name="How good is it really?").click()
    expect(desktop.get_by_text("It has learned too little")).to_be_visible()
    expect(desktop).to_have_url(re.compile(f"model={run.id}"))
