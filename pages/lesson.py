"""Lessons: choose one, give it from notes, print its worksheet."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from mnistcore.errors import LessonError
from mnistcore.lessons import Lesson
from pages.common import lessons, links, navigation, state
from pages.common.text import escape_markdown
from pages.common.widgets import one_of
from pages.parts.lesson import notes, worksheet

navigation.require_frame(__file__)

PAPERS = ("Notes", "Worksheet", "Worksheet with answers")


def choose(files: Mapping[str, Path]) -> None:
    """All lessons there are, and what is wrong with a file that is none."""
    st.title("Give a lesson", anchor=False)
    st.markdown(
        "Guided visits: a bar leads your audience from page to page, notes tell you what to say "
        "and what to ask before you show it, and there is a worksheet to print."
    )
    for name, path in files.items():
        try:
            lesson = lessons.read(path)
        except LessonError as error:
            st.warning(escape_markdown(error), icon=":material/school:")
            continue
        with st.container(border=True):
            st.header(escape_markdown(lesson.title), anchor=False)
            st.markdown(f"{escape_markdown(lesson.audience)}. {len(lesson.steps)} steps.")
            links.lesson(name, 1).show(":primary[**Notes and worksheet**]")
    st.caption(
        f"To add your own, write a file like these and let `{lessons.OWN}` name its folder: "
        "docs/lessons.md says how."
    )


def give(name: str, lesson: Lesson) -> None:
    """What whoever gives it has in hand."""
    with st.container(key="lesson-head"):
        st.title(escape_markdown(lesson.title), anchor=False)
        st.markdown(escape_markdown(lesson.audience))
        with st.container(horizontal=True, vertical_alignment="center"):
            paper = one_of(
                "Papers", PAPERS, state.LESSON_SHOWN, wrap=True, label_visibility="collapsed"
            )
            at = min(state.asked_step(), len(lesson.steps))
            lessons.step_link(name, lesson, at).show_in_new_window(
                "What the audience sees", icon=":material/open_in_new:"
            )
    if paper == PAPERS[0]:
        notes.show(name, lesson, at)
    else:
        worksheet.show(lesson, answers=paper == PAPERS[2])


files = lessons.files()
asked = state.LESSON.asked() or ""
try:
    lesson = lessons.read(files[asked]) if asked in files else None
except LessonError:
    lesson = None  # the list says why
if lesson:
    give(asked, lesson)
else:
    choose(files)
