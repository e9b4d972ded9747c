"""Inside a network: every number that is shown is the number that the network computes."""

import pytest
import torch
from networks import NETWORK_KINDS

from mnistcore.config import Conv, NetworkConfig, layer_summary
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.inspection import activations, attribution
from mnistcore.models.network import Network, build_network

Parts = tuple[Digits, Digits]


@pytest.fixture
def image(digits: Parts) -> torch.Tensor:
    return to_model_input(digits[1].images[:1])[0, 0]


def test_every_step_of_the_portrait_has_what_comes_out_of_it(
    any_network: Network, image: torch.Tensor
) -> None:
    out = activations.activations(any_network, image[None])
    assert [each.shape[1:] for each in out] == [s.shape for s in layer_summary(any_network.config)]
    assert out[0].equal(image[None, None])
    assert torch.allclose(out[-1], any_network(image[None, None]).detach(), atol=1e-6)


def test_layers_are_named_and_end_with_their_activation() -> None:
    config = NetworkConfig((Conv(4, 5), Conv(6, 3, pool=False)), (12,), dropout=0.1)
    built = build_network(config, seed=1)
    assert activations.weight_layers(built) == [
        ("convolution 1", 0, 1),
        ("convolution 2", 3, 4),
        ("dense 1", 7, 8),
        ("answer", 10, 10),
    ]


def test_the_terms_of_a_unit_add_up_to_what_its_layer_says(
    any_network: Network, image: torch.Tensor
) -> None:
    out = activations.activations(any_network, image[None])
    for layer in activations.weight_layers(any_network):
        own, after = out[layer.first + 1][0], out[layer.last + 1][0]
        for unit in (0, len(own) - 1):
            place = activations.argmax_position(after, unit) if own.ndim == 3 else (0, 0)
            at = (unit, *place) if own.ndim == 3 else (unit,)
            opened = activations.trace_unit(any_network, image, layer, unit, place)
            assert opened.inputs.shape == opened.weights.shape == opened.products.shape
            assert opened.total == pytest.approx(float(own[at]), abs=1e-5)
            assert float(opened.products.sum()) + opened.bias == pytest.approx(opened.total)
            result = opened.after[-1][1] if opened.after else opened.total
            assert result == pytest.approx(float(after[at]), abs=1e-5)


def test_every_place_of_a_padded_map_can_be_opened(image: torch.Tensor) -> None:
    built = build_network(NETWORK_KINDS["padded"], seed=2).eval()
    first = activations.weight_layers(built)[0]
    own = activations.activations(built, image[None])[1][0]
    for place in ((0, 0), (0, 27), (27, 0), (27, 27), (13, 9)):
        opened = activations.trace_unit(built, image, first, 1, place)
        assert opened.inputs.shape == (1, 3, 3)
        assert opened.total == pytest.approx(float(own[1][place]), abs=1e-5)


def test_what_follows_the_sum_is_told_in_order() -> None:
    built = build_network(NETWORK_KINDS["normalised"], seed=1).eval()
    opened = activations.trace_unit(
        built, torch.rand(28, 28), activations.weight_layers(built)[0], 0, (3, 4)
    )
    assert [name for name, _ in opened.after] == ["batch norm", "GELU"]
    normal, active = (value for _, value in opened.after)
    assert active == pytest.approx(float(torch.nn.functional.gelu(torch.tensor(normal))), abs=1e-5)


def test_a_unit_changes_only_with_the_pixels_in_its_field(
    any_network: Network, image: torch.Tensor
) -> None:
    for number, layer in enumerate(activations.weight_layers(any_network)):
        maps = activations.activations(any_network, image[None])[layer.first + 1][0]
        if maps.ndim != 3:
            assert activations.receptive_field(any_network, layer, (0, 0)) == (0, 0, 28)
            continue
        place = (maps.shape[1] - 1, maps.shape[2] // 2)
        top, left, side = activations.receptive_field(any_network, layer, place)
        inside = activations.receptive_field_mask(any_network, layer, place)
        assert inside[max(top, 0) : top + side, max(left, 0) : left + side].sum() == inside.sum()
        assert inside.any() and not (number == 0 and inside.all())
        outside_changed = torch.where(inside, image, 1 - image)
        changed = activations.activations(any_network, outside_changed[None])[layer.first + 1][0]
        assert torch.allclose(changed[:, *place], maps[:, *place], atol=1e-6)


def test_a_survey_says_what_one_image_at_a_time_would(any_network: Network, digits: Parts) -> None:
    images = digits[1].images[:8]
    seen = activations.collect_activations(any_network, images, batch_size=3)
    assert torch.allclose(seen.logits, any_network(to_model_input(images)).detach(), atol=1e-5)
    assert torch.allclose(
        seen.features, attribution.penultimate_features(any_network, images), atol=1e-5
    )
    for layer, largest in zip(
        activations.weight_layers(any_network), seen.max_activations, strict=True
    ):
        alone = activations.activations(any_network, images[5:6])[layer.last + 1][0]
        expected = alone.flatten(1).amax(1) if alone.ndim == 3 else alone
        assert torch.allclose(largest[5], expected, atol=1e-5)
