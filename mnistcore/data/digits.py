"""Digits: images and labels as tensors, and images from bytes to floats and back."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Digits:
    """One part, training or test, of a dataset; shared by everybody, so never change it.

    images: (n, 28, 28) uint8, 0 = paper to 255 = ink;  labels: (n,) int64, 0 to 9.
    """

    images: Tensor
    labels: Tensor
    dataset: str  # a key of DATASETS

    def __len__(self) -> int:
        return len(self.labels)

    def head(self, count: int) -> "Digits":
        """The first `count` examples (all, if there are fewer), without copying."""
        return Digits(self.images[:count], self.labels[:count], self.dataset)

    def select(self, indices: "Tensor | list[int] | slice") -> "Digits":
        """The examples at these indices, in this order."""
        return Digits(self.images[indices], self.labels[indices], self.dataset)


def epoch_permutation(seed: int, epoch: int, count: int) -> Tensor:
    """The order in which epoch 0, 1, ... shows `count` training images: indices, (count,) int64."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))


def to_float(images: Tensor) -> Tensor:
    """uint8, 0 to 255 -> float32 in [0, 1], of the same shape."""
    return images.float().div_(255)


def to_uint8(images: Tensor) -> Tensor:
    """The inverse of `to_float`: float in [0, 1] -> uint8, rounded, of the same shape."""
    return images.mul(255).round().byte()


def to_model_input(images: Tensor) -> Tensor:
    """What a network reads: (n, 28, 28) uint8 -> (n, 1, 28, 28) float32 in [0, 1]."""
    return to_float(images.unsqueeze(1))
