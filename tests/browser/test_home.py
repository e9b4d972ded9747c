"""Home in a real browser: the game is played, each of the nine ideas is touched, and its link leads
to where it is done for real, set up for it."""

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect
from visit import App, fits_its_width, settle, visit

from mnistcore.config import Conv, NetworkConfig, count_parameters
from mnistcore.data.digits import Digits
from mnistcore.demos import threshold_rule
from pages.common.text import with_article
from pages.parts.home import game

Parts = tuple[Digits, Digits]


@pytest.fixture
def home(app: App, desktop: Page) -> Page:
    """The page with all of its ideas."""
    visit(desktop, app.address)
    expect(desktop.get_by_role("heading", name="9. Six steps")).to_be_visible()
    settle(desktop)
    return desktop


def said(page: Page, words: str | re.Pattern) -> None:
    expect(page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def press(page: Page, slider: str, *keys: str) -> None:
    """Move a slider by the keyboard, and wait for what comes of it."""
    handle = page.get_by_role("slider", name=slider)
    for key in keys:
        handle.press(key)
    settle(page)


def follow(page: Page, name: str | re.Pattern) -> None:
    page.get_by_role("link", name=name).click()
    settle(page)


def place(part: Locator) -> FloatRect:
    """Where it is on the screen, and how large."""
    box = part.bounding_box()
    assert box
    return box


def radio(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (390, 844)])
def test_the_game_is_on_one_screen_and_nothing_moves_when_the_answer_comes(
    app: App, desktop: Page, size: tuple[int, int]
):
    desktop.set_viewport_size({"width": size[0], "height": size[1]})
    visit(desktop, app.address)
    expect(desktop.get_by_role("heading", name="9. Six steps")).to_be_visible()
    settle(desktop)
    picture = desktop.get_by_role("img", name="a test image")
    digits = [desktop.get_by_role("button", name=str(d), exact=True) for d in range(10)]
    onward = desktop.get_by_role("button", name="Next", exact=True)
    answer = desktop.get_by_test_id("stAlert").filter(has_text="The network")
    desktop.get_by_role("heading", name="Would you have known").evaluate(
        "at => at.scrollIntoView()"
    )
    first = game.mistakes()[0]
    wrong, right = str(first.predicted), str(first.label)
    assert min(min(place(each)["width"], place(each)["height"]) for each in digits) >= 40  # pixels
    before = [place(each) for each in (picture, *digits, onward)]
    desktop.get_by_role("button", name=wrong, exact=True).click()
    expect(answer).to_contain_text(f"It is meant to be a {right}.")
    expect(answer).to_contain_text(
        f"The network took it for {with_article(first.predicted)}, {first.confidence:.1%} sure. "
        "Just like you!"
    )
    expect(desktop.get_by_text("You knew 0 of 1")).to_be_visible()
    assert [place(each) for each in (picture, *digits, onward)] == before
    colours = [
        digits[int(d)].evaluate("it => getComputedStyle(it).backgroundColor")
        for d in (wrong, right)
    ]
    assert colours == ["rgb(179, 38, 30)", "rgb(26, 127, 55)"]
    for part in (picture, *digits, onward, answer):
        expect(part).to_be_in_viewport(ratio=1)
    onward.click()
    desktop.get_by_role("button", name=str(game.mistakes()[1].label), exact=True).click()
    expect(answer).to_contain_text("Yes, a ")
    expect(desktop.get_by_text("You knew 1 of 2")).to_be_visible()


def test_idea_1_a_digit_goes_in_and_ten_numbers_come_out(home: Page):
    home.get_by_role("button", name=re.compile(r"^test image \d+, a 7$")).first.click()
    answer = home.get_by_role("region", name="Answer").first
    expect(answer.locator("p")).to_contain_text("a 7")
    settle(home)
    radio(home, "spam or not").click()
    said(home, "Yes: from an e-mail to “spam or not”. 1 of 1 right so far.")
    settle(home)
    radio(home, "is there a defect?").click()
    said(home, "1 of 2 right so far.")
    follow(home, "See this 7 as 784 numbers")
    heading = home.get_by_role("heading", name=re.compile(r"^Test image \d+: a 7"))
    expect(heading).to_be_visible()


def test_idea_2_a_law_is_written_down_and_a_rule_for_digits_is_judged(home: Page, digits: Parts):
    press(home, "Seconds (t)", "ArrowRight")
    said(home, "21.6 metres")
    press(home, "It is a 4 if", "Home")
    test = digits[1]
    nines, both = (
        int((test.labels == 9).sum()),
        int(((test.labels == 4) | (test.labels == 9)).sum()),
    )
    said(home, f"Of {both} test images of these two digits your rule gets {nines} right")
    press(home, "It is a 4 if", *["ArrowRight"] * 3)
    press(home, "It is a 4 if", "End")
    said(home, f"your rule gets {both - nines} right")
    assert threshold_rule.FEATURES["top"].high == 100
    follow(home, "Look at every 9")
    heading = home.get_by_role("heading", name=re.compile(r"^Test image \d+: a \d"))
    expect(heading).to_be_visible()
    expect(radio(home, "9")).to_be_checked()
    expect(home.get_by_text(f"{nines} images.")).to_be_visible()


def test_idea_3_three_weights_are_trained_by_hand_and_run_away_when_told_to(home: Page):
    chart = home.locator("[aria-label^='Images of a 0 and of a 1']").first
    before = chart.get_attribute("aria-label")
    home.get_by_role("button", name="1 step", exact=True).click()
    said(home, "After 1 step the loss is")
    home.get_by_role("button", name="10 steps", exact=True).click()
    said(home, "After 11 steps the loss is")
    expect(chart).not_to_have_attribute("aria-label", before)
    press(home, "Learning rate: how big", "End")
    home.get_by_role("button", name="100 steps", exact=True).click()
    said(home, "the weights ran away")
    expect(home.get_by_role("button", name="1 step", exact=True)).to_be_disabled()
    home.get_by_role("button", name="Start over").click()
    said(home, "After 0 steps the loss is")
    follow(home, re.compile("The same with .* weights"))
    expect(home.get_by_text("784 numbers in a row")).to_be_visible()


def test_idea_4_layers_light_up_and_a_unit_is_opened_inside(home: Page):
    first = home.get_by_role("button", name=re.compile("^convolution 1, unit 3:"))
    before = first.get_attribute("aria-label")
    home.get_by_role("button", name=re.compile(r"^test image \d+, a 1$")).nth(1).click()
    expect(first).not_to_have_attribute("aria-label", before)
    settle(home)
    home.get_by_role("button", name=re.compile("^dense 1, unit 5:")).click()
    follow(home, "Open dense 1, unit 5")
    unit = home.get_by_role("spinbutton", name="Unit, 0 to")
    expect(unit).to_have_value("5")
    expect(home.get_by_text("A 1. The network reads a")).to_be_visible()
    expect(home).to_have_url(re.compile("layer=dense.1"))


def test_idea_5_hyperparameters_are_turned_and_the_impossible_is_refused(home: Page):
    press(home, "Dense layers", "ArrowRight")
    weights = count_parameters(NetworkConfig((Conv(32, 3),), (64, 64)))
    said(home, f"{weights:,} weights to learn.")
    press(home, "Convolution layers, 32", "End")
    said(home, "This cannot be built. Convolution 4 looks through a 3 x 3 window")
    press(home, "Convolution layers, 32", "ArrowLeft", "ArrowLeft")
    press(home, "Units in each of these", "ArrowRight")
    config = NetworkConfig((Conv(32, 3),) * 2, (256, 256))
    weights = count_parameters(config)
    said(home, f"{weights:,} weights to learn.")
    follow(home, "Let this very network learn")
    expect(home.get_by_text(f"{weights:,} weights will learn")).to_be_visible()


def test_idea_6_ideas_are_tried_and_the_best_is_marked(home: Page):
    button = home.get_by_role("button", name="Try it")
    button.click()
    said(home, re.compile("of 500 held-back images: the best so far"))
    press(home, "Idea: learning rate", *["ArrowRight"] * 3)
    press(home, "Idea: units", *["ArrowRight"] * 2)
    button.click()
    expect(home.get_by_role("row").filter(has_text="0.01")).to_contain_text("★ best")
    expect(home.get_by_role("row").filter(has_text="★")).to_have_count(1)
    follow(home, "Your best idea, on all images")
    rate = home.get_by_role("group", name="Learning rate", exact=True)
    expect(rate.get_by_text("0.01", exact=True)).to_be_visible()
    expect(home.get_by_label("Units in dense layer 1")).to_have_value("64")
    expect(home).to_have_url(re.compile(r"plain(\+|%20)rate=0\.01"))


def test_idea_7_too_simple_and_by_heart_are_told_apart(home: Page):
    home.get_by_role("button", name="Too simple", exact=True).click()
    said(home, re.compile("^It has learned too little.*underfitting: high bias"))
    settle(home)
    home.get_by_role("button", name="Fast", exact=True).click()
    said(home, "About right. It reads")
    settle(home)
    home.get_by_role("button", name="Memoriser", exact=True).click()
    said(home, re.compile("^It has learned by heart.*overfitting: high variance"))
    for name in ("Too simple", "Fast", "Memoriser"):
        expect(home.get_by_role("region", name=name)).to_contain_text("297 test")
    follow(home, "Watch “Memoriser” learn")
    expect(home.get_by_text("learns 100 images by heart")).to_be_visible()


def test_idea_8_snow_falls_and_the_answer_changes(home: Page):
    press(home, "Turned by", *["ArrowLeft"] * 3)
    said(home, re.compile(r"Of 200 test images as they are it reads \d+ right"))
    radio(home, "Snow").click()
    said(home, re.compile(r"Of 200 test images changed like this it reads \d+ right"))
    settle(home)
    answer = home.get_by_role("region", name="Answer").nth(1)
    before = answer.inner_text()
    press(home, "Snow (noise, % of full ink)", "End")
    said(home, re.compile(r"Of 200 test images changed like this it reads \d+ right"))
    expect(answer).not_to_have_text(before)
    follow(home, "Sunshine and snow, on many digits")
    chart = home.locator("[aria-label^='Share of the images read right']").first
    expect(chart).to_have_attribute("aria-label", re.compile("noise.* At 100: "))


def test_idea_9_the_six_steps_run_one_after_the_other(home: Page):
    said(home, "1,500 training images and 297 test images.")
    told = (
        "dense 10: 49,770 weights",
        "Guessing blindly among ten digits costs ln 10",
        "the loss fell from",
        "test images, and has only learned from",
        "of these eight test images are read right",
    )
    for words in told:
        home.get_by_role("button", name="Next step").click()
        said(home, words)
        settle(home)
    follow(home, "The notebook, on all images")
    expect(home.get_by_text("only eight images at a time")).to_be_visible()


def test_what_was_touched_is_as_it_was_when_the_visitor_comes_back(home: Page):
    press(home, "Seconds (t)", "End")
    home.get_by_role("button", name="10 steps", exact=True).click()
    said(home, "After 10 steps the loss is")
    home.get_by_test_id("stTopNavLink").filter(has_text="Draw").click()
    settle(home)
    home.get_by_test_id("stTopNavLink").filter(has_text="Home").click()
    said(home, "122.6 metres")
    said(home, "After 10 steps the loss is")


def test_a_card_is_a_link_as_a_whole_and_the_nine_ideas_have_room_for_a_finger(
    app: App, phone: Page
):
    visit(phone, app.address)
    expect(phone.get_by_role("heading", name="9. Six steps")).to_be_visible()
    ideas = phone.locator(".st-key-nine-ideas a")
    assert min(place(each)["height"] for each in ideas.all()) >= 40  # pixels
    card = phone.locator("[class*=st-key-card-]").filter(has_text="Let a network learn")
    card.tap(position={"x": 8, "y": 8})
    expect(phone).to_have_url(re.compile("/train"))


def test_the_first_screen_is_there_at_once_and_the_ideas_fit_a_phone(app: App, phone: Page):
    phone.goto(app.address)
    expect(phone.get_by_role("link", name="Draw").first).to_be_visible()
    expect(phone.get_by_role("heading", name="9. Six steps")).to_be_visible()
    settle(phone)
    assert fits_its_width(phone)
