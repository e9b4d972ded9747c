"""scikit-learn's digits (8 x 8, 17 greys; Alpaydin and Kaynak 1998), brought to MNIST's format."""

from dataclasses import replace

import torch
from torch import Tensor

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import Digits, to_uint8


def load_small_digits() -> tuple[Digits, Digits]:
    """Training and test set, 1,500 and 297 of the digits that scikit-learn ships, enlarged."""
    images, labels = _small_digits()
    images = _upsample(images, threshold=0.65, width=20)
    train, test = _split(labels)
    return (
        Digits(images[train], labels[train], "digits"),
        Digits(images[test], labels[test], "digits"),
    )


def add_small_digits(train: Digits, test: Digits) -> tuple[Digits, Digits]:
    """MNIST, and among its training images the small digits, which other people wrote.

    Each of them twice in three line widths, so that they are a seventh of what is learned.
    """
    images, labels = _small_digits()
    ours, _ = _split(labels)  # the rest stays unseen, as a test of its own
    images, labels = images[ours], labels[ours]
    strengths = [_upsample(images, *strength) for strength in ((0.65, 20), (0.8, 24), (1.0, 24))]
    both = Digits(
        torch.cat([train.images, *strengths, *strengths]),
        torch.cat([train.labels, *[labels] * 6]),
        "mnist+digits",
    )
    return both, replace(test, dataset="mnist+digits")


def _small_digits() -> tuple[Tensor, Tensor]:
    """(1797, 8, 8) float32 in [0, 1], and their labels, (1797,) int64."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return torch.from_numpy(bunch.images).float().div(16), torch.from_numpy(bunch.target).long()


def _split(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Indices for training and for the test, stratified: as many of each digit in both."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(
        torch.arange(len(labels)), test_size=297, random_state=0, stratify=labels
    )
    return train, test


def _upsample(small: Tensor, threshold: float, width: int) -> Tensor:
    """(n, 8, 8) float -> (n, 28, 28) uint8, the digit 20 pixels high and `width` wide.

    So few pixels blur every line. An unsharp mask brings it out again, and all that is then
    fainter than about `threshold` is left blank: the higher it is, the thinner the line.
    """
    from scipy.ndimage import gaussian_filter

    functional = torch.nn.functional
    fine = functional.interpolate(
        functional.pad(small[:, None], (1, 1, 1, 1)),
        size=(50, width * 5 // 2),
        mode="bicubic",
        antialias=True,
    ).clamp(0, 1)
    fine += 1.2 * (fine - torch.from_numpy(gaussian_filter(fine.numpy(), (0, 0, 4.4, 4.4))))
    line = (2.5 * (fine - threshold) + 0.5).clamp(0, 1)
    box = functional.interpolate(line, size=(25, width * 5 // 4), mode="area")[:, 0]
    above, aside = IMAGE_SIZE - box.shape[1], IMAGE_SIZE - box.shape[2]
    padded = functional.pad(
        box, (aside // 2, aside - aside // 2, above // 2, above - above // 2)
    )  # a box wider than the picture loses its blank border
    return to_uint8(torch.stack([_center(image) for image in padded]))


def _center(image: Tensor) -> Tensor:
    """Shift a (28, 28) image by whole pixels until its centre of mass is where MNIST has it."""
    place, middle = torch.arange(IMAGE_SIZE, dtype=image.dtype), IMAGE_SIZE / 2
    down = round(middle - float((image.sum(1) * place).sum() / image.sum()))
    right = round(middle - float((image.sum(0) * place).sum() / image.sum()))
    return image.roll((down, right), (0, 1))
