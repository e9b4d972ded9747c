"""The form of the Train page, by itself."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.config import TrainConfig
from mnistcore.presets import PRESETS


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
    assert app.session_state["made"] == PRESETS[preset].recipe


def test_what_a_preset_has_of_its_own_stands_among_the_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = replace(PRESETS["fast"].recipe, train_size=777, weight_decay=3e-4)
    monkeypatch.setitem(PRESETS, "fast", replace(PRESETS["fast"], recipe=own))
    assert form("fast").session_state["made"] == own


def test_what_is_changed_in_the_form_is_changed_in_the_recipe() -> None:
    app = form("notebook-fast")
    app.select_slider(key="notebook-fast batch").set_value(512)
    app.select_slider(key="notebook-fast rate").set_value(1e-3)
    app.slider(key="notebook-fast dense").set_value(0)
    app.run()
    made: TrainConfig = app.session_state["made"]
    assert (made.batch_size, made.learning_rate, made.network.dense) == (512, 1e-3, ())
