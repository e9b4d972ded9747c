"""Signed numbers as colours: what is equal looks equal, and zero cannot be seen."""

import pytest
import torch

from mnistcore import colours


def test_sign_gives_the_colour_and_size_gives_the_strength() -> None:
    painted = colours.signed(torch.tensor([[2.0, -2.0, 1.0, 0.0]]))
    assert painted.shape == (1, 4, 4) and painted.dtype == torch.uint8
    plus, minus, half, nothing = painted[0].tolist()
    assert bytes(plus[:3]).hex() == colours.PLUS[1:].lower() and plus[3] == 255
    assert bytes(minus[:3]).hex() == colours.MINUS[1:].lower() and minus[3] == 255
    assert 0 < half[3] < 255 and nothing[3] == 0


@pytest.mark.parametrize("values", [torch.zeros(2, 3), torch.full((2, 3), torch.nan)])
def test_nothing_and_nonsense_are_not_seen(values: torch.Tensor) -> None:
    assert not colours.signed(values)[..., 3].any()
    assert colours.css(float(values[0, 0]), 0.0).endswith(",0.00)")


def test_a_colour_to_write_on_never_gets_too_deep() -> None:
    assert colours.css(5.0, 1.0).endswith(f",{colours.DEEPEST:.2f})")
    assert colours.css(-5.0, 1.0) != colours.css(5.0, 1.0)
