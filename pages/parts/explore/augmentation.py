"""What augmentation does to an image, and why one would do that."""

import random

import streamlit as st
import torch
from torch import Tensor

from mnistcore.data import augment
from pages.common import state, tiles
from pages.common.text import with_article

MANY = 9


@st.fragment
def show(image: Tensor, label: int) -> None:
    """One image, (28, 28) uint8, beside what a network might be shown in its place."""
    changed = augment.augmented_examples(image, MANY, state.EXPLORE_AUGMENTATION_SEED.get())
    st.button(
        "Shuffle again",
        icon=":material/shuffle:",
        on_click=lambda: state.EXPLORE_AUGMENTATION_SEED.set(random.getrandbits(32)),
    )
    images, captions = torch.cat([image[None], changed]), ["as it is", *[""] * MANY]
    digit = with_article(label)
    names = [f"the image, {digit}", *[f"changed, still {digit}"] * MANY]
    tiles.tiles(images, names, "changed", columns=5, captions=captions)
    st.markdown(
        f"Turn it a little, stretch it, slant it, move it: to us it is still {digit}, but to a "
        "computer nearly every number has changed. So one image can be shown many times, each time "
        "a little different, and a network meets more hands than there were.\n\n"
        "This is called *augmentation*. A network cannot learn such images by heart, and has to "
        f"find what makes {digit} {digit}. In Train it is one of the switches under *Change "
        "the recipe*."
    )
