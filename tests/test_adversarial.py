"""Attacks: they succeed, they hold their bound, and they leave the network as it was."""

import pytest
import torch
from torch import Tensor

from mnistcore.data.digits import Digits, to_float
from mnistcore.inspection import adversarial
from mnistcore.inspection.adversarial import ATTACKS, EPSILONS, MAX_PIXELS
from mnistcore.models.network import Network
from mnistcore.models.registry import load_model

Parts = tuple[Digits, Digits]


@pytest.fixture(scope="module")
def shipped() -> Network:
    """The network that comes with the app, a copy of the test's own."""
    return load_model().network


def some(digits: Parts) -> list[tuple[Tensor, int]]:
    """A few test images, and for each the digit that comes after its own."""
    test = digits[1].head(4)
    return [
        (image, (int(label) + 1) % 10)
        for image, label in zip(to_float(test.images), test.labels, strict=True)
    ]


@pytest.mark.parametrize("method", ATTACKS)
def test_attacks_hold_their_bound_and_stay_pictures(
    method: str, any_network: Network, digits: Parts
) -> None:
    image = to_float(digits[1].images[0])
    attack = ATTACKS[method](any_network, image, 3)
    assert attack.images.min() >= 0 and attack.images.max() <= 1
    change = (attack.images - image).flatten(1)
    if method == "Few pixels":
        assert attack.complete and attack.strengths == tuple(range(1, MAX_PIXELS + 1))
        assert ((change != 0).sum(1) <= torch.tensor(attack.strengths)).all()
    else:
        assert attack.strengths == EPSILONS
        assert (change.abs().amax(1) <= torch.tensor(EPSILONS) + 1e-6).all()


def test_what_an_attack_says_of_its_images_is_what_the_network_says(
    shipped: Network, digits: Parts
) -> None:
    for image, target in some(digits)[:2]:
        for attack in (method(shipped, image, target) for method in ATTACKS.values()):
            said = shipped(attack.images[:, None]).detach().softmax(1)
            assert torch.allclose(said, attack.probabilities, atol=1e-4)
            hits = said.argmax(1) == target
            place = attack.smallest()
            assert place is None if not hits.any() else hits[place] and not hits[:place].any()


def test_few_pixels_and_many_steps_turn_many_digits_into_the_next(
    shipped: Network, digits: Parts
) -> None:
    for method in ("Few pixels", "Many steps"):
        found = [ATTACKS[method](shipped, *each).smallest() for each in some(digits)]
        assert sum(place is not None for place in found) >= 2, method


def test_many_steps_need_no_more_strength_than_one(shipped: Network, digits: Parts) -> None:
    one, many = (
        [ATTACKS[method](shipped, *each).smallest() for each in some(digits)]
        for method in ("One step", "Many steps")
    )
    pairs = [
        (99 if a is None else a, 99 if b is None else b) for a, b in zip(one, many, strict=True)
    ]
    assert all(b <= a for a, b in pairs) and any(b < a for a, b in pairs)


def test_the_nearest_digit_is_another_that_is_sooner_reached(
    shipped: Network, digits: Parts
) -> None:
    image, label = to_float(digits[1].images[2]), int(digits[1].labels[2])
    nearest = adversarial.nearest_digit(shipped, image)
    assert nearest != label
    least = {}
    for target in {*range(10)} - {label}:
        place = adversarial.pgd(shipped, image, target).smallest()
        least[target] = 99 if place is None else place
    assert least[nearest] <= sorted(least.values())[2]


def test_attacking_leaves_the_network_as_it_was(any_network: Network, digits: Parts) -> None:
    any_network.train()
    before = {name: each.clone() for name, each in any_network.state_dict().items()}
    image = to_float(digits[1].images[0])
    for method in ATTACKS.values():
        method(any_network, image, 3)
    adversarial.nearest_digit(any_network, image)
    assert any_network.training
    assert all(each.equal(before[name]) for name, each in any_network.state_dict().items())
    assert all(weights.grad is None for weights in any_network.parameters())


@pytest.mark.parametrize("method", ATTACKS)
def test_an_attack_ends_in_time_however_slow_the_network(
    method: str, any_network: Network, digits: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "MAX_SECONDS", 0.0)
    image = to_float(digits[1].images[0])
    attack = ATTACKS[method](any_network, image, 3)
    assert len(attack.images) == len(attack.strengths) == len(attack.probabilities) >= 1
    assert attack.complete == (method == "One step")
