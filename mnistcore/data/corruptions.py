"""Sunshine and snow: test images that look less and less like those a network has learned from."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import Digits, to_model_input

SAMPLE_SIZE = 200  # test images that are judged at each step: what two networks read in 0.03 s


class Corruption(NamedTuple):
    """One way in which the world can differ from the lessons, and how far it goes."""

    title: str
    axis: str  # what the amount means, with its unit
    low: float
    high: float
    step: float
    start: float  # the amount that changes nothing
    change: Callable[[Tensor, float], Tensor]  # (n, 1, 28, 28) in [0, 1] and the amount -> same

    @property
    def severities(self) -> list[float]:
        """Every amount from low to high."""
        steps = round((self.high - self.low) / self.step)
        return [round(self.low + number * self.step, 6) for number in range(steps + 1)]

    @property
    def tick(self) -> float:
        """What lies between two numbers on an axis, so that there are at most twelve, and start."""
        steps, before = len(self.severities) - 1, self.severities.index(self.start)
        fits = (n for n in range(1, steps + 1) if before % n == 0 and steps / n <= 11)
        return self.step * next(fits)


def sample(digits: Digits) -> Digits:
    """Always the same SAMPLE of the images, from all over the set (all, if there are fewer)."""
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))[:SAMPLE_SIZE]
    return digits.select(order)


def corrupt(digits: Digits, kind: str, amount: float) -> Digits:
    """The same digits after the change `kind`, a key of SHIFTS, by this amount."""
    shift = CORRUPTIONS[kind]
    if amount == shift.start:
        return digits
    images = shift.change(to_model_input(digits.images), amount).clamp(0, 1)
    return Digits(images[:, 0].mul(255).round().byte(), digits.labels, digits.dataset)


def _affine(images: Tensor, turn: float = 0.0, size: float = 1.0, right: float = 0.0) -> Tensor:
    """Turn by degrees, enlarge by a factor and move by pixels."""
    cos, sin = math.cos(math.radians(turn)) / size, math.sin(math.radians(turn)) / size
    matrix = torch.tensor([[cos, -sin, -right * 2 / IMAGE_SIZE], [sin, cos, 0.0]])
    grid = functional.affine_grid(
        matrix.expand(len(images), 2, 3), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, align_corners=False)


def _thicken(images: Tensor, pixels: float) -> Tensor:
    """Widen every line by so many pixels, or with a minus sign thin it: half on either side."""
    sign, reach = (1 if pixels > 0 else -1), round(abs(pixels))
    fine = functional.interpolate(images, scale_factor=2, mode="nearest") * sign
    # As channels of one picture they are taken many at a time: three times as fast.
    fine = fine.transpose(0, 1).contiguous(memory_format=torch.channels_last)
    for window, border in (((1, 2 * reach + 1), (0, reach)), ((2 * reach + 1, 1), (reach, 0))):
        fine = functional.max_pool2d(fine, window, stride=1, padding=border)
    return functional.avg_pool2d(fine * sign, 2).transpose(0, 1)


def _gaussian_blur(images: Tensor, radius: float) -> Tensor:
    """A Gaussian whose standard deviation is `radius` pixels."""
    place = torch.arange(-12, 13, dtype=images.dtype)
    weights = (-(place**2) / (2 * radius**2)).exp()
    weights = (weights / weights.sum()).view(1, 1, 1, -1)
    wide = functional.conv2d(images, weights, padding=(0, 12))
    return functional.conv2d(wide, weights.transpose(2, 3), padding=(12, 0))


def _gaussian_noise(images: Tensor, percent: float) -> Tensor:
    """Add to every pixel its own random grey; always the same, so that a curve is one."""
    chance = torch.Generator().manual_seed(0)
    return images + torch.randn(images.shape, generator=chance) * percent / 100


def _invert(images: Tensor, percent: float) -> Tensor:
    """Ink fades and paper darkens; at 100 % they have changed places."""
    return images.lerp(1 - images, percent / 100)


CORRUPTIONS: dict[str, Corruption] = {
    "rotate": Corruption(
        "Turn",
        "turned by (degrees, to the right)",
        -90,
        90,
        10,
        0,
        lambda x, a: _affine(x, turn=-a),
    ),
    "shift": Corruption(
        "Move", "moved to the right by (pixels)", -12, 12, 1, 0, lambda x, a: _affine(x, right=a)
    ),
    "scale": Corruption(
        "Resize", "size (% of before)", 40, 180, 10, 100, lambda x, a: _affine(x, size=a / 100)
    ),
    "thicken": Corruption("Thicken", "line wider by (pixels)", -3, 8, 1, 0, _thicken),
    "blur": Corruption("Blur", "blurred over (pixels)", 0, 4, 0.25, 0, _gaussian_blur),
    "noise": Corruption("Snow", "noise (% of full ink)", 0, 100, 5, 0, _gaussian_noise),
    "invert": Corruption("Invert", "inverted (%)", 0, 100, 5, 0, _invert),
}
