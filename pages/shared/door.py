"""The front door: every page is reached through app.py, also on a server that has just started."""

from pathlib import Path

import streamlit as st


def enter(page: str) -> None:
    """Make sure that the visitor came through app.py; the first line of each page.

    `page` is the page's own `__file__`. Until app.py has run once, Streamlit takes the folder
    `pages` for an app of the old kind and runs a page that was asked for by its address alone,
    without the frame around it. A call of st.navigation ends that for the whole server, and the
    rerun goes through app.py to the same page with the same address.
    """
    if "entered" not in st.session_state:
        st.navigation([Path(page).parents[1] / "app.py", page])
        st.rerun()


def open_door() -> None:
    """Note that this visitor came through app.py."""
    st.session_state["entered"] = True
