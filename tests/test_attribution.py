"""Why an answer: heat maps that add up, and neighbours that are neighbours."""

import pytest
import torch

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.inspection import attribution
from mnistcore.models.network import Network
from mnistcore.training.trainer import Trainer

Parts = tuple[Digits, Digits]


@pytest.fixture(scope="module")
def reader(digits: Parts) -> Network:
    """A small network that reads scikit-learn's digits well enough."""
    config = TrainConfig(NetworkConfig((Conv(8, 5), Conv(8, 3)), (16,)), epochs=3, batch_size=32)
    training = Trainer(config, *digits)
    for _ in training:
        pass
    return training.network.eval()


def test_the_heat_map_adds_up_to_the_lead_that_it_explains(
    any_network: Network, digits: Parts
) -> None:
    image = to_model_input(digits[1].images[:1])[0, 0]
    logits = any_network(torch.stack([image, torch.zeros(28, 28)])[:, None]).detach()
    for digit, against in ((3, 8), (8, 3), (0, 1)):
        lead = logits[:, digit] - logits[:, against]
        heat = attribution.integrated_gradients(any_network, image, digit, against)
        error = abs(float(heat.sum() - lead[0] + lead[1]))
        assert error < 0.05 * float(heat.abs().sum())


def test_paper_says_nothing_and_opposite_questions_have_opposite_answers(
    any_network: Network, digits: Parts
) -> None:
    image = to_model_input(digits[1].images[:1])[0, 0]
    heat = attribution.integrated_gradients(any_network, image, 3, 8)
    assert heat.shape == (28, 28)
    assert not heat[image == 0].any()
    assert torch.allclose(
        heat, -attribution.integrated_gradients(any_network, image, 8, 3), atol=1e-6
    )


def test_without_the_pixels_that_spoke_for_it_the_answer_loses_its_lead(
    reader: Network, digits: Parts
) -> None:
    images = to_model_input(digits[1].images[:40])[:, 0]
    weaker = 0
    for image in images:
        first, second = reader(image[None, None])[0].topk(2).indices.tolist()
        heat = attribution.integrated_gradients(reader, image, first, second)
        worst, same = image.clone(), image.clone()
        worst.view(-1)[heat.flatten().topk(20).indices] = 0
        same.view(-1)[heat.flatten().topk(20, largest=False).indices] = 0
        logits = reader(torch.stack([worst, same])[:, None])
        weaker += bool((logits[0] - logits[1])[[first, second]].diff() > 0)
    assert weaker >= 38


def test_explaining_leaves_the_network_as_it_was(any_network: Network, digits: Parts) -> None:
    any_network.train()
    before = {name: each.clone() for name, each in any_network.state_dict().items()}
    attribution.integrated_gradients(any_network, to_model_input(digits[1].images[:1])[0, 0], 3, 8)
    known = attribution.penultimate_features(any_network, digits[1].images[:9])
    attribution.nearest_neighbors(any_network, to_model_input(digits[1].images[:1])[0, 0], known)
    assert any_network.training
    assert all(each.equal(before[name]) for name, each in any_network.state_dict().items())
    assert all(weights.grad is None for weights in any_network.parameters())


def test_the_last_layer_turns_the_features_into_the_logits(
    any_network: Network, digits: Parts
) -> None:
    images = digits[1].images[:7]
    hidden = attribution.penultimate_features(any_network, images, batch_size=3)
    logits = any_network.layers[-1](hidden)
    assert torch.allclose(logits, any_network(to_model_input(images)), atol=1e-4)
    as_floats = attribution.penultimate_features(any_network, images / 255)
    assert torch.allclose(hidden, as_floats, atol=1e-6)


def test_an_image_is_most_like_itself_and_then_like_its_own_kind(
    reader: Network, digits: Parts
) -> None:
    known = attribution.penultimate_features(reader, digits[0].images)
    image = to_model_input(digits[0].images[5:6])[0, 0]
    assert attribution.nearest_neighbors(reader, image, known, count=3)[0] == 5
    test = digits[1].head(50)
    alike = [
        attribution.nearest_neighbors(reader, to_model_input(each[None])[0, 0], known)
        for each in test.images
    ]
    same = digits[0].labels[torch.tensor(alike)] == test.labels[:, None]
    assert same.float().mean() > 0.8  # by chance, 0.1
    assert len(attribution.nearest_neighbors(reader, image, known[:2], count=6)) == 2
