"""What was asked for comes into view, also when it is far down or up the page."""

import streamlit as st

_into_view = st.components.v2.component(
    "into_view",
    html="<div style='scroll-margin:5rem'></div>",
    js="""
    export default function({ data, parentElement }) {
        const mark = parentElement.querySelector("div")
        const before = mark.dataset.name
        mark.dataset.name = data.name
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
        const behavior = calm ? "auto" : "smooth"
        const scroll = () => mark.scrollIntoView({ block: "nearest", behavior })
        // While the page is being renewed, things are not yet where they will be.
        if (before ? before !== data.name : data.arriving) setTimeout(scroll, 300)
    }
    """,
)


def into_view(name: str, key: str, *, arriving: bool = False) -> None:
    """Scroll to this place when `name`, that of what is shown here, is another than before.

    arriving: also when the page comes up, because a link asked for what is here.
    """
    _into_view(data={"name": name, "arriving": arriving}, key=key)
