"""Home's ideas, run by Streamlit's own tester; what needs a browser is in tests/browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import datasets
from pages.common.datasets import shared_dataset

ROOT = Path(__file__).parents[1]
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
    assert pages == ["explore", "train", "draw", *SEES_TWO_WAYS, *rest]


def test_every_link_of_an_idea_says_how_the_page_is_to_be_set_up():
    for link in home().get("page_link")[3:]:
        assert link.proto.query_string, link.proto.label


def test_until_torch_is_there_the_first_screen_stands_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets, "is_loaded", lambda: False)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    assert not app.exception
    assert not ideas(app)
    assert [link.proto.page for link in app.get("page_link")] == ["explore", "train", "draw"]


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
