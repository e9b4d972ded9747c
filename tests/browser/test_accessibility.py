"""Every page by the rules of axe-core: nothing serious, in either theme, on desktop and phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from visit import App, settle, visit

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

# Whether no colour is on its way from one theme to the other; Chromium may list one that is over.
FADED = """() => !document.getAnimations().some(
    each => each instanceof CSSTransition && each.playState !== "finished"
)"""


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


def test_who_steers_by_keyboard_keeps_the_focus_and_hears_what_comes(app: App, desktop: Page):
    def press(name: str, then: str) -> None:
        """By the Enter key; it keeps the focus, under whatever name it has then."""
        button = desktop.get_by_role("button", name=name, exact=True)
        button.focus()
        button.press("Enter")
        expect(desktop.get_by_role("button", name=then, exact=True)).to_be_focused()

    def heard(words: str) -> None:
        spoken = desktop.get_by_role("status").filter(has_text=words)
        expect(spoken).to_have_count(1)

    visit(desktop, f"{app.address}/train?preset=notebook")
    desktop.get_by_role("radio", name="Step", exact=True).click()
    settle(desktop)
    desktop.get_by_role("button", name="Start", exact=True).press("Enter")
    expect(desktop.get_by_role("button", name="Next batch")).to_be_enabled()
    heard("has started.")
    desktop.wait_for_function("() => document.activeElement !== document.body")
    heard("Learning")
    press("Next batch", "Next batch")
    heard("Learning. Batch 1: ")
    press("Pause", "Go on")
    heard("Paused")
    press("Next batch", "Next batch")
    heard("Learning. Batch 2: ")
    press("Pause", "Go on")
    press("Go on", "Pause")
    heard("Learning. Batch 3: ")
    desktop.get_by_role("button", name="Stop").press("Enter")
    expect(desktop.get_by_role("button", name="Train another")).to_be_visible()


def test_who_guesses_by_keyboard_keeps_the_focus_and_hears_the_answer(app: App, desktop: Page):
    visit(desktop, app.address)
    expect(desktop.get_by_role("heading", name="9. Six steps")).to_be_visible()
    settle(desktop)
    guess = desktop.get_by_role("button", name="3", exact=True)
    guess.press("Enter")
    spoken = desktop.get_by_role("status").filter(has_text="You said a 3.")
    expect(spoken).to_contain_text("of 1 right.")
    settle(desktop)
    expect(guess).to_be_focused()
    output = desktop.get_by_role("radio", name="spam or not", exact=True)
    output.focus()
    output.press("Enter")
    expect(desktop.get_by_role("status").filter(has_text="of 1 right so far")).to_have_count(1)
    settle(desktop)
    expect(output).to_be_focused()


def test_links_off_the_screen_are_no_stop_for_the_tab_key(app: App, desktop: Page):
    desktop.set_viewport_size({"width": 720, "height": 450})  # at 200 %
    visit(desktop, f"{app.address}/draw")
    sidebar = desktop.get_by_test_id("stSidebar")
    expect(sidebar).to_have_css("visibility", "hidden")
    desktop.get_by_test_id("stExpandSidebarButton").press("Enter")
    expect(sidebar).to_have_css("visibility", "visible")
    expect(sidebar.get_by_role("link", name="Explore")).to_be_in_viewport()
