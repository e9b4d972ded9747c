"""Training, one visible loop: `for progress in train(config, train_set, test_set): ...`."""

import math
import reprlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.augment import AUGMENTATIONS
from mnistcore.data import Digits, as_input
from mnistcore.errors import TrainingError
from mnistcore.machine import keep_memory, multiplies_bfloat16
from mnistcore.network import Network, NetworkConfig, build, misfits, portrait
from mnistcore.network import check as check_network

REPORT_IMAGES = 512  # images between two Progress records: about ten a second on a laptop
SHOWN_GUESSES = 12  # test images whose guess every evaluation reports, right or wrong
SHOWN_MISTAKES = 6  # and how many of the wrong ones beyond these
SMOOTHING = 2_000  # images over which running loss and accuracy are averaged
MNIST_IMAGES = 60_000  # training images that a recipe has to reckon with

# What one run may take from a machine that others share. The notebook's network needs a tenth of
# both: 0.13e14 products for 100 epochs, 24e6 numbers for 512 images at a time.
MAX_PRODUCTS = 1e14  # forward, in the whole run: one to three hours of one processor thread
MAX_NUMBERS = 250e6  # between the layers, for one batch: 1 GB


@dataclass(frozen=True)
class TrainConfig:
    """A recipe; the defaults are the notebook's."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    epochs: float = 2  # times through the training images; 0.5 is half of them
    batch_size: int = 8  # images per step
    optimiser: str = "Adam"  # a key of OPTIMISERS
    learning_rate: float = 1e-3  # the highest that the schedule reaches
    momentum: float = 0.9  # Adam's first beta
    beta2: float = 0.999  # Adam's second beta, RMSprop's alpha
    weight_decay: float = 0.0  # pull of every weight towards zero
    schedule: str = "constant"  # a key of SCHEDULES
    label_smoothing: float = 0.0  # share of certainty withheld from the right answer
    augmentation: str = "none"  # a key of AUGMENTATIONS
    train_size: int | None = None  # use only so many training images; None is all
    seed: int = 1
    device: str = "auto"  # auto, cpu, cuda or mps
    precision: str = "float32"  # a key of PRECISIONS
    threads: int | None = None  # processor threads; None leaves the choice to the machine

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `dataclasses.asdict`, also after a trip through JSON."""
        network = NetworkConfig.from_dict(values.get("network"))
        if wrong := misfits(cls, values | {"network": network}):
            raise TrainingError(f"Settings in this recipe that cannot be used: {', '.join(wrong)}.")
        return cls(**values | {"network": network})


def _adam(kind: type) -> Callable[[Iterable[Tensor], TrainConfig], torch.optim.Optimizer]:
    return lambda weights, c: kind(
        weights, c.learning_rate, (c.momentum, c.beta2), weight_decay=c.weight_decay, fused=True
    )


OPTIMISERS: dict[str, Callable[[Iterable[Tensor], TrainConfig], torch.optim.Optimizer]] = {
    "Adam": _adam(torch.optim.Adam),
    "AdamW": _adam(torch.optim.AdamW),
    "SGD with momentum": lambda weights, c: torch.optim.SGD(
        weights, c.learning_rate, c.momentum, weight_decay=c.weight_decay, nesterov=c.momentum > 0
    ),
    "RMSprop": lambda weights, c: torch.optim.RMSprop(
        weights, c.learning_rate, c.beta2, weight_decay=c.weight_decay
    ),
}


def _one_cycle(done: float) -> float:
    """Up in a straight line for a quarter of the run, then down in half a cosine."""
    warm_up = 0.25
    if done < warm_up:
        return 0.04 + 0.96 * done / warm_up
    return max(0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1 - warm_up)), 1e-4)


# From the share of the run that is done, 0 to 1, to the share of the learning rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "one-cycle": _one_cycle,
}


# Whether layers multiply in 16 bits; weights, loss and optimiser keep their 32 in any case.
PRECISIONS: dict[str, Callable[[torch.device], bool]] = {
    "float32": lambda device: False,
    "bfloat16": lambda device: True,
    "auto": multiplies_bfloat16,
}


class Guess(NamedTuple):
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
    guesses: tuple[Guess, ...] = ()


class Score(NamedTuple):
    """How a network does on some images."""

    accuracy: float  # share that it reads right, 0 to 1
    loss: float  # mean cross-entropy
    count: int
    predicted: Tensor  # (n,) int64
    confidence: Tensor  # (n,) float, of the predicted digit


@torch.inference_mode()
def evaluate(network: Network, digits: Digits, batch_size: int = 100) -> Score:
    """Judge a network on every image of `digits`, without changing it."""
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    logits = torch.cat(
        [network(as_input(batch.to(device))) for batch in digits.images.split(batch_size)]
    )
    logits = logits.float().cpu()
    network.train(was_training)
    labels = digits.labels.cpu()
    loss = functional.cross_entropy(logits, labels)
    confidence, predicted = logits.softmax(1).max(1)
    accuracy = (predicted == labels).double().mean()
    return Score(float(accuracy), float(loss), len(digits), predicted, confidence)


def pick_device(wish: str = "auto") -> torch.device:
    """The device that a recipe asks for; "auto" takes an accelerator where there is one."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if wish == "auto":
        return accelerator or torch.device("cpu")
    if wish != "cpu" and (accelerator is None or accelerator.type != wish):
        raise TrainingError(f"This machine has no {wish!r} device: use --device auto or cpu.")
    return torch.device(wish)


def check(config: TrainConfig, images: int = MNIST_IMAGES) -> None:
    """Refuse, in words, a recipe that cannot work here on so many images, or not in time."""
    check_network(config.network)
    choices = (
        ("optimiser", config.optimiser, OPTIMISERS),
        ("schedule", config.schedule, SCHEDULES),
        ("augmentation", config.augmentation, AUGMENTATIONS),
        ("device", config.device, ("auto", "cpu", "cuda", "mps")),
        ("precision", config.precision, PRECISIONS),
    )
    for name, value, known in choices:
        if value not in known:
            raise TrainingError(f"There is no {name} {value!r}: use one of {', '.join(known)}.")
    pick_device(config.device)
    limits = (
        ("The number of epochs", config.epochs, 0.01, 1000),
        ("The batch size", config.batch_size, 1, 10_000),
        ("The learning rate", config.learning_rate, 1e-7, 100),
        ("Momentum", config.momentum, 0, 0.9999),
        ("The second beta", config.beta2, 0, 0.999999),
        ("Weight decay", config.weight_decay, 0, 10),
        ("Label smoothing", config.label_smoothing, 0, 0.9),
        ("The number of training images", config.train_size, 10, 10**9),
        ("The number of threads", config.threads, 1, 1024),
        ("The seed", config.seed, 0, 2**32 - 1),
    )
    for name, value, least, most in limits:
        if value is not None and not least <= value <= most:  # false for NaN, too
            raise TrainingError(
                f"{name} must be from {least:,} to {most:,}, not {reprlib.repr(value)}."
            )
    if config.network.batch_norm and config.batch_size == 1:
        raise TrainingError(
            "Batch normalisation compares the images of a batch: use a batch size of 2 or more, "
            "or switch it off."
        )
    _check_size(config, min(config.train_size or images, images))


def _check_size(config: TrainConfig, images: int) -> None:
    """Refuse what would take the machine from everybody else."""
    steps = portrait(config.network)
    numbers, products = sum(s.numbers for s in steps), sum(s.products for s in steps)
    batch = min(config.batch_size, images)
    if batch * numbers > MAX_NUMBERS:
        raise TrainingError(
            f"{batch:,} images at a time take {4e-9 * batch * numbers:.1f} GB of memory in this "
            f"network: use a batch size of {MAX_NUMBERS // numbers:.0f} or less, or fewer filters."
        )
    epochs = MAX_PRODUCTS / (products * images)
    if config.epochs > epochs:
        raise TrainingError(
            f"{config.epochs:g} epochs of {images:,} images take too long in this network: use "
            f"{math.floor(10 * epochs) / 10:g} epochs or less, fewer images, fewer filters, or "
            "halve the picture earlier."
        )


def _spread(total: int, count: int) -> Tensor:
    """The first SHOWN_GUESSES of `total` places, and the rest of `count` from all over the others.

    MNIST's first test images are easier than its last: to judge by the first would flatter.
    """
    count = min(count, total)
    few = min(SHOWN_GUESSES, count)
    rest = torch.arange(count - few) * (total - few) // max(1, count - few)
    return torch.cat([torch.arange(few), few + rest])


def order(seed: int, epoch: int, count: int) -> Tensor:
    """The places of `count` training images as epoch 0, 1, ... shows them, (count,) int64."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))


class Training:
    """A run in the making: iterate over it to train, as far as you like, and again to go on.

    `state()` and `restore()` carry everything from which the numbers follow, so that a run that
    was interrupted ends in the very same weights. Iterating seeds, and then draws
    from, torch's global random generator: one run at a time in a process.
    """

    def __init__(self, config: TrainConfig, train_set: Digits, test_set: Digits) -> None:
        check(config, len(train_set))
        keep_memory()
        self.config = config
        self.device = pick_device(config.device)
        train_set = train_set.first(config.train_size or len(train_set))
        # The whole dataset lives where the network does, as bytes; batches are cut from it there.
        self.test_set = replace(test_set, images=test_set.images.to(self.device))
        self._images = train_set.images.to(self.device)
        self._labels = train_set.labels.to(self.device)
        self.batch_size = min(config.batch_size, len(train_set))
        self.batches = len(train_set) // self.batch_size  # per epoch; every batch is full
        self.steps = max(1, round(config.epochs * self.batches))
        self.network = build(config.network, config.seed).to(
            self.device, memory_format=torch.channels_last
        )
        self.optimiser = OPTIMISERS[config.optimiser](self.network.parameters(), config)
        self._short = PRECISIONS[config.precision](self.device)
        self.step = 0
        self.seconds = 0.0
        self._recent: list[tuple[Tensor, Tensor]] = []  # logits and labels since the last record
        self._sums = torch.zeros(3, device=self.device)  # weight, loss, right: decaying averages

    def __iter__(self) -> Iterator[Progress]:
        """Train from where it stands to the end, with a Progress every REPORT_IMAGES images."""
        every = max(1, REPORT_IMAGES // self.batch_size)
        tests = self._test_steps()
        if self.step == 0:
            torch.manual_seed(self.config.seed)
            yield self._progress(0.0, 0, tested=True)
        begun, first = time.perf_counter(), self.step
        self.network.train()
        while self.step < self.steps:
            started = time.perf_counter()
            for _ in range(every):
                self._one_step()
                if self.step in tests or self.step == self.steps:
                    break
            self._take_averages()
            self._check_finite()  # waits for the device, so that the clock below is right
            self.seconds += time.perf_counter() - started
            progress = self._progress(begun, first, tested=self.step in tests)
            left = time.perf_counter()
            yield progress
            begun += time.perf_counter() - left  # who pauses for an hour will not at every step

    def _one_step(self) -> None:
        """The heart of it: guess, compare, trace the error back, change every weight a little."""
        config = self.config
        images, labels = self._batch()
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        images = AUGMENTATIONS[config.augmentation](as_input(images))
        with self._products():
            logits = self.network(images).float()
        loss = functional.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.step += 1
        self._recent.append((logits.detach(), labels))

    def _products(self) -> torch.autocast:
        """Within it, layers multiply in the precision of the recipe."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._short)

    def _take_averages(self) -> None:
        """Loss and accuracy of the batches since the last record, all at once: it costs less."""
        logits, labels = (torch.cat(parts) for parts in zip(*self._recent, strict=True))
        self._recent.clear()
        right = (logits.argmax(1) == labels).float().mean()
        new = torch.stack([torch.ones_like(right), functional.cross_entropy(logits, labels), right])
        self._sums.lerp_(new, min(1.0, len(labels) / SMOOTHING))

    def _batch(self) -> tuple[Tensor, Tensor]:
        epoch, place = divmod(self.step, self.batches)
        if place == 0 or self._order_epoch != epoch:
            self._order = order(self.config.seed, epoch, len(self._labels)).to(self.device)
            self._order_epoch = epoch
        chosen = self._order[place * self.batch_size : (place + 1) * self.batch_size]
        return self._images[chosen], self._labels[chosen]

    _order_epoch = -1

    def _learning_rate(self) -> float:
        return self.config.learning_rate * SCHEDULES[self.config.schedule](self.step / self.steps)

    def _test_steps(self) -> set[int]:
        """Often at first, when most happens; then evenly. Some 5 % of the time of the run."""
        times = min(40, max(10, self.steps * self.batch_size // 6_000))
        early = {round(self.steps * share) for share in (0.01, 0.025, 0.05)}
        return early | {round(self.steps * n / times) for n in range(1, times + 1)}

    def _test(self) -> tuple[Score, tuple[Guess, ...]]:
        """All test images at the end; on the way 1,000 of them, or 500 in a short run."""
        long = self.steps * self.batch_size >= 50_000
        count = len(self.test_set) if self.step == self.steps else 1000 if long else 500
        places = _spread(len(self.test_set), count)
        sample = self.test_set.at(places)
        if self.step == self.steps:  # as whoever uses the network will have it
            score = evaluate(self.network, sample)
        else:
            with self._products():
                score = evaluate(self.network, sample)
        wrong = (score.predicted != sample.labels).nonzero().flatten().tolist()
        fixed = range(min(SHOWN_GUESSES, len(sample)))
        shown = [*fixed, *[index for index in wrong if index not in fixed][:SHOWN_MISTAKES]]
        return score, tuple(
            Guess(int(places[i]), int(score.predicted[i]), round(float(score.confidence[i]), 4))
            for i in shown
        )

    def _check_finite(self) -> None:
        if not math.isfinite(self._sums[1].item()):
            raise TrainingError(
                f"The loss stopped being a number after {self.step:,} batches: the steps were too "
                f"big and the weights ran away. Try a learning rate of "
                f"{self.config.learning_rate / 10:g} instead of {self.config.learning_rate:g}."
            )

    def _progress(self, begun: float, first: int, tested: bool) -> Progress:
        weight, loss, right = self._sums.tolist()
        images = self.step * self.batch_size
        elapsed = time.perf_counter() - begun
        score, guesses = self._test() if tested else (None, ())
        return Progress(
            step=self.step,
            steps=self.steps,
            epoch=self.step / self.batches,
            images=images,
            loss=loss / weight if weight else None,
            train_accuracy=right / weight if weight else None,
            learning_rate=self._learning_rate(),
            seconds=self.seconds,
            images_per_second=images / self.seconds if self.seconds else 0.0,
            seconds_left=elapsed / (self.step - first) * (self.steps - self.step)
            if self.step > first
            else None,
            test_loss=score and score.loss,
            test_accuracy=score and score.accuracy,
            test_count=score.count if score else 0,
            guesses=guesses,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the numbers to come depend on, fit for `torch.save`."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "sums": self._sums,
            "random": torch.get_rng_state(),
            "device_random": torch.get_device_module(self.device).get_rng_state()
            if self.device.type != "cpu"
            else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; raises TrainingError if it does not belong to this recipe."""
        try:
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self._sums = state["sums"].to(self.device)
            torch.set_rng_state(state["random"].cpu())
            if self.device.type != "cpu" and state["device_random"] is not None:
                torch.get_device_module(self.device).set_rng_state(state["device_random"].cpu())
        except (KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            raise TrainingError(
                "This checkpoint does not belong to this run: start the run anew."
            ) from error


def train(config: TrainConfig, train_set: Digits, test_set: Digits) -> Training:
    """Iterate over the result to train: `for progress in train(config, *load("mnist")): ...`."""
    return Training(config, train_set, test_set)
