"""A dataset at a glance: how many of each digit there are, and what they look like on average."""

import torch
from torch import Tensor

from mnistcore.data import Digits
from mnistcore.network import CLASSES


def counts(digits: Digits) -> list[int]:
    """How many images there are of 0, of 1, ... of 9."""
    return torch.bincount(digits.labels, minlength=CLASSES).tolist()


def averages(digits: Digits) -> Tensor:
    """The mean image of each digit, (10, 28, 28) uint8; blank where there is none."""
    return torch.stack([_average(digits.images[digits.labels == d]) for d in range(CLASSES)])


def _average(images: Tensor) -> Tensor:
    if len(images) == 0:
        return torch.zeros(images.shape[1:], dtype=torch.uint8)
    return images.float().mean(0).round().to(torch.uint8)


def read_by_average(train: Digits, test: Digits) -> float:
    """The share of the test images whose nearest average, pixel by pixel, is of their own digit.

    No network, nothing learned but ten pictures: what any network has to beat.
    """
    nearest = torch.cdist(
        test.images.flatten(1).float(), averages(train).flatten(1).float()
    ).argmin(1)
    return float((nearest == test.labels).float().mean())
