"""The nine ideas below Home's first screen, told one after the other."""

import streamlit as st

from pages.shared import resources

_WIDTH = 900  # pixels: lines that are easy to read
_SEEN = "first screen seen"  # it would wait for the ideas if they came along with it


def show() -> None:
    """All nine, once the first screen is drawn and torch and the digits are there."""
    with st.container(horizontal_alignment="center"), st.container(width=_WIDTH):
        st.header("How it works, in nine ideas", anchor="ideas")
        if st.session_state.get(_SEEN) and resources.ready():
            _tell()
        else:
            _wait()


@st.fragment(run_every=0.3)
def _wait() -> None:
    """A line in place of the ideas, until the browser has drawn what is above and asks again."""
    if st.session_state.get(_SEEN) and resources.ready():
        st.rerun()
    st.session_state[_SEEN] = True
    st.caption("They follow in a moment ...")


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
