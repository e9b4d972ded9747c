"""Every page by the rules of axe-core: nothing serious, in either theme, on desktop and phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from visit import App, visit

VIEWS = (
    "",
    "explore",
    "explore?view=Typical+and+odd",
    "explore?view=Small+changes",
    "explore?view=Grey+values",
    "train",
    "draw",
    "inside",
    "evaluate",
    "evaluate?look=Would+you+have+known%3F",
    "evaluate?look=Mix-ups",
    "evaluate?look=Figures",
    "evaluate?look=Sunshine+and+snow",
)
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Three of four: in light and dark, a size changes no colour, and a theme no focus, name or heading.
LOOKS = (("light", DESKTOP), ("dark", DESKTOP), ("dark", PHONE))
# The same 784 numbers are on every view of Explore, and take seconds: they are judged on the first.
ONCE = {"exclude": [".st-key-pixels"]}

# Whether no colour is on its way from one theme to the other.
FADED = "() => !document.getAnimations().some(a => a instanceof CSSTransition)"


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(app: App, desktop: Page, view: str) -> None:
    visit(desktop, f"{app.address}/{view}")
    desktop.wait_for_timeout(500)
    context = ONCE if view.startswith("explore?") else None
    found = {}
    for theme, size in LOOKS:
        desktop.emulate_media(color_scheme=theme)
        desktop.set_viewport_size(size)
        desktop.wait_for_timeout(300)
        desktop.wait_for_function(FADED)
        for rule in Axe().run(desktop, context).response["violations"]:
            if rule["impact"] in ("serious", "critical") or rule["id"] == "heading-order":
                for node in rule["nodes"]:
                    found[rule["id"], node["html"][:200]] = (theme, size["width"])
    assert not found
