"""Home: the way in for whoever wants to show all this to others."""

from contextlib import suppress

import streamlit as st

from mnistcore.errors import LessonError
from pages.common import lessons, links
from pages.common.text import escape_markdown

_WHERE = {"stand": "at a stand", "class": "in a class", "programmers": "with programmers"}


def show() -> None:
    """A card for each of the app's lessons, and the way to all others."""
    st.header("Give a lesson", anchor="lessons")
    st.markdown(
        "Show it to others: a bar leads them from page to page, notes say what to ask first, and "
        "there is a worksheet."
    )
    files = lessons.files()
    for column, (name, where) in zip(st.columns(len(_WHERE)), _WHERE.items(), strict=True):
        with suppress(LessonError):  # a teacher's own in its place; the page of lessons says why
            lesson = lessons.read(files[name])
            with column.container(border=True, height="stretch", key=f"card-{name}"):
                st.markdown(f"**{escape_markdown(lesson.title)}**")
                label = f":primary[**{lesson.minutes} minutes {where}**]"
                links.lesson(name, 1).show(label, icon_position="right", width="stretch")
    links.lessons().show(":primary[**All lessons, and how to write your own**]")
