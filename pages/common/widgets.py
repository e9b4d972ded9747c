"""Widgets: a segmented control, a live region, scrolling into view."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from mnistcore.viz.commentary import capitalized
from pages.common.state import Key

if TYPE_CHECKING:  # it takes long to import
    from mnistcore.data.corruptions import Corruption

T = TypeVar("T")


def one_of(label: str, options: Sequence[T], key: Key[T], *, bound: bool = True, **more: Any) -> T:
    """The option that is chosen, here or, if `bound`, by the address; at first the default."""
    more |= {"default": key.default, "required": True} | (key.bound() if bound else key.kept())
    chosen = st.segmented_control(label, options, **more)
    # An address that says "look=" and no more gets past `required`.
    return key.default if chosen in (None, "") else chosen


def severity_slider(corruption: "Corruption", **key: Any) -> float:
    """How much of a corruption; key: from `state`."""
    label, stops = capitalized(corruption.axis), corruption.severities
    return st.select_slider(label, stops, corruption.start, format_func="{:g}".format, **key)


# Announced is what changes inside an element that stays, so the text alone is exchanged.
_line = st.components.v2.component(
    "spoken_line",
    html="<p></p>",
    css="""p { margin: 0; font: 1.1rem var(--st-font); color: var(--st-text-color);
        background: var(--st-background-color); }""",
    js="""
    export default function({ data, parentElement }) {
        const line = parentElement.querySelector("p")
        line.style = data.room
        if (line.textContent !== data.text) line.textContent = data.text
        line.setAttribute("role", "status")  // last: what a page opens with is not read out
    }
    """,
)


def room_for(lines: int, wide: int = 1) -> str:
    """CSS: so many lines on a phone, where words wrap, and `wide` on a wide screen."""
    return f"min-height:clamp({1.6 * wide}em,(48rem - 100vw)*99,{1.6 * lines}em)"


def live_region(text: str, key: str, lines: int = 1, wide: int = 1) -> None:
    """Show this text, in plain letters, in place of what was there; screen readers read it out.

    lines: that are kept free for it on a phone;  wide: on a wide screen.
    """
    _line(data={"text": text, "room": room_for(lines, wide)}, key=key)


def announce(text: str, key: str) -> None:
    """The same for screen readers alone, where the page shows it in another way."""
    _line(data={"text": text, "room": ""}, key=f"spoken {key}")  # see app/frame.css


_into_view = st.components.v2.component(
    "into_view",
    html="<div tabindex='-1' style='outline:none'></div>",
    js="""
    const last = {}  // by key, what was shown: the mark may come up elsewhere on the page
    export default function({ data, parentElement }) {
        const mark = parentElement.querySelector("[tabindex]")
        mark.style.scrollMargin = data.margin
        const before = last[data.key]
        last[data.key] = data.name
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
        const behavior = calm ? "auto" : "smooth"
        // While the page is being renewed, things are not yet where they will be.
        const app = document.querySelector("[data-testid=stApp]")
        const begun = Date.now()
        const scroll = () => {
            if (app.dataset.testScriptState !== "notRunning") return setTimeout(scroll, 50)
            // Who has scrolled by hand meanwhile, as navigation.js notes, looks at something else.
            if (!(history.byHand > begun)) mark.scrollIntoView({ block: "nearest", behavior })
            // What was pressed is gone: the Tab key goes on from here.
            follow(40)
        }
        const follow = (times) => document.activeElement === document.body
            ? mark.focus({ preventScroll: true }) : times && setTimeout(follow, 100, times - 1)
        const changed = data.name && before !== undefined && before !== data.name
        if (data.arriving || changed) setTimeout(scroll, 300)
    }
    """,
)


def scroll_into_view(name: str, key: str, *, margin: str = "5rem", arriving: bool = False) -> None:
    """Scroll here when `name`, of what is shown here, has changed, or a visitor is `arriving`.

    It gives way to who scrolls by hand meanwhile. The focus comes along if what had it is no longer
    there.

    name: empty while nothing is shown; margin: so much above and below is brought into view as
    well (CSS).
    """
    _into_view(data={"name": name, "key": key, "margin": margin, "arriving": arriving}, key=key)
