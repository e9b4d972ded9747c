"""Every way of drawing one digit leads to one picture, in MNIST's format."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from mnistcore.drawing.rasterize import (
    CENTER,
    INK_SIZE,
    PEN_WIDTH,
    fit_mnist_frame,
    from_strokes,
    rasterize,
    to_segments,
)

SEVEN = [[(100, 100), (200, 100), (140, 260)], [(120, 180), (190, 180)]]


def spiral(points: int) -> list[tuple[float, float]]:
    """A curled 9, of so many points."""
    return [
        (200 + 40 * math.cos(t) + 3 * t, 150 + 40 * math.sin(t) + 12 * t)
        for t in np.linspace(0, 9, points)
    ]


def moved(strokes: list, scale: float = 1, right: float = 0, down: float = 0) -> list:
    return [[(x * scale + right, y * scale + down) for x, y in stroke] for stroke in strokes]


def mass(image: torch.Tensor) -> tuple[float, float]:
    return tuple(c + 0.5 for c in ndimage.center_of_mass(image.numpy())[::-1])


def test_a_digit_comes_out_as_mnist_has_it() -> None:
    image = from_strokes(SEVEN)
    assert image.shape == (28, 28)
    assert image.dtype == torch.float32
    assert image.min() == 0
    assert image.max() == 1
    assert mass(image) == pytest.approx((CENTER, CENTER), abs=0.05)


@pytest.mark.parametrize("strokes", [SEVEN, [spiral(80)], [[(0, 0), (300, 20)]]])
def test_the_inked_box_is_20_pixels_on_its_longer_side(strokes: list) -> None:
    segments = fit_mnist_frame(to_segments(strokes))
    assert np.ptp(segments, axis=(0, 1)).max() + PEN_WIDTH == pytest.approx(INK_SIZE)


@pytest.mark.parametrize("scale", [0.2, 1, 4])
@pytest.mark.parametrize("corner", [(0, 0), (-500, 900)])
def test_a_digit_in_the_corner_reads_as_if_centred(scale: float, corner: tuple) -> None:
    assert torch.allclose(
        from_strokes(SEVEN), from_strokes(moved(SEVEN, scale, *corner)), atol=1e-3
    )


def test_a_slow_hand_and_a_fast_one_draw_the_same() -> None:
    slow, fast = from_strokes([spiral(5000)]), from_strokes([spiral(60)])
    assert (slow - fast).abs().mean() < 0.005


def test_a_straight_line_is_a_one() -> None:
    image = from_strokes([[(150, 40), (150, 240)]])
    assert image[:, :11].sum() == image[:, 18:].sum() == 0
    assert image.max(dim=1).values.sum() == pytest.approx(INK_SIZE, abs=0.1)


@pytest.mark.parametrize(
    "strokes",
    [
        [],
        [[]],
        [[(50, 50)]],
        [[(50, 50), (50, 50)]],
        [[(50, 50), (50.04, 50)]],
        [[(50, 50), (52, 53)], [(51, 50)]],
        [[(math.nan, 50), (math.nan, 90)]],
        [[(math.inf, 50), (50, -math.inf), (9e99, 1)]],
        [[(1, 2, 3)]],
        [["a", "b"]],
        [None],
    ],
)
def test_nothing_to_read_is_none(strokes: list) -> None:
    assert from_strokes(strokes) is None


def test_a_slip_of_the_pen_beside_the_digit_changes_nothing() -> None:
    slips = [[(380, 20), (381, 21)], [(5, 390)], [(math.nan, 3), (math.inf, 4)]]
    assert torch.equal(from_strokes(SEVEN), from_strokes(SEVEN + slips))


def test_ink_follows_from_the_distance_to_the_stroke() -> None:
    across = np.array([[[5.0, 14.5], [20.0, 14.5]]])
    image = rasterize(across, pen_width=3.0)
    assert image[14, 10] == 1
    assert image[14, 22] < image[14, 21] < 1
    assert image[:, 10].sum() == pytest.approx(3.0, abs=0.05)


def test_a_scribble_of_ten_thousand_points_is_drawn() -> None:
    scribble = [[tuple(point) for point in np.random.default_rng(1).uniform(0, 400, (10000, 2))]]
    assert from_strokes(scribble).max() == 1
