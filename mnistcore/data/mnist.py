"""MNIST's IDX files: found, checked byte for byte, and read into Digits."""

import math
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnistcore import serialization
from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import Digits
from mnistcore.errors import DataError

_MAX_FILE_BYTES = 250_000_000  # of one file, unpacked: five times MNIST
PARTS = {  # the files of each part, without .gz: images, and labels
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "t10k": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
FILE_NAMES = [*PARTS["train"], *PARTS["t10k"]]


def data_folder() -> Path:
    """Where MNIST is looked for unless told otherwise: $MNIST_DATA, or `data`."""
    return Path(os.environ.get("MNIST_DATA") or "data")


def find_file(raw: Path, name: str) -> Path | None:
    """The IDX file of this name, plain or .gz; None where there is neither."""
    candidates = (raw / name, raw / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def read_part(raw: Path, part: str) -> Digits:
    """The images and labels of a part, "train" or "t10k"; raises DataError for a damaged file."""
    image_file, label_file = PARTS[part]
    images, labels = _read_idx(raw, image_file, 3), _read_idx(raw, label_file, 1)
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE) or len(images) == 0:
        raise _damaged(raw, image_file, f"it does not hold {IMAGE_SIZE} x {IMAGE_SIZE} images")
    if len(images) != len(labels):
        what = f"it has {len(labels):,} labels for {len(images):,} images"
        raise _damaged(raw, label_file, what)
    if labels.max() > 9:
        raise _damaged(raw, label_file, "it has labels that are not 0 to 9")
    return Digits(torch.from_numpy(images), torch.from_numpy(labels).long(), "mnist")


def _read_idx(raw: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """The array in an IDX file of so many dimensions; nothing is read beyond its bound."""
    path = find_file(raw, name)
    if path is None:
        raise DataError(f"{raw / name} is missing: put MNIST's four files into that folder.")
    length = 4 + 4 * dimensions  # of the header: 0, 0, 8 for "unsigned byte", dimensions, sizes
    try:
        opening = serialization.read_bounded(path, length)[:length].ljust(length)
        header = np.frombuffer(opening, dtype=">u4")
        if header[0] != 0x0800 + dimensions:
            raise _damaged(raw, name, "it is not one of MNIST's files")
        shape = tuple(int(size) for size in header[1:])
        expected = length + math.prod(shape)
        if not length < expected <= _MAX_FILE_BYTES:  # for no more is room made
            raise _damaged(raw, name, f"it is not one of MNIST's files, by its {expected:,} bytes")
        content = serialization.read_bounded(path, expected)
    except OSError as error:
        raise _damaged(raw, name, f"it cannot be read ({error})") from error
    if len(content) != expected:
        found = f"{len(content):,}" if len(content) < expected else "more"
        raise _damaged(raw, name, f"it has {found} bytes instead of {expected:,}")
    # A copy, because torch wants memory that may be written to.
    return np.frombuffer(content, dtype=np.uint8, offset=length).reshape(shape).copy()


def _damaged(raw: Path, name: str, what: str) -> DataError:
    path = find_file(raw, name) or raw / name
    return DataError(f"{path} is damaged: {what}. Delete it, and it will be downloaded again.")
