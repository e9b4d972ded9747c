"""Idea 1: a model is a function. A digit goes in, ten numbers come out; and what else is one."""

import random

import streamlit as st

from pages.common import links, state
from pages.common.prediction_card import show_prediction
from pages.common.state import GuessingGame
from pages.common.widgets import live_region
from pages.parts.home import sample_picker

_ELSEWHERE = {
    "an e-mail": "spam or not",
    "what a customer writes": "how positive it is",
    "an ad on the internet, and a visitor": "will they click?",
    "recorded speech": "its words, written down",
    "a satellite image of the ocean": "the outlines of ships",
    "a close-up of a material": "is there a defect?",
}


@st.fragment
def show() -> None:
    """The digit, the function and its ten numbers; below it, six other functions to guess."""
    with st.container(border=True, horizontal=True, gap="medium"):
        sample_picker.choose("idea 1 digits")
        with st.container(width="stretch"):
            show_prediction("shipped", sample_picker.picture, spoken="idea 1 answer")
    index, label = sample_picker.chosen()
    links.explore(part="test", index=index).onward(f"See this {label} as 784 numbers")
    _elsewhere()
    links.draw(model="shipped").onward("Put your own handwriting in")
    sample_picker.spread()


def _elsewhere() -> None:
    """Which output belongs to this input? The visitor guesses, and the score is kept."""
    now = state.IDEA_1_GAME.get()
    lap, place = divmod(now.turn, len(_ELSEWHERE))
    what, answer = list(_ELSEWHERE.items())[place]
    asked = state.IDEA_1_GUESS

    def guess() -> None:
        if (said := asked.get()) is not None:
            asked.set(None)  # the same choices come again, and keep the focus
            told = f"{'Yes' if said == answer else 'Not quite'}: from {what} to “{answer}”."
            state.IDEA_1_GAME.set(GuessingGame(now.turn + 1, now.right + (said == answer), told))

    with st.container(border=True):
        st.markdown(f"The same elsewhere. **{what.capitalize()} goes in: what should come out?**")
        st.pills(
            "What comes out",
            random.Random(lap).sample(list(_ELSEWHERE.values()), len(_ELSEWHERE)),
            key=asked,
            on_change=guess,
            label_visibility="collapsed",
            wrap=True,
        )
        score = f" {now.right} of {now.turn} right so far." if now.turn else "Six of them to guess."
        live_region(now.said + score, key="idea 1 said")
