"""What one acts on and what answers it are on the screen together: Explore, Inside, Evaluate."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from visit import App, clueless_run, settle, visit

SCREENS = {"projector": (1280, 720), "desktop": (1440, 900), "phone": (390, 844)}
Find = Callable[[Page], Locator]


@pytest.fixture(scope="module")
def clueless(app: App) -> str:
    """The id of a run whose network has learned nothing, so it errs a lot."""
    return clueless_run(app).id


@pytest.fixture
def projector(browser: Browser) -> Iterator[Page]:
    """A page on the lowest of the screens."""
    width, height = SCREENS["projector"]
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        yield context.new_page()


def places(page: Page, parts: list[Locator]) -> tuple[float, float]:
    """The upper edge of the highest of these and the lower edge of the lowest, in pixels."""
    boxes = [part.bounding_box() or pytest.fail(f"not there: {part}") for part in parts]
    return min(box["y"] for box in boxes), max(box["y"] + box["height"] for box in boxes)


def assert_together(page: Page, *parts: Locator) -> None:
    """All of these are on the screen now, and where a screen is another they fit on it as well."""
    bar = page.get_by_test_id("stHeader").bounding_box()["height"]
    for name, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        for _ in range(600):  # it may still be scrolling there
            top, bottom = places(page, list(parts))
            there = top >= bar - 2 and bottom <= height + 2
            if there or (name != "projector" and bottom - top <= height - bar + 4):
                break
            page.wait_for_timeout(100)
        else:
            pytest.fail(f"{name}: from {top:.0f} to {bottom:.0f}, the bar has {bar:.0f}")


def tile(name: str, nth: int = 0) -> Find:
    return lambda page: page.get_by_role("button", name=re.compile(name)).nth(nth)


def image(name: str, nth: int = 0) -> Find:
    return lambda page: page.get_by_role("img", name=re.compile(name)).nth(nth)


def text(words: str) -> Find:
    return lambda page: page.get_by_text(re.compile(words)).first


def option(name: str) -> Find:
    return lambda page: page.get_by_role("radio", name=name, exact=True)


@pytest.mark.parametrize(
    ("address", "act_on", "answers"),
    [
        ("explore", tile("training image 3,"), [image("training image 3,"), text("image 3:")]),
        (
            "explore?view=Typical+and+odd&digit=4",
            tile("training image", 3),
            [image("as 28 rows"), text("Training image")],
        ),
        (
            "explore?view=Small+changes",
            tile("Shuffle again"),
            [image("the image, a"), image("changed, still a", -1)],
        ),
        (
            "explore?view=Grey+values",
            option("3"),
            [lambda page: page.get_by_test_id("stPlotlyChart").first],
        ),
        ("inside", tile("convolution 1, unit 2:"), [text("unit 2, opened up"), image("framed")]),
        ("inside", tile("convolution 2, unit 9:"), [text("unit 9, opened up"), image("framed")]),
        ("inside?layer=answer", tile("answer, unit 3:"), [text("answer, unit 3, opened up|sum")]),
        (
            "inside",
            tile("^Increment"),
            [image("^The picture$")],
        ),
        (
            "evaluate?model=RUN",
            tile("test image .* read as", 5),
            [image("test image .* read as"), text("It said")],
        ),
        (
            "evaluate?model=RUN&look=Would+you+have+known?",
            tile("^3$"),
            [image("a test image"), text(r"Yes, an? \d|It is meant to be"), tile("Next")],
        ),
        (
            "evaluate?model=RUN&look=Mix-ups",
            tile("^5 read as a 7"),
            [image("read as a 7"), text("of a 5 read as a 7")],
        ),
    ],
)
def test_what_one_acts_on_and_what_answers_are_on_the_screen_together(
    app: App, clueless: str, projector: Page, address: str, act_on: Find, answers: list[Find]
) -> None:
    visit(projector, f"{app.address}/{address.replace('RUN', clueless)}")
    acted_on = act_on(projector)
    expect(acted_on).to_be_visible()
    pictures = projector.get_by_test_id("stMain").get_by_role("img")
    expect(pictures.first).to_be_visible()
    acted_on.click()
    settle(projector)
    assert_together(projector, acted_on, *(answer(projector) for answer in answers))


def test_slider_images_and_accuracies_are_on_the_screen_together(
    app: App, clueless: str, projector: Page
) -> None:
    address = f"{app.address}/evaluate?model={clueless}&look=Sunshine+and+snow&kind=invert&invert=0"
    visit(projector, address)
    slider = projector.get_by_role("slider")
    slider.press("ArrowRight", timeout=60_000)
    settle(projector)
    expect(projector).to_have_url(re.compile("invert=5"))
    images = projector.get_by_role("img", name=re.compile(r"an? \d, read as"))
    expect(images).to_have_count(10)
    accuracies = projector.get_by_test_id("stMetricValue").filter(visible=True)
    assert_together(projector, slider, *accuracies.all(), *images.all())


def test_a_clicked_tile_keeps_the_focus(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/explore")
    clicked = tile("training image 3,")(desktop)
    clicked.click()
    settle(desktop)
    expect(text("Training image 3:")(desktop)).to_be_visible()
    expect(clicked).to_be_focused()
    desktop.keyboard.press("ArrowRight")
    expect(tile("training image 4,")(desktop)).to_be_focused()
