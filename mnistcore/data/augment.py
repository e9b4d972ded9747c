"""Data augmentation: random affine transforms, so that a network meets more hands than it has."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import to_model_input, to_uint8

VIEWS = ((0, 0.15), (0, -0.15), (6, 0), (-6, 0))  # degrees of rotation, and shear as in `affine`


def affine(
    images: Tensor,
    degrees: float = 10.0,
    scale: float = 0.1,
    shear: float = 0.1,
    translate: float = 1.5,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Random affine transform: rotate, scale, shear and move every image, each in its own way.

    images: (n, 1, 28, 28) float -> the same shape. Drawn evenly from plus or minus: `degrees` of
    rotation; `scale`, a share of the size, for width and height apart; `shear`, pixels sideways
    per pixel of height; `translate` in pixels. Without a generator, torch's global one is used.
    """
    draw = torch.rand(6, len(images), device=images.device, generator=generator) * 2 - 1
    angle = draw[0] * math.radians(degrees)
    width, height = 1 + draw[1] * scale, 1 + draw[2] * scale
    cos, sin, lean = angle.cos(), angle.sin(), draw[3] * shear
    right, down = draw[4:] * translate * 2 / IMAGE_SIZE
    across = [cos * width, (lean * cos - sin) * height, right]
    upright = [sin * width, (lean * sin + cos) * height, down]
    return warp(images, torch.stack([*across, *upright], 1).view(-1, 2, 3))


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """(n, 1, 28, 28) float, resampled by one affine matrix each, (n, 2, 3), in half image sides."""
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def views(images: Tensor) -> Tensor:
    """Every image as it is, slanted and turned, both ways: (n, 1, 28, 28) -> (5, n, 1, 28, 28)."""
    moved = [
        warp(images, matrix.to(images.device).expand(len(images), 2, 3))
        for matrix in view_matrices()
    ]
    return torch.stack([images, *moved])


def view_matrices() -> list[Tensor]:
    """By which `views` slants and turns, (2, 3) each, as `warp` takes them."""
    matrices = []
    for degrees, shear in VIEWS:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        matrices.append(torch.tensor([[cos, shear - sin, 0.0], [sin, cos, 0.0]]))
    return matrices


# (n, 1, 28, 28) float -> the same shape, by the names of TrainConfig.augmentation.
AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda images: images,
    "affine": affine,
}


def augmented_examples(image: Tensor, count: int, seed: int) -> Tensor:
    """(28, 28) uint8 -> `count` of its random affine transforms, (count, 28, 28) uint8."""
    copies = to_model_input(image.expand(count, IMAGE_SIZE, IMAGE_SIZE))
    return to_uint8(affine(copies, generator=torch.Generator().manual_seed(seed))[:, 0])
