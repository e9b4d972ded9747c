"""Test images that differ from the lessons, in the way and by the amount that was asked for."""

import pytest
import torch

from mnistcore.data import corruptions
from mnistcore.data.corruptions import CORRUPTIONS, corrupt
from mnistcore.data.digits import Digits


@pytest.fixture(scope="module")
def some(digits: tuple[Digits, Digits]) -> Digits:
    return digits[1].head(20)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_slider_begins_where_a_change_is_seen_and_ends_where_much_is_changed(kind, some):
    each = CORRUPTIONS[kind]
    assert each.start in each.severities
    assert not torch.equal(corrupt(some, kind, each.start).images, some.images)
    assert each.identity in each.severities
    assert (each.severities[0], each.severities[-1]) == (each.low, each.high)
    assert torch.equal(corrupt(some, kind, each.identity).images, some.images)
    far = corrupt(some, kind, each.high)
    assert (far.images.shape, far.images.dtype) == (some.images.shape, torch.uint8)
    assert (far.images.float() - some.images.float()).abs().mean() > 10
    assert torch.equal(far.labels, some.labels)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_smallest_step_changes_less_than_the_largest(kind, some):
    each = CORRUPTIONS[kind]
    near, far = (
        (corrupt(some, kind, amount).images.float() - some.images).abs().mean()
        for amount in (each.identity + each.step, each.high)
    )
    assert near < far


def test_a_quarter_turn_to_the_right_is_a_quarter_turn(some):
    turned = corrupt(some, "rotate", 90).images.float()
    assert (turned - some.images.rot90(-1, (1, 2))).abs().max() <= 1


def test_moved_to_the_right_is_moved_to_the_right(some):
    moved = corrupt(some, "translate", 3).images.float()
    assert (moved[:, :, 3:] - some.images[:, :, :-3]).abs().max() <= 1
    assert not moved[:, :, :3].any()


def test_half_the_size_has_a_quarter_of_the_ink(some):
    small = corrupt(some, "scale", 50).images.float().mean()
    assert small / some.images.float().mean() == pytest.approx(0.25, rel=0.05)


def test_thicker_is_more_ink_and_thinner_is_less(some):
    ink = [corrupt(some, "thicken", amount).images.float().mean() for amount in (-2, 0, 2)]
    assert ink == sorted(ink)


def test_a_line_grows_by_the_pixels_that_were_asked_for():
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, :, 13:15] = 255
    line = Digits(image, torch.zeros(1, dtype=torch.long), "digits")
    wider = corrupt(line, "thicken", 4).images[0, 14]
    assert wider.sum() == (2 + 4) * 255


def test_blur_keeps_the_ink_and_spreads_it(some):
    blurred = corrupt(some, "blur", 1).images.float()
    assert blurred.mean() == pytest.approx(some.images.float().mean().item(), rel=0.02)
    assert blurred.max() < some.images.max()


def test_inverted_all_the_way_is_the_negative_and_half_way_is_nothing(some):
    assert torch.equal(corrupt(some, "invert", 100).images, 255 - some.images)
    assert corrupt(some, "invert", 50).images.unique().numel() == 1


def test_noise_is_the_same_every_time(some):
    assert torch.equal(corrupt(some, "noise", 30).images, corrupt(some, "noise", 30).images)


def test_the_sample_is_always_the_same_and_from_all_over_the_set(digits):
    test = digits[1]
    once, again = corruptions.sample(test), corruptions.sample(test)
    assert torch.equal(once.images, again.images)
    assert not torch.equal(once.images, test.images[: corruptions.SAMPLE_SIZE])
    assert len(corruptions.sample(test.head(50))) == 50
