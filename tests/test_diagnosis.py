"""What the figures of a training say: five ways to end, told apart."""

import math

import pytest

from mnistcore.evaluation.diagnosis import (
    CHANCE_LOSS,
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
