"""The recipes: each can be built, and does what it is there to show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mnistcore.config import TrainConfig, check, count_parameters
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.checkpoint import load_network
from mnistcore.models.registry import weights_path
from mnistcore.presets import PRESETS, scale_epochs
from mnistcore.training.trainer import train


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained_and_says_what_to_watch_for(name):
    preset = PRESETS[name]
    check(preset.config)
    check(replace(preset.config, epochs=100, batch_size=512))  # the most in the form
    assert preset.watch_for.startswith("Watch")
    assert preset.watch_for.count(".") == 1


def test_the_recipe_of_the_shipped_network_would_be_accepted_today():
    check(load_network(weights_path()).card.train, 69_000)


def test_notebook_is_the_notebook():
    recipe = PRESETS["notebook"].config
    assert recipe == TrainConfig()
    assert (recipe.batch_size, recipe.epochs, recipe.learning_rate, recipe.seed) == (8, 2, 1e-3, 1)
    assert count_parameters(recipe.network) == 49_770


def test_the_memoriser_learns_its_images_by_heart_and_the_simple_one_cannot(digits):
    accuracies = {}
    for name in ("memoriser", "too-simple"):
        recipe = replace(scale_epochs(PRESETS[name].config, len(digits[0])), device="cpu")
        run = train(recipe, *digits)
        for _ in run:
            pass
        own = digits[0].head(recipe.train_size or len(digits[0]))
        accuracies[name] = [evaluate(run.network, part).accuracy for part in (own, digits[1])]
    assert accuracies["memoriser"][0] == 1
    assert accuracies["memoriser"][1] < 0.97
    assert accuracies["too-simple"][0] < 0.92


def test_of_few_images_each_is_seen_more_often():
    fast = PRESETS["fast"].config
    assert scale_epochs(fast, 60_000) == fast
    assert scale_epochs(fast, 1_500).epochs == 20 * fast.epochs
    assert scale_epochs(fast, 15_000).epochs == 4 * fast.epochs
    assert scale_epochs(PRESETS["memoriser"].config, 1_500) == PRESETS["memoriser"].config


def test_the_readme_names_every_preset():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (told,) = re.findall(r"^The presets are (.*)\.$", readme, re.M)
    assert re.findall(r"`(.+?)`", told) == list(PRESETS)
