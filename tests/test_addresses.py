"""Addresses that somebody has kept, and those that links make: each sets what it says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.config import Conv, Defect, NetworkConfig, TrainConfig
from mnistcore.data.corruptions import CORRUPTIONS
from mnistcore.presets import PRESET_IDS, PRESETS
from mnistcore.runs import queue
from pages.common import links, state

ROOT = Path(__file__).parents[1]
KEPT = (ROOT / "tests" / "data" / "format1" / "addresses.txt").read_text().splitlines()
OLD_NAMES = {("inside", "index"): "test_image", ("evaluate", "shift"): "translate"}


@pytest.fixture(autouse=True)
def idle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the test's own, and no worker."""
    monkeypatch.setattr(queue, "warm_spare_worker", lambda: None)


def opened(address: str, app: AppTest | None = None) -> AppTest:
    """The app at an address, as in a tab that was just opened, or in the one of `app`."""
    app = app or AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    parts = urlsplit(address)
    app.query_params = dict(parse_qsl(parts.query, keep_blank_values=True))
    del app.session_state["_page"]  # else the tester runs the page without the frame around it
    app.switch_page(f"pages{parts.path}.py").run()
    assert not app.exception
    return app


def as_in_an_address(value: object) -> str:
    """A value of the session state in the letters of an address."""
    if isinstance(value, bool):
        return str(value).lower()
    return "all" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def said(address: str) -> Iterator[tuple[str, str]]:
    """Name in the session state and value of each thing that an address says."""
    parts = urlsplit(address)
    for name, value in parse_qsl(parts.query):
        today = OLD_NAMES.get((parts.path[1:], name), name)
        text = PRESET_IDS.get(value, value) if name == "preset" else value.replace(",", "")
        yield today, text.split(" x ")[0]


@pytest.mark.parametrize("address", KEPT)
def test_an_address_of_format_1_still_sets_what_it_says(address: str) -> None:
    app = opened(address)
    for name, value in said(address):
        assert as_in_an_address(app.session_state[name]) == value, name
    if address.startswith("/train"):
        assert app.query_params["preset"] in PRESETS


def test_an_old_name_gives_way_to_todays() -> None:
    app = opened("/inside?index=5&layer=answer")
    assert app.number_input(key="test_image").value == 5
    assert app.query_params["test_image"] == "5"
    assert "index" not in app.query_params


def test_a_training_image_and_a_test_image_do_not_influence_each_other() -> None:
    app = opened("/explore?index=10")
    opened("/inside?test_image=5", app)
    opened("/explore", app)
    assert app.number_input(key="index").value == 10
    opened("/inside", app)
    assert app.number_input(key="test_image").value == 5
    app.number_input(key="test_image").set_value(7).run()
    opened("/explore?index=11", app)
    opened("/inside", app)
    assert app.number_input(key="test_image").value == 7


def test_an_address_forgets_nothing_but_what_its_page_is_asked_for() -> None:
    app = opened("/explore?index=10")
    app.session_state["lessons"] = ["a drawing"]
    opened("/inside?lessons=1&index=3&_visitor=x", app)
    assert app.session_state["lessons"] == ["a drawing"]
    assert app.session_state["index"] == 10


def test_a_preset_stands_in_the_address_by_its_id() -> None:
    app = opened("/train?preset=Plain+layers")
    assert app.query_params["preset"] == "plain"
    app.button_group(key="preset").set_value("too-simple").run()
    assert app.query_params["preset"] == "too-simple"
    assert any(PRESETS["too-simple"].watch_for in each.value for each in app.markdown)


@pytest.mark.parametrize("preset", ["", "nonsense"])
def test_a_preset_that_is_not_there_means_the_first(preset: str) -> None:
    assert opened(f"/train?preset={preset}").query_params["preset"] == "fast"


@pytest.mark.parametrize(
    "address",
    ["/inside?unit=1e999", "/explore?index=-1e999", "/train?preset=notebook&notebook+seed=1e999"],
)
def test_a_number_without_end_is_left_out(address: str) -> None:
    assert "1e999" not in str(opened(address).query_params)


def test_a_link_to_a_recipe_sets_up_that_recipe() -> None:
    network = NetworkConfig(
        (Conv(16, 5), Conv(32, 3, pool=False)), (48,), "GELU", 0.25, batch_norm=True
    )
    start = PRESETS["memoriser"].config  # whose epochs do not depend on the images
    config = replace(
        start,
        network=network,
        train_size=None,
        batch_size=128,
        optimizer="SGD with momentum",
        learning_rate=0.05,
        schedule="one-cycle",
        momentum=0.5,
        weight_decay=1e-4,
        label_smoothing=0.1,
        augmentation="affine",
        seed=9,
        epochs=2.5,
        defect=Defect("class-imbalance", 3, share=0.02),
    )
    link = links.train(preset="memoriser", config=config)
    assert made_at(link) == config
    assert links.train(preset="memoriser", config=start).parameters == {"preset": "memoriser"}


def made_at(link: links.Link) -> TrainConfig:
    """The recipe that the form holds after this link was followed."""

    def script() -> None:
        import streamlit as st

        from pages.parts.train import config_form

        st.session_state["made"] = config_form.edit_config("memoriser", 60_000)

    app = AppTest.from_function(script)
    app.query_params = dict(link.parameters)
    app.run()
    assert not app.exception
    return app.session_state["made"]


@pytest.mark.parametrize(
    "link",
    [
        links.Link("Explore", {"set": "test", "index": "12", "view": "Small changes"}),
        links.explore(digit=4),
        links.train(preset="too-simple"),
        links.draw(model="shipped", more=state.TEACH),
        links.inside(picture="Test image", index=18, layer="dense 1", unit=3, model="shipped"),
        links.Link("Evaluate", {"model": "shipped", "look": "Mix-ups", "true": "4", "said": "9"}),
        links.evaluate(look="Sunshine and snow", corruption="blur", severity=1.25),
        links.evaluate(look="Sunshine and snow", corruption="translate", severity=-4),
    ],
)
def test_every_link_sets_what_it_says(link: links.Link) -> None:
    address = f"/{link.page.lower()}?{urlencode(link.parameters)}"
    app = opened(address)
    for name, value in said(address):
        assert as_in_an_address(app.session_state[name]) == value, name


def test_every_corruption_has_its_name_in_the_address() -> None:
    assert {*CORRUPTIONS} == {*state.SEVERITIES}


def test_no_two_keys_are_of_one_name() -> None:
    names = [key for key in vars(state).values() if isinstance(key, state.Key)]
    assert len(names) > 40
    assert len(names) == len(set(names))
