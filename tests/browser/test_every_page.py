"""What holds for every page, whatever is shown on it."""

import pytest
from playwright.sync_api import Page, expect
from visit import App, fits_its_width, run_without_frames, visit

PAGES = {
    "": "home=1&set=moon",
    "explore": "set=moon&digit=99&index=-4&page=x&view=moon",
    "train": "preset=moon&run=moon",
    "draw": "model=moon&pen=9999&more=moon",
    "inside": "model=moon&picture=moon&index=-4&layer=moon&unit=99999&map=moon",
    "evaluate": "model=moon&look=moon&true=99&said=x&kind=moon&rotate=1000",
}
VIEWS = {  # and how many charts are on them
    "": 0,
    "explore": 0,
    "explore?view=All+together": 1,
    "explore?view=Typical+and+odd": 0,
    "explore?view=Small+changes": 0,
    "explore?view=Grey+values": 1,
    "train": 0,
    "train?run=RUN": 2,
    "draw": 0,
    "inside": 0,
    "inside?map=t-SNE&layer=answer": 0,
    "evaluate?model=RUN": 0,
    "evaluate?model=RUN&look=Would+you+have+known%3F": 0,
    "evaluate?model=RUN&look=Mix-ups": 0,
    "evaluate?model=RUN&look=Figures": 2,
    "evaluate?model=RUN&look=Sunshine+and+snow": 1,
}
CHARTS = "[data-testid=stPlotlyChart], [data-testid=stEChartsChart]"
UNNAMED = "img:not([alt]), [role=img]:not([aria-label]):not([aria-labelledby])"
ALTERNATIVE = "xpath=descendant-or-self::*[string-length(@aria-label) > 12]"


@pytest.fixture(scope="module")
def run(app: App) -> str:
    """The id of a run that is over."""
    return run_without_frames(app).id


@pytest.mark.parametrize(("view", "charts"), VIEWS.items())
def test_it_fits_a_phone_and_says_in_words_what_its_pictures_show(
    app: App, phone: Page, run: str, view: str, charts: int
) -> None:
    visit(phone, f"{app.address}/{view.replace('RUN', run)}")
    expect(phone.locator(CHARTS)).to_have_count(charts)
    for chart in phone.locator(CHARTS).all():
        expect(chart.locator("svg, canvas").first).to_be_attached()
        expect(chart.locator(ALTERNATIVE).first).to_be_attached()
    unnamed = phone.get_by_test_id("stMain").locator(UNNAMED)
    expect(unnamed).to_have_count(0)
    assert fits_its_width(phone)


@pytest.mark.parametrize(("page", "nonsense"), PAGES.items())
def test_an_address_that_makes_no_sense_is_ignored_politely_and_the_tab_key_reaches_a_control(
    app: App, desktop: Page, page: str, nonsense: str
) -> None:
    visit(desktop, f"{app.address}/{page}?{nonsense}")  # which fails if a script crashes
    expect(desktop.get_by_role("heading", level=1)).to_be_visible()
    expect(desktop.get_by_test_id("stAlertContentError")).to_have_count(0)
    reached = "a[href]:not([href^='#']), button, input, [role=slider], [role=radio]"
    for _ in range(20):
        desktop.keyboard.press("Tab")
        if desktop.evaluate(
            "controls => document.activeElement.closest('[data-testid=stMain]')"
            " && document.activeElement.matches(controls)",
            reached,
        ):
            break
    else:
        pytest.fail("the Tab key reaches none of the page's controls")
