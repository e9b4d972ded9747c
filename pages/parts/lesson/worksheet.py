"""Lesson: the questions on a sheet of paper, with room to write, or with the answers."""

from html import escape
from pathlib import Path

import streamlit as st

from mnistcore.lessons import Lesson, paragraphs

_STYLE = Path(__file__).with_suffix(".css")


def show(lesson: Lesson, *, answers: bool) -> None:
    """The sheet, as it comes out of the printer."""
    st.html(_STYLE)
    st.caption("Print it from the browser: only the sheet below comes out.")
    asked = [step for step in lesson.steps if step.ask]
    parts = "".join(
        f"<li><b>{escape(step.title)}</b>{_text(step.ask)}"
        f"{_text(step.answer, 'answer') if answers else '<p class=lines></p>' * 2}</li>"
        for step in asked
    )
    name = "" if answers else "<p class=name>Name</p>"
    with st.container(key="worksheet", border=True):
        st.html(f"<h1>{escape(lesson.title)}</h1>{name}<ol>{parts}</ol>")


def _text(text: str, kind: str = "ask") -> str:
    return "".join(f"<p class={kind}>{escape(each)}</p>" for each in paragraphs(text))
