"""Inside a network: what every layer makes of a picture, and one unit's sum term by term."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore.config import layer_summary
from mnistcore.inspection.attribution import as_batch, eval_mode
from mnistcore.models.network import Network


class WeightLayer(NamedTuple):
    """A layer that holds weights, with the normalisation and the activation that follow it."""

    name: str  # "convolution 1", "dense 2", "answer"
    first: int  # where in network.layers its weights are
    last: int  # and where the last of what follows is, before pooling


class ActivationSurvey(NamedTuple):
    """What a network makes of many images."""

    excitement: list[Tensor]  # for each Layer (n, units): the strongest answer of each unit
    features: Tensor  # (n, units): what the last hidden layer says
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
    """The layers that hold weights, from the picture to the answer."""
    kinds = {nn.Conv2d: "convolution", nn.Linear: "dense"}
    found: list[WeightLayer] = []
    for place, module in enumerate(network.layers):
        if type(module) in kinds:
            kind = kinds[type(module)]
            number = sum(layer.name.startswith(kind) for layer in found) + 1
            found.append(WeightLayer(f"{kind} {number}", place, place))
        elif found and not isinstance(module, nn.MaxPool2d | nn.Flatten | nn.Dropout):
            found[-1] = found[-1]._replace(last=place)
    return [*found[:-1], found[-1]._replace(name="answer")]


@torch.no_grad()
def activations(network: Network, images: Tensor) -> list[Tensor]:
    """What comes out of every step of the network's portrait, the picture itself first.

    images: (n, 28, 28), uint8 or float32 in [0, 1] -> one (n, *step.shape) for each step.
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
    """Show the network many images, (n, 28, 28), and keep what excites its units how much."""
    parts = weight_layers(network)
    excitement: list[list[Tensor]] = [[] for _ in parts]
    features, logits = [], []
    for batch in images.split(batch_size):
        out = activations(network, batch)
        for kept, layer in zip(excitement, parts, strict=True):
            answers = out[layer.last + 1]
            kept.append(answers.flatten(2).amax(2) if answers.ndim == 4 else answers)
        features.append(out[parts[-1].first].flatten(1))
        logits.append(out[-1])
    return ActivationSurvey(
        [torch.cat(kept) for kept in excitement], torch.cat(features), torch.cat(logits)
    )


def argmax_position(maps: Tensor, unit: int) -> tuple[int, int]:
    """Row and column at which a feature map, one of (maps, rows, columns), is strongest."""
    row, column = divmod(int(maps[unit].argmax()), maps.shape[2])
    return row, column


@torch.no_grad()
def trace_unit(
    network: Network, image: Tensor, layer: WeightLayer, unit: int, place: tuple[int, int] = (0, 0)
) -> UnitTrace:
    """One unit's arithmetic for one image, (28, 28) float32 in [0, 1].

    place: row and column in the unit's feature map; a dense layer has no places.
    """
    out = activations(network, image[None])
    module = network.layers[layer.first]
    inputs, weights = out[layer.first][0], module.weight[unit].detach().cpu()
    at: tuple[int, ...] = (0, unit)
    if isinstance(module, nn.Conv2d):
        (row, column), side, border = place, module.kernel_size[0], module.padding[0]
        inputs = functional.pad(inputs, [border] * 4)
        inputs = inputs[:, row : row + side, column : column + side]
        at = (0, unit, row, column)
    elif (flat := _flattened_before(network, layer)) is not None:
        shape = out[flat][0].shape  # what was flattened is easier to look at as what it was
        inputs, weights = inputs.view(shape), weights.view(shape)
    bias = float(module.bias[unit])
    names = [step.text for step in layer_summary(network.config)]
    following = range(layer.first + 2, layer.last + 2)
    after = [(names[each], float(out[each][at])) for each in following]
    return UnitTrace(inputs, weights, bias, float((inputs * weights).sum()) + bias, after)


def receptive_field(
    network: Network, layer: WeightLayer, place: tuple[int, int]
) -> tuple[int, int, int]:
    """What part of the picture a unit looks at: top, left and side of a square, in pixels.

    It begins before 0 or ends after 28 where the square reaches into a border of zeros.
    """
    top, left, side = *place, 1
    if not isinstance(network.layers[layer.first], nn.Conv2d):
        return 0, 0, 28
    for module in reversed(network.layers[: layer.first + 1]):
        if isinstance(module, nn.Conv2d):
            top, left = top - module.padding[0], left - module.padding[0]
            side += module.kernel_size[0] - 1
        elif isinstance(module, nn.MaxPool2d):
            top, left, side = 2 * top, 2 * left, 2 * side
    return top, left, side


def _flattened_before(network: Network, layer: WeightLayer) -> int | None:
    """Where in network.layers the maps are flattened that this layer reads, if it does."""
    for place in range(layer.first - 1, -1, -1):
        if isinstance(network.layers[place], nn.Flatten):
            return place
        if isinstance(network.layers[place], nn.Linear):
            return None
    return None
