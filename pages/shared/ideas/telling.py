"""The nine ideas below Home's first screen, told one after the other."""

import streamlit as st

from pages.shared import resources

_WIDTH = 900  # pixels: lines that are easy to read


def show() -> None:
    """All nine, as soon as torch and the digits are there; until then, a line that says so."""
    with st.container(horizontal_alignment="center"), st.container(width=_WIDTH):
        st.header("How it works, in nine ideas", anchor="ideas")
        if not resources.ready():
            _wait()
            return
        _tell()


@st.fragment(run_every=0.5)
def _wait() -> None:
    if resources.ready():
        st.rerun()
    st.caption("The digits and the network are being fetched; the ideas follow in a moment ...")


def _tell() -> None:
    # They bring torch, and the first screen need not wait for it.
    from pages.shared.ideas import (
        a_function,
        by_hand,
        by_heart,
        choices,
        cycle,
        from_data,
        in_layers,
        six_steps,
        sunshine,
    )

    ideas = (
        a_function,
        from_data,
        by_hand,
        in_layers,
        choices,
        cycle,
        by_heart,
        sunshine,
        six_steps,
    )
    st.markdown(" · ".join(f"[{n} {idea.TITLE}](#idea-{n})" for n, idea in enumerate(ideas, 1)))
    resources.show_notice()
    for number, idea in enumerate(ideas, 1):
        st.subheader(f"{number}. {idea.TITLE}", anchor=f"idea-{number}")
        idea.tell()
