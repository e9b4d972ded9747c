"""Lesson: notes for whoever gives it, a step at a time."""

from itertools import accumulate

import streamlit as st

from mnistcore.lessons import Lesson, paragraphs
from pages.common import state
from pages.common.text import escape_markdown
from pages.parts.home import walkthrough


def show(name: str, lesson: Lesson, at: int) -> None:
    """A step of it: what to say, ask, do and expect, and why."""
    steps = lesson.steps
    step, end = steps[at - 1], [*accumulate(each.minutes for each in steps)][at - 1]
    tell = state.LESSON_STEP.tell
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-steps"):
        st.header(f"{at} of {len(steps)}. {escape_markdown(step.title)}", anchor=False)
        for label, to, key in (("Back", at - 1, "left"), ("Next", at + 1, "right")):
            there = 1 <= to <= len(steps)
            icon = f":material/arrow_{'back' if key == 'left' else 'forward'}:"
            st.button(
                label, icon=icon, on_click=tell, args=(str(to),), disabled=not there, shortcut=key
            )
    st.caption(
        f"Minutes {end - step.minutes} to {end} of {lesson.minutes}. This window and the one that "
        "the audience sees go on each by itself: press Next in both."
    )
    said, done = st.columns([3, 2], gap="large")
    with said:
        _part("Say", step.say)
        if step.ask:
            _part("Ask before you show it", step.ask)
            with st.expander("Answer", key=f"answer {name} {at}"):
                _text(step.answer)
    with done:
        _part("Do", step.do)
        _part("Then you see", step.expect)
        st.caption(f"On the page it says “{escape_markdown(step.look_for)}”.")
        st.subheader("What it teaches", anchor=False)
        st.markdown(f"Idea {step.idea}: {walkthrough.titles()[step.idea - 1]}")
        for standard in step.standards:
            st.caption(escape_markdown(standard))
    if lesson.sources:
        st.caption(" · ".join(map(escape_markdown, lesson.sources)))


def _part(title: str, text: str) -> None:
    st.subheader(title, anchor=False)
    _text(text)


def _text(text: str) -> None:
    st.markdown("\n\n".join(map(escape_markdown, paragraphs(text))))
