"""Fool it: a picture changed so that the network reads another digit, by the machine or by hand."""

import streamlit as st
from torch import Tensor

from mnistcore.data.digits import Digits
from pages.common import attack, state
from pages.common.model_picker import Snapshot
from pages.common.widgets import scroll_into_view

MACHINE, YOU = "The machine", "You"


@st.fragment
def show(held: Snapshot, image: Tensor, test: Digits, index: int | None) -> None:
    """The section; nothing is worked out before somebody is chosen.

    image: (28, 28) float32 in [0, 1]; index: which of the test images it is, if it is one.
    """
    arriving = state.INSIDE_FOOL.arriving()
    st.header("Fool it", anchor="fool-it")
    st.markdown(
        "Some pixels changed, and the network reads another digit where you still see the old one. "
        "If it finds nothing odd either, it is fooled. Who shall try?"
    )
    who = st.segmented_control("Who fools it?", [MACHINE, YOU], **state.INSIDE_FOOL.bound())
    scroll_into_view(who or "", key="fool in view", margin="5rem 0 38rem", arriving=arriving)
    if who == MACHINE:
        attack.show(held.model, held.stamp, image, state.INSIDE_ATTACK)
    elif who == YOU and index is not None:
        from pages.parts.inside import retouching

        retouching.show(held.model, held.stamp, test, index)
    elif who == YOU:
        st.caption("This is done with a real test image: choose one above.")
