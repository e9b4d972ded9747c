"""TODO."""

from dataclasses import dataclass
from typing import NamedTuple

from mnistcore.config import check_network as check_network


class Prediction(NamedTuple):
    """What the network says of one test image."""

    index: int  # in the test set
    digit: int
    confidence: float  # the probability that it gives this digit, 0 to 1


@dataclass(frozen=True)
class Progress:
    """Where a run stands. Accuracies are shares from 0 to 1; times are in seconds."""

    step: int  # batches done
    steps: int  # batches in the whole run
    epoch: float  # times through the training images so far
    images: int  # training images seen so far, repeats included
    loss: float | None  # cross-entropy over about the last SMOOTHING images; None at the start
    train_accuracy: float | None  # over the same images, as they were learned from
    learning_rate: float
    seconds: float  # of training alone, without loading and evaluation
    images_per_second: float
    seconds_left: float | None
    test_loss: float | None = None  # None in most records: the test is taken at intervals
    test_accuracy: float | None = None
    test_count: int = 0  # test images that these two rest on
    guesses: tuple[Prediction, ...] = ()
