"""What a layer of a network makes of one image, as small pictures: feature maps, or units."""

from collections.abc import Callable

import streamlit as st
from torch import Tensor

from mnistcore.config import IMAGE_SIZE
from mnistcore.inspection import activations
from mnistcore.inspection.activations import WeightLayer
from mnistcore.models.network import Network
from mnistcore.viz.theme import diverging_rgba
from pages.common import tiles

MAX_SHOWN = 64  # units of a layer at the most


def show(
    network: Network,
    layer: WeightLayer,
    values: Tensor,
    chosen: int | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """A layer as squares: what each unit says and, if it reads the pixels, what it looks for.

    values: (filters, rows, columns) or (units,), after the activation; on_pick: called with the
    index of the unit clicked, if squares are to be clicked.
    """
    name, weights = layer.name, activations.weight_module(network, layer).weight.detach().cpu()
    count, first = len(values), values[:MAX_SHOWN]
    size = "" if count <= MAX_SHOWN else f", the first {MAX_SHOWN} of which are shown"
    if name == "answer":
        about = "one sum for each digit; the largest wins"
    elif values.ndim == 3:
        side = weights.shape[-1]
        about = (
            f"{count} filters slide a window of {side} x {side} over what they are given{size}; "
            f"each gives a map of {values.shape[1]} x {values.shape[2]} numbers"
        )
    else:
        about = f"{count} units, each of them one number{size}"
    st.markdown(f"**{name.capitalize()}**: {about}.")
    maps, strongest = (first, "strongest ") if first.ndim == 3 else (first[:, None, None], "")
    names = [f"{name}, unit {n}: {strongest}{float(each.max()):.2f}" for n, each in enumerate(maps)]
    rows = {"says": maps}
    if layer == activations.weight_layers(network)[0]:
        window = weights.shape[2:] or (IMAGE_SIZE, IMAGE_SIZE)
        rows["looks for"] = weights[:MAX_SHOWN].view(len(first), *window)
    for what, each in rows.items():
        if what == "looks for":
            st.markdown("What each of them looks for, its weights:")
        tiles.tiles(
            diverging_rgba(each),
            names,
            key=f"{name} {what}",
            columns=None,
            captions="0123456789" if name == "answer" else None,
            chosen=chosen if chosen in range(len(first)) else None,
            on_pick=on_pick,
        )
