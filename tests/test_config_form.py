"""The form of the Train page, by itself."""

import itertools
from dataclasses import dataclass, fields, replace

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mnistcore import config
from mnistcore.cli import _parser
from mnistcore.config import Defect, NetworkConfig, Setting, TrainConfig, _setting, settings
from mnistcore.data.digits import Digits
from mnistcore.presets import PRESETS
from pages.common import links
from pages.parts.train.config_form import describe


def form(preset: str) -> AppTest:
    def script(preset: str) -> None:
        import streamlit as st

        from pages.parts.train import config_form

        st.session_state["made"] = config_form.edit_config(preset, 60_000)

    return AppTest.from_function(script, kwargs={"preset": preset}).run()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_left_as_it_is_is_trained_as_it_is(preset: str) -> None:
    app = form(preset)
    assert not app.exception
    assert app.session_state["made"] == PRESETS[preset].config


def test_what_a_preset_has_of_its_own_stands_among_the_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = replace(PRESETS["fast"].config, train_size=777, weight_decay=3e-4)
    monkeypatch.setitem(PRESETS, "fast", replace(PRESETS["fast"], config=own))
    assert form("fast").session_state["made"] == own


def test_what_is_changed_in_the_form_is_changed_in_the_recipe() -> None:
    app = form("notebook-fast")
    app.select_slider(key="notebook-fast batch").set_value(512)
    app.select_slider(key="notebook-fast rate").set_value(1e-3)
    app.slider(key="notebook-fast dense").set_value(0)
    app.run()
    made: TrainConfig = app.session_state["made"]
    assert (made.batch_size, made.learning_rate, made.network.dense) == (512, 1e-3, ())


def test_spoiled_data_asks_for_what_its_kind_needs() -> None:
    app = form("fast")
    assert app.session_state["made"].defect == Defect()
    kind = app.selectbox(key="fast spoil")
    kind.set_value("label-noise").run()
    app.select_slider(key="fast spoil share").set_value(0.8).run()
    assert app.session_state["made"].defect == Defect("label-noise", share=0.8)
    kind.set_value("class-imbalance").run()  # of which 0.8 would be no few
    app.selectbox(key="fast spoil digit").set_value(3).run()
    assert app.session_state["made"].defect == Defect("class-imbalance", 3, share=0.01)
    kind.set_value("swapped-labels").run()
    app.selectbox(key="fast spoil other").set_value(8).run()
    assert app.session_state["made"].defect == Defect("swapped-labels", 3, 8)
    assert "fast spoil share" not in shown(app)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 1}, "**1,000 training images**, once each."),
        ({"epochs": 0.5}, "**500 of 1,000 training images**, once each."),
        ({"epochs": 3, "train_size": 200}, "**200 training images**, 3 times each."),
        (
            {"epochs": 0.5, "defect": Defect("thick-only", share=0.2)},
            "200 training images**, about 2.5 times each.",
        ),
        (
            {"epochs": 0.5, "defect": Defect("missing-class", 7)},
            "500 of 900 training images**, once each.",
        ),
        ({"epochs": 0.5, "defect": Defect("label-noise", share=0.4)}, "500 of 1,000 training"),
    ],
)
def test_it_is_said_how_many_images_it_learns_from_and_how_often(changes, said) -> None:
    train = Digits(torch.zeros(1000, 28, 28, dtype=torch.uint8), torch.arange(1000) % 10, "digits")
    told = describe("plain", replace(PRESETS["plain"].config, **changes), train)
    assert said in told
    assert told.endswith("**.") == ("defect" in changes)


def shown(app: AppTest) -> dict[str, tuple[str, str]]:
    """Label and help of every widget by its key."""
    kinds = (app.slider, app.select_slider, app.selectbox, app.toggle, app.number_input)
    return {each.key: (each.label, each.help) for each in itertools.chain(*kinds) if each.key}


def test_every_setting_for_visitors_is_in_the_form_and_on_the_command_line() -> None:
    app = form("plain")
    command = _parser()._subparsers._group_actions[0].choices["train"].format_help()
    for name, setting in (settings(NetworkConfig) | settings(TrainConfig)).items():
        key = f"plain {links.field_name(name)}"
        assert (key in shown(app)) == setting.on_form, name
        if setting.on_form:
            assert shown(app)[key] == (setting.label, setting.help)
        assert f"--{name.replace('_', '-')}" in command


def test_a_setting_that_is_added_appears_in_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Longer(TrainConfig):
        warm_up: float = _setting(0.1, "Warm-up", shown=(0.0, 0.5), step=0.1)
        colour: str = _setting("blue", "Colour", choices=("blue", "red", "green"))
        secret: int = _setting(1, "Secret", on_form=False)

    helps = {"warm_up": "How long it begins gently.", "colour": "Of no use.", "secret": "Hidden."}
    for name, words in helps.items():
        monkeypatch.setitem(config.HELP, name, words)

    start = PRESETS["fast"].config
    recipe = Longer(**{each.name: getattr(start, each.name) for each in fields(TrainConfig)})
    monkeypatch.setitem(PRESETS, "fast", replace(PRESETS["fast"], config=recipe))
    app = form("fast")
    assert shown(app)["fast warm up"] == ("Warm-up", "How long it begins gently.")
    assert "fast secret" not in shown(app)
    app.slider(key="fast warm up").set_value(0.3)
    app.selectbox(key="fast colour").set_value("red").run()
    assert app.session_state["made"] == replace(recipe, warm_up=0.3, colour="red")


def test_a_name_with_one_choice_beside_none_is_a_switch() -> None:
    app = form("fast")
    app.toggle(key="fast augmentation").set_value(True).run()
    assert app.session_state["made"].augmentation == "affine"
    assert Setting("", choices=("none", "affine")).switches_on == "affine"
    assert settings(TrainConfig)["schedule"].switches_on is None
