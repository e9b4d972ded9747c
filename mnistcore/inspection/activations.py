"""Activations: what every layer computes for an image, and one unit's sum term by term."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE, NetworkConfig, layer_summary
from mnistcore.models.network import Network, as_batch, eval_mode

_KINDS = {"conv": "convolution", "dense": "dense"}  # of layers that count as layers, with names


class WeightLayer(NamedTuple):
    """A convolution or dense layer, with the normalisation and the activation that follow it."""

    name: str  # "convolution 1", "dense 2", "answer"
    first: int  # index in network.layers: of its weights
    last: int  # and of the last of what follows, before pooling; out[last + 1] is its activation


class ActivationSurvey(NamedTuple):
    """What a network computes for many images."""

    max_activations: list[Tensor]  # for each WeightLayer (n, units): of a map, its largest value
    features: Tensor  # (n, units): the inputs of the last layer
    logits: Tensor  # (n, 10)


@dataclass(frozen=True)
class UnitTrace:
    """How one unit comes to its value: inputs times weights, added up, plus the bias."""

    inputs: Tensor  # (maps, rows, columns), or (units,) after a dense layer
    weights: Tensor  # of the same shape
    bias: float
    total: float
    after: list[tuple[str, float]]  # what normalisation and activation make of it: ("ReLU", 0.3)

    @property
    def products(self) -> Tensor:
        """Each input times its weight."""
        return self.inputs * self.weights


def weight_layers(network: Network) -> list[WeightLayer]:
    """The convolutions and dense layers, from the image to the logits."""
    return configured_layers(network.config)


def configured_layers(config: NetworkConfig) -> list[WeightLayer]:
    """Those that networks of this configuration have."""
    found: list[WeightLayer] = []
    for index, layer in enumerate(layer_summary(config)[1:]):
        if kind := _KINDS.get(layer.kind):
            number = sum(each.name.startswith(kind) for each in found) + 1
            found.append(WeightLayer(f"{kind} {number}", index, index))
        elif layer.kind in ("norm", "activation"):
            found[-1] = found[-1]._replace(last=index)
    return [*found[:-1], found[-1]._replace(name="answer")]


def weight_module(network: Network, layer: WeightLayer) -> nn.Conv2d | nn.Linear:
    """The torch module that holds the layer's weights."""
    module = network.layers[layer.first]
    assert isinstance(module, nn.Conv2d | nn.Linear)
    return module


@torch.no_grad()
def activations(network: Network, images: Tensor) -> list[Tensor]:
    """What comes out of every layer of `layer_summary`, the images themselves first.

    images: (n, 28, 28), uint8 or float32 in [0, 1] -> one (n, *layer.shape) for each layer.
    """
    with eval_mode(network):
        out = [as_batch(images, network)]
        for module in network.layers:
            out.append(module(out[-1]))
    # Weights that have all but run away can give sums that no number holds.
    return [each.nan_to_num().cpu() for each in out]


def collect_activations(
    network: Network, images: Tensor, batch_size: int = 250
) -> ActivationSurvey:
    """A survey of many images, (n, 28, 28), uint8 or float32 in [0, 1]."""
    layers, rows = weight_layers(network), []
    for batch in images.split(batch_size):
        out = activations(network, batch)
        values = [out[layer.last + 1] for layer in layers]
        largest = [each.flatten(2).amax(2) if each.ndim == 4 else each for each in values]
        rows.append((*largest, out[layers[-1].first].flatten(1), out[-1]))
    *largest, features, logits = map(torch.cat, zip(*rows, strict=True))
    return ActivationSurvey(largest, features, logits)


def argmax_position(maps: Tensor, unit: int) -> tuple[int, int]:
    """Row and column at which a feature map, one of (maps, rows, columns), is largest."""
    return divmod(int(maps[unit].argmax()), maps.shape[2])


@torch.no_grad()
def trace_unit(
    network: Network,
    image: Tensor,
    layer: WeightLayer,
    unit: int,
    position: tuple[int, int] = (0, 0),
) -> UnitTrace:
    """One unit's arithmetic for a (28, 28) float32 image; position: row and column in its map."""
    out, summary = activations(network, image[None]), layer_summary(network.config)
    module = weight_module(network, layer)
    inputs, weights = out[layer.first][0], module.weight[unit].detach().cpu()
    at: tuple[int, ...] = (0, unit)
    if summary[layer.first + 1].kind == "conv":
        (row, column), (_, _, side, _, border) = position, summary[layer.first + 1].args
        inputs = functional.pad(inputs, [border] * 4)
        inputs = inputs[:, row : row + side, column : column + side]
        at = (0, unit, row, column)
    elif "dense" not in (kinds := [each.kind for each in summary[: layer.first + 1]]):
        # What was flattened is easier to look at as what it was.
        shape = summary[kinds.index("flatten") - 1].shape
        inputs, weights = inputs.view(shape), weights.view(shape)
    bias = 0.0 if module.bias is None else float(module.bias[unit])
    following = range(layer.first + 2, layer.last + 2)
    after = [(summary[each].text, float(out[each][at])) for each in following]
    return UnitTrace(inputs, weights, bias, float((inputs * weights).sum()) + bias, after)


def receptive_field(
    network: Network, layer: WeightLayer, position: tuple[int, int]
) -> tuple[int, int, int]:
    """The square of pixels that a unit depends on: top, left and side; in a dense layer, all.

    It begins before 0 or ends after 28 where the square reaches into a border of zeros.
    """
    (top, left), side = position, 1
    summary = layer_summary(network.config)[1 : layer.first + 2]
    if summary[-1].kind == "dense":
        return 0, 0, IMAGE_SIZE
    for each in reversed(summary):
        if each.kind == "conv":
            _, _, kernel_size, _, border = each.args
            top, left, side = top - border, left - border, side + kernel_size - 1
        elif each.kind == "pool":
            top, left, side = 2 * top, 2 * left, 2 * side
    return top, left, side


def receptive_field_mask(network: Network, layer: WeightLayer, position: tuple[int, int]) -> Tensor:
    """(28, 28) bool: the pixels in the unit's receptive field."""
    top, left, side = receptive_field(network, layer, position)
    mask = torch.zeros(IMAGE_SIZE, IMAGE_SIZE, dtype=torch.bool)
    mask[max(top, 0) : top + side, max(left, 0) : left + side] = True
    return mask
