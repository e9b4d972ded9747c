"""From a few numbers to a network: NetworkConfig says what, Network is the torch module."""

import itertools
import math
import re
import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mnistcore.data import SIDE
from mnistcore.errors import NetworkError

CLASSES = 10
MAX_WEIGHTS = 5_000_000  # more than this would take a laptop minutes per epoch

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "ReLU": nn.ReLU,
    "LeakyReLU": nn.LeakyReLU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "none": nn.Identity,  # a network without one is a straight-line function, however deep
}


# Of these, the largest of four outputs is the output of the largest: pooling may come first.
RISING = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid)


class Conv(NamedTuple):
    """`filters` feature maps, each looking through a window of `kernel` x `kernel` pixels."""

    filters: int
    kernel: int
    pool: bool = True  # 2 x 2 max pooling after it, which halves height and width
    padding: bool = False  # keep height and width by a border of zeros


@dataclass(frozen=True)
class NetworkConfig:
    """The architecture; the defaults are the notebook's network."""

    convolutions: tuple[Conv, ...] = (Conv(32, 5), Conv(32, 5), Conv(64, 3))
    dense: tuple[int, ...] = (64,)  # widths of the hidden dense layers
    activation: str = "ReLU"  # a key of ACTIVATIONS, after every layer but the last
    dropout: float = 0.0  # share of the units silenced at random in training, before dense layers
    batch_norm: bool = False  # standardise each layer's outputs over the batch

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "NetworkConfig":
        """The inverse of `dataclasses.asdict`, also after a trip through JSON."""
        try:
            parts = {"convolutions", "dense"}
            if wrong := misfits(cls, {n: v for n, v in values.items() if n not in parts}):
                raise TypeError(f"its {', '.join(wrong)} cannot be used")
            return cls(
                **values
                | {
                    "convolutions": tuple(Conv(*each) for each in values["convolutions"]),
                    "dense": tuple(values["dense"]),
                }
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise NetworkError(f"This is not the description of a network: {error}.") from error


def misfits(kind: type, values: dict[str, Any]) -> list[str]:
    """The names of `values` that this dataclass does not have, or has for another type."""
    types = {f.name: float | int if f.type is float else f.type for f in fields(kind)}
    return sorted(n for n, v in values.items() if not isinstance(v, types.get(n, ())))


class Step(NamedTuple):
    """One line of a network's portrait."""

    text: str  # "conv 32@5x5"
    shape: tuple[int, ...]  # of what comes out, without the batch: (32, 24, 24)
    weights: int

    @property
    def numbers(self) -> int:
        """How many come out for one image."""
        return math.prod(self.shape)

    @property
    def products(self) -> int:
        """Multiplications for one image: every place of a map uses the same weights again."""
        return self.weights * math.prod(self.shape[1:])


class Network(nn.Module):
    """Images (batch, 1, 28, 28) float32 in [0, 1] -> logits (batch, 10), one per digit.

    `layers` holds everything in order, so that a network reads, and can be walked, like a list.
    Its initial weights come from torch's global random generator.
    """

    def __init__(self, config: NetworkConfig) -> None:
        check(config)
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*(build() for _, build in _walk(config)))
        self._quickest = _pool_first(list(self.layers))

    def forward(self, images: Tensor) -> Tensor:
        """Images -> logits, in the shapes above."""
        for layer in self._quickest:
            images = layer(images)
        return images

    def __repr__(self) -> str:
        texts = " -> ".join(step.text for step in portrait(self.config))
        return f"{texts}: {count_weights(self.config):,} weights"


def _pool_first(layers: list[nn.Module]) -> list[nn.Module]:
    """The same function, sooner: an activation has a quarter of the work after pooling."""
    for place, (layer, following) in enumerate(itertools.pairwise(layers)):
        if isinstance(layer, RISING) and isinstance(following, nn.MaxPool2d):
            layers[place : place + 2] = following, layer
    return layers


def count_weights(config: NetworkConfig) -> int:
    """How many numbers such a network learns, without building it."""
    return sum(step.weights for step in portrait(config))


def portrait(config: NetworkConfig) -> list[Step]:
    """The layers, one Step each, from the 28 x 28 pixels to the 10 digits.

    Raises NetworkError where a layer does not fit onto what is left of the picture.
    """
    return [Step(f"{SIDE}x{SIDE}", (1, SIDE, SIDE), 0), *(step for step, _ in _walk(config))]


def _walk(config: NetworkConfig) -> Iterator[tuple[Step, Callable[[], nn.Module]]]:
    """Every layer, as a line of the portrait and as what builds it."""

    def after(shape: tuple[int, ...]) -> Iterator[tuple[Step, Callable[[], nn.Module]]]:
        if config.batch_norm:
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            yield Step("batch norm", shape, 2 * shape[0]), partial(norm, shape[0])
        if config.activation != "none":
            yield Step(config.activation, shape, 0), ACTIVATIONS[config.activation]

    def dense(inputs: int, width: int) -> Iterator[tuple[Step, Callable[[], nn.Module]]]:
        if config.dropout:
            yield (
                Step(f"dropout {config.dropout:g}", (inputs,), 0),
                partial(nn.Dropout, config.dropout),
            )
        weights = inputs * width + width
        yield Step(f"dense {width}", (width,), weights), partial(nn.Linear, inputs, width)

    channels, side = 1, SIDE
    for number, (filters, kernel, pool, padding) in enumerate(config.convolutions, 1):
        if kernel > side and not padding:
            raise NetworkError(
                f"Convolution {number} looks through a {kernel} x {kernel} window, but only "
                f"{side} x {side} pixels are left there: use a smaller window, fewer convolutions, "
                "or no pooling before it."
            )
        border = kernel // 2 if padding else 0
        side += 2 * border - kernel + 1
        shape = (filters, side, side)
        weights = channels * filters * kernel**2 + filters
        yield (
            Step(f"conv {filters}@{kernel}x{kernel}", shape, weights),
            partial(nn.Conv2d, channels, filters, kernel, padding=border),
        )
        yield from after(shape)
        channels = filters
        if pool:
            if side < 2:
                raise NetworkError(
                    f"After convolution {number} there is one pixel left, too little to halve: "
                    "switch its pooling off, or use fewer convolutions."
                )
            side //= 2
            yield Step("pool 2x2", (channels, side, side), 0), partial(nn.MaxPool2d, 2)
    features = channels * side * side
    yield Step("flatten", (features,), 0), nn.Flatten
    for width in config.dense:
        yield from dense(features, width)
        yield from after((width,))
        features = width
    yield from dense(features, CLASSES)


def check(config: NetworkConfig) -> None:
    """Refuse, in words, what cannot be built or would never finish."""
    if config.activation not in ACTIVATIONS:
        raise NetworkError(
            f"There is no activation called {config.activation!r}: use one of "
            f"{', '.join(ACTIVATIONS)}."
        )
    if not 0 <= config.dropout < 1:
        raise NetworkError("Dropout is a share of the units: use a number from 0 to below 1.")
    if len(config.convolutions) > 8 or len(config.dense) > 8:
        raise NetworkError("Use at most 8 convolutions and 8 dense layers.")
    sizes = [size for conv in config.convolutions for size in conv[:2]] + list(config.dense)
    if any(not isinstance(size, int) or not 1 <= size <= MAX_WEIGHTS for size in sizes):
        raise NetworkError(
            "Filters, windows and widths are whole numbers of 1 or more, and no more than "
            f"{MAX_WEIGHTS:,}."
        )
    if any(conv.padding and conv.kernel % 2 == 0 for conv in config.convolutions):
        raise NetworkError("A convolution with a border needs an odd window, such as 3 or 5.")
    if (weights := count_weights(config)) > MAX_WEIGHTS:
        raise NetworkError(
            f"This network has {weights:,} weights, more than the {MAX_WEIGHTS:,} that train in "
            "reasonable time here: make its layers narrower."
        )


def build(config: NetworkConfig, seed: int) -> Network:
    """A network with fresh weights, which depend on `seed` alone."""
    chance = torch.Generator().manual_seed(seed)
    with torch.device("meta"):  # shapes only, no numbers yet
        network = Network(config)
    network.to_empty(device="cpu")
    for layer in network.layers:  # as torch itself would begin
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, math.sqrt(5), generator=chance)
            most = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.bias, -most, most, generator=chance)
        elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            layer.reset_parameters()
    return network


def parse_convolutions(text: str) -> tuple[Conv, ...]:
    """ "32@5,64@3" -> two convolutions with pooling; "32@3p!" pads and does not pool."""
    convolutions = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,5})@(\d{1,2})(p?)(!?)", part)
        if not match:
            raise NetworkError(
                f"{reprlib.repr(part)} is not a convolution: write filters@window, as in 32@5, "
                "with a p after it to pad and a ! to leave out the pooling."
            )
        filters, kernel, padding, bare = match.groups()
        convolutions.append(Conv(int(filters), int(kernel), not bare, bool(padding)))
    return tuple(convolutions)


def parse_dense(text: str) -> tuple[int, ...]:
    """ "64, 32" -> (64, 32), the widths of hidden layers."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise NetworkError(
            f"{reprlib.repr(text)} are not widths of layers: write them as in 64,32."
        ) from None
