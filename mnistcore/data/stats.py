"""Dataset statistics: class counts, class means, grey-value histogram, typicality."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import NUM_CLASSES
from mnistcore.data.digits import Digits
from mnistcore.inspection.attribution import penultimate_features
from mnistcore.models.network import Network

GREY_BINS = 16  # of 16 grey values each


def class_counts(digits: Digits) -> list[int]:
    """How many images there are of 0, of 1, ... of 9: ten numbers."""
    return torch.bincount(digits.labels, minlength=NUM_CLASSES).tolist()


def class_means(digits: Digits) -> Tensor:
    """The mean image of each digit, (10, 28, 28) uint8; blank where there is none."""
    means = [digits.images[digits.labels == d].float().mean(0) for d in range(NUM_CLASSES)]
    return torch.stack(means).nan_to_num().round().byte()


def nearest_centroid_accuracy(train: Digits, test: Digits) -> float:
    """Test accuracy, 0 to 1, of who takes each image for the digit whose mean image is nearest."""
    images, means = (each.flatten(1).float() for each in (test.images, class_means(train)))
    return float((torch.cdist(images, means).argmin(1) == test.labels).float().mean())


def grey_histogram(images: Tensor) -> tuple[float, list[float]]:
    """The share of the pixels that are blank, and the histogram of the others, in shares.

    images: (..., 28, 28) uint8. The bins are 1 to 15, 16 to 31, ... 240 to 255, GREY_BINS of them.
    """
    values = torch.bincount(images.flatten(), minlength=256)
    bins = values.view(GREY_BINS, -1).sum(1)
    bins[0] -= values[0]
    shares: list[float] = (bins / max(1, int(bins.sum()))).tolist()
    return float(values[0] / values.sum()), shares


def rank_by_typicality(network: Network, digits: Digits, digit: int) -> Tensor:
    """The indices of a digit's images, most typical first: by cosine similarity to their mean."""
    indices = (digits.labels == digit).nonzero().flatten()
    if len(indices) == 0:
        return indices
    directions = functional.normalize(penultimate_features(network, digits.images[indices]))
    return indices[(directions @ directions.mean(0)).argsort(descending=True, stable=True)]
