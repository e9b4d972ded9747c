"""Digits drawn by `allographs`, in ways that MNIST's writers did not have, in MNIST's format."""

from dataclasses import replace

import numpy as np
import torch

from mnistcore.data.digits import Digits, to_uint8
from mnistcore.drawing import allographs
from mnistcore.drawing.rasterize import fit_mnist_frame, rasterize

N_DRAWN = 20_000  # as many of each digit
SEED = 1


def draw_digits(count: int, seed: int = SEED) -> Digits:
    """`count` digits, 0 to 9 in turn, each by another hand: the same for the same seed."""
    rng, labels = np.random.default_rng(seed), torch.arange(count) % 10
    boxes = (fit_mnist_frame(allographs.write(str(label), rng)) for label in labels.tolist())
    drawn = np.stack([rasterize(box) for box in boxes if box is not None])
    return Digits(to_uint8(torch.from_numpy(drawn)), labels, "drawn")


def add_drawn_digits(train: Digits, test: Digits) -> tuple[Digits, Digits]:
    """A dataset with N_DRAWN drawn digits among the training images."""
    drawn, dataset = draw_digits(N_DRAWN), f"{train.dataset}+drawn"
    images, labels = zip((train.images, train.labels), (drawn.images, drawn.labels), strict=True)
    return Digits(torch.cat(images), torch.cat(labels), dataset), replace(test, dataset=dataset)
