"""The first page: what this is, the three things to do, a game, nine ideas, and lessons."""

import streamlit as st

from pages.common import links, navigation
from pages.parts.home import game, hero, lesson_door, walkthrough

navigation.require_frame(__file__)

THINGS_TO_DO = (
    (
        links.explore(),
        "Look at the digits",
        "Thousands of them, by many hands, and each of them no more than a square of numbers.",
    ),
    (
        links.train(),
        "Let a network learn",
        "Choose a recipe, press Start, and watch it go from guessing to reading.",
    ),
    (
        links.draw(),
        "Write a digit yourself",
        "With the mouse, a pen, a finger or the keys, and see what a network makes of your hand.",
    ),
)

words, picture = st.columns([2, 3], gap="large", vertical_alignment="center")
with words:
    st.title("See a network learn to read", anchor=False)
    st.markdown(
        "A neural network turns a picture into an answer, and nobody tells it how. It guesses, is "
        "told the right answer, corrects itself a little, and guesses again, thousands of times. "
        "Look at the digits, watch a network learn them, and try it on your own handwriting."
    )
with picture:
    hero.show()
    st.caption("Real digits, from MNIST. The network is drawn far smaller than it is.")

for column, (link, title, what) in zip(st.columns(3), THINGS_TO_DO, strict=True):
    with column.container(border=True, height="stretch", key=f"card-{link.page}"):
        st.header(title, anchor=False)
        st.markdown(what)
        link.show(f":primary[**{link.page}**]", icon_position="right", width="stretch")

with st.container(horizontal_alignment="center"), st.container(width=900):  # easy to read
    game.show()
    if walkthrough.show():
        lesson_door.show()
