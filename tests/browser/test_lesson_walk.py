"""Lessons: every step is walked; the bar is out of the way."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect
from visit import App, fits_its_width, settle, visit

from pages.common import lessons, links, state

# The app's network, what is asked once, and a slider at its start are not kept in an address.
SETTLES_ELSEWHERE = {state.MODEL, state.DRAW_MORE, state.INSIDE_ATTACK.changed}


@pytest.mark.parametrize("name", lessons.files())
def test_every_step_opens_what_it_says_and_shows_what_it_looks_for(
    app: App, desktop: Page, name: str
) -> None:
    lesson = lessons.read(lessons.files()[name])
    visit(desktop, f"{app.address}/?lesson={name}")
    for number, step in enumerate(lesson.steps, 1):
        title = re.compile(re.escape(f"{number} of {len(lesson.steps)}. {step.title}"))
        expect(desktop.get_by_role("link", name=title)).to_be_visible()
        assert step.look_for not in step.do  # which stands in the bar
        seen = desktop.get_by_text(step.look_for).filter(visible=True)
        expect(seen.first).to_be_in_viewport()
        expect(desktop.get_by_text(step.do)).to_be_visible()
        settle(desktop)
        address = urlsplit(desktop.url)
        said = dict(parse_qsl(address.query))
        wanted = links.from_address(step.address).parameters | {"lesson": name, "at": str(number)}
        assert address.path == urlsplit(step.address).path
        assert {each: said.get(each) for each in wanted.keys() - SETTLES_ELSEWHERE} == {
            each: wanted[each] for each in wanted.keys() - SETTLES_ELSEWHERE
        }
        if number < len(lesson.steps):
            desktop.get_by_role("link", name="Next").click()


def test_the_bar_leaves_the_sheet_and_the_phone_their_room(app: App, phone: Page) -> None:
    visit(phone, f"{app.address}/draw?lesson=class&at=6")
    bar, sheet = phone.locator(".st-key-lesson-bar"), phone.locator(".st-key-sheet")
    assert fits_its_width(phone)
    low = sheet.bounding_box()
    assert low["y"] + low["height"] < bar.bounding_box()["y"]
    for name in ("Back", "Next"):
        box = phone.get_by_role("link", name=name).bounding_box()
        assert min(box["width"], box["height"]) >= 40
    phone.get_by_role("link", name="Next").click()
    expect(phone.get_by_role("link", name="7 of 10.")).to_be_visible()
    phone.go_back()
    expect(phone.get_by_role("link", name="6 of 10.")).to_be_visible()
    visit(phone, f"{app.address}/explore?lesson=class&at=6")  # off the path
    phone.get_by_role("link", name="Back to this step: Draw").click()
    expect(sheet).to_be_visible()
    phone.get_by_role("button", name="Leave").click()
    expect(bar).to_have_count(0)
    settle(phone)
    assert "lesson" not in phone.url and "at=" not in phone.url
    phone.go_back()
    expect(phone.get_by_role("link", name="6 of 10.")).to_be_visible()


def test_what_is_printed_is_the_worksheet_alone(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/lesson?lesson=class&show=Worksheet")
    sheet = desktop.locator(".st-key-worksheet")
    expect(sheet.get_by_role("listitem")).to_have_count(15)
    assert "26 letters" not in sheet.inner_text()
    desktop.emulate_media(media="print")
    for other in ("stHeader", "stCaptionContainer", "stButtonGroup"):
        expect(desktop.get_by_test_id(other).filter(visible=True)).to_have_count(0)
    pages = re.findall(rb"/Type */Page\b", desktop.pdf(format="A4"))
    assert len(pages) == 2
