"""Lesson: a sheet of paper for whoever takes it, with room to write, or with the answers."""

from html import escape
from pathlib import Path

import streamlit as st

from mnistcore.lessons import Lesson, paragraphs

_STYLE = Path(__file__).with_suffix(".css")
_ROOM = "<p class=line></p>" * 2


def show(lesson: Lesson, *, answers: bool) -> None:
    """The sheet, as it comes out of the printer."""
    parts, number = "", 1
    for place, step in enumerate(lesson.steps, 1):
        questions = ""
        for task, solution in zip(paragraphs(step.task), paragraphs(step.solution), strict=True):
            room = f"<p class=answer>{escape(solution)}</p>" if answers else _ROOM
            questions += f"<li value={number}>{escape(task)}{room}</li>"
            number += 1
        if questions:
            parts += f"<h2>Step {place}: {escape(step.title)}</h2><ol>{questions}</ol>"
    if not parts:
        st.info("None of its steps has a `task`: docs/lessons.md says how to write one.")
        return
    st.html(_STYLE)
    st.caption("Print it from the browser: only the sheet below comes out.")
    head = "With answers" if answers else "<span>Name</span><span>Date</span>"
    with st.container(key="worksheet", border=True):
        st.html(f"<h1>{escape(lesson.title)}</h1><p class=head>{head}</p>{parts}")
