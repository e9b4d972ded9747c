"""What is written down of runs and networks: typed records, without torch.

`to_dict` and `from_dict` write and read all of them. A value of the wrong kind or out of range
falls back to the default of its field; without one, the record around it falls back to its own.
"""

import contextlib
import sys
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from mnistcore.config import NUM_CLASSES, Digit, TrainConfig
from mnistcore.serialization import MAX_NUMBER, Range, structure, type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORMAT = 2  # of every file that holds a record; files without one are of format 1

Share = Annotated[float, Range(0, 1)]  # an accuracy or a probability
Loss = Annotated[float, Range(0, sys.float_info.max)]
Count = Annotated[int, Range(0, MAX_NUMBER)]
Amount = Annotated[float, Range(0, MAX_NUMBER)]
Pid = Annotated[int, Range(-1, float("inf"))]  # one too large is no process, and not unknown either

LiveState = Literal["queued", "starting", "running", "testing"]
State = Literal[LiveState, "paused", "stopped", "interrupted", "finished", "failed"]


@dataclass(frozen=True)
class Creator:
    """Who started a run, as fingerprints; nothing is known of whoever did on the command line."""

    owner: str | None = None
    address: str | None = None  # which cannot be looked up: it goes by a key of this folder


class Prediction(NamedTuple):
    """What a network says of one image."""

    image: Count  # its index in the training or test set
    digit: Digit
    confidence: Share  # the probability that it gives this digit


@dataclass(frozen=True)
class Progress:
    """One measurement of a training; times are in seconds. ValueError for a step beyond the last.

    `loss` and `train_accuracy` are running means over about the last RUNNING_AVERAGE_IMAGES images
    (see training/trainer.py), as they were learned from.
    """

    step: Count  # batches done
    total_steps: Count  # batches in the whole run
    images: Count  # training images seen so far, repeats included
    epoch: Amount = 0.0  # times through the training images so far
    loss: Loss | None = None  # mean cross-entropy; None before the first step
    train_accuracy: Share | None = None
    learning_rate: Amount = 0.0
    seconds: Amount = 0.0  # of training alone, without loading and evaluation
    images_per_second: Amount = 0.0
    seconds_left: Amount | None = None
    test_loss: Loss | None = None  # None in most records: the test is taken at intervals
    test_accuracy: Share | None = None
    test_count: Count = 0  # test images that these two rest on
    predictions: tuple[Prediction, ...] = ()  # of some test images, where the test was taken
    train_predictions: tuple[Prediction, ...] = ()  # and of some training images

    def __post_init__(self) -> None:
        if not 0 <= self.step <= self.total_steps or self.total_steps < 1:
            raise ValueError(f"there is no step {self.step} of {self.total_steps}")

    @property
    def planned_images(self) -> int | None:
        """Training images that the whole run will look at, repeats included; None at its start."""
        return round(self.images * self.total_steps / self.step) if self.step else None


@dataclass(frozen=True)
class FineTuneResult:
    """What drawings changed in a copy of a network; ValueError unless as many of each, and some."""

    base_model: str  # that was copied, as load_model takes it
    test_accuracy_before: Share
    labels: tuple[Digit, ...]  # of the drawings
    predicted_before: tuple[Digit, ...]
    predicted_after: tuple[Digit, ...]
    alpha: Share = 1.0  # of the way from the old weights to the new ones

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.predicted_before) == len(self.predicted_after) > 0:
            raise ValueError("each drawing has one label and two predictions")

    @property
    def right_before(self) -> int:
        """How many of the drawings were read as their label before."""
        return sum(map(int.__eq__, self.labels, self.predicted_before))

    @property
    def right_after(self) -> int:
        """How many are now."""
        return sum(map(int.__eq__, self.labels, self.predicted_after))


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    run: str = ""  # its id
    preset: str | None = None
    dataset: str | None = None
    num_params: Count = 0
    epochs: Amount = 0.0
    images: Count = 0  # seen in training, repeats included
    seconds: Amount = 0.0  # of training alone
    images_per_second: Amount = 0.0
    train_accuracy: Share | None = None
    train_count: Count = 0  # training images that this rests on
    test_accuracy: Share | None = None
    test_loss: Loss | None = None
    test_count: Count = 0  # test images that these two rest on
    diverged: bool = False  # it broke off because its numbers were not finite any more
    fine_tune: FineTuneResult | None = None  # of a network that was taught by hand
    # By what the training images show, where some were labelled otherwise on purpose.
    true_train_accuracy: Share | None = None
    # How many of the test images of each digit (rows) were read as which (columns).
    confusion: tuple[tuple[Count, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.confusion and {len(self.confusion), *map(len, self.confusion)} != {NUM_CLASSES}:
            raise ValueError("a confusion matrix has ten rows of ten")

    @property
    def is_evaluated(self) -> bool:
        """Whether both accuracies are known, and what they rest on."""
        accuracies = (self.test_accuracy, self.train_accuracy)
        return None not in accuracies and self.test_count > 0 and self.train_count > 0


@dataclass(frozen=True)
class RunConfig:
    """config.json: what was to be trained, and for whom."""

    name: str = ""
    preset: str | None = None  # a key of PRESETS
    dataset: str | None = None  # a key of DATASETS; None until the images are loaded
    data: str | None = None  # the folder of MNIST's files
    command: str | None = None  # as typed, if the command line made it
    created: str = ""  # ISO 8601
    owner: str | None = None  # a fingerprint of the visitor's secret
    train: TrainConfig | None = None  # None for one that makes no sense


@dataclass(frozen=True)
class RunStatus:
    """status.json: what a run says of itself, or what its silence says."""

    state: State = "interrupted"
    message: str = ""  # one sentence for the visitor, where there is something to say
    pid: Pid = 0  # of its worker; -1 (PID_EXITED): has left; 0 while it waits for one
    host: str = ""
    heartbeat: float = 0.0  # seconds since 1970
    queued: float = 0.0  # when it took its place in the queue
    progress: Progress | None = None  # the newest, with the newest test and no predictions
    predictions: tuple[Prediction, ...] = ()  # the newest
    predictions_images: Count = 0  # training images that had been seen then
    result: RunResult | None = None
    train_predictions: tuple[Prediction, ...] = ()  # of training images, likewise


PaceKind = Literal["full", "slow", "step"]


@dataclass(frozen=True)
class Pace:
    """pace.json: how fast a run may go; see runs/slow_motion."""

    kind: PaceKind = "full"
    until: Count = 0  # with "step": at how many batches it waits


@dataclass(frozen=True)
class BatchRecord:
    """batch.json: the newest batch that a run learned from in slow motion."""

    step: Count  # batches done, with this one
    count: Count  # images in it
    loss: Loss  # mean cross-entropy of it, before the weights were changed
    right: Count  # images of it that were read right, likewise
    predictions: tuple[Prediction, ...] = ()  # of its first images, likewise
    changes: tuple[Amount, ...] = ()  # mean |change| of the weights, by layer


@dataclass(frozen=True)
class ModelCard:
    """What is known of a network beside its weights; it stands in the network's file."""

    title: str = ""
    command: str | None = None  # that trained it
    train: TrainConfig | None = None
    result: RunResult | None = None
    temperature: Amount = 1.0  # by which its last weights were divided, see inference/calibration
    calibration: str | None = None  # the command that did so


R = TypeVar("R", bound="DataclassInstance")
_NESTED = (Progress, FineTuneResult, RunResult)

# What the fields of format 1 are called today: of every record, and of what is nested in it now.
_OLD_NAMES = {
    "steps": "total_steps",
    "guesses": "predictions",
    "guessed_at": "predictions_images",
    "weights": "num_params",
    "recipe": "train",
    "optimiser": "optimizer",
}
OLD_FINE_TUNE_NAMES = {
    "taught_from": "base_model",
    "test_accuracy_before": "test_accuracy_before",
    "lessons_digits": "labels",
    "lessons_before": "predicted_before",
    "lessons_after": "predicted_after",
    "taught_share": "alpha",
}


def to_dict(record: "DataclassInstance") -> dict[str, Any]:
    """A record as plain values for JSON, with the format by which `from_dict` knows it."""
    return {"format": FORMAT} | asdict(record)


def from_dict(kind: type[R], values: Any) -> R:
    """The record that a JSON object of any format tells of; ValueError without what it needs."""
    return _read(kind, values, old=isinstance(values, dict) and "format" not in values)


def _read(kind: type[R], values: Any, old: bool) -> R:
    if not isinstance(values, dict):
        raise ValueError(f"a {kind.__name__} is a JSON object")
    if old:
        values = _from_format_1(kind, values)
    known: dict[str, Any] = {}
    for name, hint in type_hints(kind).items():
        nested = next((each for each in _NESTED if each in get_args(hint)), None)
        with contextlib.suppress(KeyError, ValueError):
            value = values[name]
            known[name] = _read(nested, value, old) if nested else structure(hint, value, name)
    for each in fields(kind):
        if each.default is MISSING and each.name not in known:
            raise ValueError(f"a {kind.__name__} has a {each.name}")
    return kind(**known)


def _from_format_1(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    values = {_OLD_NAMES.get(name, name): value for name, value in values.items()}
    if isinstance(train := values.get("train"), dict):
        values["train"] = _from_format_1(TrainConfig, train)
    if kind is RunResult:
        values["diverged"] = values.get("ended") == "diverged"
        values["fine_tune"] = {n: values.get(old) for old, n in OLD_FINE_TUNE_NAMES.items()}
    elif kind is ModelCard:  # the result stood between the other fields
        values["result"] = values
    elif kind is RunStatus and not values.get("result"):
        values.pop("result", None)
    return values
