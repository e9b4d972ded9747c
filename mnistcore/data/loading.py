"""Datasets by name, as tensors in memory: MNIST, or scikit-learn's bundled digits without it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mnistcore.data.digits import Digits
from mnistcore.data.drawn_digits import add_drawn_digits
from mnistcore.data.mnist import FILE_NAMES, data_folder, find_file, read_part
from mnistcore.data.small_digits import add_small_digits, load_small_digits
from mnistcore.errors import DataError

DATASETS = {
    "mnist": "MNIST",
    "digits": "scikit-learn's 1,797 small digits",
    "mnist+digits": "MNIST, with scikit-learn's small digits among the training images",
    "mnist+digits+drawn": "MNIST, with small and drawn digits among the training images",
}

OnProgress = Callable[[int, int], None]  # bytes done, bytes in all


class LoadedDataset(NamedTuple):
    """Training and test set, and a sentence for visitors if it is not the dataset they expect."""

    train: Digits
    test: Digits
    notice: str | None


def load_dataset(
    dataset: str = "mnist", folder: Path | str | None = None, on_progress: OnProgress | None = None
) -> tuple[Digits, Digits]:
    """`train, test = load_dataset("mnist")`: read a dataset, downloading MNIST if it is not there.

    `folder` is torchvision's root: the IDX files, plain or .gz, lie in `folder/MNIST/raw`.
    Raises DataError, in one sentence, for files that are missing, damaged or foreign.
    """
    if dataset == "digits":
        return load_small_digits()
    if dataset == "mnist+digits":
        return add_small_digits(*load_dataset("mnist", folder, on_progress))
    if dataset == "mnist+digits+drawn":
        return add_drawn_digits(*load_dataset("mnist+digits", folder, on_progress))
    if dataset != "mnist":
        raise DataError(f"There is no dataset {dataset!r}: use one of {', '.join(DATASETS)}.")
    folder = Path(folder or data_folder())
    raw = folder / "MNIST" / "raw"
    if any(find_file(raw, name) is None for name in FILE_NAMES):
        from mnistcore.data.download import download_mnist  # torchvision: only when it is needed

        download_mnist(folder, on_progress)
    return read_part(raw, "train"), read_part(raw, "t10k")


def load_or_fall_back(
    dataset: str | None = None,
    folder: Path | str | None = None,
    on_progress: OnProgress | None = None,
) -> LoadedDataset:
    """MNIST or, where it cannot be had and no name was given, the bundled digits and a notice."""
    try:
        return LoadedDataset(*load_dataset(dataset or "mnist", folder, on_progress), notice=None)
    except DataError as error:
        if dataset is not None:
            raise
        notice = f"You see {DATASETS['digits']}, not MNIST. {error}"
        return LoadedDataset(*load_dataset("digits"), notice=notice)
