"""Ablation: units switched off and noise on the weights, in a copy of a network, and what it reads.

An ablation, or lesion, asks what a part is good for by taking it away (LeCun, Denker and Solla,
1989; Meyes et al., 2019). How accuracy falls with the share of units taken at random says how much
a network leans on single ones (Morcos et al., 2018).
"""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnistcore.config import NUM_CLASSES, count_mult_adds
from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import evaluate
from mnistcore.inspection.activations import weight_layers, weight_module
from mnistcore.models.network import Network

SAMPLE_SIZE = 1_000  # test images that are judged at once, in 0.2 s by most networks
_MAX_MULT_ADDS = 2e10  # for which they are fewer: 0.5 s of a thread
N_DRAWS = 5  # of random units, over which a curve is averaged
SHARES = tuple(percent / 100 for percent in range(0, 101, 5))  # of units, on a curve


class Unit(NamedTuple):
    """A unit of a dense layer, or a filter of a convolution."""

    layer: str  # as WeightLayer calls it
    number: int


@dataclass(frozen=True)
class Damage:
    """What is done to a network."""

    off: frozenset[Unit] = frozenset()  # say 0, whatever they are given
    noise: float = 0.0  # on each weight: the noise's standard deviation, in those of its layer
    seed: int = 1  # of the noise

    @property
    def name(self) -> str:
        """The same for equal damage, whenever it is asked; empty without any."""
        if not self.off and not self.noise:
            return ""
        units = (f"{layer} {index}" for layer, index in sorted(self.off))
        return f"{', '.join(units)}; {self.noise} {self.seed if self.noise else ''}"


def hidden_units(network: Network) -> list[Unit]:
    """All that can be switched off: the units and filters between the image and the logits."""
    return [
        Unit(layer.name, index)
        for layer in weight_layers(network)[:-1]
        for index in range(len(weight_module(network, layer).weight))
    ]


def is_cut(network: Network, damage: Damage) -> bool:
    """Whether a whole layer is off, so that the answer is the same for every image."""
    left = set(hidden_units(network)) - damage.off
    hidden = weight_layers(network)[:-1]
    return {layer.name for layer in hidden} != {unit.layer for unit in left}


def random_units(units: Sequence[Unit], share: float, seed: int) -> frozenset[Unit]:
    """A share, 0 to 1, of these units; with the same seed a larger share holds the smaller."""
    order = torch.randperm(len(units), generator=torch.Generator().manual_seed(seed)).tolist()
    return frozenset(units[place] for place in order[: round(share * len(units))])


@torch.no_grad()
def ablate(network: Network, damage: Damage) -> Network:
    """A copy with this damage; without any it answers as `network` does, bit for bit.

    The activation of a unit that is off is 0 for every image, also while the copy learns.
    """
    damaged = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(damage.seed)
    for layer in weight_layers(damaged):
        weights = weight_module(damaged, layer).weight
        if damage.noise:
            noise = torch.randn(weights.shape, generator=generator).to(weights.device)
            weights += damage.noise * weights.std(correction=0) * noise
        if off := [unit.number for unit in damage.off if unit.layer == layer.name]:
            damaged.layers[layer.last].register_forward_hook(_silence(off, len(weights)))
    return damaged


def _silence(off: list[int], count: int) -> Callable[[nn.Module, object, Tensor], Tensor]:
    """A forward hook that sets these of `count` units or maps to 0, and their gradients."""
    silent = torch.zeros(count, dtype=torch.bool)
    silent[off] = True

    def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        return output.masked_fill(silent.to(output.device).view(-1, *[1] * (output.ndim - 2)), 0)

    return hook


class DigitAccuracies(NamedTuple):
    """How many test images of each digit there are, and are read right."""

    right: Tensor  # (10,) int64
    images: Tensor  # (10,) int64

    @property
    def total(self) -> int:
        """Images of all digits."""
        return int(self.images.sum())

    @property
    def accuracy(self) -> float:
        """Share of all images that is read right, 0 to 1."""
        return int(self.right.sum()) / self.total

    @property
    def by_digit(self) -> list[float]:
        """The same for each digit; 0 where there are no images."""
        shares: list[float] = (self.right / self.images.clamp(min=1)).tolist()
        return shares


def count_parts(network: Network, test: Digits) -> int:
    """In how many parts a test set is read, the first of them at once.

    Each has SAMPLE_SIZE images, or fewer if the network is slow, and they are from all over the
    set: MNIST's first test images are easier than its last.
    """
    size = min(SAMPLE_SIZE, max(50, int(_MAX_MULT_ADDS / count_mult_adds(network.config))))
    return max(1, round(len(test) / size))


class GrowingScore:
    """A network's accuracy by digit, on more and more of a test set: a sample, and then on all.

    It is counted in parts, see `count_parts`. Threads may share it.
    """

    def __init__(self, test: Digits, parts: int) -> None:
        self._test, self.parts = test, parts
        self._counted: list[DigitAccuracies] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Parts that are counted."""
        return len(self._counted)

    def extend(self, network: Network) -> None:
        """Let the network read the next part, unless it has read all of them."""
        with self._lock:
            if len(self) < self.parts:
                part = self._test.select(slice(len(self), None, self.parts))
                right = part.labels[evaluate(network, part).predicted == part.labels]
                counts = (each.bincount(minlength=NUM_CLASSES) for each in (right, part.labels))
                self._counted.append(DigitAccuracies(*counts))

    def known(self) -> DigitAccuracies:
        """On the sample, the first part, and once all are counted on the whole test set."""
        return self.first(self.parts if len(self) == self.parts else 1)

    def first(self, parts: int) -> DigitAccuracies:
        """On so many parts, at least one of which is counted."""
        right, count = zip(*self._counted[:parts], strict=True)
        return DigitAccuracies(torch.stack(right).sum(0), torch.stack(count).sum(0))


def accuracy_by_share(
    network: Network, units: Sequence[Unit], test: Digits
) -> Iterator[tuple[float, float]]:
    """(share, accuracy) for SHARES of `units` off, on a sample: each of N_DRAWS reads a part of it.

    More draws say more than more images: which units go matters more than which digits are read.
    """
    sample = test.select(slice(None, None, count_parts(network, test)))
    parts = [sample.select(slice(draw, None, N_DRAWS)) for draw in range(N_DRAWS)]
    for share in SHARES:
        right = 0
        for seed, part in enumerate(parts, start=1):
            damaged = ablate(network, Damage(random_units(units, share, seed)))
            right += int((evaluate(damaged, part).predicted == part.labels).sum())
        yield share, right / len(sample)


def tolerated_share(curve: Sequence[tuple[float, float]], accuracy: float) -> float | None:
    """The largest share up to which a curve stays at this accuracy or above; None: never there."""
    tolerated = None
    for share, reached in curve:
        if reached < accuracy:
            break
        tolerated = share
    return tolerated
