"""Quiz: the visitor reads what a network misread, one image after the other, and keeps score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.common import tiles
from pages.common.state import Key, Quiz
from pages.common.text import with_article

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor


class Mistake(NamedTuple):
    """A test image that a network misread."""

    image: Tensor | bytes  # (28, 28) uint8
    label: int
    predicted: int
    confidence: float  # 0 to 1


@st.fragment
def show_quiz(mistake: Callable[[int], Mistake], key: Key[Quiz]) -> None:
    """A mistake without its label, ten buttons, then the answer.

    mistake: gives the one of each turn, 0, 1, 2, ...; key: where the score is kept.
    """
    now = key.get()
    image, label, predicted, confidence = mistake(now.turn)

    def guess(digit: int) -> None:
        knew = now.knew + (digit == label)
        key.set(replace(now, guess=digit, guessed=now.guessed + 1, knew=knew))

    def another() -> None:
        key.set(replace(now, turn=now.turn + 1, guess=None))

    # Everything keeps its place when the answer comes, so that a finger finds the next button.
    picture, pad = st.columns([2, 3], gap="medium")
    with picture, st.container(horizontal_alignment="center"), st.container(width=240):
        tiles.pixels(image, "a test image", key=f"{key} picture", numbers=False)
    with pad:
        colors = {} if now.guess is None else {now.guess: "red", label: "green"}
        for row in (range(5), range(5, 10)):
            with st.container(horizontal=True, gap="xsmall"):
                for digit in row:
                    st.button(
                        f":{colors[digit]}[**{digit}**]" if digit in colors else f"**{digit}**",
                        key=f"{key} {digit}",
                        on_click=guess,
                        args=(digit,),
                        disabled=now.guess is not None,
                        width="stretch",
                    )
        with st.container(horizontal=True, vertical_alignment="center"):
            arrow = ":material/arrow_forward:"
            st.button("Next", key=f"{key} next", type="primary", icon=arrow, on_click=another)
            st.markdown(f"You knew **{now.knew} of {now.guessed}**")
        took = f"The network took it for {with_article(predicted)}, {confidence:.0%} sure."
        if now.guess is None:
            st.info(
                "The network got this one wrong. **Which digit is it?**", icon=":material/help:"
            )
        elif now.guess == label:
            st.success(f"**Yes, {with_article(label)}.** {took}", icon=":material/check:")
        else:
            agree = " Just like you!" if now.guess == predicted else ""
            st.warning(
                f"**It is labelled {with_article(label)}.** {took}{agree}", icon=":material/close:"
            )
