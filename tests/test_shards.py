"""Gradients by several threads are those of one, and always the same."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import to_model_input
from mnistcore.models.network import build_network
from mnistcore.training.shards import Shards, can_be_sharded
from mnistcore.training.trainer import train

SMALL = NetworkConfig((Conv(4, 5), Conv(4, 3)), (16,))


@pytest.fixture
def three_threads() -> Iterator[None]:
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(1)


def gradients(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


@pytest.mark.parametrize(("short", "tolerance"), [(False, 1e-6), (True, 1e-2)])
def test_the_shards_of_a_batch_have_its_logits_and_gradients(
    digits, three_threads, short, tolerance
):
    network = build_network(SMALL, 1)
    images, labels = to_model_input(digits[0].images[:50]), digits[0].labels[:50]
    logits = network(images)
    functional.cross_entropy(logits, labels).backward()
    whole = gradients(network)
    shards = Shards(network, 50, short)
    assert shards.count == 3  # of 17, 17 and 16 images
    told = shards.backward(functional.cross_entropy, images, labels)
    assert torch.allclose(told, logits, atol=tolerance)
    assert torch.allclose(gradients(network), whole, atol=tolerance)
    assert not torch.equal(gradients(network), whole)  # they were added up anew


def test_with_threads_a_training_repeats_exactly_and_leaves_them_as_they_were(
    digits, three_threads
):
    config = TrainConfig(SMALL, epochs=1, batch_size=64, precision="bfloat16", device="cpu")
    one, two = (train(config, *digits) for _ in range(2))
    for training in (one, two):
        assert training._shards and training._shards.count == 3
        for _ in training:
            assert torch.get_num_threads() == 3
    assert all(
        map(torch.equal, one.network.state_dict().values(), two.network.state_dict().values())
    )


def test_a_shard_is_never_too_small_nor_of_a_network_that_looks_at_the_whole_batch(three_threads):
    assert Shards(build_network(SMALL, 1), 8, short=False).count == 1
    assert Shards(build_network(SMALL, 1), 32, short=False).count == 2
    for more in ({"batch_norm": True}, {"dropout": 0.5}):
        assert not can_be_sharded(build_network(replace(SMALL, **more), 1))


def test_what_fails_in_a_thread_is_said(digits, three_threads):
    shards = Shards(build_network(SMALL, 1), 48, short=False)
    labels = torch.tensor([0] * 40 + [11] * 8)
    with pytest.raises(IndexError, match="11 is out of bounds"):
        shards.backward(functional.cross_entropy, to_model_input(digits[0].images[:48]), labels)
