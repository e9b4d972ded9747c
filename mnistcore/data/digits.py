"""TODO."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mnistcore.config import check_network as check_network


def epoch_permutation(seed: int, epoch: int, count: int) -> Tensor:
    """The places of `count` training images as epoch 0, 1, ... shows them, (count,) int64."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))


@dataclass(frozen=True)
class Digits:
    """One part, training or test, of a dataset; shared by everybody, so never change it.

    images: (n, 28, 28) uint8, 0 = paper to 255 = ink;  labels: (n,) int64, 0 to 9.
    """

    images: Tensor
    labels: Tensor
    dataset: str  # a key of TITLES

    def __len__(self) -> int:
        return len(self.labels)

    def head(self, count: int) -> "Digits":
        """The first `count` of them (all, if there are fewer), without copying."""
        return Digits(self.images[:count], self.labels[:count], self.dataset)

    def select(self, places: "Tensor | list[int] | slice") -> "Digits":
        """Those at these places, in this order."""
        return Digits(self.images[places], self.labels[places], self.dataset)


def to_model_input(images: Tensor) -> Tensor:
    """What a network reads: (n, 28, 28) uint8 -> (n, 1, 28, 28) float32 in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)
