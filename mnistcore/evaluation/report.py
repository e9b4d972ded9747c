"""Evaluation report: a network on every test image, beside how it reads what it learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnistcore.data.digits import Digits
from mnistcore.evaluation.diagnosis import CLEAN, Diagnosis, diagnose_fit, margin_of_error
from mnistcore.evaluation.metrics import Score, by_confidence, evaluate
from mnistcore.evaluation.provenance import UNKNOWN, TrainingProvenance, seen_subset
from mnistcore.models.registry import Model
from mnistcore.records import Progress

N_TRAIN_EVALUATION = 5_000  # images on which a training accuracy rests, if nobody took it before
SMALL_SAMPLE = 1_000  # fewer than these and the verdict says how many


@dataclass(frozen=True)
class EvaluationReport:
    """What a network says of test images, beside how it does on images that it learned from."""

    model: Model
    test: Digits
    score: Score  # on every image of `test`
    train_accuracy: float | None  # 0 to 1; None where what it learned from is not there, or nothing
    train_count: int  # images that it learned from that this rests on
    learned: TrainingProvenance = UNKNOWN


def evaluate_model(
    model: Model, learned: TrainingProvenance, train: Digits, test: Digits
) -> EvaluationReport:
    """Let a network read every test image and, unless that is known, what it learned from."""
    accuracy, count = learned.accuracy, learned.accuracy_count
    if not learned.met(train.dataset):
        accuracy, count = None, 0
    elif accuracy is None and (clean := seen_subset(learned, train)) is not None:
        clean = clean.head(N_TRAIN_EVALUATION)
        accuracy, count = evaluate(model.network, clean).accuracy, len(clean)
    return EvaluationReport(model, test, evaluate(model.network, test), accuracy, count, learned)


def misclassified(exam: EvaluationReport) -> list[int]:
    """The places of the test images that were misread, the surest mistake first."""
    return by_confidence(exam.score, exam.score.predicted != exam.test.labels)


def confusion_cell(exam: EvaluationReport, true: int, said: int) -> list[int]:
    """The places of the test images of a `true` that were read as a `said`, the surest first."""
    return by_confidence(exam.score, (exam.test.labels == true) & (exam.score.predicted == said))


def diagnose_report(
    exam: EvaluationReport, history: Sequence[Progress] = (), diverged: bool = False
) -> Diagnosis | None:
    """The verdict, with what `training_history` tells; None if no training accuracy is known."""
    score, trained, config = exam.score, exam.train_accuracy, exam.learned.config
    if trained is None:
        return None
    found = diagnose_fit(
        trained,
        score.accuracy,
        score.count,
        test_loss=score.loss,
        history=history,
        one_digit=float(score.predicted.bincount().max()) / score.count,
        diverged=diverged,
        learning_rate=config.learning_rate if config else None,
        defect=config.defect if config else CLEAN,
    )
    relabelled = bool(config and config.defect.relabels)
    return report_diagnosis(
        trained, exam.train_count, score.accuracy, score.count, found, relabelled=relabelled
    )


def report_diagnosis(
    train_accuracy: float,
    train_count: int,
    test_accuracy: float,
    test_count: int,
    found: Diagnosis | None = None,
    *,
    relabelled: bool = False,
) -> Diagnosis:
    """A diagnosis in words, with its figures; `found` where more is known than the accuracies.

    relabelled: whether some of what it learned from had other labels than their own.
    """
    found = found or diagnose_fit(train_accuracy, test_accuracy, test_count)
    few = f"{train_count:,} " if train_count < SMALL_SAMPLE else ""
    as_labelled = ", as they were labelled," if relabelled else ""
    sentence = (
        f"It reads **{train_accuracy:.1%}** of the {few}images that it learned from{as_labelled} "
        f"and **{test_accuracy:.1%}** of new ones: {found.reason}."
    )
    rests_on = (
        f"This rests on {test_count:,} test images that it never learned from, and {train_count:,} "
        f"that it did. Chance alone moves the test figure by up to "
        f"{100 * margin_of_error(test_accuracy, test_count):.1f} points."
    )
    return found._replace(sentence=sentence, rests_on=rests_on)
