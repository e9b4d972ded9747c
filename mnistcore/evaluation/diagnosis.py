"""Bias, variance, divergence: whether a training fits, and if not, what went wrong."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from mnistcore.config import DEFECTS, NUM_CLASSES, Defect
from mnistcore.records import Progress

CHANCE_LOSS = math.log(10)  # cross-entropy of who calls ten digits equally likely: 2.3026
EXPLODED_LOSS = 2 * CHANCE_LOSS  # no start is as bad as this: only steps too big lead here
CHANCE_ACCURACY = 0.2  # up to which a network does no better than a guess in ten
LEARNED = 0.3  # accuracy from which it has clearly learned something
ONE_DIGIT = 0.95  # share of its answers from which it is said to give always the same
MAX_TRAIN_ERROR = 0.05  # misreading more of the images that it learned from is underfitting
MAX_GENERALIZATION_GAP = 0.025  # losing more than this on new images is overfitting
RAN_AWAY = "its steps were too big, and its loss ran away"
SAFE_RATE = 0.01  # a learning rate with which every optimizer here gets somewhere
CLEAN = Defect()
_TITLES = {"diverged": "Its loss ran away", "collapsed": "It only guesses"}


class Diagnosis(NamedTuple):
    """What is the matter with a network that has learned."""

    kind: str  # "underfitting", "overfitting", "about right", "diverged", "collapsed" or "spoiled"
    title: str  # in plain words; what it is called follows in `term`
    reason: str  # the rest of a sentence: "it fails already on what it was taught"
    advice: tuple[str, ...]  # what to try next
    sentence: str = ""  # the two accuracies and the reason; see report.report_diagnosis
    rests_on: str = ""  # how many images, and what chance alone does
    term: str = ""  # as the field has it: "overfitting: high variance"


def margin_of_error(accuracy: float, count: int) -> float:
    """How far an accuracy on `count` images is likely off by chance alone: two standard errors."""
    # One image more on either side, so that 100 % of a few images is not taken for certain.
    share = (accuracy * count + 1) / (count + 2)
    return 2 * math.sqrt(share * (1 - share) / max(1, count))


def generalization_gap_is_real(
    train_accuracy: float, test_accuracy: float, test_count: int
) -> bool:
    """Whether new images are read worse than learned ones, by more than chance explains."""
    margin = margin_of_error(test_accuracy, test_count)
    return train_accuracy - test_accuracy > max(MAX_GENERALIZATION_GAP, margin)


def attainable_accuracy(defect: Defect) -> float:
    """The training accuracy, as labelled, of who has learned all but wrong labels by heart."""
    share = defect.share if defect.kind == "label-noise" else 0.0
    return max(1 - share, share / (NUM_CLASSES - 1))


def learns_wrong_labels(defect: Defect, train_accuracy: float) -> bool:
    """Whether so many images are read as they were labelled, that wrong ones are among them."""
    most = attainable_accuracy(defect) + MAX_GENERALIZATION_GAP
    return defect.kind == "label-noise" and train_accuracy > most


def best_accuracy(history: Sequence[Progress]) -> float:
    """The highest test accuracy on the way, 0 where no test was taken."""
    tests = [record.test_accuracy for record in history]
    return max((accuracy for accuracy in tests if accuracy is not None), default=0.0)


def suggest_learning_rate(learning_rate: float) -> float:
    """What to try where steps were too big: a tenth, and no more than is safe; one digit."""
    return float(f"{min(SAFE_RATE, learning_rate / 10):.1g}")


def diagnose_fit(
    train_accuracy: float,
    test_accuracy: float,
    test_count: int,
    *,
    test_loss: float | None = None,
    history: Sequence[Progress] = (),
    one_digit: float | None = None,
    diverged: bool = False,
    learning_rate: float | None = None,
    defect: Defect = CLEAN,
) -> Diagnosis:
    """Tell the six ways apart in which a training can end.

    Accuracies are shares from 0 to 1. test_loss: mean cross-entropy; history: the records of the
    training, in order; one_digit: the share of test answers that are one and the same digit, for
    where there is no history; diverged: it broke off because something was not finite any more.

    A person reads nearly all digits, so misreading many of the very images that it learned from is
    the network's own fault (bias). What it loses on new images (variance) counts where it is more
    than chance explains. A bad loss alone proves nothing: what was learned by heart gives it, too.
    defect: how the training images were spoiled. Their accuracy is by the labels that they had, so
    of noisy ones no more can be had than is right, but by heart.
    """
    error, gap = attainable_accuracy(defect) - train_accuracy, train_accuracy - test_accuracy
    overfits = generalization_gap_is_real(train_accuracy, test_accuracy, test_count)
    if defect.kind == "label-noise":
        overfits = learns_wrong_labels(defect, train_accuracy)
    fails = error > MAX_TRAIN_ERROR and (error >= gap or not overfits)
    loss = CHANCE_LOSS if test_loss is None else test_loss
    if diverged or not math.isfinite(loss):
        return _too_big("diverged", RAN_AWAY, learning_rate)
    # Where the test is of another kind than what was learned from, it does not show this.
    comparable = defect.kind in ("none", "label-noise") or train_accuracy <= CHANCE_ACCURACY
    found = _went_wrong(test_accuracy, loss, history, one_digit or 0.0)
    if fails and comparable and found:
        return _too_big(*found, learning_rate)
    if fails:
        return Diagnosis(
            "underfitting",
            "It has learned too little",
            "it fails already on what it was taught",
            (
                "a bigger network: more layers, or wider ones",
                "more time: let it see the images more often",
                "another learning rate: steps too small get nowhere, steps too big never settle",
            ),
            term="underfitting: high bias",
        )
    if defect:
        return _diagnose_spoiled(defect, overfits, test_accuracy)
    if overfits:
        return Diagnosis(
            "overfitting",
            "It has learned by heart",
            "it has learned its examples by heart more than it learned to read",
            (
                "more training images",
                "augmentation: the same images, a little different every time",
                "dropout, weight decay or a smaller network: less room to learn by heart",
            ),
            term="overfitting: high variance",
        )
    return Diagnosis(
        "about right",
        "About right",
        "what it learned holds for digits that it has never seen",
        (
            "look at its surest mistakes, and whether you would have known",
            "see in sunshine and snow whether it reads what looks different from its lessons",
        ),
    )


def _diagnose_spoiled(defect: Defect, overfits: bool, test_accuracy: float) -> Diagnosis:
    """Of one that has learned what it was taught."""
    term = DEFECTS[defect.kind].term
    if defect.kind == "label-noise" and overfits:
        return Diagnosis(
            "overfitting",
            "It has learned wrong labels by heart",
            "it has learned labels by heart, and the wrong ones with them",
            (
                "to stop earlier: the wrong labels are learned last",
                "more images, each shown less often",
                "augmentation, dropout or a smaller network: less room to learn by heart",
            ),
            term=f"overfitting to {term}",
        )
    noisy = defect.kind == "label-noise"
    if overfits or (noisy and test_accuracy < 1 - MAX_TRAIN_ERROR):
        return Diagnosis(
            "spoiled",
            "Spoiled data",
            defect.why,
            (
                "the same again with clean data",
                "images like those that it will meet, and of all kinds",
            ),
            term=term,
        )
    return Diagnosis(
        "about right",
        "Hardly spoiled",
        "wrong labels of all kinds cancel out, as long as it cannot learn them by heart"
        if noisy
        else "what was done to its images hardly shows in the test",
        (
            "more of the same, to see when it breaks",
            "a look at which digits suffer first",
        ),
        term=f"robust to {term}",
    )


def _went_wrong(
    accuracy: float, loss: float, history: Sequence[Progress], one_digit: float
) -> tuple[str, str] | None:
    """Kind and reason, where a network that reads badly shows that its steps were too big."""
    best = best_accuracy(history)
    if loss > EXPLODED_LOSS:
        return "diverged", RAN_AWAY
    if accuracy <= CHANCE_ACCURACY:
        if best >= LEARNED:
            return "collapsed", f"its steps were too big, so it lost what it knew ({best:.0%} once)"
        losses = [loss or 0.0 for each in history for loss in (each.loss, each.test_loss)]
        if max(losses, default=0.0) > EXPLODED_LOSS:
            return "collapsed", "its steps were too big, and it never got past guessing"
        if not history and one_digit >= ONE_DIGIT:
            return "collapsed", "it gives the same answer to nearly everything"
    if best >= LEARNED and loss > CHANCE_LOSS:
        return "diverged", "its steps were too big, and its loss is worse than that of a guess"
    return None


def _too_big(kind: str, reason: str, learning_rate: float | None) -> Diagnosis:
    such_as = f", such as {suggest_learning_rate(learning_rate):g}" if learning_rate else ""
    advice = (
        f"a smaller learning rate{such_as}",
        "less momentum or larger batches: both make for calmer steps",
        "batch normalisation: it keeps the numbers inside the network within bounds",
    )
    return Diagnosis(kind, _TITLES[kind], reason, advice, term=kind)
