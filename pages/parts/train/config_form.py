"""The form in which a visitor chooses what to train: a preset, or a recipe of their own."""

from dataclasses import replace
from typing import Any

import streamlit as st

from mnistcore.config import Conv, NetworkConfig, Setting, TrainConfig, settings
from mnistcore.presets import PRESETS, scale_epochs
from pages.common import links, state

_WINDOWS = (2, 3, 5, 7)


def choose_preset() -> str:
    """The id of the preset to start from; so it stands in the address, and not by its title."""
    key = state.TRAIN_PRESET
    if not key.exists():
        asked = key.asked()
        key.set(asked if asked in PRESETS else key.default)
    preset = st.segmented_control(
        "Start from a recipe",
        list(PRESETS),
        format_func=lambda name: PRESETS[name].title,
        required=True,
        **key.kept(),
    )
    key.tell(preset)
    return preset


def describe(preset: str, config: TrainConfig, images: int) -> str:
    """What to watch for; of a recipe that was changed, nobody knows beforehand."""
    if config == scale_epochs(PRESETS[preset].config, images):
        return PRESETS[preset].watch_for
    return f"Your own recipe, begun from {PRESETS[preset].title}: nobody knows yet how it will do."


def edit_config(preset: str, images: int) -> TrainConfig:
    """The preset's recipe for so many training images, with what the visitor changes in it."""
    recipe = scale_epochs(PRESETS[preset].config, images)
    # Open where a link asks for something in it, and not closed again while somebody is at it.
    is_open = state.train_fields_asked(preset) or state.TRAIN_FORM_OPEN.get()
    state.TRAIN_FORM_OPEN.set(is_open)
    with st.expander("Change the recipe", is_open, icon=":material/tune:"):
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("The network")
            network = replace(_layers(preset, recipe.network), **_settings(preset, recipe.network))
        with right:
            st.subheader("How it learns")
            recipe = replace(recipe, network=network, **_settings(preset, recipe))
        st.caption(
            "These are hyperparameters: nobody knows the best ones beforehand, so people try, "
            "look, and try again."
        )
    return recipe


def _field(preset: str, name: str) -> dict[str, Any]:
    """A widget's arguments by which the address can ask for it: ?plain dense=3, say."""
    return state.train_field(preset, name).bound()


def _settings(preset: str, start: NetworkConfig | TrainConfig) -> dict[str, Any]:
    """A widget for every setting of the form; the values by the names of their fields."""
    return {
        name: _widget(setting, getattr(start, name), **_field(preset, links.field_name(name)))
        for name, setting in settings(type(start)).items()
        if setting.on_form
    }


def _widget(setting: Setting, value: Any, **more: Any) -> Any:
    """What suits the kind of setting, standing at `value`; `more` is for Streamlit."""
    label = setting.label
    more["help"] = setting.help
    if isinstance(value, bool):
        return st.toggle(label, value, **more)
    if setting.switches_on:
        on = st.toggle(label, value == setting.switches_on, **more)
        return setting.switches_on if on else setting.choices[0]
    if setting.choices:
        return st.selectbox(label, setting.choices, setting.choices.index(value), **more)
    if setting.stops:
        # What a preset has of its own is among the choices, too: a slider stands on no other.
        stops = sorted({*setting.stops, value} - {None})
        stops += [None] * (None in setting.stops)
        return st.select_slider(label, stops, value, format_func=links.stop_text, **more)
    low, high = setting.shown or (setting.low, setting.high)
    if high < 1:  # a share
        return st.slider(label, low, high, value, setting.step, **more)
    kind = type(low)  # 2 epochs are 2.0 where 0.1 are possible
    step = None if setting.step is None else kind(setting.step)
    style = "%g" if kind is float else None
    return st.number_input(label, low, high, kind(value), step, style, **more)


def _layers(preset: str, start: NetworkConfig) -> NetworkConfig:
    """The network with as many layers, and such, as the visitor chooses."""
    count = st.slider(
        "Convolution layers",
        0,
        links.MORE_LAYERS,
        len(start.convolutions),
        help="Layers that slide small windows over the picture and look for strokes, corners and "
        "loops. With none, the network sees 784 numbers in a row.",
        **_field(preset, "convolutions"),
    )
    convolutions = tuple(
        _convolution(preset, number, default)
        for number, default in enumerate(links.conv_defaults(start)[:count])
    )
    count = st.slider(
        "Dense layers",
        0,
        links.MORE_LAYERS,
        len(start.dense),
        help="Layers in which every unit looks at every number of the layer before. The last one, "
        "with ten units for the ten digits, is always there.",
        **_field(preset, "dense"),
    )
    dense = tuple(
        st.number_input(
            f"Units in dense layer {number + 1}",
            1,
            2048,
            default,
            **_field(preset, f"units {number}"),
        )
        for number, default in enumerate(links.width_defaults(start)[:count])
    )
    return replace(start, convolutions=convolutions, dense=dense)


def _convolution(preset: str, number: int, default: Conv) -> Conv:
    filters, window, pool = st.columns([2, 2, 2], vertical_alignment="bottom")
    return Conv(
        filters.number_input(
            f"Filters {number + 1}",
            1,
            256,
            default.filters,
            help="How many different things this layer looks for.",
            **_field(preset, f"filters {number}"),
        ),
        window.selectbox(
            f"Window {number + 1}",
            _WINDOWS,
            _WINDOWS.index(default.kernel_size),
            format_func=links.window_text,
            help="How many pixels it sees at a time.",
            **_field(preset, f"window {number}"),
        ),
        pool.toggle(
            "Halve",
            default.pool,
            help="Keep the strongest of every 2 x 2 values (max pooling), so that the "
            "next layer sees more of the digit at once.",
            **_field(preset, f"pool {number}"),
        ),
        default.padding,
    )
