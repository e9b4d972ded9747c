"""The game on Home: the visitor reads what the network that comes with the app misread."""

import json
from functools import cache
from pathlib import Path

import streamlit as st
from PIL import Image

from pages.common import links, state
from pages.common.quiz import Mistake, show_quiz

_MISREAD = Path(__file__).with_name("misread.json")  # and the images beside it, in a .png


@cache
def mistakes() -> list[Mistake]:
    """Every test image of MNIST that it misreads; kept in files, so that nobody waits for torch."""
    pixels = Image.open(_MISREAD.with_suffix(".png")).tobytes()
    return [
        Mistake(pixels[784 * place : 784 * (place + 1)], label, predicted, percent / 100)
        for place, (label, predicted, percent) in enumerate(json.loads(_MISREAD.read_text()))
    ]


def show() -> None:
    """One of its mistakes, and ten buttons."""
    st.header("Would you have known?", anchor="game")
    st.markdown(
        f"Our network read {len(mistakes())} of 10,000 new digits wrong. Can you do better?"
    )
    with st.container(border=True):
        show_quiz(lambda turn: mistakes()[turn % len(mistakes())], state.HOME_QUIZ, len(mistakes()))
    links.evaluate(model="shipped", look="Mistakes").onward("All it got wrong")
