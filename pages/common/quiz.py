"""Quiz: the visitor reads what a network misread, one image after the other, and keeps score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.common import tiles
from pages.common.state import Key, Quiz
from pages.common.text import with_article
from pages.common.widgets import announce

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor


ROUND = 10  # pictures
_RIGHT, _WRONG = "#1a7f37", "#b3261e"


class Mistake(NamedTuple):
    """A test image that a network misread."""

    image: Tensor | bytes  # (28, 28) uint8
    label: int
    predicted: int
    confidence: float  # 0 to 1


@st.fragment
def show_quiz(mistake: Callable[[int], Mistake], key: Key[Quiz], count: int) -> None:
    """A mistake without its label, ten buttons, then the answer; after ROUND of them the score.

    mistake: gives the one of each turn, 0, 1, 2, ...; key: where the score is kept; count: of
    mistakes that there are.
    """
    now = key.get()
    image, label, _, _ = mistake_now = mistake(now.turn)
    over = now.guess is not None and now.guessed >= min(ROUND, count)

    def guess(digit: int) -> None:
        if now.guess is not None:  # the pressed button stays enabled, so that it keeps the focus
            return
        knew = now.knew + (digit == label)
        key.set(replace(now, guess=digit, guessed=now.guessed + 1, knew=knew))

    def another() -> None:
        key.set(Quiz(now.turn + 1) if over else replace(now, turn=now.turn + 1, guess=None))

    # Everything keeps its place when the answer comes, so that a finger finds the next button.
    picture, pad = st.columns([2, 3], gap="medium")
    with picture, st.container(horizontal_alignment="center"), st.container(width=240):
        tiles.pixels(image, "a test image", key=f"{key} picture", numbers=False)
    with pad:
        with st.container(key=f"{key} verdict", gap=None):
            _verdict(mistake_now, now.guess)
            if now.guess is not None:
                st.html(_paint(now.guess, _WRONG) + _paint(label, _RIGHT) + "<i></i>")
            told = f"{_in_words(mistake_now, now.guess)} {now.knew} of {now.guessed} right."
            announce(told, f"{key} verdict")
        for row in (range(5), range(5, 10)):
            with st.container(horizontal=True, gap="xsmall"):
                for digit in row:
                    st.button(
                        f"**{digit}**",
                        key=f"{key} digit {digit}",
                        on_click=guess,
                        args=(digit,),
                        disabled=now.guess not in (None, digit),
                        width="stretch",
                    )
        with st.container(horizontal=True, vertical_alignment="center"):
            word, icon = ("Again", "replay") if over else ("Next", "arrow_forward")
            icon = f":material/{icon}:"
            st.button(word, key=f"{key} next", type="primary", icon=icon, on_click=another)
            score = f"You knew **{now.knew} of {now.guessed}**"
            if over:
                cheer = "Bravo!" if 2 * now.knew >= now.guessed else "They are hard!"
                score += f", the network none. {cheer}"
            st.markdown(score)


def _verdict(mistake: Mistake, guess: int | None) -> None:
    """The question, or the answer and what the network said."""
    _, label, predicted, confidence = mistake
    took = f"The network took it for {with_article(predicted)}, {confidence:.1%} sure."
    if guess is None:
        st.info("The network got this one wrong. **Which digit is it?**", icon=":material/help:")
    elif guess == label:
        st.success(f"**Yes, {with_article(label)}.** {took}", icon=":material/check:")
    else:
        agree = " Just like you!" if guess == predicted else ""
        meant = f"**It is meant to be {with_article(label)}.**"
        st.warning(f"{meant} {took}{agree}", icon=":material/close:")


def _paint(digit: int, color: str) -> str:
    """Its button in this colour, as HTML: with a key that said so it would lose the focus."""
    look = f"background:{color};border-color:{color};color:#fff"
    return f'<style>.stApp [class*="-digit-{digit}"] .stButton button{{{look}}}</style>'


def _in_words(mistake: Mistake, guess: int | None) -> str:
    """The same for who hears it."""
    if guess is None:
        return "Which digit is it?"
    right, said = with_article(mistake.label), with_article(guess)
    meant = "Yes." if guess == mistake.label else f"It is meant to be {right}."
    return f"You said {said}. {meant} The network took it for {with_article(mistake.predicted)}."
