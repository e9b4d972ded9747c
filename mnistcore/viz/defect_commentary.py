"""Commentary on spoiled training data: what to bet on, and the damage in plain sentences."""

from collections.abc import Sequence
from typing import NamedTuple

from mnistcore.config import NUM_CLASSES, Defect
from mnistcore.records import RunResult

Confusion = Sequence[Sequence[int]]  # ten rows of ten: how many images of a digit are read as which
PLURALS = (
    "zeros",
    "ones",
    "twos",
    "threes",
    "fours",
    "fives",
    "sixes",
    "sevens",
    "eights",
    "nines",
)
LEFT_OUT = ("missing-class", "class-imbalance")  # one digit, or most of it


class Answer(NamedTuple):
    """To the question of a bet."""

    digit: int
    images: int  # test images that speak for it
    of: int


def question(defect: Defect) -> str:
    """What a digit can be bet on; empty where there is nothing to guess."""
    if defect.kind in LEFT_OUT:
        return f"What will it take {PLURALS[defect.digit]} for?"
    return "" if defect.kind in ("none", "swapped-labels") else "Which digit will suffer most?"


def choices(defect: Defect) -> list[int]:
    """The digits that can be bet on: a left-out one is not taken for itself."""
    out = {defect.digit} if defect.kind in LEFT_OUT else set()
    return [digit for digit in range(NUM_CLASSES) if digit not in out]


def answer(defect: Defect, confusion: Confusion) -> Answer:
    """What came of it: the digit for which most of a left-out one are taken, or the worst read."""
    if defect.kind in LEFT_OUT:
        row = confusion[defect.digit]
        most = max(choices(defect), key=row.__getitem__)
        return Answer(most, row[most], sum(row))
    shares = recalls(confusion)
    worst = shares.index(min(shares))
    return Answer(worst, confusion[worst][worst], sum(confusion[worst]))


def invite(defect: Defect) -> str:
    """What to teach a network by hand that a digit was kept from; empty where none was."""
    if defect.kind not in LEFT_OUT:
        return ""
    a = "an" if defect.digit == 8 else "a"
    seen = "never" if defect.kind == "missing-class" else "hardly"
    return f"Write {a} {defect.digit}: it has {seen} seen one. Then tap which digit it is."


def judge_bet(defect: Defect, bet: int, confusion: Confusion) -> str:
    """Whether a bet on a digit was right, in a sentence."""
    digit, images, of = answer(defect, confusion)
    was = "right" if bet == digit else "not this time"
    if defect.kind in LEFT_OUT:
        which = PLURALS[defect.digit]
        told = f"{images:,} of {of:,} are taken for {PLURALS[digit]}"
        return f"You bet that it takes {which} for {PLURALS[bet]}: {was}, {told}."
    told = f"of {PLURALS[digit]} it reads {images / max(1, of):.0%}, fewest of all"
    return f"You bet on {PLURALS[bet]}: {was}, {told}."


def recalls(confusion: Confusion) -> list[float]:
    """The share of each digit's test images that is read right; of a digit without any, 1."""
    return [row[digit] / sum(row) if sum(row) else 1.0 for digit, row in enumerate(confusion)]


def describe_damage(defect: Defect, result: RunResult) -> str:
    """What it takes the worst digit for, and what wrong labels did; empty if unknown."""
    return " ".join(filter(None, (_by_digit(defect, result.confusion), _by_label(defect, result))))


def _by_digit(defect: Defect, confusion: Confusion) -> str:
    if not confusion:
        return ""
    named = defect.kind in (*LEFT_OUT, "swapped-labels")
    digit = defect.digit if named else answer(defect, confusion).digit
    row = confusion[digit]
    wrong = sorted((d for d in range(len(row)) if d != digit and row[d]), key=lambda d: -row[d])
    said = [f"{row[d]:,} for {PLURALS[d]}" for d in wrong[:3]]
    right = f"{row[digit]:,}" if row[digit] else "none"
    start = f"Of the {sum(row):,} {PLURALS[digit]} in the test it reads {right} right"
    return f"{start}; it takes {_enumerate(said)}." if said else f"{start}."


def _by_label(defect: Defect, result: RunResult) -> str:
    labelled, true = result.train_accuracy, result.true_train_accuracy
    if labelled is None or true is None:
        return ""
    told = (
        f"Of {result.train_count:,} training images it gives {labelled:.1%} the label that they "
        f"were given, and reads {true:.1%} as what they show"
    )
    if defect.kind != "label-noise":
        return f"{told}."
    return f"{told}: it {'has learned' if labelled > true else 'sees through'} the wrong labels."


def _enumerate(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
