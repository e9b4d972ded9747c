"""Probability bars: a share from 0 to 1 as a bar on its track, in HTML."""

from mnistcore.viz.theme import GREY, css_rgba


def bar(share: float, color: str) -> str:
    """A bar that fills `share` of the width that it is given."""
    return (
        "<span style='display:block;flex:1;height:.75em;border-radius:.35em;"
        f"background:{css_rgba(GREY, 0.18)}'><span style='display:block;height:100%;"
        f"width:{share:.1%};background:{color};border-radius:.35em'></span></span>"
    )


def bar_row(label: str, share: float, color: str, text: str, *, width: str, style: str = "") -> str:
    """A line: `label`, the bar, and after it `text`, in so much `width` (CSS)."""
    return (
        f"<div style='display:flex;align-items:center;gap:.6rem;{style}'>{label}"
        f"{bar(share, color)}<span style='width:{width};text-align:right;white-space:nowrap'>"
        f"{text}</span></div>"
    )
