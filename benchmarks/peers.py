"""Three recipes by others, each as its authors would run it: what ours is measured against.

    python benchmarks/peers.py {notebook,minute,example} --data DIR [--seed 1] [--threads 2]
                               [--batches 500] [--device cpu]

Prints one JSON object: seconds of training alone, batches done and in the whole recipe, and the
test accuracy, unless --batches ends it before.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnistcore.data.download import torchvision_mnist

MNIST = torchvision_mnist()
from torchvision import transforms

MEAN, SPREAD = 0.1307, 0.3081  # of the training pixels, as everybody writes them


class Peer(NamedTuple):
    """A recipe: what is learned from, what learns, and how a step changes it."""

    network: nn.Module
    batches: Iterator[tuple[Tensor, Tensor]]
    count: int  # batches in the whole recipe
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None
    every: int = 1  # batches between two steps of the scheduler


def _mnist(data: Path, train: bool, *changes: object) -> MNIST:
    steps = transforms.Compose([transforms.ToTensor(), *changes])
    return MNIST(str(data), train=train, transform=steps)


def _endless(loader: DataLoader, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        for images, labels in loader:
            yield images.to(device), labels.to(device)


def notebook(data: Path, device: str) -> Peer:
    """The notebook that this project grew out of: 2 epochs, eight images at a time."""
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
    ).to(device)
    loader = DataLoader(_mnist(data, True), batch_size=8, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    return Peer(network, _endless(loader, device), 2 * len(loader), optimizer)


def minute(data: Path, device: str) -> Peer:
    """'MNIST in 0.76 s' (on a graphics card): one epoch in fixed order, all data as one tensor."""
    network = nn.Sequential(
        *(nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10)),
    ).to(device)
    dataset = _mnist(data, True)
    images = ((dataset.data[:, None].float() / 255 - MEAN) / SPREAD).to(device)
    labels = dataset.targets.to(device)
    batches = list(zip(images.split(256), labels.split(256), strict=True))
    optimizer = torch.optim.Adam(network.parameters(), 0.01, (0.7, 0.9))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=len(batches), cycle_momentum=False
    )
    return Peer(network, iter(batches), len(batches), optimizer, scheduler)


def example(data: Path, device: str) -> Peer:
    """PyTorch's own MNIST example, up to the end of its first epoch of fourteen."""
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU()),
        *(nn.Dropout(0.5), nn.Linear(128, 10)),
    ).to(device)
    normalise = transforms.Normalize((MEAN,), (SPREAD,))
    loader = DataLoader(_mnist(data, True, normalise), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(network.parameters(), 1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)
    return Peer(
        network, _endless(loader, device), len(loader), optimizer, scheduler, every=len(loader)
    )


PEERS = {"notebook": notebook, "minute": minute, "example": example}


def accuracy(network: nn.Module, data: Path, normalised: bool, device: str) -> float:
    """The share of the 10,000 test images that it reads right."""
    dataset = _mnist(data, False)
    images = dataset.data[:, None].float() / 255
    if normalised:
        images = (images - MEAN) / SPREAD
    network.eval()
    with torch.inference_mode():
        guesses = torch.cat(
            [network(batch.to(device)).argmax(1).cpu() for batch in images.split(250)]
        )
    return float((guesses == dataset.targets).double().mean())


def main() -> None:
    """Train one peer and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batches", type=int, help="stop after so many")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    peer = PEERS[options.peer](options.data, options.device)
    count = min(options.batches or peer.count, peer.count)

    def learn(batches: Iterator[tuple[Tensor, Tensor]]) -> None:
        for number, (images, labels) in enumerate(batches, 1):
            peer.optimizer.zero_grad()
            functional.cross_entropy(peer.network(images), labels).backward()
            peer.optimizer.step()
            if peer.scheduler and number % peer.every == 0:
                peer.scheduler.step()
        if options.device != "cpu":
            torch.accelerator.synchronize()

    started = time.perf_counter()
    learn(islice(peer.batches, count))
    seconds = time.perf_counter() - started
    whole = count == peer.count
    normalised = options.peer != "notebook"
    result = {
        "seconds": seconds,
        "batches": count,
        "of": peer.count,
        "test_accuracy": accuracy(peer.network, options.data, normalised, options.device)
        if whole
        else None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
