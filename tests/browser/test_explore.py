"""Explore in a real browser: what its pictures do under a mouse, a finger and a keyboard."""

import re

from playwright.sync_api import Page, expect
from visit import App, settle, visit

from mnistcore.data.digits import Digits
from pages.common.text import with_article

Parts = tuple[Digits, Digits]


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text)).to_be_visible()


def name(part: str, digits: Digits, index: int) -> str:
    return f"{part} image {index}, {with_article(int(digits.labels[index]))}"


def test_an_index_in_the_address_shows_the_image_as_numbers(
    app: App, desktop: Page, digits: Parts
) -> None:
    visit(desktop, f"{app.address}/explore?index=10")
    heading(desktop, f"Training image 10: {with_article(int(digits[0].labels[10]))}")
    shown = desktop.get_by_role("img", name=name("training", digits[0], 10)).locator("span")
    expect(shown).to_have_count(784)
    values = [int(each) for each in shown.all_inner_texts()]
    assert values == digits[0].images[10].flatten().tolist()


def test_a_click_opens_an_image_and_the_address_says_which(
    app: App, desktop: Page, digits: Parts
) -> None:
    visit(desktop, f"{app.address}/explore?set=test")
    desktop.get_by_role("button", name=name("test", digits[1], 7)).click()
    heading(desktop, f"Test image 7: {with_article(int(digits[1].labels[7]))}")
    settle(desktop)
    expect(desktop).to_have_url(re.compile("index=7"))
    desktop.reload()
    heading(desktop, f"Test image 7: {with_article(int(digits[1].labels[7]))}")


def test_the_keyboard_walks_the_grid(app: App, desktop: Page, digits: Parts) -> None:
    visit(desktop, f"{app.address}/explore")
    desktop.get_by_role("button", name=name("training", digits[0], 0)).focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        desktop.keyboard.press(key)
    heading(desktop, f"Training image 9: {with_article(int(digits[0].labels[9]))}")
    settle(desktop)
    desktop.keyboard.press("ArrowRight")
    expect(desktop.get_by_role("button", name=name("training", digits[0], 10))).to_be_focused()


def test_a_phone_shows_the_whole_digit_first_and_its_numbers_when_asked(
    app: App, phone: Page, digits: Parts
) -> None:
    visit(phone, f"{app.address}/explore?index=10")
    large = phone.get_by_role("img", name=name("training", digits[0], 10))
    first = large.locator("span").first
    expect(first).to_have_css("font-size", "0px")
    assert large.evaluate(
        "it => [it.scrollWidth - it.clientWidth, it.scrollHeight - it.clientHeight]"
    ) == [0, 0]
    phone.get_by_role("button", name="Read its numbers").tap()
    assert float(first.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")) >= 14
    phone.get_by_role("button", name="Whole digit").tap()
    expect(first).to_have_css("font-size", "0px")


def test_a_tap_on_a_phone_brings_the_large_picture_into_view(
    app: App, phone: Page, digits: Parts
) -> None:
    visit(phone, f"{app.address}/explore")
    phone.get_by_role("button", name=name("training", digits[0], 5)).tap()
    large = phone.get_by_role("img", name=name("training", digits[0], 5))
    expect(large).to_be_in_viewport()


def test_a_digit_and_a_page_show_the_right_images(app: App, desktop: Page, digits: Parts) -> None:
    visit(desktop, f"{app.address}/explore")
    desktop.get_by_role("radiogroup", name="Digit").get_by_role("radio", name="3").click()
    settle(desktop)
    desktop.get_by_role("button", name="Page 2", exact=True).click()
    settle(desktop)
    threes = (digits[0].labels == 3).nonzero().flatten().tolist()
    heading(desktop, f"Training image {threes[0]}: a 3")
    for index in threes[64:66]:
        expect(desktop.get_by_role("button", name=f"training image {index}, a 3")).to_be_visible()


def test_the_page_is_as_it_was_when_the_visitor_comes_back(
    app: App, desktop: Page, digits: Parts
) -> None:
    visit(desktop, f"{app.address}/explore?set=test&index=12")
    for page in ("Home", "Explore"):
        desktop.get_by_test_id("stTopNavLink").filter(has_text=page).click()
        settle(desktop)
    heading(desktop, f"Test image 12: {with_article(int(digits[1].labels[12]))}")


def test_the_oddest_of_a_digit_opens_on_a_click(app: App, desktop: Page, digits: Parts) -> None:
    visit(desktop, f"{app.address}/explore?set=test&view=Typical+and+odd&digit=4&page=2")
    expect(desktop.get_by_text("The oddest 4s")).to_be_visible()
    shown = desktop.get_by_role("button", name=re.compile(r"test image \d+, a 4"))
    oddest = shown.nth(-16)  # the last sixteen are the odd ones
    name_of_it = oddest.get_attribute("aria-label")
    oddest.click()
    heading(desktop, name_of_it[0].upper() + name_of_it[1:].replace(", a", ": a"))
    large = desktop.get_by_role("img", name=name_of_it).locator("span")
    expect(large).to_have_count(784)
    settle(desktop)
    expect(desktop.locator("button[aria-pressed=true]")).to_have_accessible_name(name_of_it)


def test_changes_are_shuffled_and_the_rest_of_the_page_stays(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/explore?view=Small+changes")
    last = desktop.get_by_role("img", name="changed, still a").last
    before = last.get_attribute("style")
    desktop.get_by_role("button", name="Shuffle again").click()
    expect(last).not_to_have_attribute("style", before)
    heading(desktop, "Training image 0")


def test_nonsense_in_the_address_is_ignored(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/explore?index=99999999&digit=eleven&set=&page=-3&view=up")
    heading(desktop, "Training image 0")
