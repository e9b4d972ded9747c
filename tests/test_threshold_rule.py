"""Rules written by hand, on images made by hand."""

import pytest
import torch

from mnistcore.demos import threshold_rule


def image(rows: slice, columns: slice) -> torch.Tensor:
    picture = torch.zeros(1, 28, 28, dtype=torch.uint8)
    picture[0, rows, columns] = 255
    return picture


@pytest.mark.parametrize(
    ("name", "picture", "value"),
    [
        ("ink", image(slice(0, 7), slice(0, 28)), 25),
        ("middle", image(slice(10, 18), slice(6, 22)), 50),
        ("top", image(slice(7, 28), slice(14, 16)), 100 / 3),
        ("left", image(slice(0, 28), slice(0, 14)), 100),
        ("width", image(slice(3, 5), slice(4, 9)), 5),
    ],
)
def test_each_measure_finds_what_it_says(name: str, picture: torch.Tensor, value: float):
    assert threshold_rule.measure(picture, name).item() == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize("name", threshold_rule.FEATURES)
def test_a_blank_image_can_be_measured_and_none_is_beyond_the_scale(name: str, digits):
    assert threshold_rule.measure(torch.zeros(1, 28, 28, dtype=torch.uint8), name).item() == 0
    assert (
        threshold_rule.measure(digits[0].images, name).quantile(0.99)
        <= threshold_rule.FEATURES[name].high
    )


def test_below_the_limit_is_the_first_digit_and_from_it_on_the_second():
    assert threshold_rule.classify(torch.tensor([1.0, 5.0, 9.0]), (4, 9), 5).tolist() == [4, 9, 9]
    assert threshold_rule.classify(torch.tensor([1.0, 5.0, 9.0]), (9, 4), 5).tolist() == [9, 4, 4]


def test_ink_tells_zeros_from_ones_better_than_guessing(digits):
    chosen = digits[0].labels < 2
    values = threshold_rule.measure(digits[0].images[chosen], "middle")
    right = threshold_rule.classify(values, (0, 1), 20) == digits[0].labels[chosen]
    assert right.float().mean() > 0.9
