"""Idea 4: a network is layers. Each lights up for the chosen digit, and a unit can be opened."""

from functools import partial

import streamlit as st

from mnistcore.inspection import activations
from mnistcore.viz.theme import diverging_rgba
from pages.common import links, model_picker, state, tiles
from pages.common.state import ChosenUnit
from pages.common.text import with_article
from pages.parts.home import sample_picker

_SHOWN = 16  # units of a layer


@st.fragment
def show() -> None:
    """The chosen digit's way through the shipped network; a click chooses a unit for Inside."""
    network = model_picker.latest_model("shipped").network
    out = [each[0] for each in activations.activations(network, sample_picker.picture()[None])]
    parts = activations.weight_layers(network)
    index, label = sample_picker.chosen()
    now = state.IDEA_4_UNIT.get() or ChosenUnit(parts[0].name)

    def pick(layer: str, unit: int) -> None:
        state.IDEA_4_UNIT.set(ChosenUnit(layer, unit))

    with st.container(border=True):
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            sample_picker.choose("idea 4 digits")
            st.caption(
                f"Our network, live, reading test image {index}, {with_article(label)}. Blue is "
                "above zero, orange below. Choose any square to open it up."
            )
        for layer in parts:
            said = out[layer.last + 1]
            mapped, is_answer = said.ndim == 3, layer.name == "answer"
            maps = said[:_SHOWN] if mapped else said[:_SHOWN, None, None]
            what = f"maps of {said.shape[1]} x {said.shape[2]}" if mapped else "numbers"
            some = f", {_SHOWN} of them shown" if len(said) > _SHOWN else ""
            st.markdown(f"**{layer.name.capitalize()}**: {len(said)} {what}{some}")
            strongest = [f"{'strongest ' * mapped}{float(each.max()):.2f}" for each in maps]
            with st.container(width=480 if is_answer else "stretch"):
                tiles.tiles(
                    diverging_rgba(maps),
                    [f"{layer.name}, unit {unit}: {s}" for unit, s in enumerate(strongest)],
                    key=f"idea 4 {layer.name}",
                    columns=len(maps) if is_answer else None,
                    captions="0123456789" if is_answer else None,
                    chosen=now.unit if now.layer == layer.name else None,
                    on_pick=partial(pick, layer.name),
                )
    link = links.inside(index, now.layer, now.unit, "shipped", picture="Test image")
    link.onward(f"Open {now.layer}, unit {now.unit}")
    sample_picker.spread()
