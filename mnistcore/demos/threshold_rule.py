"""Rules for digits written by hand: a number measured in each image, and a line drawn across."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from mnistcore.data.digits import to_model_input


class Feature(NamedTuple):
    """Something to be measured in an image that a rule could go by."""

    what: str  # as it follows "if the"
    unit: str
    most: int  # hardly an image has more than this
    take: Callable[[Tensor], Tensor]  # (n, 28, 28) float32 in [0, 1] -> (n,)


def _share(images: Tensor, rows: slice, columns: slice) -> Tensor:
    """The part of each image's ink that lies there, in percent; 0 where there is no ink."""
    inside = images[:, rows, columns].sum((1, 2))
    return 100 * inside / images.sum((1, 2)).clamp(min=1e-6)


_ALL = slice(None)
FEATURES: dict[str, Feature] = {
    "ink": Feature("ink", "% of the paper", 40, lambda x: 100 * x.mean((1, 2))),
    "middle": Feature(
        "ink in the very middle",
        "% of its ink",
        60,
        lambda x: _share(x, slice(10, 18), slice(10, 18)),
    ),
    "top": Feature(
        "ink in the upper half", "% of its ink", 100, lambda x: _share(x, slice(0, 14), _ALL)
    ),
    "left": Feature(
        "ink in the left half", "% of its ink", 100, lambda x: _share(x, _ALL, slice(0, 14))
    ),
    "width": Feature("width", "pixels", 28, lambda x: (x > 0.5).any(1).float().sum(1)),
}


def measure(images: Tensor, name: str) -> Tensor:
    """(n, 28, 28) uint8 -> (n,) float32, what MEASURES[name] finds in each."""
    return FEATURES[name].take(to_model_input(images)[:, 0])


def classify(values: Tensor, pair: tuple[int, int], limit: float) -> Tensor:
    """What the rule says of each, (n,) int64: the first digit of the pair below the limit."""
    first, second = pair
    return (values >= limit).long() * (second - first) + first
