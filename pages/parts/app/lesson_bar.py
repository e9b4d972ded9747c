"""Lesson: on every page, the step of the lesson that is given; what to do, Back, Next, Leave."""

from pathlib import Path

import streamlit as st

from mnistcore.errors import LessonError
from pages.common import lessons, state
from pages.common.text import escape_markdown

_STYLE = Path(__file__).with_suffix(".css")


def show(name: str, at: int, page: str) -> str:
    """The bar of a step of a lesson, if there is one; returns the anchor to which it leads.

    page: the title of the one that is open, perhaps another than the step's.
    """
    path = lessons.files().get(name)
    if path is None:
        state.leave_lesson()
        return ""
    try:
        lesson = lessons.read(path)
    except LessonError as error:
        st.warning(escape_markdown(error), icon=":material/school:")
        return ""
    if not state.LESSON_STEP.asked():  # somebody comes to take the lesson from its start
        lessons.step_link(name, lesson, 1).go()
    count = len(lesson.steps)
    at = min(at, count)
    step, here = lesson.steps[at - 1], lessons.step_link(name, lesson, at)
    st.html(_STYLE)
    with st.container(key="lesson-bar", horizontal=True, vertical_alignment="center", gap="small"):
        title = f"**{at} of {count}. {escape_markdown(step.title)}**"
        here.show(title, ":material/school:", help="Set the page up for this step")
        if page == here.page:
            st.markdown(escape_markdown(step.do), width="stretch")
        else:
            back = f":primary[**Back to this step: {here.page}**]"
            here.show(back, ":material/undo:", width="stretch")
        ways = [("Back", max(1, at - 1), "arrow_back"), ("Next", at + 1, "arrow_forward")]
        if at == count:
            ways[1] = "Again", 1, "replay"
        for label, to, icon in ways:
            goal = lessons.step_link(name, lesson, to)
            told = f"{to}. {escape_markdown(lesson.steps[to - 1].title)}"
            goal.show(label, f":material/{icon}:", help=told, disabled=to == at)
        st.button("Leave", icon=":material/close:", on_click=state.leave_lesson, type="tertiary")
    return here.anchor
