"""Data that the tests make, so that they need nothing from outside."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from networks import NETWORK_KINDS
from streamlit.components.v2 import manifest_scanner

from mnistcore.data.digits import Digits
from mnistcore.data.loading import load_dataset
from mnistcore.models.network import Network, build_network
from mnistcore.runs import queue
from pages.common import datasets


@pytest.fixture(scope="session")
def digits() -> tuple[Digits, Digits]:
    """scikit-learn's digits, training and test part."""
    return load_dataset("digits")


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory: pytest.TempPathFactory, digits: tuple[Digits, Digits]) -> Path:
    """A data folder with scikit-learn's digits in MNIST's files: small, and there offline."""
    folder = tmp_path_factory.mktemp("data")
    for part, some in zip(("train", "t10k"), digits, strict=True):
        write_idx(folder, part, some)
    return folder


def write_idx(folder: Path, part: str, some: Digits) -> None:
    """Write `part`, "train" or "t10k", in MNIST's format."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    images, labels = some.images.numpy(), some.labels.byte().numpy()
    (raw / f"{part}-images-idx3-ubyte").write_bytes(
        struct.pack(">4I", 0x803, *images.shape) + images.tobytes()
    )
    (raw / f"{part}-labels-idx1-ubyte").write_bytes(
        struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()
    )


@pytest.fixture(params=NETWORK_KINDS)
def any_network(request: pytest.FixtureRequest) -> Network:
    """Every kind of network that can be built, with fresh weights and some running averages."""
    built = build_network(NETWORK_KINDS[request.param], seed=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built(torch.rand(32, 1, 28, 28))
    return built.eval()


@pytest.fixture(autouse=True, scope="session")
def components_are_found_once() -> Iterator[None]:
    """Streamlit's tester looks through all installed packages for components at each run: 82 ms."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Several threads would spin against each other on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def unattended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sets workers on the runs of a test but the test."""
    monkeypatch.setattr(queue, "start_dispatcher", lambda: None)


@pytest.fixture
def folder(mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for runs of the test's own, with small digits for data."""
    monkeypatch.setenv("MNIST_DATA", str(mnist_folder))
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def fresh(folder: Path) -> Iterator[None]:
    """A server that has loaded nothing yet."""
    datasets._loading.clear()
    yield
    datasets._loading.clear()
