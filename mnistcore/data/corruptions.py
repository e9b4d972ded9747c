"""Corruptions at graded severities, as in Hendrycks and Dietterich (2019): distribution shift."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.augment import warp
from mnistcore.data.digits import Digits, to_model_input, to_uint8

SAMPLE_SIZE = 200  # test images at each severity: what two networks read in 0.03 s
_BLUR_RADIUS = 12  # pixels: three standard deviations of the strongest blur


class Corruption(NamedTuple):
    """One way in which images can differ from the training images, and its range of severities."""

    title: str
    axis: str  # what the severity means, with its unit
    low: float
    high: float
    step: float
    identity: float  # the severity that changes nothing
    start: float  # where a slider begins: clearly seen, and people still read it
    apply: Callable[[Tensor, float], Tensor]  # (n, 1, 28, 28) in [0, 1] and the severity -> same

    @property
    def severities(self) -> list[float]:
        """Every severity from low to high."""
        steps = round((self.high - self.low) / self.step)
        return [round(self.low + number * self.step, 6) for number in range(steps + 1)]

    @property
    def tick_interval(self) -> float:
        """Between two numbers on an axis: at most twelve of them, the identity among them."""
        steps, before = len(self.severities) - 1, self.severities.index(self.identity)
        return self.step * next(
            n for n in range(1, steps + 1) if before % n == 0 and steps / n < 12
        )


def sample(digits: Digits) -> Digits:
    """Always the same SAMPLE_SIZE random images of a set (all, if there are fewer)."""
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))[:SAMPLE_SIZE]
    return digits.select(order)


def corrupt(digits: Digits, kind: str, severity: float) -> Digits:
    """The same digits after CORRUPTIONS[kind]; the same arguments give the same images."""
    corruption = CORRUPTIONS[kind]
    if severity == corruption.identity:
        return digits
    images = corruption.apply(to_model_input(digits.images), severity).clamp(0, 1)
    return replace(digits, images=to_uint8(images[:, 0]))


def _affine(images: Tensor, degrees: float = 0.0, scale: float = 1.0, right: float = 0.0) -> Tensor:
    angle = math.radians(degrees)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    matrix = torch.tensor([[cos, -sin, -right * 2 / IMAGE_SIZE], [sin, cos, 0.0]])
    return warp(images, matrix.expand(len(images), 2, 3))


def _thicken(images: Tensor, pixels: float) -> Tensor:
    """Grey-scale dilation, erosion where `pixels` is negative: lines wider by so many pixels."""
    sign, reach = (1 if pixels > 0 else -1), round(abs(pixels))
    fine = functional.interpolate(images, scale_factor=2, mode="nearest") * sign
    # As channels of one picture they are taken many at a time: three times as fast.
    fine = fine.transpose(0, 1).contiguous(memory_format=torch.channels_last)
    for window, border in (((1, 2 * reach + 1), (0, reach)), ((2 * reach + 1, 1), (reach, 0))):
        fine = functional.max_pool2d(fine, window, stride=1, padding=border)
    return functional.avg_pool2d(fine * sign, 2).transpose(0, 1)


def _gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian whose standard deviation is `sigma` pixels."""
    offsets = torch.arange(-_BLUR_RADIUS, _BLUR_RADIUS + 1, dtype=images.dtype)
    kernel = (-(offsets**2) / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    across = functional.conv2d(images, kernel, padding=(0, _BLUR_RADIUS))
    return functional.conv2d(across, kernel.transpose(2, 3), padding=(_BLUR_RADIUS, 0))


def _gaussian_noise(images: Tensor, percent: float) -> Tensor:
    """Add normal noise of so large a standard deviation; always the same, so a curve is one."""
    generator = torch.Generator().manual_seed(0)
    return images + torch.randn(images.shape, generator=generator) * percent / 100


CORRUPTIONS: dict[str, Corruption] = {
    "rotate": Corruption(
        "Turn",
        "turned by (degrees, to the right)",
        -90,
        90,
        10,
        0,
        30,
        lambda x, by: _affine(x, -by),
    ),
    "translate": Corruption(
        "Move",
        "moved to the right by (pixels)",
        -12,
        12,
        1,
        0,
        4,
        lambda x, by: _affine(x, right=by),
    ),
    "scale": Corruption(
        "Resize",
        "size (% of before)",
        40,
        180,
        10,
        100,
        60,
        lambda x, by: _affine(x, scale=by / 100),
    ),
    "thicken": Corruption("Thicken", "line wider by (pixels)", -3, 8, 1, 0, 3, _thicken),
    "blur": Corruption("Blur", "blurred over (pixels)", 0, 4, 0.25, 0, 1, _gaussian_blur),
    "noise": Corruption("Snow", "snow (noise, % of full ink)", 0, 100, 5, 0, 30, _gaussian_noise),
    "invert": Corruption(
        "Invert", "inverted (%)", 0, 100, 5, 0, 100, lambda x, by: x.lerp(1 - x, by / 100)
    ),
}
