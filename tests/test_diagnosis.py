"""What the figures of a training say: five ways to end, told apart."""

import math

import pytest

from mnistcore.config import Defect
from mnistcore.evaluation.diagnosis import (
    CHANCE_LOSS,
    attainable_accuracy,
    diagnose_fit,
    margin_of_error,
    suggest_learning_rate,
)
from mnistcore.records import Progress


def records(*tests, loss=1.0):
    """A history by its test accuracies."""
    return [Progress(0, 1, 0, loss=loss, test_loss=loss, test_accuracy=share) for share in tests]


def kind(train, test, count=10_000, **known):
    return diagnose_fit(train, test, count, **known).kind


BETTER = records(0.1, 0.38, 0.62, 0.42)


@pytest.mark.parametrize(
    ("kind_of_it", "train", "test", "known"),
    [
        ("underfitting", 0.76, 0.75, {"test_loss": 0.8, "history": records(0.1, 0.5, 0.75)}),
        ("overfitting", 1.0, 0.86, {"test_loss": 0.9, "history": records(0.1, 0.8, 0.86)}),
        ("about right", 0.99, 0.985, {"test_loss": 0.05, "history": records(0.1, 0.9, 0.985)}),
        ("collapsed", 0.11, 0.1135, {"test_loss": 2.3034, "history": BETTER}),
        ("collapsed", 0.10, 0.1009, {"test_loss": 2.3028, "history": records(0.1, loss=6.8)}),
        ("collapsed", 0.10, 0.1009, {"test_loss": 2.3028, "one_digit": 1.0}),
        ("diverged", 0.12, 0.12, {"test_loss": math.inf}),
        ("diverged", 0.12, 0.12, {"test_loss": math.nan}),
        ("diverged", 0.99, 0.985, {"diverged": True}),
        ("diverged", 0.12, 0.1153, {"test_loss": 33.0, "history": records(0.1, 0.2)}),
        ("diverged", 0.35, 0.33, {"test_loss": 2.6, "history": BETTER}),
    ],
)
def test_the_five_ways_to_end_are_told_apart(kind_of_it, train, test, known):
    assert kind(train, test, **known) == kind_of_it


def test_steps_too_small_to_get_anywhere_are_no_collapse():
    slow = records(0.12, 0.12, 0.13, loss=2.31)
    assert kind(0.13, 0.13, test_loss=2.31, history=slow, one_digit=0.99) == "underfitting"


def test_who_learned_by_heart_is_sure_of_its_mistakes_and_has_not_diverged():
    assert kind(1.0, 0.7, test_loss=5.0, history=records(0.1, 0.7)) == "overfitting"


@pytest.mark.parametrize("known", [{"diverged": True}, {"test_loss": 2.3, "history": BETTER}])
def test_who_took_steps_too_big_is_told_what_to_try(known):
    found = diagnose_fit(0.11, 0.11, 1000, learning_rate=1.0, **known)
    assert found.advice[0] == "a smaller learning rate, such as 0.01"
    assert "too big" in found.reason


@pytest.mark.parametrize(
    ("rate", "smaller"), [(100, 0.01), (1, 0.01), (0.05, 0.005), (0.008, 0.0008), (1e-5, 1e-6)]
)
def test_a_smaller_rate_is_a_tenth_and_never_wild(rate, smaller):
    assert suggest_learning_rate(rate) == smaller


def test_the_margin_of_error_is_two_standard_errors_and_never_nothing():
    assert margin_of_error(0.5, 10_000) == pytest.approx(0.01, rel=1e-3)
    assert margin_of_error(1.0, 10) > 0.1
    assert margin_of_error(0.0, 0) > 0


def test_a_guess_has_the_loss_of_ten_equal_chances():
    assert pytest.approx(2.3026, abs=1e-4) == CHANCE_LOSS


NOISE = Defect("label-noise", share=0.4)


@pytest.mark.parametrize(
    ("kind_of_it", "defect", "train", "test"),
    [
        ("about right", NOISE, 0.585, 0.977),  # below 100 % for want of true labels alone
        ("overfitting", NOISE, 0.962, 0.635),
        ("overfitting", NOISE, 0.70, 0.88),  # although the test is ahead
        ("underfitting", NOISE, 0.45, 0.70),
        ("spoiled", Defect("label-noise", share=0.8), 0.19, 0.80),
        ("spoiled", Defect("missing-class"), 0.991, 0.89),
        ("spoiled", Defect("swapped-labels", 4, 9), 0.991, 0.795),
        ("spoiled", Defect("inverted"), 0.98, 0.12),
        ("about right", Defect("thick-only", share=0.2), 0.997, 0.985),
        ("underfitting", Defect("missing-class"), 0.80, 0.70),
    ],
)
def test_of_spoiled_data_it_is_said_what_it_did(kind_of_it, defect, train, test):
    assert kind(train, test, defect=defect, test_loss=3.0) == kind_of_it


def test_the_labels_that_can_be_had_without_learning_by_heart():
    shares = (0.001, 0.4, 0.9, 1.0)
    most = [attainable_accuracy(Defect("label-noise", share=share)) for share in shares]
    assert most == pytest.approx([0.999, 0.6, 0.1, 1 / 9])
    assert attainable_accuracy(Defect("missing-class")) == attainable_accuracy(Defect()) == 1


def test_a_test_of_another_kind_shows_no_steps_too_big():
    early = {"test_loss": 9.0, "history": BETTER}
    assert kind(0.6, 0.1, **early) == "overfitting"
    assert kind(0.3, 0.1, **early) == "diverged"
    assert kind(0.3, 0.1, defect=Defect("inverted"), **early) == "underfitting"
    assert kind(0.1, 0.1, defect=Defect("inverted"), **early) == "diverged"
