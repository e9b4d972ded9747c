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
