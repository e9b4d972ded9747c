"""Home's ideas, run by Streamlit's own tester; what needs a browser is in tests/browser."""

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.registry import load_model
from pages.common import datasets
from pages.common.datasets import shared_dataset
from pages.common.text import with_article
from pages.parts.home import game, walkthrough

ROOT = Path(__file__).parents[1]
FIRST_SCREEN = ["explore", "train", "draw", "evaluate"]  # three things to do, and a game
LESSONS = ["lesson"] * 4  # three of them, and all
SEES_TWO_WAYS = ("explore", "draw")  # idea 1 leads to both


pytestmark = pytest.mark.usefixtures("fresh")


def home(**address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.query_params.update(address)
    app.run()
    shared_dataset()
    app.run()
    assert not app.exception
    return app


def ideas(app: AppTest) -> list[str]:
    return [each.value for each in app.subheader if each.value[0].isdigit()]


def test_nine_ideas_are_told_in_order_and_each_leads_somewhere():
    app = home()
    assert [each[:2] for each in ideas(app)] == [f"{number}." for number in range(1, 10)]
    pages = [link.proto.page for link in app.get("page_link")]
    rest = ["explore", "train", "inside", *["train"] * 3, "evaluate", "train"]
    assert pages == [*FIRST_SCREEN, *SEES_TWO_WAYS, *rest, *LESSONS]


def test_every_link_of_an_idea_says_how_the_page_is_to_be_set_up():
    for link in home().get("page_link")[len(FIRST_SCREEN) : -1]:  # the last is to all lessons
        assert link.proto.query_string, link.proto.label


def test_until_torch_is_there_the_first_screen_stands_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets, "is_loaded", lambda: False)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    assert not app.exception
    assert not ideas(app)
    assert [link.proto.page for link in app.get("page_link")] == FIRST_SCREEN


def test_an_idea_is_told_in_45_words_before_there_is_something_to_touch():
    texts = walkthrough.WORDS.read_text("utf-8").split("\n## ")[1:]
    assert len(texts) == 9
    for text in texts:
        title, before, more = text.split("\n\n", 2)
        assert len(before.split()) <= 45, title
        assert more.strip(), title


def test_the_network_misreads_what_the_game_shows_and_as_it_says():
    # If the pretrained network has changed: python benchmarks/misread.py
    shown = game.mistakes()
    images = torch.tensor([list(each.image) for each in shown], dtype=torch.uint8)
    labels = torch.tensor([each.label for each in shown])
    digits = Digits(images.view(-1, 28, 28), labels, "mnist")
    score = evaluate(load_model("shipped").network, digits)
    assert score.accuracy == 0
    assert score.predicted.tolist() == [each.predicted for each in shown]
    assert score.confidence.tolist() == pytest.approx(
        [each.confidence for each in shown], abs=0.001
    )


def test_the_game_is_there_before_torch_and_keeps_the_score(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets, "is_loaded", lambda: False)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    first, second = game.mistakes()[:2]

    def press(name: str) -> None:
        next(b for b in app.button if b.label.startswith((name, f"**{name}**"))).click().run()
        assert not app.exception

    assert not app.success
    press(str(first.label))
    assert "Yes" in app.success[0].value
    assert f"took it for {with_article(first.predicted)}" in app.success[0].value
    press("Next")
    assert not app.success
    press(str(second.predicted))
    assert f"meant to be {with_article(second.label)}" in app.warning[0].value
    app.switch_page("pages/explore.py").run()
    app.switch_page("pages/home.py").run()
    assert any("You knew **1 of 2**" in each.value for each in app.markdown)
    for turn, each in enumerate(game.mistakes()[2:10], start=3):
        press("Next")
        press(str(each.label))
        assert "meant to be" not in app.success[0].value
        assert any(f"You knew **{turn - 1} of {turn}**" in said.value for said in app.markdown)
    assert any("the network none. Bravo!" in each.value for each in app.markdown)
    press("Again")
    assert any("You knew **0 of 0**" in each.value for each in app.markdown)


def test_an_experiment_that_ran_before_is_still_in_the_table():
    app = home()
    next(button for button in app.button if button.label == "Try it").click().run()
    assert not app.exception
    app.switch_page("pages/explore.py").run()
    app.switch_page("pages/home.py").run()
    assert any("★ best" in each.value for each in app.markdown)


def test_without_a_fitting_place_the_network_cannot_be_led_to_train():
    app = home()
    app.slider(key="idea 5 conv").set_value(4).run()
    link = next(each for each in app.get("page_link") if "very network" in each.proto.label)
    assert link.proto.disabled


def test_a_recipe_in_the_address_sets_up_train_and_nonsense_in_it_is_ignored():
    app = home()
    app.session_state["run"] = "some run that was open"
    address = {"preset": "Plain layers", "plain dense": "3", "plain units 0": "16"}
    app.query_params.update(address | {"plain rate": "0.01", "plain convolutions": "99"})
    del app.session_state["_page"]  # else the tester runs the page without the frame around it
    app.switch_page("pages/train.py").run()
    assert not app.exception
    assert not app.warning  # it does not look for the run
    assert app.slider(key="plain dense").value == 3
    assert app.slider(key="plain convolutions").value == 0
    assert app.number_input(key="plain units 0").value == 16
    assert app.select_slider(key="plain rate").value == 0.01
