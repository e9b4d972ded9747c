"""Probability cloud: a point for each image among ten corners, one for each digit, on a circle."""

import math

import torch
from torch import Tensor

# The digits' corners, 0 at the top, clockwise: (10, 2), x to the right and y downwards.
CORNERS = torch.tensor(
    [
        (math.sin(angle), -math.cos(angle))
        for angle in (2 * math.pi * digit / 10 for digit in range(10))
    ]
)


def positions(probabilities: Tensor) -> Tensor:
    """(n, 10) probabilities -> (n, 2): the mean of the corners, weighted by them; a digit that is
    certain lies in its corner, one about which nothing is known in the middle."""
    return probabilities @ CORNERS


def spread(points: Tensor) -> float:
    """Mean distance of (n, 2) points from the middle: 0, all there, to 1, all in corners."""
    return float(points.norm(dim=1).mean())
