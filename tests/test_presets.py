"""The recipes: each can be built, and does what it is there to show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mnistcore import network, training
from mnistcore.predict import load_network, source
from mnistcore.presets import PRESETS, suited
from mnistcore.training import evaluate, train


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained_and_says_what_to_watch_for(name):
    preset = PRESETS[name]
    training.check(preset.recipe)
    training.check(replace(preset.recipe, epochs=100, batch_size=512))  # the most in the form
    assert preset.watch_for.startswith("Watch")
    assert preset.watch_for.count(".") == 1


def test_the_recipe_of_the_shipped_network_would_be_accepted_today():
    _, card = load_network(source())
    training.check(training.TrainConfig.from_dict(card["recipe"]), 69_000)


def test_notebook_is_the_notebook():
    recipe = PRESETS["notebook"].recipe
    assert recipe == training.TrainConfig()
    assert (recipe.batch_size, recipe.epochs, recipe.learning_rate, recipe.seed) == (8, 2, 1e-3, 1)
    assert network.count_weights(recipe.network) == 49_770


def test_the_memoriser_learns_its_images_by_heart_and_the_simple_one_cannot(digits):
    accuracies = {}
    for name in ("memoriser", "too-simple"):
        recipe = replace(suited(PRESETS[name].recipe, len(digits[0])), device="cpu")
        run = train(recipe, *digits)
        for _ in run:
            pass
        own = digits[0].first(recipe.train_size or len(digits[0]))
        accuracies[name] = [evaluate(run.network, part).accuracy for part in (own, digits[1])]
    assert accuracies["memoriser"][0] == 1
    assert accuracies["memoriser"][1] < 0.97
    assert accuracies["too-simple"][0] < 0.92


def test_of_few_images_each_is_seen_more_often():
    fast = PRESETS["fast"].recipe
    assert suited(fast, 60_000) == fast
    assert suited(fast, 1_500).epochs == 20 * fast.epochs
    assert suited(fast, 15_000).epochs == 4 * fast.epochs
    assert suited(PRESETS["memoriser"].recipe, 1_500) == PRESETS["memoriser"].recipe


def test_the_readme_names_every_preset():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (told,) = re.findall(r"^The presets are (.*)\.$", readme, re.M)
    assert re.findall(r"`(.+?)`", told) == list(PRESETS)
