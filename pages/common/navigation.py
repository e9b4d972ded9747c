"""The front door: every page is reached through app.py, also on a server that has just started."""

from pathlib import Path

import streamlit as st

from pages.common import state

# Streamlit changes the address once a page was opened, and notes each change as a step to which
# Back leads, only to have it changed again. So within a page the address is replaced, and Back
# leads to the page before, to the place on it that was left. Also, each new page begins at its top,
# and on a phone the list of pages goes when one has been chosen. A page that Streamlit has given up
# is loaded anew.
_between_pages = st.components.v2.component(
    "between_pages", js=(Path(__file__).with_suffix(".js")).read_text(encoding="utf-8")
)


def require_frame(page: str) -> None:
    """Make sure that the visitor came through app.py: the first line of each page, a `__file__`.

    Until app.py has run once, Streamlit takes the folder `pages` for an app of the old kind and
    runs a page alone, without its frame. A call of st.navigation ends that for the whole server,
    and the rerun goes through app.py to the same page with the same address.
    """
    if not state.PAGE.exists():
        st.navigation([Path(page).parents[1] / "app.py", page])
        st.rerun()


def on_page_enter(page: str, step: tuple[str, int] = ("", 1)) -> None:
    """Note which page app.py is about to run, and let a link set its widgets.

    One that is bound to the address would keep its value against it.

    step: of a lesson, its name and which; it finds the page as nobody had been there before.
    """
    is_next = bool(step[0]) and state.LESSON_ENTERED.get() != step
    if state.PAGE.get() != page or is_next:
        if state.translate_address(page):
            st.rerun()  # widgets are set by the address that a run begins with
        if is_next:
            state.forget_addresses()
        else:
            state.forget_what_the_address_names(page)
    state.PAGE.set(page)
    state.LESSON_ENTERED.set(step)


def install_browser_script(step: str = "", anchor: str = "") -> None:
    """Let Back lead to the page before, and a dead page come back; by app.py below each page.

    step: of a lesson; where it is another than before, the page is shown from the heading with this
    anchor on, if there is one.
    """
    _between_pages(key="between_pages", data={"step": step, "anchor": anchor})
