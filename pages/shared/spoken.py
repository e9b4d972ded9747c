"""One line of text that a screen reader reads out whenever it changes."""

import streamlit as st

# Announced is what changes inside an element that stays, so the text alone is exchanged.
_line = st.components.v2.component(
    "spoken_line",
    html="<p role='status'></p>",
    css="p { margin: 0; font: 1.1rem var(--st-font); color: var(--st-text-color); }",
    js="""
    export default function({ data, parentElement }) {
        const line = parentElement.querySelector("p")
        if (line.textContent !== data) line.textContent = data
    }
    """,
)


def spoken(text: str, key: str) -> None:
    """Show this text, in plain letters, in place of what stood there before."""
    _line(data=text, key=key)
