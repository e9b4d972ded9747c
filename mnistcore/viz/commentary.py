"""Commentary on a run: its figures, and one plain sentence that is true of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from mnistcore.config import Defect
from mnistcore.evaluation import diagnosis
from mnistcore.records import Progress, RunResult, RunStatus, State

GOOD_ACCURACY = 1 - diagnosis.MAX_TRAIN_ERROR  # below it, a network has stopped short of the task
HARDLY = 0.01  # of accuracy: no more is to come once a plateau is reached
AHEAD = 0.02  # by which the test accuracy is seen to be above that of training
MILESTONES = {  # by what the test accuracy has to exceed
    diagnosis.CHANCE_ACCURACY: "The first digits are told apart: it has found something to go by.",
    0.5: "It reads more than half of the test images already.",
    0.75: "It reads more than three of four test images.",
    0.9: "It reads more than nine of ten test images. From here on, every step is harder won.",
    0.95: "It reads more than 19 of 20 test images that it has never learned from.",
    0.98: "It reads more than 98 of a hundred test images: those that are left are the odd ones.",
    0.99: "It misreads fewer than one test image in a hundred.",
}
_ENDS = {
    "about right": ", and reads new images about as well as those that it learned from.",
    "overfitting": ", and reads its own images far better than new ones: it has learned by heart.",
    "underfitting": " well below 100 %, on old and new images alike: "
    "too simple, or not enough time.",
}


_VERDICTS = {
    "about right": "Learned to read",
    "overfitting": "Learned by heart",
    "underfitting": "Falls short",
    "spoiled": "Spoiled",
}


class Commentary(NamedTuple):
    """What is said of a run, all of it from the same records."""

    figures: Progress | None  # the newest, with the newest test; None before the first
    sentence: str
    verdict: str = ""  # in a few words, once it has ended
    plateau: str = ""  # since when it hardly improved, if that was early


def describe_run(
    status: RunStatus, records: Sequence[Progress], defect: Defect = diagnosis.CLEAN
) -> Commentary:
    """Figures and sentence of a run, by its judgement if it has one; records: read after status.

    defect: how its training images were spoiled.
    """
    figures = status.progress or (records[-1] if records else None)
    tested = [record for record in records if record.test_accuracy is not None]
    result = status.result
    if figures and tested:
        figures = _with_test(figures, tested[-1])
    if result and result.diverged:
        return Commentary(figures, f"It came to an end early: {diagnosis.RAN_AWAY}.")
    if status.state in ("finished", "stopped") and result and result.is_evaluated:
        figures = figures and _with_test(figures, result)
        if result.images:  # else it was stopped before it learned from any
            found = _diagnose(result, records, defect)
            sentence = _at_the_end(status.state, found, spoiled=bool(defect))
            verdict = _VERDICTS.get(found.kind, found.title)
            return Commentary(figures, sentence, verdict, describe_plateau(result, tested))
    newest = [figures] if figures else []
    return Commentary(figures, comment([*tested[:-1], *newest], defect))


def describe_plateau(result: RunResult, tested: Sequence[Progress]) -> str:
    """From which test on, in the first half, a run stayed about as good as in the end, or nothing.

    tested: its records that have a test.
    """
    end, start = result.test_accuracy or 0.0, None
    if end < diagnosis.LEARNED:
        return ""
    for record in reversed(tested):
        if abs(_accuracy(record) - end) > HARDLY + 1e-9:
            break
        start = record
    if start is None or start.images >= result.images / 2:
        return ""
    return (
        f"After {start.images:,} images it hardly improved: {_accuracy(start):.1%} then, "
        f"{end:.1%} at the end."
    )


def is_test_ahead(records: Sequence[Progress]) -> bool:
    """Whether its test curve was ever clearly above its training curve, which lags behind."""
    gaps = (
        record.test_accuracy - record.train_accuracy
        for record in records
        if record.test_accuracy is not None and record.train_accuracy is not None
    )
    return max(gaps, default=0.0) > AHEAD


def _with_test(figures: Progress, test: Progress | RunResult) -> Progress:
    names = ("test_accuracy", "test_loss", "test_count")
    return replace(figures, **{name: getattr(test, name) for name in names})


def comment(records: Sequence[Progress], defect: Defect = diagnosis.CLEAN) -> str:
    """One sentence on where training stands; records: its Progress records, in order.

    What the newest test says is never contradicted. All else has to be so in two tests in a row,
    and then stays as long as no more than chance is against it: so the sentence does not flicker,
    and whoever has it read aloud is not talked to all the time.
    """
    tested = [record for record in records if record.test_accuracy is not None]
    if not tested or not tested[-1].step:
        return (
            "It has seen nothing yet: its weights are random, and about one guess in ten is right."
        )
    found = _diagnose(tested[-1], tested, defect)
    if told := _trouble(tested, found, bool(defect)):
        return told
    if told := _remark_on_spoiled(tested[-1], defect) if defect else _remark(tested):
        return told
    passed = [least for least in MILESTONES if _accuracy(tested[-1]) > least]
    if not passed:
        return "It has only begun to learn: mostly it still guesses."
    return MILESTONES[max(passed)]


def _remark(tested: Sequence[Progress]) -> str:
    """What two tests in a row have shown, unless the newest is against it; empty if nothing."""
    remark, then = "", 0.0
    seen = [(_remarkable(tested[: n + 1]), record) for n, record in enumerate(tested)]
    for (before, _), (now, record) in pairwise(seen):
        accuracy, count = _accuracy(record), record.test_count
        if now == before:
            remark, then = now, accuracy
        elif abs(accuracy - then) > diagnosis.margin_of_error(accuracy, count):
            remark = ""
    return remark


def _remark_on_spoiled(now: Progress, defect: Defect) -> str:
    """How it shows in the two curves that the training images were spoiled; empty if it does not.

    The training curve goes by the labels that were taught, the test curve by true ones.
    """
    train_accuracy, accuracy = now.train_accuracy or 0.0, _accuracy(now)
    if defect.kind != "label-noise":
        gap = diagnosis.generalization_gap_is_real(train_accuracy, accuracy, now.test_count)
        return f"{capitalized(defect.why)}." if gap else ""
    if diagnosis.learns_wrong_labels(defect, train_accuracy):
        most = diagnosis.attainable_accuracy(defect)
        return (
            f"Training is above {most:.0%}, more labels than can be told from the images: it "
            "begins to learn wrong ones by heart."
        )
    if accuracy > train_accuracy + AHEAD:
        return (
            f"The test is ahead, for its labels are true: of those of training, {defect.share:.0%} "
            "are wrong."
        )
    return ""


def _trouble(tested: Sequence[Progress], found: diagnosis.Diagnosis, spoiled: bool) -> str:
    """What is plain from the newest test: it has run away, fallen, or only guesses; else empty."""
    now = tested[-1]
    # Before, it may yet find its feet.
    over = _is_late(now) or diagnosis.best_accuracy(tested) >= diagnosis.LEARNED
    if found.kind == "diverged" or (found.kind == "collapsed" and over):
        return f"{capitalized(found.reason)}. Try a smaller learning rate."
    if spoiled:  # then a test may fall for other reasons
        return ""
    accuracy = _accuracy(now)
    margin = diagnosis.margin_of_error(accuracy, now.test_count)
    if accuracy < diagnosis.best_accuracy(tested) - 0.05 - margin:
        return "It has become worse than it was: a step was too big. Mostly it catches itself."
    if accuracy <= diagnosis.CHANCE_ACCURACY and _is_late(now):
        return "It is still guessing: perhaps its steps are far too big, or far too small."
    return ""


def _remarkable(tested: Sequence[Progress]) -> str:
    """What the tests so far show beyond steady progress; empty if that is all."""
    now, gain = tested[-1], _gain(tested)
    train_accuracy, accuracy = now.train_accuracy or 0.0, _accuracy(now)
    if diagnosis.generalization_gap_is_real(train_accuracy, accuracy, now.test_count):
        if gain is None or gain > 0.08:
            return "It does better on the images that it learns from than on new ones."
        if train_accuracy < 0.999:
            return "Training still improves, the test has stopped: it learns its images by heart."
        return "It knows its own images by heart, and no longer gets better at reading new ones."
    if gain is None or not _is_late(now):
        return ""
    if accuracy < GOOD_ACCURACY:
        if gain < 0.08:
            return "It has stopped improving, well below 100 %, on old and new images alike."
        if gain < 0.3:
            return "It improves only slowly: too simple for this, or its steps are too small."
    elif gain < 0.08:
        return "Little changes any more: it has learned nearly all that it is going to."
    return ""


def _is_late(record: Progress) -> bool:
    """Whether something ought to have come of it by now."""
    return record.step >= 0.25 * record.total_steps


def _at_the_end(state: State, found: diagnosis.Diagnosis, spoiled: bool) -> str:
    how = "It has finished" if state == "finished" else "It was stopped"
    if spoiled:
        return f"{how}: {found.reason}."
    return how + _ENDS.get(found.kind, f": {found.reason}.")


def _diagnose(
    judged: Progress | RunResult, history: Sequence[Progress], defect: Defect
) -> diagnosis.Diagnosis:
    figures = judged.train_accuracy or 0.0, _accuracy(judged), judged.test_count
    return diagnosis.diagnose_fit(
        *figures, test_loss=judged.test_loss, history=history, defect=defect
    )


def _accuracy(tested: Progress | RunResult) -> float:
    return tested.test_accuracy or 0.0


def _gain(tested: Sequence[Progress]) -> float | None:
    """The share of its misreadings that it lost in the last 40 % of what it has seen so far."""
    now = tested[-1].step
    late = [_accuracy(record) for record in tested if record.step > 0.6 * now]
    early = [_accuracy(record) for record in tested if 0.2 * now < record.step <= 0.6 * now]
    if len(late) < 2 or len(early) < 2:
        return None
    before = 1 - sum(early) / len(early)
    return (before - 1 + sum(late) / len(late)) / max(before, 0.001)


def capitalized(words: str) -> str:
    """Words as a sentence begins; `str.capitalize` would also lower what follows."""
    return words[:1].upper() + words[1:]
