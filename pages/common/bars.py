"""Probability bars: a share from 0 to 1 as a bar on its track, in HTML."""

from mnistcore.viz.theme import GREY, css_rgba


def bar(share: float, color: str, mark: float | None = None) -> str:
    """A bar that fills `share` of the width that it is given, and a thin line at `mark`."""
    thin = "position:absolute;top:-.2em;width:3px;height:1.15em;background:currentColor"
    place = "" if mark is None else f"{thin};left:calc({mark:.1%} - 1.5px)"
    line = place and f"<span style='{place}'></span>"
    return (
        "<span style='display:block;position:relative;flex:1;height:.75em;border-radius:.35em;"
        f"background:{css_rgba(GREY, 0.18)}'><span style='display:block;height:100%;"
        f"width:{share:.1%};background:{color};border-radius:.35em'></span>{line}</span>"
    )


def bar_row(
    label: str,
    share: float,
    color: str,
    text: str,
    *,
    width: str,
    style: str = "",
    mark: float | None = None,
) -> str:
    """A line: `label`, the bar, and after it `text`, in so much `width` (CSS)."""
    return (
        f"<div style='display:flex;align-items:center;gap:.6rem;{style}'>{label}"
        f"{bar(share, color, mark)}<span style='width:{width};text-align:right;white-space:nowrap'>"
        f"{text}</span></div>"
    )
