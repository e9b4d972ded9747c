"""Layers of a moment: what the network, as it was then, made of one's own drawing."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st
from torch import Tensor

from mnistcore.drawing.rasterize import from_strokes
from mnistcore.inspection import frames
from mnistcore.inspection.activations import WeightLayer, activations, weight_layers
from mnistcore.models.network import Network
from mnistcore.runs.store import Run
from pages.common import layer_tiles, state
from pages.common.canvas import current_strokes
from pages.parts.train.frame_stage import asked_moment


def show(run: Run, *, live: bool) -> None:
    """The layers at the moment that is looked at, if there is a drawing and somebody asks for them.

    live: whether it trains: then only where the slider rests, or every look would bring new ones.
    """
    drawn, asked = from_strokes(current_strokes()), asked_moment()
    if drawn is None:
        return
    follows = live and asked is None
    wanted = st.toggle(
        "What each layer makes of your drawing, at this moment",
        disabled=follows,
        help="Possible once it is trained, or where you leave the slider." if follows else None,
        **state.TRAIN_LAYERS.kept(),
    )
    steps = frames.recorded_steps(run.frames)
    if follows or not wanted or not steps:
        return
    step = max((each for each in steps if asked is None or each <= asked), default=steps[0])
    found = _layers(str(run.path), step, drawn.numpy().tobytes(), drawn)
    if found is None:
        st.caption("The weights of this moment were not kept: there is room for few so large.")
        return
    st.caption("Blue is above zero, orange below, and the stronger the further.")
    for layer, values in found.said:
        layer_tiles.show(found.network, layer, values)


class _Layers(NamedTuple):
    network: Network
    said: list[tuple[WeightLayer, Tensor]]  # by the units of each


@st.cache_resource(show_spinner=False, max_entries=8)
def _layers(folder: str, step: int, drawing: bytes, _drawn: Tensor) -> _Layers | None:
    """What the network of a step made of a drawing; None if its weights were not kept."""
    run = Run(Path(folder))
    frame = frames.read_frame(run.frames, step)
    network = frame.network(run.train_config().network) if frame else None
    if network is None:
        return None
    out = [each[0] for each in activations(network, _drawn[None])]
    return _Layers(network, [(each, out[each.last + 1]) for each in weight_layers(network)])
