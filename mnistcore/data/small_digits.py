"""scikit-learn's digits (8 x 8, 17 greys; Alpaydin and Kaynak 1998), brought to MNIST's format."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import Digits, to_uint8


def load_small_digits() -> tuple[Digits, Digits]:
    """Training and test set, 1,500 and 297 of the digits that scikit-learn ships, enlarged."""
    parts = zip(*_small_digits(), strict=True)
    train, test = (Digits(_upsample(small), labels, "digits") for small, labels in parts)
    return train, test


def add_small_digits(train: Digits, test: Digits) -> tuple[Digits, Digits]:
    """MNIST with the small digits among the training images, each twice in three line widths."""
    (small, _), (labels, _) = _small_digits()  # the rest stays unseen, as a test of its own
    strengths = [_upsample(small, *strength) for strength in ((0.65, 20), (0.8, 24), (1.0, 24))]
    images = torch.cat([train.images, *strengths, *strengths])
    both = Digits(images, torch.cat([train.labels, *[labels] * 6]), "mnist+digits")
    return both, replace(test, dataset="mnist+digits")


def _small_digits() -> tuple[list[Tensor], list[Tensor]]:
    """Images, (n, 8, 8) float32 in [0, 1], and labels, (n,) int64: of training and test."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images, labels = torch.from_numpy(bunch.images), torch.from_numpy(bunch.target)
    parts = train_test_split(
        images.float().div(16), labels.long(), test_size=297, random_state=0, stratify=labels
    )
    return parts[:2], parts[2:]


def _upsample(small: Tensor, threshold: float = 0.65, width: int = 20) -> Tensor:
    """(n, 8, 8) float -> (n, 28, 28) uint8, the digit 20 pixels high and `width` wide.

    So few pixels blur every line. An unsharp mask brings it out again, and all that is then
    fainter than about `threshold` is left blank: the higher it is, the thinner the line.
    """
    from scipy import ndimage

    framed, size = functional.pad(small[:, None], (1, 1, 1, 1)), (50, width * 5 // 2)
    fine = functional.interpolate(framed, size, mode="bicubic", antialias=True).clamp(0, 1)
    fine += 1.2 * (fine - torch.from_numpy(ndimage.gaussian_filter(fine.numpy(), (0, 0, 4.4, 4.4))))
    line = (2.5 * (fine - threshold) + 0.5).clamp(0, 1)
    box = functional.interpolate(line, size=(25, width * 5 // 4), mode="area")[:, 0]
    above, aside = IMAGE_SIZE - box.shape[1], IMAGE_SIZE - box.shape[2]
    # A box wider than the picture loses its blank border.
    padded = functional.pad(box, (aside // 2, aside - aside // 2, above // 2, above - above // 2))
    centered = []
    for image in padded:  # by whole pixels, until its centre of mass is where MNIST has it
        place = ndimage.center_of_mass(image.numpy())
        centered.append(image.roll([round(IMAGE_SIZE / 2 - float(at)) for at in place], (0, 1)))
    return to_uint8(torch.stack(centered))
