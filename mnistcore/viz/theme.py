"""Signed numbers as colours: blue for more than nothing, orange for less; both by eye and theme."""

import torch
from torch import Tensor

BLUE, ORANGE = "#0B80D6", "#E07B00"  # blue and orange: told apart also by colour-blind eyes
LINE_COLORS = ("#009E73", "#CC79A7", "#8C8C8C", "#D55E00")
LINE_DASHES = ("dashed", "dotted", [14, 4, 3, 4], [3, 8])  # never by colour alone

BLUE, ORANGE = BLUE, ORANGE  # told apart also by colour-blind eyes
_GAMMA = 0.7
MAX_OPACITY = 0.7  # the most that a colour covers where letters stand on it


def diverging_rgba(values: Tensor, largest: float | None = None) -> Tensor:
    """Any shape -> the same shape with 4 bytes for each number: red, green, blue, opacity.

    Nothing is transparent, `largest` (of the values, if left out) is opaque, in between the page
    shines through: so the same picture does on a light and on a dark page. Small numbers are
    shown a little stronger than their share, as they would hardly be seen.
    """
    values = values.nan_to_num()
    largest = float(values.abs().amax()) if largest is None else largest
    plus, minus = (torch.tensor(list(bytes.fromhex(colour[1:]))) for colour in (BLUE, ORANGE))
    colour = torch.where((values >= 0)[..., None], plus, minus)
    share = (values.abs() / max(largest, 1e-12)).clamp(0, 1)
    opacity = 255 * share[..., None] ** _GAMMA
    return torch.cat([colour, opacity.round()], -1).to(torch.uint8)


def diverging_css(value: float, largest: float) -> str:
    """One number as a colour to write on, for a style attribute."""
    share = min(abs(value) / largest, 1.0) if largest > 0 else 0.0  # 0 for NaN as well
    red, green, blue = bytes.fromhex((BLUE if value >= 0 else ORANGE)[1:])
    return f"rgba({red},{green},{blue},{MAX_OPACITY * share:.2f})"
