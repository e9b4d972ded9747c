"""TODO."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mnistcore import serialization
from mnistcore.config import TrainConfig, check
from mnistcore.data.digits import Digits, epoch_permutation
from mnistcore.errors import MnistError, RunError
from mnistcore.evaluation.diagnosis import Record
from mnistcore.models.checkpoint import images_seen, load_network
from mnistcore.models.registry import SHIPPED, weights_path
from mnistcore.runs import store


class TrainingProvenance(NamedTuple):
    """What a network learned from, as far as it is written down."""

    dataset: str | None  # a key of data.TITLES, or None: whatever there was
    recipe: Mapping[str, Any]  # what is known of its TrainConfig
    images: int  # shown to it in training, repeats included
    accuracy: float | None  # on some of these, if it was taken when it had learned
    accuracy_count: int  # how many

    def met(self, dataset: str) -> bool:
        """Whether it learned from this one, perhaps among others ("mnist+digits")."""
        return self.dataset is None or dataset in self.dataset.split("+")


UNKNOWN = TrainingProvenance(None, {}, 0, None, 0)


def training_provenance(which: str, runs_folder: Path | None = None) -> TrainingProvenance:
    """What the network by this name (see predict.load_model) learned from."""
    path = weights_path(which, runs_folder)
    if which == SHIPPED or which.endswith(".safetensors"):
        card = load_network(path)[1]
        recipe, result, dataset = card.get("recipe"), card, card.get("dataset", "mnist")
    else:
        run = store.Run(path.parent)
        config = run.config()
        recipe, dataset = config["recipe"], config.get("dataset")
        done = path == run.model
        result = run.status().result if done else {"images": images_seen(path, recipe)}
    images, accuracy, count = (
        max(0, value) if serialization.is_number(value := result.get(name)) else None
        for name in ("images", "train_accuracy", "train_count")
    )
    if images == 0 or accuracy is None:  # stopped before it learned from any
        count = 0
    return TrainingProvenance(
        dataset if isinstance(dataset, str) else None,
        _checked_config(recipe),
        int(images or 0),
        accuracy if count else None,
        int(count or 0),
    )


def _checked_config(recipe: Any) -> Mapping[str, Any]:
    """A recipe as it was written, if one can train by it; else nothing is known of it."""
    try:
        check(TrainConfig.from_dict(recipe), images=1)
    except MnistError:
        return {}
    return recipe


def seen_images(train: Digits, recipe: Mapping[str, Any], images: int) -> Digits:
    """Those that a run has learned from, as its first epoch shows them.

    train: all that there were; recipe: at least `train_size`, `batch_size` and `seed` of its
    TrainConfig; images: how many it was shown, repeats included. What does not fill a batch is left
    out of every epoch, each time something else.
    """
    train = train.head(recipe["train_size"] or len(train))
    batch = min(recipe["batch_size"], len(train))
    first = epoch_permutation(recipe["seed"], 0, len(train))[
        : min(images, len(train) // batch * batch)
    ]
    return train.select(first)


def seen_subset(learned: TrainingProvenance, train: Digits) -> Digits | None:
    """Those of the images of `train` that a network learned from; None where nobody knows."""
    told = learned.recipe.keys() >= {"train_size", "batch_size", "seed"}
    if not told or not learned.images or learned.dataset != train.dataset:
        return None
    return seen_images(train, learned.recipe, learned.images)


def training_history(
    which: str, images: int, runs_folder: Path | None = None
) -> tuple[list[Record], bool]:
    """What a run went through until it had seen so many images, and whether it diverged then.

    Its records, in order; none of a file, or of the network that comes with the app.
    """
    try:
        run = store.find_run(which, runs_folder)
    except RunError:
        return [], False
    records = [record for record in run.metrics() if record["images"] <= images]
    return records, run.status().result == store.DIVERGED
