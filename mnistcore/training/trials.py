"""Bounded trials: an idea tried out in a small training of about a second, one at a time."""

import threading
import time
from dataclasses import replace
from typing import NamedTuple

import torch

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import evaluate
from mnistcore.evaluation.provenance import seen_images
from mnistcore.training.trainer import train

MAX_SECONDS = 5.0  # after so long a trial ends with what it has learned; a free machine needs one
N_EVALUATION = 1_000  # images on which each of the two accuracies rests, at the most
_ONE_AT_A_TIME = threading.Lock()  # they share the processor and torch's random generator

_BASE = TrainConfig(
    NetworkConfig(convolutions=(), dense=(4,)),
    epochs=5,
    batch_size=64,
    learning_rate=3e-3,
    schedule="one-cycle",
    train_size=5_000,
    device="cpu",
)

# Three ways to end, by the preset that does the same at full length.
TRIALS: dict[str, TrainConfig] = {
    "too-simple": _BASE,
    "fast": replace(
        _BASE, network=NetworkConfig((Conv(8, 5), Conv(32, 3)), (64,)), epochs=2, learning_rate=8e-3
    ),
    "memoriser": replace(
        _BASE,
        network=NetworkConfig((), (512, 256)),
        epochs=30,
        batch_size=25,
        learning_rate=1e-3,
        train_size=100,
    ),
}


class TrialResult(NamedTuple):
    """What came of a trial. Accuracies are shares from 0 to 1."""

    train_accuracy: float  # read right of the images that it learned from
    train_count: int  # that this rests on
    test_accuracy: float  # read right of images that it had never seen
    test_count: int
    images: int  # seen in training, repeats included
    seconds: float
    whole: bool  # False if it was cut short, on a machine that is slow or busy


def one_hidden_layer(rate: float, width: int) -> TrainConfig:
    """A network with one hidden layer of `width` units, and the learning rate to try it with."""
    network = NetworkConfig(convolutions=(), dense=(width,))
    return replace(_BASE, network=network, learning_rate=rate, schedule="constant")


def split_validation(train_set: Digits) -> tuple[Digits, Digits]:
    """Training images to learn from, and the last N_EVALUATION (of few, a third) to choose by."""
    held = min(N_EVALUATION, len(train_set) // 3)
    return train_set.head(len(train_set) - held), train_set.select(slice(-held, None))


def run_trial(config: TrainConfig, learn: Digits, judge: Digits) -> TrialResult:
    """Train as configured, then read images of both kinds; of few images, each is seen more often.

    Whoever comes second waits. Raises TrainingError if the weights run away.
    """
    wanted = config.train_size or len(learn)
    config = replace(config, epochs=config.epochs * max(1.0, wanted / len(learn)))
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        started = time.perf_counter()
        training = train(config, learn, judge.head(1))  # judged once, at the end
        images, whole = 0, True
        for progress in training:
            images = progress.images
            if images and time.perf_counter() - started > MAX_SECONDS:
                whole = progress.step == progress.total_steps
                break
        own = evaluate(training.network, seen_images(learn, config, images).head(N_EVALUATION))
        new = evaluate(training.network, judge.head(N_EVALUATION))
        seconds = time.perf_counter() - started
    return TrialResult(own.accuracy, own.count, new.accuracy, new.count, images, seconds, whole)
