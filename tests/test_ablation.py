"""Ablation and healing: damaged copies, what they read, and that nothing else is changed."""

import itertools

import pytest
import torch
from networks import NETWORK_KINDS

from mnistcore.config import Conv, NetworkConfig
from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import evaluate
from mnistcore.inspection.ablation import (
    SHARES,
    Damage,
    GrowingScore,
    Unit,
    ablate,
    accuracy_by_share,
    count_parts,
    hidden_units,
    random_units,
    tolerated_share,
)
from mnistcore.inspection.activations import activations, weight_layers, weight_module
from mnistcore.models.network import Network, build_network
from mnistcore.training.healing import heal

Parts = tuple[Digits, Digits]


def logits(network: Network, digits: Digits) -> torch.Tensor:
    return activations(network, digits.images[:20])[-1]


def weights(network: Network) -> torch.Tensor:
    return torch.cat([each.flatten() for each in network.state_dict().values()])


def test_a_unit_that_is_off_says_0_and_all_beside_it_says_what_it_did(
    any_network: Network, digits: Parts
) -> None:
    images = digits[1].images[:5]
    intact = activations(any_network, images)
    for layer in weight_layers(any_network)[:-1]:
        after = activations(ablate(any_network, Damage(frozenset({Unit(layer.name, 1)}))), images)
        was, now = intact[layer.last + 1], after[layer.last + 1]
        others = [n for n in range(was.shape[1]) if n != 1]
        assert was[:, 1].any() and not now[:, 1].any()
        assert now[:, others].equal(was[:, others])
        assert not after[-1].equal(intact[-1])


def test_off_and_on_again_is_the_same_answer_bit_for_bit(
    any_network: Network, digits: Parts
) -> None:
    before, numbers = logits(any_network, digits[1]), weights(any_network)
    units = hidden_units(any_network)
    ablate(any_network, Damage(random_units(units, 0.5, 1), noise=0.3))
    assert logits(any_network, digits[1]).equal(before)
    assert weights(any_network).equal(numbers)
    assert logits(ablate(any_network, Damage()), digits[1]).equal(before)


def test_with_all_units_off_every_image_gets_the_same_answer(digits: Parts) -> None:
    network = build_network(NETWORK_KINDS["dense"], 1)
    said = logits(ablate(network, Damage(frozenset(hidden_units(network)))), digits[1])
    assert said.equal(said[:1].expand_as(said))


def test_a_larger_share_of_random_units_holds_the_smaller(any_network: Network) -> None:
    units = hidden_units(any_network)
    chosen = [random_units(units, share / 10, seed=3) for share in range(11)]
    assert all(few <= many for few, many in itertools.pairwise(chosen))
    assert (chosen[0], chosen[10]) == (frozenset(), frozenset(units))


def test_noise_is_of_the_size_that_is_asked_for_and_of_its_seed(any_network: Network) -> None:
    noisy = ablate(any_network, Damage(noise=0.5, seed=1))
    for layer in weight_layers(any_network):
        before, after = (
            weight_module(each, layer).weight.detach() for each in (any_network, noisy)
        )
        assert float((after - before).std()) == pytest.approx(0.5 * float(before.std()), rel=0.4)
    assert weights(ablate(any_network, Damage(noise=0.5, seed=1))).equal(weights(noisy))
    assert not weights(ablate(any_network, Damage(noise=0.5, seed=2))).equal(weights(noisy))


def test_a_score_grows_from_a_sample_to_the_accuracy_on_all_images(digits: Parts) -> None:
    network = build_network(NETWORK_KINDS["dense"], 1)
    score = GrowingScore(digits[1], parts=3)
    for known in range(1, 5):
        score.extend(network)
        assert len(score) == min(known, 3)
    sample, whole = score.first(1), score.first(3)
    assert abs(sample.total - len(digits[1]) / 3) < 1
    exact = evaluate(network, digits[1])
    assert whole.total == len(digits[1])
    assert whole.accuracy == pytest.approx(exact.accuracy)
    for digit, share in enumerate(whole.by_digit):
        mine = digits[1].labels == digit
        assert share == pytest.approx(float((exact.predicted[mine] == digit).double().mean()))


def test_slow_networks_are_judged_on_fewer_images_at_once(digits: Parts) -> None:
    many = Digits(digits[1].images.repeat(20, 1, 1), digits[1].labels.repeat(20), "digits")
    slow = NetworkConfig((Conv(64, 7, pool=False, padding=True),) * 3, ())
    assert count_parts(build_network(NETWORK_KINDS["dense"], 1), many) == round(len(many) / 1000)
    assert count_parts(build_network(slow, 1), many) > len(many) / 200


def test_a_curve_says_how_many_units_can_go() -> None:
    curve = [(0.0, 0.99), (0.1, 0.95), (0.2, 0.9), (0.3, 0.8), (0.4, 0.91)]
    assert tolerated_share(curve, 0.9) == 0.2
    assert tolerated_share([(0.0, 0.5)], 0.9) is None


@pytest.fixture(scope="module")
def learned(digits: Parts) -> Network:
    """A network that reads most of the small digits."""
    return heal(build_network(NETWORK_KINDS["normalised"], 1), digits[0]).network


def test_the_curve_falls_from_its_own_accuracy_to_guessing(learned: Network, digits: Parts) -> None:
    curve = list(accuracy_by_share(learned, hidden_units(learned), digits[1]))
    assert [share for share, _ in curve] == list(SHARES)
    assert curve[0][1] == pytest.approx(evaluate(learned, digits[1]).accuracy)
    assert curve[-1][1] < 0.3


def test_a_healed_network_reads_better_and_what_was_off_stays_off(
    learned: Network, digits: Parts
) -> None:
    before = weights(learned)
    damage = Damage(random_units(hidden_units(learned), 0.5, 2))
    damaged = ablate(learned, damage)
    healed = heal(damaged, digits[0]).network
    assert weights(learned).equal(before) and weights(damaged).equal(before)
    test = digits[1]
    assert evaluate(healed, test).accuracy > evaluate(damaged, test).accuracy + 0.2
    out = activations(healed, test.images)
    for layer in weight_layers(healed)[:-1]:
        off = [unit.number for unit in damage.off if unit.layer == layer.name]
        assert not out[layer.last + 1][:, off].any()
    assert weights(heal(damaged, digits[0]).network).equal(weights(healed))
