"""Idea 5: hyperparameters are chosen, not learned. Turn them, and see the network change."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from mnistcore.config import Conv, NetworkConfig, check_network, layer_summary
from mnistcore.errors import NetworkError
from mnistcore.models.network import ACTIVATIONS
from mnistcore.presets import PRESETS
from mnistcore.viz import network_diagram
from pages.common import links
from pages.common.widgets import live_region

_WIDTHS = (4, 16, 64, 256, 1024, 2048)


@st.fragment
def show() -> None:
    """Layers, widths and activation to turn, the network that they make, and its weights."""
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        convolutions = left.slider(
            "Convolution layers, 32 windows of 3 x 3 each",
            0,
            4,
            1,
            key="idea 5 conv",
            persist_state="session",
        )
        activation = left.selectbox(
            "Activation", ACTIVATIONS, key="idea 5 activation", persist_state="session"
        )
        dense = right.slider("Dense layers", 0, 4, 1, key="idea 5 dense", persist_state="session")
        width = right.select_slider(
            "Units in each of these", _WIDTHS, 64, key="idea 5 width", persist_state="session"
        )
        network = NetworkConfig((Conv(32, 3),) * convolutions, (width,) * dense, activation)
        layers = []
        try:
            check_network(network)
            layers = layer_summary(network)
            weights = sum(layer.num_params for layer in layers)
            live_region(f"{weights:,} weights to learn.", key="idea 5 said")
            st.html(network_diagram.network_html(layers))
        except NetworkError as error:
            live_region(f"This cannot be built. {error}", key="idea 5 said")
    recipe = replace(PRESETS["plain"].config, network=network)
    links.train(preset="plain", config=recipe).onward(
        "Let this very network learn", disabled=not layers
    )
