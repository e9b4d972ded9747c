"""Training loop: `for progress in train(config, train_set, test_set): ...`."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import TrainConfig, check, planned_images
from mnistcore.data.augment import AUGMENTATIONS
from mnistcore.data.defects import TaughtSet, taught_set
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.errors import DivergenceError, TrainingError
from mnistcore.evaluation.diagnosis import suggest_learning_rate
from mnistcore.evaluation.metrics import Score, evaluate
from mnistcore.models.network import build_network
from mnistcore.records import Prediction, Progress
from mnistcore.training import distributed, torchrun
from mnistcore.training.hardware import has_native_bfloat16, tune_malloc
from mnistcore.training.shards import Shards, can_be_sharded

REPORT_IMAGES = 512  # images between two Progress records: about ten a second on a laptop
N_SHOWN_PREDICTIONS = 12  # images of each part whose prediction every evaluation reports
N_SHOWN_MISTAKES = 6  # and how many misread test images beyond these
RUNNING_AVERAGE_IMAGES = 2_000  # images over which running loss and accuracy are averaged


def _adam(kind: type) -> Callable[[Iterable[Tensor], TrainConfig], torch.optim.Optimizer]:
    return lambda weights, c: kind(
        weights, c.learning_rate, (c.momentum, c.beta2), weight_decay=c.weight_decay, fused=True
    )


OPTIMIZERS: dict[str, Callable[[Iterable[Tensor], TrainConfig], torch.optim.Optimizer]] = {
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
    """One cycle (Smith and Topin, 2018): up in a line for a quarter, down in half a cosine."""
    warm_up = 0.25
    if done < warm_up:
        return 0.04 + 0.96 * done / warm_up
    return max(0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1 - warm_up)), 1e-4)


# From the share of the run that is done, 0 to 1, to the share of the learning rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "one-cycle": _one_cycle,
}


# Whether layers multiply in 16 bits; weights, loss and optimizer keep their 32 in any case.
PRECISIONS: dict[str, Callable[[torch.device], bool]] = {
    "float32": lambda device: False,
    "bfloat16": lambda device: True,
    "auto": has_native_bfloat16,
}


def pick_device(wish: str = "auto") -> torch.device:
    """The device that a recipe asks for; "auto" takes an accelerator where there is one."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if wish == "auto":
        return accelerator or torch.device("cpu")
    if wish != "cpu" and (accelerator is None or accelerator.type != wish):
        raise TrainingError(f"This machine has no {wish!r} device: use --device auto or cpu.")
    return torch.device(wish)


def shown_images(total: int) -> list[int]:
    """The N_SHOWN_PREDICTIONS of `total` images that are shown: from all over them, always these.

    MNIST's first test images are easier than its last: to judge by the first would flatter.
    """
    few = min(N_SHOWN_PREDICTIONS, total)
    return [total * n // few for n in range(few)]


def first_learned(config: TrainConfig, taught: TaughtSet) -> list[int]:
    """The N_SHOWN_PREDICTIONS training images that it learns from first."""
    first: list[int] = taught.order(config.seed, 0)[:N_SHOWN_PREDICTIONS].tolist()
    return first


def spread_sample(total: int, count: int) -> Tensor:
    """At most `count` of `total` places: `shown_images`, filled up from all over the rest."""
    shown = torch.tensor(shown_images(total)[:count])
    rest = torch.ones(total).index_fill(0, shown, 0).nonzero().flatten()
    more = min(count, total) - len(shown)
    return torch.cat([shown, rest[torch.arange(more) * len(rest) // max(1, more)]])


class Batch(NamedTuple):
    """What was learned from since the last record."""

    indices: Tensor  # (n,) of the images, in the training set
    logits: Tensor  # (n, 10), before the weights were changed
    labels: Tensor  # (n,)


class Trainer:
    """Mini-batch gradient descent as an iterator: as far as you like, and again to go on.

    A run that is interrupted ends in the very same weights through `state()` and `restore()`. It
    seeds and uses torch's global random generator: one run at a time in a process, unless each
    has that generator to itself, see `random_state`.
    """

    def __init__(self, config: TrainConfig, train_set: Digits, test_set: Digits) -> None:
        check(config, len(train_set))
        taught = taught_set(train_set, config)
        if not (count := len(taught.places)):
            raise TrainingError("No training image is left: spoil fewer, or take more images.")
        torchrun.check(config, count)
        tune_malloc()
        self.config = config
        self.device = pick_device(config.device)
        # The whole dataset lives where the network does, as bytes; batches are cut from it there.
        self.test_set = replace(test_set, images=test_set.images.to(self.device))
        self.taught = taught.to(self.device)
        self.batch_size = min(config.batch_size, count)
        self.batches = count // self.batch_size  # per epoch; every batch is full
        # As many images as of clean data: where some are missing, the others come more often.
        self.total_steps = max(1, planned_images(config, len(train_set)) // self.batch_size)
        self.network = build_network(config.network, config.seed).to(
            self.device,
            memory_format=torch.channels_last,  # type: ignore[call-overload]  # torch lacks it
        )
        self._parallel = distributed.parallel(self.network)
        self.optimizer = OPTIMIZERS[config.optimizer](self.network.parameters(), config)
        self._short = PRECISIONS[config.precision](self.device)
        whole = self.device.type != "cpu" or self._parallel is not self.network
        self._shards = (
            Shards(self.network, self.batch_size, self._short)
            if can_be_sharded(self.network) and not whole
            else None
        )
        self.step = 0
        self.seconds = 0.0
        self.busy = 0.0  # of these, as many as its thread had a processor
        self.stops: frozenset[int] = frozenset()  # steps at which to yield a Progress besides
        self.every_step = False  # whether to yield a Progress after every batch
        self.last_batch: Batch | None = None
        self.last_test: tuple[Tensor, Score] | None = None  # the newest: labels, and what was said
        self._recent: list[Batch] = []  # since the last record
        self._sums = torch.zeros(3, device=self.device)  # weight, loss, right: decaying averages
        self._order_epoch = -1

    def __iter__(self) -> Iterator[Progress]:
        """Train to the end, a Progress every REPORT_IMAGES images; raises DivergenceError."""
        every = max(1, REPORT_IMAGES // self.batch_size)
        tests = self._test_steps()
        stops = tests | self.stops
        if self.step == 0:
            torch.manual_seed(self.config.seed)
            yield self._tested(self._progress(0.0, 0))
        begun, first = time.perf_counter(), self.step
        self.network.train()
        while self.step < self.total_steps:
            started, computing = time.perf_counter(), time.thread_time()
            steps = distributed.agree(1 if self.every_step else every)
            if not steps:  # the first process has stopped
                return
            with self._operators():
                for _ in range(steps):
                    self._one_step()
                    if self.step in stops or self.step == self.total_steps:
                        break
            self._take_averages()
            self.require_finite()  # waits for the device, so that the clock below is right
            self.seconds += time.perf_counter() - started
            self.busy += time.thread_time() - computing
            progress = self._progress(begun, first)
            if self.step in tests:
                progress = self._tested(progress)
            left = time.perf_counter()
            yield progress
            begun += time.perf_counter() - left  # who pauses for an hour will not at every step

    def _one_step(self) -> None:
        """Forward, loss, backward, update: guess, compare, trace the error back, change weights."""
        config = self.config
        chosen = distributed.share(self._chosen())
        distributed.seed_apart(config.seed, self.step)
        learned = self.taught.select(chosen)
        images, labels = learned.images, learned.labels
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        images = AUGMENTATIONS[config.augmentation](to_model_input(images))
        loss = partial(functional.cross_entropy, label_smoothing=config.label_smoothing)
        if self._shards:
            logits = self._shards.backward(loss, images, labels)
        else:
            self.optimizer.zero_grad()
            with self._products():
                logits = self._parallel(images).float()
            loss(logits, labels).backward()
        self.optimizer.step()
        self.step += 1
        self._recent.append(Batch(chosen, logits.detach(), labels))

    def _operators(self) -> AbstractContextManager[None]:
        """Within it, a step's operators use as many threads as serves them best."""
        return self._shards.single_threaded() if self._shards else nullcontext()

    def _products(self) -> torch.autocast:
        """Within it, layers multiply in the recipe's precision; at the end as a user's will."""
        short = self._short and self.step < self.total_steps
        return torch.autocast(self.device.type, torch.bfloat16, enabled=short)

    def _take_averages(self) -> None:
        """Loss and accuracy of the batches since the last record, all at once: it costs less."""
        parts = map(torch.cat, zip(*self._recent, strict=True))
        self.last_batch = Batch(*map(distributed.gather, parts))
        _, logits, labels = self.last_batch
        self._recent.clear()
        right = (logits.argmax(1) == labels).float().mean()
        new = torch.stack([torch.ones_like(right), functional.cross_entropy(logits, labels), right])
        self._sums.lerp_(new, min(1.0, len(labels) / RUNNING_AVERAGE_IMAGES))

    def _chosen(self) -> Tensor:
        """The places of the images of the next batch."""
        epoch, place = divmod(self.step, self.batches)
        if self._order_epoch != epoch:
            order = self.taught.order(self.config.seed, epoch)
            self._order, self._order_epoch = order.to(self.device), epoch
        return self._order[place * self.batch_size : (place + 1) * self.batch_size]

    def _learning_rate(self) -> float:
        share = SCHEDULES[self.config.schedule](self.step / self.total_steps)
        return self.config.learning_rate * share

    def _test_steps(self) -> set[int]:
        """Often at first, when most happens; then evenly. Some 5 % of the time of the run."""
        times = min(40, max(10, self.total_steps * self.batch_size // 6_000))
        early = {round(self.total_steps * share) for share in (0.01, 0.025, 0.05)}
        return early | {round(self.total_steps * n / times) for n in range(1, times + 1)}

    def _tested(self, progress: Progress) -> Progress:
        """With a test: all images at the end; on the way 1,000 of them, or 500 in a short run."""
        long = self.total_steps * self.batch_size >= 50_000
        count = len(self.test_set) if self.step == self.total_steps else 1000 if long else 500
        places = spread_sample(len(self.test_set), count)
        sample = self.test_set.select(places)
        with self._products():
            score = evaluate(self.network, sample)
        self.require_finite(score.loss)
        self.last_test = sample.labels, score
        wrong = (score.predicted != sample.labels).nonzero().flatten().tolist()
        fixed = range(min(N_SHOWN_PREDICTIONS, len(sample)))
        rows = [*fixed, *[index for index in wrong if index not in fixed][:N_SHOWN_MISTAKES]]
        own = torch.tensor(first_learned(self.config, self.taught))
        learned = evaluate(self.network, self.taught.select(own))
        return replace(
            progress,
            test_loss=score.loss,
            test_accuracy=score.accuracy,
            test_count=score.count,
            predictions=_predictions(places[rows], score, rows),
            train_predictions=_predictions(own, learned, range(len(own))),
        )

    def require_finite(self, test_loss: float | None = None) -> None:
        """Raise DivergenceError if the loss, a weight or this test loss is not finite any more."""
        numbers = (self._sums, *self.network.state_dict().values())
        finite = torch.stack([each.isfinite().all() for each in numbers]).all().item()
        if not finite or not math.isfinite(test_loss or 0.0):
            raise DivergenceError(
                f"The loss grew beyond all bounds after {self.step * self.batch_size:,} images: "
                "try a smaller learning rate, such as "
                f"{suggest_learning_rate(self.config.learning_rate):g}."
            )

    def _progress(self, begun: float, first: int) -> Progress:
        """Where training stands, which began at that time and with that step."""
        weight, loss, right = self._sums.tolist()
        images, done = self.step * self.batch_size, self.step - first
        elapsed = time.perf_counter() - begun
        return Progress(
            step=self.step,
            total_steps=self.total_steps,
            epoch=self.step / self.batches,
            images=images,
            loss=loss / weight if weight else None,
            train_accuracy=right / weight if weight else None,
            learning_rate=self._learning_rate(),
            seconds=self.seconds,
            images_per_second=images / self.seconds if self.seconds else 0.0,
            seconds_left=elapsed / done * (self.total_steps - self.step) if done else None,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the numbers to come depend on, fit for `torch.save`."""
        random, device_random = random_state(self.device)
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "sums": self._sums,
            "random": random,
            "device_random": device_random,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; raises TrainingError if it does not belong to this recipe."""
        try:
            step, seconds, sums = state["step"], state["seconds"], state["sums"]
            if not (
                0 <= step <= self.total_steps and 0 <= seconds < math.inf and sums.shape == (3,)
            ):
                raise ValueError("This is no place in this run.")
            self.network.load_state_dict(state["network"])
            groups = self.optimizer.state_dict()["param_groups"]  # as the recipe has them
            known = state["optimizer"] | {"param_groups": groups}
            self.optimizer.load_state_dict(known)
            for weights, kept in self.optimizer.state.items():
                for each in filter(lambda value: value is not None, kept.values()):
                    if each.shape not in ((), weights.shape):
                        raise ValueError("This belongs to another network.")
            self.step, self.seconds = int(step), float(seconds)
            self.busy = self.seconds
            self._sums = sums.to(self.device)
            set_random_state((state["random"], state["device_random"]), self.device)
        except Exception as error:  # torch raises all kinds for what does not fit
            raise TrainingError(
                "This checkpoint does not belong to this run: start the run anew."
            ) from error


def random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """The states of torch's global random generators, the processor's and another device's."""
    other = None if device.type == "cpu" else torch.get_device_module(device).get_rng_state()
    return torch.get_rng_state(), other


def set_random_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    """The inverse of `random_state`."""
    here, other = state
    torch.set_rng_state(here.cpu())
    if device.type != "cpu" and other is not None:
        torch.get_device_module(device).set_rng_state(other.cpu())


def _predictions(images: Tensor, score: Score, rows: Sequence[int]) -> tuple[Prediction, ...]:
    """Of a score, these rows, which are of these images."""
    numbers = (images, score.predicted[rows], score.confidence[rows])
    triples = zip(*(each.tolist() for each in numbers), strict=True)
    return tuple(Prediction(image, digit, round(sure, 4)) for image, digit, sure in triples)


def train(config: TrainConfig, train_set: Digits, test_set: Digits) -> Trainer:
    """Iterate over the result to train: `for progress in train(config, *load("mnist")): ...`."""
    return Trainer(config, train_set, test_set)
