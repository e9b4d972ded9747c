"""Sample picker: ten test images, of which the chosen one runs through all ideas."""

import numpy as np
import streamlit as st
from torch import Tensor

from mnistcore.data.digits import to_float
from pages.common import datasets, state, tiles
from pages.common.text import with_article


def _indices() -> list[int]:
    """Of the first test image of each digit, from 0 to 9."""
    labels = datasets.shared_dataset().test.labels
    return np.unique(labels.numpy(), return_index=True)[1].tolist()


def chosen() -> tuple[int, int]:
    """The index among the test images of the chosen one, and its label."""
    index = _indices()[state.HOME_DIGIT.get()]
    return index, int(datasets.shared_dataset().test.labels[index])


def picture() -> Tensor:
    """The chosen one, (28, 28) float32 in [0, 1]."""
    return to_float(datasets.shared_dataset().test.images[chosen()[0]])


def choose(key: str) -> None:
    """Ten tiles; all passages follow once the one that was touched is drawn: see `spread`."""

    def pick(place: int) -> None:
        state.HOME_DIGIT.set(place)
        state.HOME_DIGIT_MOVED.set(True)

    sample = datasets.shared_dataset().test.select(_indices())
    pairs = zip(_indices(), sample.labels.tolist(), strict=True)
    names = [f"test image {index}, {with_article(label)}" for index, label in pairs]
    with st.container(width=330):
        chosen = state.HOME_DIGIT.get()
        tiles.tiles(sample.images, names, key, columns=5, chosen=chosen, on_pick=pick)


def spread() -> None:
    """Let the other passages show the digit that was just chosen in this one."""
    if state.HOME_DIGIT_MOVED.pop():
        st.rerun()
