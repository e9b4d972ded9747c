"""Presets: named training configurations, and what each of them is there to show."""

from dataclasses import dataclass, replace

from mnistcore.config import Conv, NetworkConfig, TrainConfig


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

PRESETS: dict[str, Preset] = {
    "fast": Preset(
        "Fast",
        "Watch the test accuracy shoot past 95 % on MNIST in the first quarter of the run.",
        replace(_FAST, network=NetworkConfig((Conv(16, 5), Conv(64, 3)), (128,)), epochs=0.5),
    ),
    "notebook-fast": Preset(
        "Notebook, fast",
        "Watch the notebook's own network get as good as it does there from a quarter of the "
        "images.",
        replace(_FAST, epochs=0.5, batch_size=96, learning_rate=1.2e-2, label_smoothing=0.1),
    ),
    "notebook": Preset(
        "Notebook",
        "Watch how steadily the same network learns when it is shown only eight images at a time.",
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
        "Watch the two curves part: it learns 500 images by heart and fails on the ones it never "
        "saw.",
        # With 25 images in a batch, every epoch has all of the 500.
        TrainConfig(NetworkConfig((), (512, 256)), epochs=60, batch_size=25, train_size=500),
    ),
}


def scale_epochs(recipe: TrainConfig, images: int) -> TrainConfig:
    """The recipe, made for MNIST's 60,000, for a smaller training set: each image is seen more
    often. A recipe that asks for few images means them, and stays as it is.
    """
    if recipe.train_size or images >= 30_000:
        return recipe
    return replace(recipe, epochs=round(recipe.epochs * min(20.0, 60_000 / images), 1))
