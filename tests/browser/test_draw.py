"""Drawing by mouse and by finger, and what the page says of it, in a real browser."""

import io
import math
import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect
from visit import App, becomes, changes, fits_its_width, settle, stands_still, visit

from mnistcore.config import TrainConfig
from mnistcore.runs import queue, store

Stroke = Sequence[tuple[float, float]]  # shares of the canvas: to the right, down

ONE: list[Stroke] = [[(0.5, 0.2), (0.5, 0.85)]]
SEVEN: list[Stroke] = [[(0.25, 0.25), (0.72, 0.25), (0.42, 0.85)]]
HEART: list[Stroke] = [
    [(0.5, 0.8), (0.2, 0.5), (0.2, 0.3), (0.35, 0.2), (0.5, 0.38)],
    [(0.5, 0.38), (0.65, 0.2), (0.8, 0.3), (0.8, 0.5), (0.5, 0.8)],
]
ZERO: list[Stroke] = [
    [(0.5 + 0.18 * math.sin(turn / 2), 0.55 - 0.3 * math.cos(turn / 2)) for turn in range(14)]
]


def open_draw(page: Page, app: App, query: str = "") -> None:
    visit(page, f"{app.address}/draw{query}")
    expect(sheet(page)).to_be_visible()
    expect(answer(page)).to_be_visible()
    settle(page)


def sheet(page: Page) -> Locator:
    return page.locator("canvas.upper-canvas")


def answer(page: Page) -> Locator:
    return page.get_by_role("region", name="Answer").first


def says(page: Page, words: str) -> None:
    expect(answer(page).locator("p")).to_have_text(words)


def draw(page: Page, strokes: list[Stroke]) -> None:
    """With the mouse; the sheet must be in view."""
    for stroke in strokes:
        press_and_move(page, stroke)
        page.mouse.up()
    heard(page)


def press_and_move(page: Page, stroke: Stroke) -> None:
    """With the mouse, whose button stays down."""
    first, *others = on_screen(page, stroke)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point, steps=8)


def heard(page: Page) -> None:
    """Wait until the sheet waits for no answer."""
    expect(sheet(page)).not_to_have_attribute("data-waiting", "true")
    settle(page)


def on_screen(page: Page, stroke: Stroke) -> list[tuple[float, float]]:
    box = sheet(page).bounding_box()
    assert box
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


class Fingers:
    """On the glass, through the browser's own input; each finger is one point."""

    def __init__(self, page: Page) -> None:
        self.devtools = page.context.new_cdp_session(page)

    def touch(self, kind: str, *where: tuple[float, float]) -> None:
        """kind: touchStart, touchMove, touchEnd or touchCancel."""
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(where)]
        self.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def swipe(page: Page, points: Sequence[tuple[float, float]], end: str = "touchEnd") -> None:
    """With one finger."""
    fingers = Fingers(page)
    at = points[0]
    fingers.touch("touchStart", at)
    for goal in points[1:]:
        for k in range(1, 9):
            way = (at[axis] + (goal[axis] - at[axis]) * k / 8 for axis in (0, 1))
            fingers.touch("touchMove", tuple(way))
        at = goal
    fingers.touch(end)
    heard(page)


def scrolled(page: Page) -> float:
    return page.get_by_test_id("stMain").evaluate("part => part.scrollTop + window.scrollY")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    heard(page)


def test_a_digit_drawn_with_the_mouse_is_read(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    for strokes, digit in (ONE, 1), (SEVEN, 7), (ZERO, 0):
        says(desktop, "Draw a digit first.")
        draw(desktop, strokes)
        says(desktop, f"This is a {digit}.")
        expect(answer(desktop)).to_contain_text(re.compile(rf"{digit}\s*(9|10)\d %"))
        press(desktop, "Clear")


def test_a_digit_drawn_with_a_finger_is_read_and_nothing_scrolls(app: App, phone: Page) -> None:
    open_draw(phone, app)
    assert fits_its_width(phone)
    for stroke in SEVEN:
        swipe(phone, on_screen(phone, stroke))
    says(phone, "This is a 7.")
    assert scrolled(phone) == 0
    expect(answer(phone).locator("p")).to_be_in_viewport()

    for beside in (386.0, 720.0), (386.0, 500.0):  # the same finger scrolls where no sheet is
        stands_still(phone)
        before = scrolled(phone)
        swipe(phone, [beside, (beside[0], beside[1] - 150)])
        becomes(phone, lambda above=before: scrolled(phone) > above, True)


def test_a_finger_can_start_in_every_corner_of_the_paper(app: App, phone: Page) -> None:
    open_draw(phone, app)
    inset = 0.03
    for x in (inset, 1 - inset):
        for y in (inset, 1 - inset):
            before = answer(phone).inner_html()
            swipe(phone, on_screen(phone, [(x, y), (0.5, 0.55)]))
            changes(phone, lambda: answer(phone).inner_html(), before)


def test_undo_takes_strokes_away_one_by_one_and_clear_all(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    alone = answer(desktop).inner_html()
    draw(desktop, [[(0.3, 0.6), (0.7, 0.6)]])
    changes(desktop, lambda: answer(desktop).inner_html(), alone)
    press(desktop, "Undo")
    becomes(desktop, lambda: answer(desktop).inner_html(), alone)
    press(desktop, "Undo")
    says(desktop, "Draw a digit first.")
    press(desktop, "Undo")  # there is nothing left to undo
    draw(desktop, SEVEN)
    press(desktop, "Clear")
    says(desktop, "Draw a digit first.")
    draw(desktop, SEVEN)
    becomes(desktop, lambda: answer(desktop).inner_html(), alone)


def test_control_z_takes_a_stroke_away_and_the_buttons_are_reached_by_keyboard(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    draw(desktop, [*SEVEN, [(0.3, 0.6), (0.7, 0.6)]])
    both = answer(desktop).inner_html()
    desktop.keyboard.press("Control+z")
    changes(desktop, lambda: answer(desktop).inner_html(), both)
    heard(desktop)
    says(desktop, "This is a 7.")
    desktop.keyboard.press("Tab")
    desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("button", name="Clear the sheet")).to_be_focused()
    desktop.keyboard.press("Enter")
    says(desktop, "Draw a digit first.")


def test_a_digit_is_drawn_by_keys_alone_and_the_page_does_not_scroll(
    app: App, browser: Browser
) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 600}) as context:
        page = context.new_page()
        open_draw(page, app)
        for _ in range(40):
            page.keyboard.press("Tab")
            if sheet(page).evaluate("canvas => canvas.matches(':focus-visible')"):
                break
        cursor, told = page.locator(".paper i"), page.locator(".paper output")
        before = scrolled(page)
        expect(cursor).to_be_visible()
        expect(told).to_contain_text("Arrows move it, space puts it down.")
        page.keyboard.press("Space")
        expect(told).to_contain_text("Pen down, 50 % across, 25 % down.")
        for _ in range(12):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        expect(told).to_contain_text("Pen down, 50 % across, 74 % down.")
        page.keyboard.press("Space")
        expect(told).to_contain_text("Pen up")
        page.keyboard.press("ArrowLeft")
        heard(page)
        says(page, "This is a 1.")
        assert scrolled(page) == before
        page.keyboard.press("Space")  # a stroke that ends when the sheet is left
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Undo the last stroke")).to_be_focused()
        expect(cursor).to_be_hidden()
        heard(page)
        page.keyboard.press("Enter")
        heard(page)
        says(page, "This is a 1.")


def test_a_sample_digit_comes_as_strokes_in_place_of_what_is_on_the_sheet(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    draw(desktop, [[(0.2, 0.2), (0.2, 0.8)], [(0.7, 0.2), (0.7, 0.8)]])
    says(desktop, "One at a time: it reads single digits.")
    press(desktop, "Take a sample digit")
    expect(answer(desktop).get_by_text("%")).to_have_count(10)
    sample = sheet_picture(desktop), answer(desktop).inner_html()
    draw(desktop, [[(0.1, 0.1), (0.9, 0.9)]])
    changes(desktop, lambda: sheet_picture(desktop), sample[0])
    press(desktop, "Undo")
    becomes(desktop, lambda: (sheet_picture(desktop), answer(desktop).inner_html()), sample)
    press(desktop, "Clear")
    says(desktop, "Draw a digit first.")


def test_dots_are_ink_but_no_digit(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    hint = desktop.get_by_text("Write one digit here")
    expect(hint).to_be_visible()
    empty = sheet_picture(desktop)
    sheet(desktop).click()
    heard(desktop)
    changes(desktop, lambda: sheet_picture(desktop), empty)
    expect(hint).to_be_hidden()
    sheet(desktop).dblclick(position={"x": 100, "y": 150})
    heard(desktop)
    says(desktop, "That is too little ink to be a digit: draw it larger.")
    for _ in range(3):
        press(desktop, "Undo")
    becomes(desktop, lambda: sheet_picture(desktop), empty)
    expect(hint).to_be_visible()


def test_the_answer_moves_while_the_pen_is_still_down(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    press_and_move(desktop, [(0.25, 0.25), (0.72, 0.25), (0.6, 0.45)])
    expect(answer(desktop).locator("p")).not_to_have_text("Draw a digit first.")
    (x, y), last = on_screen(desktop, [(0.42, 0.85), (0.419, 0.852)])
    desktop.mouse.move(x, y, steps=8)
    desktop.mouse.move(*last)
    desktop.mouse.up()
    heard(desktop)
    says(desktop, "This is a 7.")


def test_the_pen_may_leave_the_sheet_and_come_back(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, [[(0.5, 0.5), (1.3, 0.5), (1.3, 0.8), (0.5, 0.8)]])
    right = sheet(desktop).evaluate(
        """canvas => {
            const ink = canvas.getContext("2d").getImageData(canvas.width - 3, 0, 1, canvas.height)
            const rows = [...Array(canvas.height).keys()].filter(y => ink.data[4 * y + 3] > 128)
            return rows.map(y => Math.round(10 * y / canvas.height))
        }"""
    )
    assert set(right) == {5, 8}  # up to the edge and from the edge, and no ink along it
    press(desktop, "Undo")
    press(desktop, "Undo")
    says(desktop, "Draw a digit first.")


def test_a_second_finger_does_not_draw_and_a_touch_that_is_called_off_ends_the_stroke(
    app: App, phone: Page
) -> None:
    open_draw(phone, app)
    fingers = Fingers(phone)
    (top, middle, bottom), palm = on_screen(phone, [(0.5, 0.2), (0.5, 0.5), (0.5, 0.85)]), (60, 500)
    fingers.touch("touchStart", top)
    fingers.touch("touchMove", middle)
    fingers.touch("touchStart", middle, palm)
    fingers.touch("touchMove", bottom, (palm[0] + 200, palm[1] - 30))
    fingers.touch("touchEnd")
    heard(phone)
    says(phone, "This is a 1.")
    press(phone, "Undo")
    says(phone, "Draw a digit first.")  # it was one stroke
    swipe(phone, on_screen(phone, SEVEN[0]), end="touchCancel")
    says(phone, "This is a 7.")


def test_the_sheet_is_sharp_and_as_large_as_there_is_room_for(
    app: App, browser: Browser, desktop: Page
) -> None:
    open_draw(desktop, app)
    becomes(desktop, lambda: sheet(desktop).bounding_box()["width"], pytest.approx(480, abs=1))
    screen = {"width": 390, "height": 844}
    with browser.new_context(viewport=screen, device_scale_factor=3, is_mobile=True) as context:
        page = context.new_page()
        open_draw(page, app)
        width = sheet(page).bounding_box()["width"]
        assert width > 300
        assert sheet(page).evaluate("canvas => canvas.width") == pytest.approx(3 * width, abs=2)
        expect(answer(page).locator("p")).to_be_in_viewport()
        draw(page, SEVEN)
        page.set_viewport_size({"width": 844, "height": 390})  # turned to its side
        expect(sheet(page)).not_to_have_js_property("width", round(3 * width))
        says(page, "This is a 7.")
        page.get_by_test_id("stMain").evaluate("it => it.scrollTo(0, 0)")
        for part in (sheet(page), page.get_by_role("button", name="Clear")):
            expect(part).to_be_in_viewport(ratio=1)
        assert fits_its_width(page)


def test_the_sheet_its_buttons_and_the_whole_answer_are_on_the_screen_together(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    draw(desktop, HEART)
    for width, height in (1440, 900), (1280, 720), (390, 844):
        desktop.set_viewport_size({"width": width, "height": height})
        desktop.get_by_test_id("stMain").evaluate("it => it.scrollTo(0, 0)")
        for part in (sheet(desktop), desktop.get_by_role("button", name="Clear"), answer(desktop)):
            expect(part).to_be_in_viewport(ratio=0.99)


# Whether a share ends on the screen, and the bar before it is long enough to be read.
HAS_ROOM = """share => share.getBoundingClientRect().right <= innerWidth
    && share.previousElementSibling.getBoundingClientRect().width > 60"""


def test_every_bar_has_its_length_and_its_percentage_at_every_width(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    shares = answer(desktop).get_by_text(re.compile(r"^\d+ %$"))
    for width in (1000, 720, 390, 320):
        desktop.set_viewport_size({"width": width, "height": 900})
        expect(shares).to_have_count(10)
        becomes(desktop, lambda: shares.evaluate_all(f"all => all.every({HAS_ROOM})"), True)


def test_what_is_no_digit_gets_hatched_bars_and_two_digits_get_none(
    app: App, desktop: Page
) -> None:
    open_draw(desktop, app)
    hatched = answer(desktop).locator("[style*='repeating-linear-gradient']")
    draw(desktop, SEVEN)
    expect(hatched).to_have_count(0)
    press(desktop, "Clear")
    draw(desktop, HEART)
    expect(answer(desktop).locator("p")).to_contain_text("If it had to choose")
    expect(hatched).to_have_count(10)
    expect(answer(desktop).get_by_text("If it had to choose.", exact=True)).to_be_visible()
    press(desktop, "Clear")
    draw(desktop, [[(0.2, 0.2), (0.2, 0.8)], [(0.7, 0.2), (0.7, 0.8)]])
    says(desktop, "One at a time: it reads single digits.")
    expect(answer(desktop).get_by_text("%")).to_have_count(0)


def test_the_drawing_stays_as_it_is_when_the_theme_changes(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    before = sheet_picture(desktop)
    paper = desktop.locator(".paper")
    expect(paper).to_have_css("background-color", "rgb(255, 255, 255)")
    desktop.emulate_media(color_scheme="dark")
    background = desktop.get_by_test_id("stApp")
    expect(background).to_have_css("background-color", "rgb(16, 22, 31)")
    expect(paper).to_have_css("background-color", "rgb(255, 255, 255)")
    becomes(desktop, lambda: sheet_picture(desktop), before)
    says(desktop, "This is a 7.")


def test_two_tabs_have_a_sheet_each(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    other = desktop.context.new_page()
    open_draw(other, app)
    says(other, "Draw a digit first.")
    draw(other, ONE)
    says(other, "This is a 1.")
    desktop.bring_to_front()
    draw(desktop, [[(0.35, 0.55), (0.62, 0.55)]])
    says(desktop, "This is a 7.")


def test_the_drawing_is_still_there_after_a_visit_to_another_page(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    before, picture = answer(desktop).inner_html(), sheet_picture(desktop)
    desktop.get_by_role("link", name="Explore", exact=True).click()
    expect(desktop.get_by_role("heading", name="Explore")).to_be_visible()
    settle(desktop)
    desktop.get_by_role("link", name="Draw", exact=True).click()
    expect(answer(desktop)).to_be_visible()
    settle(desktop)
    becomes(desktop, lambda: answer(desktop).inner_html(), before)
    becomes(desktop, lambda: sheet_picture(desktop), picture)
    press(desktop, "Undo")
    says(desktop, "Draw a digit first.")


def sheet_picture(page: Page) -> str:
    """What is on the sheet, once it has been painted."""
    return sheet(page).evaluate(
        """canvas => new Promise(done =>
            requestAnimationFrame(() => setTimeout(() => done(canvas.toDataURL()))))"""
    )


def test_the_width_of_the_pen_does_not_change_the_answer(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    thin = answer(desktop).inner_text(), sheet_picture(desktop)
    press(desktop, "Clear")
    slider = desktop.get_by_role("slider", name="Pen width")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    settle(desktop)
    draw(desktop, SEVEN)
    becomes(desktop, lambda: answer(desktop).inner_text(), thin[0])
    changes(desktop, lambda: sheet_picture(desktop), thin[1])


def test_the_answer_changes_by_itself_while_its_network_learns(
    app: App, desktop: Page, mnist_folder: Path
) -> None:
    recipe = TrainConfig(epochs=400, batch_size=64, learning_rate=1e-4)
    run = store.create_run(recipe, dataset="mnist", data=mnist_folder, owner="me", folder=app.runs)
    queue.dispatch(run.path.parent)
    try:
        deadline = time.monotonic() + 60
        while not run.checkpoint.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        open_draw(desktop, app, f"?model={run.id}")
        expect(desktop.get_by_text("It is still learning")).to_be_visible()
        draw(desktop, SEVEN)
        before = answer(desktop).inner_text()
        expect(answer(desktop)).not_to_have_text(before, use_inner_text=True)
    finally:
        run.send("stop", "me")
    expect(desktop.get_by_text("It is still learning")).to_have_count(0)
    draw(desktop, [[(0.3, 0.6), (0.7, 0.6)]])  # and goes on reading


def upload(page: Page, name: str, content: bytes) -> None:
    chooser = page.locator("input[type=file]")
    if not chooser.count() or not page.get_by_test_id("stFileUploader").is_visible():
        page.get_by_text("Read a picture instead").click()
    chooser.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
    expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    settle(page)


def seven_on_paper() -> bytes:
    picture = Image.new("L", (300, 400), 225)
    ImageDraw.Draw(picture).line([(80, 120), (210, 120), (130, 300)], fill=40, width=14)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_an_uploaded_picture_is_read(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    upload(desktop, "seven.png", seven_on_paper())
    uploaded = desktop.get_by_role("region", name="Answer").last
    expect(uploaded.locator("p")).to_have_text("This is a 7.")
    says(desktop, "Draw a digit first.")  # the sheet is another matter


def test_a_file_that_is_no_picture_gets_one_sentence(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    contents = {"junk": b"not a picture", "empty": b"", "torn": seven_on_paper()[:200]}
    said = desktop.get_by_test_id("stAlert")
    for name, content in contents.items():
        upload(desktop, f"{name}.png", content)
        expect(said).to_contain_text("cannot be read as a picture")
        desktop.get_by_role("button", name=f"Remove {name}.png").click()
        expect(said).to_have_count(0)
        settle(desktop)
    sheet(desktop).scroll_into_view_if_needed()
    draw(desktop, SEVEN)
    says(desktop, "This is a 7.")
