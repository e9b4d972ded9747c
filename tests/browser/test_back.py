"""The browser's Back: from a page that Home's links opened, one step leads back to Home."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from visit import App, settle, visit

WAIT = 30_000  # ms: as a loaded machine may need


def at_home(page: Page) -> None:
    """Wait for Home with all of its ideas."""
    expect(page.get_by_role("heading", name="See a network learn to read")).to_be_visible(
        timeout=WAIT
    )
    expect(page.get_by_role("heading", name="9. Six steps")).to_be_visible(timeout=60_000)
    settle(page)


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_one_step_back_from_any_link_of_home_is_home(
    app: App, width: str, request: pytest.FixtureRequest
):
    page: Page = request.getfixturevalue(width)
    visit(page, app.address)
    at_home(page)
    links = page.get_by_test_id("stMain").get_by_test_id("stPageLink").get_by_role("link")
    names = links.all_inner_texts()
    assert len(names) == 13  # three cards and ten ideas
    for place, name in enumerate(names):
        links.nth(place).click()
        expect(page.get_by_role("heading", name="9. Six steps")).to_have_count(0, timeout=WAIT)
        settle(page)
        page.go_back()
        at_home(page)
        assert urlsplit(page.url).path == "/", name


def test_back_leads_to_the_place_that_was_left(app: App, desktop: Page):
    visit(desktop, app.address)
    at_home(desktop)
    link = desktop.get_by_role("link", name="Watch “Too simple” learn")
    link.scroll_into_view_if_needed()
    expect(link).to_be_in_viewport()
    link.click()
    expect(desktop.get_by_role("button", name="Start")).to_be_visible(timeout=WAIT)
    settle(desktop)
    desktop.go_back()
    at_home(desktop)
    expect(link).to_be_in_viewport(timeout=WAIT)


def test_on_a_phone_the_list_of_pages_goes_when_one_is_chosen(app: App, phone: Page):
    visit(phone, f"{app.address}/draw")
    menu = phone.get_by_test_id("stSidebar")
    phone.get_by_test_id("stExpandSidebarButton").click()
    menu.get_by_role("link", name="Explore").click()
    expect(phone.get_by_role("heading", name="Explore")).to_be_visible(timeout=WAIT)
    expect(menu).to_have_attribute("data-collapsed", "true", timeout=WAIT)
