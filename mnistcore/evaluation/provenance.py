"""Training provenance: which images a network has learned from, as far as it is written down."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from mnistcore.config import TrainConfig, check
from mnistcore.data.defects import TaughtSet, taught_set
from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError, RunError
from mnistcore.inspection.frames import read_frame
from mnistcore.models.checkpoint import images_seen, load_network
from mnistcore.models.registry import SHIPPED, weights_path
from mnistcore.records import Progress, RunResult
from mnistcore.runs import store


class TrainingProvenance(NamedTuple):
    """What a network learned from, as far as it is written down."""

    dataset: str | None  # a key of DATASETS, or None: whatever there was
    config: TrainConfig | None  # by which it was trained; None where that makes no sense
    images: int  # shown to it in training, repeats included
    accuracy: float | None  # on some of these, if it was taken when it had learned
    accuracy_count: int  # how many

    def met(self, dataset: str) -> bool:
        """Whether it learned from this one, perhaps among others ("mnist+digits")."""
        return self.dataset is None or dataset in self.dataset.split("+")


UNKNOWN = TrainingProvenance(None, None, 0, None, 0)


def training_provenance(model_id: str, runs_folder: Path | None = None) -> TrainingProvenance:
    """What `load_model(model_id)` learned from; raises ModelError or RunError."""
    path = weights_path(model_id, runs_folder)
    if model_id == SHIPPED or model_id.endswith(".safetensors"):
        card = load_network(path).card
        config, result = card.train, card.result or RunResult()
        dataset: str | None = result.dataset or "mnist"
    else:
        run, (_, step) = store.find_run(model_id, runs_folder), store.split_moment(model_id)
        config, dataset = run.config().train, run.config().dataset
        if step is not None:
            frame = read_frame(run.frames, step)
            result = RunResult(images=frame.images if frame else 0)
        elif path == run.model:
            result = run.status().result or RunResult()
        else:
            result = RunResult(images=images_seen(path, config) if config else 0)
    try:
        if config:
            check(config, images=1)
    except MnistError:
        config = None
    count = result.train_count if result.images and result.train_accuracy is not None else 0
    accuracy = result.train_accuracy if count else None
    return TrainingProvenance(dataset, config, result.images, accuracy, count)


def seen_places(taught: TaughtSet, config: TrainConfig, images: int) -> Tensor:
    """Where the images are that a run's first epoch showed, in whole batches; images: in all."""
    count = len(taught.places)
    whole = count - count % min(config.batch_size, count)
    return taught.order(config.seed, 0)[: min(images, whole)]


def seen_images(train: Digits, config: TrainConfig, images: int) -> Digits:
    """Those of `train` that a run's first epoch showed, in whole batches, as they were taught."""
    taught = taught_set(train, config)
    return taught.select(seen_places(taught, config, images))


def seen_subset(learned: TrainingProvenance, train: Digits) -> Digits | None:
    """Those of the images of `train` that a network learned from; None where nobody knows."""
    if not learned.config or not learned.images or learned.dataset != train.dataset:
        return None
    return seen_images(train, learned.config, learned.images)


def training_history(
    model_id: str, images: int, runs_folder: Path | None = None
) -> tuple[list[Progress], bool]:
    """A run's records, in order, until it had seen so many images, and whether it diverged then."""
    try:
        run = store.find_run(model_id, runs_folder)
    except RunError:
        return [], False
    result = run.status().result
    records = [record for record in run.metrics() if record.images <= images]
    return records, result is not None and result.diverged
