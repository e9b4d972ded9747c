"""Presets: named training configurations, and what each of them is there to show."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mnistcore.config import Conv, Defect, NetworkConfig, Setting, TrainConfig, settings

MAX_NAME = 60  # characters of a run's name
Recipe = TypeVar("Recipe", NetworkConfig, TrainConfig)


@dataclass(frozen=True)
class Preset:
    """A training configuration with a title and one sentence of what to watch for."""

    title: str
    watch_for: str
    config: TrainConfig


# Adam with a short memory, a learning rate that rises and then fades, and a little doubt about
# every label: chosen on the last 10,000 training images as what learns most in a few seconds.
_FAST = TrainConfig(
    batch_size=64,
    learning_rate=8e-3,
    momentum=0.8,
    beta2=0.95,
    schedule="one-cycle",
    label_smoothing=0.05,
    precision="auto",
)
_PLAIN = TrainConfig(NetworkConfig((), (128, 64)), epochs=2, batch_size=64)
_SMALL_AND_FAST = replace(
    _FAST, network=NetworkConfig((Conv(16, 5), Conv(64, 3)), (128,)), epochs=0.5
)

PRESETS: dict[str, Preset] = {
    "fast": Preset(
        "Fast",
        "Watch the test accuracy shoot past 95 % on MNIST in the first quarter of the run.",
        _SMALL_AND_FAST,
    ),
    "notebook-fast": Preset(
        "Small",
        "Watch how far a network gets that has a quarter of the weights of Fast.",
        replace(_FAST, epochs=0.45, batch_size=96, learning_rate=1.5e-2, label_smoothing=0.1),
    ),
    "notebook": Preset(
        "Notebook",
        "Watch how steadily a network learns that is shown only eight images at a time.",
        TrainConfig(),
    ),
    "plain": Preset(
        "Plain layers",
        "Watch how far a network gets that sees 784 numbers in a row, and no picture.",
        replace(_PLAIN, epochs=3, schedule="one-cycle", learning_rate=3e-3),
    ),
    "too-simple": Preset(
        "Too simple",
        "Watch both curves get stuck far below 100 %: four units cannot tell ten digits apart.",
        replace(_PLAIN, network=NetworkConfig((), (4,)), learning_rate=2e-3),
    ),
    "memoriser": Preset(
        "Memoriser",
        "Watch the two curves part: it learns 100 images by heart, and misreads three in ten of "
        "those that it never saw.",
        # With 10 images in a batch, every epoch has all of the 100.
        TrainConfig(NetworkConfig((), (512, 256)), epochs=100, batch_size=10, train_size=100),
    ),
    "wrong-labels": Preset(
        "Wrong labels",
        "Watch it read nine of ten test images although four labels in ten are wrong, and forget "
        "how as it learns the wrong ones by heart.",
        TrainConfig(
            NetworkConfig((), (256, 128)),
            epochs=30,
            batch_size=50,
            train_size=5_000,
            defect=Defect("label-noise", share=0.4),
        ),
    ),
    "never-saw-7": Preset(
        "Never saw a 7",
        "Watch what it calls the sevens of the test, for there is none among what it learns from.",
        replace(_SMALL_AND_FAST, defect=Defect("missing-class", digit=7)),
    ),
}


# By every title that a preset has or had: links and the command line may ask for it by that, too.
PRESET_IDS = {preset.title: name for name, preset in PRESETS.items()}
PRESET_IDS["Notebook, fast"] = "notebook-fast"


def scale_epochs(recipe: TrainConfig, images: int) -> TrainConfig:
    """The recipe, made for MNIST's 60,000, for a smaller training set: each image is seen more
    often. A recipe that asks for few images means them, and stays as it is.
    """
    if recipe.train_size or images >= 30_000:
        return recipe
    return replace(recipe, epochs=round(recipe.epochs * min(20.0, 60_000 / images), 1))


def describe_changes(start: TrainConfig, config: TrainConfig) -> list[str]:
    """What a recipe has otherwise than the one it began from: ["learning rate 1"], say."""
    new, old = config.network, start.network
    told = _describe_settings(start, config)
    if (count := len(new.convolutions)) != len(old.convolutions):
        told.append(f"{count or 'no'} convolution{'s' * (count != 1)}")
    for place, what in enumerate(("filters", "windows", "halved")):
        now, then = ([conv[place] for conv in each.convolutions] for each in (new, old))
        if now[: len(then)] != then[: len(now)]:
            words = [("no", "yes")[n] if isinstance(n, bool) else str(n) for n in now]
            told.append(f"{what} {', '.join(words)}")
    if new.dense != old.dense:
        told.append("dense " + ", ".join(map(str, new.dense)) if new.dense else "no dense layers")
    told += [str(config.defect)] if config.defect != start.defect else []
    return told + _describe_settings(old, new)


def _describe_settings(start: Recipe, config: Recipe) -> list[str]:
    return [
        setting_text(setting, value)
        for name, setting in settings(type(start)).items()
        if (value := getattr(config, name)) != getattr(start, name)
    ]


def setting_text(setting: Setting, value: Any) -> str:
    """A setting and its value in a few words: "learning rate 1", "no dropout"."""
    name = setting.label[0].lower() + setting.label[1:].partition(" (")[0]
    if value is None:
        return f"all {name}"
    if value is True or value == setting.switches_on:
        return name
    if value in (False, "none") and setting.step != 1:  # of seeds, 0 is one like any other
        return f"no {name}"
    form = {int: ",", float: "g"}.get(type(value), "")
    return f"{name} {value:{form}}"


def name_run(title: str, changes: Sequence[str], taken: Collection[str]) -> str:
    """What to call a run so that it is told apart from those that are called `taken`.

    By what was changed in its recipe, as far as MAX_NAME has room for it, and if need be by a
    number: "Fast, learning rate 1, no convolutions (2)".
    """
    for left_out in range(len(changes) + 1):
        more = [f"and {left_out} more"] * (left_out > 0)
        name = ", ".join([title, *changes[: len(changes) - left_out], *more])
        if len(name) <= MAX_NAME - 5:  # with room for the number
            break
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in taken)
