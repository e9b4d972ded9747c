"""Datasets as tensors: what is read, what is refused, and what is shown instead."""

import gzip
import shutil
import struct
import tracemalloc
from pathlib import Path

import pytest
import torch

from mnistcore.data import download
from mnistcore.data.digits import to_model_input
from mnistcore.data.loading import load_dataset, load_or_fall_back
from mnistcore.data.mnist import FILE_NAMES
from mnistcore.errors import DataError


@pytest.fixture
def folder(mnist_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(mnist_folder, tmp_path / "data")


def test_idx_files_are_read_as_they_are(mnist_folder, digits):
    train, test = load_dataset("mnist", mnist_folder)
    assert torch.equal(train.images, digits[0].images)
    assert torch.equal(test.labels, digits[1].labels)
    assert (train.images.dtype, train.labels.dtype) == (torch.uint8, torch.int64)


def test_compressed_files_are_read_just_as_well(folder, digits):
    for name in FILE_NAMES:
        path = folder / "MNIST" / "raw" / name
        path.with_name(f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert torch.equal(load_dataset("mnist", folder)[0].images, digits[0].images)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda b: b[:-5], "bytes instead of"),
        (lambda b: b"hello", "not one of MNIST's files"),
        (lambda b: b"", "not one of MNIST's files"),
        (lambda b: b[:3] + b"\x01" + b[4:], "not one of MNIST's files"),
        (lambda b: b + b"\0" * 784, "bytes instead of"),
    ],
)
def test_a_damaged_image_file_is_refused_with_its_name_and_the_cure(folder, damage, complaint):
    path = folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=complaint) as error:
        load_dataset("mnist", folder)
    assert path.name in str(error.value)
    assert "Delete it" in str(error.value)


def test_labels_beyond_nine_are_refused(folder):
    path = folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(DataError, match="not 0 to 9"):
        load_dataset("mnist", folder)


def test_a_label_too_few_is_refused(folder):
    path = folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:4] + (296).to_bytes(4, "big") + content[8:-1])
    with pytest.raises(DataError, match="296 labels for 297 images"):
        load_dataset("mnist", folder)


def test_a_torn_gz_file_is_refused(folder):
    path = folder / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:-20])
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset("mnist", folder)


def test_the_bundled_digits_look_like_mnist(digits):
    train, test = digits
    assert (len(train), len(test)) == (1500, 297)
    assert train.images.shape[1:] == (28, 28)
    ink = to_model_input(train.images)[:, 0]
    assert ink.amax((1, 2)).min() > 0.7
    place = torch.arange(28.0)
    down = (ink.sum(2) * place).sum(1) / ink.sum((1, 2))
    assert (down - 14).abs().max() < 0.6  # centred by centre of mass


def test_both_datasets_together_keep_the_tests_of_both_unseen(mnist_folder, digits):
    train, test = load_dataset("mnist+digits", mnist_folder)
    assert len(train) == len(digits[0]) + 6 * 1500
    assert torch.equal(test.images, digits[1].images)
    assert torch.bincount(train.labels).min() > 900


def test_without_mnist_and_network_the_bundled_digits_come_with_a_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_COMMAND", ["false"])
    loaded = load_or_fall_back(folder=tmp_path)
    assert loaded.train.dataset == "digits"
    assert "not MNIST" in loaded.notice
    assert "connect to the internet" in loaded.notice


def test_a_dataset_asked_for_by_name_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_COMMAND", ["false"])
    with pytest.raises(DataError):
        load_or_fall_back("mnist", tmp_path)


def test_an_unknown_dataset_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="mnist, digits"):
        load_dataset("letters")


def test_input_is_floats_from_0_to_1_with_a_channel(digits):
    batch = to_model_input(digits[0].images[:4])
    assert batch.shape == (4, 1, 28, 28)
    assert batch.dtype == torch.float32
    assert (batch.min(), batch.max()) == (0, digits[0].images[:4].max() / 255)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("sizes", [(2**31, 2**31, 4), (2**32 - 1,) * 3, (0, 2**32 - 1, 2**32 - 1)])
def test_a_header_that_promises_the_world_is_refused_before_room_is_made(folder, sizes, packed):
    path = folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    content = struct.pack(">4I", 0x803, *sizes)
    path.unlink()
    if packed:
        path, content = path.with_name(f"{path.name}.gz"), gzip.compress(content)
    path.write_bytes(content)
    with pytest.raises(DataError, match="Delete it"):
        load_dataset("mnist", folder)


def test_a_packed_file_is_unpacked_no_further_than_its_header_says(folder):
    path = folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    content = path.read_bytes()
    path.unlink()
    with gzip.open(path.with_name(f"{path.name}.gz"), "wb", 1) as file:
        file.write(content)
        for _ in range(300):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="it has more bytes instead of"):
        load_dataset("mnist", folder)
    assert tracemalloc.get_traced_memory()[1] < 10 * len(content)
    tracemalloc.stop()
