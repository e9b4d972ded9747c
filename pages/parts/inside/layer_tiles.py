"""Layers as squares: what each unit says of one picture, and which pictures excite it most."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import streamlit as st

from mnistcore.viz.theme import diverging_rgba
from pages.common import state, tiles

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnistcore.data.digits import Digits
    from mnistcore.inspection.activations import WeightLayer
    from mnistcore.models.network import Network


_SHOWN = 64  # units of a layer at the most
_FAVOURITES = 12


def show(
    name: str,
    values: Tensor,
    module: nn.Module,
    chosen: int | None,
    on_pick: Callable[[int], None],
    *,
    reads_pixels: bool,
) -> None:
    """A layer as squares: what each of its units says, and for the first one what it looks for.

    values: (filters, rows, columns) or (units,) after the activation; on_pick: called with the
    place of the unit that was clicked.
    """
    from mnistcore.config import NUM_CLASSES

    count, first = len(values), values[:_SHOWN]
    weight = cast("Tensor", module.weight)  # any module may have other things by this name
    size = "" if count <= _SHOWN else f", the first {_SHOWN} of which are shown"
    if name == "answer":
        about = "one sum for each digit; the largest wins"
    elif values.ndim == 3:
        side = weight.shape[-1]
        about = (
            f"{count} filters slide a window of {side} x {side} over what they are given{size}; "
            f"each gives a map of {values.shape[1]} x {values.shape[2]} numbers"
        )
    else:
        about = f"{count} units, each of them one number{size}"
    st.markdown(f"**{name.capitalize()}**: {about}.")
    rows = {"says": first if first.ndim == 3 else first[:, None, None]}
    if reads_pixels:
        rows["looks for"] = weight.detach().cpu()[:_SHOWN].view(len(first), *_window(weight))
    for what, each in rows.items():
        if what == "looks for":
            st.markdown("What each of them looks for, its weights:")
        tiles.tiles(
            diverging_rgba(each),
            [_spoken(name, place, one) for place, one in enumerate(first)],
            key=state.inside_tiles(name, what),
            columns=None,
            captions=[str(digit) for digit in range(NUM_CLASSES)] if name == "answer" else None,
            chosen=chosen if chosen is None or chosen < len(first) else None,
            on_pick=on_pick,
        )


def _window(weight: Tensor) -> tuple[int, ...]:
    """Rows and columns of what each unit of the first layer looks at."""
    return tuple(weight.shape[2:]) or (28, 28)


def _spoken(name: str, place: int, value: Tensor) -> str:
    strongest = "strongest " if value.ndim else ""
    return f"{name}, unit {place}: {strongest}{float(value.max()):.2f}"


def show_max_activations(
    network: Network,
    layer: WeightLayer,
    unit: int,
    excitement: Tensor,
    test: Digits,
    on_pick: Callable[[int], None],
) -> None:
    """The test images that excite a unit most, faint where it does not look.

    excitement: (n,) of the first n test images; on_pick: called with the index of a clicked one.
    """
    import torch

    from mnistcore.inspection import activations

    best = excitement.topk(min(_FAVOURITES, len(excitement))).indices
    images = test.images[best]
    values = activations.activations(network, images)[layer.last + 1]
    names = []
    for place, index in enumerate(best.tolist()):
        label = int(test.labels[index])
        names.append(f"test image {index}, a {label}: {float(excitement[index]):.2f}")
        if values.ndim == 4:
            at = activations.argmax_position(values[place], unit)
            top, left, side = activations.receptive_field(network, layer, at)
            outside = torch.ones(28, 28, dtype=torch.bool)
            outside[max(top, 0) : top + side, max(left, 0) : left + side] = False
            images[place] = torch.where(outside, images[place] // 4, images[place])
    tiles.tiles(
        images,
        names,
        key=state.INSIDE_MAX_ACTIVATIONS,
        columns=6,
        captions=[str(int(test.labels[index])) for index in best],
        on_pick=lambda place: on_pick(int(best[place])),
    )
