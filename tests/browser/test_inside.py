"""Inside in a real browser: units opened by a click, and the map under a mouse and the keys."""

import re

from playwright.sync_api import Locator, Page, expect
from test_draw import SEVEN, draw, open_draw
from visit import App, settle, visit

from mnistcore.data.digits import Digits

Parts = tuple[Digits, Digits]


def the_map(page: Page) -> Locator:
    return page.get_by_role("application", name="Map of")


def box(page: Page, label: str) -> Locator:
    return page.get_by_role("spinbutton", name=label)


def test_a_click_on_a_square_opens_that_unit_and_the_address_says_so(
    app: App, desktop: Page
) -> None:
    visit(desktop, f"{app.address}/inside?index=3")
    desktop.get_by_role("button", name="convolution 2, unit 9:").click()
    settle(desktop)
    expect(box(desktop, "Unit, 0 to")).to_have_value("9")
    expect(desktop.get_by_text("those of the other")).to_be_in_viewport()
    both = "layer=convolution.2.*unit=9|unit=9.*layer=convolution.2"
    expect(desktop).to_have_url(re.compile(both))


def test_pointing_at_the_map_shows_an_image_and_a_click_opens_it(
    app: App, desktop: Page, digits: Parts
) -> None:
    visit(desktop, f"{app.address}/inside")
    point = the_map(desktop).locator("text").nth(40)
    point.scroll_into_view_if_needed()
    place = point.bounding_box()
    assert place
    desktop.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    tip = desktop.get_by_role("status").filter(has_text="Test image")
    expect(tip).to_be_visible()
    index = int(re.search(r"Test image (\d+), a (\d)", tip.inner_text()).group(1))
    desktop.mouse.down()
    desktop.mouse.up()
    settle(desktop)
    expect(box(desktop, "Index")).to_have_value(str(index))
    expect(desktop.get_by_role("img", name="The picture", exact=True)).to_be_in_viewport()
    expect(desktop.get_by_text(f"A {int(digits[1].labels[index])}. The network")).to_be_visible()


def test_the_arrow_keys_walk_the_map_and_enter_opens(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/inside?index=5")
    the_map(desktop).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp"):
        desktop.keyboard.press(key)
    tip = desktop.get_by_role("status").filter(has_text="Test image")
    index = re.search(r"Test image (\d+)", tip.inner_text()).group(1)
    desktop.keyboard.press("Enter")
    settle(desktop)
    expect(box(desktop, "Index")).to_have_value(index)


def test_groups_form_before_ones_eyes_on_a_map_that_is_never_empty(
    app: App, desktop: Page, digits: Parts
) -> None:
    visit(desktop, f"{app.address}/inside")
    points = the_map(desktop).locator("text")
    before = points.nth(3).get_attribute("x")
    desktop.get_by_role("radio", name="In groups").click()
    expect(desktop.get_by_text("Neighbours stay together")).to_be_visible()
    expect(points).to_have_count(len(digits[1]))
    expect(desktop.get_by_text("The groups are forming")).to_have_count(0)
    settle(desktop)
    expect(points.nth(3)).not_to_have_attribute("x", before)
    expect(desktop).to_have_url(re.compile("map=t-SNE"))


def test_the_visitors_drawing_is_on_the_map_and_can_be_looked_into(app: App, desktop: Page) -> None:
    open_draw(desktop, app)
    draw(desktop, SEVEN)
    desktop.get_by_test_id("stTopNavLink").filter(has_text="Inside").click()
    settle(desktop)
    expect(the_map(desktop).get_by_text("your drawing")).to_be_visible()
    desktop.get_by_role("radio", name="Your drawing").click()
    settle(desktop)
    expect(desktop.get_by_text("Your drawing. The network reads a 7.")).to_be_visible()


def test_a_test_image_is_fooled_by_hand_with_undo_and_redo_and_then_by_the_machine(
    app: App, desktop: Page
) -> None:
    def said(words: str) -> None:
        spoken = desktop.get_by_role("status").filter(has_text=words)
        expect(spoken).to_be_visible()

    visit(desktop, f"{app.address}/inside?test_image=4&fool=You")
    sheet = desktop.get_by_role("img", name="Test image 4, ")
    sheet.scroll_into_view_if_needed()
    said("Nothing is changed yet.")
    box = sheet.bounding_box()
    assert box
    rows = [box["y"] + 11 * row + 5 for row in range(2, 26, 2)]
    desktop.mouse.move(box["x"] + 20, rows[0])
    desktop.mouse.down()
    for number, y in enumerate(rows):  # to and fro, down the sheet
        desktop.mouse.move(box["x"] + (290 if number % 2 else 20), y, steps=3)
    desktop.mouse.up()
    said("Half fooled")
    desktop.get_by_role("button", name="Undo").click()
    said("Nothing is changed yet.")
    desktop.get_by_role("button", name="Redo").click()
    said("Half fooled")
    spoken = desktop.get_by_role("status").filter(has_text="pixels changed")
    many = int(spoken.inner_text().split()[0])
    expect(desktop.get_by_role("button", name="To me it is still")).to_be_disabled()

    desktop.get_by_test_id("stButtonGroup").get_by_text("Eraser").click()
    settle(desktop)
    desktop.mouse.click(box["x"] + 153, rows[5])  # in the middle of the ink
    said("Half fooled")
    expect(desktop.get_by_role("status").filter(has_text=f"{many} pixels")).to_have_count(0)

    desktop.get_by_test_id("stButtonGroup").get_by_text("The machine").click()
    said("ooled: ")
    expect(desktop).to_have_url(re.compile(r"fool=The\+machine"))
    desktop.get_by_test_id("stButtonGroup").get_by_text("You", exact=True).click()
    said("Half fooled")
    desktop.get_by_role("button", name="Start over").click()
    said("Nothing is changed yet.")
    expect(sheet).to_be_visible()
