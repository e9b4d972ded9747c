"""Gradient descent on a single linear neuron with three weights, a step at a time."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mnistcore.data.digits import Digits
from mnistcore.demos.threshold_rule import FEATURES, measure
from mnistcore.viz.theme import BLUE, GREY, ORANGE

N_PER_CLASS = 100  # images of a 0, and as many of a 1
INPUTS = ("ink", "middle")  # keys of FEATURES: the two inputs
WEIGHT_NAMES = ("ink", "middle", "1 (bias)")
DIVERGENCE_LOSS = 1e4  # a loss beyond which the weights will not come back
_EDGE = 2.6  # standard deviations: half a side of the chart


@dataclass(frozen=True)
class Examples:
    """Inputs and targets."""

    inputs: Tensor  # (n, 2) float32, each column standardised: mean 0, standard deviation 1
    targets: Tensor  # (n,) float32: 0.0 for a 0, 1.0 for a 1


@dataclass(frozen=True)
class NeuronState:
    """Where training stands. The output is `w1 * ink + w2 * middle + bias`."""

    weights: tuple[float, ...]  # w1, w2, bias
    gradient: tuple[float, ...]  # of the loss, by each of the weights
    loss: float  # mean squared error
    accuracy: float  # share of the examples on the right side of 0.5
    steps: int = 0

    @property
    def diverged(self) -> bool:
        """Whether the steps were so big that the weights will not come back."""
        return not self.loss < DIVERGENCE_LOSS  # true for NaN as well


def make_examples(train: Digits) -> Examples:
    """The first N_PER_CLASS zeros and ones of the training set (fewer, if there are fewer)."""
    zeros, ones = ((train.labels == digit).nonzero().flatten()[:N_PER_CLASS] for digit in (0, 1))
    chosen = train.select(torch.cat([zeros, ones]))
    inputs = torch.stack([measure(chosen.images, name) for name in INPUTS], 1)
    return Examples((inputs - inputs.mean(0)) / inputs.std(0), chosen.labels.float())


def initialize(examples: Examples, seed: int) -> NeuronState:
    """A neuron with three random weights, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return _evaluate(examples, torch.randn(3, generator=generator) / 2, 0)


def gradient_step(
    examples: Examples, neuron: NeuronState, learning_rate: float, times: int = 1
) -> NeuronState:
    """`times` steps of full-batch gradient descent, fewer where training diverges."""
    for _ in range(times):
        if neuron.diverged:
            break
        weights, gradient = torch.tensor(neuron.weights), torch.tensor(neuron.gradient)
        neuron = _evaluate(examples, weights - learning_rate * gradient, neuron.steps + 1)
    return neuron


def _evaluate(examples: Examples, weights: Tensor, steps: int) -> NeuronState:
    """Forward and backward pass over all examples: outputs, loss, gradient."""
    weights = weights.clone().requires_grad_()
    outputs = examples.inputs @ weights[:2] + weights[2]
    loss = (outputs - examples.targets).square().mean()
    (gradient,) = torch.autograd.grad(loss, weights)
    right = (outputs > 0.5) == (examples.targets > 0.5)
    now, slopes = (tuple(each.tolist()) for each in (weights, gradient))
    return NeuronState(now, slopes, loss.item(), float(right.float().mean()), steps)


def scatter_chart(examples: Examples, neuron: NeuronState) -> dict[str, Any]:
    """The examples and the decision boundary, where the output is 0.5, as ECharts options."""
    places, digits = examples.inputs.clamp(-_EDGE, _EDGE), examples.targets
    series: list[dict[str, Any]] = []
    for digit, symbol, color in ((0, "circle", BLUE), (1, "triangle", ORANGE)):
        points = [[round(x, 2), round(y, 2)] for x, y in places[digits == digit].tolist()]
        dots = {"type": "scatter", "name": f"images of a {digit}", "data": points, "color": color}
        series.append(dots | {"symbol": symbol, "symbolSize": 9, "itemStyle": {"opacity": 0.75}})
    line: dict[str, Any] = {
        "type": "line",
        "name": "the unit's border",
        "data": _boundary(neuron.weights),
    }
    line |= {"showSymbol": False, "clip": True, "silent": True}
    series.append(line | {"color": GREY, "lineStyle": {"width": 4}})
    axis: dict[str, Any] = {"type": "value", "min": -_EDGE, "max": _EDGE}
    axis |= {"nameLocation": "middle", "nameTextStyle": {"fontSize": 14}, "nameGap": 10}
    axis |= {part: {"show": False} for part in ("axisLabel", "splitLine", "axisTick")}
    across, up = (f"{FEATURES[name].title} (more is further)" for name in INPUTS)
    return {
        "legend": {"top": 0, "left": 0, "itemGap": 14, "textStyle": {"fontSize": 14}},
        "grid": {"left": 24, "right": 8, "top": 56, "bottom": 24},
        "animationDurationUpdate": 300,
        "xAxis": axis | {"name": across},
        "yAxis": axis | {"name": up},
        "series": series,
    }


def _boundary(weights: tuple[float, ...]) -> list[list[float]]:
    """The two ends of the line `w1 * x + w2 * y + bias = 0.5`, outside the chart."""
    w1, w2, bias = weights
    norm = math.hypot(w1, w2)
    if not 1e-9 < norm < math.inf:
        return []
    away = (0.5 - bias) / norm  # of the line from the middle of the chart
    x, y = away * w1 / norm, away * w2 / norm
    along = 4 * _EDGE + abs(away)
    return [[x - sign * along * w2 / norm, y + sign * along * w1 / norm] for sign in (-1, 1)]
