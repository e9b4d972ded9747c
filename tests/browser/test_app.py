"""The frame, on servers that have only just started."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from visit import App, StartApp, settle, visit

PAGES = ["Home", "Explore", "Train", "Draw"]
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


@pytest.mark.parametrize("address", ["", "explore?digit=3", "train", "nonsense"])
def test_a_cold_server_opens_every_address_with_the_whole_frame(
    start_app: StartApp, desktop: Page, address: str
) -> None:
    visit(desktop, f"{start_app().address}/{address}")
    for page in PAGES:
        expect(desktop.get_by_test_id("stTopNavLink").filter(has_text=page)).to_be_visible()
    if "?" in address:
        expect(desktop).to_have_url(re.compile(re.escape(address) + "$"))


def test_a_visitor_is_the_same_after_closing_the_tab_and_restarting_the_server(
    start_app: StartApp, browser: Browser, tmp_path: Path
) -> None:
    with browser.new_context() as context:
        tokens = []
        for _ in range(2):
            server, page = start_app(), context.new_page()
            visit(page, server.address)
            visit(page, server.address)
            assert "learn" not in page.evaluate("document.cookie")
            tokens += [each["value"] for each in context.cookies() if "learn" in each["name"]]
            page.close()
            server.kill()
        assert len(tokens) == 2
        assert tokens[0] == tokens[1]


def test_who_came_when_scripts_could_read_the_token_keeps_it_out_of_their_reach(
    app: App, browser: Browser
) -> None:
    with browser.new_context() as context:
        old = {"name": "see_a_network_learn", "value": "0f" * 16, "sameSite": "Strict"}
        context.add_cookies([old | {"url": app.address}])
        page = context.new_page()
        visit(page, app.address)
        assert "learn" not in page.evaluate("document.cookie")
        (kept,) = (each for each in context.cookies() if "learn" in each["name"])
        assert kept["value"] == old["value"]
        assert kept["httpOnly"]


def test_a_script_that_found_its_way_into_a_page_is_not_run(app: App, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        visit(page, app.address)
        page.evaluate(
            """() => {
            const script = document.createElement("script")
            script.textContent = "window.caught = 1"
            const picture = document.createElement("img")
            picture.setAttribute("onerror", "window.caught = 2")
            picture.src = "nothing.png"
            document.body.append(script, picture)
            }"""
        )
        page.wait_for_timeout(500)
        assert page.evaluate("window.caught") is None


def test_a_page_that_streamlit_gave_up_comes_back(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/explore?view=Grey+values")
    for _ in range(2):
        settle(desktop)
        desktop.evaluate("document.getElementById('root').firstChild.remove()")  # as it does
        heading = desktop.get_by_role("heading", name="Explore", exact=True)
        expect(heading).to_be_visible()
        desktop.evaluate("sessionStorage.removeItem('revived')")  # else it waits for half a minute
    settle(desktop)
    page, state = desktop.get_by_test_id("stApp"), "data-test-connection-state"
    page.evaluate(f"it => it.setAttribute('{state}', 'DISCONNECTED_FOREVER')")
    expect(page).to_have_attribute(state, "CONNECTED")
    expect(desktop).to_have_url(re.compile(r"view=Grey\+values$"))


def test_without_data_and_network_the_app_shows_what_it_has_and_says_so(
    start_app: StartApp, desktop: Page, tmp_path: Path
) -> None:
    visit(desktop, f"{start_app(data=tmp_path / 'empty', **NO_NETWORK).address}/explore")
    expect(desktop.get_by_test_id("stAlert")).to_contain_text("1,797 small digits, not MNIST")
    expect(desktop.get_by_role("button", name="Try again")).to_be_visible()
    expect(desktop.get_by_role("heading", name="Training image 0")).to_be_visible()
