"""Threshold rules: one hand-made feature of each image, and a limit that tells two digits apart."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from mnistcore.data.digits import to_float


class Feature(NamedTuple):
    """A number that is measured in an image, by which a rule can go."""

    title: str  # as it follows "if the"
    unit: str
    high: int  # hardly an image has more than this
    compute: Callable[[Tensor], Tensor]  # (n, 28, 28) float32 in [0, 1] -> (n,)


def _share(rows: tuple[int, int], columns: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """The percentage of an image's ink that lies there; 0 where there is no ink."""
    there = (slice(None), slice(*rows), slice(*columns))
    return lambda x: 100 * x[there].sum((1, 2)) / x.sum((1, 2)).clamp(min=1e-6)


FEATURES: dict[str, Feature] = {
    "ink": Feature("ink", "% of the paper", 40, lambda x: 100 * x.mean((1, 2))),
    "middle": Feature("ink in the very middle", "% of its ink", 60, _share((10, 18), (10, 18))),
    "top": Feature("ink in the upper half", "% of its ink", 100, _share((0, 14), (0, 28))),
    "left": Feature("ink in the left half", "% of its ink", 100, _share((0, 28), (0, 14))),
    "width": Feature("width", "pixels", 28, lambda x: (x > 0.5).any(1).float().sum(1)),
}


def measure(images: Tensor, name: str) -> Tensor:
    """(n, 28, 28) uint8 -> (n,) float32: FEATURES[name] of each."""
    return FEATURES[name].compute(to_float(images))


def classify(values: Tensor, pair: tuple[int, int], limit: float) -> Tensor:
    """Values, (n,) -> (n,) int64: the first digit of the pair below the limit, else the other."""
    first, second = pair
    return (values >= limit).long() * (second - first) + first
