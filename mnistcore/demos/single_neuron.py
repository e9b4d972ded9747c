"""Training by hand: one unit with three weights, and a step of gradient descent at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mnistcore.data.digits import Digits
from mnistcore.demos.threshold_rule import FEATURES, measure
from mnistcore.viz.theme import BLUE as BLUE
from mnistcore.viz.theme import ORANGE as ORANGE

N_PER_CLASS = 100  # images of a 0, and as many of a 1
INPUTS = ("ink", "middle")  # keys of MEASURES: the two numbers that the unit is given
NAMES = ("ink", "middle", "1 (bias)")
DIVERGENCE_LOSS = 1e4  # a loss beyond which the weights will not come back
_EDGE = 2.6  # standard deviations: half a side of the chart


@dataclass(frozen=True)
class Examples:
    """The examples: points (n, 2) float32, each axis with mean 0 and spread 1; wanted (n,) 0, 1."""

    points: Tensor
    wanted: Tensor


@dataclass(frozen=True)
class NeuronState:
    """Where training stands. The unit says `first * ink + second * middle + bias`."""

    weights: tuple[float, float, float]
    gradient: tuple[float, float, float]  # how the loss changes with each of the weights
    loss: float  # the mean square of what is missing from the right answer
    right: float  # share of the examples on the right side of 0.5
    steps: int = 0

    @property
    def ran_away(self) -> bool:
        """Whether the steps were so big that the weights will not come back."""
        return not self.loss < DIVERGENCE_LOSS  # true for NaN as well


def make_examples(train: Digits) -> Examples:
    """The first COUNT zeros and ones among the training images (fewer, if there are fewer)."""
    places = torch.cat(
        [(train.labels == digit).nonzero().flatten()[:N_PER_CLASS] for digit in (0, 1)]
    )
    images, wanted = train.images[places], train.labels[places].float()
    points = torch.stack([measure(images, name) for name in INPUTS], 1)
    return Examples((points - points.mean(0)) / points.std(0), wanted)


def initialize(examples: Examples, seed: int) -> NeuronState:
    """A unit with three random weights."""
    chance = torch.Generator().manual_seed(seed)
    return _look(examples, torch.randn(3, generator=chance) / 2, 0)


def gradient_step(
    examples: Examples, unit: NeuronState, rate: float, times: int = 1
) -> NeuronState:
    """Go downhill: every weight changes by -rate times its gradient, `times` times over.

    It stops early when the weights run away.
    """
    for _ in range(times):
        if unit.ran_away:
            break
        changed = [w - rate * g for w, g in zip(unit.weights, unit.gradient, strict=True)]
        unit = _look(examples, torch.tensor(changed), unit.steps + 1)
    return unit


def _look(examples: Examples, weights: Tensor, steps: int) -> NeuronState:
    """Run the unit on every example, compare, and trace the mismatch back to the weights."""
    weights = weights.clone().requires_grad_()
    answers = examples.points @ weights[:2] + weights[2]
    loss = (answers - examples.wanted).square().mean()
    loss.backward()
    right = ((answers > 0.5) == (examples.wanted > 0.5)).float().mean()
    return NeuronState(
        tuple(weights.tolist()), tuple(weights.grad.tolist()), loss.item(), right.item(), steps
    )


def scatter_chart(examples: Examples, unit: NeuronState) -> dict[str, Any]:
    """Every example as a dot, and the line on which the unit says 0.5, as ECharts options."""
    series = [
        {
            "type": "scatter",
            "name": f"images of a {digit}",
            "data": [
                [round(float(x), 2), round(float(y), 2)]
                for x, y in examples.points[examples.wanted == digit].clamp(-_EDGE, _EDGE)
            ],
            "symbol": symbol,
            "symbolSize": 9,
            "color": colour,
            "itemStyle": {"opacity": 0.75},
        }
        for digit, symbol, colour in ((0, "circle", BLUE), (1, "triangle", ORANGE))
    ]
    series.append(
        {
            "type": "line",
            "name": "the unit's border",
            "data": _border(unit.weights),
            "showSymbol": False,
            "clip": True,
            "silent": True,
            "color": "#8895A7",
            "lineStyle": {"width": 4},
        }
    )
    axis = {"type": "value", "min": -_EDGE, "max": _EDGE, "axisLabel": {"show": False}}
    axis |= {"nameLocation": "middle", "nameTextStyle": {"fontSize": 14}, "nameGap": 10}
    axis |= {"splitLine": {"show": False}, "axisTick": {"show": False}}
    across, up = (f"{FEATURES[name].what} (more is further)" for name in INPUTS)
    return {
        "legend": {"top": 0, "left": 0, "itemGap": 14, "textStyle": {"fontSize": 14}},
        "grid": {"left": 24, "right": 8, "top": 56, "bottom": 24},
        "animationDurationUpdate": 300,
        "xAxis": axis | {"name": across},
        "yAxis": axis | {"name": up},
        "series": series,
    }


def _border(weights: tuple[float, float, float]) -> list[list[float]]:
    """The two ends of the line `first * x + second * y + bias = 0.5`, outside the chart."""
    first, second, bias = weights
    slope = math.hypot(first, second)
    if not 1e-9 < slope < math.inf:
        return []
    away = (0.5 - bias) / slope  # of the line from the middle of the chart
    x, y = away * first / slope, away * second / slope
    along = 4 * _EDGE + abs(away)
    return [
        [x - sign * along * second / slope, y + sign * along * first / slope] for sign in (-1, 1)
    ]
