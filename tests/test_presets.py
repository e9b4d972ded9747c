"""The recipes: each can be built, and does what it is there to show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mnistcore.config import Conv, TrainConfig, check, count_parameters
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.checkpoint import load_network
from mnistcore.models.registry import weights_path
from mnistcore.presets import (
    MAX_NAME,
    PRESET_IDS,
    PRESETS,
    describe_changes,
    name_run,
    scale_epochs,
)
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


@pytest.mark.parametrize(
    ("recipe", "network", "told"),
    [
        ({}, {}, []),
        ({"learning_rate": 1.0}, {"convolutions": ()}, ["learning rate 1", "no convolutions"]),
        (
            {"batch_size": 512, "train_size": 5_000},
            {},
            ["training images 5,000", "images per step 512"],
        ),
        ({"seed": 0, "augmentation": "affine"}, {}, ["augmentation", "seed 0"]),
        (
            {"schedule": "constant"},
            {"dropout": 0.3},
            ["learning-rate schedule constant", "dropout 0.3"],
        ),
        ({"label_smoothing": 0.0}, {"activation": "none"}, ["no label smoothing", "no activation"]),
        ({}, {"convolutions": (Conv(16, 5),), "dense": ()}, ["1 convolution", "no dense layers"]),
        (
            {},
            {"convolutions": (Conv(16, 3), Conv(8, 3, pool=False)), "dense": (32, 16)},
            ["filters 16, 8", "windows 3, 3", "halved yes, no", "dense 32, 16"],
        ),
        ({}, {"batch_norm": True}, ["batch normalisation"]),
    ],
)
def test_a_changed_recipe_is_told_by_its_changes(recipe, network, told):
    start = PRESETS["fast"].config
    changed = replace(start, network=replace(start.network, **network), **recipe)
    assert describe_changes(start, changed) == told


def test_a_run_is_named_by_what_was_changed_and_no_two_alike():
    assert name_run("Fast", [], {}) == "Fast"
    changes = ["learning rate 1", "no convolutions"]
    name = "Fast, learning rate 1, no convolutions"
    assert name_run("Fast", changes, {"Fast"}) == name
    assert name_run("Fast", changes, {name, f"{name} (2)"}) == f"{name} (3)"
    long = name_run("Fast", ["weight decay 0.1", *changes, "filters 16, 8, 32", "seed 7"], {})
    assert long == "Fast, weight decay 0.1, learning rate 1, and 3 more"
    assert len(long) <= MAX_NAME


def test_the_old_title_of_a_preset_still_means_it():
    assert PRESET_IDS["Notebook, fast"] == PRESET_IDS["Small"] == "notebook-fast"


def test_a_recipe_that_takes_all_images_says_so():
    few = PRESETS["memoriser"].config
    assert describe_changes(few, replace(few, train_size=None)) == ["all training images"]
