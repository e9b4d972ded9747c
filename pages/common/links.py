"""The pages at the top, and links from page to page: each sets the page up by its address."""

from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import streamlit as st

from mnistcore.config import DEFECTS, Conv, Defect, NetworkConfig, TrainConfig, settings
from mnistcore.presets import PRESETS
from pages.common import state

# The settings of Train's form that the address calls otherwise than their fields.
_FIELDS = {
    "train_size": "size",
    "batch_size": "batch",
    "optimizer": "optimiser",
    "learning_rate": "rate",
    "weight_decay": "decay",
    "label_smoothing": "smoothing",
    "kind": "spoil",
    "digit": "spoil digit",
    "other": "spoil other",
    "share": "spoil share",
}
HOME, LESSON_PAGE = "Home", "Lesson"  # the latter is not at the top
# Those at the top, by title: icon, and what for.
PAGES = {
    HOME: (":material/home:", "What this is, and where to start."),
    "Explore": (":material/grid_view:", "See the digits that a network learns from."),
    "Train": (":material/model_training:", "Let a network learn, and watch it happen."),
    "Draw": (":material/draw:", "Write a digit and see a network read it."),
    "Inside": (":material/network_node:", "See what every part of a network makes of a picture."),
    "Evaluate": (":material/fact_check:", "See how good a network is, and where it fails."),
}
Word: TypeAlias = str | None  # of an address: None is left out
Number: TypeAlias = int | None
MORE_LAYERS = 4  # of either kind, as many as the form offers


def field_name(setting: str) -> str:
    """What the address, after the preset, calls this setting: batch_norm -> "batch norm"."""
    return _FIELDS.get(setting, setting.replace("_", " "))


def stop_text(value: float | None) -> str:
    """A value of a setting as its slider and the address have it: "all", "5,000" or "1e-05"."""
    if value is None:
        return "all"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def share_text(value: float) -> str:
    """A share as a slider and the address have it: "40 %"."""
    return f"{100 * value:g} %"


def defect_text(kind: str) -> str:
    """A way to spoil data as the form and the address have it."""
    return DEFECTS[kind].title


def conv_defaults(start: NetworkConfig) -> tuple[Conv, ...]:
    """What each convolution of the form is at first, begun from this network."""
    return (*start.convolutions, *(Conv(32, 3),) * MORE_LAYERS)


def width_defaults(start: NetworkConfig) -> tuple[int, ...]:
    """Likewise the width of each dense layer."""
    return (*start.dense, *(64,) * MORE_LAYERS)


def window_text(side: int) -> str:
    """A window of a convolution, as the form and the address have it."""
    return f"{side} x {side}"


@dataclass(frozen=True)
class Link:
    """A page by its title, the parameters of its address, and the anchor of a heading."""

    page: str
    parameters: dict[str, str]
    anchor: str = ""

    def show(self, label: str, icon: str = ":material/arrow_forward:", **more: Any) -> None:
        """A link to follow; `more` is for st.page_link."""
        asked = self.parameters or None
        st.page_link(_path(self.page), label=label, icon=icon, query_params=asked, **more)

    def show_in_new_window(self, label: str, **more: Any) -> None:
        """The same, in a window of its own; `more` is for st.link_button."""
        page = "./" if self.page == HOME else self.page.lower()
        st.link_button(label, f"{page}?{urlencode(self.parameters)}", **more)

    def onward(self, what: str, *, disabled: bool = False) -> None:
        """The link below an idea; `what` is short enough for a phone."""
        self.show(f":primary[**{what}: {self.page}**]", icon_position="right", disabled=disabled)

    def go(self) -> None:
        """Open the page."""
        st.switch_page(_path(self.page), query_params=self.parameters)


def _path(page: str) -> str:
    return f"pages/{page.lower()}.py"


def _link(page: str, keys: tuple[str, ...], *values: str | float | None) -> Link:
    asked = zip(keys, values, strict=True)
    return Link(page, {key: _text(value) for key, value in asked if value is not None})


def _text(value: str | float) -> str:
    """A value as widgets have it in the address."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def from_address(address: str) -> Link:
    """To where an address of the app leads: "/explore?index=10", "/#idea-3".

    Raises ValueError, about `address`, where it leads nowhere, or out of the app.
    """
    parts = urlsplit(address)
    pages = {f"/{page.lower()}": page for page in PAGES} | {"/": HOME}
    if parts.scheme or parts.netloc or parts.path not in pages:
        some = "it begins with a page of this app, such as /explore or /"
        raise ValueError(f"address cannot be {address!r}: {some}")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in parameters:
        if not state.is_in_address(name):
            raise ValueError(f"address has {name!r}, which no page knows")
    return Link(pages[parts.path], parameters, parts.fragment)


def lessons() -> Link:
    """To all lessons."""
    return Link(LESSON_PAGE, {})


def lesson(name: str, at: int, to: Link | None = None, shown: Word = None) -> Link:
    """To a step of a lesson: to its notes, or to `to`, where the audience is then."""
    to = to or _link(LESSON_PAGE, (state.LESSON_SHOWN,), shown)
    where = {str(state.LESSON): name, str(state.LESSON_STEP): str(at)}
    return Link(to.page, to.parameters | where, to.anchor)


def explore(part: Word = None, index: Number = None, digit: Number = None) -> Link:
    """To an image of a part, "training" or "test", or to all of a digit."""
    keys = (state.EXPLORE_PART, state.EXPLORE_INDEX, state.EXPLORE_DIGIT)
    return _link("Explore", keys, part, index, digit)


def train(
    preset: Word = None,
    run: Word = None,
    config: TrainConfig | None = None,
    step: Number = None,
    twin: Word = None,
) -> Link:
    """To a run by its id, as it was at a step, or to the form: with a preset, or with a recipe that
    begins from it; with a twin."""
    keys = (state.TRAIN_PRESET, state.TRAIN_RUN, state.TRAIN_MOMENT, state.TRAIN_TWIN)
    link = _link("Train", keys, preset, run, step, twin)
    if config is not None and preset is not None:
        start = PRESETS[preset].config
        known = _form(start, conv_defaults(start.network), width_defaults(start.network))
        asked = _form(config, config.network.convolutions, config.network.dense)
        for name, text in asked.items():
            if text != known.get(name):
                link.parameters[state.train_field(preset, name)] = text
    return link


def _form(config: TrainConfig, convs: tuple[Conv, ...], widths: tuple[int, ...]) -> dict[str, str]:
    """What the fields of Train's form say for this recipe, with these rows of layers."""
    network = config.network
    texts = {"convolutions": str(len(network.convolutions)), "dense": str(len(network.dense))}
    for number, conv in enumerate(convs):
        texts[f"filters {number}"] = str(conv.filters)
        texts[f"window {number}"] = window_text(conv.kernel_size)
        texts[f"pool {number}"] = _text(conv.pool)
    texts |= {f"units {number}": str(width) for number, width in enumerate(widths)}
    texts |= {field_name(n): text for n, text in _defect(config.defect).items()}
    for part in (network, config):
        for name, setting in settings(type(part)).items():
            value = getattr(part, name)
            if setting.switches_on:
                value = value == setting.switches_on
            if setting.on_form:
                texts[field_name(name)] = stop_text(value) if setting.stops else _text(value)
    return texts


def _defect(defect: Defect) -> dict[str, str]:
    """What the fields for spoiled data say; those that it does not need say nothing."""
    texts = {"kind": defect_text(defect.kind)}
    for name in DEFECTS[defect.kind].needs:
        value = getattr(defect, name)
        texts[name] = share_text(value) if name == "share" else _text(value)
    return texts


def draw(model: Word = None, more: Word = None) -> Link:
    """To the sheet of paper, which this network reads, and to what more can be done with it."""
    return _link("Draw", (state.MODEL, state.DRAW_MORE), model, more)


def inside(
    index: Number = None,
    layer: Word = None,
    unit: Number = None,
    model: Word = None,
    picture: Word = None,
    fool: Word = None,
) -> Link:
    """To a test image's way through a network, to a unit of it, and to who shall fool it."""
    keys = (state.INSIDE_INDEX, state.INSIDE_LAYER, state.INSIDE_UNIT, state.MODEL)
    more = (state.INSIDE_PICTURE, state.INSIDE_FOOL)
    return _link("Inside", (*keys, *more), index, layer, unit, model, picture, fool)


def evaluate(
    model: Word = None, look: Word = None, corruption: Word = None, severity: float | None = None
) -> Link:
    """To a way of looking at a network's mistakes, or to a corruption."""
    keys = (state.MODEL, state.EVALUATE_LOOK)
    if corruption is None:
        return _link("Evaluate", keys, model, look)
    from mnistcore.data.corruptions import CORRUPTIONS  # it brings torch

    kind = CORRUPTIONS[corruption].title.lower()
    more = (*keys, state.EVALUATE_CORRUPTION, corruption)
    return _link("Evaluate", more, model, look, kind, severity)
