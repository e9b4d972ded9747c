"""Signed numbers as colours: what is equal looks equal, and zero cannot be seen."""

import pytest
import torch

from mnistcore.viz.theme import BLUE, MAX_OPACITY, ORANGE, diverging_css, diverging_rgba


def test_sign_gives_the_colour_and_size_gives_the_strength() -> None:
    painted = diverging_rgba(torch.tensor([[2.0, -2.0, 1.0, 0.0]]))
    assert painted.shape == (1, 4, 4) and painted.dtype == torch.uint8
    plus, minus, half, nothing = painted[0].tolist()
    assert bytes(plus[:3]).hex() == BLUE[1:].lower() and plus[3] == 255
    assert bytes(minus[:3]).hex() == ORANGE[1:].lower() and minus[3] == 255
    assert 0 < half[3] < 255 and nothing[3] == 0


@pytest.mark.parametrize("values", [torch.zeros(2, 3), torch.full((2, 3), torch.nan)])
def test_nothing_and_nonsense_are_not_seen(values: torch.Tensor) -> None:
    assert not diverging_rgba(values)[..., 3].any()
    assert diverging_css(float(values[0, 0]), 0.0).endswith(",0.00)")


def test_a_colour_to_write_on_never_gets_too_deep() -> None:
    assert diverging_css(5.0, 1.0).endswith(f",{MAX_OPACITY:.2f})")
    assert diverging_css(-5.0, 1.0) != diverging_css(5.0, 1.0)
