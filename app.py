"""The server, and the frame around every page: navigation, what is done for each visitor."""

import time
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from mnistcore.runs import queue
from pages.common import links, navigation, state
from pages.common.datasets import start_loading
from pages.parts.app import lamp, lesson_bar, memory, message_queue
from pages.parts.app.gate import Gate, open_browser

HERE = Path(__file__).parent / "pages"
LOGO, FRAME = HERE / "common" / "logo.svg", HERE / "parts" / "app" / "frame.css"


def show() -> None:
    """Run for a visitor, from top to bottom: the frame, and the page in it."""
    memory.keep_tidy()
    message_queue.keep_whole()
    st.set_page_config(page_icon=LOGO, layout="wide")
    st.html(FRAME)
    if not state.PAGE.exists():
        # An empty page is laid out wide before anything stands on it, and would move.
        time.sleep(0.1)
    st.logo(LOGO, size="large")
    pages = [
        st.Page(f"pages/{title.lower()}.py", title=title, icon=icon, help=what)
        for title, (icon, what) in links.PAGES.items()
    ]
    pages.append(st.Page("pages/lesson.py", title=links.LESSON_PAGE, visibility="hidden"))
    page = st.navigation(pages, position="top")
    lesson, step = ("", 1) if page.title == links.LESSON_PAGE else state.follow_lesson()
    navigation.on_page_enter(page.title, (lesson, step))
    anchor = lesson_bar.show(lesson, step, page.title) if lesson else ""
    page.run()
    lamp.show(page.title)
    navigation.install_browser_script(f"{lesson} {step}" if lesson else "", anchor)
    start_loading()
    queue.start_dispatcher()


if __name__ == "__main__":  # how Streamlit runs a script, at each step of each visitor
    show()
else:  # imported by `streamlit run`, which serves what is called `app`
    app = st.App(__file__, middleware=[Middleware(Gate)], lifespan=open_browser)
