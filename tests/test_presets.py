"""The presets: each can be trained, and the fast ones show something at once."""

from dataclasses import replace

import pytest

from mnistcore import network, training
from mnistcore.network import NetworkConfig
from mnistcore.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained(name):
    recipe = PRESETS[name].recipe
    training.check(recipe)
    network.check(recipe.network)


def test_the_notebooks_network_is_the_same_fast_or_not():
    assert PRESETS["notebook-fast"].recipe.network == PRESETS["notebook"].recipe.network
    assert PRESETS["notebook"].recipe.network == NetworkConfig()


@pytest.mark.parametrize("name", ["fast", "notebook-fast"])
def test_the_curve_is_alive_from_the_first_batches(digits, name):
    run = training.train(replace(PRESETS[name].recipe, epochs=20, device="cpu"), *digits)
    early = []
    for progress in run:
        early.append(progress)
        if progress.step > 0.06 * progress.steps:
            break
    assert early[0].test_accuracy is not None  # before anything is learned
    assert early[1].step <= 8
    assert sum(p.test_accuracy is not None for p in early) >= 4
    assert early[-1].loss < 2.3
