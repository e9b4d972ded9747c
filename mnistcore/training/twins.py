"""Twins: the same training again but for one change, from the same initial weights and image order.

The order of the images is the same unless there are fewer of them; the initial weights are as long
as the change leaves their shapes alone, see `starts_alike`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from mnistcore.config import Defect, TrainConfig, check, layer_summary, planned_images
from mnistcore.errors import MnistError, TrainingError


class Change(NamedTuple):
    """One change: how it goes on after "the same again, but", and what it makes of a training."""

    title: str
    apply: Callable[[TrainConfig, int], TrainConfig]  # of so many images that there are


def _set(**changes: Any) -> Callable[[TrainConfig, int], TrainConfig]:
    return lambda config, images: replace(config, **changes)


def _set_network(**changes: Any) -> Callable[[TrainConfig, int], TrainConfig]:
    return lambda config, images: replace(config, network=replace(config.network, **changes))


def _scale_learning_rate(factor: float) -> Callable[[TrainConfig, int], TrainConfig]:
    return lambda config, images: replace(
        config, learning_rate=float(f"{config.learning_rate * factor:.6g}")
    )


def _fewer_images(config: TrainConfig, images: int) -> TrainConfig:
    few = min(config.train_size or images, images) // 10
    if few < config.batch_size:  # then the batches would change as well
        return config
    epochs = planned_images(config, images) / (few - few % config.batch_size)
    return replace(config, train_size=few, epochs=round(epochs, 4))


CHANGES: dict[str, Change] = {
    "rate-up": Change("with a learning rate ten times as large", _scale_learning_rate(10)),
    "rate-down": Change("with a learning rate ten times as small", _scale_learning_rate(0.1)),
    "no-convolutions": Change("without convolutions", _set_network(convolutions=())),
    "no-activation": Change("without activation functions", _set_network(activation="none")),
    "fewer-images": Change(
        "with a tenth of the images, each shown ten times as often", _fewer_images
    ),
    "augmented": Change(
        "with every image turned and stretched a little", _set(augmentation="affine")
    ),
    "not-augmented": Change("with no image turned or stretched", _set(augmentation="none")),
    "plain-descent": Change(
        "with plain gradient descent", _set(optimizer="SGD with momentum", momentum=0.0)
    ),
    "large-batches": Change(
        "with eight times as many images per step",
        lambda config, images: replace(config, batch_size=8 * config.batch_size),
    ),
    "wrong-labels": Change("with 40 % wrong labels", _set(defect=Defect("label-noise", share=0.4))),
    "clean-data": Change("with clean data", _set(defect=Defect())),
}


def changes_for(config: TrainConfig, images: int = 60_000) -> dict[str, Change]:
    """Those of CHANGES that change a training on so many images, and make one that can be done."""
    return {
        change_id: change
        for change_id, change in CHANGES.items()
        if (twin := change.apply(config, images)) != config and _can_be_done(twin, images)
    }


def twin_of(config: TrainConfig, change_id: str, images: int = 60_000) -> TrainConfig:
    """`config` with one of `changes_for(config, images)`; raises TrainingError for another."""
    known = changes_for(config, images)
    if change_id not in known:
        raise TrainingError(
            f"There is no twin {change_id!r} of this recipe: use one of {', '.join(known)}."
        )
    return known[change_id].apply(config, images)


def starts_alike(config: TrainConfig, twin: TrainConfig) -> bool:
    """Whether both begin with the same weights: they do if shapes and seed are the same."""
    one, other = (
        [(layer.kind, layer.args) for layer in layer_summary(each.network) if layer.num_params]
        for each in (config, twin)
    )
    return one == other and config.seed == twin.seed


def _can_be_done(config: TrainConfig, images: int) -> bool:
    try:
        check(config, images)
    except MnistError:
        return False
    return config.batch_size <= min(config.train_size or images, images)
