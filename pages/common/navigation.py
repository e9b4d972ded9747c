"""The front door: every page is reached through app.py, also on a server that has just started."""

from pathlib import Path

import streamlit as st

from pages.common import state

# Streamlit drops defaults from the address after a page was opened, and adds what the page knows
# from before. It notes each such change as a step of its own, to which Back leads, only to have it
# changed again. So within a page the address is replaced, and Back leads to the page before: to the
# place on it that was left. It also leaves a new page where the one before was scrolled to; here
# each begins at its top. On a phone, the list of pages goes when one has been chosen.
_between_pages = st.components.v2.component(
    "between_pages",
    js=(Path(__file__).with_suffix(".js")).read_text(encoding="utf-8"),
)


def require_frame(page: str) -> None:
    """Make sure that the visitor came through app.py; the first line of each page.

    `page` is the page's own `__file__`. Until app.py has run once, Streamlit takes the folder
    `pages` for an app of the old kind and runs a page that was asked for by its address alone,
    without the frame around it. A call of st.navigation ends that for the whole server, and the
    rerun goes through app.py to the same page with the same address.
    """
    if not state.PAGE.exists():
        st.navigation([Path(page).parents[1] / "app.py", page])
        st.rerun()


def on_page_enter(page: str) -> None:
    """Note that app.py has let the visitor in, and which page it is about to run.

    A widget bound to the address keeps its value when the page is left, and would keep it against
    a link that asks for another one; so what the link names is forgotten first. Names from before
    are translated.
    """
    if state.PAGE.get() != page:
        if state.translate_address(page):
            st.rerun()  # widgets are set by the address that a run begins with
        state.forget_what_the_address_names(page)
    state.PAGE.set(page)


def install_history_handler(page: str) -> None:
    """Let Back lead to the page before; called by app.py below each page."""
    _between_pages(data=page, key="between_pages")
