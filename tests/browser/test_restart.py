"""The server ends and starts again under open pages: what visitors see, and still have."""

from playwright.sync_api import Browser, Page, expect
from test_draw import SEVEN, draw, open_draw, press, says, sheet_picture
from visit import StartApp, becomes, settle, visit

SILENCE = "The server does not answer. This page goes on by itself as soon as it does."


def test_pages_say_that_the_server_is_gone_and_go_on_where_they_were(
    start_app: StartApp, browser: Browser
) -> None:
    first = start_app()
    port = int(first.address.rpartition(":")[2])
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        training, drawing = context.new_page(), context.new_page()
        visit(training, f"{first.address}/train?preset=notebook")
        training.get_by_role("radio", name="Slow").click()
        settle(training)
        training.get_by_role("button", name="Start").click()
        open_draw(drawing, first)
        draw(drawing, SEVEN)
        why = drawing.get_by_role("radio", name="Why this answer?")
        why.click()
        picture = sheet_picture(drawing)
        expect(training.get_by_text("images per second")).to_be_visible()
        first.kill()
        for page in (training, drawing):
            expect(page.get_by_text(SILENCE)).to_be_visible()
        second = start_app(port=port)
        for page in (training, drawing):
            goes_on(page)
        expect(why).to_be_checked()
        says(drawing, "This is a 7.")
        becomes(drawing, lambda: sheet_picture(drawing), picture)
        seen = training.get_by_text("images looked at").locator("..")
        expect(seen).not_to_have_text(seen.inner_text(), use_inner_text=True)  # it grows
        training.get_by_role("button", name="Stop").click()  # it is still theirs
        expect(training.get_by_text("Stopped.")).to_be_visible()

        training.close()
        press(drawing, "Sample")
        put = sheet_picture(drawing)
        drawing.get_by_role("link", name="Explore", exact=True).click()
        expect(drawing.get_by_role("heading", name="Explore")).to_be_visible()
        second.kill()
        start_app(port=port)
        goes_on(drawing)
        drawing.get_by_role("link", name="Draw", exact=True).click()
        settle(drawing)
        becomes(drawing, lambda: sheet_picture(drawing), put)
        assert put != picture


def goes_on(page: Page) -> None:
    """Without being loaded anew."""
    expect(page.get_by_text(SILENCE)).to_have_count(0)
    settle(page)
