"""Networks: the notebook's to the weight, any other that can be built, and words for the rest."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import nn

from mnistcore.config import (
    Conv,
    NetworkConfig,
    check_network,
    count_parameters,
    layer_summary,
    parse_convolutions,
    parse_dense,
)
from mnistcore.errors import NetworkError
from mnistcore.models.network import ACTIVATIONS, build_network

CONFIGS = [
    NetworkConfig(),
    NetworkConfig(convolutions=(), dense=()),
    NetworkConfig(convolutions=(), dense=(30, 20), activation="Tanh", dropout=0.3),
    NetworkConfig(convolutions=(Conv(4, 3, False, True), Conv(8, 3)), dense=(), batch_norm=True),
    NetworkConfig(convolutions=(Conv(5, 5),), dense=(16,), activation="GELU", batch_norm=True),
]


def test_the_default_is_the_notebooks_network_to_the_shape():
    shapes = [step.shape for step in layer_summary(NetworkConfig()) if len(step.shape) == 3]
    seen = [shape for i, shape in enumerate(shapes) if i == 0 or shape != shapes[i - 1]]
    assert seen == [
        (1, 28, 28),
        (32, 24, 24),
        (32, 12, 12),
        (32, 8, 8),
        (32, 4, 4),
        (64, 2, 2),
        (64, 1, 1),
    ]
    assert count_parameters(NetworkConfig()) == 49_770


def test_the_repr_teaches():
    assert repr(build_network(NetworkConfig(), 0)) == (
        "28x28 -> conv 32@5x5 -> ReLU -> pool 2x2 -> conv 32@5x5 -> ReLU -> pool 2x2 -> "
        "conv 64@3x3 -> ReLU -> pool 2x2 -> flatten -> dense 64 -> ReLU -> dense 10: "
        "49,770 weights"
    )


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_the_portrait_is_the_network_layer_by_layer(config):
    network = build_network(config, 0).eval()
    values = torch.zeros(2, 1, 28, 28)
    steps = layer_summary(config)
    assert len(network.layers) == len(steps) - 1
    for layer, step in zip(network.layers, steps[1:], strict=True):
        values = layer(values)
        assert tuple(values.shape[1:]) == step.shape
        assert sum(p.numel() for p in layer.parameters()) == step.num_params
    assert values.shape == (2, 10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pooling_early_changes_neither_the_answer_nor_what_is_learned(activation):
    network = build_network(NetworkConfig(activation=activation), 0)
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    answers, changes = [], []
    for forward in (network, network.layers):
        network.zero_grad()
        logits = forward(images)
        logits.square().sum().backward()
        answers.append(logits)
        changes.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert torch.equal(*answers)
    assert torch.equal(*changes)


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_a_config_survives_json(config):
    assert NetworkConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config


def test_the_same_seed_gives_the_same_weights_and_leaves_chance_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (build_network(NetworkConfig(), seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])


def test_it_computes_what_plain_torch_computes():
    network = build_network(NetworkConfig(), 3)
    conv1, conv2, conv3, dense1, dense2 = [m for m in network.layers if hasattr(m, "weight")]
    f = nn.functional
    x = images = torch.rand(3, 1, 28, 28)
    for conv in (conv1, conv2, conv3):
        x = f.max_pool2d(f.relu(f.conv2d(x, conv.weight, conv.bias)), 2)
    x = f.relu(f.linear(x.flatten(1), dense1.weight, dense1.bias))
    expected = f.linear(x, dense2.weight, dense2.bias)
    assert torch.allclose(network(images), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (NetworkConfig((Conv(3, 9), Conv(3, 9), Conv(3, 9))), "only 1 x 1 pixels are left"),
        (NetworkConfig((Conv(3, 28),)), "one pixel left"),
        (NetworkConfig(activation="swish"), "no activation 'swish'"),
        (NetworkConfig(dropout=1.0), "Dropout is a share"),
        (NetworkConfig(dense=(0,)), "whole numbers of 1 or more"),
        (NetworkConfig((Conv(0, 3),)), "whole numbers of 1 or more"),
        (NetworkConfig((), (100_000,)), "more than the 5,000,000"),
        (NetworkConfig((Conv(3, 4, True, True),)), "odd window"),
        (NetworkConfig(dense=(8,) * 9), "at most 8"),
        (NetworkConfig((Conv(10**6, 1, False), Conv(1, 1)), ()), "numbers of every image"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(config, words):
    with pytest.raises(NetworkError, match=words):
        build_network(config, 0)
    with pytest.raises(NetworkError, match=words):
        check_network(config)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_can_be_chosen(name):
    logits = build_network(NetworkConfig(activation=name), 0)(torch.rand(2, 1, 28, 28))
    assert logits.isfinite().all()


def test_layers_are_written_as_short_words():
    assert parse_convolutions("32@5, 64@3p!") == (Conv(32, 5), Conv(64, 3, False, True))
    assert parse_convolutions("") == ()
    assert parse_dense("64, 32") == (64, 32)
    for wrong in ("32", "a@b", "32@5x"):
        with pytest.raises(NetworkError, match="is not a convolution"):
            parse_convolutions(wrong)
    with pytest.raises(NetworkError, match="widths of layers"):
        parse_dense("64;32")
