"""Handwritten digits as tensors in memory: MNIST, or scikit-learn's bundled digits without it."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mnistcore import plain
from mnistcore.errors import DataError

SIDE = 28  # pixels: every picture in this project is SIDE x SIDE

TITLES = {
    "mnist": "MNIST",
    "digits": "scikit-learn's 1,797 small digits",
    "mnist+digits": "MNIST, with scikit-learn's small digits among the training images",
}

OnProgress = Callable[[int, int], None]  # bytes that have come, bytes that will

# The IDX format opens with two zero bytes, 8 for "unsigned byte", and the number of dimensions.
_IMAGE_MAGIC = 0x0803
_LABEL_MAGIC = 0x0801
_MOST_BYTES = 250_000_000  # of one file, unpacked: five times MNIST


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

    def first(self, count: int) -> "Digits":
        """The first `count` of them (all, if there are fewer), without copying."""
        return Digits(self.images[:count], self.labels[:count], self.dataset)

    def at(self, places: "Tensor | list[int] | slice") -> "Digits":
        """Those at these places, in this order."""
        return Digits(self.images[places], self.labels[places], self.dataset)


class Loaded(NamedTuple):
    """Two parts of one dataset, and a sentence if it is not the dataset that was wished for."""

    train: Digits
    test: Digits
    notice: str | None


def data_folder() -> Path:
    """Where MNIST is looked for unless told otherwise: $MNIST_DATA, or `data`."""
    return Path(os.environ.get("MNIST_DATA") or "data")


def load(
    dataset: str = "mnist",
    folder: Path | str | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Digits, Digits]:
    """`train, test = load("mnist")`: read a dataset, downloading MNIST if it is not there.

    `folder` is torchvision's root: the IDX files, plain or .gz, lie in `folder/MNIST/raw`.
    `on_progress(bytes_done, bytes_total)` is called while downloading.
    Raises DataError, in one sentence, for files that are missing, damaged or foreign.
    """
    if dataset == "digits":
        return _load_digits()
    if dataset == "mnist+digits":
        return _load_both(folder, on_progress)
    if dataset != "mnist":
        raise DataError(f"There is no dataset called {dataset!r}: use one of {', '.join(TITLES)}.")
    folder = Path(folder or data_folder())
    raw = folder / "MNIST" / "raw"
    if any(_find(raw, name) is None for name in file_names()):
        from mnistcore.download import download_mnist  # torchvision: only when it is needed

        download_mnist(folder, on_progress)
    return _read_part(raw, "train"), _read_part(raw, "t10k")


def load_or_fall_back(
    dataset: str | None = None,
    folder: Path | str | None = None,
    on_progress: OnProgress | None = None,
) -> Loaded:
    """MNIST, or if it cannot be had, the bundled digits and a notice that says so.

    A dataset asked for by name is never replaced by another.
    """
    try:
        return Loaded(*load(dataset or "mnist", folder, on_progress), notice=None)
    except DataError as error:
        if dataset is not None:
            raise
        notice = f"You see {TITLES['digits']}, not MNIST. {error}"
        return Loaded(*load("digits"), notice=notice)


def as_input(images: Tensor) -> Tensor:
    """What a network reads: (n, 28, 28) uint8 -> (n, 1, 28, 28) float32 in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)


def file_names() -> list[str]:
    """The four files of MNIST, without .gz."""
    return [
        f"{part}-{kind}-ubyte"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]


def _find(raw: Path, name: str) -> Path | None:
    candidates = (raw / name, raw / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _read_part(raw: Path, part: str) -> Digits:
    images = _read_idx(raw, f"{part}-images-idx3-ubyte", _IMAGE_MAGIC)
    labels = _read_idx(raw, f"{part}-labels-idx1-ubyte", _LABEL_MAGIC)
    if images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        raise _damaged(raw, f"{part}-images-idx3-ubyte", f"it does not hold {SIDE} x {SIDE} images")
    if len(images) != len(labels):
        raise _damaged(
            raw,
            f"{part}-labels-idx1-ubyte",
            f"it has {len(labels):,} labels for {len(images):,} images",
        )
    if labels.max() > 9:
        raise _damaged(raw, f"{part}-labels-idx1-ubyte", "it has labels that are not 0 to 9")
    return Digits(torch.from_numpy(images), torch.from_numpy(labels).long(), "mnist")


def _read_idx(raw: Path, name: str, magic: int) -> np.ndarray:
    path = _find(raw, name)
    if path is None:
        raise DataError(f"{raw / name} is missing: put MNIST's four files into that folder.")
    length = 4 + 4 * (magic & 0xFF)
    try:
        header = np.frombuffer(plain.read(path, length)[:length].ljust(length), dtype=">u4")
        if header[0] != magic:
            raise _damaged(raw, name, "it is not one of MNIST's files")
        shape = tuple(int(size) for size in header[1:])
        expected = length + math.prod(shape)
        if not length < expected <= _MOST_BYTES:  # for no more is room made
            raise _damaged(raw, name, f"it is not one of MNIST's files, by its {expected:,} bytes")
        content = plain.read(path, expected)
    except OSError as error:
        raise _damaged(raw, name, f"it cannot be read ({error})") from error
    if len(content) != expected:
        found = f"{len(content):,}" if len(content) < expected else "more"
        raise _damaged(raw, name, f"it has {found} bytes instead of {expected:,}")
    # A copy, because torch wants memory that may be written to.
    return np.frombuffer(content, dtype=np.uint8, offset=length).reshape(shape).copy()


def _damaged(raw: Path, name: str, what: str) -> DataError:
    path = _find(raw, name) or raw / name
    return DataError(f"{path} is damaged: {what}. Delete it, and it will be downloaded again.")


def _load_digits() -> tuple[Digits, Digits]:
    """The digits that scikit-learn ships (8 x 8, 17 greys), enlarged to MNIST's format."""
    images, labels = _small_digits()
    images = _enlarged(images, paper=0.65, width=20)
    train, test = _split(labels)
    return (
        Digits(images[train], labels[train], "digits"),
        Digits(images[test], labels[test], "digits"),
    )


def _load_both(folder: Path | str | None, on_progress: OnProgress | None) -> tuple[Digits, Digits]:
    """MNIST, and among its training images the small digits, which other people wrote.

    Each of them twice in three strengths of line, so that they are a seventh of what is learned.
    """
    train, test = load("mnist", folder, on_progress)
    images, labels = _small_digits()
    ours, _ = _split(labels)  # the rest stays unseen, as a test of its own
    images, labels = images[ours], labels[ours]
    strengths = [_enlarged(images, *strength) for strength in ((0.65, 20), (0.8, 24), (1.0, 24))]
    both = Digits(
        torch.cat([train.images, *strengths, *strengths]),
        torch.cat([train.labels, *[labels] * 6]),
        "mnist+digits",
    )
    return both, replace(test, dataset="mnist+digits")


def _small_digits() -> tuple[Tensor, Tensor]:
    """(1797, 8, 8) float32 in [0, 1] and their labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return torch.from_numpy(bunch.images).float().div(16), torch.from_numpy(bunch.target).long()


def _split(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which of them are for training and which for the test, as many of each digit in both."""
    from sklearn.model_selection import train_test_split

    return train_test_split(
        torch.arange(len(labels)), test_size=297, random_state=0, stratify=labels
    )


def _enlarged(small: Tensor, paper: float, width: int) -> Tensor:
    """(n, 8, 8) float -> (n, 28, 28) uint8, the digit 20 pixels high and `width` wide.

    So few pixels blur every line. Sharpening brings it out again, and all that is then fainter
    than about `paper` is left blank: the higher it is, the thinner the line.
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
    line = (2.5 * (fine - paper) + 0.5).clamp(0, 1)
    box = functional.interpolate(line, size=(25, width * 5 // 4), mode="area")[:, 0]
    above, aside = SIDE - box.shape[1], SIDE - box.shape[2]
    padded = functional.pad(
        box, (aside // 2, aside - aside // 2, above // 2, above - above // 2)
    )  # a box wider than the picture loses its blank border
    return torch.stack([_centred(image) for image in padded]).mul(255).round().to(torch.uint8)


def _centred(image: Tensor) -> Tensor:
    """Shift a (28, 28) image by whole pixels until its centre of mass is where MNIST has it."""
    place, middle = torch.arange(SIDE, dtype=image.dtype), SIDE / 2
    down = round(middle - float((image.sum(1) * place).sum() / image.sum()))
    right = round(middle - float((image.sum(0) * place).sum() / image.sum()))
    return image.roll((down, right), (0, 1))
