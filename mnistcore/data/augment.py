"""Small random changes to training images, so that a network meets more hands than it was given."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import to_model_input


def affine(
    images: Tensor,
    turn: float = 10.0,
    stretch: float = 0.1,
    slant: float = 0.1,
    shift: float = 1.5,
    chance: torch.Generator | None = None,
) -> Tensor:
    """Turn, stretch, slant and move every image a little, each in its own way.

    images: (batch, 1, 28, 28) float -> the same shape. `turn` in degrees, `stretch` as a share of
    the size, `slant` in pixels sideways per pixel of height, `shift` in pixels; each is the most
    that happens either way. Draws from `chance`, or else from torch's global random generator.
    """
    draw = torch.rand(6, len(images), device=images.device, generator=chance) * 2 - 1
    angle = draw[0] * math.radians(turn)
    wide, tall = 1 + draw[1] * stretch, 1 + draw[2] * stretch
    cos, sin, lean = angle.cos(), angle.sin(), draw[3] * slant
    right, down = draw[4] * shift * 2 / IMAGE_SIZE, draw[5] * shift * 2 / IMAGE_SIZE
    matrix = torch.stack(
        [
            torch.stack([cos * wide, (lean * cos - sin) * tall, right], 1),
            torch.stack([sin * wide, (lean * sin + cos) * tall, down], 1),
        ],
        1,
    )
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda images: images,
    "affine": affine,
}


def augmented_examples(image: Tensor, count: int, seed: int) -> Tensor:
    """One image as a network might meet it when it learns with augmentation.

    image: (28, 28) uint8 -> (count, 28, 28) uint8; the same seed gives the same ones.
    """
    chance = torch.Generator().manual_seed(seed)
    changed = affine(to_model_input(image.expand(count, IMAGE_SIZE, IMAGE_SIZE)), chance=chance)
    return changed[:, 0].mul(255).round().byte()
