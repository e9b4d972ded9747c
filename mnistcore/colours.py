"""Signed numbers as colours: blue for more than nothing, orange for less; both by eye and theme."""

import torch
from torch import Tensor

from mnistcore.curves import TEST, TRAIN

PLUS, MINUS = TRAIN, TEST  # told apart also by colour-blind eyes
_BOOST = 0.7
DEEPEST = 0.7  # the most that a colour covers where letters stand on it


def signed(values: Tensor, largest: float | None = None) -> Tensor:
    """Any shape -> the same shape with 4 bytes for each number: red, green, blue, opacity.

    Nothing is transparent, `largest` (of the values, if left out) is opaque, in between the page
    shines through: so the same picture does on a light and on a dark page. Small numbers are
    shown a little stronger than their share, as they would hardly be seen.
    """
    values = values.nan_to_num()
    largest = float(values.abs().amax()) if largest is None else largest
    plus, minus = (torch.tensor(list(bytes.fromhex(colour[1:]))) for colour in (PLUS, MINUS))
    colour = torch.where((values >= 0)[..., None], plus, minus)
    share = (values.abs() / max(largest, 1e-12)).clamp(0, 1)
    opacity = 255 * share[..., None] ** _BOOST
    return torch.cat([colour, opacity.round()], -1).to(torch.uint8)


def css(value: float, largest: float) -> str:
    """One number as a colour to write on, for a style attribute."""
    share = min(abs(value) / largest, 1.0) if largest > 0 else 0.0  # 0 for NaN as well
    red, green, blue = bytes.fromhex((PLUS if value >= 0 else MINUS)[1:])
    return f"rgba({red},{green},{blue},{DEEPEST * share:.2f})"
