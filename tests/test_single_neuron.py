"""One unit trained by hand: its gradient, its steps, and how it runs away."""

import math

import numpy as np
import pytest
import torch

from mnistcore.demos import single_neuron


@pytest.fixture(scope="module")
def examples(digits) -> single_neuron.Examples:
    return single_neuron.make_examples(digits[0])


def test_the_examples_are_as_many_zeros_as_ones_on_a_common_scale(examples):
    assert examples.inputs.shape == (2 * single_neuron.N_PER_CLASS, 2)
    assert examples.targets.mean() == 0.5
    assert torch.allclose(examples.inputs.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(examples.inputs.std(0), torch.ones(2), atol=1e-5)


def test_the_gradient_is_that_of_the_formula(examples):
    unit = single_neuron.initialize(examples, seed=3)
    inputs = np.c_[examples.inputs.numpy(), np.ones(len(examples.targets))]
    missing = inputs @ np.array(unit.weights) - examples.targets.numpy()
    assert unit.loss == pytest.approx((missing**2).mean(), rel=1e-4)
    assert np.allclose(unit.gradient, 2 * missing @ inputs / len(missing), atol=1e-4)


def test_a_step_changes_each_weight_by_its_share_and_lessens_the_loss(examples):
    before = single_neuron.initialize(examples, seed=1)
    after = single_neuron.gradient_step(examples, before, 0.1)
    assert after.steps == 1
    assert after.loss < before.loss
    for new, old, slope in zip(after.weights, before.weights, before.gradient, strict=True):
        assert new == pytest.approx(old - 0.1 * slope, abs=1e-6)


def test_many_steps_end_where_least_squares_ends(examples):
    unit = single_neuron.gradient_step(
        examples, single_neuron.initialize(examples, seed=1), 0.3, 300
    )
    inputs = np.c_[examples.inputs.numpy(), np.ones(len(examples.targets))]
    best, *_ = np.linalg.lstsq(inputs, examples.targets.numpy(), rcond=None)
    assert np.allclose(unit.weights, best, atol=1e-3)
    assert unit.accuracy > 0.9
    assert not unit.diverged


def test_steps_too_big_run_away_and_end_there(examples):
    unit = single_neuron.gradient_step(
        examples, single_neuron.initialize(examples, seed=1), 3.0, 1000
    )
    assert unit.diverged
    assert unit.steps < 100
    assert single_neuron.gradient_step(examples, unit, 3.0, 10) == unit


def test_the_border_is_where_the_unit_says_one_half(examples):
    unit = single_neuron.initialize(examples, seed=2)
    line = single_neuron.scatter_chart(examples, unit)["series"][-1]["data"]
    first, second, bias = unit.weights
    assert len(line) == 2
    for x, y in line:
        assert first * x + second * y + bias == pytest.approx(0.5, abs=1e-4)
        assert math.hypot(x, y) > 5


def test_a_unit_without_weights_has_no_border(examples):
    nothing = single_neuron.NeuronState((0.0, 0.0, 0.2), (0.0, 0.0, 0.0), 1.0, 0.5)
    assert single_neuron.scatter_chart(examples, nothing)["series"][-1]["data"] == []
