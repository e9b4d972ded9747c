"""The nine ideas below Home's first screen, told one after the other."""

from importlib import import_module
from pathlib import Path

import streamlit as st

from pages.common import state
from pages.common.datasets import is_loaded, show_fallback_notice

IDEAS = (
    *("function", "learning_from_data", "gradient_descent", "layers", "hyperparameters"),
    *("experiment_cycle", "train_test_split", "distribution_shift", "notebook"),
)
WORDS = Path(__file__).parent / "ideas" / "words.md"


def show() -> bool:
    """All nine, once the first screen is drawn and torch and the digits are there, or not yet."""
    st.header("How it works, in nine ideas", anchor="ideas")
    if ready := state.HOME_FIRST_SCREEN_SEEN.get() and is_loaded():
        _tell()
    else:
        _wait()
    return ready


@st.fragment(run_every=0.3)
def _wait() -> None:
    """A line in place of the ideas, until the browser has drawn what is above and asks again."""
    if state.HOME_FIRST_SCREEN_SEEN.get() and is_loaded():
        st.rerun()
    state.HOME_FIRST_SCREEN_SEEN.set(True)  # it would wait for the ideas if they came along
    st.caption("They follow in a moment ...")


def titles() -> list[str]:
    """What the nine ideas are called."""
    return [title for title, *_ in _texts()]


def _texts() -> list[list[str]]:
    """Title, what is read before its touch, and behind it, of each idea."""
    return [text.split("\n\n", 2) for text in WORDS.read_text("utf-8").split("\n## ")[1:]]


def _tell() -> None:
    # They bring torch, and the first screen need not wait for it.
    ideas = [import_module(f"pages.parts.home.ideas.{name}") for name in IDEAS]
    texts = _texts()
    links = (f"{at}. [{title}](#idea-{at})" for at, (title, *_) in enumerate(texts, 1))
    with st.container(key="nine-ideas"):
        st.markdown("\n".join(links))
    show_fallback_notice()
    for number, (idea, (title, before, more)) in enumerate(zip(ideas, texts, strict=True), 1):
        st.subheader(f"{number}. {title}", anchor=f"idea-{number}")
        st.markdown(before)
        idea.show()
        st.expander("Tell me more").markdown(more)
