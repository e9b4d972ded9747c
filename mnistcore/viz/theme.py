"""Colours: all that Python puts on a page, and the diverging scale for signed numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor

# Told apart also by colour-blind eyes (after Okabe and Ito 2008), on a light and on a dark page.
BLUE, ORANGE = "#0B80D6", "#E07B00"  # above and below zero; training and test; 0 and 1
RIGHT, WRONG = "#009E73", "#D55E00"
LINE_COLORS = (RIGHT, "#CC79A7", "#8C8C8C", WRONG)
LINE_DASHES = ("dashed", "dotted", [14, 4, 3, 4], [3, 8])  # never by colour alone
HIGHLIGHT, GREY = "#2F86DB", "#8895A7"  # of a few alike, the one that matters, and the others
# Of the digits 0 to 9, where points of ten kinds lie among each other.
DIGIT_COLORS = (
    *("#3f90da", "#e08a00", "#bd1f01", "#6f9a2e", "#832db6"),
    *("#a96b59", "#e0569b", "#8f7f1f", "#717581", "#1aa3a8"),
)
INK, PAPER = "#17202C", "#FFFFFF"  # drawings, on either page
SHAPE_FILL, SHAPE_OUTLINE = "#56B4E9", "#0072B2"

MAX_OPACITY = 0.6  # the most that a colour covers where letters stand on it
_GAMMA = 0.7  # small numbers are shown a little stronger than their share: they would not be seen


def css_rgba(color: str, opacity: float) -> str:
    """ "#8895A7", 0.15 -> "rgba(136,149,167,0.15)"."""
    red, green, blue = bytes.fromhex(color[1:])
    return f"rgba({red},{green},{blue},{opacity:.2f})"


def diverging_rgba(values: Tensor, largest: float | None = None) -> Tensor:
    """Diverging colour scale: any shape -> the same shape with 4 bytes a number, RGBA, uint8.

    Blue above zero, orange below, transparent at it, opaque at `largest` (of the values, if left
    out): so the same picture does on a light and on a dark page.
    """
    import torch

    values = values.nan_to_num()
    largest = float(values.abs().amax()) if largest is None else largest
    plus, minus = (torch.tensor(list(bytes.fromhex(color[1:]))) for color in (BLUE, ORANGE))
    color = torch.where((values >= 0)[..., None], plus, minus)
    share = (values.abs() / max(largest, 1e-12)).clamp(0, 1)
    opacity = 255 * share[..., None] ** _GAMMA
    return torch.cat([color, opacity.round()], -1).to(torch.uint8)


def diverging_css(value: float, largest: float) -> str:
    """One number on the scale as a CSS colour to write on, MAX_OPACITY at the most."""
    share = min(abs(value) / largest, 1.0) if largest > 0 else 0.0  # 0 for NaN as well
    return css_rgba(BLUE if value >= 0 else ORANGE, MAX_OPACITY * share)
