"""The frame, on a server that has only just started."""

import pytest
from playwright.sync_api import Page, expect
from visit import StartApp, visit


@pytest.mark.parametrize("address", ["", "explore?digit=3", "nonsense"])
def test_a_cold_server_opens_every_address_with_the_whole_frame(
    start_app: StartApp, desktop: Page, address: str
) -> None:
    visit(desktop, f"{start_app().address}/{address}")
    links = desktop.get_by_test_id("stSidebarNavLink")
    expect(links.first).to_contain_text("Home")
    expect(links.nth(1)).to_contain_text("Explore")
