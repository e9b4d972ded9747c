"""Convolutional classifier: from a NetworkConfig to a torch module, a visible list of layers."""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mnistcore.config import (
    LayerSummary,
    NetworkConfig,
    check_network,
    count_parameters,
    layer_summary,
    settings,
)
from mnistcore.data.digits import to_model_input

# By the names that the configuration knows, which are torch's. With "none", a network is a
# straight-line function, however deep.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    name: getattr(nn, name, nn.Identity) for name in settings(NetworkConfig)["activation"].choices
}

# Of these, the largest of four outputs is the output of the largest: pooling may come first.
MONOTONIC = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid)


class Network(nn.Module):
    """Images (batch, 1, 28, 28) float32 in [0, 1] -> logits (batch, 10), one per digit.

    `layers` holds everything in order, so that a network reads, and can be walked, like a list.
    Its initial weights come from torch's global random generator.
    """

    def __init__(self, config: NetworkConfig) -> None:
        check_network(config)
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*map(_module, layer_summary(config)[1:]))
        self._forward_order = _pool_before_activation(list(self.layers))

    def forward(self, images: Tensor) -> Tensor:
        """Images -> logits, in the shapes above."""
        for layer in self._forward_order:
            images = layer(images)
        return images

    def __repr__(self) -> str:
        texts = " -> ".join(layer.text for layer in layer_summary(self.config))
        return f"{texts}: {count_parameters(self.config):,} weights"


def _module(layer: LayerSummary) -> nn.Module:
    modules: dict[str, Callable[..., nn.Module]] = {
        "conv": nn.Conv2d,
        "norm": nn.BatchNorm2d if len(layer.shape) == 3 else nn.BatchNorm1d,
        "pool": nn.MaxPool2d,
        "flatten": nn.Flatten,
        "dropout": nn.Dropout,
        "dense": nn.Linear,
    } | ACTIVATIONS
    return modules[layer.text if layer.kind == "activation" else layer.kind](*layer.args)


def _pool_before_activation(layers: list[nn.Module]) -> list[nn.Module]:
    """The same function, sooner: an activation has a quarter of the work after pooling."""
    for place, (layer, following) in enumerate(itertools.pairwise(layers)):
        if isinstance(layer, MONOTONIC) and isinstance(following, nn.MaxPool2d):
            layers[place : place + 2] = following, layer
    return layers


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Without dropout and with fixed normalisation, whatever the network was doing before."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def as_batch(images: Tensor, network: nn.Module) -> Tensor:
    """(n, 28, 28), uint8 or float32 in [0, 1] -> (n, 1, 28, 28) float32 where the network is."""
    images = images.to(next(network.parameters()).device)
    return to_model_input(images) if images.dtype == torch.uint8 else images.unsqueeze(1)


def build_network(config: NetworkConfig, seed: int) -> Network:
    """A network with fresh weights, which depend on `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):  # shapes only, no numbers yet
        network = Network(config)
    network.to_empty(device="cpu")
    for layer in network.layers:  # as torch itself would begin
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, math.sqrt(5), generator=generator)
            most = 1 / math.sqrt(layer.weight[0].numel())
            assert layer.bias is not None
            nn.init.uniform_(layer.bias, -most, most, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            layer.reset_parameters()
    return network
