"""From an idea to the page where it is done for real, set up for it."""

import streamlit as st


def onward(page: str, what: str, *, disabled: bool = False, **address: str) -> None:
    """A link; `what` is short enough for a phone, `address` what the page shall be set up with."""
    st.page_link(
        f"pages/{page.lower()}.py",
        label=f":primary[**{what}: {page}**]",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=address,
        disabled=disabled,
    )
