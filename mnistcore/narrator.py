"""What is happening in a run, in one plain sentence that changes only when something does."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Record = dict[str, Any]  # a training.Progress as plain values

GUESSING = 0.2  # test accuracy up to which a network does no better than a guess in ten
POOR = 0.95  # where a network stands that has stopped, or ended, below what digits allow
MILESTONES = {
    0.0: "It has only begun to learn: watch whether the curves rise.",
    GUESSING: "The first digits are told apart: it has found something to go by.",
    0.5: "It reads half of the test images already.",
    0.75: "It reads three of four test images.",
    0.9: "It reads nine of ten test images. From here on, every step is harder won.",
    0.95: "It reads 19 of 20 test images that it has never learned from.",
    0.98: "It reads 98 of a hundred test images: those that are left are the odd ones.",
    0.99: "It misreads fewer than one test image in a hundred.",
}


def narrate(records: Sequence[Record]) -> str:
    """One sentence on where a run stands; records: its Progress records, in order.

    Nothing is said that one test alone shows: it has to be so in two tests in a row, and what has
    been reached is not taken back by chance. So the sentence does not flicker, and whoever has it
    read aloud is not talked to all the time.
    """
    tested = [record for record in records if record.get("test_accuracy") is not None]
    if not tested or not tested[-1]["step"]:
        return "It has seen nothing yet: its weights are random, and one guess in ten is right."
    if tested[-1]["step"] == tested[-1]["steps"]:
        return _at_the_end(tested[-1])
    seen = [_remarkable(tested[: number + 1]) for number in range(len(tested))]
    remark = ""
    for before, now in pairwise(seen):
        remark = now if now == before else remark
    if remark:
        return remark
    reached = max(min(a["test_accuracy"], b["test_accuracy"]) for a, b in pairwise(tested))
    return next(MILESTONES[least] for least in sorted(MILESTONES, reverse=True) if reached >= least)


def _remarkable(tested: Sequence[Record]) -> str:
    """What the tests so far show beyond steady progress; empty if that is all."""
    now = tested[-1]
    best = max(record["test_accuracy"] for record in tested)
    if now["test_accuracy"] <= GUESSING:
        if best > 2 * GUESSING:
            return "It has lost what it knew: its steps are too big. Try a lower learning rate."
        if now["step"] > 0.25 * now["steps"]:
            return "It is still guessing: perhaps its steps are far too big, or far too small."
        return ""
    if now["test_accuracy"] < best - 0.05 - _noise(now):
        return "It has become worse than it was: a step was too big. Mostly it catches itself."
    gain = _gain(tested)
    if _gap(now):
        if gain is None or gain > 0.08:
            return "It does better on the images that it learns from than on new ones."
        if now["train_accuracy"] < 0.999:
            return "Training still improves, the test has stopped: it learns its images by heart."
        return "It knows its own images by heart, and no longer gets better at reading new ones."
    if gain is None or now["step"] < 0.25 * now["steps"]:
        return ""
    if now["test_accuracy"] < POOR:
        if gain < 0.08:
            return "It has stopped improving, well below 100 %, on old and new images alike."
        if gain < 0.3:
            return "It improves only slowly: too simple for this, or its steps are too small."
    elif gain < 0.08:
        return "Little changes any more: it has learned nearly all that it is going to."
    return ""


def _at_the_end(now: Record) -> str:
    if _gap(now):
        return (
            "It has finished, and reads its own images far better than new ones: it has learned "
            "by heart."
        )
    if now["test_accuracy"] < POOR:
        return (
            "It has finished well below 100 %, on old and new images alike: too simple, or not "
            "enough time."
        )
    return "It has finished, and reads new images about as well as those that it learned from."


def _gap(record: Record) -> bool:
    """Whether it does better on training images than on test images, beyond chance."""
    gap = (record["train_accuracy"] or 0.0) - record["test_accuracy"]
    return gap > 0.02 + _noise(record)


def _gain(tested: Sequence[Record]) -> float | None:
    """The share of its misreadings that it lost in the last 40 % of what it has seen so far."""
    now = tested[-1]["step"]
    late = [record["test_accuracy"] for record in tested if record["step"] > 0.6 * now]
    early = [r["test_accuracy"] for r in tested if 0.2 * now < r["step"] <= 0.6 * now]
    if len(late) < 2 or len(early) < 2:
        return None
    before = 1 - sum(early) / len(early)
    return (before - 1 + sum(late) / len(late)) / max(before, 0.001)


def _noise(record: Record) -> float:
    """How far a test accuracy is likely off by chance: two standard errors."""
    share = record["test_accuracy"]
    return 2 * (share * (1 - share) / max(1, record["test_count"])) ** 0.5
