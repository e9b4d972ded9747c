"""Test images that differ from the lessons, in the way and by the amount that was asked for."""

import pytest
import torch

from mnistcore import shift
from mnistcore.data import Digits
from mnistcore.shift import SHIFTS, shifted


@pytest.fixture(scope="module")
def some(digits: tuple[Digits, Digits]) -> Digits:
    return digits[1].first(20)


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_slider_begins_where_nothing_is_changed_and_ends_where_much_is(kind, some):
    each = SHIFTS[kind]
    assert each.start in each.amounts
    assert (each.amounts[0], each.amounts[-1]) == (each.low, each.high)
    assert torch.equal(shifted(some, kind, each.start).images, some.images)
    far = shifted(some, kind, each.high)
    assert (far.images.shape, far.images.dtype) == (some.images.shape, torch.uint8)
    assert (far.images.float() - some.images.float()).abs().mean() > 10
    assert torch.equal(far.labels, some.labels)


@pytest.mark.parametrize("kind", SHIFTS)
def test_the_smallest_step_changes_less_than_the_largest(kind, some):
    each = SHIFTS[kind]
    near, far = (
        (shifted(some, kind, amount).images.float() - some.images).abs().mean()
        for amount in (each.start + each.step, each.high)
    )
    assert near < far


def test_a_quarter_turn_to_the_right_is_a_quarter_turn(some):
    turned = shifted(some, "rotate", 90).images.float()
    assert (turned - some.images.rot90(-1, (1, 2))).abs().max() <= 1


def test_moved_to_the_right_is_moved_to_the_right(some):
    moved = shifted(some, "shift", 3).images.float()
    assert (moved[:, :, 3:] - some.images[:, :, :-3]).abs().max() <= 1
    assert not moved[:, :, :3].any()


def test_half_the_size_has_a_quarter_of_the_ink(some):
    small = shifted(some, "scale", 50).images.float().mean()
    assert small / some.images.float().mean() == pytest.approx(0.25, rel=0.05)


def test_thicker_is_more_ink_and_thinner_is_less(some):
    ink = [shifted(some, "thicken", amount).images.float().mean() for amount in (-2, 0, 2)]
    assert ink == sorted(ink)


def test_a_line_grows_by_the_pixels_that_were_asked_for():
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, :, 13:15] = 255
    line = Digits(image, torch.zeros(1, dtype=torch.long), "digits")
    wider = shifted(line, "thicken", 4).images[0, 14]
    assert wider.sum() == (2 + 4) * 255


def test_blur_keeps_the_ink_and_spreads_it(some):
    blurred = shifted(some, "blur", 1).images.float()
    assert blurred.mean() == pytest.approx(some.images.float().mean().item(), rel=0.02)
    assert blurred.max() < some.images.max()


def test_inverted_all_the_way_is_the_negative_and_half_way_is_nothing(some):
    assert torch.equal(shifted(some, "invert", 100).images, 255 - some.images)
    assert shifted(some, "invert", 50).images.unique().numel() == 1


def test_noise_is_the_same_every_time(some):
    assert torch.equal(shifted(some, "noise", 30).images, shifted(some, "noise", 30).images)


def test_the_sample_is_always_the_same_and_from_all_over_the_set(digits):
    test = digits[1]
    once, again = shift.sample(test), shift.sample(test)
    assert torch.equal(once.images, again.images)
    assert not torch.equal(once.images, test.images[: shift.SAMPLE])
    assert len(shift.sample(test.first(50))) == 50
