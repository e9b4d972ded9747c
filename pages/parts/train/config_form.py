"""The form in which a visitor chooses what to train: a preset, or a recipe of their own."""

from collections.abc import Callable, Set
from dataclasses import replace
from typing import Any

import streamlit as st

from mnistcore.config import (
    DEFECTS,
    Conv,
    Defect,
    NetworkConfig,
    Setting,
    TrainConfig,
    count_parameters,
    settings,
)
from mnistcore.data.defects import count_taught
from mnistcore.data.digits import Digits
from mnistcore.presets import PRESETS, scale_epochs
from pages.common import links, state

_WINDOWS = (2, 3, 5, 7)
_BASIC = ("epochs", "train_size", "batch_size", "learning_rate")  # what one sees first


def choose_preset() -> str:
    """The id of the preset to start from; so it stands in the address, and not by its title."""
    key = state.TRAIN_PRESET
    if not key.exists():
        asked = key.asked()
        key.set(asked if asked in PRESETS else key.default)
    preset = st.segmented_control(
        "Choose a recipe and press Start: you will see the network learn to read.",
        list(PRESETS),
        format_func=lambda name: PRESETS[name].title,
        required=True,
        **key.kept(),
    )
    key.tell(preset)
    return preset


def describe(preset: str, config: TrainConfig, train: Digits) -> str:
    """What to watch for, and how much it is; of a changed recipe nobody knows beforehand."""
    is_own = config != scale_epochs(PRESETS[preset].config, len(train))
    title, watch_for = PRESETS[preset].title, PRESETS[preset].watch_for
    own = f"Your own recipe, begun from {title}: nobody knows yet how it will do."
    size, left = len(train.head(config.train_size or len(train))), count_taught(train, config)
    times = config.epochs * size / max(1, left)  # where images are left out, the others come more
    share = f"{left:,}" if times >= 1 else f"{max(1, round(times * left)):,} of {left:,}"
    often = f"{times:g} times" if left == size else f"about {times:.1f} times"
    spoiled = f" Spoiled on purpose: **{config.defect}**." if config.defect else ""
    return (
        f"{own if is_own else watch_for}  \n"
        f"**{count_parameters(config.network):,} weights** will learn from "
        f"**{share} training images**, {'once' if times <= 1 else often} each.{spoiled}"
    )


def edit_config(preset: str, images: int) -> TrainConfig:
    """The preset's recipe for so many training images, with what the visitor changes in it."""
    recipe = scale_epochs(PRESETS[preset].config, images)
    start, asked = recipe.network, state.train_fields_asked(preset)
    with _expander("Change the recipe", asked, state.TRAIN_FORM_OPEN, ":material/tune:"):
        st.caption(
            "These are hyperparameters: nobody knows the best ones beforehand, so people try, "
            "look, and try again."
        )
        left, right = st.columns(2, gap="large")
        with left:
            counts = _number_of_layers(preset, start)
        with right:
            changed = _settings(preset, recipe, lambda name: name in _BASIC)
            changed["defect"] = _defect(preset, recipe.defect)
        basic = {"convolutions", "dense", *map(links.field_name, (*_BASIC, *settings(Defect)))}
        with _expander("More settings", asked - basic, state.TRAIN_MORE_OPEN):
            left, right = st.columns(2, gap="large")
            with left:
                network = replace(_layers(preset, start, *counts), **_settings(preset, start))
            with right:
                changed |= _settings(preset, recipe, lambda name: name not in _BASIC)
    return replace(recipe, network=network, **changed)


def _expander(label: str, asked: Set[str], key: state.Key[bool], icon: str | None = None) -> Any:
    """Open where a link asks for something in it, and not closed while somebody is at it."""
    is_open = bool(asked) or key.get()
    key.set(is_open)
    return st.expander(label, is_open, icon=icon)


def _field(preset: str, name: str) -> dict[str, Any]:
    """A widget's arguments by which the address can ask for it: ?plain dense=3, say."""
    return state.train_field(preset, name).bound()


def _settings(
    preset: str,
    start: NetworkConfig | TrainConfig,
    wanted: Callable[[str], bool] = lambda name: True,
) -> dict[str, Any]:
    """A widget for every wanted setting of the form; the values by the names of their fields."""
    return {
        name: _widget(setting, getattr(start, name), **_field(preset, links.field_name(name)))
        for name, setting in settings(type(start)).items()
        if setting.on_form and wanted(name)
    }


def _defect(preset: str, start: Defect) -> Defect:
    """How the training data is spoiled, with what the visitor's choice needs to be told."""
    known, chosen = settings(Defect), state.train_field(preset, links.field_name("kind"))
    share = state.train_field(preset, links.field_name("share"))
    kind = st.selectbox(
        known["kind"].label,
        list(DEFECTS),
        list(DEFECTS).index(start.kind),
        format_func=links.defect_text,
        help=known["kind"].help,
        on_change=lambda: share.set(DEFECTS[chosen.get()].start),  # of another kind it means other
        **chosen.bound(),
    )
    values: dict[str, Any] = {"kind": kind}
    if kind != start.kind:
        start = Defect(kind, share=DEFECTS[kind].start)
    for name in DEFECTS[kind].needs:
        value, key = getattr(start, name), _field(preset, links.field_name(name))
        if name == "share":
            what = f"How much {DEFECTS[kind].share}"
            stops = sorted({*known[name].stops, value})
            values[name] = st.select_slider(what, stops, value, format_func=links.share_text, **key)
        else:
            values[name] = st.selectbox(known[name].label, range(10), value, **key)
    return Defect(**values)


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


def _number_of_layers(preset: str, start: NetworkConfig) -> tuple[int, int]:
    """How many convolutions and hidden dense layers the visitor chooses."""
    num_convolutions = st.slider(
        "Convolution layers",
        0,
        links.MORE_LAYERS,
        len(start.convolutions),
        help="Layers that slide small windows over the picture and look for strokes, corners and "
        "loops. With none, the network sees 784 numbers in a row.",
        **_field(preset, "convolutions"),
    )
    num_dense = st.slider(
        "Dense layers",
        0,
        links.MORE_LAYERS,
        len(start.dense),
        help="Layers in which every unit looks at every number of the layer before. The last one, "
        "with ten units for the ten digits, is always there.",
        **_field(preset, "dense"),
    )
    return num_convolutions, num_dense


def _layers(
    preset: str, start: NetworkConfig, num_convolutions: int, num_dense: int
) -> NetworkConfig:
    """The network with so many layers, of such kinds as the visitor chooses."""
    convolutions = tuple(
        _convolution(preset, number, default)
        for number, default in enumerate(links.conv_defaults(start)[:num_convolutions])
    )
    dense = tuple(
        st.number_input(
            f"Units in dense layer {number + 1}",
            1,
            2048,
            default,
            **_field(preset, f"units {number}"),
        )
        for number, default in enumerate(links.width_defaults(start)[:num_dense])
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
