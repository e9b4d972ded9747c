"""Where one arrives: a page at its top, a link's target, and by Back the place that was left."""

import json
import re

import pytest
from playwright.sync_api import Page, expect
from visit import App, settle, untrained_run, visit

from mnistcore.presets import PRESETS
from mnistcore.runs import store

WIDTHS = pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Page:
    """That of the fixture `request.param`."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def run(app: App) -> str:
    """A run that is over, on a page longer than a screen."""
    made = untrained_run(app)
    result = {"test_accuracy": 0.5, "train_accuracy": 0.5, "test_count": 300, "train_count": 300}
    progress = {"step": 1, "steps": 1, "images": 64}
    guesses = [[n, 0, 0.5] for n in range(18)]
    status = {"state": "finished", "result": result, "progress": progress, "guesses": guesses}
    store.write_json(made.path / "status.json", status)
    (made.path / "metrics.jsonl").write_text(json.dumps(progress))
    return made.id


def at_home(page: Page) -> None:
    """Wait for Home with all of its ideas."""
    expect(page.get_by_role("heading", name="See a network learn to read")).to_be_visible()
    expect(page.get_by_role("heading", name="9. Six steps")).to_be_visible()
    settle(page)


def scrolled(page: Page) -> float:
    """How many pixels of the page are above the screen."""
    return page.get_by_test_id("stMain").evaluate("part => part.scrollTop")


def stays(page: Page, place: float) -> None:
    """The page comes to this place, and is still there when all has been drawn."""
    page.wait_for_function(
        "place => Math.abs(document.querySelector('[data-testid=stMain]').scrollTop - place) < 2",
        arg=place,
    )
    page.wait_for_timeout(1500)
    assert scrolled(page) == pytest.approx(place, abs=2)


def shows(page: Page, number: int) -> None:
    """The heading of an idea comes to stand below the bar at the top, and stays there."""
    seen = """number => {
        const heading = document.getElementById(`idea-${number}`)
        const { top, bottom, left } = heading.getBoundingClientRect()
        const front = document.elementFromPoint(left + 5, (top + bottom) / 2)
        return heading.contains(front) && top < innerHeight / 4
    }"""
    page.wait_for_function(seen, arg=number)
    page.wait_for_timeout(300)
    assert page.evaluate(seen, number)


def choose(page: Page, title: str) -> None:
    """Take a page from the list, which a phone shows behind a button."""
    listed = page.get_by_test_id("stTopNavLink").filter(has_text=title)
    if not listed.count():
        page.get_by_test_id("stExpandSidebarButton").click()
        listed = page.get_by_test_id("stSidebar").get_by_role("link", name=title)
    listed.click()
    expect(page).to_have_title(re.compile(title))
    settle(page)


@WIDTHS
def test_each_of_the_contents_of_home_leads_to_its_idea(app: App, page: Page):
    visit(page, app.address)
    at_home(page)
    for number in range(1, 10):
        page.locator(f"a[href='#idea-{number}']").first.click()
        shows(page, number)
    choose(page, "Explore")
    choose(page, "Home")
    at_home(page)
    link = page.locator("a[href='#idea-7']").first
    link.focus()
    left = scrolled(page)
    link.press("Enter")
    shows(page, 7)
    there = scrolled(page)
    page.go_back()
    stays(page, left)
    page.go_forward()
    stays(page, there)


@WIDTHS
def test_the_address_of_an_idea_leads_to_it_and_whoever_reads_on_stays_there(app: App, page: Page):
    visit(page, f"{app.address}/#idea-7")
    at_home(page)
    shows(page, 7)
    page.get_by_role("button", name="10 steps", exact=True).click()
    settle(page)
    stays(page, scrolled(page))
    expect(page.get_by_role("button", name="10 steps", exact=True)).to_be_in_viewport()


@WIDTHS
def test_a_page_begins_at_its_top_and_back_returns_to_where_it_was_left(
    app: App, page: Page, run: str
):
    visit(page, f"{app.address}/train?run={run}")
    links = (
        page.get_by_role("button", name="Draw a digit for it"),
        page.get_by_role("link", name="How good is it really?"),
    )
    for link in links:
        link.evaluate("link => link.scrollIntoView({ block: 'center' })")
        assert scrolled(page) > 100
        link.click()
        expect(link).to_have_count(0)
        settle(page)
        stays(page, 0)
        page.go_back()
        expect(link).to_be_in_viewport()
        settle(page)
    choose(page, "Explore")
    stays(page, 0)


@pytest.mark.parametrize("look", ["Figures", "Mix-ups"])
def test_back_shows_the_page_as_it_was_set(app: App, desktop: Page, run: str, look: str):
    visit(desktop, f"{app.address}/evaluate?model={run}")
    desktop.get_by_role("radio", name=look).click()
    settle(desktop)
    if look == "Mix-ups":  # whose link has an address with parameters of its own
        desktop.get_by_role("link", name=re.compile("in Explore")).first.click()
        expect(desktop).to_have_title(re.compile("Explore"))
        settle(desktop)
    else:
        choose(desktop, "Explore")
    desktop.go_back()
    expect(desktop.get_by_role("radio", name=look)).to_be_checked()
    settle(desktop)
    expect(desktop.get_by_role("radio", name=look)).to_be_checked()


@WIDTHS
def test_one_step_back_from_any_link_of_home_is_home(app: App, page: Page):
    visit(page, app.address)
    at_home(page)
    links = page.get_by_test_id("stMain").get_by_test_id("stPageLink").get_by_role("link")
    names = links.all_inner_texts()
    assert len(names) == 18  # three cards, the game, ten of the ideas, and four to lessons
    narrow = page.viewport_size["width"] < 600
    for place, name in list(enumerate(names[:15]))[narrow::2]:  # every other one on each screen
        unit = "unit=" in links.nth(place).get_attribute("href")  # one to be brought into view
        links.nth(place).click()
        expect(page.get_by_role("heading", name="9. Six steps")).to_have_count(0)
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert unit or scrolled(page) == 0, name
        page.go_back()
        at_home(page)
        expect(page).to_have_url(re.compile(r"^\w+://[^/]+/([?#].*)?$"))


def test_back_leads_to_the_place_that_was_left(app: App, desktop: Page):
    visit(desktop, app.address)
    at_home(desktop)
    link = desktop.get_by_role("link", name="Watch “Too simple” learn")
    link.scroll_into_view_if_needed()
    expect(link).to_be_in_viewport()
    link.click()
    expect(desktop.get_by_role("button", name="Start")).to_be_visible()
    settle(desktop)
    desktop.go_back()
    at_home(desktop)
    expect(link).to_be_in_viewport()


def test_on_a_phone_the_list_of_pages_goes_when_one_is_chosen(app: App, phone: Page):
    visit(phone, f"{app.address}/draw")
    menu = phone.get_by_test_id("stSidebar")
    phone.get_by_test_id("stExpandSidebarButton").click()
    menu.get_by_role("link", name="Explore").click()
    expect(phone.get_by_role("heading", name="Explore")).to_be_visible()
    expect(menu).to_have_attribute("data-collapsed", "true")


def test_a_training_image_and_a_test_image_do_not_follow_each_other_by_back(
    app: App, desktop: Page
):
    box = desktop.get_by_role("spinbutton", name="Index, 0 to")
    visit(desktop, f"{app.address}/inside?index=5")
    expect(box).to_have_value("5")
    settle(desktop)
    expect(desktop).to_have_url(re.compile(r"\?test_image=5$"))  # today's name
    choose(desktop, "Explore")
    expect(desktop.get_by_role("heading", name="Explore")).to_be_visible()
    expect(box).to_have_value("0")
    box.fill("10")
    box.press("Enter")
    expect(desktop.get_by_text("Training image 10:")).to_be_visible()
    desktop.go_back()
    expect(desktop.get_by_role("heading", name="Inside")).to_be_visible()
    expect(box).to_have_value("5")
    desktop.go_forward()
    expect(desktop.get_by_text("Training image 10:")).to_be_visible()
    expect(desktop).to_have_url(re.compile("index=10"))


def test_back_returns_to_the_recipe_that_was_left(app: App, desktop: Page):
    visit(desktop, f"{app.address}/train?preset=Plain+layers&plain+dense=1")
    watch = desktop.get_by_text(PRESETS["too-simple"].watch_for[:40])
    expect(desktop).to_have_url(re.compile("preset=plain"))
    expect(desktop.get_by_text("Your own recipe, begun from Plain layers")).to_be_visible()
    desktop.get_by_role("radio", name="Too simple").click()
    expect(watch).to_be_visible()
    settle(desktop)
    expect(desktop).to_have_url(re.compile("preset=too-simple"))
    choose(desktop, "Explore")
    desktop.go_back()
    expect(watch).to_be_visible()
