"""Defects of a training set: label noise, missing and rare classes, selection bias, inversion.

The images stay where they are, shared by all: what is made is labels, places and marks.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mnistcore.config import NUM_CLASSES, TrainConfig
from mnistcore.data.digits import Digits, epoch_permutation

_CHUNK = 5_000  # images that are measured at a time: 16 MB


class TaughtSet(NamedTuple):
    """A training set as a network is taught it.

    digits: n images as they are, with the labels that are taught;  places: (m,) int64, those of
    the n that are taught, in order;  inverted: (n,) bool, or None where no image is inverted.
    """

    digits: Digits
    places: Tensor
    inverted: Tensor | None = None

    def to(self, device: torch.device) -> "TaughtSet":
        """The same on another device, but for `places`."""
        images, labels = (each.to(device) for each in (self.digits.images, self.digits.labels))
        inverted = None if self.inverted is None else self.inverted.to(device)
        return TaughtSet(Digits(images, labels, self.digits.dataset), self.places, inverted)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Where the images are that an epoch shows, in turn: (m,) int64, as of clean data."""
        order = epoch_permutation(seed, epoch, len(self.digits))
        if len(self.places) == len(order):
            return order
        kept = torch.zeros(len(order), dtype=torch.bool).index_fill(0, self.places, value=True)
        return order[kept[order]]

    def is_inverted(self, index: int) -> bool:
        """Whether the image at this place of the training set is shown inverted."""
        return self.inverted is not None and bool(self.inverted[index])

    def select(self, indices: Tensor | list[int]) -> Digits:
        """What is taught at these places of the training set: images and labels."""
        taught = self.digits.select(indices)
        if self.inverted is None:
            return taught
        flips = self.inverted[indices].to(taught.images.dtype)[:, None, None] * 255
        return Digits(taught.images ^ flips, taught.labels, taught.dataset)


def taught_set(train: Digits, config: TrainConfig) -> TaughtSet:
    """The training images of a recipe, the first `train_size` of all, with its defect.

    The same seed spoils the same images. Without a defect nothing is copied.
    """
    train = train.head(config.train_size or len(train))
    labels, everything = train.labels, torch.arange(len(train))
    defect, count = config.defect, len(train)
    chance = torch.Generator().manual_seed(~config.seed)  # no epoch's order is drawn by it
    wanted = round(defect.share * count)
    match defect.kind:
        case "label-noise":  # symmetric: each of the nine others is as likely
            spoiled = torch.randperm(count, generator=chance)[:wanted]
            off = torch.randint(1, NUM_CLASSES, (wanted,), generator=chance)
            labels = labels.index_put((spoiled,), (labels[spoiled] + off) % NUM_CLASSES)
        case "swapped-labels":
            swapped = torch.arange(NUM_CLASSES)
            swapped[[defect.digit, defect.other]] = torch.tensor([defect.other, defect.digit])
            labels = swapped[labels]
        case "missing-class":
            return TaughtSet(train, everything[labels != defect.digit])
        case "class-imbalance":
            rare = everything[labels == defect.digit]
            order = torch.randperm(len(rare), generator=chance)
            gone = rare[order[_at_least_one(defect.share, len(rare)) :]]
            return TaughtSet(train, everything[~torch.isin(everything, gone)])
        case "thick-only" | "thin-only":
            widths = stroke_widths(train.images)
            widths = -widths if defect.kind == "thick-only" else widths
            kept = []
            for digit in range(NUM_CLASSES):
                own = everything[labels == digit]
                order = widths[own].argsort(stable=True)
                kept.append(own[order[: _at_least_one(defect.share, len(own))]])
            return TaughtSet(train, torch.cat(kept).sort().values)
        case "inverted":
            chosen = torch.randperm(count, generator=chance)[:wanted]
            inverted = torch.zeros(count, dtype=torch.bool).index_fill(0, chosen, value=True)
            return TaughtSet(train, everything, inverted)
    return TaughtSet(Digits(train.images, labels, train.dataset), everything)


def count_taught(train: Digits, config: TrainConfig) -> int:
    """How many images `taught_set` leaves to be taught, without a look at any."""
    train, defect = train.head(config.train_size or len(train)), config.defect
    left = train.labels.bincount(minlength=NUM_CLASSES).tolist()
    match defect.kind:
        case "missing-class":
            left[defect.digit] = 0
        case "class-imbalance":
            left[defect.digit] = _at_least_one(defect.share, left[defect.digit])
        case "thick-only" | "thin-only":
            left = [_at_least_one(defect.share, count) for count in left]
    return sum(left)


def stroke_widths(images: Tensor) -> Tensor:
    """Mean stroke width in pixels, twice the ink by its outline: (n, 28, 28) uint8 -> (n,) float.

    The outline is the total variation, so a line of half a pixel's shade counts as half as wide.
    """
    widths = []
    for some in images.split(_CHUNK):
        shades = some.float()
        rims = [shades.diff(dim=axis).abs().sum((1, 2)) for axis in (1, 2)]
        widths.append(2 * shades.sum((1, 2)) / (rims[0] + rims[1]).clamp(min=1))
    return torch.cat(widths)


def _at_least_one(share: float, count: int) -> int:
    return min(count, max(1, round(share * count)))
