"""How good a network really is: its mistakes, how far to trust it, and a verdict in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mnistcore import plain, predict, runs
from mnistcore.data import Digits
from mnistcore.diagnosis import FitDiagnosis, Record, diagnose_fit, margin_of_error
from mnistcore.errors import MnistError, RunError
from mnistcore.network import CLASSES
from mnistcore.training import Score, TrainConfig, check, evaluate, order

CLEAN_COUNT = 5_000  # images on which a training accuracy rests, if nobody took it before
FEW = 1_000  # fewer than these and the verdict says how many
BANDS = 10  # of confidence: 0 to 10 %, ... 90 to 100 %


class Origin(NamedTuple):
    """What a network learned from, as far as it is written down."""

    dataset: str | None  # a key of data.TITLES, or None: whatever there was
    recipe: Mapping[str, Any]  # what is known of its TrainConfig
    images: int  # shown to it in training, repeats included
    accuracy: float | None  # on some of these, if it was taken when it had learned
    accuracy_count: int  # how many

    def met(self, dataset: str) -> bool:
        """Whether it learned from this one, perhaps among others ("mnist+digits")."""
        return self.dataset is None or dataset in self.dataset.split("+")


UNKNOWN = Origin(None, {}, 0, None, 0)


@dataclass(frozen=True)
class Exam:
    """What a network says of test images, beside how it does on images that it learned from."""

    model: predict.Model
    test: Digits
    score: Score  # on every image of `test`
    train_accuracy: float | None  # 0 to 1; None where what it learned from is not there, or nothing
    train_count: int  # images that it learned from that this rests on
    learned: Origin = UNKNOWN


class Band(NamedTuple):
    """All answers of about the same confidence."""

    low: float  # shares, 0 to 1
    high: float
    count: int  # answers
    confidence: float  # their mean
    accuracy: float  # share of them that is right


class Verdict(NamedTuple):
    """What the two accuracies mean: a diagnosis.FitDiagnosis with the figures that it rests on."""

    kind: str
    title: str
    sentence: str
    rests_on: str
    advice: tuple[str, ...]  # what to try next


def origin(which: str, runs_folder: Path | None = None) -> Origin:
    """What the network by this name (see predict.load_model) learned from."""
    path = predict.source(which, runs_folder)
    if which == predict.SHIPPED or which.endswith(".safetensors"):
        card = predict.load_network(path)[1]
        recipe, result, dataset = card.get("recipe"), card, card.get("dataset", "mnist")
    else:
        run = runs.Run(path.parent)
        config = run.config()
        recipe, dataset = config["recipe"], config.get("dataset")
        done = path == run.model
        result = run.status().result if done else {"images": _images_before(path, recipe)}
    images, accuracy, count = (
        max(0, value) if plain.is_number(value := result.get(name)) else None
        for name in ("images", "train_accuracy", "train_count")
    )
    if images == 0 or accuracy is None:  # stopped before it learned from any
        count = 0
    return Origin(
        dataset if isinstance(dataset, str) else None,
        _believed(recipe),
        int(images or 0),
        accuracy if count else None,
        int(count or 0),
    )


def _believed(recipe: Any) -> Mapping[str, Any]:
    """A recipe as it was written, if one can train by it; else nothing is known of it."""
    try:
        check(TrainConfig.from_dict(recipe), images=1)
    except MnistError:
        return {}
    return recipe


def _images_before(checkpoint: Path, recipe: Mapping[str, Any]) -> int:
    """How many images were shown before it was written: the status of its run is ahead of it."""
    try:
        step = torch.load(checkpoint, map_location="cpu", weights_only=True)["step"]
        return int(step) * int(recipe["batch_size"])
    except Exception:  # torch raises all kinds for a damaged file; whoever loads it says so
        return 0


def shown(train: Digits, recipe: Mapping[str, Any], images: int) -> Digits:
    """Those that a run has learned from, as its first epoch shows them.

    train: all that there were; recipe: at least `train_size`, `batch_size` and `seed` of its
    TrainConfig; images: how many it was shown, repeats included. What does not fill a batch is left
    out of every epoch, each time something else.
    """
    train = train.first(recipe["train_size"] or len(train))
    batch = min(recipe["batch_size"], len(train))
    first = order(recipe["seed"], 0, len(train))[: min(images, len(train) // batch * batch)]
    return train.at(first)


def known(learned: Origin, train: Digits) -> Digits | None:
    """Those of the images of `train` that a network learned from; None where nobody knows."""
    told = learned.recipe.keys() >= {"train_size", "batch_size", "seed"}
    if not told or not learned.images or learned.dataset != train.dataset:
        return None
    return shown(train, learned.recipe, learned.images)


def examine(model: predict.Model, learned: Origin, train: Digits, test: Digits) -> Exam:
    """Let a network read every test image and, unless that is known, what it learned from."""
    accuracy, count = learned.accuracy, learned.accuracy_count
    if not learned.met(train.dataset):
        accuracy, count = None, 0
    elif accuracy is None and (clean := known(learned, train)) is not None:
        clean = clean.first(CLEAN_COUNT)
        accuracy, count = evaluate(model.network, clean).accuracy, len(clean)
    return Exam(model, test, evaluate(model.network, test), accuracy, count, learned)


def confusion(labels: Tensor, predicted: Tensor) -> Tensor:
    """(n,) and (n,) int64 -> (10, 10) int64: how many of the digit `row` were read as `column`."""
    pairs = torch.bincount(labels * CLASSES + predicted, minlength=CLASSES**2)
    return pairs.view(CLASSES, CLASSES)


def surest(score: Score, chosen: Tensor) -> list[int]:
    """The places of the `chosen` images, (n,) bool, those with the surest answer first."""
    places = chosen.nonzero().flatten()
    return places[score.confidence[places].argsort(descending=True, stable=True)].tolist()


def mistakes(exam: Exam) -> list[int]:
    """The places of the test images that were misread, the surest mistake first."""
    return surest(exam.score, exam.score.predicted != exam.test.labels)


def behind(exam: Exam, true: int, said: int) -> list[int]:
    """The places of the test images of a `true` that were read as a `said`, the surest first."""
    return surest(exam.score, (exam.test.labels == true) & (exam.score.predicted == said))


def bands(labels: Tensor, score: Score) -> list[Band]:
    """The answers sorted into BANDS equal bands of confidence, without those that are empty."""
    confidence = score.confidence.nan_to_num()  # of weights that ran away it is no number
    place = (confidence * BANDS).long().clamp(max=BANDS - 1)
    right = (score.predicted == labels).double()
    found = []
    for band in range(BANDS):
        here = place == band
        if count := int(here.sum()):
            means = float(confidence[here].double().mean()), float(right[here].mean())
            found.append(Band(band / BANDS, (band + 1) / BANDS, count, *means))
    return found


def calibration_error(bands: list[Band]) -> float:
    """The expected calibration error: how far confidence is from the share right, 0 to 1."""
    total = sum(band.count for band in bands)
    return sum(band.count * abs(band.confidence - band.accuracy) for band in bands) / total


def calibration_in_words(bands: list[Band]) -> str:
    """What a confidence of so many percent is worth."""
    top, total = bands[-1], sum(band.count for band in bands)
    off = calibration_error(bands)
    lean = sum(band.count * (band.confidence - band.accuracy) for band in bands) / total
    if off < 0.01:
        trust = "You can take its word for how sure it is"
    elif abs(lean) < off / 2:
        trust = "It is too sure at times and too modest at others"
    else:
        trust = "It is surer than it should be" if lean > 0 else "It is better than it thinks"
    return (
        f"Of the **{top.count:,}** answers that it gave with {top.low:.0%} to {top.high:.0%} "
        f"confidence, **{top.accuracy:.1%}** were right. {trust}: over all {total:,} answers its "
        f"confidence is off by {100 * off:.1f} percentage points on average."
    )


def way(which: str, images: int, runs_folder: Path | None = None) -> tuple[list[Record], bool]:
    """What a run went through until it had seen so many images, and whether it diverged then.

    Its records, in order; none of a file, or of the network that comes with the app.
    """
    try:
        run = runs.find(which, runs_folder)
    except RunError:
        return [], False
    records = [record for record in run.metrics() if record["images"] <= images]
    return records, run.status().result == runs.DIVERGED


def judge(exam: Exam, history: Sequence[Record] = (), diverged: bool = False) -> Verdict | None:
    """The verdict on a network that was examined; the rest is what `way` tells of its training.

    None where nobody knows how it reads what it learned from.
    """
    if exam.train_accuracy is None:
        return None
    score = exam.score
    found = diagnose_fit(
        exam.train_accuracy,
        score.accuracy,
        score.count,
        test_loss=score.loss,
        history=history,
        one_digit=float(score.predicted.bincount().max()) / score.count,
        diverged=diverged,
        learning_rate=exam.learned.recipe.get("learning_rate"),
    )
    return verdict(exam.train_accuracy, exam.train_count, score.accuracy, score.count, found)


def verdict(
    train_accuracy: float,
    train_count: int,
    test_accuracy: float,
    test_count: int,
    found: FitDiagnosis | None = None,
) -> Verdict:
    """A diagnosis in words, with its figures; `found` where more is known than the accuracies."""
    found = found or diagnose_fit(train_accuracy, test_accuracy, test_count)
    few = f"{train_count:,} " if train_count < FEW else ""
    sentence = (
        f"It reads **{train_accuracy:.1%}** of the {few}images that it learned from and "
        f"**{test_accuracy:.1%}** of new ones: {found.reason}."
    )
    rests_on = (
        f"This rests on {test_count:,} test images that it never learned from, and {train_count:,} "
        f"that it did. Chance alone moves the test figure by up to "
        f"{100 * margin_of_error(test_accuracy, test_count):.1f} points."
    )
    return Verdict(found.kind, found.title, sentence, rests_on, found.advice)
