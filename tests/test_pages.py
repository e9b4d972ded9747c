"""The frame, Home and Explore, run by Streamlit's own tester on digits in MNIST's files."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.data.digits import Digits
from pages.common.text import with_article

ROOT = Path(__file__).parents[1]
Parts = tuple[Digits, Digits]


pytestmark = pytest.mark.usefixtures("fresh")


def explore(**address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params.update(address)
    app.switch_page("pages/explore.py").run()
    assert not app.exception
    return app


def picture(app: AppTest) -> str:
    return app.header[0].value


def test_home_leads_to_the_three_things_to_do() -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    assert not app.exception
    assert [link.proto.page for link in app.get("page_link")][:3] == ["explore", "train", "draw"]


def test_home_is_drawn_without_anything_heavy() -> None:
    code = """if True:
        import sys
        from streamlit.testing.v1 import AppTest
        from pages.common import datasets
        datasets.start_loading = lambda: None
        app = AppTest.from_file("app.py", default_timeout=30).run()
        assert app.title and not app.exception
        assert not {"torch", "torchvision", "sklearn"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_index_shows_that_image_and_its_answer(digits: Parts) -> None:
    app = explore()
    app.number_input(key="index").set_value(10).run()
    assert picture(app) == f"Training image 10: {with_article(int(digits[0].labels[10]))}"


def test_the_address_says_what_is_shown(digits: Parts) -> None:
    app = explore(set="test", index="20")
    assert picture(app) == f"Test image 20: {with_article(int(digits[1].labels[20]))}"


@pytest.mark.parametrize(
    "address", [{"index": "999999"}, {"index": "-1"}, {"digit": "x"}, {"set": "3"}, {"page": "0"}]
)
def test_an_address_that_makes_no_sense_shows_the_first_image(address: dict) -> None:
    assert picture(explore(**address)).startswith("Training image 0:")


def test_a_digit_shows_only_its_images(digits: Parts) -> None:
    app = explore(digit="7")
    count = int((digits[0].labels == 7).sum())
    assert any(caption.value.startswith(f"{count:,} images.") for caption in app.caption)


def test_an_index_turns_to_its_page() -> None:
    app = explore()
    app.number_input(key="index").set_value(200).run()
    assert app.session_state["page"] == 200 // 64 + 1


def test_the_test_images_are_fewer_and_an_index_beyond_them_is_forgotten(digits: Parts) -> None:
    app = explore(index="1200")
    app.button_group(key="set").set_value("test").run()
    assert not app.exception
    assert picture(app) == f"Test image 0: {with_article(int(digits[1].labels[0]))}"


@pytest.mark.parametrize("view", ["Typical and odd", "Small changes", "Grey values", "nonsense"])
def test_the_chosen_image_can_be_looked_at_in_every_way(view: str) -> None:
    app = explore(set="test", digit="4", view=view)
    assert picture(app).endswith("a 4")
    expected = "One by one" if view == "nonsense" else view
    assert app.button_group(key="view").value == expected


def test_shuffling_opens_the_first_image_of_the_new_order() -> None:
    app = explore(index="3")
    app.button[0].click().run()
    first = picture(app)
    next(button for button in app.button if button.label == "In order").click().run()
    assert picture(app).startswith("Training image 0:")
    assert picture(app) != first


def test_widgets_are_as_they_were_when_the_visitor_comes_back() -> None:
    app = explore(digit="4")
    app.number_input(key="index").set_value(55).run()
    app.switch_page("pages/home.py").run()
    app.switch_page("pages/explore.py").run()
    assert (app.session_state["digit"], app.session_state["index"]) == ("4", 55)


def test_a_damaged_file_is_one_sentence_and_the_app_goes_on(
    tmp_path: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (mnist_folder / "MNIST" / "raw").iterdir():
        (raw / file.name).write_bytes(file.read_bytes())
    good = (raw / "train-images-idx3-ubyte").read_bytes()
    (raw / "train-images-idx3-ubyte").write_bytes(good[:-1])
    monkeypatch.setenv("MNIST_DATA", str(tmp_path))

    app = explore()
    assert "is damaged" in app.warning[0].value
    assert picture(app).startswith("Training image 0:")

    (raw / "train-images-idx3-ubyte").write_bytes(good)
    app.button(key="try_the_download_again").click().run()
    assert not app.warning


def test_the_visitor_keeps_one_token() -> None:
    def script() -> None:
        import streamlit as st

        from pages.common.identity import visitor_token

        st.text(visitor_token())

    app = AppTest.from_function(script).run()
    token = app.text[0].value
    assert app.run().text[0].value == token
    assert len(token) == 32
