"""What one acts on and what answers it are on the screen together: Explore, Inside, Evaluate."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from visit import App, settle, visit

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.runs import store

SCREENS = {"desktop": (1440, 900), "projector": (1280, 720), "phone": (390, 844)}
Find = Callable[[Page], Locator]


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page on each of these, with a finger on the phone."""
    width, height = SCREENS[request.param]
    small = request.param == "phone"
    size = {"width": width, "height": height}
    with browser.new_context(viewport=size, has_touch=small, is_mobile=small) as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def clueless(app: App) -> str:
    """The id of a run whose network has learned nothing, so it errs a lot."""
    config = NetworkConfig(convolutions=(), dense=(4,))
    run = store.create_run(
        TrainConfig(network=config), name="Clueless", dataset="mnist", folder=app.runs
    )
    save_network(build_network(config, 1), run.model)
    store.write_json(run.path / "status.json", {"state": "finished", "result": {"images": 1500}})
    return run.id


def seen_together(page: Page, *parts: Locator) -> None:
    """Wait until all of these are between the bar and the lower edge, scrolled there or not."""
    bar = page.get_by_test_id("stHeader").bounding_box()
    assert bar and page.viewport_size
    for _ in range(60):
        boxes = [part.bounding_box() for part in parts]
        inside = [
            box and box["y"] >= bar["height"] - 2 and box["y"] + box["height"] <= height + 2
            for box, height in zip(boxes, [page.viewport_size["height"]] * len(boxes), strict=True)
        ]
        if all(inside):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not on the screen together: {boxes}")


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
            lambda page: page.get_by_role("spinbutton", name="Index").locator("xpath=../button[2]"),
            [image("^The picture$")],
        ),
        (
            "evaluate?model=RUN",
            tile("test image .* read as", 5),
            [image("test image .* read as"), text("It said")],
        ),
        (
            "evaluate?model=RUN&look=Would+you+have+known?",
            option("3"),
            [image("a test image"), text("It is labelled"), tile("Next")],
        ),
        (
            "evaluate?model=RUN&look=Mix-ups",
            tile("^5 read as a 7"),
            [image("read as a 7"), text("of a 5 read as a 7")],
        ),
    ],
)
def test_what_one_acts_on_and_what_answers_are_on_the_screen_together(
    app: App, clueless: str, screen: Page, address: str, act_on: Find, answers: list[Find]
) -> None:
    visit(screen, f"{app.address}/{address.replace('RUN', clueless)}")
    acted_on = act_on(screen)
    expect(acted_on).to_be_visible(timeout=60_000)
    acted_on.click()
    settle(screen)
    seen_together(screen, acted_on, *(answer(screen) for answer in answers))


def test_slider_images_and_accuracies_are_on_the_screen_together(
    app: App, clueless: str, screen: Page
) -> None:
    visit(screen, f"{app.address}/evaluate?model={clueless}&look=Sunshine+and+snow&kind=invert")
    slider = screen.get_by_role("slider")
    slider.press("ArrowRight", timeout=60_000)
    settle(screen)
    assert "invert=5" in screen.url
    images = screen.get_by_role("img", name=re.compile(r"a \d, read as"))
    expect(images).to_have_count(20)
    seen_together(screen, slider, *screen.get_by_test_id("stMetricValue").all(), *images.all())


def test_a_clicked_tile_keeps_the_focus(app: App, desktop: Page) -> None:
    visit(desktop, f"{app.address}/explore")
    clicked = tile("training image 3,")(desktop)
    clicked.click()
    settle(desktop)
    expect(text("Training image 3:")(desktop)).to_be_visible()
    expect(clicked).to_be_focused()
    desktop.keyboard.press("ArrowRight")
    expect(tile("training image 4,")(desktop)).to_be_focused()
