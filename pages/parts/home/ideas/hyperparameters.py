"""Idea 5: hyperparameters are chosen, not learned. Turn them, and see the network change."""

from dataclasses import replace

import streamlit as st

from mnistcore.config import Conv, NetworkConfig, check_network, layer_summary
from mnistcore.errors import NetworkError
from mnistcore.models.network import ACTIVATIONS
from mnistcore.presets import PRESETS
from pages.common import links, pictures
from pages.common.state import kept
from pages.common.widgets import live_region

_WIDTHS = (4, 16, 64, 256, 1024, 2048)


@st.fragment
def show() -> None:
    """Layers, widths and activation to turn, the network that they make, and its weights."""
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        windows = "Convolution layers, 32 windows of 3 x 3 each"
        convolutions = left.slider(windows, 0, 4, 1, **kept("idea 5 conv"))
        activation = left.selectbox("Activation", ACTIVATIONS, **kept("idea 5 activation"))
        dense = right.slider("Dense layers", 0, 4, 1, **kept("idea 5 dense"))
        width = right.select_slider("Units in each of these", _WIDTHS, 64, **kept("idea 5 width"))
        network = NetworkConfig((Conv(32, 3),) * convolutions, (width,) * dense, activation)
        layers = []
        try:
            check_network(network)
            layers = layer_summary(network)
            weights = sum(layer.num_params for layer in layers)
            live_region(f"{weights:,} weights to learn.", key="idea 5 said")
            pictures.network(layers, f"Network of {weights:,} weights", "idea 5 network")
        except NetworkError as error:
            live_region(f"This cannot be built. {error}", key="idea 5 said")
    recipe = replace(PRESETS["plain"].config, network=network)
    link = links.train(preset="plain", config=recipe)
    link.onward("Let this very network learn", disabled=not layers)
